"""Rows that are drawn again on emulated devices are those of the stored twin, on the processor."""

import functools

import pytest
from cuda_networks import drawn_again, far, outcome

from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.kernels.compile import cuda as compile_cuda
from spikecuda.kernels.compile import render
from spikecuda.network import ExpCurrent, FixedOutDegree, Network
from spikecuda.network.cuda import procedural_rows as drawn

LISTS = {
    "one": ["cuda-emu:0"], "two": ["cuda-emu:0", "cuda-emu:1"],
    "mixed": ["cpu:0", "cuda-emu:0", "cuda-emu:0"],
}  # fmt: skip


def run(structure, devices, *parts):
    with Network(0.1, 5, devices=devices) as net:
        structure(net)
        return outcome(net, *parts), net.metrics()


@pytest.fixture(scope="module")
def stored():
    """The stored twin's results on the processor, and its events."""

    @functools.cache
    def of(structure, *parts):
        twin = functools.partial(structure, procedural=False)
        found, metrics = run(twin, "cpu", *parts)
        return found, metrics["events"]

    return of


@pytest.mark.parametrize("devices", LISTS)
def test_every_rule_and_distribution(stored, devices):
    wanted, events = stored(drawn_again, 25.0)
    assert len(wanted[0]) // 8 > 400
    found, metrics = run(drawn_again, LISTS[devices], 7.3, 0.1, 17.6)
    assert found == wanted
    assert metrics["events"] == events


@pytest.mark.parametrize("devices", ["one", "mixed"])
def test_rows_over_several_tiles_and_warps(stored, devices):
    wanted, events = stored(far, 3.0)
    found, metrics = run(far, LISTS[devices], 3.0)
    assert found == wanted
    assert metrics["events"] == events > 50_000


def test_any_number_of_warps_shares_rows(stored):
    wanted, _ = stored(far, 3.0)
    for resident in (64, 1024, 1 << 17):
        device = CudaEmuDevice(block=64, seed=resident)
        device.resident_threads = resident
        assert run(far, [device], 3.0)[0] == wanted
        device.close()


@pytest.mark.parametrize("mode", ["check", "race"])
def test_no_stray_access_and_no_race(stored, mode):
    wanted, _ = stored(drawn_again, 3.0)
    devices = [CudaEmuDevice(0, mode=mode, block=64), CudaEmuDevice(1, mode=mode, seed=3)]
    for device in devices:
        device.speed, device.resident_threads = 1.0, 512
    assert run(drawn_again, devices, 3.0)[0] == wanted
    for device in devices:
        device.close()


def test_marks_without_a_barrier_between_lanes_are_a_race(monkeypatch):
    from spikecuda import emu

    original = render.render

    def without(spec, target):
        source = original(spec, target)
        return source.replace("cuda.syncwarp()", "pass") if "subset" in spec.name else source

    def forget():
        render.load.cache_clear()
        compile_cuda._front_end.cache_clear()

    monkeypatch.setattr(render, "render", without)
    forget()
    device = CudaEmuDevice(mode="race")
    try:
        with pytest.raises(emu.DataRace, match="subset"):
            run(drawn_again, [device], 3.0)
    finally:
        forget()
        device.close()


def test_marks_of_targets_are_bounded(monkeypatch, stored):
    monkeypatch.setattr(drawn, "SEEN_BYTES", 100)
    assert run(drawn_again, ["cuda-emu:0"], 25.0)[0] == stored(drawn_again, 25.0)[0]


def test_few_spikes_let_warps_share_rows():
    with Network(devices="cuda-emu") as net:
        far(net)
        (partition,) = net.build().partitions
        first, second, long, every = (d for d, _ in partition.resident.drawn)
    assert [d.walk for d in (first, long, every)] == ["probability", "degree", "range"]
    assert first.delivery(1.0, 100, 1 << 15, 128).options["pieces"] == 3
    assert second.delivery(1.0, 100, 1 << 15, 128).options["pieces"] == 2
    assert long.delivery(1.0, 100, 1 << 15, 128).options["pieces"] == 6
    assert every.delivery(4.0, 100, 1 << 15, 128).options["pieces"] == 256
    assert every.delivery(2000.0, 5000, 1 << 15, 128).options["pieces"] == 1


def test_nothing_is_stored_on_the_device():
    sizes = []
    for procedural in (False, True):
        with Network(devices="cuda-emu") as net:
            far(net, procedural)
            sizes.append(net.metrics().bytes.get("targets on cuda-emu:0", 0))
    assert sizes[0] > 200_000 and sizes[1] == 0


def test_a_projection_without_targets_on_a_device_takes_no_launch():
    with Network(devices=["cuda-emu:0", "cuda-emu:1"]) as net:
        net.population("A", 64, "lif", receptors={"syn": ExpCurrent(2.0)})
        net.connect("A", net["A"][:32], FixedOutDegree(3), 1.0, 1.0, procedural=True)
        assert [len(p.resident.drawn) for p in net.build().partitions] == [1, 0]
