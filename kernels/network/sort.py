"""Sort a row of synapses by delay, then by target: radix sort, stable, in cache.

A synapse is a word of 64 bits: what it is sorted by in the upper half, below 2^31, and its weight
in the lower one.
"""

import numpy as np

from spikecuda.kernels.network.machine import read_int32, read_int64, write_int32, write_int64
from spikecuda.kernels.numerics.inner import inner

SMALL = 32
DIGITS, DIGIT = 4, 256


@inner
def is_sorted(keys, size):
    """Tell whether the first ``size`` keys ascend."""
    ascending = True
    for i in range(1, size):
        ascending &= keys[i - 1] <= keys[i]
    return ascending


@inner
def _insertion(pairs, size):
    for i in range(1, size):
        pair, at = read_int64(pairs + 8 * i), pairs + 8 * (i - 1)
        while at >= pairs and read_int64(at) >> 32 > pair >> 32:
            write_int64(at + 8, read_int64(at))
            at -= 8
        write_int64(at + 8, pair)


@inner
def _scatter(pairs, size, shift, places, to):
    total = np.int64(0)
    for place in range(places, places + 4 * DIGIT, 4):
        count = read_int32(place)
        write_int32(place, total)
        total += count
    for at in range(pairs, pairs + 8 * size, 8):
        pair = read_int64(at)
        place = places + 4 * ((pair >> shift) & (DIGIT - 1))
        where = read_int32(place)
        write_int64(to + 8 * where, pair)
        write_int32(place, where + 1)


@inner
def sort_row(pairs, others, size, counts):
    """Sort ``size`` pairs; return the address where they are then: ``pairs`` or ``others``.

    Args:
        pairs, others: addresses: int64, the pairs, and scratch as long.
        counts: address of int32 scratch, DIGITS x DIGIT.
    """
    before, ascending = np.int64(0), True
    for at in range(pairs, pairs + 8 * size, 8):
        key = read_int64(at) >> 32
        ascending &= before <= key
        before = key
    if ascending:
        return pairs
    if size <= SMALL:
        _insertion(pairs, size)
        return pairs
    for place in range(counts, counts + 4 * DIGITS * DIGIT, 8):
        write_int64(place, np.int64(0))
    for at in range(pairs, pairs + 8 * size, 8):
        key = read_int64(at) >> 32
        for digit in range(DIGITS):
            place = counts + 4 * (DIGIT * digit + ((key >> (8 * digit)) & (DIGIT - 1)))
            write_int32(place, read_int32(place) + 1)
    for digit in range(DIGITS):
        shift, places = 32 + 8 * digit, counts + 4 * DIGIT * digit
        same = (read_int64(pairs) >> shift) & (DIGIT - 1)
        if read_int32(places + 4 * same) < size:
            _scatter(pairs, size, shift, places, others)
            pairs, others = others, pairs
    return pairs
