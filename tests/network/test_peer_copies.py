"""Spikes are copied from device to device: the CPU's bits, no race, and no host between windows."""

import numpy as np
import pytest
from cuda_networks import SIMPLE, START, balanced, outcome
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import Normal, Uniform, emu
from spikecuda.devices.emulated.device import CudaEmuDevice, EmuStream
from spikecuda.errors import DeviceError, SpikecudaError, SpikecudaTypeError, SpikecudaValueError
from spikecuda.network import FixedProbability, Network, SpikeTrain
from spikecuda.network.cuda import resident
from spikecuda.network.cuda.inbox import Inbox

THREE = ["cuda-emu:0", "cuda-emu:1", "cuda-emu:2"]


def result(structure, devices, *parts, **options):
    with Network(0.1, 5, devices=devices, **options) as net:
        structure(net)
        return outcome(net, *parts)


def open_devices(count, mode="race", **options):
    devices = [CudaEmuDevice(i, mode=mode, **options) for i in range(count)]
    for device in devices:
        device.speed = 1.0
    return devices


@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_random_networks_over_racing_devices_have_the_bits_of_the_cpu(data):
    sizes = data.draw(st.tuples(st.integers(1, 150), st.integers(1, 70)), "sizes")
    low = data.draw(st.integers(1, 6), "shortest delay")
    spread = data.draw(st.sampled_from([0, 30]), "spread of delays")
    p = data.draw(st.sampled_from([0.0, 0.05, 0.3]), "probability")
    trains = data.draw(st.booleans(), "given spikes")
    every = data.draw(st.sampled_from([0, 1, 3]), "steps between samples")
    speeds = data.draw(st.lists(st.integers(1, 5), min_size=2, max_size=3), "speeds")
    seed = data.draw(st.one_of(st.none(), st.integers(0, 99)), "order of streams")
    windows = data.draw(st.integers(1, 3), "windows of a list")
    parts = data.draw(st.lists(st.integers(1, 30), min_size=1, max_size=2), "parts")

    def structure(net):
        delay = Uniform(0.1 * low, 0.1 * (low + spread)) if spread else 0.1 * low
        for name, n in zip("EI", sizes, strict=True):
            net.population(name, n, "lif", initial=START, receptors=SIMPLE)
            net.drive(name, 400.0)
        net.connect("E", "E", FixedProbability(p), Normal(80.0, 8.0), delay, "exc")
        net.connect("E", "I", FixedProbability(0.3), Normal(80.0, 8.0), delay, "exc")
        net.connect("I", "E", FixedProbability(0.3), -90.0, 0.1 * low, "inh")
        if trains:
            given = net.source("S", 4, SpikeTrain(np.arange(1, 30) * 0.2, np.arange(29) % 4))
            net.connect(given, "E", FixedProbability(0.4), Normal(80.0, 8.0), delay, "exc")
        if every:
            net.record("I", "spikes")
            net.record("E", ["spikes", "v"], every=0.1 * every)

    expected = result(structure, "cpu", sum(parts) / 10, threads=1)
    devices = open_devices(len(speeds), seed=seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resident, "WINDOWS", windows)
        found = result(structure, devices, *(part / 10 for part in parts), speeds=speeds)
    assert found == expected
    for device in devices:
        device.close()


def without(which):
    """Let no stream wait for an event of the runs."""

    def remove(patch, net):
        original = EmuStream.wait

        def wait(self, event):
            runs = [p.run for p in net._engine.partitions]
            if not any(run is not None and event is getattr(run, which) for run in runs):
                original(self, event)

        patch.setattr(EmuStream, "wait", wait)

    return remove


@pytest.mark.parametrize("which, other", [("spiked", "copy of"), ("copied", "lif_update")])
def test_a_missing_event_between_devices_is_found_as_a_race(monkeypatch, which, other):
    devices = open_devices(2)
    with Network(0.1, 5, devices=devices) as net:
        balanced(net)
        net.build()
        without(which)(monkeypatch, net)
        with pytest.raises(emu.StreamRace, match=r"'spike bits' .* of emulated CUDA") as caught:
            net.run(4.0)
        assert other in str(caught.value) and "spike bits" in str(caught.value)
        monkeypatch.undo()
    for device in devices:
        device.close()


