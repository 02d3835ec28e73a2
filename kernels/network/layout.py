"""The tables that tell the network loops where everything is: int64, one row a thing.

An address is that of a NumPy array which the engine keeps alive.  ``spikecuda.network.cpu`` writes
the tables; the loops only read them.
"""

# A block: the neurons that one thread advances, and what arrives at them.
BLOCK = 24
(
    BLOCK_STRIDE,  # cells of one slot of the accumulator: neurons x ports
    BLOCK_RING_MASK,  # slots of the accumulator - 1
    BLOCK_CELLS,  # address: int32, the accumulator
    BLOCK_HEADS,  # address: int32, first chunk of each slot of the calendar, or -1
    BLOCK_SLOT_MASK,  # slots of the calendar - 1
    BLOCK_CHUNKS,  # address: int64, chunks of the calendar
    BLOCK_STATE,  # address: int64, see C_* below
    BLOCK_QUEUE,  # address: int64, scratch: the cursors of one slot
    BLOCK_QUEUE_SIZE,
    BLOCK_CLOCK,  # address: int64[2], step and row of the window, as kernels read them
    BLOCK_FIRST_PART,
    BLOCK_LAST_PART,
    BLOCK_BUNDLES,  # address: int64, bundles x BUNDLE
    BLOCK_BUNDLES_OF,  # address: int32, bundles of population p: [p] to [p + 1]
    BLOCK_SOURCE_HISTORIES,  # address: int64, histories x HISTORY, of sources
    BLOCK_SOURCE_HISTORIES_OF,  # address: int32, those of population p: [p] to [p + 1]
    BLOCK_TARGET_HISTORIES,  # the same of targets
    BLOCK_TARGET_HISTORIES_OF,
    BLOCK_HISTORY_COUNT,  # of sources and of targets, which follow them
    BLOCK_PENDING,  # address: int64, bundles whose batches are to be finished: how many, their rows
) = range(20)

# The state of a block's calendar.
CALENDAR_FREE, CALENDAR_SPARE, CALENDAR_ACTIVE, CALENDAR_EVENTS, CALENDAR_CHUNKS = range(5)

# A bundle: rows of synapses from one population to one block, all into one port.
BUNDLE = 16
(
    BUNDLE_KIND,
    BUNDLE_OFFSET,  # first cell of the port
    BUNDLE_WEIGHT,  # the weight of all synapses, if it is the same
    BUNDLE_TARGETS,  # address: uint16; NARROW: uint32 with the target below and the weight above
    BUNDLE_WEIGHTS,  # address: int32, or reals that learn
    BUNDLE_HEADS,  # address: uint32 (segments + 1, 2): the first synapse of each segment and its
    # delay in steps, with LAST on a row's last one; and the end
    BUNDLE_ROWS,  # address: uint32, first segment of each source's row, and the end
    BUNDLE_RULE,  # address of a procedural projection's description
    BUNDLE_SEND,  # address of ``network_procedural.send_row``
    BUNDLE_LEARN,  # of synapses with a rule (PLASTIC): address of the rule's ``learn``
    BUNDLE_LEARNING,  # address: int64, LEARNING
) = range(11)
# SHORT: in a table only; its rows are those of ``short``, which are not looked up for each block.
CONSTANT, NARROW, WIDE, PROCEDURAL, PLASTIC, SHORT = range(6)
LAST = 0x8000
DELAY = 0x7FFF
SEGMENT_BITS = 40

# The synapses of a bundle that learn, as one block sees them.
LEARNING = 32
(
    LEARNING_SOURCES,  # address: uint32, the source of each segment
    LEARNING_PRE,  # address of the row of the sources' history
    LEARNING_POST,  # address of the row of the targets' history
    LEARNING_FIRST,  # cell, within the port, of the first neuron of the targets' history
    LEARNING_SLOPE,  # a spike of a target, at step s, is at a synapse of delay d for spikes of its
    LEARNING_SHIFT,  # source from step s + slope d + shift on
    LEARNING_SWEPT,  # weights are as of step min(swept - d, ...): sweeps move it on
    LEARNING_MARK,  # events up to this step are in the weights, or have none
    LEARNING_FROZEN,  # whether the weights stay as they are
    LEARNING_CONSTANTS,  # address: reals, in the order of the rule's constants
    LEARNING_VARIABLES,  # address: int64, addresses of the arrays of the rule's variables
    LEARNING_SCRATCH,  # address: int64, three for each entry of the targets' log, and some
    LEARNING_SCALE,  # bits of the float64 that turns a weight into what is sent
    LEARNING_SENT,  # address: int32 (LEARNING_TILE,), what is sent; then flags and ordinals
    LEARNING_OVER,  # what could not be used of the results of its rule: bits, see ``learn_spec``
    LEARNING_BATCH,  # address: a batch of synapses, see ``templates/learn_together``
    LEARNING_FILLED,  # synapses that it holds
    LEARNING_SEGMENTS,  # of so many segments
    LEARNING_PENDING,  # address: int64, bundles with such a batch: how many, and their rows
    LEARNING_LISTED,  # whether this one is among them
    LEARNING_FINISH,  # address of the rule's ``finish``
    LEARNING_KIND,  # of the bundle: PLASTIC, or what weights are like that stay as they are
    LEARNING_KEYS,  # key of its random numbers: the lower word, and the upper one 32 bits up
    LEARNING_NEURON,  # number, within its population, of the neuron of the cell LEARNING_FIRST
    LEARNING_MODULATION,  # address: int64, MODULATION, or 0
    LEARNING_FLOWN,  # weights have been brought to this end of an epoch at least
    LEARNING_BOUNDARY,  # a sweep brings them to this one
    LEARNING_SINCE,  # variables have decayed up to this step, or begin there: the mark's, unless
    # all events up to the mark were noted without letting them decay
) = range(28)
# Synapses that learn at a time.
LEARNING_TILE = 512

