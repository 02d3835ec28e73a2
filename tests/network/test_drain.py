"""Spikes are taken out of lists while a device goes on; none is lost, and what is missing shows."""

import pytest
from cuda_networks import balanced, every_input, every_receptor, outcome

from spikecuda import emu
from spikecuda.devices.emulated.device import CudaEmuDevice, EmuStream
from spikecuda.errors import DeviceError
from spikecuda.network import Network
from spikecuda.network.cuda import resident


@pytest.fixture(autouse=True)
def short_lists(monkeypatch):
    """Lists that hold two windows."""
    monkeypatch.setattr(resident, "WINDOWS", 2)


def run(structure, devices, *parts, record=None):
    with Network(0.1, 5, devices=devices) as net:
        structure(net)
        if record:
            net.record("E", ["spikes", "v", "i_exc"], every=record)
            net.record("I", "spikes")
        return outcome(net, *parts)


def changing(net):
    every_input(net, 200)


@pytest.mark.parametrize("mode, seed", [("fast", None), ("fast", 1), ("race", 2)])
@pytest.mark.parametrize("structure", [balanced, every_receptor, changing])
def test_lists_in_turn_give_the_same_spikes(structure, mode, seed):
    device = CudaEmuDevice(mode=mode, seed=seed)
    length = 20.0 if structure is changing else 8.0
    assert run(structure, [device], length) == run(structure, "cpu", length)
    device.close()


@pytest.mark.parametrize("every", [0.1, 0.5, 2.0])
def test_samples_come_with_the_spikes(every):
    device = CudaEmuDevice(mode="race")
    found = run(balanced, [device], 3.3, 4.7, record=every)
    assert found == run(balanced, "cpu", 3.3, 4.7, record=every)
    device.close()


def test_the_next_windows_are_submitted_before_spikes_are_taken(monkeypatch):
    device, order = CudaEmuDevice(), []
    upload, download = device.upload, device.download

    def uploaded(staging, size):
        order.append(("up", staging.buffer.name))
        upload(staging, size)

    def downloaded(staging, size):
        order.append(("down", staging.buffer.name))
        download(staging, size)

    with Network(0.1, 5, devices=[device]) as net:
        balanced(net)
        net.run(3.0)
        monkeypatch.setattr(device, "upload", uploaded)
        monkeypatch.setattr(device, "download", downloaded)
        wanted = net.run(4.0)  # four times two windows
    assert wanted.num_spikes > 20
    up, mark, spikes = ("up", "clock"), ("down", "mark"), ("down", "spike list")
    assert order == [up, mark, *[up, mark, spikes] * 3, spikes]
    device.close()


def no_wait(name):
    """Let a stream of the device wait for no event."""

    def remove(patch, device):
        original = EmuStream.wait

        def wait(self, event):
            if self is not getattr(device, name):
                original(self, event)

        patch.setattr(EmuStream, "wait", wait)

    return remove


def no_host_wait(patch, device):
    record = device.downloads.record

    def unwaited(event=None):
        found = record(event)
        found.synchronize = lambda: None
        return found

    patch.setattr(device.downloads, "record", unwaited)
    original = EmuStream.record

    def as_recorded(self, event=None):
        found = original(self, event)
        found.synchronize = lambda: None
        return found

    patch.setattr(EmuStream, "record", as_recorded)


def one_list(patch, device):
    original = resident.Resident.spike_list
    patch.setattr(resident.Resident, "spike_list", lambda self, number: original(self, 0))


@pytest.mark.parametrize("remove, between", [
    (no_wait("stream"), "copy to"), (no_wait("downloads"), "to the host"),
    (no_host_wait, "the host"), (one_list, "clock"),
])  # fmt: skip
def test_a_missing_dependency_is_found_as_a_race(monkeypatch, remove, between):
    device = CudaEmuDevice(mode="race")
    remove(monkeypatch, device)
    with pytest.raises(emu.StreamRace, match=between):
        run(balanced, [device], 4.0)
    monkeypatch.undo()
    device.close()


@pytest.mark.parametrize("mode", ["fast", "check"])
def test_a_list_that_is_too_short_stops_the_run(monkeypatch, mode):
    """It is as long as all spikes that are possible; let it be thought that few are."""
    monkeypatch.setattr(resident, "most_spikes", lambda neurons, window: 1)
    device = CudaEmuDevice(mode=mode)
    with Network(0.1, 5, devices=[device]) as net:
        balanced(net)
        net.population("fast", 50, "lif", {"t_ref": 0.0}, {"v": -51.0})
        net.drive("fast", 90000.0)
        net.run(0.5)
        with pytest.raises(DeviceError, match=r"cuda-emu:0 failed at step \d+ \(the list of spikes "
                           r"is full: it holds 350, .*spikes are lost"):  # fmt: skip
            net.run(10.0)
        assert set(device.held()) == set(held := net.build().partitions[0].held()) and held
    assert device.held() == {}
    device.close()


def test_what_is_under_way_is_counted_and_named():
    device = CudaEmuDevice()
    with Network(0.1, 5, devices=[device]) as net:
        balanced(net)
        seen = []
        (partition,) = net.build().partitions

        def look(done, total):
            seen.append((done, partition.settled, partition.clock))

        net.run(4.0, progress=look)
        assert seen[:3] == [(10, 0, 10), (20, 10, 20), (30, 20, 30)]
        assert partition.settled == partition.clock == 40
    device.close()
