"""The time of a window in which synapses learn on a GPU, predicted like ``window``'s.

Never a measurement.  To the update, the list of spikes and the delivery of static rows, learning
adds two kernels to a window, keep and learn, and now and then a sweep of all weights.
``docs/networks-on-gpus.md`` states the model.
"""

from dataclasses import dataclass

from spikecuda.inspection.gpus import GPU
from spikecuda.inspection.mix import Profile, global_accesses
from spikecuda.inspection.predict import WARP
from spikecuda.inspection.subject import Subject
from spikecuda.inspection.window import (
    SCHEDULERS,
    SECTOR,
    Assumptions,
    Load,
    Part,
    size,
    window_parts,
)

# Loads that wait for one another in the learning of a row: in the L2 cache, in memory.
LEARN_CHAIN = (4, 5)
# For a spike that is kept: the line's last entry, what moves, the entry that tells that it is full.
KEEP_CHAIN = 3


@dataclass(frozen=True)
class Learners:
    """What learns in a network.

    Attributes:
        synapses: that learn.
        events: their events in a window, on average.
        kept: how often 32 neurons are in a history, sources and targets.
        most: the most spikes of 32 neurons in a window, as expected.
        synapse_bytes: that an event moves to and from memory: target, weight twice, its unit.
        line_sectors: of the L2 cache that a target's line takes.
        sweep: ms from one sweep to the next.
    """

    synapses: float
    events: float
    kept: int
    most: float
    synapse_bytes: float
    line_sectors: int
    sweep: float


@dataclass(frozen=True)
class LearningKernels:
    """The kernels of a window, compiled for the GPU's compute capability.

    Attributes:
        update, collect, rows: as for ``window_parts``.
        keep, learn, sweep: of the rule.
    """

    update: Profile
    collect: Subject
    rows: Subject
    keep: Subject
    learn: Subject
    sweep: Subject


def learning_parts(
    kernels: LearningKernels, gpu: GPU, load: Load, learners: Learners, assumed: Assumptions
) -> list[Part]:
    """Return the kernels of a window, each with what limits it; the last is a window's share of
    sweeps.

    Args:
        kernels: of the window.
        gpu: published figures.
        load: the network; its events are those of static synapses.
        learners: what learns.
        assumed: the rest.
    """
    per_us, lanes = gpu.clock, SCHEDULERS * gpu.multiprocessors

    def chain(l2: float, memory: float, instructions: float) -> float:
        cycles = l2 * assumed.l2 + memory * assumed.memory + instructions * assumed.issue
        return cycles / per_us

    def issue(instructions: float, warps: float) -> float:
        return instructions * warps / lanes / per_us

    def moved(synapses: float, turn: float) -> dict[str, float]:
        """Return what so many synapses ask for."""
        sectors = SECTOR * (1 + learners.line_sectors) + learners.synapse_bytes
        return {
            "issue": issue(turn, synapses / WARP),
            "DRAM": synapses * learners.synapse_bytes / (gpu.bandwidth * 1e3),
            "L2": synapses * sectors / (assumed.l2_bandwidth * gpu.multiprocessors) / per_us,
        }

    # A step of a window without a spike, and all that a spike asks for.
    step, spike = smallest_loop(kernels.keep), size(kernels.keep)
    own = load.window * step + learners.most * spike
    keep = {
        "issue": issue(own, learners.kept),
        "latency": chain(load.window + learners.most * KEEP_CHAIN, 0, own),
    }
    turn = turn_instructions(kernels.learn)
    learn = moved(learners.events, turn)
    learn["latency"] = chain(*LEARN_CHAIN, 2 * turn)
    # All synapses are looked at; two launches for each graph of up to 64 steps, most do nothing.
    swept = moved(learners.synapses, smallest_loop(kernels.sweep, synapses=True))
    windows = max(1, 64 // load.window)
    share = load.window * load.dt / learners.sweep
    sweep = {name: limit * share for name, limit in swept.items()}
    return [
        *window_parts(kernels.update, kernels.collect, kernels.rows, gpu, load, assumed),
        Part(kernels.keep.name, assumed.start, keep),
        Part(kernels.learn.name, assumed.start, learn),
        Part(kernels.sweep.name, 2 * assumed.start / windows, sweep),
    ]


def turn_instructions(learn: Subject) -> int:
    """Return the instructions of a warp for 32 events, all paths of the kernel taken once."""
    code = learn.code
    # What cannot be used is noted by atomics, too, but elsewhere.
    sums = [
        a.instruction for a in global_accesses(learn)
        if a.kind == "atomic" and a.arrays == {"_cells"}
    ]  # fmt: skip
    return min(
        sum(len(code.block(b)) for b in loop.body) for loop in code.graph.loops
        if any(i in sums for b in loop.body for i in code.block(b))
    )  # fmt: skip


def smallest_loop(subject: Subject, synapses: bool = False) -> int:
    """Return the instructions of a kernel's outermost loop that are in no inner one.

    Args:
        synapses: those of the smallest loop with inner loops instead, these included: a sweep's
            loop over synapses.
    """
    code, loops = subject.code, subject.code.graph.loops

    def inner(body: frozenset[int]) -> frozenset[int]:
        return frozenset().union(*(other.body for other in loops if other.body < body))

    if synapses:
        body = min((o.body for o in loops if inner(o.body)), key=len)
        return sum(len(code.block(b)) for b in body)
    body = max((o.body for o in loops), key=len)
    return sum(len(code.block(b)) for b in body - inner(body))
