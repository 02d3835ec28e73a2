"""Deliver rows that are short: look spikes up together, and send what they have at once.

Threads divide the spikes of a window, not the blocks.  Each writes what its spikes send into
buckets, one for each block; when all have, each adds the buckets of its own blocks.  A process with
one block adds at once.  Sums of integers commute, so that no bit depends on that.
"""

import numpy as np

from spikecuda.kernels.compile.entry import pointer
from spikecuda.kernels.network import layout as L
from spikecuda.kernels.network import short as S
from spikecuda.kernels.network.link import received_from
from spikecuda.kernels.network.machine import (
    atomic_add32,
    int16_at,
    int32_at,
    int64_at,
    prefetch,
    uint32_at,
)
from spikecuda.kernels.numerics.inner import inner
from spikecuda.kernels.numerics.words import population_count

U = np.uint32
# Bytes of a row that are asked for ahead.
AHEAD = 256


@inner
def _row_of(index, neuron):
    """Return the number of a source's row, or -1."""
    group = uint32_at(index + S.GROUP_BYTES * (neuron >> S.GROUP_BITS), 2)
    low, high = group[0], group[1]
    place = neuron & 31
    upper = (neuron >> 5) & 1
    word = high if upper else low
    if not (word >> U(place)) & U(1):
        return np.int64(-1)
    before = np.int64(population_count(U(word & U((U(1) << U(place)) - U(1)))))
    if upper:
        before += np.int64(population_count(low))
    return before + int64_at(index + S.GROUP_BYTES * (neuron >> S.GROUP_BITS) + 8, 1)[0]


@inner
def _look_up(bundle, spikes, rows, first, count):
    """Find the synapses of spikes; return how many spikes have any.

    Args:
        spikes: int64, the list.
        rows, first, count: int64 scratch; ``rows`` holds the steps of those that have any.
    """
    index, starts, wide = bundle[S.SHORT_INDEX], bundle[S.SHORT_STARTS], bundle[S.SHORT_WIDE]
    size = 8 if wide else 4
    for i in range(spikes.size):
        prefetch(index + S.GROUP_BYTES * ((spikes[i] & 0xFFFFFFFF) >> S.GROUP_BITS))
    found = np.int64(0)
    for i in range(spikes.size):
        row = _row_of(index, spikes[i] & 0xFFFFFFFF)
        if row >= 0:
            prefetch(starts + size * row)
            first[found] = row
            rows[found] = spikes[i] >> 32
            found += 1
    words, weights, width = (
        bundle[S.SHORT_WORDS], bundle[S.SHORT_WEIGHTS], bundle[S.SHORT_WIDTH],
    )  # fmt: skip
    for i in range(found):
        row = first[i]
        if wide:
            bounds = int64_at(starts + 8 * row, 2)
            first[i], count[i] = bounds[0], bounds[1] - bounds[0]
        else:
            short = uint32_at(starts + 4 * row, 2)
            first[i], count[i] = np.int64(short[0]), np.int64(short[1]) - np.int64(short[0])
        for at in range(0, min(4 * count[i], AHEAD) + 63, 64):
            prefetch(words + 4 * first[i] + at)
        if width:
            for at in range(0, min(width * count[i], AHEAD) + 63, 64):
                prefetch(weights + width * first[i] + at)
    return found


@inner
def _add_one(cells, mask, stride, step, words, weight, shift, cell_mask):
    """Add one weight for each synapse of a row; the process has one block."""
    for e in range(words.size):
        word = np.int64(words[e])
        cells[((step + (word >> shift)) & mask) * stride + (word & cell_mask)] += weight


@inner
def _add_each(cells, mask, stride, step, words, weights, shift, cell_mask):
    """Add the weight of each synapse of a row; the process has one block."""
    for e in range(words.size):
        word = np.int64(words[e])
        cells[((step + (word >> shift)) & mask) * stride + (word & cell_mask)] += weights[e]


@inner
def _put(short, blocks_at, buckets, step, word, weight, bundle):
    """Write what a synapse sends into the bucket of its block."""
    word = np.int64(word)
    shift, cells = bundle[S.SHORT_DELAY], bundle[S.SHORT_BLOCK]
    b = (word >> cells) & ((np.int64(1) << (shift - cells)) - 1)
    block = int64_at(blocks_at + 8 * L.BLOCK * b, L.BLOCK)
    slot = (step + (word >> shift)) & block[L.BLOCK_RING_MASK]
    cell = slot * block[L.BLOCK_STRIDE] + (word & ((np.int64(1) << cells) - 1))
    bucket = int64_at(buckets[b], 0)
    size = bucket[0]
    if size < short[S.SHORT_CAPACITY]:
        bucket[S.BUCKET_HEAD + size] = (cell << 32) | (np.int64(weight) & 0xFFFFFFFF)
        bucket[0] = size + 1
    else:
        atomic_add32(block[L.BLOCK_CELLS] + 4 * cell, np.int32(weight))


