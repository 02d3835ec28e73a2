"""Random variates: against the oracle word by word, and by their statistics.

Limits of statistics are 5 standard deviations (5.5 where the worst of many is taken), computed
from the sample size; the words come from fixed seeds.
"""

import math

import numpy as np
import pytest
from numba import njit
from scipy import stats

from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.inputs.stimulus import Poisson
from spikecuda.kernels.numerics import gaussian_pair, philox, uniform_open
from spikecuda.kernels.reference import noise

EDGES = np.array(
    [0, 1, 2, 3, 63, 64, 65, 127, 128, 2**24, 2**29 - 1, 2**29, 2**30 - 1, 2**30, 2**31 - 1,
     2**31, 2**31 + 2**30, 2**32 - 2**29, 2**32 - 257, 2**32 - 129, 2**32 - 128, 2**32 - 2,
     2**32 - 1], np.uint32,
)  # fmt: skip


@njit
def _uniforms(words, out):
    for j in range(words.size):
        out[j] = uniform_open(words[j])


@njit
def _pairs(first, second, a, b):
    for j in range(first.size):
        a[j], b[j] = gaussian_pair(first[j], second[j])


@njit
def _sample(neurons, groups, stream, out):
    """Normal numbers out[neuron, group, slot], as a pool makes them."""
    zero, last, key0, key1 = np.uint32(0), np.uint32(stream), np.uint32(3), np.uint32(5)
    for i in range(neurons):
        for g in range(groups):
            w = philox(np.uint32(i), np.uint32(g), zero, last, key0, key1)
            out[i, g, 0], out[i, g, 1] = gaussian_pair(w[0], w[1])
            out[i, g, 2], out[i, g, 3] = gaussian_pair(w[2], w[3])


def words(count, seed):
    return np.random.default_rng(seed).integers(0, 2**32, count, dtype=np.uint32)


def normal_sample(neurons, groups, stream=512):
    out = np.empty((neurons, groups, 4), np.float32)
    _sample(neurons, groups, stream, out)
    return out.astype(np.float64)


def test_uniform_is_in_range_and_equals_its_definition():
    w = np.concatenate([EDGES, words(100_000, 1)])
    got = np.empty(w.size, np.float32)
    _uniforms(w, got)
    assert got.min() == np.float32(2.0**-32) and got.max() == 1
    # Two roundings (to float32, then of the sum) may differ from one by the last bit.
    expected = noise.uniform(w)
    assert (np.abs(got - expected) <= np.spacing(expected.astype(np.float32))).all()


def test_uniform_is_monotone():
    w = np.sort(np.concatenate([EDGES, words(100_000, 2)]))
    got = np.empty(w.size, np.float32)
    _uniforms(w, got)
    assert (np.diff(got) >= 0).all()


def normal_tolerance(first):
    """Return how far a float32 normal number may be from the exact one for its word.

    The uniform number u may differ by its last bit s: the radius r = sqrt(-2 ln u) then differs by
    s / (u r), or by sqrt(2 s) where u is next to 1 (r is 0 at u = 1).  Rounding: ln within 1.2 ulp
    (of a result whose relative error the root halves), root, sine or cosine, product: 6 roundings
    of 2^-24 relative to r cover them, the error of the polynomials (2^-26) and of the angle.
    """
    u = noise.uniform(first)
    step = np.spacing(u.astype(np.float32)).astype(np.float64)
    radius = np.sqrt(-2 * np.log(u))
    slope = np.minimum(step / (u * np.maximum(radius, 1e-30)), np.sqrt(2 * step) * 2)
    return slope + 6 * 2.0**-24 * radius


def test_normal_numbers_equal_the_oracle():
    first = np.concatenate([np.repeat(EDGES, EDGES.size), words(300_000, 3)])
    second = np.concatenate([np.tile(EDGES, EDGES.size), words(300_000, 4)])
    a, b = np.empty(first.size, np.float32), np.empty(first.size, np.float32)
    _pairs(first, second, a, b)
    x, y = noise.normal_pair(first, second)
    tolerance = normal_tolerance(first)
    assert (np.abs(a - x) <= tolerance).all() and (np.abs(b - y) <= tolerance).all()
    assert max(np.abs(a).max(), np.abs(b).max()) < 6.67


