"""The calendar: which segments of rows are due in which step.

A spike puts one cursor, the first segment of its row, into the slot of the step that the segment
arrives in; when it has been delivered, the row's next segment goes into its own slot.  A cursor is
``bundle << 40 | segment``.  Slots are lists of chunks of 62 cursors from one pool, last in first
out, so that what is in use stays in the cache.  Order within a slot does not matter: sums of
integers commute.
"""

from spikecuda.kernels.network.layout import (
    CALENDAR_ACTIVE,
    CALENDAR_FREE,
    CALENDAR_SPARE,
    CHUNK_CURSORS,
    CHUNK_WORDS,
)
from spikecuda.kernels.numerics.inner import inner


@inner
def push(heads, chunks, state, slot, cursor):
    """Put a cursor into a slot; there must be a spare chunk."""
    chunk = heads[slot]
    if chunk < 0 or chunks[chunk * CHUNK_WORDS + 1] == CHUNK_CURSORS:
        fresh = state[CALENDAR_FREE]
        state[CALENDAR_FREE] = chunks[fresh * CHUNK_WORDS]
        state[CALENDAR_SPARE] -= 1
        chunks[fresh * CHUNK_WORDS] = chunk
        chunks[fresh * CHUNK_WORDS + 1] = 0
        heads[slot] = fresh
        chunk = fresh
    at = chunk * CHUNK_WORDS
    count = chunks[at + 1]
    chunks[at + 2 + count] = cursor
    chunks[at + 1] = count + 1
    state[CALENDAR_ACTIVE] += 1


@inner
def take(heads, chunks, state, slot, queue):
    """Move a slot's cursors to ``queue``; return how many; the chunks are spare again."""
    total = 0
    chunk = heads[slot]
    heads[slot] = -1
    while chunk >= 0:
        at = chunk * CHUNK_WORDS
        count = chunks[at + 1]
        for i in range(count):
            queue[total + i] = chunks[at + 2 + i]
        total += count
        following = chunks[at]
        chunks[at] = state[CALENDAR_FREE]
        state[CALENDAR_FREE] = chunk
        state[CALENDAR_SPARE] += 1
        chunk = following
    state[CALENDAR_ACTIVE] -= total
    return total
