"""float16 storage: conversions on all halves; stochastic rounding by counting every outcome."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from spikecuda.kernels.numerics import (
    dither_bits,
    dither_word,
    half_to_float,
    philox,
    round_half,
    store_half,
)

LOW_BITS = 1 << 13  # of a float32 that a half does not keep
ALL = np.arange(65536, dtype=np.uint32).astype(np.uint16)


@njit
def _to_float(halves, out):
    for j in range(halves.size):
        out[j] = half_to_float(halves[j])


@njit
def _to_half(numbers, out):
    for j in range(numbers.size):
        out[j] = store_half(numbers[j])


@njit
def _every_outcome(number, out):
    for j in range(out.size):
        out[j] = round_half(number, np.int32(j))


@njit
def _dither(neuron_words, step_words, out):
    for k in range(step_words.size):
        for j in range(neuron_words.size):
            out[k, j] = dither_bits(neuron_words[j], step_words[k])


@njit
def _neuron_words(out):
    for j in range(out.size):
        out[j] = dither_word(np.uint32(j), 0, np.uint32(0), np.uint32(7), np.uint32(0))


@njit
def _step_words(out):
    for k in range(out.size):
        out[k] = philox(
            np.uint32(0), np.uint32(k), np.uint32(0), np.uint32(1), np.uint32(7), np.uint32(0)
        )[0]


def outcomes(number):
    """Return the halves that ``number`` is rounded to for each of the 8192 low bits."""
    out = np.empty(LOW_BITS, np.uint16)
    _every_outcome(np.float32(number), out)
    return out


def test_half_to_float_on_all_halves():
    out = np.empty(65536, np.float32)
    _to_float(ALL, out)
    np.testing.assert_array_equal(out, ALL.view(np.float16).astype(np.float32))


def test_store_half_returns_each_half():
    values = ALL.view(np.float16).astype(np.float32)
    out = np.empty(65536, np.uint16)
    _to_half(values, out)
    finite = ~np.isnan(values)
    np.testing.assert_array_equal(out[finite], ALL[finite])
    assert np.isnan(out[~finite].view(np.float16)).all()


def test_store_half_rounds_to_nearest_even():
    """Middles of all neighbours, the floats beside them, and random bits, against NumPy."""
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float64)
    middles = ((halves[1:] + halves[:-1]) / 2).astype(np.float32)
    rng = np.random.default_rng(16)
    anything = rng.integers(0, 2**32, 500_000, dtype=np.uint32).view(np.float32)
    x = np.concatenate(
        [
            middles,
            np.nextafter(middles, np.float32(0)),
            np.nextafter(middles, np.float32(1e9)),
            np.float32([65519.996, 65520.0, 1e9]),
            anything[~np.isnan(anything)],
        ]
    )
    x = np.concatenate([x, -x])
    out = np.empty(x.size, np.uint16)
    _to_half(x, out)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(out, x.astype(np.float16).view(np.uint16))


def neighbours(value):
    """Return the halves just below and above a float32 (equal where it is a half)."""
    near = np.float16(value)
    if float(near) == value:
        return near, near
    if float(near) < value:
        return near, np.nextafter(near, np.float16(np.inf))
    return np.nextafter(near, np.float16(-np.inf)), near


@given(
    st.floats(2.0**-14, 65472, width=32),
    st.sampled_from([-1, 1]),
)
def test_stochastic_rounding_is_exactly_unbiased(magnitude, sign):
    """Over all 8192 low bits the mean is the number itself, and only neighbours occur.

    No statistics: in a binade of the normal halves 8192 floats lie between two neighbours, so the
    number of low bits that carry is the distance to the lower one; all sums here are exact.
    """
    value = float(np.float32(sign * magnitude))
    rounded = outcomes(value).view(np.float16).astype(np.float64)
    assert rounded.mean() == value
    assert set(rounded) <= set(map(float, neighbours(value)))


@given(st.floats(-(2.0**-14), 2.0**-14, width=32, exclude_min=True, exclude_max=True))
def test_small_numbers_move_by_less_than_one_spacing(value):
    """Below 2^-14 the result is a neighbour or the number's own rounding: error < one spacing."""
    rounded = outcomes(value).view(np.float16).astype(np.float64)
    assert np.abs(rounded - float(np.float32(value))).max() <= 2.0**-24
    assert abs(rounded.mean() - float(np.float32(value))) <= 2.0**-25


