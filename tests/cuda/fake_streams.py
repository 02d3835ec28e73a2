"""Fake streams, events and graphs: work waits in its stream until something waits for it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fake_base import Gpu, Object, api

from spikecuda import emu

if TYPE_CHECKING:
    from fake import Fake


class Stream(Object):
    """A queue of work that runs when something waits for it."""

    def __init__(self, fake: Fake, gpu: Gpu) -> None:
        super().__init__(fake, gpu)
        self.emu = gpu.memory.stream()
        self.closed = False
        self.number = 0x5000 + len(gpu.streams)
        gpu.streams[self.number] = self

    def __int__(self) -> int:
        return self.number

    @property
    def handle(self) -> Stream:
        """What driver functions take."""
        return self

    def put(self, name: str, work: Callable[[], Any], accesses: Any = (), **options: Any) -> None:
        """Add work."""
        assert not self.closed, "work for a closed stream"
        self.emu.put(name, work, accesses, **options)

    @api
    def sync(self) -> None:
        """Run what is queued."""
        self.emu.synchronize()
        for pool in self.gpu.pools:
            pool.trim()

    @api
    def record(self, event: Any = None, options: Any = None) -> Event:
        """Return an event, a new one or one moved here."""
        if event is None:
            event = Event(self.fake, self.gpu)
            event.timed = bool(options and options.timing_enabled)
        else:
            assert options is None, "options are for new events"
        event.time = None
        self.put("time", event.happen, note=False)
        self.emu.record(event.emu)
        return event

    @api
    def wait(self, event_or_stream: Any) -> None:
        """Let later work wait for an event, or for what is in another stream now."""
        if isinstance(event_or_stream, Stream):
            self.emu.wait(event_or_stream.emu.record())
        else:
            self.emu.wait(event_or_stream.emu)

    @api
    def close(self) -> None:
        """Finish."""
        self.emu.close()
        self.closed = True


class Event(Object):
    """A point in a stream."""

    def __init__(self, fake: Fake, gpu: Gpu) -> None:
        super().__init__(fake, gpu)
        self.emu = gpu.memory.event()
        self.time: float | None = None
        self.timed = False

    def happen(self) -> None:
        """Note the device's time."""
        self.time = self.fake.tick()

    @api
    def sync(self) -> None:
        """Wait."""
        self.emu.synchronize()

    def __sub__(self, other: Event) -> float:
        if not (self.timed and other.timed):
            raise RuntimeError("Both Events must be created with timing enabled")
        if self.time is None or other.time is None:
            raise RuntimeError("One or both events have not completed")
        return self.time - other.time


class GraphBuilder(Object):
    """Records work instead of queueing it, by the capture of a stream of its own."""

    def __init__(self, fake: Fake, gpu: Gpu, stream: Stream | None = None) -> None:
        super().__init__(fake, gpu)
        self.stream = stream or Stream(fake, gpu)
        self.state = "new" if stream is None else "building"
        self.is_join_required = stream is not None
        self.graph: Any = None

    def put(self, name: str, work: Callable[[], Any], accesses: Any = ()) -> None:
        """Add work."""
        assert self.state == "building"
        self.stream.put(name, work, accesses)

    @api
    def begin_building(self, mode: str = "relaxed") -> GraphBuilder:
        """Start."""
        assert self.state == "new"
        self.stream.emu.begin_capture()
        self.state = "building"
        return self

    @api
    def split(self, count: int) -> tuple[GraphBuilder, ...]:
        """Return this builder and others that go on from here."""
        if count < 2:
            raise ValueError(f"Invalid split count: expecting >= 2, got {count}")
        assert self.state == "building"
        event = self.stream.emu.record()
        others = []
        for _ in range(count - 1):
            stream = Stream(self.fake, self.gpu)
            stream.emu.wait(event)
            others.append(GraphBuilder(self.fake, self.gpu, stream))
        return (self, *others)

    def join(self, *builders: GraphBuilder) -> GraphBuilder:
        """Let the one that was split wait for the others, which end here."""
        self.fake.call("GraphBuilder.join", builders, {}, self)
        if len(builders) < 2:
            raise ValueError("Must join with at least two graph builders")
        root = next(b for b in builders if not b.is_join_required)
        for builder in builders:
            if builder is not root:
                root.stream.emu.wait(builder.stream.emu.record())
                builder.state = "closed"
        return root

    @api
    def end_building(self) -> GraphBuilder:
        """End."""
        assert self.state == "building" and not self.is_join_required
        self.graph = self.stream.emu.end_capture()
        self.state = "ended"
        return self

    @api
    def complete(self, options: Any = None) -> Graph:
        """Return the graph."""
        assert self.state == "ended"
        return Graph(self.fake, self.gpu, self.graph)

    @api
    def close(self) -> None:
        """End what was never ended, too."""
        if self.state == "building" and not self.is_join_required:
            with contextlib.suppress(emu.LaunchError):  # work that was never joined
                self.stream.emu.end_capture()
        self.state = "closed"


class Graph(Object):
    """Work to be queued again and again."""

    def __init__(self, fake: Fake, gpu: Gpu, graph: Any) -> None:
        super().__init__(fake, gpu)
        self.graph = graph

    @api
    def launch(self, stream: Stream) -> None:
        """Queue everything."""
        self.graph.launch(stream.emu)

    @api
    def close(self) -> None:
        """Forget."""
