"""Irregularity of intervals against renewal processes in closed form."""

import numpy as np
import pytest
from trains import as_spikes, near, renewal

from spikecuda import analysis
from spikecuda.errors import SpikecudaValueError

DT = 1e-4  # so fine that the grid moves no statistic by more than 1e-5 of a mean interval
MEAN = 20.0


def train(shape, intervals, neurons, seed=1):
    return renewal(np.random.default_rng(seed), neurons, intervals, shape, MEAN, DT)


@pytest.mark.parametrize("n", [2, 5, 50])
def test_cv_of_poisson_trains(n):
    # CV² (over n) of n exponential intervals is n G - 1 with Greenwood's G = sum of squares over
    # square of sum: mean 2 / (n + 1), variance 4 (n - 1) / ((n + 1)² (n + 2) (n + 3)).
    neurons = 4000
    spikes, stop = train(1.0, n, neurons)
    found = analysis.cv(spikes, neurons, 0.0, stop)
    variance = n * n * 4 * (n - 1) / ((n + 1) ** 2 * (n + 2) * (n + 3))
    near(np.mean(found**2), (n - 1) / (n + 1), np.sqrt(variance / neurons))


@pytest.mark.parametrize("shape", [1.0, 2.0, 5.0])
def test_local_variation_of_gamma_trains(shape):
    # U = (I1 - I2) / (I1 + I2) of two gamma intervals is 2 B - 1 with B of law Beta(k, k), whose
    # central moments are 1 / (4 (2 k + 1)) and 3 / (16 (2 k + 1) (2 k + 3)).  Neighbouring terms
    # share an interval, so the variance of a mean is at most three times that of free terms.
    neurons, n = 200, 100
    spikes, stop = train(shape, n, neurons)
    second, fourth = 1 / (2 * shape + 1), 3 / ((2 * shape + 1) * (2 * shape + 3))
    terms = neurons * (n - 1) / 3
    found = analysis.lv(spikes, neurons, 0.0, stop).mean()
    near(found, 3 * second, 3 * np.sqrt((fourth - second**2) / terms))
    # E|2 B - 1| = 2 / (k 4^k Beta(k, k)).
    from scipy.special import beta

    absolute = 2 / (shape * 4**shape * beta(shape, shape))
    found = analysis.cv2(spikes, neurons, 0.0, stop).mean()
    near(found, 2 * absolute, 2 * np.sqrt((second - absolute**2) / terms))


def test_cv_of_long_gamma_trains():
    # Large n: CV has mean 1 / sqrt(k) up to 1 / n terms and variance (for gamma intervals)
    # (1 / (2 k) + 1 / (2 k²)) / n, by the delta method from the law's central moments.
    shape, n, neurons = 4.0, 2000, 100
    spikes, stop = train(shape, n, neurons)
    found = analysis.cv(spikes, neurons, 0.0, stop).mean()
    bias = (1 / (2 * shape) + 1 / (2 * shape**2)) / n / (1 / np.sqrt(shape))
    deviation = np.sqrt((1 / (2 * shape) + 1 / (2 * shape**2)) / (n * neurons))
    assert abs(found - shape**-0.5) < 5 * deviation + 2 * bias


def test_regular_trains_do_not_vary():
    step = np.arange(0, 10_000, 100)
    spikes = as_spikes(np.tile(step, 3), np.repeat([0, 1, 2], step.size), 0.1)
    for measure in (analysis.cv, analysis.cv2, analysis.lv):
        assert measure(spikes, 3, 0.0, 1000.0).tolist() == [0.0, 0.0, 0.0]
    interval, index = analysis.intervals(spikes, 3, 0.0, 1000.0)
    assert set(interval) == {100 * 0.1} and index.tolist() == [0] * 99 + [1] * 99 + [2] * 99


def test_alternating_intervals():
    # a, b, a, b: mean (a + b) / 2, deviation |a - b| / 2, U = ±(a - b) / (a + b).
    a, b, n = 30, 10, 50
    step = np.cumsum([0, *[a, b] * n])
    spikes = as_spikes(step, np.zeros(step.size), 0.5)
    stop = (step[-1] + 1) * 0.5
    ratio = (a - b) / (a + b)
    assert analysis.cv(spikes, 1, 0.0, stop)[0] == pytest.approx(ratio, rel=1e-14)
    assert analysis.cv2(spikes, 1, 0.0, stop)[0] == pytest.approx(2 * ratio, rel=1e-14)
    assert analysis.lv(spikes, 1, 0.0, stop)[0] == pytest.approx(3 * ratio**2, rel=1e-14)
    revised = 3 * ratio**2 * (1 + 4 * 2.0 / ((a + b) * 0.5))
    assert analysis.lv(spikes, 1, 0.0, stop, refractory=2.0)[0] == pytest.approx(revised, rel=1e-14)


def test_too_few_intervals_are_nan():
    spikes = as_spikes([0, 5, 9, 3, 8, 1], [0, 0, 0, 1, 1, 2], 1.0)
    for measure in (analysis.cv, analysis.cv2, analysis.lv):
        assert np.isnan(measure(spikes, 4, 0.0, 10.0)).tolist() == [False, True, True, True]
        assert np.isnan(measure(spikes, 4, 0.0, 10.0, min_intervals=3)).all()
        with pytest.raises(SpikecudaValueError, match="min_intervals must be from 2"):
            measure(spikes, 4, 0.0, 10.0, min_intervals=1)
    with pytest.raises(SpikecudaValueError, match="refractory must be >= 0 ms"):
        analysis.lv(spikes, 4, 0.0, 10.0, refractory=-1.0)
