"""Deliver what is due in a step into the accumulator of a block."""

import numpy as np

from spikecuda.kernels.network.calendar import push, take
from spikecuda.kernels.network.history import line_of
from spikecuda.kernels.network.layout import (
    BLOCK_BUNDLES,
    BLOCK_CELLS,
    BLOCK_HEADS,
    BLOCK_PENDING,
    BLOCK_QUEUE,
    BLOCK_RING_MASK,
    BLOCK_SLOT_MASK,
    BLOCK_STATE,
    BLOCK_STRIDE,
    BUNDLE,
    BUNDLE_HEADS,
    BUNDLE_KIND,
    BUNDLE_LEARN,
    BUNDLE_LEARNING,
    BUNDLE_OFFSET,
    BUNDLE_TARGETS,
    BUNDLE_WEIGHT,
    BUNDLE_WEIGHTS,
    CALENDAR_EVENTS,
    CONSTANT,
    DELAY,
    HISTORY,
    LAST,
    LEARNING_FINISH,
    LEARNING_PRE,
    LEARNING_SOURCES,
    NARROW,
    PLASTIC,
    SEGMENT_BITS,
)
from spikecuda.kernels.network.machine import (
    add_int32,
    call_finish,
    call_learn,
    int64_at,
    prefetch,
    read_int32,
    read_int64,
    read_uint16,
    read_uint32,
    smaller,
    write_int64,
)
from spikecuda.kernels.numerics.inner import inner

SEGMENT_MASK = (1 << SEGMENT_BITS) - 1
ROW = 8 * BUNDLE  # bytes
# How many segments ahead the loop asks for what it will read: where, the beginning of what, and
# the rest of a long segment, of which a hardware prefetcher would notice too late.
FAR, NEAR, NEXT = 16, 8, 6
BEGINNING, MOST = 256, 4096  # bytes


@inner
def add_constant(cells, targets, count, weight):
    """Add one weight to the int32 cell of each target; all but ``weight`` are addresses."""
    for e in range(count):
        add_int32(cells + 4 * read_uint16(targets + 2 * e), weight)


@inner
def add_wide(cells, targets, weights, count):
    """Add an int32 weight to the cell of each target."""
    for e in range(count):
        add_int32(cells + 4 * read_uint16(targets + 2 * e), read_int32(weights + 4 * e))


@inner
def add_words(cells, words, count):
    """Add the int16 weight in the upper half of each word to the cell of the target in its lower.

    By four, each with instructions of its own: with one for all, a processor that predicts which
    store a load depends on may take neighbours for the same cell, and be three times as slow.  What
    is left goes without a branch, with weights of 0 for words past the end, which must exist.
    """
    end = words + 4 * count
    while words + 16 <= end:
        word = read_int32(words)
        add_int32(cells + 4 * (word & 0xFFFF), word >> 16)
        word = read_int32(words + 4)
        add_int32(cells + 4 * (word & 0xFFFF), word >> 16)
        word = read_int32(words + 8)
        add_int32(cells + 4 * (word & 0xFFFF), word >> 16)
        word = read_int32(words + 12)
        add_int32(cells + 4 * (word & 0xFFFF), word >> 16)
        words += 16
    word = read_int32(words)
    add_int32(cells + 4 * (word & 0xFFFF), (word >> 16) & -np.int64(words < end))
    word = read_int32(words + 4)
    add_int32(cells + 4 * (word & 0xFFFF), (word >> 16) & -np.int64(words + 4 < end))
    word = read_int32(words + 8)
    add_int32(cells + 4 * (word & 0xFFFF), (word >> 16) & -np.int64(words + 8 < end))


@inner
def _ask_where(bundles, cursor):
    """Prefetch where a cursor's segment begins."""
    bundle, segment = bundles + ROW * (cursor >> SEGMENT_BITS), cursor & SEGMENT_MASK
    prefetch(read_int64(bundle + 8 * BUNDLE_HEADS) + 8 * segment)
    if read_int64(bundle + 8 * BUNDLE_KIND) == PLASTIC:
        learning = read_int64(bundle + 8 * BUNDLE_LEARNING)
        prefetch(read_int64(learning + 8 * LEARNING_SOURCES) + 4 * segment)


@inner
def _ask_what(bundles, cursor):
    """Prefetch the beginning of a cursor's segment."""
    bundle, segment = bundles + ROW * (cursor >> SEGMENT_BITS), cursor & SEGMENT_MASK
    kind = read_int64(bundle + 8 * BUNDLE_KIND)
    first = read_uint32(read_int64(bundle + 8 * BUNDLE_HEADS) + 8 * segment)
    targets = read_int64(bundle + 8 * BUNDLE_TARGETS)
    if kind == NARROW:
        for at in range(0, BEGINNING, 64):
            prefetch(targets + 4 * first + at)
        return
    prefetch(targets + 2 * first)
    prefetch(targets + 2 * first + 64)
    if kind != CONSTANT:
        weights = read_int64(bundle + 8 * BUNDLE_WEIGHTS) + 4 * first
        prefetch(weights)
        prefetch(weights + 64)
    if kind == PLASTIC:
        learning = read_int64(bundle + 8 * BUNDLE_LEARNING)
        source = read_uint32(read_int64(learning + 8 * LEARNING_SOURCES) + 4 * segment)
        prefetch(line_of(int64_at(read_int64(learning + 8 * LEARNING_PRE), HISTORY), source))


