"""What every device can do: hold buffers, build kernels, launch them, replay launches."""

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikecuda.errors import OutOfMemoryError, SpikecudaError
from spikecuda.kernels.routines import Spec


@dataclass(eq=False)
class Buffer:
    """A named, flat array in a device's memory.

    Attributes:
        name: what the buffer holds, as shown in metrics.
        dtype: NumPy type of an element.
        size: number of elements.
        data: the device's own handle.
    """

    name: str
    dtype: np.dtype
    size: int
    data: Any

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.size * self.dtype.itemsize


@dataclass(eq=False)
class Kernel:
    """A kernel built for a device."""

    spec: Any
    function: Any
    compile_seconds: float
    needs_cleared_bits: bool = False
    resources: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class MemoryFigures:
    """Memory of a device's pool, in bytes.

    Attributes:
        in_use: held by buffers now.
        peak: the most that buffers held at once.
        reserved: taken from the system by the pool, cached memory included.
        available: how much more can be allocated.
    """

    in_use: int
    peak: int
    reserved: int
    available: int


class Event(ABC):
    """A point in a stream's work."""

    @abstractmethod
    def synchronize(self) -> None:
        """Wait until the work before it is done."""

    @abstractmethod
    def seconds_until(self, later: "Event") -> float:
        """Return the device's time between two events, in seconds; both must be done."""


class Stream(ABC):
    """A queue of work; what is put in one stream runs in order."""

    @abstractmethod
    def record(self) -> Event:
        """Return an event after the work that is in the stream now."""

    @abstractmethod
    def wait(self, event: Event) -> None:
        """Let later work in this stream wait for an event of any stream."""

    @abstractmethod
    def synchronize(self) -> None:
        """Wait until the stream's work is done."""


class Graph(ABC):
    """Captured launches, replayed with one call.

    Attributes:
        nodes: number of launches in it.
    """

    nodes: int

    @abstractmethod
    def replay(self) -> None:
        """Launch everything again, with the arguments of the capture."""

    @abstractmethod
    def close(self) -> None:
        """Give the graph back."""


class Device(ABC):
    """A place where kernels run.  All sizes are in bytes, all times in seconds.

    Attributes:
        name: such as "cpu" or "cuda:0".
        description: the hardware, in words.
        stream: where work goes if no stream is named.
        launches: kernel launches so far, graph nodes included.
        speed: relative to one CPU core, for sharing out neurons.
        threads: threads of the host that work for the device.
        home: whose memory it takes: "host", or the device's own name.
        window_bytes: how large a window's spike bits may be; more would not be faster.
        resident_threads: how many threads of a kernel can be at work at once.
        block: threads of a block, on devices that have blocks.
    """

    name: str = ""
    description: str = ""
    stream: Stream
    speed: float = 1.0
    threads: int = 1
    home: str = "host"
    window_bytes: int = 4 << 20
    resident_threads: int = 1024
    block: int = 32

    def __init__(self) -> None:
        self.buffers: list[Buffer] = []
        self.kernels: dict[Spec, Kernel] = {}
        self.compile_seconds = 0.0
        self.launches = 0
        self._peak = 0

    def allocate(self, name: str, size: int, dtype: Any) -> Buffer:
        """Return a new zeroed buffer.

        Raises:
            OutOfMemoryError: it does not fit; nothing is allocated.
        """
        dtype = np.dtype(dtype)
        self.require(size * dtype.itemsize, name)
        buffer = Buffer(name, dtype, size, self._allocate(size, dtype))
        self.buffers.append(buffer)
        self._peak = max(self._peak, self._in_use())
        return buffer

    def free(self, buffer: Buffer) -> None:
        """Give a buffer back; freeing it twice does nothing."""
        if buffer in self.buffers:
            self.buffers.remove(buffer)
            try:
                self._free(buffer)
            finally:
                buffer.data = None

    def require(self, size: int, what: str) -> None:
        """Raise OutOfMemoryError unless ``size`` more bytes fit."""
        available = self.available_memory()
        if size > available:
            raise OutOfMemoryError(
                f"{what} needs {human(size)} on {self.name} (available: {human(available)}); use "
                'fewer neurons, shorter runs between reads, or precision="float16"'
            )

    def kernel(self, spec: Spec) -> Kernel:
        """Return the kernel of a spec, building it at its first use."""
        if spec not in self.kernels:
            start = time.perf_counter()
            kernel = self._build(spec)
            kernel.compile_seconds = time.perf_counter() - start
            self.compile_seconds += kernel.compile_seconds
            self.kernels[spec] = kernel
        return self.kernels[spec]

    def build_host_loops(self) -> None:
        """Compile what drains, draws and checks on the host, and count the time as compile time."""
        from spikecuda.kernels.render import load_host

        start = time.perf_counter()
        for name in ("spikes", "draw", "finite"):
            load_host(name)
        self.compile_seconds += time.perf_counter() - start

    def together(self, jobs: Sequence[Callable[[], Any]]) -> list[Any]:
        """Call functions of the host, side by side if the device has threads for it.

        Returns:
            Their results; the first error is raised once all of them have ended.
        """
        return [job() for job in jobs]

    def held(self) -> dict[str, int]:
        """Return the bytes held, by name of buffer."""
        result: dict[str, int] = {}
        for buffer in self.buffers:
            result[buffer.name] = result.get(buffer.name, 0) + buffer.nbytes
        return result

    def memory(self) -> MemoryFigures:
        """Return the figures of the device's memory."""
        used = self._in_use()
        return MemoryFigures(used, self._peak, self._reserved(used), self.available_memory())

    def close(self) -> None:
        """Give everything back, also if giving back a part of it fails."""
        with contextlib.ExitStack() as stack:
            stack.callback(self.kernels.clear)
            for buffer in list(self.buffers):
                stack.callback(self.free, buffer)

    def _in_use(self) -> int:
        return sum(buffer.nbytes for buffer in self.buffers)

    def _reserved(self, used: int) -> int:
        """Return what the pool took from the system; without a pool, what is in use."""
        return used

    @abstractmethod
    def write(self, buffer: Buffer, values: np.ndarray) -> None:
        """Copy host values to the start of a buffer; the types agree."""

    @abstractmethod
    def read(self, buffer: Buffer, size: int | None = None) -> np.ndarray:
        """Return the first ``size`` elements: valid until the next launch, not to be written."""

    @abstractmethod
    def clear(self, buffer: Buffer) -> None:
        """Set a buffer to zero; can be captured."""

    @abstractmethod
    def launch(
        self, kernel: Kernel, arguments: Sequence[Any], batches: Sequence[tuple[int, int]]
    ) -> None:
        """Run a kernel over ranges of neurons; can be captured.

        Args:
            kernel: what ``kernel`` returned.
            arguments: buffers and scalars in the order of ``spec.arguments``; ``_first`` and
                ``_last`` are set from each range.
            batches: (first, last) ranges, each starting at a multiple of 32.
        """

    @abstractmethod
    def advance(self, clock: Buffer, steps: int) -> None:
        """Add ``steps`` to a step counter on the device, in stream order; can be captured."""

    @abstractmethod
    def capture(self, work: Callable[[], None]) -> Graph:
        """Return what ``work`` launches as a graph, without running it."""

    @abstractmethod
    def new_stream(self) -> Stream:
        """Return another stream."""

    @abstractmethod
    def synchronize(self) -> None:
        """Wait until all work is done."""

    @abstractmethod
    def available_memory(self) -> int:
        """Return how many more bytes can be allocated."""

    @abstractmethod
    def preferred_batch(self, count: int) -> int:
        """Return how many neurons a launch should cover."""

    @abstractmethod
    def _build(self, spec: Spec) -> Kernel:
        """Return a new kernel."""

    @abstractmethod
    def _allocate(self, size: int, dtype: np.dtype) -> Any:
        """Return a device's own handle of zeroed memory."""

    @abstractmethod
    def _free(self, buffer: Buffer) -> None:
        """Give a handle back."""


