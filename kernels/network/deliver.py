"""Deliver what is due in a step into the accumulator of a block."""

import numpy as np

from spikecuda.kernels.network.calendar import push, take
from spikecuda.kernels.network.history import line_of
from spikecuda.kernels.network.layout import (
    BLOCK_BUNDLES,
    BLOCK_CELLS,
    BLOCK_CHUNKS,
    BLOCK_HEADS,
    BLOCK_PENDING,
    BLOCK_QUEUE,
    BLOCK_QUEUE_SIZE,
    BLOCK_RING_MASK,
    BLOCK_SLOT_MASK,
    BLOCK_STATE,
    BLOCK_STRIDE,
    BUNDLE,
    BUNDLE_DELAYS,
    BUNDLE_KIND,
    BUNDLE_LEARN,
    BUNDLE_LEARNING,
    BUNDLE_OFFSET,
    BUNDLE_STARTS,
    BUNDLE_TARGETS,
    BUNDLE_WEIGHT,
    BUNDLE_WEIGHTS,
    CALENDAR_CHUNKS,
    CALENDAR_EVENTS,
    CHUNK_WORDS,
    CONSTANT,
    DELAY,
    HISTORY,
    LAST,
    LEARNING,
    LEARNING_FINISH,
    LEARNING_PRE,
    LEARNING_SOURCES,
    NARROW,
    PLASTIC,
    SEGMENT_BITS,
)
from spikecuda.kernels.network.machine import (
    address_of,
    call_finish,
    call_learn,
    int16_at,
    int32_at,
    int64_at,
    prefetch,
    smaller,
    uint16_at,
    uint32_at,
)
from spikecuda.kernels.numerics.inner import inner

SEGMENT_MASK = (1 << SEGMENT_BITS) - 1
# How many segments ahead the loop asks for what it will read: where, the beginning of what, and
# the rest of a long segment, of which a hardware prefetcher would notice too late.
FAR, NEAR, NEXT = 16, 8, 2
BEGINNING, MOST = 128, 4096  # bytes


@inner
def add_constant(cells, targets, weight):
    """Add one weight to the cell of each target."""
    for e in range(targets.size):
        cells[targets[e]] += weight


@inner
def add_weights(cells, targets, weights):
    """Add a weight to the cell of each target."""
    for e in range(targets.size):
        cells[targets[e]] += weights[e]


@inner
def _ask_where(block, cursor):
    """Prefetch where a cursor's segment begins."""
    bundle = int64_at(block[BLOCK_BUNDLES] + 8 * BUNDLE * (cursor >> SEGMENT_BITS), BUNDLE)
    prefetch(bundle[BUNDLE_STARTS] + 4 * (cursor & SEGMENT_MASK))
    prefetch(bundle[BUNDLE_DELAYS] + 2 * (cursor & SEGMENT_MASK))
    if bundle[BUNDLE_KIND] == PLASTIC:
        learning = int64_at(bundle[BUNDLE_LEARNING], LEARNING)
        prefetch(learning[LEARNING_SOURCES] + 4 * (cursor & SEGMENT_MASK))


@inner
def _ask_what(block, cursor):
    """Prefetch the beginning of a cursor's segment."""
    bundle = int64_at(block[BLOCK_BUNDLES] + 8 * BUNDLE * (cursor >> SEGMENT_BITS), BUNDLE)
    first = np.int64(uint32_at(bundle[BUNDLE_STARTS], 1)[cursor & SEGMENT_MASK])
    prefetch(bundle[BUNDLE_TARGETS] + 2 * first)
    prefetch(bundle[BUNDLE_TARGETS] + 2 * first + 64)
    if bundle[BUNDLE_KIND] != CONSTANT:
        width = 2 if bundle[BUNDLE_KIND] == NARROW else 4
        prefetch(bundle[BUNDLE_WEIGHTS] + width * first)
        prefetch(bundle[BUNDLE_WEIGHTS] + width * first + 64)
    if bundle[BUNDLE_KIND] == PLASTIC:
        learning = int64_at(bundle[BUNDLE_LEARNING], LEARNING)
        source = uint32_at(learning[LEARNING_SOURCES] + 4 * (cursor & SEGMENT_MASK), 1)[0]
        prefetch(line_of(int64_at(learning[LEARNING_PRE], HISTORY), np.int64(source)))


