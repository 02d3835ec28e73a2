"""Rows that are short: the tables by which the loops find them, and what their synapses are.

A process has one row for each source that has synapses there, for all of its blocks.  Which sources
these are is an index: 64 sources are two words of bits and how many sources with rows come before.
A synapse is a uint32, delay << SHORT_DELAY | block << SHORT_BLOCK | cell, and its weight.  The cell
counts from the first one of a step of the block's accumulator.
"""

# What all threads of a process share.
SHORT = 16
(
    SHORT_SPREAD,  # addresses of the functions of ``network_short``
    SHORT_OUTSIDE,
    SHORT_GATHER,
    SHORT_BLOCKS,  # how many blocks there are, and how many threads there may be
    SHORT_THREADS,
    SHORT_POPULATIONS,
    SHORT_BUNDLES,  # address: int64, bundles x SHORT_BUNDLE
    SHORT_BUNDLES_OF,  # address: int32, those of population p: [p] to [p + 1]
    SHORT_LISTS,  # address: int64 (threads, populations, LIST_WORDS), spikes to look up
    SHORT_BUCKETS,  # address: int64 (2, threads, blocks), addresses of buckets
    SHORT_CAPACITY,  # entries of a bucket
) = range(11)

# A bundle.
SHORT_BUNDLE = 16
(
    SHORT_INDEX,  # address: uint32 (groups, 4): bits of 64 sources, rows before them (int64)
    SHORT_STARTS,  # address: first synapse of each row, and the end
    SHORT_WIDE,  # whether these are int64, not uint32
    SHORT_WORDS,  # address: uint32, the synapses
    SHORT_WEIGHTS,  # address: int16 or int32
    SHORT_WIDTH,  # bytes of a weight, 0 where all have SHORT_WEIGHT
    SHORT_WEIGHT,
    SHORT_DELAY,  # bits of a word below the delay
    SHORT_BLOCK,  # bits of a word below the block: those of a cell
) = range(9)

GROUP, GROUP_BITS, GROUP_BYTES = 64, 6, 16
# Spikes that are looked up together: each is waited for while others are under way.  A list has
# how many there are, the spikes (step << 32 | neuron), and scratch for three numbers of each.
LIST = 256
LIST_WORDS = 8 + 4 * LIST
# A bucket: how many entries, and from here on the entries: cell << 32 | weight.
BUCKET_HEAD = 8
STEP_MASK = 0x7FFFFFFF