# A modulator: its level and, of each step, the integral of what it does to synapses; see
# ``spikecuda.network.cpu.modulation``.  Values are bits of float64.
MODULATION = 16
(
    MODULATION_INTEGRAL,  # address: float64, of each step from MODULATION_BASE on
    MODULATION_BASE,  # begins an epoch
    MODULATION_FILLED,  # the last step that is known
    MODULATION_LEVEL,  # the level after it, its spikes included
    MODULATION_SUM,  # the integral up to it, since its epoch began
    MODULATION_FACTOR,  # what is left in it of an eligibility of the epoch's beginning
    MODULATION_EPOCH,  # steps
    MODULATION_DELAY,  # steps from a spike to its effect
    MODULATION_CHOSEN,  # address: uint8, which neurons of the population count
    MODULATION_JUMP,  # of the level at a spike
    MODULATION_DECAY,  # of the level in a step
    MODULATION_FADE,  # of an eligibility in a step
    MODULATION_GAIN,  # what a level of 1 adds to the integral in an epoch's first step
    MODULATION_LOSS,  # what the baseline takes off it
    MODULATION_COUNTS,  # address: int32, spikes that arrive in each step: a ring
    MODULATION_WINDOW,  # steps, a power of two: a window's spikes come in any order; a half of it
) = range(16)

# A history: steps of the spikes of a population's neurons, and what their traces were then.  The
# last four spikes of a neuron are a line; older ones are in a log, newest first by links.
HISTORY = 24
(
    HISTORY_LINES,  # address: int32 words, neurons x stride; four steps, then four times values
    HISTORY_STRIDE,  # words of a line
    HISTORY_SPILL,  # address: int32, entry of the log that follows a neuron's line, or -1
    HISTORY_LOG,  # address: int32 words: step, link, values
    HISTORY_ENTRY,  # words of an entry of the log
    HISTORY_STATE,  # address: int64[2]: entries used, and how many there are
    HISTORY_CONSTANTS,  # address: reals, in the order of the rule's constants
    HISTORY_PUSH,  # address of the rule's ``push_source`` or ``push_target``
    HISTORY_NEURON,  # number, within its population, of the first neuron
    HISTORY_NEED,  # entries that two windows may take
    HISTORY_START,  # address: reals, values before the first spike
    HISTORY_WATCH,  # address of the rule's ``watch``, called in each step; 0: none
    HISTORY_COUNT,  # neurons; then what a watch needs: the address of states of recent steps,
    HISTORY_RING,  # reals (steps, states, neurons)
    HISTORY_RING_MASK,  # how many steps less one
    HISTORY_STATES,  # address: int64, addresses of the states' arrays
    HISTORY_LATER,  # address: int64, how many steps later each is seen
) = range(17)
RECENT = 4
# The step of a spike that never was.
NEVER = -(1 << 30)
# Spikes that were before this step never were.
LONG_AGO = NEVER // 2

# A procedural projection, as one block sees it.
RULE = 16
(
    RULE_INTS,  # address: int64, see draw.J_*
    RULE_FLOATS,  # address: float64, see draw.Q_*
    RULE_INDEX,  # address: int32, each neuron's number within the source view, or -1
    RULE_TWIN,  # address: int32, each neuron's number within the target view, or -1; 0: no autapses
    RULE_DEGREES,  # address: int32, synapses of each source, or 0
    RULE_TARGETS,  # address: int32, the target view's neurons; 0 for a whole population
    RULE_FIRST,  # the part of the target view that is in the block
    RULE_LAST,
    RULE_SHIFT,  # cell = neuron + shift
    RULE_ROW,  # elements of each scratch array
    RULE_SCRATCH,  # address: 6 arrays of 4-byte elements
    RULE_SEEN,  # address: int32, one a target, for rows without multapses
    RULE_KEY0,
    RULE_KEY1,
    RULE_DRAW_TARGETS,  # addresses of the functions of ``network_draw``
    RULE_DRAW_VALUES,
) = range(16)

