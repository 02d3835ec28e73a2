"""Synapses of the newer models: conductances against their oracles, currents in closed form."""

import math

import numpy as np
import pytest

from spikecuda.kernels.reference import hh_traub, lif_cond
from spikecuda.models import find
from spikecuda.network import AlphaCurrent, ExpConductance, Network, SpikeTrain
from spikecuda.runtime.neuron_spec import by_name

DT, STEPS = 0.1, 200
# Times of spikes, weight (nS), time constant (ms) and reversal potential (mV) of two receptors.
TRAINS = {
    "exc": ([0.1, 3.0, 3.2, 8.0, 8.1, 8.2, 12.0], 25.0, 5.0, 0.0),
    "inh": ([2.0, 10.0], 30.0, 10.0, -80.0),
}


@pytest.mark.parametrize("name, oracle", [("lif_cond", lif_cond), ("hh_traub", hh_traub)])
def test_conductances_against_the_oracle(name, oracle):
    """The oracle gets each step's mean conductances, in closed form."""
    model = find(name)
    net = Network(dt=DT, precision="float64", devices=["cpu"])
    receptors = {r: ExpConductance(tau, e_rev) for r, (_, _, tau, e_rev) in TRAINS.items()}
    cell = net.population("cell", 1, name, receptors=receptors)
    g, g_e = np.zeros((STEPS, 1)), np.zeros((STEPS, 1))
    starts = np.arange(STEPS) * DT
    for receptor, (times, weight, tau, e_rev) in TRAINS.items():
        net.drive(cell, SpikeTrain(times, weight=weight), receptor)
        since = starts[:, None] - np.array(times)
        mean = -math.expm1(-DT / tau) * tau / DT
        mine = (weight * mean * np.exp(-since / tau) * (since > -DT / 2)).sum(axis=1)[:, None]
        g, g_e = g + mine, g_e + mine * e_rev
    net.record(cell, ["spikes", *model.states])
    with net:
        result = net.run(STEPS * DT)
    params = {k: float(v) for k, v in model.resolve({}, 1).items()}
    start = {k: float(by_name(params, s.initial)) for k, s in model.states.items()}
    spikes, traces = oracle.simulate(
        start, params, np.zeros((STEPS, 1)), None, DT, conductance=(g, g_e)
    )
    assert spikes.sum() > 0
    assert result.spikes["cell"].step.tolist() == np.flatnonzero(spikes[:, 0]).tolist()
    for state in model.states:
        # 1e-13 a step from the roundings of either, growing tenfold in the upstroke of a spike.
        np.testing.assert_allclose(
            result.traces["cell"][state][:, 0], traces[state][:, 0], rtol=0, atol=1e-9
        )


@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_a_synaptic_current_into_glif_is_exact_at_any_step(dt):
    """An alpha-shaped current into a passive membrane, in closed form."""
    weight, tau, at, duration = 120.0, 3.0, 2.0, 30.0
    net = Network(dt=dt, precision="float64", devices=["cpu"])
    cell = net.population("cell", 1, "glif4", receptors={"exc": AlphaCurrent(tau)})
    net.drive(cell, SpikeTrain([at], weight=weight), "exc")
    net.record(cell, "v")
    with net:
        v = net.run(duration).traces["cell"]["v"][:, 0]
    p = {k: float(value) for k, value in find("glif4").resolve({}, 1).items()}
    s = np.maximum(np.arange(1, len(v) + 1) * dt - at, 0.0)
    rate, scale = p["g_l"] / p["c_m"], weight * math.e / tau / p["c_m"]
    beta = 1.0 / tau - rate
    exact = (
        p["e_l"] + scale * np.exp(-rate * s) * (1 - np.exp(-beta * s) * (1 + beta * s)) / beta**2
    )
    assert v.max() > p["e_l"] + 5
    # A dozen roundings of numbers up to 80 mV a step.
    np.testing.assert_allclose(v, exact, rtol=0, atol=12 * 2.0**-53 * 80 * len(v))