def test_the_host_is_not_asked_between_windows(monkeypatch):
    done = []

    def noted(device, name):
        method = getattr(device, name)

        def call(*arguments):
            buffer = getattr(arguments[0], "buffer", arguments[0])
            done.append((name, device.name, buffer.name))
            return method(*arguments)

        monkeypatch.setattr(device, name, call)

    devices = open_devices(2, mode="fast")
    with Network(0.1, 5, devices=devices) as net:
        balanced(net)
        net.run(1.0)
        before = done[:]
        for device in devices:
            for name in ("write", "read", "upload", "download", "fetch"):
                noted(device, name)
        wanted = net.run(6.0).num_spikes
    assert wanted > 20 and not before
    names = [(name, buffer) for name, _, buffer in done]
    first, last = names.index(("upload", "clock")), names.index(("download", "spike list"))
    # Twelve windows of five steps: each device has the bits of the other; one list for the host.
    during = names[first : last + 1]
    assert during.count(("fetch", "spike bits of others")) == 2 * 12
    assert during.count(("upload", "clock")) == during.count(("download", "mark")) == 2
    assert len(during) == 24 + 4 + 1
    for device in devices:
        device.close()


def test_graphs_hold_a_window_but_for_its_copies():
    devices = open_devices(2, mode="fast")
    with Network(0.1, 5, devices=devices) as net:
        balanced(net)
        net.run(0.5)
        before = [device.launches for device in devices]
        net.run(5.0)
        # An update; a list of its own spikes and of the other's; constant and individual weights.
        assert [d.launches - b for d, b in zip(devices, before, strict=True)] == [50, 50]
    for device in devices:
        device.close()


def test_spikes_that_do_not_arrive_stop_the_run(monkeypatch):
    monkeypatch.setattr(Inbox, "fetch", lambda self, steps: None)
    with Network(0.1, 5, devices=THREE[:2]) as net:
        balanced(net)
        with pytest.raises(DeviceError, match=r"cuda-emu:1 failed at step 0 .* must have the \d+ "
                           r"spikes of all devices \(got \d+\).*exchange='host'"):  # fmt: skip
            net.run(10.0)
        with pytest.raises(SpikecudaError, match=r"reset\(\)"):
            net.run(1.0)


def test_the_way_of_spikes_is_told_and_can_be_chosen():
    apart = [CudaEmuDevice(0), CudaEmuDevice(1, peers=False)]
    modes = [CudaEmuDevice(0), CudaEmuDevice(1, mode="check")]
    cases = [
        (THREE, None, "peers", "3 devices: copied from device to device"),
        (THREE[:2], "peers", "peers", "copied from device to device"),
        (THREE[:2], "host", "host", r"through the host (as exchange='host' asks)"),
        (["cuda-emu:0", "cpu"], None, "host", "(cpu:0 is a processor)"),
        (apart, None, "host", "(cuda-emu:1 was opened with peers=False)"),
        (modes, None, "host", "cuda-emu:1 have different modes (fast, check)"),
        ("cuda-emu", "peers", "none", ""), ("cpu", None, "none", ""),
    ]  # fmt: skip
    expected = None
    for devices, exchange, way, words in cases:
        with Network(0.1, 5, devices=devices, exchange=exchange) as net:
            balanced(net)
            assert "between" not in net.summary()
            found = outcome(net, 2.0)
            expected = expected or found
            assert found == expected
            assert net.metrics().exchange == way
            assert words in " ".join(net.summary().split())
    for device in (*apart, *modes):
        device.close()
    with Network(0.1, 5, devices="cpu", threads=2, partitions=2) as net:
        balanced(net)
        assert outcome(net, 2.0) == expected and net.metrics().exchange == "memory"


@pytest.mark.parametrize("devices, exchange, kind, message", [
    (["cuda-emu:0", "cpu"], "peers", SpikecudaError, "needs devices .*cpu:0 is a processor"),
    (["cpu:0", "cpu:1"], "peers", SpikecudaValueError, "'peers' is for networks over GPUs"),
    (["cpu:0", "cpu:1"], "host", SpikecudaValueError, "'host' is for networks over GPUs"),
    ("cpu", "pears", SpikecudaValueError, "did you mean 'peers'|peers"),
    ("cpu", 3, SpikecudaTypeError, "must be an object with a method swap"),
])  # fmt: skip
def test_ways_that_there_are_not_are_refused(devices, exchange, kind, message):
    with pytest.raises(kind, match=message), Network(devices=devices, exchange=exchange) as net:
        balanced(net)
        net.build()


def test_open_devices_are_let_go():
    """One network's peers are not the next one's, and threads drive them side by side again."""
    devices = open_devices(2, mode="fast")
    with Network(0.1, 5, devices=devices) as net:
        balanced(net)
        net.run(1.0)
        assert devices[0].driven_by == devices[1].driven_by
    assert devices[0].driven_by != devices[1].driven_by
    for device in devices:
        assert device.held() == {}
        device.close()
