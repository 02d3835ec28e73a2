"""Networks on emulated CUDA devices give the CPU's spikes, traces and state, bit for bit."""

import functools

import pytest
from cuda_networks import SIMPLE, START, balanced, every_input, every_receptor, outcome
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import Normal, Uniform
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.network import FixedProbability, Network

ONE, THREE = ["cuda-emu:0"], ["cuda-emu:0", "cuda-emu:1", "cuda-emu:0"]
MIXED = ["cuda-emu:0", "cpu:0", "cuda-emu:1", "cpu:1"]


def result(structure, devices, *parts, precision="float32", seed=5, record=None, **options):
    with Network(0.1, seed, precision, devices=devices, **options) as net:
        structure(net)
        for name, what in (record or {}).items():
            net.record(name)
            net.record(name, **what)
        return outcome(net, *parts)


def spikes_in(found):
    return len(found[0]) // 8


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
def test_every_receptor_and_rule(precision):
    expected = result(every_receptor, "cpu", 25.0, precision=precision)
    assert spikes_in(expected) > 50
    for devices in (ONE, THREE, MIXED):
        found = result(every_receptor, devices, 12.3, 0.1, 12.6, precision=precision)
        assert found == expected


def test_every_kind_of_input():
    structure = functools.partial(every_input, steps=200)
    expected = result(structure, "cpu", 20.0)
    assert spikes_in(expected) > 50
    assert result(structure, ONE, 20.0) == expected
    assert result(structure, MIXED, 20.0) == expected


@pytest.mark.parametrize("every", [0.1, 0.3, 1.2])
def test_traces_of_chosen_neurons(every):
    record = {
        "E": {"what": ("v", "i_exc"), "every": every, "only": [0, 31, 32, 89]},
        "I": {"what": "v", "every": 2 * every},
    }
    expected = result(balanced, "cpu", 12.4, record=record)
    for devices in (ONE, MIXED):
        assert result(balanced, devices, 3.7, 8.7, record=record) == expected


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_random_networks_over_any_devices(data):
    sizes = data.draw(st.tuples(st.integers(1, 140), st.integers(1, 70)), "sizes")
    low = data.draw(st.integers(1, 9), "shortest delay")
    spread = data.draw(st.sampled_from([0, 1, 30]), "spread of delays")
    p = data.draw(st.sampled_from([0.0, 0.02, 0.3, 1.0]), "probability")
    weight = data.draw(st.sampled_from([80.0, Normal(80.0, 8.0)]), "weight")
    bits = data.draw(st.sampled_from([16, 32]), "bits")
    names = st.sampled_from(["cuda-emu:0", "cuda-emu:1", "cpu:0", "cpu:1"])
    devices = data.draw(st.lists(names, min_size=1, max_size=4), "devices")
    parts = data.draw(st.lists(st.integers(1, 60), min_size=1, max_size=3), "parts")

    def structure(net):
        delay = Uniform(0.1 * low, 0.1 * (low + spread)) if spread else 0.1 * low
        for name, n in zip("EI", sizes, strict=True):
            net.population(name, n, "lif", initial=START, receptors=SIMPLE)
            net.drive(name, 400.0)
        net.connect("E", "E", FixedProbability(p), weight, delay, "exc", weight_bits=bits)
        net.connect("E", "I", FixedProbability(0.3), weight, delay, "exc", weight_bits=bits)
        net.connect("I", "E", FixedProbability(0.3), -90.0, 0.1 * low, "inh")

    expected = result(structure, "cpu", sum(parts) / 10, threads=2)
    assert result(structure, devices, *(part / 10 for part in parts)) == expected


@pytest.mark.parametrize("mode", ["check", "race"])
def test_no_stray_access_and_no_race(mode):
    expected = result(balanced, "cpu", 6.0)
    devices = [CudaEmuDevice(0, mode=mode, block=64), CudaEmuDevice(1, mode=mode, seed=3)]
    for device in devices:
        device.speed = 1.0
    assert result(balanced, devices[:1], 6.0) == expected
    assert result(balanced, devices, 6.0) == expected
    for device in devices:
        device.close()


def test_order_of_blocks_and_warps_does_not_matter():
    expected = result(balanced, "cpu", 30.0)
    for seed in (1, 2):
        with_order = CudaEmuDevice(seed=seed)
        assert result(balanced, [with_order], 30.0) == expected
        with_order.close()


def test_changed_weights_reach_the_device():
    found = []
    for devices in ("cpu", THREE, MIXED):
        with Network(devices=devices, seed=3) as net:
            balanced(net)
            net.run(5.0)
            net.projections[0].weights = net.projections[0].weights / 2
            net.projections[1].weights = -5.0
            net.run(5.0)
            net.reset()
            found.append(outcome(net, 20.0))
    assert found[0] == found[1] == found[2]
