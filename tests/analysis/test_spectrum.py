"""The spectrum against SciPy, Poisson trains and a regular train."""

import numpy as np
import pytest
from trains import as_spikes, near, poisson

from spikecuda import analysis
from spikecuda.errors import SpikecudaValueError


@pytest.mark.parametrize("bin, segment", [(1.0, 250.0), (2.0, 250.0), (0.5, 101.5)])
def test_it_is_welch_of_the_histogram(bin, segment):
    from scipy.signal import welch

    spikes = poisson(np.random.default_rng(10), 7, 4000, 30.0, 0.5)
    frequency, power = analysis.power_spectrum(spikes, 7, 0.0, 2000.0, bin, segment)
    _, rate = analysis.rate_histogram(spikes, 7, 0.0, 2000.0, bin)
    length = round(segment / bin)
    expected = welch(rate, 1000.0 / bin, "hann", length, length // 2, detrend="constant")
    assert frequency == pytest.approx(expected[0], rel=1e-12)
    assert power == pytest.approx(expected[1], rel=1e-10)


def test_poisson_trains_are_white():
    # Counts of mean m have variance m and fourth cumulant m: a term |X|² of a windowed transform
    # has mean m W2 and variance (m W2)² + m W4, W_k the sum of the window's k-th powers.  Segments
    # that overlap by half correlate by (1/6)², so that n of them count as n / (1 + 2/36).
    # Frequencies next to each other correlate by (2/3)², those two apart by (1/6)²: at most 2 times
    # the variance.
    neurons, rate, length, seconds = 20, 10.0, 200, 60
    spikes = poisson(np.random.default_rng(11), neurons, seconds * 1000, rate, 1.0)
    frequency, power = analysis.power_spectrum(
        spikes, neurons, 0.0, seconds * 1000.0, 1.0, float(length)
    )
    assert frequency[1] == 5.0 and frequency[-1] == 500.0
    flat = power[2:-1]
    m = neurons * rate / 1000.0
    window = np.sin(np.pi * np.arange(length) / length) ** 2
    relative = 1 + (window**4).sum() / (m * (window**2).sum() ** 2)
    segments = (seconds * 1000 // (length // 2)) - 1
    one = relative * (1 + 2 / 36) / segments
    # The fourth cumulant is common to all frequencies and does not average out over them.
    shared = (relative - 1) * (1 + 2 / 36) / segments
    expected = 2 * rate / neurons
    near(flat.mean(), expected, expected * np.sqrt(2 * one / flat.size + shared))


def test_a_regular_train_has_lines_at_its_rate():
    step = np.arange(0, 10_000, 25)
    frequency, power = analysis.power_spectrum(
        as_spikes(step, np.zeros(step.size), 1.0), 1, 0.0, 10_000.0, 1.0, 1000.0
    )
    lines = frequency[power > 1e-6 * power.max()]
    # A Hann window spreads a line over its two neighbours, 1 Hz away.
    assert sorted(set(np.rint(lines / 40.0) * 40.0)) == [40.0 * k for k in range(1, 13)]
    assert np.abs(lines - np.rint(lines / 40.0) * 40.0).max() <= 1.0


def test_the_segment_must_fit():
    spikes = as_spikes([3], [0], 1.0)
    with pytest.raises(SpikecudaValueError, match="from 2 bins to the window's 100 ms"):
        analysis.power_spectrum(spikes, 1, 0.0, 100.0, 1.0, 500.0)
    with pytest.raises(SpikecudaValueError, match="segment must be a multiple"):
        analysis.power_spectrum(spikes, 1, 0.0, 100.0, 2.0, 15.0)
