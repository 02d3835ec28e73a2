"""Ask early for what filing a window's spikes reads."""

import numpy as np

from spikecuda.kernels.network import layout as L
from spikecuda.kernels.network.machine import prefetch, read_int32, read_int64, read_uint32
from spikecuda.kernels.numerics.inner import inner

# Spikes of a window of which the rows are asked for before they are filed.
MANY_SPIKES = 8


@inner
def ask_rows(block, population, ids, end, turn):
    """Prefetch the heads of neurons' rows in a block, then where they point.

    Args:
        ids, end: addresses of the first, and past the last, of their numbers, int32.
        turn: 0 for heads, 1 for where they point.
    """
    starts = block[L.BLOCK_BUNDLES_OF] + 4 * population
    for b in range(read_int32(starts), read_int32(starts + 4)):
        bundle = block[L.BLOCK_BUNDLES] + 8 * L.BUNDLE * b
        kind = read_int64(bundle + 8 * L.BUNDLE_KIND)
        if kind == L.PROCEDURAL or kind == L.SHORT:
            continue
        rows = read_int64(bundle + 8 * L.BUNDLE_ROWS)
        segments = read_int64(bundle + 8 * L.BUNDLE_HEADS)
        for at in range(ids, end, 4):
            row = rows + 4 * read_int32(at)
            if turn:
                prefetch(segments + 8 * read_uint32(row))
            else:
                prefetch(row)


@inner
def ask_spikes(blocks, mine, parts, parity, steps):
    """Prefetch what filing a window's spikes reads: their lists, and where they are many, the rows.

    Of rows the heads come first, then the segments that these point to.
    """
    total = np.int64(0)
    for p in range(parts.shape[0]):
        base = parity * (parts[p, L.PART_CAPACITY] // parts[p, L.PART_COUNT] + 1)
        prefetch(parts[p, L.PART_UPTO] + 8 * base)
        prefetch(parts[p, L.PART_IDS] + 4 * parity * parts[p, L.PART_CAPACITY])
    for p in range(parts.shape[0]):
        base = parity * (parts[p, L.PART_CAPACITY] // parts[p, L.PART_COUNT] + 1)
        total += read_int64(parts[p, L.PART_UPTO] + 8 * (base + steps))
    for turn in range(2 if total >= MANY_SPIKES else 0):
        for m in range(mine.size):
            for p in range(parts.shape[0]):
                part = parts[p]
                base = parity * (part[L.PART_CAPACITY] // part[L.PART_COUNT] + 1)
                ids = part[L.PART_IDS] + 4 * parity * part[L.PART_CAPACITY]
                end = ids + 4 * read_int64(part[L.PART_UPTO] + 8 * (base + steps))
                ask_rows(blocks[mine[m]], part[L.PART_POPULATION], ids, end, turn)