@inner
def _ask_rest(block, cursor):
    """Prefetch what follows the beginning of a cursor's segment."""
    bundle = int64_at(block[BLOCK_BUNDLES] + 8 * BUNDLE * (cursor >> SEGMENT_BITS), BUNDLE)
    bounds = uint32_at(bundle[BUNDLE_STARTS] + 4 * (cursor & SEGMENT_MASK), 2)
    first, count = np.int64(bounds[0]), np.int64(bounds[1]) - np.int64(bounds[0])
    for at in range(BEGINNING, smaller(2 * count, MOST), 64):
        prefetch(bundle[BUNDLE_TARGETS] + 2 * first + at)
    if bundle[BUNDLE_KIND] != CONSTANT:
        width = 2 if bundle[BUNDLE_KIND] == NARROW else 4
        for at in range(BEGINNING, smaller(width * count, MOST), 64):
            prefetch(bundle[BUNDLE_WEIGHTS] + width * first + at)


@inner
def deliver(block, step):
    """Add everything due in ``step`` to its slot of the accumulator; advance the cursors."""
    heads = int32_at(block[BLOCK_HEADS], block[BLOCK_SLOT_MASK] + 1)
    slot = step & block[BLOCK_SLOT_MASK]
    if heads[slot] < 0:
        return
    state = int64_at(block[BLOCK_STATE], 8)
    chunks = int64_at(block[BLOCK_CHUNKS], state[CALENDAR_CHUNKS] * CHUNK_WORDS)
    queue = int64_at(block[BLOCK_QUEUE], block[BLOCK_QUEUE_SIZE])
    size = take(heads, chunks, state, slot, queue)
    base = block[BLOCK_CELLS] + 4 * (step & block[BLOCK_RING_MASK]) * block[BLOCK_STRIDE]
    events = np.int64(0)
    for i in range(smaller(FAR, size)):
        _ask_where(block, queue[i])
    for i in range(smaller(NEAR, size)):
        _ask_what(block, queue[i])
    for i in range(size):
        if i + FAR < size:
            _ask_where(block, queue[i + FAR])
        if i + NEAR < size:
            _ask_what(block, queue[i + NEAR])
        if i + NEXT < size:
            _ask_rest(block, queue[i + NEXT])
        cursor = queue[i]
        segment = cursor & SEGMENT_MASK
        bundle = int64_at(block[BLOCK_BUNDLES] + 8 * BUNDLE * (cursor >> SEGMENT_BITS), BUNDLE)
        bounds = uint32_at(bundle[BUNDLE_STARTS] + 4 * segment, 2)
        first, count = np.int64(bounds[0]), np.int64(bounds[1]) - np.int64(bounds[0])
        cells = int32_at(base + 4 * bundle[BUNDLE_OFFSET], block[BLOCK_STRIDE])
        targets = uint16_at(bundle[BUNDLE_TARGETS] + 2 * first, count)
        if bundle[BUNDLE_KIND] == CONSTANT:
            add_constant(cells, targets, np.int32(bundle[BUNDLE_WEIGHT]))
        elif bundle[BUNDLE_KIND] == NARROW:
            add_weights(cells, targets, int16_at(bundle[BUNDLE_WEIGHTS] + 2 * first, count))
        elif bundle[BUNDLE_KIND] == PLASTIC:
            call_learn(
                bundle[BUNDLE_LEARN], address_of(bundle), segment, first, count, step,
                base + 4 * bundle[BUNDLE_OFFSET],
            )  # fmt: skip
        else:
            add_weights(cells, targets, int32_at(bundle[BUNDLE_WEIGHTS] + 4 * first, count))
        events += count
        delays = uint16_at(bundle[BUNDLE_DELAYS] + 2 * segment, 2)
        if not delays[0] & LAST:
            later = step + np.int64(delays[1] & DELAY) - np.int64(delays[0])
            push(heads, chunks, state, later & block[BLOCK_SLOT_MASK], cursor + 1)
    pending = int64_at(block[BLOCK_PENDING], 0)
    for i in range(pending[0]):
        bundle = int64_at(pending[1 + i], BUNDLE)
        call_finish(
            int64_at(bundle[BUNDLE_LEARNING], LEARNING)[LEARNING_FINISH], pending[1 + i],
            base + 4 * bundle[BUNDLE_OFFSET],
        )  # fmt: skip
    pending[0] = 0
    state[CALENDAR_EVENTS] += events
