"""SystemMonitor: samples, absence, overhead; GPUs stand in for by a fake NVML."""

import json
import sys
import time
import types

import numpy as np
import pytest

from spikecuda.errors import ClosedError, SpikecudaValueError
from spikecuda.observe.monitor import SystemMonitor


def test_samples_are_arrays_of_equal_length():
    with SystemMonitor(interval=0.02, gpu=False) as monitor:
        monitor.mark("first")
        time.sleep(0.2)
    samples = monitor.samples
    assert set(samples) == {"time", "cpu_percent", "process_percent", "ram", "process_memory"}
    assert len({v.size for v in samples.values()}) == 1 and samples["time"].size >= 4
    assert np.all(np.diff(samples["time"]) > 0)
    assert np.all((samples["cpu_percent"] >= 0) & (samples["cpu_percent"] <= 100))
    assert np.all(samples["process_memory"] > 1e6) and np.all(samples["ram"] > 1e6)


def test_dict_can_be_written_as_json():
    with SystemMonitor(interval=0.02) as monitor:
        monitor.mark("work")
        time.sleep(0.1)
    data = json.loads(json.dumps(monitor.as_dict(), allow_nan=False))
    assert data["marks"][0]["name"] == "work" and data["interval"] == 0.02
    # What is not there is absent with a reason, and has no samples.
    assert ("gpu_percent" in data["samples"]) != bool(data["absent"].get("gpu"))


def test_overhead_is_small():
    with SystemMonitor(interval=0.2, gpu=False) as monitor:
        time.sleep(1.0)
    assert monitor.as_dict()["own_share"] < 0.01


def test_work_of_this_process_shows():
    with SystemMonitor(interval=0.1, gpu=False) as monitor:
        end = time.process_time() + 0.4
        while time.process_time() < end:
            pass
    assert monitor.samples["process_percent"].max() > 20.0


def test_stopping_twice_and_starting_again():
    monitor = SystemMonitor(interval=0.02, gpu=False)
    with monitor:
        monitor.start()
    monitor.stop()
    with pytest.raises(ClosedError, match="make a new"):
        monitor.start()


def test_a_short_time_is_sampled_once():
    with SystemMonitor(interval=60.0, gpu=False) as monitor:
        pass
    assert monitor.samples["ram"].size == monitor.samples["time"].size == 1


def test_never_started():
    monitor = SystemMonitor(gpu=False)
    assert monitor.samples["time"].size == 0
    assert monitor.as_dict()["own_share"] == 0.0
    monitor.stop()


@pytest.mark.parametrize("interval", [0.0, -1.0, 1e9])
def test_bad_interval(interval):
    with pytest.raises(SpikecudaValueError, match="interval must be from"):
        SystemMonitor(interval=interval)


class FakeError(Exception):
    """Stands for NVMLError."""


def fake_nvml(count=2, driver=True):
    """Return a module with the part of pynvml that the monitor uses; GPU 1 gives no power."""
    nvml = types.ModuleType("pynvml")
    nvml.NVMLError, nvml.NVML_TEMPERATURE_GPU = FakeError, 0
    nvml.calls = []

    def start():
        if not driver:
            raise FakeError("Driver Not Loaded")

    def power(handle):
        if handle == 1:
            raise FakeError("Not Supported")
        return 75_000

    nvml.nvmlInit = start
    nvml.nvmlShutdown = lambda: nvml.calls.append("shutdown")
    nvml.nvmlDeviceGetCount = lambda: count
    nvml.nvmlDeviceGetHandleByIndex = lambda i: i
    nvml.nvmlDeviceGetName = lambda h: b"Fake GPU" if h else "Fake GPU"
    nvml.nvmlDeviceGetUtilizationRates = lambda h: types.SimpleNamespace(gpu=50 + h)
    nvml.nvmlDeviceGetMemoryInfo = lambda h: types.SimpleNamespace(used=10**9)
    nvml.nvmlDeviceGetPowerUsage = power
    nvml.nvmlDeviceGetTemperature = lambda h, kind: 40
    return nvml


def test_gpus(monkeypatch):
    nvml = fake_nvml()
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    with SystemMonitor(interval=0.02) as monitor:
        time.sleep(0.1)
    data = monitor.as_dict()
    assert data["gpus"] == ["Fake GPU", "Fake GPU"] and data["absent"] == {}
    assert data["samples"]["gpu_percent"][0] == [50.0, 51.0]
    assert data["samples"]["gpu_power"][0] == [75.0, None]
    assert nvml.calls == ["shutdown"]


def test_a_figure_no_gpu_gives_is_absent(monkeypatch):
    nvml = fake_nvml(count=1)

    def no_power(handle):
        raise FakeError("Not Supported")

    nvml.nvmlDeviceGetPowerUsage = no_power
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    with SystemMonitor(interval=0.02) as monitor:
        time.sleep(0.05)
    assert "gpu_power" not in monitor.samples and "gpu_percent" in monitor.samples


@pytest.mark.parametrize(
    ("nvml", "reason"),
    [(fake_nvml(driver=False), "no NVIDIA driver"), (fake_nvml(count=0), "no NVIDIA GPU"),
     (None, "nvidia-ml-py is not installed")],
)  # fmt: skip
def test_absent_with_a_reason(monkeypatch, nvml, reason):
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    with SystemMonitor(interval=0.02) as monitor:
        time.sleep(0.05)
    data = monitor.as_dict()
    assert reason in data["absent"]["gpu"]
    assert not any(name.startswith("gpu") for name in data["samples"])
