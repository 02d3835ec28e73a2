"""The live view: what it shows, and what it and the monitor cost."""

import functools
import io
import re
import time

import pytest
from calls import calls, small_heap
from rich.console import Console

from spikecuda import GPUNeuronPool, MultiGPUNeuronSystem
from spikecuda.errors import SpikecudaTypeError
from spikecuda.observe.live_view import INTERVAL, DeviceFigures, LiveView, Snapshot, TypeFigures
from spikecuda.observe.monitor import SystemMonitor
from spikecuda.observe.snapshot import take_snapshot

CURRENT = {"lif": 300.0, "adex": 900.0, "izhikevich": 12.0}


def screen():
    return Console(file=io.StringIO(), width=120)


def drawn(view):
    console = screen()
    console.print(view.draw())
    return console.file.getvalue()


class Course:
    """Figures of a run that goes on by 100 steps at each look; a new view has looked twice."""

    def __init__(self):
        self.looks = -1

    def __call__(self):
        self.looks += 1
        k = self.looks
        return Snapshot(
            100 * k, 0.1,
            (TypeFigures("lif", 1000, 50 * k, 8000), TypeFigures("adex", 500, 10 * k, 4000)),
            (DeviceFigures("cpu:0", 900, 7200, 0.25 * k), DeviceFigures("cuda:0", 600, 4800, 0.0)),
        )  # fmt: skip


def test_rates_are_those_since_the_last_drawing(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    view = LiveView("two types", 1000, Course(), screen())
    clock[0] += 0.5
    view.draw()
    clock[0] += 0.5
    text = drawn(view)
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}
    # 100 steps of 0.1 ms and 0.5 s since the last look; 50 spikes of 1000 neurons in 10 ms: 5 Hz.
    assert rows["lif"] == ["lif", "1,000", "5", "Hz", "150", "200", "k/s", "8", "KB"]
    assert rows["adex"][1:4] == ["500", "2", "Hz"]
    assert rows["all"] == ["all", "1,500", "4", "Hz", "180", "300", "k/s", "12", "KB"]
    assert rows["cpu:0"] == ["cpu:0", "900", "50%", "7.2", "KB"]
    assert rows["cuda:0"][1:3] == ["600", "0%"]
    # In all, 300 of 1000 steps in 1 s: 33 times slower than real time, 2.3 s to go.
    assert "30%  30.0 of 100.0 ms  real-time factor 33.3  0:01 gone, 0:02 to go" in text
    view.__exit__(None, None, None)
    # At the end, the whole run: 400 steps in 1 s.
    assert "400 k/s" in drawn(view).split("adex")[0]


def test_gpus_have_rows_and_absent_ones_a_reason(monkeypatch):
    view = LiveView("x", 1000, Course(), screen())
    monitor = view._monitor
    monitor.absent["gpu"] = "no driver"
    assert "GPU: absent (no driver)" in drawn(view)
    monitor.absent.clear()
    monkeypatch.setattr(SystemMonitor, "gpus", ["H100", "T4"])
    monitor._rows.append(
        {
            "cpu_percent": 37.0, "ram": 2e9, "gpu_percent": [99.0, 1.0], "gpu_memory": [8e9, 1e9],
            "gpu_power": [300.0, float("nan")], "gpu_temperature": [61.0, 40.0],
        }
    )  # fmt: skip
    text = drawn(view)
    assert re.search(r"CPU +37 % +2 GB used|CPU +37 % +2.0 GB used", text)
    assert re.search(r"GPU 0: H100 +99 % +8.0 GB +300 W +61 °C", text)
    assert re.search(r"GPU 1: T4 +1 % +1.0 GB +- +40 °C", text)
    assert "absent" not in text


def test_a_system_and_a_pool_show_their_figures(capsys):
    with MultiGPUNeuronSystem(3000, devices=["cpu:0", "cpu:1"]) as system:
        plain = system.run(steps=200, input=CURRENT)
        system.reset()
        live = system.run(steps=200, input=CURRENT, progress="live")
        assert live.num_spikes == plain.num_spikes
        figures = system.metrics()
    text = capsys.readouterr().err
    assert "MultiGPUNeuronSystem: 1,000 adex, 1,000 lif, 1,000 izhikevich" in text
    assert "100%  20.0 of 20.0 ms  real-time factor" in text and "cpu:1" in text
    for name in CURRENT:
        assert re.search(rf"{name} +1,000 .* Hz +{figures[name]['spikes']:,} ", text)
    assert f" {figures['total']['spikes']:,} " in text
    with GPUNeuronPool(500, "lif", device="cpu") as pool:
        pool.run(steps=100, input=300.0, progress="live")
        with pytest.raises(SpikecudaTypeError, match='True, False, "live" or a function'):
            pool.run(steps=1, progress="life")
    out = capsys.readouterr()
    assert "GPUNeuronPool: 500 lif" in out.err and out.out == ""


def test_a_run_that_fails_ends_the_view(capsys):
    with GPUNeuronPool(100, "lif", device="cpu") as pool:
        pool.device.together = lambda jobs: (_ for _ in ()).throw(OSError("gone"))
        with pytest.raises(Exception, match="gone"):
            pool.run(steps=5, progress="live")
    assert "0%" in capsys.readouterr().err


def test_the_view_and_the_monitor_cost_less_than_a_hundredth():
    """Processor time of drawing and of sampling, of the time between two of them.

    What drawing does is counted besides: 25,000 calls, which depend on no machine.
    """
    with MultiGPUNeuronSystem(30_000, devices=["cpu:0", "cpu:1"]) as system:
        view = LiveView("x", 1000, functools.partial(take_snapshot, system.populations), screen())
        taken = []
        with small_heap():
            for _ in range(30):
                begin = time.thread_time()
                drawn(view)
                taken.append(time.thread_time() - begin)
        assert min(taken) < 0.01 * INTERVAL
        assert calls(lambda: drawn(view)) < 35_000
        with SystemMonitor() as monitor:
            end = time.perf_counter() + 1.5
            while time.perf_counter() < end:
                system.run(steps=200, input=CURRENT, record=None)
    assert monitor.samples["time"].size >= 4
    assert monitor.as_dict()["own_share"] < 0.01