@inner
def _flush(short, blocks_at, listed, population, thread, turn):
    """Send the rows of a list of spikes of one population; empty it."""
    size = listed[0]
    listed[0] = 0
    if size == 0:
        return
    spikes = listed[8 : 8 + size]
    rows = listed[8 + S.LIST : 8 + 2 * S.LIST]
    firsts, counts = listed[8 + 2 * S.LIST : 8 + 3 * S.LIST], listed[8 + 3 * S.LIST :]
    of = int32_at(short[S.SHORT_BUNDLES_OF] + 4 * population, 2)
    events = np.int64(0)
    count = short[S.SHORT_BLOCKS]
    own = (turn * short[S.SHORT_THREADS] + thread) * count
    buckets = int64_at(short[S.SHORT_BUCKETS] + 8 * own, count)
    for b in range(of[0], of[1]):
        bundle = int64_at(short[S.SHORT_BUNDLES] + 8 * S.SHORT_BUNDLE * b, S.SHORT_BUNDLE)
        found = _look_up(bundle, spikes, rows, firsts, counts)
        width, shift = bundle[S.SHORT_WIDTH], bundle[S.SHORT_DELAY]
        weight = np.int32(bundle[S.SHORT_WEIGHT])
        block = int64_at(blocks_at, L.BLOCK)
        mask, stride = block[L.BLOCK_RING_MASK], block[L.BLOCK_STRIDE]
        cells = int32_at(block[L.BLOCK_CELLS], (mask + 1) * stride)
        cell_mask = (np.int64(1) << bundle[S.SHORT_BLOCK]) - 1
        for i in range(found):
            step, first, n = rows[i], firsts[i], counts[i]
            events += n
            words = uint32_at(bundle[S.SHORT_WORDS] + 4 * first, n)
            narrow = int16_at(bundle[S.SHORT_WEIGHTS] + 2 * first, n)
            wide = int32_at(bundle[S.SHORT_WEIGHTS] + 4 * first, n)
            if count == 1:
                if width == 0:
                    _add_one(cells, mask, stride, step, words, weight, shift, cell_mask)
                elif width == 2:
                    _add_each(cells, mask, stride, step, words, narrow, shift, cell_mask)
                else:
                    _add_each(cells, mask, stride, step, words, wide, shift, cell_mask)
            else:
                for e in range(n):
                    amount = weight
                    if width == 2:
                        amount = np.int32(narrow[e])
                    elif width == 4:
                        amount = wide[e]
                    _put(short, blocks_at, buckets, step, words[e], amount, bundle)
    # Events are summed over blocks: any block of this thread may have them.
    block = int64_at(blocks_at + 8 * L.BLOCK * thread, L.BLOCK)
    int64_at(block[L.BLOCK_STATE], 8)[L.CALENDAR_EVENTS] += events


@inner
def _list_at(short, population, thread):
    """Return the address of a thread's list of spikes of a population."""
    at = (thread * short[S.SHORT_POPULATIONS] + population) * S.LIST_WORDS
    return short[S.SHORT_LISTS] + 8 * at


@inner
def _list(short, blocks_at, population, neurons, step, thread, turn):
    """Put spikes on the list of their population, and send what is on it when it is full."""
    if population >= short[S.SHORT_POPULATIONS]:
        return
    of = int32_at(short[S.SHORT_BUNDLES_OF] + 4 * population, 2)
    if of[0] == of[1]:
        return
    listed = int64_at(_list_at(short, population, thread), S.LIST_WORDS)
    for neuron in neurons:
        size = listed[0]
        listed[8 + size] = ((step & S.STEP_MASK) << 32) | np.int64(neuron)
        listed[0] = size + 1
        if size + 1 == S.LIST:
            _flush(short, blocks_at, listed, population, thread, turn)


@inner
def _flush_all(short, blocks_at, thread, turn):
    for population in range(short[S.SHORT_POPULATIONS]):
        listed = int64_at(_list_at(short, np.int64(population), thread), S.LIST_WORDS)
        _flush(short, blocks_at, listed, np.int64(population), thread, turn)


