"""How often each basic block of a step loop runs in one iteration, as seen by a warp.

A block on every way through the iteration runs once.  The blocks that a branch may skip are told
apart by what they hold:

- refill: the Philox generator.  One call gives the words of four steps: 1/4.
- levels: the loop over the levels of a Poisson distribution: levels / (levels per pass).  What the
  compiler split off for a remainder counts nothing, be it a loop of its own.
- slow path: a call of a linked subroutine (square root of a tiny or huge number): nothing.
- store: a store behind a branch that one lane of the warp takes: once.
- spike: anything else: 1 - (1 - p)^32, the probability that one of 32 neurons spikes.

Dropping what may not run keeps the sum a lower bound.
"""

from dataclasses import dataclass, field

from spikecuda.inspection.flow import Loop
from spikecuda.inspection.origins import GLOBAL_STORES
from spikecuda.inspection.sass import Code, InspectionError

WARP = 32
STEPS_PER_DRAW = 4
# The multipliers of Philox4x32 as nvdisasm prints them, signed and unsigned.
PHILOX = ("-0x2daee0ad", "-0x326172a9", "0xd2511f53", "0xcd9e8d57")


@dataclass
class Weights:
    """The result for one loop.

    Attributes:
        runs: executions of each block of the loop in one iteration.
        branches: for each branch that may skip blocks: its address, what it skips, how often
            that runs.
    """

    runs: dict[int, float]
    branches: list[tuple[int, str, float]] = field(default_factory=list)


def draws(code: Code, blocks: frozenset[int] | set[int]) -> bool:
    """Tell whether some of the blocks hold the random generator."""
    return any(o in PHILOX for b in blocks for i in code.block(b) for o in i.operands)


def weigh(
    code: Code, loop: Loop, levels: dict[int, int], spike: float, poisson_levels: float
) -> Weights:
    """Return how often the blocks of a step loop run.

    Args:
        code: the kernel.
        loop: the step loop.
        levels: number of loads from tables of Poisson levels in each block.
        spike: probability that a neuron spikes in an iteration.
        poisson_levels: levels that the table of a Poisson input has.

    Raises:
        InspectionError: a branch between two ways of which neither is known.
    """
    graph = code.graph
    inner = {other.header: other for other in graph.loops if other.body < loop.body}
    widest = max(inner, key=lambda h: _loads(inner[h], levels), default=-1)
    result = Weights(dict.fromkeys(loop.body, 0.0))
    always = {
        b for b in loop.body
        if all(b in graph.dominators[latch] for latch in loop.latches)
        and not any(b in other.body for other in inner.values())
    }  # fmt: skip
    incoming = dict.fromkeys(loop.body, 0.0)
    incoming[loop.header] = 1.0
    for block in (b for b in graph.order if b in loop.body):
        runs = 1.0 if block in always else incoming[block]
        if block in inner:
            loads = _loads(inner[block], levels)
            runs *= poisson_levels / loads if loads else 1.0
        result.runs[block] = runs
        for to, share in _shares(code, loop, widest, levels, block, spike, result).items():
            incoming[to] += runs * share
    return result


def _loads(loop: Loop, levels: dict[int, int]) -> int:
    """Return how many levels a pass of a loop takes."""
    return sum(levels.get(b, 0) for b in loop.body)


def _shares(
    code: Code,
    loop: Loop,
    widest: int,
    levels: dict[int, int],
    block: int,
    spike: float,
    result: Weights,
) -> dict[int, float]:
    """Return which share of a block's executions goes on to each forward successor."""
    graph = code.graph
    ways = [
        s for s in graph.successors[block]
        if s in loop.body and s not in graph.dominators[block]
    ]  # fmt: skip
    if len(ways) < 2:
        return dict.fromkeys(ways, 1.0)
    joins = [w for w in ways if w in graph.postdominators[block]]
    known: dict[int, tuple[str, float]] = {}
    for way in ways:
        if way not in joins:
            region = {b for b in loop.body if way in graph.dominators[b]}
            known[way] = _kind(code, region, widest, levels, spike)
    if not joins:
        rare = [w for w in ways if known[w][1] == 0.0]
        if not rare:
            raise InspectionError(
                f"{code.name}: {code.block(block)[-1]}: neither way is known to be rare; extend "
                "weights.py"
            )
        known.update({w: ("", 1.0) for w in ways if w not in rare})
    if result.runs[block]:
        address = code.block(block)[-1].address
        result.branches += [(address, kind, share) for kind, share in known.values() if kind]
    shares = {way: share for way, (_, share) in known.items()}
    if joins:
        shares[joins[0]] = 1.0 - min(1.0, sum(shares.values()))
    return shares


def _kind(
    code: Code, region: set[int], widest: int, levels: dict[int, int], spike: float
) -> tuple[str, float]:
    """Return what a region that may be skipped is, and how often it runs."""
    instructions = [i for b in region for i in code.block(b)]
    if draws(code, region):
        return "refill", 1.0 / STEPS_PER_DRAW
    if widest in region:
        return "levels", 1.0
    if any(code.callees(b) for b in region):
        return "slow path", 0.0
    if any(levels.get(b) for b in region):
        return "levels", 0.0
    if any(i.opcode in GLOBAL_STORES for i in instructions):
        return "store", 1.0
    return "spike", 1.0 - (1.0 - spike) ** WARP
