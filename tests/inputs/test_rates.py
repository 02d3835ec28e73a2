"""Poisson input of a rate that changes: counts against the oracle, and noise within a time."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import GPUNeuronPool, Network, Noise, Poisson, Waveform
from spikecuda.kernels.reference import noise
from spikecuda.network import Delta

DT, STEPS = 0.1, 24
PASSIVE = {
    "v_rest": 0.0, "v_reset": -1.0, "v_th": 1e9, "t_ref": 0.0, "c_m": 100.0, "tau_m": 20.0,
}  # fmt: skip
SEEDS = st.integers(0, 2**64 - 1)
CLOCKS = st.sampled_from([0, 3, 1023, 2**33 - 3, 2**34 + 5])


def pool_counts(given, count, seed, clock=0):
    """Return the events of each step and neuron: jumps of 1 mV of a membrane without decay."""
    params = {**PASSIVE, "tau_m": 1e12}
    with GPUNeuronPool(
        count, params=params, seed=seed, initial={"v": 0.0}, precision="float64", device="cpu"
    ) as pool:
        pool.population.steps = clock
        v = pool.run(steps=STEPS, input=given, record="v").traces["v"]
    return np.rint(np.diff(v, axis=0, prepend=0.0))


def network_counts(given, count, seed):
    with Network(DT, seed, "float64", threads=2, partitions=2, devices="cpu") as net:
        net.population(
            "n", count, params={**PASSIVE, "tau_m": 1e12}, initial={"v": 0.0},
            receptors={"d": Delta()},
        )  # fmt: skip
        net.drive("n", given, "d")
        net.record("n", "v")
        v = net.run(STEPS * DT).traces["n"]["v"]
    return np.rint(np.diff(v, axis=0, prepend=0.0))


def require(got, uniform, means):
    """Compare counts (steps, n) with the oracle's for the means of each step, and neuron."""
    for k, n in np.ndindex(got.shape):
        mean, u = means[k, n], uniform[k, n]
        survival = noise.poisson_survival(mean)
        # Derived in tests/oracle/pools.py: where u is that near to a level, either count is right.
        if (np.abs(u - survival) > (np.arange(len(survival)) + 8) * 2.0**-24).all():
            assert got[k, n] == (u <= survival).sum(), (k, n, mean)


@pytest.mark.parametrize("each", [False, True], ids=["shared", "per neuron"])
@settings(max_examples=8)
@given(SEEDS, CLOCKS, st.integers(1, 40), st.integers(0, 2**32))
def test_counts_are_those_of_the_oracle(each, seed, clock, count, numbers):
    rng = np.random.default_rng(numbers)
    means = rng.exponential(3.0, (STEPS, count if each else 1)) * rng.integers(0, 2, (STEPS, 1))
    rate = Waveform(np.minimum(means, 60.0) / (DT * 1e-3), DT, 0.0)
    if clock:
        rate = Waveform(rate.values[:1], DT, before="hold", after="hold")
    means = np.broadcast_to(rate.values * DT * 1e-3, (STEPS, rate.values.shape[1]))
    means = np.broadcast_to(means, (STEPS, count))
    rate = rate if each else Waveform(rate.values[:, 0], DT, before=rate.before, after=rate.after)
    given = Poisson(rate, 1.0)
    uniform = noise.uniforms(seed, 0, clock, STEPS, np.arange(count))
    require(pool_counts(given, count, seed, clock), uniform, means)
    if not clock:
        uniform = noise.lane_uniforms(seed, 0, 0, STEPS, np.arange(count))
        require(network_counts(given, count, seed), uniform, means)


@pytest.mark.parametrize("make", [pool_counts, network_counts])
@pytest.mark.parametrize("rate", [0.0, 300.0, 90_000.0])
def test_a_rate_that_stays_has_the_bits_of_a_number(make, rate):
    expected = make(Poisson(rate, 1.0), 70, 9)
    for form in (
        Waveform([rate], 1.0, after="hold"), Waveform([rate, rate], 0.7, after="repeat"),
        np.full((STEPS, 1), rate),
    ):  # fmt: skip
        np.testing.assert_array_equal(make(Poisson(form, 1.0), 70, 9), expected)
    function = Poisson(lambda t: rate, 1.0, 0.0, 0.1 * STEPS)
    np.testing.assert_array_equal(make(function, 70, 9), expected)
    some = make(Poisson(rate, 1.0, 0.5, 1.2), 70, 9)
    expected[:5] = expected[12:] = 0
    np.testing.assert_array_equal(some, expected)


def test_rates_over_a_long_time():
    """Counts of each 1 ms of a sine of 5 Hz, 2,000 neurons: mean and variance as they must be."""
    n, seconds = 2000, 0.4
    rate = lambda t: 400.0 * (1.0 + np.sin(2 * np.pi * 5.0 * t * 1e-3))  # noqa: E731
    with GPUNeuronPool(
        n, params={**PASSIVE, "tau_m": 1e12}, seed=3, initial={"v": 0.0}, precision="float64",
        device="cpu",
    ) as pool:  # fmt: skip
        given = Poisson(rate, 1.0, 0.0, seconds * 1e3)
        v = pool.run(seconds * 1e3, input=given, record="v").traces["v"]
    counts = np.rint(np.diff(v[9::10], axis=0, prepend=np.zeros((1, n))))
    steps = np.arange(round(seconds * 1e4)) * DT
    mean = (rate(steps) * DT * 1e-3).reshape(-1, 10).sum(axis=1)
    # 400 tests of a mean of n Poisson numbers: 5 deviations leave 2e-4.
    assert (np.abs(counts.mean(axis=1) - mean) <= 5 * np.sqrt(mean / n) + 2.0 / n).all()
    # The squared deviation of a Poisson number has the variance mean (1 + 2 mean).
    squares = ((counts - mean[:, None]) ** 2).sum()
    assert abs(squares - n * mean.sum()) < 5 * math.sqrt(n * (mean * (1 + 2 * mean)).sum())


def test_noise_within_a_time_is_that_of_all_times():
    sigma = np.linspace(10.0, 50.0, 40)
    params = {**PASSIVE, "tau_m": 1e12}
    steps = []
    for some in (Noise(sigma), Noise(sigma, 20.0, 0.5, 1.2)):
        with GPUNeuronPool(
            40, params=params, seed=3, initial={"v": 0.0}, precision="float64", device="cpu"
        ) as pool:
            v = pool.run(steps=STEPS, input=some, record="v").traces["v"]
        steps.append(np.diff(v, axis=0, prepend=0.0))
    expected = steps[0] + 20.0 * DT / 100.0
    expected[:5] = expected[12:] = 0.0
    np.testing.assert_allclose(steps[1], expected, atol=1e-12)


def test_a_function_is_called_once():
    """Its values are kept, also for a view, whatever the function returns later."""
    calls = []

    def rate(t):
        calls.append(t.size)
        return np.full(t.size, 900.0 / len(calls))

    with Network(DT, 1, devices="cpu") as net:
        net.population("n", 5, receptors={"d": Delta()})
        net.drive(net["n"][[1, 3]], Poisson(rate, 1.0, 1.0, 3.0), "d")
        net.run(2.0)
        net.run(2.0)
    assert calls == [20]
    given = Poisson(rate, 1.0, 1.0, 3.0)
    with GPUNeuronPool(5, device="cpu") as pool:
        pool.run(2.0, input=given)
        pool.run(2.0, input=given)
    assert calls == [20, 20]
