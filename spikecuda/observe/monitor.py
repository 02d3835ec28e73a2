"""Utilisation over time: processor, memory and GPUs, sampled by a thread beside the work."""

import threading
import time
from types import TracebackType
from typing import Any

import numpy as np
import psutil

from spikecuda.common.arguments import as_flag, as_real
from spikecuda.common.fixed import Fixed
from spikecuda.errors import ClosedError, SpikecudaValueError

GPU_FIGURES = ("gpu_percent", "gpu_memory", "gpu_power", "gpu_temperature")


class SystemMonitor(Fixed):
    """Samples the machine's utilisation until stopped, at least once; a context manager.

    A sample takes well under a millisecond, so an interval of 0.2 s costs far less than 1 % of one
    core.  What the machine does not have is missing from ``samples``, and ``absent`` says why; it
    is never reported as zero.

    Args:
        interval: seconds between samples, 0.01 to 60.
        gpu: whether to look for NVIDIA GPUs.

    Attributes:
        samples: arrays by name, one entry per sample: ``time`` (s since the start),
            ``cpu_percent`` (of all cores together, 0 to 100), ``process_percent`` (of one core, so
            200 is two cores busy), ``ram`` (bytes used on the machine), ``process_memory``
            (resident bytes of this process); with a GPU, arrays (samples, GPUs): ``gpu_percent``,
            ``gpu_memory`` (bytes), ``gpu_power`` (W), ``gpu_temperature`` (degrees Celsius).
        absent: name of what could not be sampled -> why.
        marks: (seconds, name) of each ``mark``.
    """

    def __init__(self, interval: float = 0.2, gpu: bool = True) -> None:
        if not 0.01 <= as_real("interval", interval, "s") <= 60.0:
            raise SpikecudaValueError(f"interval must be from 0.01 to 60 s (got {interval!r})")
        self.interval = float(interval)
        self.absent: dict[str, str] = {}
        self.marks: list[tuple[float, str]] = []
        self._own_seconds = 0.0
        self._rows: list[dict[str, Any]] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._start = 0.0
        self._process = psutil.Process()
        self._gpus = _Gpus() if as_flag("gpu", gpu) else None
        if self._gpus is None:
            self.absent["gpu"] = "not asked for"
        elif self._gpus.reason:
            self.absent["gpu"] = self._gpus.reason
        self._fix()

    @property
    def own_seconds(self) -> float:
        """Processor time that the sampling itself took."""
        return self._own_seconds

    def start(self) -> "SystemMonitor":
        """Start sampling; a monitor runs once."""
        if self._stop.is_set():
            raise ClosedError("the monitor was stopped; make a new SystemMonitor")
        if self._thread is None:
            self._start = time.perf_counter()
            # The first call of each only sets the starting point.
            psutil.cpu_percent(None)
            self._process.cpu_percent(None)
            self._thread = threading.Thread(target=self._run, name="spikecuda-monitor", daemon=True)
            self._thread.start()
        return self

    def stop(self) -> None:
        """Stop sampling; the samples stay."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None
            if self._gpus is not None:
                self._gpus.close()

    def mark(self, name: str) -> None:
        """Note that a phase of the work begins now."""
        self.marks.append((time.perf_counter() - self._start, name))

    def __enter__(self) -> "SystemMonitor":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def gpus(self) -> list[str]:
        """Names of the GPUs, in NVML's order."""
        return self._gpus.names if self._gpus is not None else []

    def latest(self) -> dict[str, Any]:
        """Return the last sample by name, see ``samples``; empty before the first one."""
        return dict(self._rows[-1]) if self._rows else {}

    @property
    def samples(self) -> dict[str, np.ndarray]:
        """Everything sampled so far, as arrays by name."""
        rows = list(self._rows)
        names = list(rows[0]) if rows else ["time"]
        columns = {name: np.array([row[name] for row in rows], np.float64) for name in names}
        # A figure that a GPU does not give is NaN in every sample: absent, not zero.
        return {
            name: values
            for name, values in columns.items()
            if name not in GPU_FIGURES or not np.isnan(values).all()
        }

    def as_dict(self) -> dict[str, Any]:
        """Return samples, marks and what is absent, as a dict that json can write."""
        samples = self.samples
        duration = float(samples["time"][-1]) if samples["time"].size else 0.0
        return {
            "interval": self.interval,
            "own_share": self.own_seconds / duration if duration else 0.0,
            "gpus": self.gpus,
            "absent": dict(self.absent),
            "marks": [{"time": round(t, 3), "name": name} for t, name in self.marks],
            "samples": {name: _plain(values) for name, values in samples.items()},
        }

    def _run(self) -> None:
        # The first sample comes after an interval: the system's counters need some time to turn.
        due = time.perf_counter() + self.interval
        while not self._stop.wait(max(0.0, due - time.perf_counter())):
            busy = time.thread_time()
            self._rows.append(self._sample())
            self._own_seconds += time.thread_time() - busy
            # Never catch up with missed samples: a loaded machine is not loaded further, and
            # samples too close together would show a busy processor as idle.
            due = max(due + self.interval, time.perf_counter() + 0.5 * self.interval)
        if not self._rows:
            self._rows.append(self._sample())

    def _sample(self) -> dict[str, Any]:
        row: dict[str, Any] = {
            "time": time.perf_counter() - self._start,
            "cpu_percent": psutil.cpu_percent(None),
            "process_percent": self._process.cpu_percent(None),
            "ram": psutil.virtual_memory().used,
            "process_memory": self._process.memory_info().rss,
        }
        if self._gpus is not None and not self._gpus.reason:
            row.update(self._gpus.sample())
        return row


