"""What a pool or a network has done, and the memory that it uses."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from spikecuda.common.notebook import facts_html, figure
from spikecuda.devices.memory import MemoryFigures


@dataclass(frozen=True, kw_only=True)
class RunMetrics(Mapping[str, Any]):
    """What the metrics of pools and networks have in common, since the last reset.

    Figures are attributes, and items by name.  Compile time is never part of run time.

    Attributes:
        num_neurons: neurons.
        steps: steps done.
        time: model time in ms.
        updates: neuron updates done.
        spikes: spikes so far.
        mean_rate: spikes per neuron and second of model time, Hz.
        run_seconds: wall-clock time spent in runs, from input to spike lists.
        compile_seconds: time spent building kernels.
        updates_per_second: neuron updates per second of run time.
        realtime_factor: run time over model time; below 1 is faster than real time.
        host_bytes: bytes of buffers in host memory, by name; on a GPU, of state that streams
            through it.
        device_bytes: bytes of buffers in device memory, by name; empty on the CPU.
        state_bytes_per_neuron: bytes of state one neuron takes, on average.
    """

    num_neurons: int
    steps: int
    time: float
    updates: int
    spikes: int
    mean_rate: float
    run_seconds: float
    compile_seconds: float
    updates_per_second: float
    realtime_factor: float
    host_bytes: dict[str, int]
    device_bytes: dict[str, int]
    state_bytes_per_neuron: float

    def __getitem__(self, name: str) -> Any:
        if name not in set(self):
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return (field.name for field in fields(self))

    def __len__(self) -> int:
        return len(fields(self))

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as a dict that json can write."""
        return asdict(self)

    def _repr_html_(self) -> str:
        return facts_html("", [
            (name, figure(value)) for name, value in self.as_dict().items() if name != "memory"
        ])  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Metrics(RunMetrics):
    """Figures of a pool; see ``RunMetrics`` for those that networks have, too.

    Attributes:
        kernel_seconds: the part of ``run_seconds`` spent in update kernels.
        launches: kernel launches since the device was opened.
        windows: windows so far.
        launches_per_window: kernel launches of a window, on average.
        host_microseconds: what the host works on a window, on average: input, launching, listing
            spikes; waiting excepted.
        memory: the device's memory pool: allocated, in use, peak, cached, by name of buffer.
    """

    kernel_seconds: float
    launches: int
    windows: int
    launches_per_window: float
    host_microseconds: float
    memory: MemoryFigures


@dataclass(frozen=True, kw_only=True)
class NetworkMetrics(RunMetrics):
    """Figures of a network; see ``RunMetrics`` for those that pools have, too.

    Attributes:
        synapses: how many there are; of procedural ``FixedProbability`` rows the expected number.
        bytes_per_synapse: of the stored rows.
        events: synaptic events since the last reset: the synapses of all neurons that spiked,
            counted when they send, the same on every device.
        events_per_second: of run time.
        build_seconds: wall-clock time of the build.
        window: steps between two exchanges of spikes.
        partitions: how many partitions or blocks the neurons are split over.
        threads: how many work at once.
        devices: the device of each partition; ["cpu"] where the CPU runs all of them.
        exchange_seconds: of the run time, spent on waiting for other processes and on exchanging
            spikes with them; 0 without any.
        exchange: how spikes get from partition to partition: "none", there is one; "memory",
            threads of a processor read each other's; "peers", copies from GPU to GPU; "host", lists
            that pass through the host; "mpi"; "exchange", the transport that was passed.
    """

    synapses: int
    bytes_per_synapse: float
    events: int
    events_per_second: float
    build_seconds: float
    window: int
    partitions: int
    threads: int
    devices: list[str]
    exchange_seconds: float
    exchange: str

    @property
    def bytes(self) -> dict[str, int]:
        """Bytes held, by what holds them, wherever they are."""
        return {**self.host_bytes, **self.device_bytes}
