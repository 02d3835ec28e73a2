"""Spike for spike with Brian2 and GeNN: networks whose synapses have no delay, in float64.

Brian2's spikes are in ``data/brian2_delay0.npz``, which ``bench/peers/brian2_delay0.py`` wrote;
the same connections, starts and inputs come from ``delay0_problems``.  A spike that Brian2 reports
at t is one at t + dt here, and a refractory period of Brian2's is a step longer than the same here.
GeNN's are in ``data/genn_delay0.npz``, from ``bench/peers/genn_delay0.py``.
"""

from pathlib import Path

import delay0_problems as problems
import numpy as np
import pytest

from spikecuda import Model, Network, Parameter, PerStep, State
from spikecuda.language import exp, real
from spikecuda.network import Delta, ExpCurrent, Pairs, SpikeTrain
from spikecuda.plasticity import STDP

DATA = Path(__file__).parent / "data"
BRIAN2, GENN = (dict(np.load(DATA / f"{name}_delay0.npz")) for name in ("brian2", "genn"))
DT = problems.DT


class Conductances(Model):
    """A leaky membrane; synaptic conductances that decay, by Brian2's exponential Euler."""

    arrivals = {"exc": "ge", "inh": "gi"}
    refractory = True
    v = State("mV", initial=-60.0, origin=-60.0, span=10.0)
    ge, gi = State("nS", span=100.0), State("nS", span=100.0)
    v_reset = Parameter(-60.0, "mV")
    t_ref = Parameter(5.0 - DT, "ms", at_least=0.0)

    def dv(v, ge, gi):
        return (real(10) * (real(-60) - v) - ge * v + gi * (real(-80) - v)) / real(200)

    def dge(ge):
        return -ge / real(5)

    def dgi(gi):
        return -gi / real(10)

    def threshold(v):
        return v > real(-50)

    def reset(ge, gi, v_reset):
        return v_reset, ge, gi


class HodgkinHuxley(Model):
    """The same conductances on the membrane of Traub & Miles, which nothing resets."""

    arrivals = {"exc": "ge", "inh": "gi"}
    refractory = True
    while_refractory = "silent"
    v = State("mV", initial=-60.0, origin=-60.0, span=10.0)
    m, h, n = State("", span=1.0), State("", span=1.0), State("", span=1.0)
    ge, gi = State("nS", span=100.0), State("nS", span=100.0)
    t_ref = Parameter(3.0 - DT, "ms", at_least=0.0)

    def dv(v, m, h, n, ge, gi):
        synapses = ge * v - gi * (real(-80) - v)
        channels = real(20000) * (m * m * m) * h * (v - real(50))
        channels = channels + real(6000) * (n * n * n * n) * (v + real(90))
        return (real(10) * (real(-60) - v) - synapses - channels) / real(200)

    def dm(v, m):
        x = v + real(63)
        alpha = real(0.32) * (real(13) - x) / (exp((real(13) - x) / real(4)) - real(1))
        beta = real(0.28) * (x - real(40)) / (exp((x - real(40)) / real(5)) - real(1))
        return alpha * (real(1) - m) - beta * m

    def dh(v, h):
        x = v + real(63)
        alpha = real(0.128) * exp((real(17) - x) / real(18))
        return alpha * (real(1) - h) - real(4) / (real(1) + exp((real(40) - x) / real(5))) * h

    def dn(v, n):
        x = v + real(63)
        alpha = real(0.032) * (real(15) - x) / (exp((real(15) - x) / real(5)) - real(1))
        return alpha * (real(1) - n) - real(0.5) * exp((real(10) - x) / real(40)) * n

    def dge(ge):
        return -ge / real(5)

    def dgi(gi):
        return -gi / real(10)

    def threshold(v):
        return v > real(-20)

    def reset(v, m, h, n, ge, gi):
        return v, m, h, n, ge, gi


class HeldCurrent(Model):
    """GeNN's ``LIF``: exact for a current that is held in a step, at the mean of what decays."""

    refractory = True
    v = State("mV", initial=-60.0, origin=-60.0, span=10.0)
    v_reset = Parameter(-60.0, "mV")
    t_ref = Parameter(5.0, "ms", at_least=0.0)

    def derive(dt):
        return {"keep": np.exp(-dt / 20.0)}

    def step(v, current, keep):
        goal = current - real(49)
        return goal - keep * (goal - v)

    def threshold(v):
        return v >= real(-50)

    def reset(v_reset):
        return v_reset


class ComparedQuadratic(Model):
    """Izhikevich's equations by Euler's method; the current is in mV/ms."""

    input_unit = "mV/ms"
    v, u = State("mV", initial=-65.0, origin=-65.0, span=20.0), State("mV/ms", span=10.0)
    a, b = Parameter(0.02, "1/ms"), Parameter(0.2, "1/ms")
    c, d = Parameter(-65.0, "mV"), Parameter(8.0, "mV/ms")

    def dv(v, u, current):
        return real(0.04) * (v * v) + real(5) * v + real(140) - u + current

    def du(v, u, a, b):
        return a * (b * v - u)

    def threshold(v):
        return v >= real(30)

    def reset(u, c, d):
        return c, u + d


def recurrent(net, excitation, inhibition, seed):
    """Connect P to itself without delay."""
    source, target = problems.recurrent(seed)
    exc = source < problems.EXCITATORY
    net.connect("P", "P", Pairs(source[exc], target[exc]), excitation, 0.0, "exc")
    net.connect("P", "P", Pairs(source[~exc], target[~exc]), inhibition, 0.0, "inh")