class _Gpus:
    """The GPUs that NVML shows; ``reason`` says why there are none."""

    def __init__(self) -> None:
        self.reason = ""
        self.names: list[str] = []
        self._handles: list[Any] = []
        try:
            import pynvml
        except ImportError:
            self.reason = 'nvidia-ml-py is not installed; pip install "spikecuda[cuda]"'
            return
        self._nvml: Any = pynvml
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            self.reason = f"no NVIDIA driver ({error})"
            return
        count = pynvml.nvmlDeviceGetCount()
        if not count:
            self.reason = "no NVIDIA GPU"
            pynvml.nvmlShutdown()
            return
        self._handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(count)]
        for handle in self._handles:
            name = pynvml.nvmlDeviceGetName(handle)
            self.names.append(name.decode() if isinstance(name, bytes) else str(name))

    def sample(self) -> dict[str, list[float]]:
        """Return every figure of every GPU, NaN where a GPU does not give it."""
        n = self._nvml
        readers = {
            "gpu_percent": lambda h: n.nvmlDeviceGetUtilizationRates(h).gpu,
            "gpu_memory": lambda h: n.nvmlDeviceGetMemoryInfo(h).used,
            "gpu_power": lambda h: n.nvmlDeviceGetPowerUsage(h) / 1000.0,
            "gpu_temperature": lambda h: n.nvmlDeviceGetTemperature(h, n.NVML_TEMPERATURE_GPU),
        }
        return {
            name: [self._value(read, handle) for handle in self._handles]
            for name, read in readers.items()
        }

    def _value(self, read: Any, handle: Any) -> float:
        try:
            return float(read(handle))
        except self._nvml.NVMLError:
            return float("nan")

    def close(self) -> None:
        """Let go of NVML."""
        if self._handles:
            self._handles = []
            self.reason = self.reason or "stopped"
            self._nvml.nvmlShutdown()


def _plain(values: np.ndarray) -> list[Any]:
    """Return rounded lists, NaN as None."""
    rounded = np.round(values, 3)
    if rounded.ndim == 1:
        return [None if np.isnan(v) else float(v) for v in rounded]
    return [[None if np.isnan(v) else float(v) for v in row] for row in rounded]