@pytest.mark.parametrize("value", [np.inf, -np.inf, 0.0, -0.0, 65504.0, -65504.0, 1.0])
def test_numbers_that_are_halves_stay(value):
    expected = np.float16(value).view(np.uint16)
    assert (outcomes(value) == expected).all()


def nan_of(bits):
    return np.array([bits], np.uint32).view(np.float32)[0]


# What x86 arithmetic makes, what ARM's makes, and the largest that come from a half.
@pytest.mark.parametrize("bits", [0xFFC00000, 0x7FC00000, 0x7FFFE000, 0xFFFFE000])
def test_nan_stays_nan(bits):
    assert np.isnan(outcomes(nan_of(bits)).view(np.float16)).all()


def test_nan_stays_nan_on_a_gpu():
    """0x7FFFFFFF is the NaN that a GPU's float32 arithmetic produces; adding to it wraps around."""
    pytest.importorskip("numba_cuda")
    from numba import cuda

    from spikecuda import emu

    @cuda.jit
    def every_outcome(numbers, out):
        j = cuda.grid(1)
        if j < out.size:
            out[j] = round_half(numbers[j // 8192], np.int32(j % 8192))

    numbers = np.array([0x7FFFFFFF, 0xFFFFFFFF, 0x7FC00000], np.uint32).view(np.float32)
    out = np.zeros(3 * 8192, np.uint16)
    emu.compile(every_outcome)[192, 128](numbers, out)
    assert np.isnan(out.view(np.float16)).all()


def chi_square_limit(degrees):
    """Return a value that chi-square exceeds with probability 1e-6 (normal approximation)."""
    return degrees + 4.76 * np.sqrt(2 * degrees) + 4.76**2


def dither_grid(neurons, steps):
    words, step_words = np.empty(neurons, np.uint32), np.empty(steps, np.uint32)
    _neuron_words(words)
    _step_words(step_words)
    out = np.empty((steps, neurons), np.int32)
    _dither(words, step_words, out)
    return out.view(np.uint32)


@pytest.mark.parametrize("shift", [19, 6])
def test_dither_is_uniform_over_steps_and_over_neurons(shift):
    """Chi-square of the 13 bits used: all steps of 16 neurons, all neurons in 16 steps."""
    n = 1 << 17
    for grid in (dither_grid(16, n).T, dither_grid(n, 16)):
        for row in grid:
            counts = np.bincount((row >> np.uint32(shift)) & np.uint32(8191), minlength=8192)
            assert ((counts - n / 8192) ** 2).sum() / (n / 8192) < chi_square_limit(8191)


@pytest.mark.parametrize("shift", [19, 6])
def test_dither_is_uncorrelated(shift):
    """Correlation of neighbours in time, of neurons, and of the two states that share a word.

    For N independent uniform pairs the coefficient has standard deviation 1/sqrt(N).  Rounding
    is unbiased for one neuron whatever another one gets, so this is about spurious synchrony only.
    """
    grid = dither_grid(64, 1 << 14)
    u = ((grid >> np.uint32(shift)) & np.uint32(8191)) / 8192.0 - 0.5 + 2.0**-14
    other = ((grid >> np.uint32(25 - shift)) & np.uint32(8191)) / 8192.0 - 0.5 + 2.0**-14
    limit = 5.5 / np.sqrt(1 << 14)
    for lag in (1, 2, 3, 4):
        assert np.abs((u[lag:] * u[:-lag]).mean(axis=0) * 12).max() < limit
    assert np.abs((u * other).mean(axis=0) * 12).max() < limit
    across = u.T @ u / len(u) * 12
    # One pair of neurons has one fixed xor of words: correlated a little, but not on average.
    off = across[~np.eye(64, dtype=bool)]
    assert abs(off.mean()) < 5 / np.sqrt(len(off) / 2) * max(off.std(), 1 / np.sqrt(1 << 14))
