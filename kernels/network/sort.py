"""Sort a row of synapses by delay, then by target: radix sort, stable, in cache."""

import numpy as np

from spikecuda.kernels.numerics.inner import inner

SMALL = 32


@inner
def is_sorted(keys, size):
    """Tell whether the first ``size`` keys ascend."""
    ascending = True
    for i in range(1, size):
        ascending &= keys[i - 1] <= keys[i]
    return ascending


@inner
def _insertion(keys, values, size):
    for i in range(1, size):
        key, value, j = keys[i], values[i], i - 1
        while j >= 0 and keys[j] > key:
            keys[j + 1], values[j + 1] = keys[j], values[j]
            j -= 1
        keys[j + 1], values[j + 1] = key, value


@inner
def _scatter(keys, values, size, shift, at, to_keys, to_values):
    total = np.int64(0)
    for b in range(256):
        count = at[b]
        at[b] = total
        total += count
    for i in range(size):
        b = (keys[i] >> shift) & 255
        to_keys[at[b]] = keys[i]
        to_values[at[b]] = values[i]
        at[b] += 1


@inner
def sort_row(keys, values, size, keys2, values2, counts):
    """Sort ``size`` keys (uint32) and their values (int32) in place.

    Args:
        keys2, values2: scratch as long as the row.
        counts: int64 scratch, (4, 256).
    """
    if is_sorted(keys, size):
        return
    if size <= SMALL:
        _insertion(keys, values, size)
        return
    counts[:, :] = 0
    for i in range(size):
        key = keys[i]
        counts[0, key & 255] += 1
        counts[1, (key >> 8) & 255] += 1
        counts[2, (key >> 16) & 255] += 1
        counts[3, (key >> 24) & 255] += 1
    flipped = False
    for digit in range(4):
        shift = np.uint32(8 * digit)
        first = keys2[0] if flipped else keys[0]
        if counts[digit, (first >> shift) & 255] == size:
            continue
        if flipped:
            _scatter(keys2, values2, size, shift, counts[digit], keys, values)
        else:
            _scatter(keys, values, size, shift, counts[digit], keys2, values2)
        flipped = not flipped
    if flipped:
        for i in range(size):
            keys[i], values[i] = keys2[i], values2[i]