@inner
def _ask_rest(bundles, cursor):
    """Prefetch what follows the beginning of a cursor's segment."""
    bundle, segment = bundles + ROW * (cursor >> SEGMENT_BITS), cursor & SEGMENT_MASK
    kind = read_int64(bundle + 8 * BUNDLE_KIND)
    head = read_int64(bundle + 8 * BUNDLE_HEADS) + 8 * segment
    first = read_uint32(head)
    count = read_uint32(head + 8) - first
    targets = read_int64(bundle + 8 * BUNDLE_TARGETS)
    if kind == NARROW:
        for at in range(BEGINNING, smaller(4 * count, MOST), 64):
            prefetch(targets + 4 * first + at)
        return
    for at in range(128, smaller(2 * count, MOST), 64):
        prefetch(targets + 2 * first + at)
    if kind != CONSTANT:
        weights = read_int64(bundle + 8 * BUNDLE_WEIGHTS) + 4 * first
        for at in range(128, smaller(4 * count, MOST), 64):
            prefetch(weights + at)


@inner
def deliver(block, step, most):
    """Add what is due in ``step`` to its slot of the accumulator; advance the cursors.

    What becomes due in ``step`` afterwards is delivered by another call, and so is what is in more
    than ``most`` chunks of the calendar.
    """
    slot = step & block[BLOCK_SLOT_MASK]
    if read_int32(block[BLOCK_HEADS] + 4 * slot) < 0:
        return
    queue, bundles = block[BLOCK_QUEUE], block[BLOCK_BUNDLES]
    size = take(block, slot, most)
    base = block[BLOCK_CELLS] + 4 * (step & block[BLOCK_RING_MASK]) * block[BLOCK_STRIDE]
    events = np.int64(0)
    for i in range(smaller(FAR, size)):
        _ask_where(bundles, read_int64(queue + 8 * i))
    for i in range(smaller(NEAR, size)):
        _ask_what(bundles, read_int64(queue + 8 * i))
    for i in range(size):
        if i + FAR < size:
            _ask_where(bundles, read_int64(queue + 8 * (i + FAR)))
        if i + NEAR < size:
            _ask_what(bundles, read_int64(queue + 8 * (i + NEAR)))
        if i + NEXT < size:
            _ask_rest(bundles, read_int64(queue + 8 * (i + NEXT)))
        cursor = read_int64(queue + 8 * i)
        bundle, segment = bundles + ROW * (cursor >> SEGMENT_BITS), cursor & SEGMENT_MASK
        kind = read_int64(bundle + 8 * BUNDLE_KIND)
        head = read_int64(bundle + 8 * BUNDLE_HEADS) + 8 * segment
        first = read_uint32(head)
        count = read_uint32(head + 8) - first
        cells = base + 4 * read_int64(bundle + 8 * BUNDLE_OFFSET)
        targets = read_int64(bundle + 8 * BUNDLE_TARGETS)
        if kind == NARROW:
            add_words(cells, targets + 4 * first, count)
        elif kind == CONSTANT:
            add_constant(cells, targets + 2 * first, count, read_int64(bundle + 8 * BUNDLE_WEIGHT))
        elif kind == PLASTIC:
            call_learn(
                read_int64(bundle + 8 * BUNDLE_LEARN), bundle, segment, first, count, step, cells
            )
        else:
            weights = read_int64(bundle + 8 * BUNDLE_WEIGHTS) + 4 * first
            add_wide(cells, targets + 2 * first, weights, count)
        events += count
        delay = read_uint32(head + 4)
        if not delay & LAST:
            later = step + (read_uint32(head + 12) & DELAY) - delay
            push(block, later & block[BLOCK_SLOT_MASK], cursor + 1)
    pending = block[BLOCK_PENDING]
    for i in range(read_int64(pending)):
        bundle = read_int64(pending + 8 * (1 + i))
        finish = read_int64(read_int64(bundle + 8 * BUNDLE_LEARNING) + 8 * LEARNING_FINISH)
        call_finish(finish, bundle, base + 4 * read_int64(bundle + 8 * BUNDLE_OFFSET))
    write_int64(pending, np.int64(0))
    state = block[BLOCK_STATE] + 8 * CALENDAR_EVENTS
    write_int64(state, read_int64(state) + events)
