"""Kernels that go receptor by receptor: the bits of those that have code for each."""

import numpy as np
import pytest

from spikecuda import Noise, Poisson, Ramp, Step
from spikecuda.kernels import spec as spec_module
from spikecuda.kernels.compile import many, render
from spikecuda.network import (
    NMDA,
    AlphaConductance,
    AlphaCurrent,
    Delta,
    ExpConductance,
    ExpCurrent,
    FixedProbability,
    Network,
)

KINDS = {
    "ec": ExpCurrent(2.0),
    "ac": AlphaCurrent(2.5),
    "eg": ExpConductance(5.0, 0.0),
    "de": Delta(),
    "nm": NMDA(),
    "ag": AlphaConductance(3.0, -80.0),
    "ed": ExpCurrent(7.0),
    "eh": ExpConductance(2.0, -75.0),
}
N = 70


def network(model, precision, kinds, pulses, order=None):
    net = Network(devices="cpu", threads=2, partitions=2, seed=11, precision=precision)
    ports = {name: KINDS[name] for name in kinds}
    # What currents do to a membrane differs from neuron to neuron.
    params = {"c_m": np.linspace(200.0, 300.0, N)}
    a = net.population("a", N, model, params, receptors=ports)
    for i, name in enumerate(kinds):
        net.connect(a, a, FixedProbability(0.15), 0.4 + i / 8, 1.0 + i / 2, name)
        if order and name != "de":  # what moves the membrane has code of its own
            net.connect(a, a, FixedProbability(0.1), 0.3 + i / 8, i / 2, name, order=order)
    for i, name in enumerate(pulses):
        rate = np.linspace(500.0, 3000.0, N) if i % 2 else 2000.0
        weight = np.linspace(0.2, 0.7, N) if i % 3 else 0.5
        net.drive(a, Poisson(rate, weight), name)
    net.drive(a, Noise(100.0, mean=450.0))
    net.drive(a, Step(60.0, start=5.0) + Ramp(0.0, 50.0, 10.0, 40.0))
    return net


def outcome(net):
    result = net.run(30.0)
    states = [net["a"].state[name] for name in net["a"].state]
    return [result.spikes["a"].step, result.spikes["a"].neuron, *states]


def both(monkeypatch, make):
    """Return what a network does with code for each receptor, and going receptor by receptor."""
    found = []
    for few in (10**6, 0):
        monkeypatch.setattr(spec_module, "FEW_INPUTS", few)
        monkeypatch.setattr(spec_module, "FEW_ARRAYS", 10**6)
        forget()
        with make() as net:
            found.append(outcome(net))
    forget()
    return found


def forget():
    """Let kernels be made anew: which kind they are is decided by other numbers."""
    render.render.cache_clear()
    render.load.cache_clear()


# Each model and each precision once: what goes through the receptors is the same code for all.
@pytest.mark.parametrize("model, precision, order", [
    ("lif", "float16", None), ("lif_cond", "float64", None), ("adex", "float32", "brian"),
])  # fmt: skip
def test_the_same_bits(model, precision, order, monkeypatch):
    kinds, pulses = list(KINDS), ["ec", "de", "eg", "ec", "nm", "ec"]
    few, many_ = both(monkeypatch, lambda: network(model, precision, kinds, pulses, order))
    assert few[0].size > 20
    for a, b in zip(few, many_, strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("kinds, pulses", [(["ec"], []), (["eg"], ["eg"]), (["de"], ["de"] * 3)])
def test_the_same_bits_of_one_receptor(kinds, pulses, monkeypatch):
    few, many_ = both(monkeypatch, lambda: network("lif", "float32", kinds, pulses))
    for a, b in zip(few, many_, strict=True):
        assert np.array_equal(a, b)


def test_poisson_inputs_of_a_membrane(monkeypatch):
    def make():
        net = Network(devices="cpu", threads=1, seed=11)
        a = net.population("a", N, "lif")
        for i in range(12):
            net.drive(a, Poisson(900.0 + 10 * i, 0.2 if i % 2 else np.linspace(0.1, 0.3, N)))
        net.drive(a, 250.0)
        return net

    few, many_ = both(monkeypatch, make)
    assert few[0].size > 5
    for a, b in zip(few, many_, strict=True):
        assert np.array_equal(a, b)


def specs(count):
    net = Network(devices="cpu", threads=1)
    a = net.population("a", 10, "lif", receptors={f"r{i}x": ExpCurrent(5.0) for i in range(count)})
    for i in range(count):
        net.drive(a, Poisson(100.0, 1.0), f"r{i}x")
    engine = net.build()
    return engine.neurons[0].spec(*net._drives.resolve(a, 1))


def test_the_code_is_the_same_for_any_number():
    some, more = specs(12), specs(100)
    assert some.many and more.many
    paths = {render.module_path(spec.anonymous(), "cpu")[0] for spec in (some, more)}
    assert len(paths) == 1
    assert many.description(more).size > many.description(some).size


def test_names_of_receptors_make_no_other_code():
    def spec(names):
        net = Network(devices="cpu", threads=1)
        net.population("a", 10, "lif", receptors={name: ExpCurrent(5.0) for name in names})
        (neurons,) = net.build().neurons
        return neurons.spec(*net._drives.resolve(net["a"], 1)).anonymous()

    assert spec(["exc", "inh"]) == spec(["ampa", "gaba"])
