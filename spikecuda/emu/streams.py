"""Streams, events and graphs: work waits until something asks for its result.

Work runs as late as it may: when the host synchronises with it, or with work that waits for it.
With a seed, other streams' work runs in between, in an order drawn from the seed.  What is not
ordered by an event therefore goes wrong here in a way that a test can see.  In race mode all work
runs whenever the host waits for any, and two pieces that nothing orders are named (``history``).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ClosedError, SpikecudaValueError
from .errors import LaunchError
from .history import Access, Clock, Lane, Operation, merge

if TYPE_CHECKING:
    from .device import Device

# What a piece of work returns: the bytes that it touched, or None where nobody asks.
Work = Callable[[], "Sequence[Access] | None"]


@dataclass
class _Item:
    """An entry of a stream's queue."""

    work: Work
    operation: Operation | None = None
    always: bool = False  # also after a fault: memory is given back
    gate: tuple[Stream, int] | None = None  # work of another stream that must be done before


class Event:
    """A point in a stream's work."""

    def __init__(self, device: Device | None = None) -> None:
        self.recorded: float | None = None
        self._device = device
        self._stream: Stream | None = None
        self._index = 0
        self._clock: Clock = {}
        self._captured: tuple[Capture, frozenset[int]] | None = None

    def record(self, stream: Stream | None = None) -> None:
        """Come after the work that is in a stream now; without a stream, after all work so far."""
        self.recorded, self._captured = None, None
        if stream is None:
            if self._device is not None:
                self._device.synchronize()
            self._stream, self.recorded = None, time.perf_counter()
            return
        if stream.capture is not None:
            self._captured = (stream.capture, stream.frontier)
            return
        self._stream, self._index = stream, stream.put("event", self._happen, note=False)
        self._clock = dict(stream.clock)

    def _happen(self) -> None:
        self.recorded = time.perf_counter()

    def synchronize(self) -> None:
        """Run the work before it."""
        if self._stream is not None:
            self._stream.run_until(self._index)
            self._stream.device.host_waited(self._clock)

    def query(self) -> bool:
        """Whether the work before it is done."""
        return self._stream is None or self._stream.done >= self._index

    def elapsed_ms(self, later: Event) -> float:
        """Milliseconds of the host's clock between two events whose work is done."""
        if self.recorded is None or later.recorded is None:
            for event in (self, later):
                if event._stream is not None:
                    event._stream.device.host_waited({})  # there may be a race to blame
            raise SpikecudaValueError(
                "both events must be recorded and done (got one that is not); synchronize it"
            )
        return (later.recorded - self.recorded) * 1e3


class Stream:
    """A queue of work that runs in order, when something waits for it.

    Attributes:
        device: where.
        clock: race mode: what comes before the next piece of work.
        capture: the graph that records the work instead, or None.
        frontier: the nodes of that graph which the next one follows.
    """

    def __init__(self, device: Device, name: str) -> None:
        self.device, self.name = device, name
        self.clock: Clock = {}
        self.capture: Capture | None = None
        self.frontier: frozenset[int] = frozenset()
        self.done = 0
        self._lanes = [Lane()]
        self._queue: deque[_Item] = deque()
        self._submitted = 0
        self._running = self._closed = False

    def put(
        self,
        name: str,
        work: Work,
        accesses: Sequence[Access] = (),
        always: bool = False,
        note: bool = True,
    ) -> int:
        """Add work; return its place among the stream's work, from 1.

        Args:
            name: what it is, for messages.
            work: runs it; returns what it touched if that is not known before.
            accesses: what is known before.
            always: whether it also runs after a fault.
            note: whether it touches memory at all.
        """
        if self._closed:
            raise ClosedError(f"{self.name} of {self.device.name} is closed; make a new one")
        if self.capture is not None:
            if note:
                self.frontier = frozenset([self.capture.add(name, work, accesses, self.frontier)])
            return 0
        operation = None
        if note and self.device.history is not None:
            merge(self.clock, self.device.host_clock)
            operation = self._operation(name, self.clock, self._lanes[0], accesses)
        return self._add(_Item(work, operation, always))

    def put_nodes(self, nodes: Sequence[Node]) -> None:
        """Add a graph's nodes, given in an order that its edges allow."""
        if self.device.history is None:
            for node in nodes:
                self._add(_Item(node.work))
            return
        merge(self.clock, self.device.host_clock)
        start, after = dict(self.clock), dict[int, Clock]()
        while len(self._lanes) <= max((node.lane for node in nodes), default=0):
            self._lanes.append(Lane())
        for node in nodes:
            clock = dict(start)
            for number in node.follows:
                merge(clock, after[number])
            operation = self._operation(node.name, clock, self._lanes[node.lane], node.accesses)
            after[node.number] = operation.clock
            self._add(_Item(node.work, operation))
            merge(self.clock, operation.clock)

    def wait(self, event: Event) -> None:
        """Let later work wait for an event; one that was never recorded is no reason to wait."""
        if event._captured is not None:
            self._join(*event._captured)
            return
        if self.capture is not None:
            raise LaunchError(
                f"{self.name} is being captured (got a wait for an event outside of the capture); "
                "record the event in the capture, or wait before it begins"
            )
        source, index = event._stream, event._index
        if source is not None and source is not self:
            merge(self.clock, event._clock)
            self._add(_Item(lambda: None, gate=(source, index)))

    def record(self, event: Event | None = None) -> Event:
        """Record an event, a new one by default."""
        event = event or Event()
        event.record(self)
        return event

    def synchronize(self) -> None:
        """Run what is in the stream."""
        self.run_until(self._submitted)
        self.device.host_waited(self.clock)

    def run_out(self) -> None:
        """Run what is in the stream, without the host knowing of it."""
        self.run_until(self._submitted)

    def run_until(self, index: int) -> None:
        """Run the work up to a place."""
        if self.done < index:
            self.device.stir(self)
        while self.done < index and self._queue:
            self.step()

    def ready(self) -> bool:
        """Whether there is work that could run without waiting for another stream."""
        if not self._queue or self._running:
            return False
        gate = self._queue[0].gate
        return gate is None or gate[0].done >= gate[1]

    def step(self) -> None:
        """Run the next piece of work."""
        item = self._queue.popleft()
        self._running = True
        try:
            if item.gate is not None:
                item.gate[0].run_until(item.gate[1])
            found = item.work()
            if item.operation is not None and self.device.history is not None:
                item.operation.accesses += found or ()
                self.device.history.add(item.operation)
        except BaseException:
            self.device.discard()
            raise
        finally:
            self._running = False
            self.done += 1

    def discard(self) -> None:
        """Drop what is in the stream, as the driver does after a fault; memory is given back."""
        while self._queue:
            item = self._queue.popleft()
            self.done += 1
            if item.always:
                item.work()

    def begin_capture(self) -> None:
        """Let later work be recorded as a graph instead of run."""
        if self.capture is not None:
            raise LaunchError(f"{self.name} is being captured already; end that capture first")
        self.capture, self.frontier = Capture(self), frozenset()

    def end_capture(self) -> Graph:
        """Return the graph of what was put in the stream since ``begin_capture``.

        Raises:
            LaunchError: another stream joined the capture and was not joined again.
        """
        capture = self.capture
        if capture is None or capture.origin is not self:
            raise LaunchError(f"no capture began in {self.name}; call begin_capture first")
        last = self.frontier
        for stream in [self, *capture.joined]:
            stream.capture, stream.frontier = None, frozenset()
        return Graph(self.device, capture.nodes, last)

    def close(self) -> None:
        """Run what is in the stream and end it."""
        self.run_until(self._submitted)
        self._closed = True

    def _join(self, capture: Capture, follows: frozenset[int]) -> None:
        """Take part in a capture, after some of its nodes."""
        if capture.origin.capture is not capture:
            raise LaunchError(
                f"{self.name} must wait for events of a capture while it is going on (got one of a "
                "capture that has ended)"
            )
        if self.capture is None:
            self.capture, self.frontier = capture, frozenset()
            capture.joined.append(self)
        self.frontier |= follows

    def _operation(
        self, name: str, clock: Clock, lane: Lane, accesses: Sequence[Access]
    ) -> Operation:
        lane.count += 1
        clock[lane.number] = lane.count
        return Operation(name, self.name, lane.number, lane.count, dict(clock), list(accesses))

    def _add(self, item: _Item) -> int:
        self._queue.append(item)
        self._submitted += 1
        self.device.busy(self)
        return self._submitted


