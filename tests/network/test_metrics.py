import io

import numpy as np
import pytest
from rich.console import Console

from spikecuda import GPUNeuronPool, Network
from spikecuda.devices.cpu.device import CpuDevice
from spikecuda.network import ExpCurrent, FixedOutDegree, open_partitions
from spikecuda.network.measure import take_snapshot
from spikecuda.observe.live_view import LiveView
from spikecuda.observe.metrics import RunMetrics

LISTS = ["cpu", ["cuda-emu:0"], ["cuda-emu:0", "cpu:0"]]


def network(devices):
    net = Network(0.1, 3, devices=devices)
    for name, n in (("E", 160), ("I", 40)):
        net.population(name, n, receptors={"e": ExpCurrent(5.0)})
        net.drive(name, 500.0)
    net.connect("E", "I", FixedOutDegree(5), 10.0, 1.0)
    return net


@pytest.mark.parametrize("devices", LISTS, ids=str)
def test_metrics_are_those_of_pools_and_more(devices):
    with network(devices) as net, GPUNeuronPool(10, device="cpu") as pool:
        result = net.run(50.0)
        m = net.metrics()
        assert isinstance(m, RunMetrics) and isinstance(pool.metrics(), RunMetrics)
        assert set(RunMetrics.__annotations__) <= set(m) & set(pool.metrics())
        assert m.num_neurons == 200 and m.steps == 500 and m.time == pytest.approx(50.0)
        assert m.updates == 200 * 500
        assert m.spikes == sum(len(s) for s in result.spikes.values()) > 0
        assert m.mean_rate == pytest.approx(m.spikes / 200 / 0.05)
        assert m.realtime_factor == pytest.approx(m.run_seconds / 0.05)
        assert m["events"] == m.events > 0 and dict(m) == m.as_dict()
        assert bool(m.device_bytes) == (devices != "cpu")
        with pytest.raises(KeyError):
            m["nothing"]
        net.reset()
        assert net.metrics().spikes == net.metrics().steps == 0


@pytest.mark.parametrize("devices", LISTS, ids=str)
def test_the_live_view_shows_populations_and_devices(devices):
    with network(devices) as net:
        net.run(20.0)
        screen = Console(file=io.StringIO(), width=120)
        populations = [net["E"], net["I"]]
        view = LiveView("x", 200, lambda: take_snapshot(net.build(), populations, 0.1), screen)
        screen.print(view.draw())
        text = screen.file.getvalue()
        for name in ("E", "I", *set(net.metrics().devices)):
            assert f" {name} " in text
        figures = take_snapshot(net.build(), populations, 0.1)
        assert [t.spikes for t in figures.types] == net.build().spikes[:2].tolist()
        assert sum(d.neurons for d in figures.devices) == 200
        assert all(d.busy > 0 and d.held > 0 for d in figures.devices)


def test_a_live_run_has_the_bits_of_any_other(capsys):
    with network("cpu") as net, network("cpu") as other:
        a, b = net.run(20.0, progress="live"), other.run(20.0)
        for name in ("E", "I"):
            np.testing.assert_array_equal(a.spikes[name].neuron, b.spikes[name].neuron)


def test_unlike_devices_get_neurons_by_what_was_measured(monkeypatch):
    made = [CpuDevice(1), CpuDevice(1)]
    made[1].description = "another processor"
    seconds = {made[0].description: 1e-9, made[1].description: 3e-9}
    asked = []
    monkeypatch.setattr(
        open_partitions, "cost", lambda device, _: asked.append(1) or seconds[device.description]
    )
    net = network("cpu")
    owners = open_partitions.OpenPartitions(made).owners(net._describe())
    assert owners[0].weight / owners[1].weight == pytest.approx(3.0)
    asked.clear()
    made[1].description = made[0].description
    open_partitions.OpenPartitions(made).owners(net._describe())
    assert not asked  # alike: nothing to measure
    for device in made:
        device.close()


@pytest.mark.parametrize("devices", LISTS, ids=str)
def test_spikes_are_counted_while_a_run_goes_on(devices):
    seen = []
    with network(devices) as net:
        net.run(50.0, progress=lambda done, total: seen.append((done, net.metrics().spikes)))
        total = net.metrics().spikes
    assert seen[-1][0] == 500 and seen[-1][1] <= total
    if devices != ["cuda-emu:0"]:  # which has nobody to exchange spikes with: one launch
        half = next(spikes for done, spikes in seen if done >= 250)
        assert 0 < half < total and seen[-1][1] == total


@pytest.mark.parametrize("devices", LISTS, ids=str)
def test_spikes_of_a_run_that_broke_off_are_counted(devices):
    def stop(done, total):
        if done >= 250:
            raise RuntimeError("enough")

    with network(devices) as net, network("cpu") as other:
        with pytest.raises(RuntimeError, match="enough"):
            net.run(50.0, progress=stop)
        other.run(net.time)
        assert net.metrics().spikes == other.metrics().spikes > 0
        assert net.metrics().events == other.metrics().events > 0
        net.run(10.0)
        other.run(10.0)
        assert net.metrics().spikes == other.metrics().spikes