def leaky(net, n, v_rest, v_reset, v_th, t_ref, tau_m, v, receptors):
    """Add P, of neurons on which 1 pA acts as 1 mV does in Brian2's equations."""
    params = {
        "tau_m": tau_m, "c_m": tau_m, "v_rest": v_rest, "v_reset": v_reset, "v_th": v_th,
        "t_ref": t_ref,
    }  # fmt: skip
    net.population("P", n, "lif", params, {"v": v}, receptors=receptors)


def cuba(net):
    """Currents: dv/dt = (ge + gi - (v + 49 mV)) / 20 ms."""
    v = -60.0 + 10.0 * problems.uniform(11, problems.CELLS)
    receptors = {"exc": ExpCurrent(5.0), "inh": ExpCurrent(10.0)}
    leaky(net, problems.CELLS, -49.0, -60.0, -50.0, 5.0 - DT, 20.0, v, receptors)
    recurrent(net, 1.62, -9.0, 1)


def conductances(model, seed):
    """Return what adds neurons of a model that integrates its synapses itself."""

    def add(net):
        n = problems.CELLS
        start = {
            "v": -60.0 + 5.0 * (problems.normal(10 * seed + 1, n) - 1.0),
            "ge": 40.0 + 15.0 * problems.normal(10 * seed + 2, n),
            "gi": 200.0 + 120.0 * problems.normal(10 * seed + 3, n),
        }
        net.population(
            "P", n, model, {}, start, receptors={"exc": Delta(), "inh": Delta()},
            scheme="exponential_euler",
        )  # fmt: skip
        recurrent(net, 6.0, 67.0, seed)

    return add


def izhikevich(net):
    """A current for one step: what is left of it after one is e^-100."""
    cells, noise, weights = problems.cortex(51)
    start = {"v": -65.0, "u": cells["b"] * -65.0}
    net.population(
        "P",
        1000,
        ComparedQuadratic,
        cells,
        start,
        receptors={"syn": ExpCurrent(0.01)},
        scheme="euler",
    )
    net.drive("P", PerStep(noise))
    pairs = Pairs(*np.divmod(np.arange(weights.size), 1000))
    net.connect("P", "P", pairs, weights.ravel() / 0.01, 0.0)


def pulses(net):
    """Jumps of v, lost while a neuron is refractory; delays from 0 on."""
    source, target, weights, delays = problems.pulses(62)
    v = 20 * problems.uniform(61, 1000)
    leaky(net, 1000, 0.0, 10.0, 20.0, 2.0 - DT, 20.0, v, {"syn": Delta()})
    net.drive("P", 24.0)
    net.connect("P", "P", Pairs(source, target), weights, delays * DT)


def stdp(net):
    """1,000 synapses that learn; 1 pA acts as 1 mV, and a weight of 1 as 60 mV."""
    steps, inputs = problems.poisson(41, problems.STEPS["stdp"])
    net.source("S", problems.INPUTS, SpikeTrain((steps + 1) * DT, inputs))
    leaky(net, 1, -74.0, -60.0, -54.0, 0.0, 10.0, -60.0, {"exc": ExpCurrent(5.0)})
    each = np.arange(problems.INPUTS)
    rule = STDP(w_max=0.6, lam=0.01, alpha=1.05, tau_plus=20.0, tau_minus=20.0, timing="brian")
    weights = 0.6 * problems.uniform(42, problems.INPUTS)
    net.connect("S", "P", Pairs(each, 0 * each), weights, 0.0, plasticity=rule)


NETWORKS = {
    "cuba": (cuba, 4623), "coba": (conductances(Conductances, 2), 17_566),
    "cobahh": (conductances(HodgkinHuxley, 3), 27_920), "izhikevich": (izhikevich, 2303),
    "pulses": (pulses, 5411), "stdp": (stdp, 72),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_spike_for_spike(name):
    add, count = NETWORKS[name]
    dt = 1.0 if name == "izhikevich" else DT
    steps = np.cumsum(BRIAN2[f"{name}_wait"].astype(np.int64))
    assert steps.size == count
    with Network(dt, seed=1, precision="float64", devices="cpu") as net:
        add(net)
        spikes = net.run(problems.STEPS[name] * dt).spikes["P"]
        # Both are sorted by step, then by neuron.
        assert np.array_equal(spikes.step, steps)
        assert np.array_equal(spikes.neuron, BRIAN2[f"{name}_neuron"])
        if name == "stdp":
            weights = net.projections[0].weights / 60.0
            assert np.abs(weights - BRIAN2["stdp_weights"]).max() < 1e-15
            assert np.abs(weights - 0.01 * problems.uniform(42, problems.INPUTS)).max() > 1e-3


def test_spike_for_spike_with_genn():
    """A refractory period has the steps that it has here; times are those of a step's start."""
    with Network(problems.GENN_DT, seed=1, precision="float64", devices="cpu") as net:
        start = {"v": -60.0 + 10.0 * problems.uniform(71, problems.CELLS)}
        receptors = {"exc": ExpCurrent(5.0), "inh": ExpCurrent(10.0)}
        net.population("P", problems.CELLS, HeldCurrent, {}, start, receptors=receptors)
        recurrent(net, 1.62, -9.0, 7)
        spikes = net.run(problems.STEPS["genn"] * problems.GENN_DT).spikes["P"]
    assert spikes.step.size == 4573
    assert np.array_equal(spikes.step, np.cumsum(GENN["wait"].astype(np.int64)))
    assert np.array_equal(spikes.neuron, GENN["neuron"])
