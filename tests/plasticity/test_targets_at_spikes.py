"""What a rule sees of its target at the target's spikes: two published rules, before the oracle.

Bono's rule of Clopath's kind for neurons that only reset, with homeostasis (Brian2's example
Clopath_et_al_2010_homeostasis), and the rule of Zenke, Agnes & Gerstner (2015) for inhibitory
synapses, whose sign follows the rate of a population.
"""

import numpy as np
import pytest

from spikecuda import Model, Network
from spikecuda.errors import ModelError
from spikecuda.kernels.reference.plasticity import Rule, Trace, run_synapse
from spikecuda.language import real
from spikecuda.models import Parameter, State
from spikecuda.network import Delta, ExpCurrent, OneToOne, SpikeTrain
from spikecuda.plasticity import PostTrace, PreTrace, SynapseRule, TargetState

DT, STEPS, CELLS = 0.1, 3000, 12


class Cell(Model):
    """A leaky neuron with low passes that its spikes raise, and the rate of a population."""

    name = "_cell"
    inputs = ("i_rate",)
    pulse = "v"
    v = State("mV", initial=-70.0)
    low1 = State("mV", initial=-70.0)
    low2 = State("mV", initial=-70.0)
    homeo = State("mV", initial=0.0)
    rate = State("Hz", initial=0.0)
    v_rest = Parameter(-70.0, "mV")

    def step(v, low1, low2, homeo, current, i_rate, v_rest, dt):
        """Return the states after Euler's step."""
        return (
            v + dt * ((v_rest - v) / real(10.0) + current),
            low1 + dt * (v - low1) / real(40.0),
            low2 + dt * (v - low2) / real(30.0),
            homeo + dt * (v - v_rest - homeo) / real(1000.0),
            i_rate,
        )

    def threshold(v):
        """Spike above -55 mV."""
        return v > real(-55.0)

    def reset(low1, low2, homeo, rate, v_rest):
        """Raise the low passes, as a spike would."""
        return v_rest, low1 + real(10.0), low2 + real(10.0), homeo + real(0.1), rate


class Homeostatic(SynapseRule):
    """Voltage-based pairs of spikes: depression grows with the mean depolarisation."""

    name = "_homeostatic"
    tau_x = Parameter(15.0, "ms", above=0.0)
    theta = Parameter(-70.0, "mV")
    a_ltd = Parameter(1.5e-4)
    a_ltp = Parameter(1.5e-2)
    v_target = Parameter(12.0, "mV^2", above=0.0)
    x = PreTrace("tau_x")
    low1 = TargetState("low1")
    low2 = TargetState("low2")
    homeo = TargetState("homeo")

    def on_pre(w, low1, homeo, a_ltd, theta, v_target):
        """Return the weight after a spike of the source."""
        return w - a_ltd * homeo * homeo / v_target * max(low1 - theta, real(0))

    def on_post(w, x, low2, a_ltp, theta, tau_x):
        """Return the weight after a spike of the target."""
        return w + a_ltp * x / tau_x * max(low2 - theta, real(0))


class Guided(SynapseRule):
    """Pairs of spikes strengthen where a population is too fast, and weaken where it is slow."""

    name = "_guided"
    tau = Parameter(20.0, "ms", above=0.0)
    eta = Parameter(0.01)
    gamma = Parameter(5.0, "Hz")
    x = PreTrace("tau")
    y = PostTrace("tau")
    rate = TargetState("rate")

    def on_pre(w, y, rate, eta, gamma):
        """Return the weight after a spike of the source."""
        return w + eta * (rate - gamma) * (y + real(1))

    def on_post(w, x, rate, eta, gamma):
        """Return the weight after a spike of the target."""
        return w + eta * (rate - gamma) * x


RULES = [Homeostatic(w_max=1.0), Guided(w_max=1.0)]
SEEN = ["low1", "low2", "homeo", "rate"]


def run(**options):
    """Return weights, spikes of sources and targets, and what is seen of the targets."""
    rng = np.random.default_rng(1)
    steps, who = np.nonzero(rng.random((STEPS, CELLS)) < 0.004)
    crowd = np.nonzero(rng.random((STEPS, 100)) < 0.0008)
    with Network(dt=DT, seed=1, precision="float64", **options) as net:
        receptors = {"kick": Delta(), "rate": ExpCurrent(tau=100.0), "learn": Delta()}
        net.population("C", CELLS, Cell, receptors=receptors)
        net.drive("C", 1.4)
        net.source("S", CELLS, SpikeTrain((steps + 1) * DT, who))
        net.source("crowd", 100, SpikeTrain((crowd[0] + 1) * DT, crowd[1]))
        # Each spike of 100 neurons is 0.1 spikes / s of one, averaged over 100 ms.
        net.connect("crowd", "C", "all_to_all", 0.1, DT, "rate")
        net.connect("S", "C", OneToOne(), 6.0, 2.0, "kick")
        learned = [
            net.connect("S", "C", OneToOne(), 0.4, 1.5, "learn", plasticity=rule) for rule in RULES
        ]
        net.record("C", ["spikes", *SEEN], every=DT)
        result = net.run(STEPS * DT)
        weights = [p.weights for p in learned]
    sources = [np.flatnonzero(np.isin(np.arange(STEPS), steps[who == i])) for i in range(CELLS)]
    spikes = result.spikes["C"]
    targets = [spikes.step[spikes.neuron == i] for i in range(CELLS)]
    return weights, sources, targets, {n: result.traces["C"][n] for n in SEEN}


def test_the_oracle_sees_the_same():
    # That all devices have these bits: "at spikes" of learning_networks.
    weights, sources, targets, seen = run(devices="cpu", partitions=3)
    for rule, got in zip(RULES, weights, strict=True):
        kind = type(rule)
        plain = Rule(
            on_pre=kind.on_pre, on_post=kind.on_post, values=dict(rule.params), w_max=1.0,
            pre={n: Trace(rule.params[t.tau]) for n, t in rule.pre_traces.items()},
            post={n: Trace(rule.params[t.tau]) for n, t in rule.post_traces.items()},
        )  # fmt: skip
        for i in range(CELLS):
            # Before step 0 are the start values.
            signals = {n: values[:, i].tolist() for n, values in seen.items()}
            outcome = run_synapse(
                plain, sources[i].tolist(), targets[i].tolist(), 0.4, delay=15, dt=DT,
                as_of=STEPS - 1, signals=signals, start=-1,
            )  # fmt: skip
            assert got[i] == pytest.approx(outcome.weight, rel=1e-9)
        assert np.ptp(got) > 1e-3 and len(targets[0]) > 3
    assert (weights[1] < 0.4).any() and (weights[1] > 0.4).any()


def test_watch_and_traces_do_not_meet():
    def watch(v):
        return v

    members = {"name": "_both", "v": TargetState("v"), "y": PostTrace("tau"), "watch": watch,
               "tau": Parameter(1.0, "ms", above=0.0), "on_post": Guided.on_post}  # fmt: skip
    with pytest.raises(ModelError, match=r"unknown argument|watch makes"):
        type("Both", (SynapseRule,), members)
