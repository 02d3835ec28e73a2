"""Renewal and correlated trains: against the oracle spike by spike, and their statistics."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import CorrelatedPoisson, GPUNeuronPool, Renewal, Sine, Waveform
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.kernels.reference import trains

SEEDS = st.integers(0, 2**64 - 1)


def counts(term, n, dt, steps, seed=1, clock=0, identity=0):
    """Return the events of some steps and neurons."""
    drive = ResolvedInput(term, n, dt, steps, "float64", seed, identity)
    out = np.empty((steps, n))
    drive.rows("_events0", clock, 0, slice(0, n), out)
    return out


@settings(max_examples=25)
@given(
    SEEDS, st.floats(0.2, 60.0), st.sampled_from([0.0, 1.5]), st.floats(5.0, 600.0),
    st.sampled_from([0.0, 12.3]),
)  # fmt: skip
def test_renewal_trains_are_those_of_the_oracle(seed, shape, rest, rate, start):
    dt, steps, n = 0.1, 1500, 3
    got = counts(Renewal(rate, 1.0, shape, rest, start=start), n, dt, steps, seed, identity=64)
    first = math.ceil(start / dt - 1e-6)
    assert not got[:first].any()
    for j in range(n):
        times = trains.renewal_times(seed, 0, 64 + j, rate, shape, rest, (steps - first) * dt)
        expected = np.bincount((np.array(times) / dt).astype(int), minlength=steps - first)
        # The oracle's normal numbers are not rounded to float32: a spike at a border may move.
        moved = np.abs(np.cumsum(got[first:, j]) - np.cumsum(expected[: steps - first]))
        assert moved.max(initial=0) <= 1 and moved.sum() <= 1 + 0.01 * len(times)


def intervals(term, count, mean, n=400, dt=0.05, clock=0):
    """Return the first ``count`` whole intervals of n trains, in ms, (n, count)."""
    steps = round((count + 1 + 8 * math.sqrt(count) * 2) * mean / dt)
    got = counts(term, n, dt, steps, clock=clock)
    result = []
    for column in got.T:
        at = np.repeat(np.arange(steps), column.astype(int))
        assert at.size > count
        result.append(np.diff(at[: count + 1]) * dt)
    return np.array(result)


# A rate that changes, in name only, takes the other way of drawing.
FORMS = {"number": lambda rate: rate, "over time": lambda rate: Waveform([rate], 1.0, after="hold")}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("shape", "rest"), [(1.0, 0.0), (4.0, 0.0), (1.0, 4.0), (0.5, 1.0), (3.0, 5.0)]
)
def test_intervals(form, shape, rest):
    """Mean 1 / rate, CV (1 - rate rest) / sqrt(shape), no correlation of neighbours."""
    mean, count = 20.0, 50
    found = intervals(Renewal(FORMS[form](1000.0 / mean), 1.0, shape, rest), count, mean)
    n, variance = found.size, (mean - rest) ** 2 / shape
    assert abs(found.mean() - mean) < 5 * math.sqrt(variance / n) + 0.05 / math.sqrt(n)
    # Of a gamma distribution: kurtosis 3 + 6 / shape; times are cut to steps: two times dt^2 / 12.
    error = variance * math.sqrt((2 + 6 / shape) / n)
    assert abs(found.var() - variance) < 5 * error + 0.05**2 / 6
    assert found.min() >= rest - 0.05
    first, second = found[:, :-1] - mean, found[:, 1:] - mean
    assert abs((first * second).mean()) < 5 * variance / math.sqrt(first.size) + 0.05**2


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("shape", "rest"), [(6.0, 0.0), (1.0, 12.0), (0.3, 5.0)])
def test_there_is_no_transient(form, shape, rest):
    """The rate is the same in every 2 ms from the start on, over 20,000 trains."""
    n, rate, dt, start = 20_000, 50.0, 0.1, 3.0
    got = counts(Renewal(FORMS[form](rate), 1.0, shape, rest, start=start), n, dt, 430)
    assert not got[:30].any()
    per_bin = got[30:].reshape(20, 20, n).sum(axis=(1, 2)) / n
    mean = rate * 2e-3
    # A train of shape 0.3 bursts: at most 1 / 0.3 times the variance of a Poisson process.
    spread = math.sqrt(mean * max(1.0, 1.0 / shape) / n)
    assert (np.abs(per_bin - mean) < 4.5 * spread).all()


@pytest.mark.parametrize("shape", [1.0, 5.0])
def test_a_rate_is_followed(shape):
    """Time rescaling keeps the mean exactly; the Fano factor of many intervals is 1 / shape."""
    n, dt = 4000, 0.1
    wave = Sine(150.0, 20.0, mean=200.0)
    got = counts(Renewal(wave, 1.0, shape), n, dt, 3000)
    k = np.arange(3000)
    rate = 200.0 + 150.0 * np.sin(2 * np.pi * 20.0 * k * dt * 1e-3)
    mean = (rate * dt * 1e-3).reshape(-1, 20).sum(axis=1)
    per_bin = got.reshape(150, 20, n).sum(axis=1).mean(axis=1)
    assert (np.abs(per_bin - mean) < 5 * np.sqrt(mean / n)).all()
    whole = got.sum(axis=0)
    # Cox (1962) section 4.5: variance of counts m / k + (1 - 1 / k^2) / 6 of a stationary process.
    expected = mean.sum() / shape + (1 - 1 / shape**2) / 6
    assert abs(whole.var() - expected) < 5 * expected * math.sqrt(2 / n) + 0.05 * expected


@settings(max_examples=12)
@given(SEEDS, st.floats(0.01, 12.0), st.floats(0.05, 1.0), st.sampled_from([0, 2**33 + 5]))
def test_copies_are_those_of_the_oracle(seed, mean, chance, clock):
    dt, n = 0.1, 5
    term = CorrelatedPoisson(mean * chance / (dt * 1e-3), 1.0, chance)
    got = counts(term, n, dt, 40, seed, clock, identity=96)
    for k in range(40):
        expected = trains.copied_counts(seed, 0, 96 + np.arange(n), mean, chance, clock + k)
        np.testing.assert_array_equal(got[k], expected)


@pytest.mark.parametrize("correlation", [0.05, 0.5, 1.0])
def test_correlated_trains(correlation):
    """Poisson counts of the rate, and the correlation of each pair."""
    n, dt, steps, rate = 20, 0.1, 200_000, 200.0
    got = counts(CorrelatedPoisson(rate, 1.0, correlation), n, dt, steps).reshape(-1, 10, n)
    per_ms = got.sum(axis=1)
    mean, bins = rate * 1e-3, len(per_ms)
    # All trains together have the variance of a mean that the common train widens.
    spread = math.sqrt(mean * (1 + (n - 1) * correlation) / (n * bins))
    assert abs(per_ms.mean() - mean) < 5 * spread
    square = mean * (1 + 2 * mean)  # of a Poisson number's squared deviation: its variance
    width = math.sqrt(square * (1 + (n - 1) * correlation) / (n * bins))
    assert abs(((per_ms - mean) ** 2).mean() - mean) < 5 * width
    found = np.corrcoef(per_ms.T)[np.triu_indices(n, 1)]
    # A product of counts that share events of rate m c: at most the variance of such a square.
    error = math.sqrt((1 + correlation / mean + 2 * correlation**2) / bins)
    assert np.abs(found - correlation).max() < 5.5 * error
    later = np.corrcoef(per_ms[1:, 0], per_ms[:-1, 1])[0, 1]
    assert abs(later) < 5 / math.sqrt(bins)


def test_drives_and_populations_have_common_trains_of_their_own():
    n, dt, steps = 2, 0.1, 100_000
    both = CorrelatedPoisson(200.0, 1.0, 1.0) + CorrelatedPoisson(200.0, 1.0, 1.0)
    drive = ResolvedInput(both, n, dt, steps, "float64", 1, 0)
    out = np.empty((3, steps, n))
    for j in range(2):
        drive.rows(f"_events{j}", 0, 0, slice(0, n), out[j])
    out[2] = counts(CorrelatedPoisson(200.0, 1.0, 1.0), n, dt, steps, identity=32)
    for row in out:
        np.testing.assert_array_equal(row[:, 0], row[:, 1])
    found = np.corrcoef(out[:, :, 0])[np.triu_indices(3, 1)]
    assert np.abs(found).max() < 5 / math.sqrt(steps)


def test_a_pool_gets_the_events():
    params = {"tau_m": 1e12, "v_rest": 0.0, "v_reset": -1.0, "v_th": 1e9, "t_ref": 0.0}
    term = Renewal(np.linspace(50.0, 500.0, 40), np.linspace(1.0, 2.0, 40), 3.0, 1.0)
    with GPUNeuronPool(
        40, params=params, seed=9, initial={"v": 0.0}, precision="float64", device="cpu"
    ) as pool:
        v = pool.run(20.0, input=term, record="v").traces["v"]
    expected = np.cumsum(counts(term, 40, 0.1, 200, seed=9), axis=0) * np.linspace(1.0, 2.0, 40)
    np.testing.assert_allclose(v, expected, rtol=1e-6)


def test_pieces_take_no_longer_at_a_late_time():
    """What is drawn is kept: a piece is not drawn again from the start."""
    term = Renewal(200.0, 1.0, 2.0)
    with GPUNeuronPool(100, device="cpu", seed=2) as pool:
        pool.population.steps = 2**22
        pool.run(steps=1, input=term)
        drawn = []
        memo = next(iter(term._memo._held.values()))
        for _ in range(200):
            pool.run(steps=3, input=term)
            drawn.append(len(next(iter(term._memo._held.values()))))
        assert len(memo) < 64 and max(drawn) < 64
        state = next(iter(term._memo._held.values()))[-1]
        assert state.step == pool.steps