class ImmediateDevice(Device):
    """A device whose work is done when it is asked for: the CPU and the emulated ones."""

    def __init__(self) -> None:
        super().__init__()
        self.stream: Stream = ImmediateStream()
        self._nodes: list[Callable[[], None]] | None = None

    def launch(
        self, kernel: Kernel, arguments: Sequence[Any], batches: Sequence[tuple[int, int]]
    ) -> None:
        """Run a kernel over ranges of neurons; can be captured."""
        for node in self._prepare(kernel, arguments, batches):
            self._submit(node)

    def clear(self, buffer: Buffer) -> None:
        """Set a buffer to zero; can be captured."""
        self._submit(lambda: self._zero(buffer))

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
            return ImmediateGraph(self, self._nodes)
        finally:
            self._nodes = None

    def new_stream(self) -> Stream:
        """Return another stream."""
        return ImmediateStream()

    def synchronize(self) -> None:
        """Do nothing: work is done when it is asked for."""

    @staticmethod
    def _ranged(
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

    def _submit(self, node: Callable[[], None]) -> None:
        """Run a piece of work now, or note it for the graph that is being captured."""
        if self._nodes is None:
            self.launches += 1
            node()
        else:
            self._nodes.append(node)

    @abstractmethod
    def _prepare(
        self, kernel: Kernel, arguments: Sequence[Any], batches: Sequence[tuple[int, int]]
    ) -> list[Callable[[], None]]:
        """Return the launches that cover the batches, ready to run any number of times."""

    @abstractmethod
    def _zero(self, buffer: Buffer) -> None:
        """Set a buffer to zero."""

    @abstractmethod
    def _advance(self, clock: Buffer, steps: int) -> Callable[[], None]:
        """Return what adds ``steps`` to a counter."""


class ImmediateEvent(Event):
    """A point in the host's time."""

    def __init__(self) -> None:
        self.time = time.perf_counter()

    def synchronize(self) -> None:
        """Do nothing: the work before it is done."""

    def seconds_until(self, later: Event) -> float:
        """Return the host's time between two events, in seconds."""
        assert isinstance(later, ImmediateEvent)
        return later.time - self.time


class ImmediateStream(Stream):
    """A stream whose work is done when it is put in."""

    def record(self) -> Event:
        """Return an event at this moment."""
        return ImmediateEvent()

    def wait(self, event: Event) -> None:
        """Do nothing: the event's work is done."""

    def synchronize(self) -> None:
        """Do nothing: the stream's work is done."""


class ImmediateGraph(Graph):
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


def human(size: float) -> str:
    """Return a size in the unit that suits it."""
    for unit in ("bytes", "KB", "MB"):
        if abs(size) < 1000:
            return f"{size:.4g} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"
