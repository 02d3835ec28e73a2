"""What a pool has done and what it holds."""

from dataclasses import asdict, dataclass
from typing import Any

from spikecuda.common.notebook import facts_html, figure
from spikecuda.devices.memory import MemoryFigures


@dataclass(frozen=True)
class Metrics:
    """Figures of a pool since its last reset; compile time is never part of run time.

    Attributes:
        num_neurons: neurons of the pool.
        steps: steps done.
        time: model time in ms.
        updates: neuron updates done.
        spikes: spikes so far.
        mean_rate: spikes per neuron and second of model time, Hz.
        run_seconds: wall-clock time spent in runs, from input to spike lists.
        kernel_seconds: the part of it spent in update kernels.
        compile_seconds: time spent building kernels.
        launches: kernel launches since the device was opened.
        updates_per_second: neuron updates per second of run time.
        realtime_factor: run time over model time; below 1 is faster than real time.
        host_bytes: bytes of buffers in host memory, by name; on a GPU, of state that streams
            through it.
        device_bytes: bytes of buffers in device memory, by name; empty on the CPU.
        state_bytes_per_neuron: bytes of state one neuron takes.
        windows: windows so far.
        launches_per_window: kernel launches of a window, on average.
        host_microseconds: what the host works on a window, on average: input, launching, listing
            spikes; waiting excepted.
        memory: the device's memory pool: allocated, in use, peak, cached, by name of buffer.
    """

    num_neurons: int
    steps: int
    time: float
    updates: int
    spikes: int
    mean_rate: float
    run_seconds: float
    kernel_seconds: float
    compile_seconds: float
    launches: int
    updates_per_second: float
    realtime_factor: float
    host_bytes: dict[str, int]
    device_bytes: dict[str, int]
    state_bytes_per_neuron: int
    windows: int
    launches_per_window: float
    host_microseconds: float
    memory: MemoryFigures

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as a dict that json can write."""
        return asdict(self)

    def _repr_html_(self) -> str:
        return facts_html("", [
            (name, figure(value)) for name, value in self.as_dict().items() if name != "memory"
        ])  # fmt: skip
