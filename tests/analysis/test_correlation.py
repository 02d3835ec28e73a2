"""Correlation and synchrony against independent trains and jittered copies of one train."""

import numpy as np
import pytest
from trains import as_spikes, copies, near, poisson, shared

from spikecuda import analysis

DT = 0.5
BIN = 10.0
WIDTH = 20


def test_independent_neurons_do_not_correlate():
    # Any order of the bins is equally likely, so r has mean 0 and variance 1 / (bins - 1) given
    # the counts of one neuron: coefficients and their squares are uncorrelated between pairs even
    # if they share a neuron.  r² has variance (2 + k² / bins) / bins² with the excess kurtosis k of
    # the counts, 1 / mean.
    bins, neurons = 1000, 60
    spikes = poisson(np.random.default_rng(4), neurons, bins * WIDTH, 15.0, DT)
    found = analysis.correlations(spikes, neurons, 0.0, bins * BIN, BIN)
    assert found.size == neurons * (neurons - 1) // 2
    near(found.mean(), 0.0, 1 / np.sqrt((bins - 1) * found.size))
    kurtosis = 1 / (15.0 * BIN / 1000.0)
    square = np.sqrt((2 + kurtosis**2 / bins) / found.size) / (bins - 1)
    near(np.mean(found**2), 1 / (bins - 1), square)


@pytest.mark.parametrize("jitter", [1, 4, 20, 40])
def test_jittered_copies(jitter):
    # See ``copies``: correlation c = kept * P; variance over mean 1 + (n - 1) c.
    bins, neurons, kept, mother = 6000, 25, 0.4, 40.0
    rng = np.random.default_rng(5)
    spikes = copies(rng, neurons, bins * WIDTH, mother, DT, kept, jitter)
    c = kept * shared(WIDTH, jitter)
    # The first bins lack copies of mothers before 0: a bias below one bin in ``bins``.
    rest = 2 / bins
    # Variance of r for counts of common and own Poisson parts, from the joint cumulants (all equal
    # to the mean m, the mixed ones to c m): ((1 - c²)² + c (1 - c) (2 - c) / (2 m)) / bins.
    # Jitter makes neighbouring bins, up to two apart, depend: at most 5 times the variance.
    m = kept * mother * BIN / 1000.0
    spread = 1 if jitter == 1 else 5
    variance = ((1 - c * c) ** 2 + c * (1 - c) * (2 - c) / (2 * m)) / bins * spread
    found = analysis.correlations(spikes, neurons, 0.0, bins * BIN, BIN)
    near(found.mean(), c, np.sqrt(variance) + rest)
    # The population count has cumulants k2 = n m (1 + (n - 1) c) and, without jitter, k4 = mother
    # count times E[B^4] < 2 (n kept)^4 of B ~ Binomial(n, kept), and less with jitter; its sample
    # variance has variance k4 / bins + 2 k2² / (bins - 1), its mean k2 / bins.
    expected = 1 + (neurons - 1) * c
    k2 = neurons * m * expected
    k4 = mother * BIN / 1000.0 * (neurons * kept) ** 4 * 2
    deviation = np.sqrt((k4 / bins + 2 * k2 * k2 / (bins - 1)) * spread) / (neurons * m)
    found = analysis.synchrony(spikes, neurons, 0.0, bins * BIN, BIN)
    near(found, expected, deviation + expected * np.sqrt(expected / (neurons * m * bins)))


def test_synchrony_of_poisson_trains_and_of_equal_ones():
    bins, neurons = 2000, 50
    spikes = poisson(np.random.default_rng(6), neurons, bins * WIDTH, 5.0, DT)
    # The sum of Poisson counts is one: see the Fano factor.
    near(analysis.synchrony(spikes, neurons, 0.0, bins * BIN, BIN), 1.0, np.sqrt(2 / (bins - 1)))
    one = as_spikes(*(part[spikes.neuron == 0] for part in (spikes.step, spikes.neuron)), DT)
    same = as_spikes(np.tile(one.step, 8), np.repeat(np.arange(8), len(one)), DT)
    single = analysis.synchrony(one, 1, 0.0, bins * BIN, BIN)
    assert analysis.synchrony(same, 8, 0.0, bins * BIN, BIN) == pytest.approx(8 * single, rel=1e-12)
    assert analysis.correlations(same, 8, 0.0, bins * BIN, BIN) == pytest.approx(np.ones(28))
    few = analysis.synchrony(same, 8, 0.0, bins * BIN, BIN, max_neurons=3)
    assert few == pytest.approx(3 * single, rel=1e-12)
    assert np.isnan(analysis.synchrony(same, [9], 0.0, bins * BIN, BIN))


def test_the_sample_of_neurons():
    spikes = poisson(np.random.default_rng(7), 40, 2000, 10.0, DT)
    given = (spikes, np.arange(5, 45), 0.0, 1000.0)
    where, matrix = analysis.correlation_matrix(*given, max_neurons=12, seed=3)
    assert where.size == 12 and np.unique(where).size == 12 and where.max() < 35
    counts = analysis.count_matrix(*given, bin=2.0)[:, where]
    assert matrix == pytest.approx(np.corrcoef(counts.T), abs=1e-12)
    again, _ = analysis.correlation_matrix(*given, max_neurons=12, seed=3)
    other, _ = analysis.correlation_matrix(*given, max_neurons=12, seed=4)
    assert np.array_equal(where, again) and not np.array_equal(where, other)
    silent = as_spikes([1], [0], 1.0)
    assert analysis.correlations(silent, 5, 0.0, 10.0).size == 0


def test_chi_of_sinusoids_and_of_noise():
    # Over whole periods the mean of cos(x + p_i) has variance |mean of exp(i p_i)|² / 2.
    phase = np.random.default_rng(8).uniform(0.0, 2.0, 30)
    x = np.arange(1000) * (2 * np.pi * 7 / 1000)
    found = analysis.chi(-60.0 + 5.0 * np.cos(x[:, None] + phase))
    assert found == pytest.approx(abs(np.exp(1j * phase).mean()), rel=1e-12)
    assert analysis.chi(np.repeat(np.cos(x)[:, None], 5, axis=1)) == pytest.approx(1.0, rel=1e-12)
    assert np.isnan(analysis.chi(np.full((10, 3), -65.0)))
    # Independent normal traces: the ratio of two sample variances of T numbers, 1 / n on average;
    # relative variance 2 / (T - 1) and n times less.
    noise = np.random.default_rng(9).standard_normal((5000, 20)).astype(np.float32)
    near(analysis.chi(noise) ** 2, 1 / 20, np.sqrt(2 / 4999 * 21 / 20) / 20)
