"""What a run of a network on the CPU holds."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.kernels.spec import KernelSpec
from spikecuda.network.cpu.input_rows import Rows


@dataclass(eq=False)
class CpuRun:
    """What a run holds.

    Attributes:
        drives, specs: input and kernel of each population.
        spikes: numbers of the populations whose spikes are recorded.
        rows: input that changes from step to step: by (population, name), or (-1 - part, name).
        parts, traces: tables for the loops.
        out: where samples of the traces go.
        align: windows end at its multiples; 0: anywhere.
        start: number of the first step.
        chunk: the most steps of a call.
        keep: what the tables point into.
    """

    drives: list[tuple[ResolvedInput, tuple[str, ...]]]
    spikes: list[int]
    specs: list[KernelSpec]
    rows: Rows
    parts: np.ndarray
    traces: np.ndarray
    out: list[np.ndarray]
    align: int
    start: int
    chunk: int
    keep: list[Any]
