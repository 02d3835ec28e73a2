"""Correlograms, averages and histograms around events, against all pairs in plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trains import as_spikes, near, poisson

from spikecuda import SpikecudaError, analysis

DT = 0.5


@st.composite
def trains(draw):
    """A few spikes, several of a neuron in a step among them, and a window around most of them."""
    number = draw(st.integers(0, 40))
    step = draw(st.lists(st.integers(0, 60), min_size=number, max_size=number))
    neuron = draw(st.lists(st.integers(0, 4), min_size=number, max_size=number))
    start = draw(st.integers(0, 10))
    return as_spikes(step, neuron, DT), start * DT, draw(st.integers(start + 12, 64)) * DT


def listed(spikes, neurons, start, stop, width):
    """Return [(neuron, bin)] of the spikes in whole bins of a window, and the number of bins."""
    first, last = round(start / DT), round(stop / DT)
    bins = (last - first) // width
    found = [
        (int(n), int(s - first) // width)
        for s, n in zip(spikes.step, spikes.neuron, strict=True)
        if first <= s < first + bins * width and n in neurons
    ]
    return found, bins


def by_pairs(reference, others, bins, most, partners, width, same):
    """Count every pair; give the rate of a partner at each lag, for lags that the window has."""
    counts, rates = [], []
    for lag in range(-most, most + 1):
        pairs = sum(
            1
            for i, (a, s) in enumerate(reference)
            for j, (b, t) in enumerate(others)
            if t - s == lag and same(i, a, j, b)
        )
        some = sum(1 for _, s in reference if 0 <= s + lag < bins)
        counts.append(pairs)
        rates.append(pairs / (some * partners * width * DT / 1000.0) if some else np.nan)
    return np.array(counts, float), np.array(rates)


@given(trains(), st.integers(1, 3), st.integers(0, 3))
def test_autocorrelogram(given_, width, most):
    spikes, start, stop = given_
    for neurons in (5, [3, 0]):
        chosen = range(5) if neurons == 5 else neurons
        found, bins = listed(spikes, chosen, start, stop, width)
        counts, rates = by_pairs(
            found, found, bins, most, 1, width, lambda i, a, j, b: i != j and a == b
        )
        options = {"bin": width * DT, "longest": most * width * DT}
        lag, value = analysis.autocorrelogram(spikes, neurons, start, stop, **options, unit="count")
        assert np.allclose(lag, np.arange(-most, most + 1) * width * DT)
        assert np.array_equal(value, counts)
        _, value = analysis.autocorrelogram(spikes, neurons, start, stop, **options)
        assert np.allclose(value, rates, rtol=1e-12, equal_nan=True)


@given(trains(), trains(), st.integers(1, 3), st.integers(0, 3))
def test_cross_correlogram(one, two, width, most):
    spikes, start, stop = one
    options = {"bin": width * DT, "longest": most * width * DT}
    first, bins = listed(spikes, [0, 2], start, stop, width)
    for others, numbers in ((two[0], [0, 1, 2]), (None, [1, 4])):
        second, _ = listed(spikes if others is None else others, numbers, start, stop, width)
        expected = by_pairs(first, second, bins, most, len(numbers), width, lambda i, a, j, b: True)
        for unit, values in zip(("count", "rate"), expected, strict=True):
            _, found = analysis.cross_correlogram(
                spikes, [0, 2], start, stop, **options, unit=unit, others=others,
                other_neurons=numbers,
            )  # fmt: skip
            assert np.allclose(found, values, rtol=1e-12, equal_nan=True)
    every, bins = listed(spikes, range(5), start, stop, width)
    expected = by_pairs(every, every, bins, most, 4, width, lambda i, a, j, b: a != b)
    for unit, values in zip(("count", "rate"), expected, strict=True):
        _, found = analysis.cross_correlogram(spikes, 5, start, stop, **options, unit=unit)
        assert np.allclose(found, values, rtol=1e-12, equal_nan=True)


def test_poisson_trains_give_their_rate():
    neurons, steps, rate = 40, 40_000, 20.0
    spikes = poisson(np.random.default_rng(1), neurons, steps, rate, DT)
    seconds = steps * DT / 1000.0
    for function, pairs in (
        (analysis.autocorrelogram, neurons), (analysis.cross_correlogram, neurons * (neurons - 1))
    ):  # fmt: skip
        lag, value = function(spikes, neurons, 0.0, steps * DT, 1.0, 30.0)
        # A lag above 0 counts each pair of Poisson counts once: of n pairs with mean m² bins each,
        # variance m² and 2 m³ that neighbours share; the rate is the count by n m bin.
        m = rate / 1000.0
        bins = seconds * 1000.0
        deviation = np.sqrt((m**2 + 4 * m**3 * neurons) / (pairs * bins)) / m * 1000.0
        near(value[lag > 0].mean(), rate, deviation)
        assert np.array_equal(value.shape, lag.shape)


def test_a_regular_train_and_a_follower():
    step = np.arange(10, 1000, 20)
    spikes = as_spikes([*step, *(step + 3)], [0] * step.size + [1] * step.size, 1.0)
    lag, value = analysis.autocorrelogram(spikes, [0], 0.0, 1000.0, 1.0, 50.0)
    assert lag[value > 0].tolist() == [-40.0, -20.0, 20.0, 40.0] and value[lag == 20.0] == 1000.0
    lag, value = analysis.cross_correlogram(spikes, [0], 0.0, 1000.0, 1.0, 10.0, other_neurons=[1])
    assert lag[value > 0].tolist() == [3.0] and value[lag == 3.0] == 1000.0


def test_what_correlograms_refuse():
    spikes = as_spikes([1, 2], [0, 1], 1.0)
    given_ = (spikes, 2, 0.0, 20.0)
    for options, message in (
        ({"unit": "rates"}, r"unit must be one of rate, count.*did you mean 'rate'"),
        ({"longest": 20.0}, "longest must be < the window's 20 ms"),
        ({"longest": 0.5}, "longest must be a multiple"),
    ):
        with pytest.raises(SpikecudaError, match=message):
            analysis.autocorrelogram(*given_, **{"longest": 5.0, **options})
    for options, message in (
        ({"others": as_spikes([1], [0], 1.0)}, "other_neurons must be given"),
        ({"other_neurons": [1]}, r"must be none of neurons \(got 1 in both\)"),
        ({"others": as_spikes([1], [0], 0.5), "other_neurons": 1}, "must have the dt of spikes"),
    ):
        with pytest.raises(SpikecudaError, match=message):
            analysis.cross_correlogram(*given_, longest=5.0, **options)
    with pytest.raises(SpikecudaError, match="at least two without other_neurons"):
        analysis.cross_correlogram(spikes, [0], 0.0, 20.0, longest=5.0)


@given(trains(), st.integers(1, 3), st.integers(0, 2), st.integers(0, 2), st.booleans())
def test_spike_triggered_average(given_, width, back, ahead, channels):
    spikes, start, stop = given_
    found, samples = listed(spikes, [1, 2, 3], start, stop, width)
    rng = np.random.default_rng(0)
    signal = rng.integers(-9, 9, (samples, 2) if channels else samples).astype(np.float32)
    if back + ahead >= samples:
        return
    lag, average, number = analysis.spike_triggered_average(
        spikes, [1, 2, 3], start, stop, signal, back * width * DT, ahead * width * DT,
        every=width * DT,
    )  # fmt: skip
    places = [s for _, s in found if back <= s < samples - ahead]
    assert number == len(places) and np.allclose(lag, np.arange(-back, ahead + 1) * width * DT)
    for row, shift in enumerate(range(-back, ahead + 1)):
        if places:
            expected = sum(signal[s + shift].astype(float) for s in places) / number
            assert np.allclose(average[row], expected, rtol=1e-12)
        else:
            assert np.isnan(average[row]).all()


def test_the_average_finds_a_filter():
    # Poisson spikes whose chance is linear in white noise through a filter: the average is the
    # filter times the variance of the noise (Dayan & Abbott 2001, section 2.2).
    rng = np.random.default_rng(3)
    steps, base = 400_000, 0.2
    kernel = np.array([0.02, 0.05, 0.03, -0.01])
    noise = rng.normal(0.0, 0.5, steps)
    drive = base + np.convolve(noise, kernel)[:steps]
    step = np.flatnonzero(rng.random(steps) < drive)
    spikes = as_spikes(step, np.zeros(step.size), 1.0)
    lag, average, number = analysis.spike_triggered_average(
        spikes, 1, 0.0, float(steps), noise, before=5.0, after=2.0
    )
    expected = np.zeros(lag.size)
    expected[(lag <= 0) & (lag > -4)] = (kernel * 0.25 / base)[::-1]
    for value, mean in zip(average, expected, strict=True):
        near(value, mean, 0.5 / np.sqrt(number))


def test_what_the_average_refuses():
    spikes = as_spikes([1, 2], [0, 1], 1.0)
    for signal, before, message in (
        (np.zeros(9), 1.0, "signal must have 10 samples"), (np.zeros((10, 1, 1)), 1.0, "signal"),
        (np.zeros(10), 10.0, "shorter together than the window"), (["x"] * 10, 1.0, "signal"),
        (np.zeros(10), 0.5, "before must be a multiple"),
    ):  # fmt: skip
        with pytest.raises(SpikecudaError, match=message):
            analysis.spike_triggered_average(spikes, 2, 0.0, 10.0, signal, before)


@given(trains(), st.lists(st.integers(8, 70), min_size=1, max_size=4), st.integers(1, 3))
def test_psth_around_events(given_, events, width):
    spikes, _, _ = given_
    times = np.array(events) * DT + 0.1  # the nearest step is meant
    time, rate, error = analysis.psth(spikes, [0, 1, 4], -3.0, 5.0, width * DT, times)
    bins = 16 // width
    rows = np.zeros((len(events), bins))
    for row, event in enumerate(events):
        for s, n in zip(spikes.step, spikes.neuron, strict=True):
            place = (s - (event - 6)) // width
            if n in (0, 1, 4) and s - (event - 6) >= 0 and place < bins:
                rows[row, place] += 1
    rows /= 3 * width * DT / 1000.0
    assert np.allclose(time, -3.0 + (np.arange(bins) + 0.5) * width * DT)
    assert np.allclose(rate, rows.mean(axis=0), rtol=1e-12)
    if len(events) > 1:
        n = len(events)
        spread = ((rows - rows.mean(axis=0)) ** 2).sum(axis=0) / (n - 1) / n
        assert np.allclose(error, np.sqrt(spread), rtol=1e-9, atol=1e-12)
    else:
        assert np.isnan(error).all()


def test_psth_of_trials():
    rng = np.random.default_rng(5)
    trials = [poisson(rng, 30, 2000, 15.0, DT) for _ in range(25)]
    time, rate, error = analysis.psth(trials, 30, 0.0, 1000.0, 20.0)
    _, each = zip(*(analysis.rate_histogram(t, 30, 0.0, 1000.0, 20.0) for t in trials), strict=True)
    assert np.allclose(rate, np.mean(each, axis=0), rtol=1e-12) and time[0] == 10.0
    # Square of the error: rate / (trials neurons bin); a sample variance over 50 bins of 25 trials.
    expected = 15.0 / (25 * 30 * 0.02)
    near((error**2).mean(), expected, expected * np.sqrt(2 / 24 / 50) * 1.1)
    near(rate.mean(), 15.0, np.sqrt(expected / rate.size))


def test_what_psth_refuses():
    spikes = as_spikes([1, 2], [0, 1], 1.0)
    other = as_spikes([1], [0], 0.5)
    for trials, events, message in (
        (spikes, None, "spikes must be a list"), ([], None, "at least one trial"),
        ([spikes, other], None, "of one dt"), ([spikes], [1.0], "Spikes of one run"),
        (spikes, [], "events must be at least one"), (spikes, [np.nan], "at least one time"),
        (spikes, [2.0], r"events must be >= 5 ms"), (spikes, 3.0, "at least one time"),
        (spikes, "x", "events"), ([spikes, 3], None, "spikes must be Spikes"),
    ):  # fmt: skip
        with pytest.raises(SpikecudaError, match=message):
            analysis.psth(trials, 2, -5.0 if events else 0.0, 5.0, 1.0, events)
