"""What every device can do: hold buffers, build kernels, launch them, replay launches."""

import atexit
import contextlib
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from spikecuda.common.exclusive_use import ExclusiveUse, Unique
from spikecuda.common.host_memory import binding_limit
from spikecuda.common.terminal import human_bytes
from spikecuda.devices.array_interop import GpuArray, StateArray
from spikecuda.devices.memory import Buffer, MemoryFigures, MemoryPool, Source
from spikecuda.devices.work import Graph, Kernel, Staging, Stream
from spikecuda.errors import OutOfMemoryError, SpikecudaValueError
from spikecuda.kernels.routines import Spec
from spikecuda.kernels.spec import KernelSpec, Precision

_open: "weakref.WeakSet[Device]" = weakref.WeakSet()


class Device(Unique, ABC):
    """A place where kernels run.  All sizes are in bytes, all times in seconds.

    Work goes to three streams: launches, clears, reads and writes to ``stream``, uploads and
    downloads of what is streamed to ``uploads`` and ``downloads``.  Memory is given out and taken
    back in the order of ``stream``; work in the other two is ordered by events.

    Args:
        memory: where its buffers come from.
        pinned: where host memory for uploads and downloads comes from.

    Attributes:
        name: such as "cpu" or "cuda:0".
        kind: "cpu", "cuda", "cuda-emu" or "cuda-sim".
        description: the hardware, in words.
        stream, uploads, downloads: where work goes; one and the same where nothing overlaps.
        slots: windows that can be under way at once: 2 where copies and kernels overlap.
        shares_host_memory: whether buffers are NumPy arrays, so that nothing is ever copied.
        pool: its memory.
        pinned: host memory for what is streamed.
        launches: kernel launches so far, graph nodes included.
        speed: relative to one CPU core, for sharing out neurons.
        threads: threads of the host that work for the device.
        home: whose memory it takes: "host", or the device's own name.
        window_bytes: how large the spike bits of the windows under way may be; more would not be
            faster.
        resident_threads: how many threads of a kernel can be at work at once.
        block: threads of a block, on devices that have blocks.
        turn: whose turn it is; pools, systems and networks take it for as long as they run.
        closed: whether it was closed.
        stays: why it cannot be used in a process forked from this one; empty if it can.
    """

    name: str = ""
    kind: str = ""
    description: str = ""
    stream: Stream
    uploads: Stream
    downloads: Stream
    speed: float = 1.0
    threads: int = 1
    home: str = "host"
    window_bytes: int = 4 << 20
    resident_threads: int = 1024
    block: int = 32
    slots: int = 1
    shares_host_memory: bool = False
    stays: str = ""
    closed: bool = False

    def __init__(self, memory: Source, pinned: Source) -> None:
        self.pool, self.pinned = MemoryPool(memory), MemoryPool(pinned)
        self.kernels: dict[Spec, Kernel] = {}
        self.compile_seconds = 0.0
        self.launches = 0
        self.turn = ExclusiveUse("device", stays=self.stays)
        _open.add(self)

    def allocate(self, name: str, size: int, dtype: Any) -> Buffer:
        """Return a new zeroed buffer.

        Raises:
            OutOfMemoryError: it does not fit; nothing is allocated.
        """
        dtype = np.dtype(dtype)
        self.require(size * dtype.itemsize, name)
        buffer, used = self.pool.take(name, size, dtype)
        if used or not self._fresh_is_zero:
            try:
                self.clear(buffer)
            except BaseException:
                self.pool.give(buffer)
                raise
        return buffer

    def free(self, buffer: Buffer) -> None:
        """Give a buffer back, once work in other streams is done; freeing it twice does nothing."""
        self.pool.give(buffer)

    def stage(self, buffer: Buffer) -> Staging:
        """Return host memory for the uploads or the downloads of a buffer."""
        if self.shares_host_memory:
            return Staging(buffer, buffer, buffer.data)
        host, _ = self.pinned.take(buffer.name, buffer.size, buffer.dtype)
        return self.staging(buffer, host, host.data)

    def staging(self, buffer: Buffer, host: Buffer, array: np.ndarray) -> Staging:
        """Return a part of page-locked host memory as what is copied to or from a buffer.

        Args:
            buffer: the device's side.
            host: where the part lies.
            array: the part.
        """
        return Staging(buffer, host, array)

    def unstage(self, staging: Staging) -> None:
        """Give the host memory back, once copies from or to it are done."""
        self.pinned.give(staging.host)

    def require(self, size: int, what: str) -> None:
        """Raise OutOfMemoryError unless ``size`` more bytes fit."""
        available = self.available_memory()
        if size > available:
            limit = binding_limit() if self.home == "host" else ""
            raise OutOfMemoryError(
                f"{what} needs {human_bytes(size)} on {self.name} (available: "
                f"{human_bytes(available)}{limit}); use "
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

    def build_host_loops(self, precision: Precision, partitions: int = 1) -> None:
        """Compile what drains and checks on the host, and count the time as compile time.

        Args:
            precision: of the state.
            partitions: how many lists of spikes are merged.
        """
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        start = time.perf_counter()
        wanted = [("spikes", "count_spikes"), ("spikes", "list_spikes")]
        wanted.append(("finite", f"first_not_finite_{precision.storage}"))
        if precision.half:
            wanted.append(("draw", "step_words"))
        if partitions > 1:
            wanted.append(("spikes", "merge_spikes"))
        for module, loop in wanted:
            load_cpu_loop(module).build(loop)
        self.compile_seconds += time.perf_counter() - start

    def adopt(self, value: Any) -> GpuArray:
        """Return another library's array on this device, ready for work in ``stream``.

        Raises:
            SpikecudaValueError: it lies elsewhere.
        """
        raise SpikecudaValueError(
            f"arrays in a GPU's memory need a pool on that GPU (got one on {self.name}); bring "
            "them to the host with .get(), .cpu() or numpy.asarray()"
        )

    def borrow(self, name: str, array: GpuArray) -> Buffer:
        """Return an adopted array as a buffer for kernels; it stays its owner's."""
        raise NotImplementedError(f"{self.name} adopts no arrays")

    def take_over(self, buffer: Buffer, array: GpuArray) -> None:
        """Copy an adopted array to a buffer of its size."""
        raise NotImplementedError(f"{self.name} adopts no arrays")

    def share(self, buffer: Buffer) -> StateArray:
        """Return a buffer for other libraries; it then also belongs to whoever uses it."""
        block = self.pool.share(buffer)
        host = self._host_view(buffer)
        pointer, number = (0, 0) if host is not None else self._address(buffer)
        return StateArray(
            buffer.name, host, pointer, buffer.size, buffer.dtype, number, block,
            self.stream.synchronize,
        )  # fmt: skip

    def _host_view(self, buffer: Buffer) -> np.ndarray | None:
        """Return a buffer as a NumPy array where its memory is this process's."""
        return None

    def _address(self, buffer: Buffer) -> tuple[int, int]:
        """Return a buffer's address, and the number of the GPU."""
        raise NotImplementedError(f"{self.name} has no addresses")

    def together(self, jobs: Sequence[Callable[[], Any]]) -> list[Any]:
        """Call functions of the host, side by side if the device has threads for it.

        Returns:
            Their results; the first error is raised once all of them have ended.
        """
        return [job() for job in jobs]

    def held(self) -> dict[str, int]:
        """Return the bytes held, by name of buffer."""
        return self.pool.held()

    def available_memory(self) -> int:
        """Return how many more bytes can be allocated, what the pool has cached included."""
        return self.pool.source.free() + self.pool.cached

    def memory(self) -> MemoryFigures:
        """Return the figures of the device's memory."""
        pool = self.pool
        return MemoryFigures(
            pool.allocated, pool.in_use, pool.peak, pool.cached, self.available_memory(),
            self.pinned.allocated, pool.figures(),
        )  # fmt: skip

    def close(self) -> None:
        """Give everything back, also if giving back a part of it fails; twice does nothing.

        Raises:
            SpikecudaError: a pool, system or network runs on it.
        """
        if self.closed:
            return
        if self.turn.lost:  # what it holds belongs to the process that this one was forked from
            self.closed = True
            return
        with self.turn.change():
            self.closed = True
            _open.discard(self)
            self._close()

    def _close(self) -> None:
        """Give everything back."""
        with contextlib.ExitStack() as stack:
            stack.callback(self.kernels.clear)
            stack.callback(self.pinned.close)
            stack.callback(self.pool.close)

    # Whether memory that comes from the system holds zeros.
    _fresh_is_zero: bool = False

    @abstractmethod
    def write(self, buffer: Buffer, values: np.ndarray) -> None:
        """Copy host values to the start of a buffer; the types agree."""

    @abstractmethod
    def read(self, buffer: Buffer, size: int | None = None) -> np.ndarray:
        """Return the first ``size`` elements: valid until the next launch, not to be written."""

    @abstractmethod
    def upload(self, staging: Staging, size: int) -> None:
        """Fill a buffer's first ``size`` elements from its host memory, in ``uploads``."""

    @abstractmethod
    def download(self, staging: Staging, size: int) -> None:
        """Copy a buffer's first ``size`` elements to its host memory, in ``downloads``."""

    def reach(self, other: "Device") -> str:
        """Let buffers of another device be copied to buffers here, device to device.

        Returns:
            Why that is not possible; "" if it is.
        """
        return "" if other is self else f"{self.name} cannot copy from {other.name}"

    def fetch(self, buffer: Buffer, owner: "Device", source: Buffer, size: int) -> None:
        """Copy the first ``size`` elements of a buffer of a device within reach, in ``stream``.

        Args:
            buffer: on this device.
            owner: of the source: this device, or one that ``reach`` found within reach.
            source: of the same type.
            size: elements.
        """
        raise NotImplementedError(f"{self.name} copies from no other device")

    def part(self) -> None:
        """Let go of the devices within reach, once all work is done."""

    def make_current(self) -> None:
        """Let calls of streams, events and graphs that follow in this thread be for this device."""

    @property
    def driven_by(self) -> Hashable:
        """What one thread at a time must call: this device, or all that share its host's side."""
        return self.name

    @abstractmethod
    def clear(self, buffer: Buffer) -> None:
        """Set a buffer to zero; can be captured."""

    @abstractmethod
    def launch(
        self, kernel: Kernel, arguments: Sequence[Any], batches: Sequence[tuple[int, int]]
    ) -> None:
        """Run a kernel over ranges of neurons, side by side where the device can; can be captured.

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
    def preferred_batch(self, count: int, spec: KernelSpec) -> int:
        """Return how many neurons a launch should cover.

        Args:
            count: neurons of the partition.
            spec: its kernel, whatever the input.
        """

    @abstractmethod
    def _build(self, spec: Spec) -> Kernel:
        """Return a new kernel."""


@atexit.register
def close_all() -> None:
    """Give back what open devices hold; called when Python ends."""
    for device in list(_open):
        with contextlib.suppress(Exception):
            device.close()
