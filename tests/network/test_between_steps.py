"""Spikes that arrive between two steps, ``order="brian"``: what they do, the same bits everywhere.

``test_against_oracle`` has random networks of such synapses, ``plasticity/test_networks_oracle`` of
such that learn, and ``test_spike_for_spike`` those of Brian2.
"""

import numpy as np
import pytest
from cuda_networks import START, outcome
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import Normal, Poisson, SpikecudaError, Uniform
from spikecuda.network import (
    Delta,
    Ensemble,
    ExpCurrent,
    FixedOutDegree,
    FixedProbability,
    Network,
    Pairs,
    SpikeTrain,
)
from spikecuda.plasticity import STDP

ONE, MIXED = ["cuda-emu:0"], ["cuda-emu:0", "cpu:0", "cuda-emu:1", "cpu:1"]
RECEPTORS = {"exc": ExpCurrent(5.0), "kick": Delta()}
LEAK = {"tau_m": 10.0, "c_m": 100.0, "v_rest": 0.0, "v_reset": 0.0, "v_th": 15.0}


def mixed(net, procedural=True):
    """Both orders at both receptors: stored, drawn again, learned, from trains; a delay of 0."""
    for name, n in (("E", 80), ("I", 33)):
        net.population(name, n, "lif", {"t_ref": 1.0}, START, receptors=RECEPTORS)
        net.drive(name, Poisson(3000.0, 60.0), "exc")
    net.connect("E", "E", FixedProbability(0.2), Normal(60.0, 6.0), 0.0, "exc")
    net.connect("E", "I", FixedProbability(0.2), 1.5, 0.0, "kick")
    net.connect("E", "I", FixedProbability(0.2), 0.5, 0.1, "kick")
    net.connect("I", "E", FixedProbability(0.2), -30.0, 0.3, "exc", order="brian")
    delays = Uniform(0.0, 2.0)
    net.connect(
        "I", "I", FixedOutDegree(9), -0.8, delays, "kick", order="brian", procedural=procedural
    )
    net.connect(
        "I", "E", FixedProbability(0.3), Normal(-9.0, 2.0), Normal(1.0, 1.0, low=0.0), "exc",
        order="brian", procedural=procedural,
    )  # fmt: skip
    net.source("S", 4, SpikeTrain(np.arange(1, 80) * 0.3, np.arange(79) % 4))
    net.connect("S", "E", FixedProbability(0.3), 4.0, 0.0, "kick")
    rule = STDP(w_max=2.0, lam=0.05)
    net.connect("E", "E", FixedProbability(0.1), 1.0, 0.0, "kick", plasticity=rule)


def result(devices, *parts, procedural=True, precision="float32", **options):
    with Network(0.1, 5, precision, devices=devices, **options) as net:
        mixed(net, procedural)
        found = outcome(net, *parts)
        return [*found, net.projections[-1].weights.tobytes()]


def test_the_same_bits_on_any_devices():
    expected = result("cpu", 12.0, procedural=False)
    assert len(expected[0]) // 8 > 100
    assert result("cpu", 12.0) == expected

    @settings(max_examples=4, deadline=None)
    @given(
        devices=st.lists(st.sampled_from([*MIXED, "cuda-emu:1"]), min_size=1, max_size=4),
        first=st.integers(1, 119), procedural=st.booleans(),
    )  # fmt: skip
    def check(devices, first, procedural):
        found = result(devices, 0.1 * first, 0.1 * (120 - first), procedural=procedural)
        assert found == expected

    check()
    assert result("cpu", 3.7, 8.3, threads=2, partitions=5) == expected


def test_a_saved_network_goes_on(tmp_path):
    with Network(0.1, 5, devices="cpu") as net:
        mixed(net)
        net.run(7.3)
        net.save(tmp_path / "net")
        expected = outcome(net, 10.0)
    for devices in ("cpu", ONE):
        with Network.load(tmp_path / "net", devices=devices) as again:
            assert [p.order for p in again.projections] == [p.order for p in net.projections]
            assert outcome(again, 10.0) == expected


@pytest.mark.parametrize("devices", ["cpu", "cuda-emu"])
def test_a_replica_is_a_lone_network(devices):
    with Network(0.1, 5, devices=devices) as net:
        mixed(net)
        with Ensemble(net, 2, trials=[0, 1]) as both:
            found = both.run(4.0)
        net.reset(trial=1)
        alone = net.run(4.0)
        for name in "EI":
            assert np.array_equal(found[1].spikes[name].step, alone.spikes[name].step)
            assert np.array_equal(found[1].spikes[name].neuron, alone.spikes[name].neuron)


