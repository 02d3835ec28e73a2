"""The profile of a kernel: instructions by pipe and bytes, per step and once a launch."""

import functools
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from spikecuda.inspection import origins, ptx, strides
from spikecuda.inspection.flow import Loop
from spikecuda.inspection.pipes import PIPES, pipe
from spikecuda.inspection.sass import InspectionError
from spikecuda.inspection.subject import Subject, per_step
from spikecuda.inspection.weights import Weights, draws, weigh
from spikecuda.kernels.spec import SPIKE_BITS

LEVEL_TABLES = ("_survival", "_reciprocals")
SPIKE_RATE, STEP = 10.0, 0.1  # Hz, ms
POISSON_LEVELS = 8.0

Counts = dict[str, float]


@dataclass(frozen=True)
class StepLoop:
    """A loop over time steps.

    Attributes:
        loop: its blocks.
        steps: time steps in one iteration: the ballots in it.
        per_step: warp instructions by pipe for one step.
        static: instructions in the loop's blocks for one step, each counted once.
        weights: how often its blocks run.
    """

    loop: Loop
    steps: int
    per_step: Counts
    static: float
    weights: Weights


@dataclass(frozen=True)
class Profile:
    """What a kernel issues and moves.

    Attributes:
        subject: the kernel.
        main: the loop that runs most of the steps of a long window.
        single: the loop that runs a step by itself.
        once: warp instructions by pipe outside the loops, on every way through the kernel.
        launch_bytes: bytes of global memory per neuron that a launch moves once, load and store.
        step_bytes: the same for every step.
        widths: number of accesses by (kind, bytes, in a loop).
    """

    subject: Subject
    main: StepLoop
    single: StepLoop
    once: Counts
    launch_bytes: dict[str, float]
    step_bytes: dict[str, float]
    widths: dict[tuple[str, int, bool], int]

    @property
    def instructions(self) -> float:
        """Warp instructions for a step of the main loop."""
        return sum(self.main.per_step.values())


@functools.lru_cache(maxsize=512)
def global_accesses(subject: Subject) -> tuple[origins.Access, ...]:
    """Return the accesses of the machine code to global memory."""
    return tuple(origins.accesses(subject.code, subject.pointer_offsets))


@functools.lru_cache(maxsize=512)
def ptx_accesses(subject: Subject) -> tuple[tuple[strides.Access, bool], ...]:
    """Return the accesses of the PTX to global memory, and whether each is in a loop."""
    kernel = ptx.parse(subject.ptx)
    looping = kernel.graph.looping()
    return tuple((a, a.block in looping) for a in strides.accesses(kernel))


def profile(
    subject: Subject,
    rate: float = SPIKE_RATE,
    dt: float = STEP,
    poisson_levels: float = POISSON_LEVELS,
) -> Profile:
    """Return a kernel's profile.

    Args:
        subject: the kernel.
        rate: spikes of a neuron, Hz; weighs what runs only when a neuron spikes.
        dt: length of a step, ms.
        poisson_levels: levels in the table of each Poisson input.

    Raises:
        InspectionError: no step loop, or code that the model does not cover.
    """
    code, graph = subject.code, subject.code.graph
    levels = Counter(
        a.block for a in global_accesses(subject)
        if a.kind == "load" and any(n.startswith(LEVEL_TABLES) for n in a.arrays)
    )  # fmt: skip
    loops = []
    ballots = {loop: _ballots(subject, loop) for loop in graph.loops}
    stepping = [loop for loop, steps in ballots.items() if steps]
    for loop in stepping:
        # A loop around loops over steps goes from one flush of tiny states to the next.
        around = any(other.body < loop.body for other in stepping)
        if around or draws(code, loop.body) != subject.random:
            continue
        steps = ballots[loop]
        weights = weigh(code, loop, dict(levels), rate * dt * 1e-3 * steps, poisson_levels)
        per_step = dict.fromkeys(PIPES, 0.0)
        for block, runs in weights.runs.items():
            for instruction in code.block(block):
                per_step[pipe(instruction)] += runs / steps
        static = sum(len(code.block(b)) for b in loop.body) / steps
        loops.append(StepLoop(loop, steps, per_step, static, weights))
    if not loops:
        raise InspectionError(f"{subject.name}: no loop with a ballot of spikes (got none)")
    # Of loops with as many steps all but one are versions for input that is not there.
    loops.sort(key=lambda found: (-found.steps, found.static), reverse=True)
    single, main = loops[0], max(loops, key=lambda found: (found.steps, found.static))
    once = dict.fromkeys(PIPES, 0.0)
    looping = graph.looping()
    for block in graph.reachable - looping:
        header = main.loop.header
        if block in graph.dominators[header] or block in graph.postdominators[header]:
            for instruction in code.block(block):
                once[pipe(instruction)] += 1.0
    launch_bytes, step_bytes = _traffic(subject)
    widths = Counter((a.kind, a.bytes, a.block in looping) for a in global_accesses(subject))
    return Profile(subject, main, single, once, launch_bytes, step_bytes, dict(widths))


def _ballots(subject: Subject, loop: Loop) -> int:
    """Return the ballots in a loop; each step has one, and one store of spike bits."""
    votes = sum(i.opcode == "VOTE" for b in loop.body for i in subject.code.block(b))
    stores = sum(
        a.kind == "store" and a.arrays == {SPIKE_BITS} and a.block in loop.body
        for a in global_accesses(subject)
    )
    if votes != stores:
        raise InspectionError(
            f"{subject.name}: a step has one ballot and one store of spike bits (got {votes} and "
            f"{stores} in the loop at block {loop.header}); extend mix.py"
        )
    return votes


def _traffic(subject: Subject) -> tuple[dict[str, float], dict[str, float]]:
    """Return bytes per neuron once a launch and per step, loads and stores.

    An access to what all neurons share costs a neuron nothing; one with a stride costs it the
    stride, at most the access's width.
    """
    pointers = subject.pointers
    seen: dict[tuple[str, str, bool], Fraction] = {}
    for access, looping in ptx_accesses(subject):
        arrays = sorted(pointers[p] for p in access.pointers if p in pointers)
        if not looping and arrays and all(map(per_step, arrays)):
            continue  # a step that the compiler took out of the loop
        names = ",".join(arrays)
        stride = access.stride if access.stride is not None else Fraction(access.bytes)
        cost = min(abs(stride), Fraction(access.bytes))
        key = (names, access.kind, looping)
        seen[key] = max(seen.get(key, Fraction(0)), cost)
    totals = []
    for wanted in (False, True):
        total = {"load": 0.0, "store": 0.0}
        for (_, kind, looping), cost in seen.items():
            if looping == wanted:
                total["store" if kind == "store" else "load"] += float(cost)
        totals.append(total)
    return totals[0], totals[1]
