"""Poisson trains that are drawn before the run."""

import numpy as np
import pytest

from spikecuda.errors import OutOfMemoryError, SpikecudaError
from spikecuda.network import SpikeTrain


@pytest.mark.parametrize("rate", [1e12, 1e308])
def test_trains_beyond_memory_are_refused(rate):
    with pytest.raises(OutOfMemoryError, match="use a drive with Poisson"):
        SpikeTrain.poisson(1000, rate, 0.0, 1e5)


def test_counts_and_times_are_those_of_a_poisson_process():
    n, rate, start, stop = 2000, 40.0, 10.0, 260.0
    train = SpikeTrain.poisson(n, rate, start, stop, seed=5)
    mean = rate * (stop - start) * 1e-3
    counts = np.bincount(train.neurons, minlength=n)
    # A Poisson count has variance mean; the variance of its sample variance is (mean + 2 mean^2)/n.
    assert abs(counts.mean() - mean) < 5.0 * np.sqrt(mean / n)
    assert abs(counts.var() - mean) < 5.0 * np.sqrt((mean + 2.0 * mean**2) / n)
    assert train.times.min() > start and train.times.max() < stop
    # Given their number, times are uniform: Kolmogorov's bound at one in 10^6.
    unit = np.sort((train.times - start) / (stop - start))
    distance = np.abs(unit - np.arange(unit.size) / unit.size).max()
    assert distance < 2.7 / np.sqrt(unit.size)


def test_a_pure_function_of_the_seed():
    one, same, other = (SpikeTrain.poisson(10, 100.0, 0.0, 50.0, seed=s) for s in (1, 1, 2))
    assert np.array_equal(one.times, same.times) and np.array_equal(one.neurons, same.neurons)
    assert one.times.size != other.times.size or not np.array_equal(one.times, other.times)


def test_it_may_begin_at_0_and_be_empty():
    points, _ = SpikeTrain.poisson(1000, 1000.0, 0.0, 0.2, seed=1).on_grid(0.1, 1000)
    assert points.size and points.min() == 1
    assert SpikeTrain.poisson(3, 0.0, 0.0, 10.0).times.size == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1.0, 0.0, 1.0), "n must be from 1"),
        ((1, -1.0, 0.0, 1.0), r"rate must be >= 0 Hz \(got -1.0\)"),
        ((1, np.nan, 0.0, 1.0), "rate must be >= 0 Hz"),
        ((1, 1.0, 5.0, 5.0), "start and stop must be 0 <= start < stop"),
        ((1, 1.0, -1.0, 5.0), "start and stop must be 0 <= start < stop"),
        ((1, 1.0, 0.0, np.inf), "start and stop must be 0 <= start < stop"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(SpikecudaError, match=message):
        SpikeTrain.poisson(*arguments)
