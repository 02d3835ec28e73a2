"""Copies and kernels overlap, ordered by events; a missing one is found as a race."""

from itertools import pairwise

import numpy as np
import pytest

from spikecuda import Constant, GPUNeuronPool, MultiGPUNeuronSystem, Noise, PerStep, Uniform, emu
from spikecuda.devices.emulated.device import CudaEmuDevice, EmuStream
from spikecuda.runtime.partition_run import PartitionRun

N, STEPS = 200, 40


def run(device, steps=STEPS, **options):
    """Return the bits of a run with every kind of input and output, in windows of 8 steps."""
    rng = np.random.default_rng(3)
    drive = [
        Constant(rng.uniform(200, 900, N)), Noise(100.0), PerStep(rng.uniform(0, 50, (steps, N))),
        PerStep(rng.uniform(0, 50, steps)),
    ]  # fmt: skip
    with GPUNeuronPool(
        N, "lif", precision="float16", device=device, seed=2, window=8,
        initial={"v": Uniform(-70.0, -50.0)}, **options,
    ) as pool:  # fmt: skip
        result = pool.run(steps=steps, input=drive, record=("spikes", "v"))
        state = [pool.state[name].tobytes() for name in pool.state]
        return result.spikes.step.tobytes(), result.spikes.neuron.tobytes(), state, [
            result.traces["v"].tobytes()
        ]  # fmt: skip


@pytest.mark.parametrize("mode", ["fast", "race"])
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_every_order_that_the_events_allow_gives_the_same_bits(seed, mode):
    expected = run("cpu")
    device = CudaEmuDevice(mode=mode, seed=seed)
    assert run(device, batch_size=64) == expected
    device.close()


def test_windows_overlap():
    """While one window computes, the next one's inputs and the last one's spikes are on the way."""
    device = CudaEmuDevice()
    order = []
    original = emu.Stream.put

    def put(self, name, *args, **options):
        if name != "event":
            order.append((self.name, name))
        return original(self, name, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(emu.Stream, "put", put)
        patch.setattr(PartitionRun, "collect", marked(order, PartitionRun.collect))
        run(device)
    device.close()
    uploads, downloads = "stream 2", "stream 3"
    collected = [i for i, entry in enumerate(order) if entry == "collect"]
    for before, after in pairwise(collected[:-1]):
        between = {entry[0] for entry in order[before + 1 : after]}
        assert {uploads, downloads} <= between
    # The second window was asked for, spikes included, before the first one was waited for.
    first = [entry[0] for entry in order[: collected[0]]]
    assert first.count(downloads) == 2 * 2


def marked(order, method):
    def call(*args):
        order.append("collect")
        return method(*args)

    return call


def no_upload_wait(patch, device):
    patch.setattr(device.stream, "wait", lambda event: None)


def no_download_wait(patch, device):
    patch.setattr(device.downloads, "wait", lambda event: None)


def no_host_wait(patch, device):
    def record(event=None):
        found = EmuStream.record(device.downloads, event)
        found.synchronize = lambda: None
        return found

    patch.setattr(device.downloads, "record", record)


def no_fork(patch, device):
    original = emu.Stream.wait

    def wait(self, event):
        if self not in device._branches:
            original(self, event)

    patch.setattr(emu.Stream, "wait", wait)


def no_join(patch, device):
    original = emu.Stream.wait

    def wait(self, event):
        if event._stream not in device._branches or event._stream is None:
            original(self, event)

    patch.setattr(emu.Stream, "wait", wait)


@pytest.mark.parametrize("remove, between", [
    (no_upload_wait, "copy to"), (no_download_wait, "to the host"), (no_host_wait, "the host"),
    (no_fork, "kernel"), (no_join, "kernel"),
])  # fmt: skip
def test_a_missing_dependency_is_found_as_a_race(monkeypatch, remove, between):
    device = CudaEmuDevice(mode="race")
    remove(monkeypatch, device)
    with pytest.raises(emu.StreamRace, match=between):
        run(device, steps=16, batch_size=64)  # too short for a graph


def test_a_join_that_is_missing_in_a_graph_cannot_be_captured(monkeypatch):
    device = CudaEmuDevice()
    original = emu.Stream.wait

    def wait(self, event):
        captured = event._captured is not None and self.capture is not None
        if not (captured and self is device.stream.emu):
            original(self, event)

    monkeypatch.setattr(emu.Stream, "wait", wait)
    with pytest.raises(emu.LaunchError, match="comes together"):
        run(device, batch_size=64)


@pytest.mark.parametrize("precision", ["float16", "float32"])
@pytest.mark.parametrize("memory", [[30_000], [30_000, 20_000]])
def test_a_system_larger_than_its_devices_streams_through_them(memory, precision):
    """Every kind of input and output, several runs, and never more memory than there is."""
    n = {"adex": 2500, "lif": 3000, "izhikevich": 1500}
    rng = np.random.default_rng(1)
    drive = {
        name: [Constant(rng.uniform(0.8, 1.2, count) * mean), Noise(0.2 * mean)]
        for (name, count), mean in zip(n.items(), (4000.0, 2500.0, 40.0), strict=True)
    }
    found = []
    for devices in (["cpu"], [CudaEmuDevice(i, memory=m) for i, m in enumerate(memory)]):
        with MultiGPUNeuronSystem(
            7000, 500, list(n), shares=n, devices=devices, precision=precision, seed=4,
            params={"lif": {"tau_m": Uniform(10.0, 30.0)}},
        ) as made:  # fmt: skip
            parts = [part for p in made.populations.values() for part in p.partitions]
            if devices != ["cpu"]:
                assert len(parts) == 3 * len(memory) and all(part.paged for part in parts)
                assert all(len(part.pages) > 2 for part in parts)
                assert "lif out of core in" in repr(made)
            runs = [made.run(steps=25, input=drive, record=("spikes", "v")) for _ in range(2)]
            found.append([[r.spikes.step.tobytes(), r.spikes.neuron.tobytes()] for r in runs])
            found[-1].append([r.parts["lif"].traces["v"].tobytes() for r in runs])
            found[-1].append([v.tobytes() for view in made.state.values() for v in view.values()])
            assert made.metrics()["total"]["spikes"] > 1000
    for device, most in zip(devices, memory, strict=True):
        assert 0 < device.pool.peak <= most and device.held() == {}
        device.close()
    assert found[0] == found[1]


def test_a_system_overlaps_on_every_device():
    types = ["adex", "lif", "izhikevich"]
    drive = {"adex": 900.0, "lif": 300.0, "izhikevich": 12.0}
    found = []
    for devices in (["cpu"], ["cuda-emu:0", "cpu", "cuda-emu:1"]):
        with MultiGPUNeuronSystem(600, 90, types, devices=devices, seed=4) as system:
            result = system.run(steps=2200, input=drive)
            found.append((result.spikes.step.tobytes(), result.spikes.neuron.tobytes()))
    assert found[0] == found[1] and len(found[0][0]) > 8000
