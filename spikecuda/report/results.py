"""What a report holds: the layout of ``report.json``, described in docs/report-schema.md.

Change ``SCHEMA_VERSION`` with every change that a reader of the JSON could notice.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from spikecuda.report.machine import Machine

SCHEMA_VERSION = 3


@dataclass(frozen=True)
class RealTimePoint:
    """A network of one size.

    Attributes:
        neurons, synapses: how many it has.
        scale: part of the microcircuit; None for the balanced network.
        duration: model time of a timed run, ms.
        factor: wall-clock time over model time, of the median run; at most 1 is real time.
        mean_rate: spikes per neuron and second of model time, Hz.
        build_seconds: making the network; of another simulator all but the timed runs.
    """

    neurons: int
    synapses: int
    scale: float | None
    duration: float
    factor: float
    mean_rate: float
    build_seconds: float


@dataclass(frozen=True)
class RealTimeResult:
    """The largest network of a kind that a simulator runs in real time.

    Attributes:
        network: "balanced" or "microcircuit".
        simulator: "spikecuda", "NEST" or "Brian2".
        version: of the simulator.
        device: what it runs on.
        threads: of the CPU; 0 on a GPU.
        largest: the largest size measured with a factor of at most 1; None if there was none.
        limit: what ended the search: "speed", "size" (the whole microcircuit runs in real time),
            "memory", "time" (of the report) or "failure".  But for "speed", larger ones may run in
            real time, too.
        points: all sizes measured, the smallest first.
    """

    network: str
    simulator: str
    version: str
    device: str
    threads: int
    largest: RealTimePoint | None
    limit: str
    points: list[RealTimePoint]


@dataclass(frozen=True)
class CompilePoint:
    """Building one kernel.

    Attributes:
        kernel: its name, such as "lif_update_f32".
        target: "cpu" or the GPU's device name.
        input: "constant" or "noise".
        seconds: time to render, compile and load it.
        cached: whether compiled code came from the disk cache.
    """

    kernel: str
    target: str
    input: str
    seconds: float
    cached: bool


@dataclass(frozen=True)
class SpeedPoint:
    """The speed of one pool; all rates are neuron updates per second.

    Attributes:
        model, precision, device, threads, neurons: the pool; threads is 0 on a GPU.
        steps: steps of one repeat.
        repeats: how many there were.
        best_rate: of the fastest repeat, wall-clock time from input to spike list.
        median_rate: of the median repeat.
        kernel_rate: within update kernels only, over all repeats.
        nanoseconds: per update, from best_rate.
        mean_rate: spikes per neuron and second of model time, Hz.
        memory: bytes of all buffers while it runs.
    """

    model: str
    precision: str
    device: str
    threads: int
    neurons: int
    steps: int
    repeats: int
    best_rate: float
    median_rate: float
    kernel_rate: float
    nanoseconds: float
    mean_rate: float
    memory: int


@dataclass(frozen=True)
class Skipped:
    """A measurement that was not made.

    Attributes:
        what: the measurement.
        reason: why not.
    """

    what: str
    reason: str


@dataclass(frozen=True)
class AccuracyPoint:
    """A pool's spikes beside the oracle's.

    Attributes:
        model, precision, device: the pool.
        drive: "constant" or "noise".
        oracle: what it is compared with.
        neurons: number of neurons.
        duration: model time, ms.
        dt: step, ms.
        spikes, oracle_spikes: numbers of spikes.
        rate, oracle_rate: spikes per neuron and second, Hz.
        rate_error: (rate - oracle_rate) / oracle_rate; None without oracle spikes.
        matched: spikes compared: the k-th of a neuron with the oracle's k-th.
        identical: fraction of the matched spikes that fall in the oracle's very step.
        coincident: fraction of the oracle's spikes that have one of the same neuron within 1 ms;
            unlike the matched spikes it forgives a spike too many or too few earlier on.
        time_error_median, time_error_p99, time_error_max: absolute difference of matched spikes,
            ms; None without matched spikes.
    """

    model: str
    precision: str
    device: str
    drive: str
    oracle: str
    neurons: int
    duration: float
    dt: float
    spikes: int
    oracle_spikes: int
    rate: float
    oracle_rate: float
    rate_error: float | None
    matched: int
    identical: float | None
    coincident: float | None
    time_error_median: float | None
    time_error_p99: float | None
    time_error_max: float | None


@dataclass(frozen=True)
class MemoryPoint:
    """Bytes per neuron of one pool while it runs.

    Attributes:
        model, precision, device, neurons: the pool.
        state: state variables and refractory counter.
        parameters: parameters that differ between neurons.
        input: the input's buffers.
        spike_bits: one bit a step for the steps of one launch.
        other: everything else.
        buffers: bytes of each buffer by name, whole.
    """

    model: str
    precision: str
    device: str
    neurons: int
    state: float
    parameters: float
    input: float
    spike_bits: float
    other: float
    buffers: dict[str, int]


@dataclass(frozen=True)
class MixedPoint:
    """A type of a system of several models, or all of them; rates are neuron updates per second.

    Attributes:
        model: its name, or "total".
        precision, device, neurons: of the type.
        steps, repeats: steps of one repeat; number of repeats.
        rate: in the system; a type's from its share of the time, by its kernels' time.
        single_rate: of a pool of the same neurons alone, in the same repeats; for the total, of
            the pools one after the other.
        ratio: for the total, the system's rate over the pools', median of all repeats; else None.
        mean_rate: spikes per neuron and second of model time, Hz.
        memory: bytes per neuron of all buffers while it runs.
    """

    model: str
    precision: str
    device: str
    neurons: int
    steps: int
    repeats: int
    rate: float
    single_rate: float
    ratio: float | None
    mean_rate: float
    memory: float


@dataclass(frozen=True)
class PartitionPoint:
    """A system of several models over a number of devices.

    Attributes:
        device: what each of them is: "cpu" stands for one CPU thread.
        precision, neurons: of the system.
        devices: how many.
        steps, repeats: steps of one repeat; number of repeats.
        best_rate, median_rate: neuron updates per second of wall-clock time.
    """

    device: str
    precision: str
    neurons: int
    devices: int
    steps: int
    repeats: int
    best_rate: float
    median_rate: float


@dataclass(frozen=True)
class StartupPoint:
    """A fresh Python process; times in seconds, each the median of all repeats.

    Attributes:
        cache: "warm" or "empty": the cache of compiled kernels.
        repeats: processes started.
        import_package: ``import spikecuda``.
        first_pool: from there to a pool of 1000 LIF neurons, ready.
        first_run: the first run of 100 steps, with building the kernel.
        second_run: the same again.
        whole_process: from start to end as a shell sees it.
    """

    cache: str
    repeats: int
    import_package: float
    first_pool: float
    first_run: float
    second_run: float
    whole_process: float


@dataclass(frozen=True)
class GalleryPoint:
    """What a model's population did in the gallery.

    Attributes:
        model: its name.
        neurons: number of neurons.
        duration: model time, ms.
        spikes: number of spikes.
        mean_rate: Hz.
    """

    model: str
    neurons: int
    duration: float
    spikes: int
    mean_rate: float


@dataclass(frozen=True)
class ContextFigure:
    """A figure measured elsewhere, shown for orientation only.

    Attributes:
        what: what was measured.
        rate: neuron updates per second.
        machine: where.
        source: who says so.
    """

    what: str
    rate: float
    machine: str
    source: str


@dataclass
class Report:
    """Everything that a report measured; see docs/report-schema.md.

    Attributes:
        schema: SCHEMA_VERSION.
        created: date and time, ISO 8601, UTC.
        level: "quick", "default" or "full".
        seconds: how long the measuring took.
        machine: hardware and versions.
        devices: device names measured.
        settings: what was measured and for how long.
        realtime: the largest networks that run in real time.
        scaling, threads, accuracy, memory, mixed, partitions, compile, startup, gallery: the
            measurements.
        utilisation: what ``SystemMonitor.as_dict`` gives.
        skipped: what was not measured, and why.
        notes: what a reader should know before comparing figures.
        context: figures of another machine.
    """

    schema: int
    created: str
    level: str
    seconds: float
    machine: Machine
    devices: list[str]
    settings: dict[str, Any]
    realtime: list[RealTimeResult] = field(default_factory=list)
    scaling: list[SpeedPoint] = field(default_factory=list)
    threads: list[SpeedPoint] = field(default_factory=list)
    accuracy: list[AccuracyPoint] = field(default_factory=list)
    memory: list[MemoryPoint] = field(default_factory=list)
    mixed: list[MixedPoint] = field(default_factory=list)
    partitions: list[PartitionPoint] = field(default_factory=list)
    compile: list[CompilePoint] = field(default_factory=list)
    startup: list[StartupPoint] = field(default_factory=list)
    gallery: list[GalleryPoint] = field(default_factory=list)
    utilisation: dict[str, Any] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    context: list[ContextFigure] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as a dict that json can write."""
        return asdict(self)
