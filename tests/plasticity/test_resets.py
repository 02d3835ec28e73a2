"""A network that goes back to time 0 keeps what its synapses have learned up to then."""

import numpy as np
import pytest
from learning_networks import Dice, Everything

from spikecuda import Network, Poisson
from spikecuda.network import Delta, ExpCurrent, FixedInDegree, SpikeTrain
from spikecuda.network.cpu import learning
from spikecuda.plasticity import STDP


def busy(rule, devices="cpu", dendritic=0.5, **options):
    net = Network(dt=0.1, seed=3, devices=devices, **options)
    net.population("E", 30, "lif", receptors={"exc": ExpCurrent(tau=2.0)})
    net.drive("E", Poisson(rate=20000.0, weight=60.0), "exc")
    p = net.connect(
        "E", "E", FixedInDegree(8), 0.5 * rule.w_max, 1.5, plasticity=rule, dendritic=dendritic
    )
    return net, p


CPU, MIXED = {"partitions": 2}, {"devices": ["cuda-emu:0", "cpu:0"], "dendritic": 1.0}


@pytest.mark.parametrize("trial", [None, 0, 1])
@pytest.mark.parametrize(
    ("rule", "options"),
    [
        (STDP(w_max=60.0, lam=0.1), CPU), (Everything(w_max=60.0), CPU), (Dice(w_max=9.0), CPU),
        (STDP(w_max=60.0, lam=0.1), MIXED), (Dice(w_max=9.0), MIXED),
    ],
)  # fmt: skip
def test_weights_are_kept_as_they_were_read(rule, trial, options):
    net, p = busy(rule, **options)
    with net:
        net.run(60.0)
        before = p.weights
        assert before.std() > 0
        net.reset(trial=trial)
        assert np.array_equal(p.weights, before)
        variables = {name: p.values(name) for name in rule.variables}
        net.run(20.0)
        after = p.weights
    other, q = busy(rule, trial=trial or 0, dendritic=options.get("dendritic", 0.5))
    with other:
        q.weights = before
        for name, values in variables.items():
            assert np.array_equal(q.values(name), values)
        other.run(20.0)
        assert np.array_equal(q.weights, after)


def test_weights_are_kept_after_sweeps(monkeypatch):
    monkeypatch.setattr(learning, "LEAST", 1)
    monkeypatch.setattr(learning, "LOG_BYTES", 1e-9)
    net, p = busy(STDP(w_max=60.0, lam=0.1))
    with net:
        first = p.weights
        net.run(150.0)
        before = p.weights
        net.reset()
        net.reset()
        assert np.array_equal(p.weights, before)
        p.weights = first
        net.run(150.0)
        assert np.array_equal(p.weights, before)


@pytest.mark.parametrize("change", [None, "assign", "freeze"])
def test_spikes_on_an_axon_have_learned_when_weights_are_assigned(change):
    relay = {
        "tau_m": 10.0, "c_m": 1e9, "v_rest": 0.0, "v_reset": 0.0, "v_th": 1.0, "t_ref": 0.0,
    }  # fmt: skip
    with Network(dt=0.1, devices="cpu") as net:
        net.source("pre", 1, SpikeTrain([1.0]))
        net.population("post", 1, "lif", relay, {"v": 0.0},
                       receptors={"in": Delta(), "syn": ExpCurrent(tau=2.0)})  # fmt: skip
        net.drive("post", SpikeTrain([1.5], [0], weight=2.0), "in")
        p = net.connect("pre", "post", "one_to_one", 0.5, 1.5, "syn", dendritic=0.1,
                        plasticity=STDP(w_max=1.0, lam=0.1))  # fmt: skip
        net.run(1.2)
        if change == "assign":
            p.weights = p.weights
        elif change == "freeze":
            p.plastic = False
            p.plastic = True
        net.run(5.0)
        # The target's spike is at the synapse 0.8 ms before the source's.
        expected = 0.5 if change else 0.5 - 0.1 * np.exp(-0.8 / 20.0)
        assert p.weights[0] == pytest.approx(expected, rel=1e-6)
