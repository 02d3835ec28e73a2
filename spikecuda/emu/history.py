"""Race mode between streams: which operations touched what, and which of them are ordered.

Every operation (a kernel, a copy, a fill, an access of the host) has a vector clock: for each lane
(a stream, a branch of a graph, the host), the number of its operations that come before.  Two
operations that touch one byte, one of them writing, must be ordered: the later one's clock must
count the earlier one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .errors import StreamRace
from .translate.context import ATOMIC, READ, WRITE

Clock = dict[int, int]
_lanes = itertools.count(1)


@dataclass
class Lane:
    """Something whose operations come one after another.

    Attributes:
        number: of all lanes.
        count: operations so far.
    """

    number: int = field(default_factory=lambda: next(_lanes))
    count: int = 0


@dataclass
class Access:
    """Bytes that an operation touched.

    Attributes:
        start, end: addresses; ``end`` is the first one behind.
        kind: how, for all bytes: READ, WRITE or both, or ATOMIC; or
        touched: a map with such bits for each byte.
    """

    start: int
    end: int
    kind: int = 0
    touched: np.ndarray | None = None

    def part(self, start: int, end: int) -> np.ndarray | int:
        """Return the bits of the bytes in [start, end)."""
        if self.touched is None:
            return self.kind
        return self.touched[start - self.start : end - self.start]


@dataclass
class Operation:
    """One piece of work.

    Attributes:
        name: what it is, for messages.
        where: stream or host, for messages.
        lane, stamp: its lane, and which of the lane's operations it is, from 1.
        clock: what comes before it, itself included.
        accesses: what it touches; a kernel's are known once it has run.
    """

    name: str
    where: str
    lane: int
    stamp: int
    clock: Clock
    accesses: list[Access] = field(default_factory=list)

    def after(self, other: Operation) -> bool:
        """Whether another operation comes before this one."""
        return self.clock.get(other.lane, 0) >= other.stamp


def merge(clock: Clock, other: Clock) -> None:
    """Let everything that one clock counts come before another one, too."""
    for lane, count in other.items():
        if clock.get(lane, 0) < count:
            clock[lane] = count


class History:
    """The operations of a device, or of several, that another one may still race with.

    Args:
        describe: says in words what lies at an address.
    """

    def __init__(self, describe: Callable[[int], str]) -> None:
        self._describe = describe
        self._done: list[Operation] = []

    def add(self, operation: Operation) -> None:
        """Note an operation that has run.

        Raises:
            StreamRace: it touches what an earlier one touches, and nothing orders the two.
        """
        for earlier in self._done:
            if operation.after(earlier):
                continue
            at = conflict(earlier.accesses, operation.accesses)
            if at is not None:
                first = f"{earlier.name} in {earlier.where}"
                second = f"{operation.name} in {operation.where}"
                raise StreamRace(first, second, at, self._describe(at))
        if operation.accesses:
            self._done.append(operation)

    def take(self, other: History) -> None:
        """Take over what another one has noted: of devices that are peers from now on."""
        self._done += other._done

    def drop(self, start: int, end: int) -> None:
        """Forget what touched the addresses in [start, end), which are memory no longer."""
        for operation in self._done:
            operation.accesses = [a for a in operation.accesses if a.end <= start or a.start >= end]

    def forget(self, known: Clock) -> None:
        """Drop what comes before all that will be asked for; nothing else may be waiting to run.

        Args:
            known: clock of the host, which later operations start from.
        """
        self._done = [o for o in self._done if known.get(o.lane, 0) < o.stamp]


def conflict(first: list[Access], second: list[Access]) -> int | None:
    """Return the address of a byte that both touch and one writes, or None."""
    for a in first:
        for b in second:
            start, end = max(a.start, b.start), min(a.end, b.end)
            if start >= end:
                continue
            x, y = a.part(start, end), b.part(start, end)
            clash = np.asarray(
                ((x & WRITE) != 0) & (y != 0)
                | ((y & WRITE) != 0) & (x != 0)
                | ((x & ATOMIC) != 0) & ((y & READ) != 0)
                | ((y & ATOMIC) != 0) & ((x & READ) != 0)
            )
            if clash.any():
                return start + (int(np.argmax(clash)) if clash.ndim else 0)
    return None
