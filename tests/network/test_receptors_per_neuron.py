"""Receptors whose parameters differ between neurons: as populations of one number each."""

import numpy as np
import pytest

from spikecuda import Network, Poisson
from spikecuda.errors import SpikecudaValueError
from spikecuda.network import (
    NMDA,
    AlphaConductance,
    AlphaCurrent,
    BetaConductance,
    BetaCurrent,
    ExpConductance,
    ExpCurrent,
    SpikeTrain,
)

N = 34
TAU = np.resize([3.0, 7.5], N)


def currents(device, groups, change=None, threads=None):
    """Run populations of N neurons that share input; return the state of each receptor and v."""
    with Network(devices=device, seed=1, threads=threads) as net:
        for name, made in groups.items():
            net.population(name, N, "lif", receptors={"x": made})
            source = net.source(f"s{name}", 3, SpikeTrain([1.0, 4.0, 2.0, 9.5], [0, 0, 1, 2]))
            net.connect(source, name, "all_to_all", 90.0, 1.0, receptor="x")
        if change:
            net.run(5.0)
            change(net)
        net.run(15.0 if change else 20.0)
        return {name: np.array([net[name].state[s] for s in net[name].state]) for name in groups}


def test_each_neuron_has_the_bits_of_a_population_of_its_own():
    each = {"each": ExpCurrent(TAU)}
    found = currents("cpu", {**each, "a": ExpCurrent(3.0), "b": ExpCurrent(7.5)})
    assert not np.array_equal(found["a"], found["b"])
    np.testing.assert_array_equal(found["each"][:, 0::2], found["a"][:, 0::2])
    np.testing.assert_array_equal(found["each"][:, 1::2], found["b"][:, 1::2])
    np.testing.assert_array_equal(currents("cuda-emu", each)["each"], found["each"])


def test_changed_between_runs():
    """From one number to one for each neuron, by a view, and back."""

    def change(net):
        net["one"][1::2].params["tau_x"] = 7.5
        np.testing.assert_array_equal(net["one"].params["tau_x"], TAU)
        net["all"].params["tau_x"] = np.full(N, 3.0)
        net["all"].params["tau_x"] = 3.0
        with pytest.raises(SpikecudaValueError, match=r"shape \(2,\) \(got shape \(3,\)\)"):
            net["one"][:2].params["tau_x"] = [1.0, 2.0, 3.0]

    groups = dict.fromkeys(("one", "all", "left"), ExpCurrent(3.0))
    found = currents("cpu", groups, change)
    np.testing.assert_array_equal(found["all"], found["left"])
    np.testing.assert_array_equal(found["one"][:, 0::2], found["left"][:, 0::2])
    assert (found["one"][2, 1::2] > found["left"][2, 1::2]).all()  # v, refrac, i_x


MAKERS = [
    lambda t: ExpCurrent(t), lambda t: AlphaCurrent(t), lambda t: ExpConductance(t, -10.0 * t),
    lambda t: AlphaConductance(5.0, t), lambda t: NMDA(t, 90.0 + t, t, t), lambda t: NMDA(t, 50.0),
    lambda t: BetaCurrent(t, 9.0), lambda t: BetaConductance(1.0, t, t),
]  # fmt: skip


@pytest.mark.parametrize("make", MAKERS)
def test_constants_are_those_of_each_number(make):
    net = Network(devices="cpu", precision="float64")
    params = net.population("p", 2, "lif").neurons.params
    model = net["p"].neurons.model
    together = make(np.array([3.0, 7.5])).constants(model, params, 0.1)
    for i, tau in enumerate((3.0, 7.5)):
        for name, value in make(tau).constants(model, params, 0.1).items():
            assert np.broadcast_to(together[name], 2)[i] == value, name
    net.close()


def test_arrays_are_own_compare_and_must_fit():
    tau = np.array([3.0, 4.0])
    made = ExpCurrent(tau)
    tau[0] = 9.0
    assert made == ExpCurrent([3.0, 4.0]) and hash(made) == hash(ExpCurrent((3.0, 4.0)))
    assert made != ExpCurrent([3.0, 5.0]) and made != ExpCurrent(3.0) != AlphaCurrent(3.0)
    with pytest.raises(ValueError, match="read-only"):
        made.tau[0] = 1.0
    with pytest.raises(SpikecudaValueError, match=r"tau must be > 0 ms \(got -1.0 for neuron 1\)"):
        ExpCurrent([1.0, -1.0])
    with pytest.raises(SpikecudaValueError, match=r"one number or one per neuron \(got shape"):
        ExpCurrent(np.ones((2, 2)))
    with pytest.raises(SpikecudaValueError, match="tau and e_rev must have one number for each"):
        ExpConductance([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(SpikecudaValueError, match="tau_rise must be < tau_decay"):
        NMDA([1.0, 8.0], [5.0, 8.0])
    with Network(devices="cpu") as net:
        with pytest.raises(SpikecudaValueError, match=r"tau of receptor 'x' .*shape \(3,\) \(got"):
            net.population("p", 3, receptors={"x": made})
        net.population("q", 2, receptors={"x": made})
        with pytest.raises(SpikecudaValueError, match=r"tau of receptor 'x' .*\(2,\) \(got shape"):
            net["q"].receptors["x"] = ExpCurrent([1.0, 2.0, 3.0])
        net.drive("q", Poisson(1.0, 1.0), "x")
