"""float16 storage: conversions on all halves; stochastic rounding by counting every outcome."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from spikecuda.kernels.numerics import (
    dither_bits,
    dither_key,
    dither_word,
    first_dither,
    half,
    lift_half,
    lower_half,
    round_lifted,
    second_dither,
)
from spikecuda.models import half_codec

LOW_BITS = 1 << 13  # of a float32 that a half does not keep
ALL = np.arange(65536, dtype=np.uint32).astype(np.uint16)
LIFT, GRID = np.float32(2.0**112), np.float32(0.75 * 2.0**112)


@njit
def _lift(halves, out):
    for j in range(halves.size):
        out[j] = lift_half(halves[j])


@njit
def _lower(numbers, out):
    for j in range(numbers.size):
        out[j] = lower_half(numbers[j])


@njit
def _every_outcome(number, out):
    for j in range(out.size):
        out[j] = round_lifted(number, np.int32(j))


@njit
def _dither(neuron_words, step_words, out):
    for k in range(step_words.size):
        for j in range(neuron_words.size):
            out[k, j] = dither_bits(neuron_words[j], step_words[k])


@njit
def _fields(random, first, second):
    for j in range(random.size):
        first[j], second[j] = first_dither(random[j]), second_dither(random[j])


@njit
def _neuron_words(out):
    key = dither_key(np.uint32(0), np.uint32(7), np.uint32(0))
    for j in range(out.size):
        out[j] = dither_word(np.uint32(j), key)


def step_words(count):
    """Return the step words of a seed, as the host draws them."""
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    out = np.empty(count, np.uint32)
    load_cpu_loop("draw").step_words(0, count, 1, np.uint32(1), np.uint32(7), np.uint32(0), out)
    return out


def given_to_rounding(value):
    """Return what ``round_lifted`` takes for a number, and the number it then rounds.

    The difference is the rounding of two float32 operations; it is exact where noted.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        number = np.float32(np.float64(value) * 2.0**112 + 0.75 * 2.0**112)
        return number, float(np.float32(number - GRID)) / 2.0**112


def outcomes(number):
    """Return the lifted numbers that ``round_lifted`` returns for each of the 8192 low bits."""
    out = np.empty(LOW_BITS, np.float32)
    _every_outcome(number, out)
    return out


def halves(lifted):
    """Return lifted numbers as the halves that they stand for."""
    out = np.empty(lifted.size, np.uint16)
    _lower(lifted, out)
    return out.view(np.float16)


def test_the_codec_and_the_kernels_mean_the_same():
    assert (half_codec.LIFT, half_codec.GRID) == (half.LIFT, half.GRID) == (LIFT, GRID)


def test_lifting_and_lowering_on_all_halves():
    lifted = np.empty(65536, np.float32)
    _lift(ALL, lifted)
    with np.errstate(invalid="ignore"):
        expected = ALL.view(np.float16).astype(np.float32) * LIFT
    np.testing.assert_array_equal(lifted, expected)
    finite = ~np.isnan(expected)
    np.testing.assert_array_equal(halves(lifted).view(np.uint16)[finite], ALL[finite])
    assert np.isnan(halves(lifted)[~finite]).all()


@given(st.integers(0, 2**32 - 1))
def test_what_stays_in_a_register_is_what_goes_through_memory(bits):
    """Rounded numbers are lifted halves, whatever was rounded: launches of any length agree.

    Among the numbers are all binades, infinity, NaN, and those from 65504 to 65536, of which some
    are rounded to infinity.
    """
    for number in np.array([bits, 0x7F7FF000 | bits >> 20], np.uint32).view(np.float32):
        lifted = outcomes(number)
        again = np.empty(LOW_BITS, np.float32)
        _lift(halves(lifted).view(np.uint16), again)
        np.testing.assert_array_equal(again, lifted)


def neighbours(value):
    """Return the halves just below and above a number (equal where it is a half)."""
    near = np.float16(value)
    if float(near) == value:
        return near, near
    if float(near) < value:
        return near, np.nextafter(near, np.float16(np.inf))
    return np.nextafter(near, np.float16(-np.inf)), near


@given(st.floats(2.0**-14, 65472, width=32), st.sampled_from([-1, 1]))
def test_stochastic_rounding_is_exactly_unbiased(magnitude, sign):
    """Over all 8192 low bits the mean is the number itself, and only neighbours occur.

    No statistics: in a binade of the normal halves 8192 floats lie between two neighbours, so the
    number of low bits that carry is the distance to the lower one; all sums here are exact.
    """
    number, value = given_to_rounding(sign * magnitude)
    # A sum and a difference, each rounded to 24 bits.
    assert abs(value - sign * magnitude) <= 2.0**-24 * (2 * magnitude + 0.75)
    rounded = halves(outcomes(number)).astype(np.float64)
    assert rounded.mean() == value
    assert set(rounded) <= set(map(float, neighbours(value)))


