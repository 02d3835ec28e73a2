"""Devices whose memory is host memory, and whose work is done at once."""

import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spikecuda.common.aligned_memory import aligned_bytes
from spikecuda.common.host_memory import available_memory
from spikecuda.devices.base import Device
from spikecuda.devices.memory import Buffer
from spikecuda.devices.work import Event, Graph, Kernel, Staging, Stream
from spikecuda.errors import SpikecudaError

# Asking the system how much is free takes 0.1 ms, longer than a step of a small pool.
TRIFLE = 1 << 20


class HostMemory:
    """This machine's memory: a source of zeroed blocks."""

    def allocate(self, size: int) -> np.ndarray:
        """Return ``size`` zero bytes at an aligned address."""
        return aligned_bytes(size)

    def release(self, raw: np.ndarray) -> None:
        """Leave it to NumPy."""

    def view(self, raw: np.ndarray, size: int, dtype: np.dtype) -> np.ndarray:
        """Return ``size`` elements at the start of a block."""
        return raw[: size * dtype.itemsize].view(dtype)

    def free(self) -> int:
        """Return the memory that is free on this machine and within its limits."""
        return available_memory()


class HostEvent(Event):
    """A point in the host's time."""

    def __init__(self) -> None:
        self.time = time.perf_counter()

    def synchronize(self) -> None:
        """Do nothing: the work before it is done."""

    def seconds_until(self, later: Event) -> float:
        """Return the host's time between two events, in seconds."""
        assert isinstance(later, HostEvent)
        return later.time - self.time


class HostStream(Stream):
    """A stream whose work is done when it is put in."""

    def record(self, event: Event | None = None) -> Event:
        """Return an event at this moment: a new one, or one moved here."""
        if event is None:
            return HostEvent()
        assert isinstance(event, HostEvent)
        event.time = time.perf_counter()
        return event

    def wait(self, event: Event) -> None:
        """Do nothing: the event's work is done."""

    def synchronize(self) -> None:
        """Do nothing: the stream's work is done."""


class HostGraph(Graph):
    """Prepared launches, run one after the other."""

    def __init__(self, device: Device, nodes: list[Callable[[], None]]) -> None:
        self._device, self._nodes = device, nodes
        self.nodes = len(nodes)

    def replay(self) -> None:
        """Run every node again."""
        self._device.launches += self.nodes
        for node in self._nodes:
            node()

    def close(self) -> None:
        """Forget the nodes."""
        self._nodes = []


class HostMemoryDevice(Device):
    """A device that works on NumPy arrays: the CPU and numba's simulator."""

    shares_host_memory = True
    _fresh_is_zero = True

    def __init__(self) -> None:
        super().__init__(HostMemory(), HostMemory())
        self.stream = self.uploads = self.downloads = HostStream()
        self._nodes: list[Callable[[], None]] | None = None

    def write(self, buffer: Buffer, values: np.ndarray) -> None:
        """Copy host values to the start of a buffer."""
        buffer.data[: values.size] = values

    def read(self, buffer: Buffer, size: int | None = None) -> np.ndarray:
        """Return a view of the first ``size`` elements."""
        return np.asarray(buffer.data[:size])

    def require(self, size: int, what: str) -> None:
        """Raise OutOfMemoryError unless ``size`` more bytes fit."""
        if size > TRIFLE:
            super().require(size, what)

    def upload(self, staging: Staging, size: int) -> None:
        """Do nothing: the host has written the buffer itself."""

    def download(self, staging: Staging, size: int) -> None:
        """Do nothing: the host reads the buffer itself."""

    def launch(
        self, kernel: Kernel, arguments: Sequence[Any], batches: Sequence[tuple[int, int]]
    ) -> None:
        """Run a kernel over ranges of neurons; can be captured."""
        for node in self._prepare(kernel, arguments, batches):
            self._submit(node)

    def clear(self, buffer: Buffer) -> None:
        """Set a buffer to zero; can be captured."""
        data = buffer.data
        self._submit(lambda: data.fill(0), counts=False)

    def advance(self, clock: Buffer, steps: int) -> None:
        """Add ``steps`` to a step counter on the device; can be captured."""
        self._submit(self._advance(clock, steps))

    def capture(self, work: Callable[[], None]) -> Graph:
        """Return what ``work`` launches as a graph, without running it."""
        if self._nodes is not None:
            raise SpikecudaError("a graph is being captured already; end that capture first")
        self._nodes = []
        try:
            work()
            return HostGraph(self, self._nodes)
        finally:
            self._nodes = None

    def _host_view(self, buffer: Buffer) -> np.ndarray:
        return np.asarray(buffer.data)

    def new_stream(self) -> Stream:
        """Return another stream."""
        return HostStream()

    def synchronize(self) -> None:
        """Do nothing: work is done when it is asked for."""

    def _submit(self, node: Callable[[], None], counts: bool = True) -> None:
        """Run a piece of work now, or note it for the graph that is being captured."""
        if self._nodes is None:
            self.launches += counts
            node()
        else:
            self._nodes.append(node)

    @abstractmethod
    def _prepare(
        self, kernel: Kernel, arguments: Sequence[Any], batches: Sequence[tuple[int, int]]
    ) -> list[Callable[[], None]]:
        """Return the launches that cover the batches, ready to run any number of times."""

    @abstractmethod
    def _advance(self, clock: Buffer, steps: int) -> Callable[[], None]:
        """Return what adds ``steps`` to a counter."""


def ranged(
    kernel: Kernel, arguments: Sequence[Any], batches: Sequence[tuple[int, int]]
) -> list[list[Any]]:
    """Return the values of a kernel's arguments for each range of neurons."""
    names = [argument.name for argument in kernel.spec.arguments]
    first_at, last_at = names.index("_first"), names.index("_last")
    values = [a.data if isinstance(a, Buffer) else a for a in arguments]
    result = []
    for first, last in batches:
        values[first_at], values[last_at] = np.int64(first), np.int64(last)
        result.append(list(values))
    return result
