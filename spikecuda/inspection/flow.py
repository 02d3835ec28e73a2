"""Control-flow graphs: dominators and natural loops.

Source: Aho, Lam, Sethi, Ullman (2006) Compilers, 2nd edition, sections 9.6.1 and 9.6.6.  Graphs
here have at most some hundreds of nodes, so sets are plain Python sets and the fixpoints naive.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Edge:
    """Where control may go: ``kind`` is "next" for falling through and "taken" for a jump."""

    to: int
    kind: str


@dataclass(frozen=True)
class Loop:
    """A natural loop: all loops that share a header count as one.

    Attributes:
        header: the block that every way into the loop passes.
        body: blocks of the loop, header included.
        latches: blocks that jump back to the header.
    """

    header: int
    body: frozenset[int]
    latches: frozenset[int]


class Graph:
    """Blocks 0, 1, ... and the edges that leave them; block 0 is the entry.

    Args:
        edges: for each block the edges that leave it.
    """

    def __init__(self, edges: Sequence[Sequence[Edge]]) -> None:
        self.edges = [list(e) for e in edges]
        self.successors = [sorted({e.to for e in out}) for out in self.edges]
        self.order = self._reverse_postorder()
        self.reachable = frozenset(self.order)
        self.predecessors: list[list[int]] = [[] for _ in self.edges]
        for block in self.order:
            for to in self.successors[block]:
                self.predecessors[to].append(block)

    @functools.cached_property
    def dominators(self) -> dict[int, set[int]]:
        """For each reachable block, the blocks on every way from the entry to it, and itself."""
        return _dominators(self.order, self.predecessors, {0})

    @functools.cached_property
    def postdominators(self) -> dict[int, set[int]]:
        """For each reachable block, the blocks on every way from it to an end, and itself."""
        ends = {b for b in self.order if not self.successors[b]}
        return _dominators(self.order[::-1], self.successors, ends)

    @functools.cached_property
    def loops(self) -> list[Loop]:
        """The natural loops, outer before inner."""
        latches: dict[int, set[int]] = {}
        for block in self.order:
            for to in self.successors[block]:
                if to in self.dominators[block]:
                    latches.setdefault(to, set()).add(block)
        found = []
        for header, ends in latches.items():
            body, pending = {header}, list(ends)
            while pending:
                block = pending.pop()
                if block not in body:
                    body.add(block)
                    pending += self.predecessors[block]
            found.append(Loop(header, frozenset(body), frozenset(ends)))
        return sorted(found, key=lambda loop: (-len(loop.body), loop.header))

    def looping(self) -> frozenset[int]:
        """Return the blocks that can be executed more than once: those that can reach themselves.

        Unlike ``loops`` this needs no assumption on how the loop is entered.
        """
        return frozenset(b for b in self.order if b in self._reached_from(self.successors[b]))

    def irreducible(self) -> frozenset[int]:
        """Return looping blocks that belong to no natural loop."""
        covered = {b for loop in self.loops for b in loop.body}
        return self.looping() - covered

    def between(self, block: int) -> set[int]:
        """Return what is executed only on some of the ways out of a block, before they all join."""
        join = self.postdominators[block] - {block}
        stop = set(join)
        return self._reached_from([s for s in self.successors[block] if s not in stop], stop)

    def _reached_from(self, start: Sequence[int], stop: set[int] | None = None) -> set[int]:
        seen: set[int] = set()
        pending = list(start)
        while pending:
            block = pending.pop()
            if block not in seen and not (stop and block in stop):
                seen.add(block)
                pending += self.successors[block]
        return seen

    def _reverse_postorder(self) -> list[int]:
        order: list[int] = []
        seen = {0}
        stack = [(0, iter(self.successors[0]))] if self.edges else []
        while stack:
            block, children = stack[-1]
            for child in children:
                if child not in seen:
                    seen.add(child)
                    stack.append((child, iter(self.successors[child])))
                    break
            else:
                order.append(block)
                stack.pop()
        return order[::-1]


def _dominators(
    order: Sequence[int], sources: Sequence[Sequence[int]], roots: set[int]
) -> dict[int, set[int]]:
    """Return the greatest solution of ``dom(b) = {b} | intersection of dom(sources of b)``."""
    known = set(order)
    result = {b: {b} if b in roots else set(known) for b in order}
    changed = True
    while changed:
        changed = False
        for block in order:
            if block in roots:
                continue
            parts = [result[s] for s in sources[block] if s in known]
            new = {block} | (set.intersection(*parts) if parts else set())
            if new != result[block]:
                result[block] = new
                changed = True
    return result
