"""How rows are stored: what a rank's rows take, and what a spike costs to find and to deliver.

Lengths of rows are mean numbers: a source's synapses are thinned at random over ranks and blocks,
so that with a mean of m there is a row with probability 1 - exp(-m).
"""

import math
from dataclasses import dataclass
from typing import Protocol

from spikecuda.network.synapses.row_layout import row_bytes
from spikecuda.plan.load import RowGroup
from spikecuda.plan.machine import Costs, Where

# Of dense rows: a synapse's target; a segment's start and delay, side by side.
TARGET, SEGMENT = 2, 8
# Of short rows: a synapse's word, a source's share of the index, and where its row begins.
WORD, INDEX = 4, 0.25
WIDEST = 2.0**32


@dataclass(frozen=True)
class RowCost:
    """Rows of one group as one of many ranks has them.

    Attributes:
        looks: places where one thread looks for the row of a spike.
        found: which part of them has one.
        rows: rows, or parts of rows in a block, that a thread delivers for a spike.
        segments: of such a row; ``length``: synapses of one.
        heads, pieces, synapses: bytes of a rank: where rows begin, where segments begin and when
            they arrive, and the synapses themselves.
        spread: bytes among which a thread's look-ups are.
        width: bytes of a weight.
    """

    looks: float
    found: float
    rows: float
    segments: float
    length: float
    heads: float
    pieces: float
    synapses: float
    spread: float
    width: int

    @property
    def events(self) -> float:
        """Synapses that a thread delivers for a spike."""
        return self.rows * self.segments * self.length


class Layout(Protocol):
    """A way to store rows.

    Attributes:
        ahead: whether rows are asked for ahead, so that no look-up waits for memory, and threads
            divide the spikes; else each thread looks up all spikes, one after the other.
        calendar: whether spikes wait in a calendar, which has room for all neurons of the network.
        ring: whether the accumulator has a slot for each step up to the longest delay.
    """

    ahead: bool
    calendar: bool
    ring: bool

    def cost(
        self, rows: RowGroup, sources: float, ranks: int, threads: int, blocks: int,
        longer: float = 1.0,
    ) -> RowCost:  # fmt: skip
        """Return what the rows of a group take.

        Args:
            rows: which.
            sources: neurons that send.
            ranks: how many; ``threads``: of a rank; ``blocks``: of a thread.
            longer: all rows are so many times longer.
        """

    def seconds(self, cost: RowCost, costs: Costs, where: Where, single: bool) -> float:
        """Return the seconds in which a thread delivers what one spike sends it.

        Args:
            cost: of its rows.
            costs: of a core.
            where: which parts of the rows are in caches.
            single: whether the rank has one block.
        """


class Dense:
    """Each block has a table of all sources; decisions 10 and 43, bytes as ``Rows.heads`` has."""

    ahead, calendar, ring = False, True, False

    def cost(
        self, rows: RowGroup, sources: float, ranks: int, threads: int, blocks: int,
        longer: float = 1.0,
    ) -> RowCost:  # fmt: skip
        """See ``Layout``."""
        length = longer * rows.synapses / sources / (ranks * threads * blocks)
        segments, present = rows.segments(length), -math.expm1(-length)
        table = 4.0 * sources
        pieces = SEGMENT * sources * segments * threads * blocks
        return RowCost(
            looks=blocks, found=present, rows=blocks * present,
            segments=segments / present if present else 0.0,
            length=length / segments if segments else 0.0, heads=table * threads * blocks,
            pieces=pieces, synapses=(TARGET + rows.weight_bytes) * rows.synapses / ranks,
            spread=table * blocks + pieces / threads, width=rows.weight_bytes,
        )  # fmt: skip

    def seconds(self, cost: RowCost, costs: Costs, where: Where, single: bool) -> float:
        """See ``Layout``."""
        return cost.rows * costs.row(cost.segments, cost.length, cost.width, where)


class Short:
    """A rank has one row for each source with synapses there, and each synapse has its delay.

    Bytes as in ``synapses/short_rows``.  Threads divide the spikes.  What a synapse sends to
    another block is written to a list of that block and added from there.
    """

    ahead, calendar, ring = True, False, True

    def cost(
        self, rows: RowGroup, sources: float, ranks: int, threads: int, blocks: int,
        longer: float = 1.0,
    ) -> RowCost:  # fmt: skip
        """See ``Layout``."""
        length = longer * rows.synapses / sources / ranks
        present = -math.expm1(-length)
        start = 4.0 if rows.synapses / ranks < WIDEST else 8.0
        heads = sources * (INDEX + start * present)
        return RowCost(
            looks=1.0 / threads, found=present, rows=present / threads, segments=1.0,
            length=length / present if present else 0.0, heads=heads, pieces=0.0,
            synapses=(WORD + rows.weight_bytes) * rows.synapses / ranks, spread=heads,
            width=rows.weight_bytes,
        )  # fmt: skip

    def seconds(self, cost: RowCost, costs: Costs, where: Where, single: bool) -> float:
        """See ``Layout``."""
        row, event, spread = costs.short
        return cost.rows * row + cost.events * (event if single else spread)


def chosen(rows: RowGroup, sources: float, ranks: int, threads: int, blocks: int) -> Layout:
    """Return the layout that a build takes: short on several ranks where it has fewer bytes."""
    own = rows.synapses / ranks
    dense, short = row_bytes(own, max(1, round(sources)), threads * blocks, rows.usual)
    return LAYOUTS["short" if ranks > 1 and short < dense else "dense"]


LAYOUTS: dict[str, Layout] = {"dense": Dense(), "short": Short()}
