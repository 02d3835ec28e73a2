"""What a check found: the layout of ``verify.json``, documented in ``docs/verify.md``."""

from dataclasses import asdict, dataclass
from typing import Any

from spikecuda.errors import SpikecudaValueError
from spikecuda.report.machine import Machine
from spikecuda.report.results import Skipped
from spikecuda.report.schema import check

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Comparison:
    """One run on the device beside the same run on the CPU.

    Attributes:
        model, scheme, precision: the kernel.
        structure: input and options, see ``cases.STRUCTURES``.
        neurons: size of the population.
        splits: steps of each of its runs.
        batch: neurons per launch; 0 is the whole population.
        block: threads per block.
        window: the most steps of a launch; 0 leaves it to the pool.
        spikes: spikes on the CPU.
        equal: whether every spike, state and trace has the same bits.
        difference: what differs, or the error; empty if nothing does.
    """

    model: str
    scheme: str
    precision: str
    structure: str
    neurons: int
    splits: list[int]
    batch: int
    block: int
    window: int
    spikes: int
    equal: bool
    difference: str


@dataclass(frozen=True)
class Sanitised:
    """A search for faulty memory accesses in a small run.

    Attributes:
        tool: such as "memcheck".
        status: "passed", "failed" or "absent".
        detail: the tool's summary, or why it did not run.
        seconds: time taken.
    """

    tool: str
    status: str
    detail: str
    seconds: float


@dataclass(frozen=True)
class Throughput:
    """Speed of one kernel, timed with events of the device.

    Attributes:
        sweep: what is varied: "size", "block" or "steps".
        model, precision: the kernel: bias input, the model's default scheme.
        neurons: size of the population.
        steps: time steps of a launch, K.
        block: threads per block.
        repeats: timings; each is of ``launches`` launches.
        launches: launches in one timing.
        best_rate, median_rate: neuron updates per second.
        nanoseconds: per update, of the best timing.
        bound_rate: updates per second that the GPU's figures allow at most; None if unknown.
        fraction: best_rate / bound_rate; None if unknown or if the device is emulated.
        limit: what sets the bound, such as "DRAM"; empty if unknown.
    """

    sweep: str
    model: str
    precision: str
    neurons: int
    steps: int
    block: int
    repeats: int
    launches: int
    best_rate: float
    median_rate: float
    nanoseconds: float
    bound_rate: float | None
    fraction: float | None
    limit: str


@dataclass(frozen=True)
class Figures:
    """What the bounds are computed from.

    Attributes:
        name: of the GPU.
        multiprocessors: that it has.
        clock: MHz.
        bandwidth: of its memory, GB/s.
        l2: cache, MB.
        source: where the figures come from.
    """

    name: str
    multiprocessors: int
    clock: float
    bandwidth: float
    l2: float
    source: str


@dataclass(frozen=True)
class Verification:
    """All results.

    Attributes:
        schema: version of this layout.
        created: ISO 8601, UTC.
        level: "full" or "quick".
        seconds: time taken.
        device: such as "cuda:0".
        description: the hardware, in words.
        emulated: whether the device is software: then speed says nothing of a GPU.
        compute_capability: that kernels were compiled for, such as "9.0".
        passed: whether nothing differs and no tool found a fault.
        machine: the host.
        figures: of the GPU; None where they are unknown.
        comparisons, sanitised, throughput: the results.
        skipped: what was not done, and why.
    """

    schema: int
    created: str
    level: str
    seconds: float
    device: str
    description: str
    emulated: bool
    compute_capability: str
    passed: bool
    machine: Machine
    figures: Figures | None
    comparisons: list[Comparison]
    sanitised: list[Sanitised]
    throughput: list[Throughput]
    skipped: list[Skipped]

    def as_dict(self) -> dict[str, Any]:
        """Return what ``verify.json`` holds."""
        return asdict(self)


def validate(data: object) -> None:
    """Raise SpikecudaValueError unless ``data``, read from JSON, has this layout."""
    if isinstance(data, dict) and data.get("schema") != SCHEMA_VERSION:
        raise SpikecudaValueError(
            f"schema must be {SCHEMA_VERSION} (got {data.get('schema')!r}); the file comes from "
            "another version of spikecuda"
        )
    check(data, Verification, "verify")
