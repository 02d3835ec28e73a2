"""A network that will not fit is refused with numbers, before any memory is taken."""

import tracemalloc

import pytest

from spikecuda import Normal, Uniform
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.errors import OutOfMemoryError, SpikecudaValueError
from spikecuda.network import (
    DistanceProbability,
    ExpCurrent,
    FixedOutDegree,
    FixedProbability,
    Network,
    memory,
)
from spikecuda.network.cpu import block_memory
from spikecuda.network.synapses.fixed_point import choose_fixed_point
from spikecuda.space import Disc, Grid

TWO = {"exc": ExpCurrent(5.0), "inh": ExpCurrent(10.0)}


def make(n, delay, procedural=True, degree=10, **options):
    net = Network(0.1, 1, **options)
    net.population("N", n, receptors=TWO)
    net.connect("N", "N", FixedOutDegree(degree), 1.0, delay, "exc", procedural=procedural)
    return net


def bits(net):
    """The width of each projection's weights."""
    return choose_fixed_point(net._describe().wired).bits


def whole(net):
    return memory.whole(net._describe(), bits(net))


def test_long_delays_of_procedural_rows_count(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 4_000_000_000)
    net = make(100_000, Normal(1000.0, 300.0, low=0.1, high=1630.0), devices="cpu")
    # 16,301 steps and a window of 1 take a ring of 16,384, two cells a neuron and step.
    assert "13,107.2 MB for 16,384 steps of delays" in net.summary()
    tracemalloc.start()
    with pytest.raises(OutOfMemoryError, match=r"needs about 13\.1 GB on the CPU .* 13\.1 GB for "
                       r"16,384 steps .*available: 4\.0 GB\); use shorter delays"):  # fmt: skip
        net.run(1.0)
    assert tracemalloc.get_traced_memory()[1] < 4e6  # the views' numbers
    tracemalloc.stop()
    make(20_000, 1.0, devices="cpu").build()


def test_stored_rows_take_no_ring_on_the_processor():
    assert whole(make(100, 1000.0, procedural=False)).arrivals == 0


@pytest.mark.parametrize("delay", [0.1, 1.5, 102.0, Uniform(0.5, 20.0)])
@pytest.mark.parametrize("devices", ["cpu", ["cuda-emu:0"], ["cuda-emu:0", "cuda-emu:1"]])
def test_what_is_reckoned_is_what_is_taken(delay, devices):
    with make(100, delay, devices=devices) as net:
        held = net.metrics().bytes
        if devices == "cpu":
            assert whole(net).arrivals == held["accumulators"]
        else:
            for p in net.build().partitions:
                need = memory.part(net._describe(), p.share, bits(net))
                assert need.arrivals == held[f"accumulators on {p.name}"]


def test_positions_of_procedural_rows_count():
    with Network(0.1, 1, devices=["cuda-emu:0"]) as net:
        net.population("N", 400, positions=Grid((20, 20)), receptors=TWO)
        plain = whole(net).neurons
        rule = DistanceProbability(0.5, Disc(0.1))
        net.connect("N", "N", rule, 1.0, 1.0, "exc", procedural=True)
        (part,) = net.build().partitions
        held = net.metrics().bytes
        names = ("rows", "sorted", "order", "starts")
        kept = sum(held[f"{name} on {part.name}"] for name in names)
        need = memory.part(net._describe(), part.share, bits(net))
        assert kept > 48 * 400 and need.neurons > kept
        # On the host choices are in two orders.
        assert whole(net).neurons == plain + kept + 24 * 400


def test_a_device_that_is_too_small_is_named_and_takes_nothing():
    devices = [CudaEmuDevice(0, memory=1 << 30), CudaEmuDevice(1, memory=10 << 20)]
    net = make(20_000, 50.0, procedural=False, devices=devices)
    with pytest.raises(OutOfMemoryError, match=r"needs about 82\.\d+ MB on cuda-emu:1 \(.*1,024 "
                       r"steps.*available: 10\.49 MB\); use shorter .*more devices"):  # fmt: skip
        net.run(1.0)
    net.connect("N", "N", FixedProbability(0.5), 1.0, 0.5, "inh")
    with pytest.raises(OutOfMemoryError, match=r"199\.9 MB for synapses"):
        net.run(1.0)
    for device in devices:
        assert device.held() == {} and device._device.allocated == 0
        device.close()


def test_delays_that_are_known_after_the_build_only(monkeypatch):
    # Of stored rows the longest delay that was drawn counts; before the build it may be short.
    device = CudaEmuDevice(memory=10 << 20)
    with make(5_000, Uniform(0.5, 80.0), procedural=False, devices=[device]) as net:
        with pytest.raises(OutOfMemoryError, match=r"needs 41\.16 MB on cuda-emu:0, 1,024 steps"):
            net.run(1.0)
        assert device.held() == {}
    device.close()
    # On the processor a stored row can lengthen the ring of a procedural one.
    monkeypatch.setattr(block_memory, "available_memory", lambda: 10 << 20)
    with make(5_000, 1.0, devices="cpu") as net:
        net.connect("N", "N", FixedOutDegree(2), 1.0, Uniform(0.5, 80.0), "exc")
        with pytest.raises(OutOfMemoryError, match=r"needs 41\.16 MB on the CPU, 1,024 steps"):
            net.run(1.0)


def test_emulated_devices_share_the_hosts_memory(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 60_000_000)
    with make(20_000, 50.0, devices=["cuda-emu:0", "cpu:0", "cuda-emu:1"]) as net:
        with pytest.raises(
            OutOfMemoryError,
            match=r"on the host \(.*\) and .* on cuda-emu:0 \(.*\) and .* on cpu:0 \(.*\) and "
            r".* on cuda-emu:1 \(",
        ):
            net.run(1.0)
        assert net._engine is None
        monkeypatch.undo()
        net.run(1.0)


def test_numbas_simulator_is_refused_open_or_not(monkeypatch):
    monkeypatch.setenv("NUMBA_ENABLE_CUDASIM", "1")
    from spikecuda.devices.open import open_device

    device = open_device("cuda-sim")
    with pytest.raises(SpikecudaValueError, match=r"warp operations.*'cuda-sim.*use 'cuda-emu'"):
        Network(devices=[device])
    device.close()