def test_an_ensemble_has_one_order():
    nets = []
    for order in ("nest", "brian"):
        net = Network()
        net.population("a", 2, "lif", receptors=RECEPTORS)
        net.connect("a", "a", "all_to_all", 1.0, 1.0, "exc", order=order)
        nets.append(net)
    with pytest.raises(SpikecudaError, match="between steps at exc"):
        Ensemble(nets)


def kicks(order, delay, times, weight=5.0, t_ref=(0.0, 0.5), steps=20):
    """Return v (steps, 2) at the end of each step, and the steps of spikes of each of two neurons.

    A train reaches both through jumps; they differ in their refractory period.
    """
    with Network(0.1, precision="float64", devices="cpu") as net:
        net.source("S", 1, SpikeTrain(times))
        params = {**LEAK, "t_ref": t_ref}
        net.population("a", 2, "lif", params, receptors={"in": Delta()})
        net.connect("S", "a", "all_to_all", weight, delay, order=order)
        net.connect("a", "a", Pairs([], []), 0.0, 0.0)  # the same kernel for both orders
        net.record("a", ["spikes", "v"])
        found = net.run(0.1 * steps)
        spikes = found.spikes["a"]
        return found.traces["a"]["v"], [spikes.step[spikes.neuron == i].tolist() for i in (0, 1)]


def test_when_a_jump_arrives():
    """At the end of a step and tested there; or after it, so that the next one starts there."""
    decay = np.exp(-0.01)
    within, _ = kicks("nest", 0.3, [0.5])
    assert (within[7] == 5.0).all()
    for delay in (0.0, 0.3):
        between, _ = kicks("brian", delay, [0.5])
        first = round((0.5 + delay) / 0.1)
        assert not between[:first].any()
        expected = 5.0 * decay ** np.arange(1, 21 - first)
        assert np.allclose(between[first:], expected[:, None], atol=1e-12)


def test_a_jump_beyond_the_threshold_is_found_in_the_next_step():
    assert kicks("nest", 0.3, [0.5], weight=20.0)[1] == [[7], [7]]
    assert kicks("brian", 0.3, [0.5], weight=20.0)[1] == [[8], [8]]


@pytest.mark.parametrize("late", range(8))
def test_jumps_are_lost_in_the_step_of_a_spike_and_while_refractory(late):
    """The first arrives after step 4 and is found in step 5; one is refractory in 5 more steps.

    In Brian2 a reset comes after what synapses do in its step.
    """
    v, spikes = kicks("brian", 0.0, [0.5, 0.6 + 0.1 * late], weight=16.0)
    after = 5 + late  # the step after which the second arrives
    for i, held in enumerate((0, 5)):
        assert spikes[i] == ([5] if after <= 5 + held else [5, after + 1])
    assert not v[5].any()


def test_without_any_refractory_period():
    assert kicks("brian", 0.0, [0.5, 0.6], 16.0, 0.0)[1] == [[5], [5]]
    assert kicks("brian", 0.0, [0.5, 0.7], 16.0, 0.0)[1] == [[5, 7], [5, 7]]


def test_connections_have_the_delays_that_were_given():
    delays = np.array([0.0, 0.1, 1.25, 0.0, 3.0])
    with Network(0.1, devices="cpu") as net:
        net.population("a", 5, "lif", receptors=RECEPTORS)
        each = np.arange(5)
        given = net.connect("a", "a", Pairs(each, each), 1.0, delays, "exc")
        fixed = net.connect("a", "a", "one_to_one", 1.0, 0.0, "kick")
        longer = net.connect("a", "a", "one_to_one", 1.0, 0.7, "kick", order="brian")
        drawn = net.connect("a", "a", "all_to_all", 1.0, Uniform(0.0, 0.4), "kick", order="brian")
        assert [p.order for p in net.projections] == ["brian"] * 4
        assert np.allclose(given.connections()["delay"], [0.0, 0.1, 1.3, 0.0, 3.0])
        assert np.array_equal(fixed.connections()["delay"], np.zeros(5))
        assert np.allclose(longer.connections()["delay"], 0.7)
        steps = np.rint(drawn.connections()["delay"] / 0.1)
        assert steps.min() == 0 and steps.max() == 4 and set(steps) == {0, 1, 2, 3, 4}
        assert "0exc" not in [*net["a"].state] and [*net["a"].receptors] == ["exc", "kick"]


def test_a_parrot_has_forgotten_what_arrives_before_its_step():
    net = Network()
    net.population("p", 2, "parrot", receptors={"in": Delta()})
    with pytest.raises(SpikecudaError, match=r"order must be 'nest' for p: .*parrot sets x"):
        net.connect("p", "p", "all_to_all", 1.0, 0.0)
