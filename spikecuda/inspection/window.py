"""The time of a network's window on a GPU, predicted from machine code and published figures.

Never a measurement.  A window is a chain of kernels that wait for each other: the updates, the list
of spikes, the deliveries.  Each takes the longest of what its instructions, its bytes and its chain
of dependent loads ask for, and each costs the GPU some time to start.  ``docs/networks-on-gpus.md``
states the model.
"""

import math
from dataclasses import dataclass

from spikecuda.inspection.gpus import GPU
from spikecuda.inspection.mix import Profile
from spikecuda.inspection.predict import WARP, lower_bound
from spikecuda.inspection.subject import Subject

SCHEDULERS = 4  # warp instructions a cycle and multiprocessor
SECTOR = 32  # bytes that the L2 cache moves for an atomic addition
# Loads that wait for one another, in the L2 cache and in memory.
UPDATE_CHAIN, COLLECT_CHAIN, ROWS_CHAIN = (2, 0), (3, 0), (3, 3)


@dataclass(frozen=True)
class Assumptions:
    """What no datasheet says.

    Attributes:
        name: of the set.
        start: microseconds from the end of a kernel of a graph to the start of the next.
        l2, memory: cycles of a load that is found in the L2 cache, or in memory.
        issue: cycles from an instruction of a warp to its next one.
        l2_bandwidth: bytes a cycle and multiprocessor.
    """

    name: str
    start: float
    l2: float
    memory: float
    issue: float
    l2_bandwidth: float


# Start: 0.5 us is the difference between a kernel's own 2.9 us and 3.4 us in a graph, V100, Gray
# (2019) "Getting started with CUDA graphs", NVIDIA technical blog.  Latencies, issue and bandwidth
# (48 B a cycle and multiprocessor of an A100): table 3 of doi:10.1016/j.ultsonch.2023.106546.  The
# cautious set takes four times the start and half as much again of the rest.
LEAST = Assumptions("least", 0.5, 200.0, 400.0, 1.0, 48.0)
CAUTIOUS = Assumptions("cautious", 2.0, 300.0, 600.0, 4.0, 32.0)


@dataclass(frozen=True)
class Load:
    """What a network asks of a window.

    Attributes:
        neurons: on the device.
        window: steps.
        dt: ms.
        spikes, events: in a window, on average.
        synapse_bytes: of a synapse, its share of segments included.
        group, pieces: how rows are shared, see ``network.delivery``.
        row: synapses of a row.
    """

    neurons: int
    window: int
    dt: float
    spikes: float
    events: float
    synapse_bytes: float
    group: int
    pieces: int
    row: float


@dataclass(frozen=True)
class Part:
    """A kernel of the window.

    Attributes:
        name: of the kernel.
        start: microseconds until it begins.
        limits: microseconds that each limit alone asks for.
    """

    name: str
    start: float
    limits: dict[str, float]

    @property
    def time(self) -> float:
        """Microseconds, with the start."""
        return self.start + max(self.limits.values())

    @property
    def binding(self) -> str:
        """Which limit binds."""
        return max(self.limits, key=lambda name: self.limits[name])


def window_parts(
    update: Profile, collect: Subject, rows: Subject, gpu: GPU, load: Load, assumed: Assumptions
) -> list[Part]:
    """Return the kernels of a window, each with what limits it.

    Args:
        update: the update, compiled for the GPU's compute capability, like the others.
        collect: the kernel that lists spikes.
        rows: the kernel that delivers rows by warps.
        gpu: published figures.
        load: the network.
        assumed: the rest.
    """
    per_us = gpu.clock  # cycles in a microsecond

    def chain(loads: tuple[int, int], instructions: float) -> float:
        cycles = loads[0] * assumed.l2 + loads[1] * assumed.memory + instructions * assumed.issue
        return cycles / per_us

    def issue(instructions: float, warps: float) -> float:
        return instructions * warps / (SCHEDULERS * gpu.multiprocessors) / per_us

    bound = lower_bound(update, gpu, load.neurons, load.window)
    own = sum(update.once.values()) + load.window * update.instructions
    first = {name: seconds * 1e6 for name, seconds in bound.limits.items()}
    first["latency"] = chain(UPDATE_CHAIN, own)

    words = load.neurons / WARP * load.window
    listed = size(collect)
    second = {
        "issue": issue(listed, words / WARP), "latency": chain(COLLECT_CHAIN, listed),
    }  # fmt: skip

    outer, inner = row_instructions(rows)
    turns = math.ceil(load.row / load.pieces / WARP)
    warps = load.spikes * load.pieces
    search = math.log2(load.group) * inner
    each = size(rows) - outer + turns * (outer + search)
    third = {
        "issue": issue(each, warps),
        "DRAM": load.events * load.synapse_bytes / (gpu.bandwidth * 1e3),
        "atomics": load.events * SECTOR / (assumed.l2_bandwidth * gpu.multiprocessors) / per_us,
        # A piece's loads are asked for together.
        "latency": chain(ROWS_CHAIN, each),
    }
    names = (update.subject.name, collect.name, rows.name)
    return [
        Part(name, assumed.start, limits)
        for name, limits in zip(names, (first, second, third), strict=True)
    ]


def real_time_factor(parts: list[Part], load: Load) -> float:
    """Return the predicted wall-clock time over model time."""
    return sum(part.time for part in parts) / (load.window * load.dt * 1e3)


def size(subject: Subject) -> int:
    """Return the instructions of a kernel."""
    return sum(len(subject.code.block(b)) for b in subject.code.graph.reachable)


def row_instructions(subject: Subject) -> tuple[float, float]:
    """Return instructions of a row kernel's inner loop: for 32 synapses, and for a step of the
    search for their segment.
    """
    code, graph = subject.code, subject.code.graph

    def count(blocks: frozenset[int], opcodes: tuple[str, ...]) -> int:
        return sum(i.opcode in opcodes for b in blocks for i in code.block(b))

    sums = ("RED", "REDG")
    # The compiler keeps a loop without a search for rows of which each warp takes one segment.
    search = [o for o in graph.loops if count(o.body, ("SHFL",)) and not count(o.body, sums)]
    loop = min(
        (o for o in graph.loops if count(o.body, sums) and any(s.body < o.body for s in search)),
        key=lambda o: len(o.body),
    )
    inside = [s for s in search if s.body < loop.body]
    nested = frozenset().union(*(s.body for s in inside))
    own = sum(len(code.block(b)) for b in loop.body - nested) / count(loop.body, sums)
    return own, sum(len(code.block(b)) for b in nested) / len(inside)
