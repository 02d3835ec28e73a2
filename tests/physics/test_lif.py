"""LIF: inter-spike intervals, f-I curve and membrane noise from their formulas."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikecuda import GPUNeuronPool
from spikecuda.inputs.stimulus import Constant, Noise


def charging_time(p, current, start):
    """Return the time from ``start`` mV to threshold at constant current, ms (inf: never).

    Source: Gerstner, Kistler, Naud, Paninski (2014) Neuronal Dynamics, equation 1.22 (solution of
    the linear equation), with the resistance tau_m / c_m.
    """
    goal = p["v_rest"] + current * p["tau_m"] / p["c_m"]
    with np.errstate(divide="ignore", invalid="ignore"):
        time = p["tau_m"] * np.log((goal - start) / (goal - p["v_th"]))
    return np.where(goal > p["v_th"], time, np.inf)


@given(
    seed=st.integers(0, 2**32 - 1),
    dt=st.sampled_from([0.05, 0.1, 0.25]),
    count=st.sampled_from([1, 33, 100]),
)
def test_every_interval_is_the_formula_rounded_up_to_the_grid(target, seed, dt, count):
    """t_ref + tau ln((RI + v_rest - v_reset) / (RI + v_rest - v_th)), each part in whole steps."""
    rng = np.random.default_rng(seed)
    v_rest = rng.uniform(-80, -60, count)
    p = {
        "tau_m": rng.uniform(5, 40, count),
        "c_m": rng.uniform(50, 400, count),
        "v_rest": v_rest,
        "v_th": v_rest + rng.uniform(5, 25, count),
        "v_reset": v_rest + rng.uniform(-10, 4, count),
        "t_ref": rng.uniform(0.3, 5, count),
    }
    rheobase = (p["v_th"] - v_rest) * p["c_m"] / p["tau_m"]
    current = rheobase * rng.uniform(0.8, 4, count)
    first, later = (charging_time(p, current, start) / dt for start in (v_rest, p["v_reset"]))
    held = np.rint(p["t_ref"] / dt)
    steps = 2000
    pool = GPUNeuronPool(
        count, "lif", precision="float64", dt=dt, params=p, **target
    )  # fmt: skip
    with pool:
        spikes = pool.run(steps=steps, input=Constant(current)).spikes
    for j in range(count):
        expected = np.arange(0)
        if math.isfinite(first[j]):
            interval = held[j] + math.ceil(later[j])
            expected = np.arange(math.ceil(first[j]), steps + 1, interval)
        # A charging time within rounding of a whole number of steps could go either way.
        edge = [abs(t - round(t)) < 1e-6 for t in (first[j], later[j]) if math.isfinite(t)]
        if not any(edge):
            np.testing.assert_array_equal(spikes.step[spikes.neuron == j] + 1, expected)


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
def test_f_i_curve(target, precision):
    """Rates from 0 to 175 Hz: the number of spikes in 2 s is that of the formula.

    float64: exactly.  float32: the slope of v at threshold makes rounding shift an interval by
    at most one step, rarely: within one spike.  float16: rounding at random, unbiased: the spread
    of an interval is small and averages out: within 1 % and two spikes, and no spike below 0.9
    of the rheobase.
    """
    n, dt, steps = 200, 0.1, 20_000
    p = {
        "tau_m": 20.0,
        "c_m": 200.0,
        "v_rest": -65.0,
        "v_reset": -65.0,
        "v_th": -50.0,
        "t_ref": 2.0,
    }
    current = np.linspace(0, 900, n)
    step = np.ceil(charging_time(p, current, p["v_reset"]) / dt)
    with np.errstate(invalid="ignore"):
        expected = np.where(np.isfinite(step), np.floor((steps - step) / (step + 20)) + 1, 0)
    pool = GPUNeuronPool(n, "lif", precision=precision, dt=dt, params=p, **target)
    with pool:
        counts = pool.run(steps=steps, input=Constant(current)).spikes.counts(n)
    assert expected.max() > 340 and (expected == 0).sum() > 20
    if precision == "float16":
        assert (counts[current < 0.9 * 150] == 0).all()
        far = np.abs(current - 150) > 5
        assert (np.abs(counts - expected) <= 2 + 0.01 * expected)[far].all()
    else:
        assert (np.abs(counts - expected) <= (precision == "float32")).all()
    assert precision == "float16" or (np.diff(counts) >= 0).all()


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_membrane_noise(target, precision, dt):
    """Mean, standard deviation and autocorrelation of v for white noise, far below threshold.

    v is an autoregression with factor p = exp(-dt/tau) and increments of standard deviation
    (tau/c)(1 - p) sigma/sqrt(dt): its variance is (sigma/c)^2 (tau^2/dt) (1 - p)/(1 + p), which is
    (sigma/c)^2 tau/2 but for a factor 1 - (dt/tau)^2/12.  20,000 neurons at 5 times 5 tau apart are
    100,000 samples whose squares are correlated by exp(-10): the variance is known to
    sqrt(2/100,000).  float16 storage adds a variance of at most a quarter of a squared spacing of
    halves (2^-11 of v_th - v_rest) each step, held over tau/(2 dt) steps.
    """
    n, tau, c, sigma = 20_000, 10.0, 200.0, 150.0
    p = {"tau_m": tau, "c_m": c, "v_rest": -65.0, "v_th": -45.0, "v_reset": -70.0, "t_ref": 0.0}
    decay = math.exp(-dt / tau)
    variance = (sigma / c) ** 2 * tau**2 / dt * (1 - decay) / (1 + decay)
    assert abs(variance / ((sigma / c) ** 2 * tau / 2) - 1) < 1.01 * (dt / tau) ** 2 / 12
    added = 0.25 * (20.0 * 2.0**-11) ** 2 * tau / (2 * dt) if precision == "float16" else 0.0
    lag = round(0.7 * tau / dt)
    pool = GPUNeuronPool(
        n, "lif", precision=precision, dt=dt, seed=11, params=p, **target
    )  # fmt: skip
    samples, products = [], []
    with pool:
        assert len(pool.run(steps=round(10 * tau / dt), input=Noise(sigma=sigma)).spikes) == 0
        for _ in range(5):
            pool.run(steps=round(4.3 * tau / dt), input=Noise(sigma=sigma))
            early = pool.state["v"] + 65.0
            pool.run(steps=lag, input=Noise(sigma=sigma))
            late = pool.state["v"] + 65.0
            samples.append(late.astype(np.float64))
            products.append(early.astype(np.float64) * late)
    samples, products = np.array(samples), np.array(products)
    assert abs(samples.mean()) < 5 * math.sqrt(variance / samples.size)
    error = 5 * math.sqrt(2 / samples.size) * variance
    assert -error < samples.var() - variance < error + added
    # The variance of a product of two normals with correlation rho is (1 + rho^2) variance^2.
    rho = decay**lag
    error = 5 * math.sqrt((1 + rho**2) / samples.size) * variance
    assert abs(products.mean() - rho * variance) < error + added


def test_noise_with_a_mean_is_noise_and_a_constant(target):
    n = 100
    results = []
    for term in ([Noise(sigma=100.0, mean=250.0)], [Noise(sigma=100.0), Constant(250.0)]):
        with GPUNeuronPool(n, "lif", precision="float64", seed=3, **target) as pool:
            spikes = pool.run(steps=2000, input=term).spikes
            results.append((spikes.step.tolist(), spikes.neuron.tolist()))
    assert results[0] == results[1] and len(results[0][0]) > 100
