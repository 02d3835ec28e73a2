"""The calendar: which segments of rows are due in which step.

A spike puts one cursor, the first segment of its row, into the slot of the step that the segment
arrives in; when it has been delivered, the row's next segment goes into its own slot.  A cursor is
``bundle << 40 | segment``.  Slots are lists of chunks of 62 cursors from one pool, last in first
out, so that what is in use stays in the cache.  A spare chunk holds how far behind the chunk after
it the next spare one is: zeros are a list of all.  Order within a slot does not matter: sums of
integers commute.
"""

import numpy as np

from spikecuda.kernels.network.layout import (
    BLOCK_CHUNKS,
    BLOCK_HEADS,
    BLOCK_QUEUE,
    BLOCK_STATE,
    CALENDAR_ACTIVE,
    CALENDAR_FREE,
    CALENDAR_SPARE,
    CHUNK_CURSORS,
    CHUNK_WORDS,
)
from spikecuda.kernels.network.machine import (
    read_int32,
    read_int64,
    write_int32,
    write_int64,
)
from spikecuda.kernels.numerics.inner import inner


@inner
def push(block, slot, cursor):
    """Put a cursor into a slot of a block's calendar; there must be a spare chunk."""
    heads, chunks, state = block[BLOCK_HEADS], block[BLOCK_CHUNKS], block[BLOCK_STATE]
    chunk = read_int32(heads + 4 * slot)
    at = chunks + 8 * CHUNK_WORDS * chunk
    count = np.int64(0)
    if chunk >= 0:
        count = read_int64(at + 8)
    if chunk < 0 or count == CHUNK_CURSORS:
        fresh = read_int64(state + 8 * CALENDAR_FREE)
        at = chunks + 8 * CHUNK_WORDS * fresh
        write_int64(state + 8 * CALENDAR_FREE, fresh + 1 + read_int64(at))
        write_int64(state + 8 * CALENDAR_SPARE, read_int64(state + 8 * CALENDAR_SPARE) - 1)
        write_int64(at, chunk)
        write_int32(heads + 4 * slot, fresh)
        count = np.int64(0)
    write_int64(at + 16 + 8 * count, cursor)
    write_int64(at + 8, count + 1)
    write_int64(state + 8 * CALENDAR_ACTIVE, read_int64(state + 8 * CALENDAR_ACTIVE) + 1)


@inner
def take(block, slot, most):
    """Move the cursors of ``most`` chunks of a slot to the block's queue; return how many.

    The chunks are spare again.
    """
    heads, chunks, state = block[BLOCK_HEADS], block[BLOCK_CHUNKS], block[BLOCK_STATE]
    queue = block[BLOCK_QUEUE]
    total = np.int64(0)
    chunk = read_int32(heads + 4 * slot)
    while chunk >= 0 and most > 0:
        at = chunks + 8 * CHUNK_WORDS * chunk
        count = read_int64(at + 8)
        for i in range(count):
            write_int64(queue + 8 * (total + i), read_int64(at + 16 + 8 * i))
        total += count
        following = read_int64(at)
        write_int64(at, read_int64(state + 8 * CALENDAR_FREE) - (chunk + 1))
        write_int64(state + 8 * CALENDAR_FREE, chunk)
        write_int64(state + 8 * CALENDAR_SPARE, read_int64(state + 8 * CALENDAR_SPARE) + 1)
        chunk = following
        most -= 1
    write_int32(heads + 4 * slot, chunk)
    write_int64(state + 8 * CALENDAR_ACTIVE, read_int64(state + 8 * CALENDAR_ACTIVE) - total)
    return total