def test_normal_moments_and_distribution():
    g = normal_sample(1000, 1000).ravel()
    n = g.size
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96), (6, 15, 10170)):
        assert abs((g**power).mean() - moment) < 5 * math.sqrt(variance / n), power
    edges = stats.norm.ppf(np.arange(1, 1000) / 1000)
    counts = np.bincount(np.searchsorted(edges, g), minlength=1000)
    assert stats.chisquare(counts).pvalue > 1e-6


def test_normal_tails():
    g = normal_sample(1000, 1000)
    for limit in (2.0, 3.0, 4.0, 4.75):
        expected = g.size * stats.norm.sf(limit)
        for count in ((g > limit).sum(), (g < -limit).sum()):
            assert abs(count - expected) < 5 * math.sqrt(expected) + 1, limit


@pytest.mark.parametrize("power", [1, 2])
def test_normal_numbers_are_independent(power):
    """Correlations of numbers and of squares: within a group, in time, of neurons, of streams."""
    g = normal_sample(512, 512)
    z = g if power == 1 else (g**2 - 1) / math.sqrt(2)
    limit = 5.5 / math.sqrt(512 * 512)
    for i in range(4):
        for j in range(i):
            assert abs((z[..., i] * z[..., j]).mean()) < limit
    course = z.reshape(512, -1)
    for lag in (1, 2, 3, 4, 5, 8):
        product = course[:, lag:] * course[:, :-lag]
        assert abs(product.mean()) < 5.5 / math.sqrt(product.size)
    for shift in (1, 2, 32, 64, 256):
        product = z[shift:] * z[:-shift]
        assert abs(product.mean()) < 5.5 / math.sqrt(product.size)
    other = normal_sample(512, 512, 513)
    other = other if power == 1 else (other**2 - 1) / math.sqrt(2)
    assert abs((z * other).mean()) < 5.5 / math.sqrt(z.size)


@pytest.mark.parametrize("mean", [0.0, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.3, 2.0, 10.0, 60.0])
def test_poisson_probabilities(mean):
    """P(count > k) as the kernels compare with it, against SciPy, for tiny and large means.

    Error of P(count > 0): one rounding and those of the mean, 3 2^-24 of itself.  Each further one
    is the difference of the one before and of a probability; both have been rounded, so the
    absolute error grows by at most 4 roundings of a number that is at most min(1, mean).  The
    mean of the counts is the sum of these probabilities.
    """
    drive = ResolvedInput(Poisson(rate=mean / 1e-4, weight=1.0), 1, 0.1, 1, "float64")
    survival = np.asarray(drive.fixed["_survival0"], np.float64)
    k = np.arange(survival.size)
    exact = stats.poisson.sf(k, mean)
    tolerance = (4 * k * min(1.0, mean) + 3 * exact) * 2.0**-24 + 1e-38
    assert (np.abs(survival - exact) <= tolerance).all()
    assert abs(np.maximum(survival, 0).sum() - mean) <= tolerance.sum() + 1e-9 * mean
    # Counts that the kernel cannot return are rarer than the smallest uniform number.
    assert stats.poisson.sf(survival.size, mean) < 2.0**-32


@pytest.mark.parametrize("mean", [0.01, 0.7, 5.0, 30.0])
def test_poisson_counts_have_the_right_distribution(mean):
    drive = ResolvedInput(Poisson(rate=mean / 1e-4, weight=1.0), 1, 0.1, 1, "float64")
    u = np.empty(1_000_000, np.float32)
    _uniforms(words(u.size, 7), u)
    survival = np.asarray(drive.fixed["_survival0"])
    counts = np.searchsorted(-survival, -u, side="right")
    bins = np.arange(int(stats.poisson.isf(1e-5, mean)) + 1)
    bins = bins[u.size * stats.poisson.pmf(bins, mean) > 20]
    inner = bins[1:-1]
    expected = [stats.poisson.cdf(bins[0], mean), *stats.poisson.pmf(inner, mean)]
    expected.append(1 - sum(expected))
    clipped = np.clip(counts, bins[0], inner[-1] + 1) - bins[0]
    observed = np.bincount(clipped, minlength=len(expected))
    assert stats.chisquare(observed, np.array(expected) * u.size).pvalue > 1e-6