@given(st.floats(-(2.0**-14), 2.0**-14, width=32))
def test_small_numbers_are_rounded_to_nearest(value):
    """Below 2^-14 halves are multiples of 2^-24: every outcome is the nearest one."""
    number, _ = given_to_rounding(value)
    nearest = np.float32(np.round(value * 2.0**24) * 2.0**-24)
    np.testing.assert_array_equal(halves(outcomes(number)).astype(np.float32), nearest)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 0.0, -0.0, 65504.0, -65504.0, 1.0, -0.75])
def test_numbers_that_are_halves_stay(value):
    number, _ = given_to_rounding(value)
    assert (halves(outcomes(number)) == np.float16(value)).all()


@pytest.mark.parametrize("value", [65536.0, -65536.0, 1e9, -1e30])
def test_numbers_beyond_the_halves_become_infinite(value):
    number, _ = given_to_rounding(value)
    assert (halves(outcomes(number)) == np.copysign(np.inf, value)).all()


def nan_of(bits):
    return np.array([bits], np.uint32).view(np.float32)[0]


# What x86 arithmetic makes, what ARM's makes, and the largest that come from a half.
@pytest.mark.parametrize("bits", [0xFFC00000, 0x7FC00000, 0x7FFFE000, 0xFFFFE000])
def test_nan_stays_nan(bits):
    assert np.isnan(halves(outcomes(nan_of(bits)))).all()


def test_nan_stays_nan_on_a_gpu():
    """0x7FFFFFFF is the NaN that a GPU's float32 arithmetic produces; adding to it wraps around."""
    pytest.importorskip("numba_cuda")
    from numba import cuda

    from spikecuda import emu

    @cuda.jit
    def every_outcome(numbers, out):
        j = cuda.grid(1)
        if j < out.size:
            out[j] = lower_half(round_lifted(numbers[j // 8192], np.int32(j % 8192)))

    numbers = np.array([0x7FFFFFFF, 0xFFFFFFFF, 0x7FC00000], np.uint32).view(np.float32)
    out = np.zeros(3 * 8192, np.uint16)
    emu.compile(every_outcome)[192, 128](numbers, out)
    assert np.isnan(out.view(np.float16)).all()


def chi_square_limit(degrees):
    """Return a value that chi-square exceeds with probability 1e-6 (normal approximation)."""
    return degrees + 4.76 * np.sqrt(2 * degrees) + 4.76**2


def dither_grid(neurons, steps):
    """Return the dither of both states of neurons (a column each) in steps (a row each)."""
    words = np.empty(neurons, np.uint32)
    _neuron_words(words)
    random = np.empty((steps, neurons), np.uint32)
    _dither(words, step_words(steps), random)
    first, second = np.empty(random.size, np.int32), np.empty(random.size, np.int32)
    _fields(random.ravel(), first, second)
    return first.reshape(random.shape), second.reshape(random.shape)


def test_words_are_odd():
    """So that their products take every odd value equally often."""
    words = np.empty(1000, np.uint32)
    _neuron_words(words)
    assert (words % 2 == 1).all() and (step_words(1000) % 2 == 1).all()


@pytest.mark.parametrize("state", [0, 1])
def test_dither_is_uniform_over_steps_and_over_neurons(state):
    """Chi-square of the 13 bits: all steps of 16 neurons, all neurons in 16 steps."""
    n = 1 << 17
    for grid in (dither_grid(16, n)[state].T, dither_grid(n, 16)[state]):
        for row in grid:
            counts = np.bincount(row, minlength=8192)
            assert counts.size == 8192
            assert ((counts - n / 8192) ** 2).sum() / (n / 8192) < chi_square_limit(8191)


@pytest.mark.parametrize("state", [0, 1])
def test_dither_is_uncorrelated(state):
    """Correlation of neighbours in time, of neurons, and of the two states that share a word.

    For N independent uniform pairs the coefficient has standard deviation 1/sqrt(N).  Rounding
    is unbiased for one neuron whatever another one gets, so this is about spurious synchrony only.
    """
    fields = [grid / 8192.0 - 0.5 + 2.0**-14 for grid in dither_grid(64, 1 << 14)]
    u, other = fields[state], fields[1 - state]
    limit = 5.5 / np.sqrt(1 << 14)
    for lag in (1, 2, 3, 4):
        assert np.abs((u[lag:] * u[:-lag]).mean(axis=0) * 12).max() < limit
    assert np.abs((u * other).mean(axis=0) * 12).max() < limit
    across = u.T @ u / len(u) * 12
    # One pair of neurons has one fixed ratio of words: correlated a little, but not on average.
    off = across[~np.eye(64, dtype=bool)]
    assert abs(off.mean()) < 5 / np.sqrt(len(off) / 2) * max(off.std(), 1 / np.sqrt(1 << 14))


def test_many_neurons_are_rounded_as_often_up_as_down_in_every_step():
    """The mean over N neurons in one step varies from step to step as if they were independent.

    The variance of the mean of N dithers is 1/12N within 5 standard errors, sqrt(2 / steps) of it.
    """
    neurons, steps = 1 << 14, 1 << 11
    for grid in dither_grid(neurons, steps):
        means = (grid / 8192.0 - 0.5 + 2.0**-14).mean(axis=1)
        assert abs(means.var() * 12 * neurons - 1) < 5 * np.sqrt(2 / steps)
