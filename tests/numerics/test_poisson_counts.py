"""Counts from uniform numbers, of a chunk of neurons that share a table of P(count > k)."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from spikecuda.kernels.numerics.rows import count_shared

# Inner functions are called by compiled code only.
count = njit(lambda uniform, survival, out: count_shared(uniform, survival, out))


@given(
    st.integers(1, 30),
    st.lists(st.floats(2.0**-31, 1.0, width=32), min_size=1, max_size=70),
    st.integers(0, 2**32 - 1),
)
def test_a_count_is_the_number_of_levels_that_are_reached(levels, uniform, seed):
    random = np.random.default_rng(seed)
    survival = np.sort(random.random(levels).astype(np.float32) ** random.integers(1, 20))[::-1]
    numbers = np.array(uniform, np.float32)
    # Equality counts, too.
    numbers[random.integers(0, numbers.size)] = max(survival[levels // 2], np.float32(2.0**-31))
    out = np.full(numbers.size, np.nan, np.float32)
    count(numbers, np.ascontiguousarray(survival), out)
    expected = (numbers[:, None] <= survival).sum(axis=1)
    assert np.array_equal(out, expected)
