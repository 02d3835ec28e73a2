"""Calls that fail at any allocation or device call: the network is as before, or says it is not."""

import contextlib

import numpy as np
import pytest

from spikecuda import Normal
from spikecuda.devices.base import Device
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.errors import SpikecudaError
from spikecuda.network import ExpCurrent, FixedOutDegree, Network, SpikeTrain

DEVICES = {"one": ["cuda-emu:0"], "two": ["cuda-emu:0", "cuda-emu:1"], "mixed": ["cpu", "cuda-emu"]}
# What a device does for the host; a run's own calls are in test_network_faults.
CALLS = {CudaEmuDevice: ("write", "read", "clear"), Device: ("allocate",)}


def make(devices):
    net = Network(0.1, 5, devices=devices)
    net.population("E", 70, receptors={"exc": ExpCurrent(5.0)})
    net.population("I", 40, receptors={"exc": ExpCurrent(5.0)})
    net.connect("E", "E", FixedOutDegree(6), Normal(30.0, 3.0), 1.5)
    net.connect("E", "I", FixedOutDegree(6), 20.0, 2.0)
    net.connect("I", "E", FixedOutDegree(6), -20.0, 1.5)
    net.drive("E", 500.0)
    return net


def look(net):
    """Return what can be seen of a network, as bytes."""
    return {
        "time": net.time,
        **{(g, k): v.tobytes() for g in "EI" for k, v in net[g].state.items()},
        **{p.name: p.weights.tobytes() for p in net.projections},
    }


def held(net):
    return [p.device.held() for p in net.build().partitions if hasattr(p, "device")]


CHANGES = {
    "one weight": lambda net: setattr(net.projections[1], "weights", 25.0),
    "weights": lambda net: setattr(net.projections[0], "weights", np.linspace(20.0, 40.0, 420)),
    "weights of their own": lambda net: setattr(
        net.projections[2], "weights", np.linspace(-40.0, -20.0, 240)
    ),
    "reset": lambda net: net.reset(),
    "state": lambda net: net["E"].state.__setitem__("v", -60.0),
    "receptor state": lambda net: net["E"].state.__setitem__("i_exc", 3.0),
}


def break_at(patch, call):
    """Let the n-th call of any device fail; return a list that has its name once it came."""
    done, found = [0], []

    def breaking(original, name):
        def method(self, *args, **kwargs):
            done[0] += 1
            if done[0] == call:
                found.append(name)
                if call % 2 == 0 and name in ("write", "clear"):  # at its end
                    original(self, *args, **kwargs)
                raise MemoryError("no room")
            return original(self, *args, **kwargs)

        return method

    for kind, names in CALLS.items():
        for name in names:
            patch.setattr(kind, name, breaking(getattr(kind, name), name))
    return found


@pytest.mark.parametrize("devices", DEVICES)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_fails_can_be_repeated(monkeypatch, devices, change):
    with make(DEVICES[devices]) as twin:
        twin.run(5.0)
        CHANGES[change](twin)
        expected = twin.run(10.0).spikes["E"]
        after = look(twin)
    broken = 0
    for call in (*range(1, 8), *range(8, 200, 5)):
        with make(DEVICES[devices]) as net:
            net.run(5.0)
            before = look(net)
            with monkeypatch.context() as patch:
                found = break_at(patch, call)
                try:
                    CHANGES[change](net)
                except SpikecudaError as error:
                    assert "no room" in str(error) and "failed at step" in str(error)
            if not found:
                break
            broken += 1
            if change == "reset":
                with pytest.raises(SpikecudaError, match=r"cannot go on.*reset\(\) starts again"):
                    net.run(1.0)
            else:
                assert look(net) == before, (call, found)
            CHANGES[change](net)
            got = net.run(10.0).spikes["E"]
            np.testing.assert_array_equal(got.step, expected.step)
            np.testing.assert_array_equal(got.neuron, expected.neuron)
            assert look(net) == after
    assert broken or change in ("state", "receptor state")  # these are on the host


@pytest.mark.parametrize("devices", ["two", "mixed"])
def test_weights_that_fail_leave_a_network_that_runs_on(monkeypatch, devices):
    with make(DEVICES[devices]) as twin:
        twin.run(5.0)
        memory = held(twin)
        expected = twin.run(10.0).spikes["E"]
    for call in (*range(1, 8), *range(8, 200, 7)):
        with make(DEVICES[devices]) as net:
            net.run(5.0)
            with monkeypatch.context() as patch:
                found = break_at(patch, call)
                with contextlib.suppress(SpikecudaError):
                    CHANGES["weights of their own"](net)
            if not found:
                break
            got = net.run(10.0).spikes["E"]
            np.testing.assert_array_equal(got.neuron, expected.neuron)
            assert held(net) == memory
    assert call > 1


@pytest.mark.parametrize("devices", ["two", "mixed"])
def test_a_build_that_fails_can_be_repeated(monkeypatch, devices):
    with make(DEVICES[devices]) as twin:
        expected = twin.run(10.0).spikes["E"]
    opened = []
    original = Device.__init__
    monkeypatch.setattr(
        Device, "__init__", lambda self, *args: (opened.append(self), original(self, *args))[1]
    )
    for call in (*range(1, 6), *range(6, 200, 9)):
        with make(DEVICES[devices]) as net:
            with monkeypatch.context() as patch:
                found = break_at(patch, call)
                try:
                    net.build()
                except SpikecudaError as error:
                    assert "no room" in str(error)
            if not found:
                break
            assert all(device.closed and device.held() == {} for device in opened)
            net.drive("I", 1.0)  # it is not built
            got = net.run(10.0).spikes["E"]
            np.testing.assert_array_equal(got.neuron, expected.neuron)
            opened.clear()
    assert call > 1


def test_descriptions_that_are_refused_leave_nothing():
    net = make("cpu")

    def told():
        return (
            [*net.populations], len(net.projections), len(net.wired), len(net.trains),
            {name: len(net._drives.get(name)) for name in net.populations},
            dict(net._recorders._spikes),
            dict(net._recorders._variables),
            net._identity,
        )  # fmt: skip

    before = told()
    for call in (
        lambda: net.population("A", 4, receptors={"exc": 5.0}),
        lambda: net.population("A", 4, "lif", {"tau_m": -1.0}),
        lambda: net.population("A", 4, initial={"v": "x"}),
        lambda: net.population("A", 4, initial={"v": lambda x: x}),
        lambda: net.population("A", 4, initial={"v": np.nan}),
        lambda: net.population("E", 4),
        lambda: net.connect("E", "I", "all_to_all", 1.0, 1.0, "inh"),
        lambda: net.connect("E", "I", "all_to_all", 1.0, 0.05),
        lambda: net.connect("E", "I", FixedOutDegree(100), 1.0, 1.0, multapses=False),
        lambda: net.source("S", 2, SpikeTrain([1.0], neurons=[0], weight="x")),
        lambda: net.source("E", 2, SpikeTrain([1.0])),
        lambda: net.drive("E", SpikeTrain([1.0]), "inh"),
        lambda: net.drive("E", SpikeTrain([1.0, 2.0], neurons=[0, 700])),
        lambda: net.drive("E", [100.0, np.zeros((3, 3))]),
        lambda: net.drive("E", 1.0, "exc"),
        lambda: net.record("E", ["v", "x"]),
        lambda: net.record("E", ["v", "spikes"], every=0.05),
        lambda: net.record("E", "v", only=[700]),
    ):
        with pytest.raises(SpikecudaError):
            call()
        assert told() == before
    net.run(1.0)
    net.close()
