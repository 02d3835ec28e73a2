"""Firing rates in float16 against float64: the same neurons, the same noise numbers."""

import numpy as np
import pytest

from spikecuda import GPUNeuronPool
from spikecuda.inputs.stimulus import Constant, Noise

N, DURATION = 1000, 10_000.0


def drive(model, rng):
    """Return parameters, current (below rheobase to about 100 Hz) and noise intensity."""
    if model == "lif":
        v_rest = rng.normal(-65, 1.5, N)
        params = {"v_rest": v_rest, "v_th": v_rest + rng.normal(15, 1, N), "v_reset": v_rest}
        return params, rng.uniform(100, 450, N), 100.0
    if model == "adex":
        params = {"v_t": rng.normal(-50.4, 1, N), "b": rng.uniform(0, 80, N)}
        return params, rng.uniform(350, 1500, N), 200.0
    params = {"c": rng.uniform(-65, -55, N), "d": rng.uniform(4, 8, N)}
    return params, rng.uniform(-1, 26, N), 3.0


@pytest.mark.parametrize(
    ("model", "limit"), [("lif", 0.003), ("izhikevich", 0.005), ("adex", 0.005)]
)
def test_population_rate(target, model, limit):
    """The mean rate over 10 s at dt = 0.1 ms is within the limit.

    Both precisions get the same random numbers, so counts differ only through rounding.  The mean
    difference of N neurons is known to std / sqrt(N), which is asserted to be below a tenth of the
    limit: 0.005 to 0.015 % of the mean rate.
    """
    params, current, sigma = drive(model, np.random.default_rng(42))
    counts = {}
    for precision in ("float64", "float16"):
        pool = GPUNeuronPool(N, model, precision=precision, seed=5, params=params, **target)
        with pool:
            terms = [Constant(current), Noise(sigma=sigma)]
            counts[precision] = pool.run(duration=DURATION, input=terms).spikes.counts(N)
    reference = counts["float64"]
    rates = reference / (DURATION / 1000)
    assert rates.min() < 1 and 90 < rates.max() < 150
    difference = counts["float16"] - reference
    error = difference.std() / np.sqrt(N) / reference.mean()
    assert error < limit / 10
    assert abs(difference.mean() / reference.mean()) < limit
    # No neuron is far off either: a stuck one would vanish in the mean.
    assert (np.abs(difference) <= 3 + 0.15 * reference).all()


@pytest.mark.parametrize(("model", "low", "high"), [("hh_traub", 0, 600), ("glif5", 250, 600)])
def test_newer_models_in_float16(target, model, low, high):
    """A second from just above silence to about 100 Hz: no neuron off by more than two spikes.

    The rate without noise is a smooth function of the current; rounding noise moves it by less
    than the two spikes that the ends of the second can gain or lose.
    """
    counts = {}
    for precision in ("float64", "float16"):
        with GPUNeuronPool(500, model, precision=precision, seed=3, **target) as pool:
            current = Constant(np.linspace(low, high, 500))
            counts[precision] = pool.run(duration=1000.0, input=current).spikes.counts(500)
    assert counts["float64"].max() > 50
    assert np.abs(counts["float16"] - counts["float64"]).max() <= 2
    assert abs(counts["float16"].mean() / counts["float64"].mean() - 1) < 0.002
