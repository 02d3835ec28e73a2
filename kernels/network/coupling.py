"""The tables of continuous coupling on the CPU: int64, one row a thing; see ``layout``.

Before each step, a thread publishes what others read of its neurons' states (*items*), waits for
the others, and sums what its own neurons receive (*gathers*).  Where the step is iterated, it then
takes the step to see where it leads, goes back, and takes it again with the mean of both ends.
"""

# The word of a block's row that has the address of its thread's table; 0: nothing is coupled.
BLOCK_COUPLED = 20

# What a thread does in a step.
COUPLED = 24
(
    COUPLED_SHARED,  # address of the barrier
    COUPLED_THREADS,
    COUPLED_BEGIN,  # address: int64, items x ITEM: values at the start of a step
    COUPLED_BEGINS,  # how many
    COUPLED_GATHER,  # address: int64, gathers x GATHER, of these values
    COUPLED_GATHERS,
    COUPLED_END,  # items of an iterated step: values at its end, and the mean
    COUPLED_ENDS,
    COUPLED_AGAIN,  # gathers of the mean
    COUPLED_AGAINS,
    COUPLED_KEEP,  # address: int64, rows x KEEP: what an iterated step begins with
    COUPLED_KEEPS,
    COUPLED_PARTS,  # address of the table of parts, see ``layout.PART``
    COUPLED_MINE,  # address: int64, numbers of the thread's parts
    COUPLED_COUNT,  # how many
    COUPLED_TWICE,  # whether steps are iterated
    COUPLED_SENDS,  # address: int64, values x SEND, exchanged with other processes; those of an
    # iterated step follow
    COUPLED_SENT,  # how many at the start of a step; 0 in all threads but the first
    COUPLED_SENT_AGAIN,  # how many of an iterated step
    COUPLED_RANKS,  # how many processes there are
) = range(20)

# An item: what is computed of the states of a part's neurons.
ITEM = 8
(
    ITEM_KIND,
    ITEM_FROM,  # address; of CALL that of its table
    ITEM_TO,  # address; of CALL that of the function
    ITEM_COUNT,  # neurons; of COPY bytes
    ITEM_A,  # of DECODE bits of float64: origin and unit; of MEAN addresses: values at the start,
    ITEM_B,  # and the spike bits of the step, 0 where a spike is no jump
) = range(6)
COPY, DECODE, CALL, MEAN4, MEAN8 = range(5)

# A gather: what the neurons of a part receive of one coupling.
GATHER = 16
(
    GATHER_STARTS,  # address: int64, first synapse of each neuron, and the end
    GATHER_SOURCES,  # address: int32
    GATHER_WEIGHTS,  # address: reals, or 0: one for all
    GATHER_WEIGHT,  # bits of float64
    GATHER_VALUES,  # address: reals, of all neurons of the source population
    GATHER_OWN,  # address: reals, of the part's neurons, which are taken off; 0: nothing is
    GATHER_TO,  # address: reals
    GATHER_COUNT,
    GATHER_WIDTH,  # bytes of a real; 0: a function of both neurons sums
    GATHER_ADD,  # whether another coupling was there before
    GATHER_STRENGTH,  # bits of float64: a factor of the sum
    GATHER_FUNCTION,  # of pairs: the address of the function
    GATHER_ARGUMENTS,  # address: int64, addresses of what it takes: of the sources' population, or
    # of the part
) = range(13)

# A value of a population that processes exchange: each sends those of its own neurons.
SEND = 12
(
    SEND_FROM,  # address: the process' own
    SEND_BYTES,
    SEND_STAGE,  # address: where they are copied, as MPI does not send from where it receives
    SEND_TO,  # address: of all neurons
    SEND_WORDS,  # int32 words that are sent
    SEND_COUNTS,  # address: int32, words of each process
    SEND_PLACES,  # address: int32, where they begin
    SEND_FUNCTION,  # address of MPI_Allgatherv
    SEND_TYPE,  # of an int32
    SEND_COMMUNICATOR,
) = range(10)

# A row of what is kept: an address, bytes, where they are kept.  Of a block's accumulator the
# address is that of its first slot, and then follow the mask of its ring, and bytes of a slot.
KEEP = 8
KEEP_FROM, KEEP_BYTES, KEEP_AT, KEEP_MASK, KEEP_SLOT = range(5)
