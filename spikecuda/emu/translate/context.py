"""The launch context: one array of 64-bit words that a kernel, the scheduler and the checks share.

The layout is named here once; generated code, njit code and Python all index it through these
constants.
"""

from __future__ import annotations

NTID = 0  # x, y, z
NCTAID = 3  # x, y, z
SHARED = 6  # address of the block's shared memory
SHARED_BYTES = 7
DYNAMIC_BYTES = 8
LOCAL = 9  # address of local memory, checked modes only
LOCAL_BYTES = 10  # for one thread
SHARED_WRITTEN = 11  # address of a byte map: 0 never written, 1 written, 2 not a variable
LOCAL_WRITTEN = 12
REGIONS = 13  # address of rows (base, end, written map or 0, race map or 0, read-only, touched)
REGION_COUNT = 14
ARENA = 15  # address of the coroutine frames; 0 asks for the size of a frame
FRAME_BYTES = 16
RECORDS = 17  # address of the threads' records
HANDLES = 18  # address of the threads' coroutine handles
FAULT = 19  # one of the FAULT_ codes below; 0 means none
FAULT_BLOCK = 20
FAULT_THREAD = 21
FAULT_ADDRESS = 22
FAULT_SIZE = 23
FAULT_LINE = 24
FAULT_OTHER = 25  # second thread, or a count
FAULT_OTHER_LINE = 26
EPOCH = 27  # race mode: number of the current interval between barriers
FIRST_EPOCH = 28  # race mode: the first such number of this launch
CLOCKS = 29  # race mode: address of int32[threads, 32]
SHARED_RACE = 30
THREADS = 31  # threads of one block
LAST_REGION = 32
FUEL = 33  # checked modes: backward branches that the launch may still take
CTX_WORDS = 40

# Faults.
FAULT_BOUNDS = 1
FAULT_ALIGN = 2
FAULT_UNINITIALISED = 3
FAULT_READ_ONLY = 4
FAULT_RACE = 5
FAULT_BARRIER_EXITED = 6
FAULT_BARRIER_DIFFERS = 7
FAULT_WARP_STUCK = 8
FAULT_NOT_IN_MASK = 9
FAULT_SHUFFLE_SOURCE = 10
FAULT_DIVISION = 11
FAULT_FUEL = 12
FAULT_REDZONE = 13
FAULT_BARRIER_COUNT = 14
FAULT_TRAP = 15

# A thread's record: eight 32-bit words.
RECORD_WORDS = 8
KIND = 0
MASK = 1
LINE = 2
MODE = 3
VALUE = 4  # also the result
VALUE_HIGH = 5  # also the result's predicate, or its upper half
ARG_B = 6
ARG_C = 7

# What a thread waits for (KIND).
RUNNING = 0
EXITED = 1
BARRIER = 2  # MODE: reduction; VALUE: predicate; ARG_B: barrier number; ARG_C: threads, 0 for all
SYNCWARP = 3
VOTE = 4  # MODE: a VOTE_ code
SHUFFLE = 5  # MODE: a SHUFFLE_ code; ARG_B, ARG_C as in PTX
MATCH = 6  # MODE: bit 0 all, bit 1 64 bits
REDUCE = 7  # MODE: a REDUCE_ code
ACTIVEMASK = 8

VOTE_BALLOT, VOTE_ALL, VOTE_ANY, VOTE_UNI = 0, 1, 2, 3
SHUFFLE_UP, SHUFFLE_DOWN, SHUFFLE_BFLY, SHUFFLE_IDX = 0, 1, 2, 3
(
    REDUCE_ADD,
    REDUCE_MIN_U,
    REDUCE_MAX_U,
    REDUCE_MIN_S,
    REDUCE_MAX_S,
    REDUCE_AND,
    REDUCE_OR,
    REDUCE_XOR,
) = range(8)
BARRIER_PLAIN, BARRIER_POPC, BARRIER_AND, BARRIER_OR = 0, 1, 2, 3
BARRIER_ALIGNED = 4  # added to the above: the lanes of a warp must be at the same instruction

# Flags of a checked access.
READ, WRITE, ATOMIC = 1, 2, 4
SPACE_GENERIC, SPACE_GLOBAL, SPACE_SHARED, SPACE_LOCAL, SPACE_CONST = 0, 8, 16, 24, 32
SPACE_MASK = 56
