"""Neurons dealt out by speeds, given or measured, to lists of devices with race checking."""

import numpy as np
import pytest
from cuda_networks import balanced, outcome

from spikecuda import Ensemble, Network, SpikecudaError
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.network.speeds import measure_speed


def test_lists_with_race_checking_have_the_bits_of_one_device():
    """Two devices exchange spikes, with the processor between them; each has its part."""
    with Network(0.1, 5, devices="cpu") as net:
        balanced(net)
        wanted = outcome(net, 4.0, 2.0)
        assert "by speed" not in str(net.summary())
    emulated = [CudaEmuDevice(i, mode="race", seed=i) for i in range(2)]
    devices, speeds = [emulated[0], "cpu:0", emulated[1]], (2, 1, 1)
    with Network(0.1, 5, devices=devices, speeds=speeds) as net:
        balanced(net)
        assert outcome(net, 4.0, 2.0) == wanted
        told = " ".join(str(net.summary()).split())
        counts = [p.share.counts.sum() for p in net._engine.partitions]
    for name, count, speed in zip(
        ("cuda-emu:0", "cpu:0", "cuda-emu:1"), counts, speeds, strict=True
    ):
        assert abs(count - 125 * speed / 4) <= 64
        assert f"{name} has {count / 125:.0%} (speed {speed / 2:.2f})" in told
    for device in emulated:
        device.close()


def test_a_speed_is_measured():
    """More than a neuron in a microsecond: it takes a fiftieth of that, events included."""
    assert 1e6 < measure_speed(Network, "cpu", 1) < 1e11


TWO = ["cpu", "cuda-emu"]


@pytest.mark.parametrize(
    ("devices", "speeds", "message"),
    [
        ("cpu", [1.0], "not all are threads of one processor"),
        (["cpu:0", "cpu:1"], [1.0, 2.0], "not all are threads of one processor"),
        ("cuda-emu", "measured", "several devices or processes"),
        (TWO, "fast", 'must be "measured" or numbers'),
        (TWO, 1.0, "a number for each device of this process, 2"),
        (TWO, [1.0, 2.0, 3.0], "a number for each device of this process, 2"),
        (TWO, [1.0, 0.0], "speeds must be > 0"),
        (TWO, [1.0, np.inf], "speeds must be"),
        (TWO, {1.0}, "speeds must be"),
        (TWO, [1e308, 1e308], "divide all by one of them"),
        (TWO, np.array(2.0), "a number for each device of this process, 2"),
        (TWO, b"ab", "a number for each device"),
        (["mpi"], [1.0, 2.0], "a number for each device of this process, 1"),
    ],
)
def test_what_is_no_speed_is_refused(devices, speeds, message):
    with pytest.raises(SpikecudaError, match=message):
        Network(devices=devices, speeds=speeds)


def test_speeds_are_fixed():
    net = Network(devices=TWO, speeds=np.array([1.0, 2.0]))
    assert net.speeds == (1.0, 2.0)
    with pytest.raises(SpikecudaError, match=r"make a new Network\(speeds=...\)"):
        net.speeds = (2.0, 1.0)


def test_an_ensemble_has_no_speeds():
    net = Network(devices=TWO, speeds=[1.0, 2.0])
    net.population("a", 10)
    with pytest.raises(SpikecudaError, match="make it without speeds"):
        Ensemble(net, 2)
