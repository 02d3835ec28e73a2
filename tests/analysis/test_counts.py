"""Counts, rates and Fano factors against Poisson and regular trains."""

import numpy as np
import pytest
from trains import as_spikes, near, poisson

from spikecuda import analysis


def test_rates_of_poisson_trains():
    # The mean over n neurons of counts / T has variance rate / (T n).
    neurons, rate, seconds = 200, 12.0, 5.0
    spikes = poisson(np.random.default_rng(2), neurons, 50_000, rate, 0.1)
    found = analysis.rates(spikes, neurons, 0.0, 5000.0)
    near(found.mean(), rate, np.sqrt(rate / seconds / neurons))
    time, histogram = analysis.rate_histogram(spikes, neurons, 0.0, 5000.0, 10.0)
    assert time[0] == 5.0 and time.size == 500
    assert histogram.mean() == pytest.approx(found.mean(), rel=1e-12)


def test_fano_factor_of_poisson_trains():
    # Given T spikes in n bins, the counts are multinomial, and (n - 1) F = sum (x - T/n)² / (T/n)
    # is Pearson's statistic: mean n - 1, variance 2 (n - 1) (1 - 1 / T).
    neurons, bins = 400, 100
    spikes = poisson(np.random.default_rng(3), neurons, 20_000, 20.0, 0.5)
    found = analysis.fano_factor(spikes, neurons, 0.0, 10_000.0, 100.0)
    near(found.mean(), 1.0, np.sqrt(2 / (bins - 1) / neurons))


def test_fano_factor_of_regular_trains_is_zero():
    step = np.arange(0, 1000, 20)
    spikes = as_spikes(step, np.zeros(step.size), 1.0)
    assert analysis.fano_factor(spikes, 2, 0.0, 1000.0, 40.0)[0] == 0.0
    assert np.isnan(analysis.fano_factor(spikes, 2, 0.0, 1000.0, 40.0)[1])
    # Bins of half a period: 1, 0, 1, 0, ...: mean 1/2, variance n / (4 (n - 1)).
    found = analysis.fano_factor(spikes, 2, 0.0, 1000.0, 10.0)[0]
    assert found == pytest.approx(100 / 99 / 2, rel=1e-14)


def test_a_spike_belongs_to_its_step():
    # The spike at the end of step 9, at 1.0 ms, is in [0, 1) ms and not in [1, 2).
    spikes = as_spikes([9, 10], [0, 0], 0.1)
    assert spikes.time.tolist() == [1.0, 1.1]
    assert analysis.population_counts(spikes, 1, 0.0, 2.0, 1.0).tolist() == [1, 1]
    assert analysis.rates(spikes, 1, 1.0, 2.0).tolist() == [1000.0]


def test_smoothing_keeps_a_constant_and_the_mass_of_a_pulse():
    assert analysis.smooth(np.full(50, 7.0), 1.0, 30.0) == pytest.approx(np.full(50, 7.0))
    pulse = np.zeros(201)
    pulse[100] = 1.0
    smooth = analysis.smooth(pulse, 0.5, 5.0)
    # A sampled Gaussian of 10 bins: its sums differ from the integrals by exp(-2 (10 pi)²), and
    # 5.7e-7 of it lies outside the cut.
    place = np.arange(201) - 100
    assert smooth.sum() == pytest.approx(1.0, abs=1e-6)
    assert (smooth * place**2).sum() == pytest.approx(100.0, rel=2e-5)
    assert smooth == pytest.approx(np.exp(-(place**2) / 200) / (10 * np.sqrt(2 * np.pi)), abs=4e-6)
    assert analysis.smooth(np.array([3.0]), 1.0, 5.0).tolist() == [3.0]
