"""Synapses that learn on emulated CUDA devices have the CPU's bits."""

import contextlib
from unittest import mock

import numpy as np
import pytest
from cuda_lines import DEVICES, short_histories
from hypothesis import given, note, settings
from hypothesis import strategies as st
from learning_networks import RULES, Case, cases, outcome, state_of

from spikecuda import Network
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.errors import OutOfMemoryError, SpikecudaError
from spikecuda.network import AllToAll, ExpCurrent
from spikecuda.network.cuda import learning
from spikecuda.plasticity import STDP, PowerLawSTDP


def run(case, devices, pieces, read=False, **options):
    net, learning = case.build(devices, **options)
    with net:
        return outcome(net, learning, pieces, read)


def swept(net):
    """Return up to which steps weights were swept."""
    return [
        int(p.device.read(found.arrays["_state"])[0])
        for p in net.build().partitions
        for found in p.resident.learning
    ]


def link(rule="stdp", **changes):
    known = {
        "rule": rule, "timing": "nest", "source": "A", "target": "A", "receptor": "exc",
        "how": "in", "low": 15, "spread": 0, "behind": None,
    }  # fmt: skip
    return {**known, **changes}


@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_random_networks_over_any_devices(data):
    case = data.draw(cases(), "case")
    devices = data.draw(st.sampled_from(DEVICES), "devices")
    pieces = data.draw(st.lists(st.integers(1, 160), min_size=1, max_size=3), "pieces")
    short = data.draw(st.booleans(), "short histories")
    read = data.draw(st.booleans(), "read")
    expected = run(case, "cpu", [sum(pieces)], threads=2)
    note(f"spikes: {len(expected[0])}, {len(expected[2])}")
    with short_histories() if short else contextlib.nullcontext():
        assert run(case, devices, pieces, read) == expected


@pytest.mark.parametrize("rule", list(RULES))
def test_every_rule_and_sweeps_change_no_bit(rule):
    case = Case(
        links=[
            link(rule), link(rule, target="B", receptor="inh", source="S", low=7),
            link(rule, spread=12, drawn=False),
        ],
        train=(10, 1),
    )  # fmt: skip
    expected = run(case, "cpu", [600])
    assert len(expected[0]) > 50 and len(expected[2]) > 50
    with short_histories():
        net, plastic = case.build("cuda-emu:0")
        with net:
            before = state_of(plastic)
            assert outcome(net, plastic, [350, 250]) == expected
            if before:
                assert before != expected[4:]  # it has learned
                assert swept(net)[0] > 100


