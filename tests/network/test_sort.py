"""Sorting a row's synapses."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from spikecuda.kernels.network.machine import address_of, read_int64
from spikecuda.kernels.network.sort import DIGIT, DIGITS, sort_row


@njit
def sort(pairs, others, counts, out):
    """Sort pairs and copy them from where they are then."""
    at = sort_row(address_of(pairs), address_of(others), pairs.size, address_of(counts))
    for i in range(pairs.size):
        out[i] = read_int64(at + 8 * i)


@given(
    st.integers(0, 300), st.sampled_from([1, 3, 200, 2**16, 2**22, 2**31]),
    st.integers(0, 2**32 - 1), st.booleans(),
)  # fmt: skip
def test_pairs_are_sorted_by_their_upper_half_and_stay_in_order_otherwise(size, most, seed, done):
    random = np.random.default_rng(seed)
    keys, values = random.integers(0, most, size), random.integers(0, 2**32, size)
    if done:
        keys.sort()
    out = np.zeros(size, np.int64)
    others, counts = np.empty(size, np.int64), np.empty(DIGITS * DIGIT, np.int32)
    sort((keys << 32) | values, others, counts, out)
    order = np.argsort(keys, kind="stable")
    assert np.array_equal(out >> 32, keys[order])
    assert np.array_equal(out & 0xFFFFFFFF, values[order])