@dataclass
class Node:
    """One piece of a graph's work.

    Attributes:
        number: its place in the order of the capture.
        name, work, accesses: as in ``Stream.put``.
        follows: numbers of the nodes that come before it.
        lane: which of the graph's chains of nodes it belongs to.
    """

    number: int
    name: str
    work: Work
    accesses: Sequence[Access]
    follows: frozenset[int]
    lane: int


class Capture:
    """A graph that is being recorded.

    Attributes:
        origin: the stream that it began in.
        joined: streams that joined it by waiting for one of its events.
        nodes: what was recorded.
    """

    def __init__(self, origin: Stream) -> None:
        self.origin, self.joined = origin, list[Stream]()
        self.nodes: list[Node] = []
        self._ends: dict[int, int] = {}  # the last node of each chain -> the chain
        self._chains = 0

    def add(
        self, name: str, work: Work, accesses: Sequence[Access], follows: frozenset[int]
    ) -> int:
        """Add a node; return its number."""
        number = len(self.nodes)
        chain = next((self._ends.pop(n) for n in sorted(follows) if n in self._ends), None)
        if chain is None:
            chain = self._chains
            self._chains += 1
        self._ends[number] = chain
        self.nodes.append(Node(number, name, work, tuple(accesses), follows, chain))
        return number


class Graph:
    """Recorded work that can be run again and again, node by node.

    Attributes:
        nodes: its nodes, in the order of the capture.
    """

    def __init__(self, device: Device, nodes: list[Node], last: frozenset[int]) -> None:
        reached, open_ = set[int](), list(last)
        while open_:
            number = open_.pop()
            if number not in reached:
                reached.add(number)
                open_ += nodes[number].follows
        lost = [node.name for node in nodes if node.number not in reached]
        if lost:
            raise LaunchError(
                f"a capture must end where all its work comes together (got {lost[0]!r}, which the "
                "stream that it began in does not wait for); wait for an event after it"
            )
        self.device, self.nodes = device, nodes

    def launch(self, stream: Stream) -> None:
        """Put the graph's work in a stream."""
        stream.put_nodes(self._order())

    def _order(self) -> list[Node]:
        """Return the nodes in an order that the edges allow, drawn from the device's seed."""
        priority: Any = self.device.shuffled(len(self.nodes))
        if not len(priority):
            return self.nodes
        waiting, done, order = list(self.nodes), set[int](), list[Node]()
        while waiting:
            ready = [node for node in waiting if node.follows <= done]
            node = min(ready, key=lambda n: priority[n.number])
            waiting.remove(node)
            done.add(node.number)
            order.append(node)
        return order