# A part: the neurons of one population in one block.
PART = 16
(
    PART_ENTRY,  # address of the kernel's entry; 0 for a population without a kernel
    PART_TABLE,  # address of the kernel's arguments
    PART_COUNT,
    PART_FIRST,  # number of the part's first neuron within the population
    PART_POPULATION,
    PART_BITS,  # address: uint32, steps of a window x words
    PART_IDS,  # address: int32, 2 x (steps x neurons): spikes of this window and of the last one
    PART_UPTO,  # address: int64, 2 x (steps + 1): end of each step's spikes in PART_IDS
    PART_RECORD_STEPS,  # address: int64, or 0
    PART_RECORD_IDS,  # address: int32
    PART_RECORD_SIZE,
    PART_STATE,  # address: int64[2]: recorded spikes in the buffer, spikes of the run
    PART_CAPACITY,  # entries of one half of PART_IDS
    PART_BUSY,  # address: int32, scratch: a word's number for each word of a step, and one more
) = range(14)

# A trace: a variable of a part that is copied at the end of some steps.
TRACE = 8
(
    TRACE_BLOCK,
    TRACE_SOURCE,  # address of the variable
    TRACE_WIDTH,  # 4: float32, 8: float64, 2: float16 bits
    TRACE_INDEX,  # address: int32, which neurons of the part
    TRACE_COUNT,
    TRACE_EVERY,
    TRACE_OUT,  # address: first element of row 0, same type as the source
    TRACE_ROW,  # elements from one row of the output to the next
) = range(8)

# Spikes that come from outside, sorted by step: external trains, other devices.
EXTERNAL = 3

CHUNK_WORDS = 64
CHUNK_CURSORS = CHUNK_WORDS - 2

# What the threads of a run share.
THREADS_BARRIER, THREADS_STOP = 0, 8
THREADS_LINK = 10  # address: int64, LINK; 0: there are no other processes
THREADS_SHORT = 11  # address: int64, see ``short``; 0: there are no such rows
THREADS_LATE = 12  # windows that may pass until a stop is heard by all processes
SHARED = 16

# What exchanges spikes with other processes; see ``cpu_loops/network_link``.
LINK = 48
(
    LINK_BEGIN,  # addresses of ``network_link.begin``, ``test``, ``end`` and ``file_received``
    LINK_TEST,
    LINK_END,
    LINK_FILE,
    LINK_RANK,  # number of this process
    LINK_RANKS,  # how many there are
    LINK_SEND,  # address: int32, the message of this process
    LINK_BLOCK,  # words of it that always travel: of the last message
    LINK_NEXT,  # of the next one
    LINK_MOST,  # at most, in all processes; 0: always as many
    LINK_PEAK,  # the longest list of late, in words / 1024
    LINK_BLOCKS,  # address: int32 (ranks, block): those of all processes
    LINK_LISTS,  # address: int32, the lists of all in full, if one is longer
    LINK_COUNTS,  # address: int32 (ranks,), words of each list
    LINK_PLACES,  # address: int32 (ranks,), where it begins in LINK_LISTS
    LINK_LONG,  # whether the last window's lists are there
    LINK_STOP,  # whether a process wants to stop after the last window
    LINK_UNDER_WAY,  # NOTHING, SENT or ARRIVED
    LINK_REQUEST,  # MPI's handle of what is under way
    LINK_DONE,  # an int: whether it was done when it was tested
    LINK_STATUS,  # address: what MPI tells about it
    LINK_ALLGATHER,  # addresses of MPI's functions: Iallgather, Test, Wait, Allgatherv, Wtime
    LINK_TESTS,
    LINK_WAITS,
    LINK_ALLGATHERV,
    LINK_WTIME,
    LINK_COMMUNICATOR,  # handles
    LINK_TYPE,
    LINK_WINDOWS,  # windows so far
    LINK_OVERFLOWS,  # those with a list that was longer than a block
    LINK_WORDS,  # words of all lists
    LINK_NANOSECONDS,  # waiting and exchanging
    LINK_HELD,  # steps of spikes that are written and not yet sent
    LINK_HELD_WORDS,  # words of them
    LINK_ROOM,  # they are sent once there are more steps than this
    LINK_LEFT,  # steps until all processes stop anyway
    LINK_WANTED,  # whether this process wants to stop
    LINK_BACK,  # steps from the first one of what was received to the window's first one
) = range(38)
LINK_HEAD = 2
NOTHING, SENT, ARRIVED = range(3)

# Of a kernel with many receptors: the header, and a row for each receptor, then for each Poisson
# input, in the order of what they reach: those of receptors, then the membrane's.
MANY_HEADER = 4
(
    MANY_RECEPTORS,  # how many
    MANY_MEMBRANE,  # the rows of Poisson inputs of the membrane: from here
    MANY_PULSES,  # to here
) = range(3)
MANY_ROW = 8
(
    MANY_KIND,  # of a receptor: which pass; of a Poisson input: whether each neuron has its rate
    MANY_WHERE,  # where its arguments begin in the table
    MANY_SCALE,  # of a receptor: where its scale is, and then its first cell
    MANY_FIRST,  # of a receptor: the rows of its Poisson inputs: from here
    MANY_LAST,  # to here
    MANY_NUMBER,  # of a Poisson input: its number
    MANY_WEIGHTS,  # of a Poisson input: whether each neuron has its weight
) = range(7)