@pointer("int64(int64, int64, int64, int64, int64, int64, int64, int64, int64, int64)")
def spread(short_at, blocks_at, link_at, parts_at, count, thread, threads, parity, steps, now):
    """Send the rows of this thread's share of a window's spikes, those of other processes too.

    Args:
        short_at, blocks_at: addresses of the table of ``short``, and of that of the blocks.
        link_at: address of what exchanged spikes, 0: nothing did.
        parts_at, count: address of the table of parts, and its rows.
        thread, threads: number of this one, and how many there are.
        parity: which half of the parts' lists the window is in.
        steps, now: of the window, and its first one.
    """
    short = int64_at(short_at, S.SHORT)
    for p in range(count):
        part = int64_at(parts_at + 8 * L.PART * p, L.PART)
        ids = part[L.PART_IDS] + 4 * parity * part[L.PART_CAPACITY]
        upto = int64_at(
            part[L.PART_UPTO] + 8 * parity * (part[L.PART_CAPACITY] // part[L.PART_COUNT] + 1), 0
        )
        for k in range(steps):
            n = upto[k + 1] - upto[k]
            first, last = upto[k] + n * thread // threads, upto[k] + n * (thread + 1) // threads
            neurons = int32_at(ids + 4 * first, last - first)
            _list(short, blocks_at, part[L.PART_POPULATION], neurons, now + k, thread, 0)
    if link_at:
        link = int64_at(link_at, L.LINK)
        since = now - link[L.LINK_BACK]
        # Of many processes each thread takes some; of few a part of each list.
        whole = link[L.LINK_RANKS] > 8 * threads
        for r in range(link[L.LINK_RANKS]):
            if r == link[L.LINK_RANK] or (whole and r % threads != thread):
                continue
            at, end = received_from(link, r)
            while at < end:
                head = int32_at(at, 3)
                size = np.int64(head[2])
                first, last = np.int64(0), size
                if not whole:
                    first, last = size * thread // threads, size * (thread + 1) // threads
                neurons = int32_at(at + 12 + 4 * first, last - first)
                _list(
                    short, blocks_at, np.int64(head[1]), neurons, since + head[0], thread, 0
                )  # fmt: skip
                at += 12 + 4 * size
    _flush_all(short, blocks_at, thread, 0)
    return 0


@pointer("int64(int64, int64, int64, int64, int64, int64, int64)")
def spread_outside(short_at, blocks_at, external_at, first, last, thread, threads):
    """Send the rows of this thread's share of spikes from outside.

    Args:
        short_at, blocks_at, thread, threads: as for ``spread``.
        external_at: address of int64 (spikes, 3): step, population, neuron.
        first, last: which of them, for all threads.
    """
    short = int64_at(short_at, S.SHORT)
    n = last - first
    for e in range(first + n * thread // threads, first + n * (thread + 1) // threads):
        spike = int64_at(external_at + 8 * L.EXTERNAL * e, L.EXTERNAL)
        # The lower half of a number below 2^31, as the same type as a window's spikes.
        neuron = int32_at(external_at + 8 * (L.EXTERNAL * e + 2), 1)
        _list(short, blocks_at, spike[1], neuron, spike[0], thread, 1)
    _flush_all(short, blocks_at, thread, 1)
    return 0


@pointer("int64(int64, int64, int64, int64, int64)")
def gather(short_at, blocks_at, b, threads, turn):
    """Add what all threads sent to a block, and empty its buckets.

    Args:
        short_at, blocks_at: as for ``spread``.
        b: number of the block.
        threads: how many there are.
        turn: 0 for what ``spread`` sent, 1 for ``spread_outside``.
    """
    short = int64_at(short_at, S.SHORT)
    count = short[S.SHORT_BLOCKS]
    if count == 1:
        return 0
    block = int64_at(blocks_at + 8 * L.BLOCK * b, L.BLOCK)
    cells = int32_at(block[L.BLOCK_CELLS], (block[L.BLOCK_RING_MASK] + 1) * block[L.BLOCK_STRIDE])
    of = int64_at(short[S.SHORT_BUCKETS], 0)
    for t in range(threads):
        bucket = int64_at(of[(turn * short[S.SHORT_THREADS] + t) * count + b], 0)
        for i in range(S.BUCKET_HEAD, S.BUCKET_HEAD + bucket[0]):
            entry = bucket[i]
            cells[(entry >> 32) & 0xFFFFFFFF] += np.int32(entry & 0xFFFFFFFF)
        bucket[0] = 0
    return 0