def test_two_spikes_of_a_source_in_a_window_are_in_order():
    # No refractory period, a strong drive, windows of 15 steps: bursts.
    case = Case(
        t_ref=(0.0, 0.0), rates=(40000.0, 40000.0),
        links=[link("stdp", timing="brian"), link("everything", source="B")],
    )  # fmt: skip
    expected = run(case, "cpu", [300])
    steps, neurons = np.array(expected[0]), np.array(expected[1])
    assert np.unique(steps // 15 * 1000 + neurons).size < 0.6 * steps.size
    for devices in DEVICES[:2]:
        assert run(case, devices, [137, 163]) == expected


@pytest.mark.parametrize("devices", DEVICES, ids=str)
def test_weights_are_set_frozen_normalised_and_rewired_between_runs(devices):
    found = []
    for where in ("cpu", devices):
        case = Case(links=[link("everything", spread=12), link("stdp", target="B")])
        net, (first, second) = case.build(where)
        with net:
            got = [outcome(net, [first, second], [203])]
            first.weights = first.weights * 0.5 + 2.0
            got.append(outcome(net, [first, second], [150]))
            second.weights = 20.0
            first.plastic = False
            got.append(outcome(net, [first, second], [97]))
            first.plastic = True
            second.normalise(150.0)
            got.append(outcome(net, [first, second], [101]))
            second.rewire(15.0)
            first.rewire(None, fraction=0.2)
            got.append(outcome(net, [first, second], [149]))
            with pytest.raises(SpikecudaError, match="weights must be"):
                first.weights = np.ones(3)
            net.reset()
            got.append(state_of([first, second]))
            got.append(outcome(net, [first, second], [140]))
            found.append(got)
    assert found[0] == found[1]


@pytest.mark.parametrize("devices", DEVICES[:2], ids=str)
def test_weights_change_and_are_recorded_within_runs(devices):
    found = []
    for where in ("cpu", devices):
        case = Case(links=[link("stdp"), link("stdp", target="B", low=5)])
        net, (first, second) = case.build(where)
        with net:
            net.record(first, "weight", every=3.0)
            first.normalise(200.0, every=7.0)
            second.rewire(15.0, every=10.0)
            traces = net.run(40.0).synapses[first]["weight"]
            found.append([traces.tobytes(), *outcome(net, [first, second], [100])])
    assert found[0] == found[1]


def test_neurons_that_spike_more_often_and_other_trials():
    found = []
    for where in ("cpu", *DEVICES[:2]):
        case = Case(t_ref=(5.0, 5.0), rates=(30000.0, 9000.0), links=[link("dice", spread=3)])
        net, plastic = case.build(where)
        with net, short_histories():
            got = [outcome(net, plastic, [150])]
            net["A"].params["t_ref"] = 0.0
            got.append(outcome(net, plastic, [250]))
            net.reset(trial=3)
            got.append(outcome(net, plastic, [100]))
        found.append(got)
    assert found[0] == found[1] == found[2]


def test_weights_are_read_within_a_run():
    found = []
    for where in ("cpu", ["cpu:0", "cuda-emu:0"]):
        net, (p,) = Case(links=[link("stdp")]).build(where)
        seen = {}
        with net:
            net.run(30.0, progress=lambda done, steps: seen.setdefault(done, p.weights))  # noqa: B023
        found.append(seen)
    common = set(found[0]) & set(found[1])
    assert common
    for done in common:
        assert np.array_equal(found[0][done], found[1][done])


@pytest.mark.parametrize("mode", ["check", "race"])
def test_no_stray_access_and_no_race(mode):
    case = Case(
        sizes=(40, 20), train=(5, 1),
        links=[link("everything"), link("stdp", source="S", target="B", low=3)],
    )  # fmt: skip
    expected = run(case, "cpu", [120])
    devices = [CudaEmuDevice(0, mode=mode, block=64), CudaEmuDevice(1, mode=mode, seed=3)]
    try:
        for device in devices:
            device.speed = 1.0
        with short_histories():
            assert run(case, devices[:1], [70, 50], read=True) == expected
            assert run(case, devices, [120]) == expected
    finally:
        for device in devices:
            device.close()


def test_weights_are_copied_in_pieces():
    case = Case(links=[link("everything", spread=3)])
    expected = run(case, "cpu", [200])
    with mock.patch.object(learning, "PIECE", 37):
        assert run(case, "cuda-emu:0", [200]) == expected


def test_a_long_axonal_part_is_refused():
    with Network(devices="cuda-emu") as net:
        net.population("E", 40, "lif", receptors={"exc": ExpCurrent(2.0)})
        net.connect("E", "E", AllToAll(), 1.0, 2.0, plasticity=STDP(w_max=2.0), dendritic=0.9)
        with pytest.raises(
            SpikecudaError, match=r"dendritic must be at least half .*got 0\.9 of 2"
        ):
            net.build()


@pytest.mark.parametrize("devices", ["cpu", *DEVICES[:2]], ids=str)
def test_a_rule_without_a_bound_says_when_w_max_is_passed(devices):
    with Network(devices=devices) as net:
        net.population("E", 64, "lif", receptors={"exc": ExpCurrent(2.0)})
        net.drive("E", np.linspace(400.0, 600.0, 64))
        rule = PowerLawSTDP(w_max=20.5, lam=0.5)
        p = net.connect("E", "E", AllToAll(), 20.0, 1.0, plasticity=rule)
        with pytest.raises(SpikecudaError, match="w_max must be above"):
            net.run(100.0)
        assert 20.0 < p.weights.max() <= 20.5


def test_memory_of_the_device_is_counted_beforehand():
    small = CudaEmuDevice(memory=1 << 20)
    try:
        with Network(devices=[small]) as net:
            net.population("E", 400, "lif", receptors={"exc": ExpCurrent(2.0)})
            net.connect("E", "E", AllToAll(), 1.0, 1.5, plasticity=STDP(w_max=2.0))
            with pytest.raises(OutOfMemoryError, match="for synapses"):
                net.build()
    finally:
        small.close()
