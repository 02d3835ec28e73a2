"""A real CUDA GPU through cuda.core: a thin adapter, the one part that needs a GPU to run."""

import ctypes
import functools
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import cuda.core as core
import numpy as np
from cuda.bindings import driver

from spikecuda.devices.array_interop import GpuArray, adopt
from spikecuda.devices.base import Device
from spikecuda.devices.block_choice import BlockChoice
from spikecuda.devices.cuda.memory import GpuMemory, PinnedMemory
from spikecuda.devices.cuda.peers import allow_access
from spikecuda.devices.cuda.stream import (
    CUDAError,
    CudaGraph,
    CudaStream,
    check,
    reporting,
    translated,
)
from spikecuda.devices.grid import BRANCHES, grid
from spikecuda.devices.kinds import CUDA
from spikecuda.devices.memory import Buffer
from spikecuda.devices.work import Graph, Kernel, Staging, Stream
from spikecuda.errors import DeviceError
from spikecuda.kernels.compile.offline import ARCHITECTURES
from spikecuda.kernels.routines import Spec
from spikecuda.kernels.spec import KernelSpec

# Threads that every architecture's multiprocessor can hold.
RESIDENT = 1024
# How the scalars of a kernel are handed to the driver.
SCALARS = {
    "int8": ctypes.c_int8,
    "int16": ctypes.c_int16,
    "int32": ctypes.c_int32,
    "int64": ctypes.c_int64,
    "uint32": ctypes.c_uint32,
    "float32": ctypes.c_float,
    "float64": ctypes.c_double,
}
P = ParamSpec("P")
R = TypeVar("R")


def on_device(
    method: Callable[Concatenate["CudaDevice", P], R],
) -> Callable[Concatenate["CudaDevice", P], R]:
    """Let a method run with its GPU current in the calling thread, and report its errors."""

    @functools.wraps(method)
    def call(self: "CudaDevice", /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            self.gpu.set_current()
            return method(self, *args, **kwargs)
        except CUDAError as error:
            raise translated(error) from error

    return call


class CudaDevice(BlockChoice, Device):
    """A GPU of this machine.

    Args:
        number: as in "cuda:1".
        block: threads per block; None lets each launch choose.
    """

    slots = 2
    stays = (
        "the GPU of this object is used by the process that this one was forked from, and CUDA "
        "does not work in a forked child; start processes with "
        'multiprocessing.get_context("spawn") and make the object there'
    )

    kind = CUDA

    def __init__(self, number: int = 0, block: int | None = None) -> None:
        self.name = self.home = f"cuda:{number}"
        self.number = number
        self.choose_blocks(block)
        self._clock_kernel: Any = None
        # GPUs that were asked for access to their memory, and why there is none.
        self._reached: weakref.WeakKeyDictionary[CudaDevice, str] = weakref.WeakKeyDictionary()
        with reporting():
            self.gpu.set_current()
            self._context = check(driver.cuCtxGetCurrent())
            capability = self.gpu.compute_capability
            self.cc = _architecture((capability.major, capability.minor))
            self.description = (
                f"{self.gpu.name}, compute capability {capability.major}.{capability.minor}"
            )
            self.multiprocessors = int(self.gpu.properties.multiprocessor_count)
            # A multiprocessor's 128 lanes beside a core's 16 or so.
            self.speed = 8.0 * self.multiprocessors
            self.resident_threads = RESIDENT * self.multiprocessors
            self.stream: CudaStream = CudaStream(self.gpu.create_stream())
            self.uploads: CudaStream = CudaStream(self.gpu.create_stream())
            self.downloads: CudaStream = CudaStream(self.gpu.create_stream())
            self._branches: list[core.Stream] = []
            # Where launches go: the stream, or a graph that is being captured.
            self._target: core.Stream | core.graph.GraphBuilder = self.stream.core
            memory = GpuMemory(number, self.stream.core)
            self._driver_pool = memory.pool
            super().__init__(memory, PinnedMemory(number, self.stream.core))

    @property
    def gpu(self) -> core.Device:
        """The calling thread's object for this GPU; cuda.core has one for each thread."""
        return core.Device(self.number)

    @on_device
    def write(self, buffer: Buffer, values: np.ndarray) -> None:
        """Copy host values to the start of a buffer; the values may be changed afterwards."""
        values = np.ascontiguousarray(values, buffer.dtype)
        handle, stream = int(buffer.data.handle), self.stream.core.handle
        check(driver.cuMemcpyHtoDAsync(handle, values.ctypes.data, values.nbytes, stream))
        self.stream.synchronize()

    @on_device
    def read(self, buffer: Buffer, size: int | None = None) -> np.ndarray:
        """Return a copy of the first ``size`` elements."""
        values = np.empty(buffer.size if size is None else size, buffer.dtype)
        handle, stream = int(buffer.data.handle), self.stream.core.handle
        check(driver.cuMemcpyDtoHAsync(values.ctypes.data, handle, values.nbytes, stream))
        self.stream.synchronize()
        return values

    @on_device
    def upload(self, staging: Staging, size: int) -> None:
        """Fill a buffer's first ``size`` elements from its host memory, in ``uploads``."""
        to, count = int(staging.buffer.data.handle), size * staging.buffer.dtype.itemsize
        stream = self.uploads.core.handle
        check(driver.cuMemcpyHtoDAsync(to, staging.array.ctypes.data, count, stream))

    @on_device
    def download(self, staging: Staging, size: int) -> None:
        """Copy a buffer's first ``size`` elements to its host memory, in ``downloads``."""
        source, count = int(staging.buffer.data.handle), size * staging.buffer.dtype.itemsize
        stream = self.downloads.core.handle
        check(driver.cuMemcpyDtoHAsync(staging.array.ctypes.data, source, count, stream))

    @on_device
    def reach(self, other: Device) -> str:
        """Let buffers of another GPU be copied here by the GPUs alone; see ``Device.reach``.

        Memory of pools does not follow cuCtxEnablePeerAccess: the pool says who may access it.
        Source: CUDA programming guide, "Stream-ordered memory allocator", device accessibility.
        """
        if not isinstance(other, CudaDevice):
            return super().reach(other)
        if other.number != self.number and other not in self._reached:
            self._reached[other] = allow_access(self.number, other.number, other._driver_pool)
        return self._reached.get(other, "")

    @on_device
    def fetch(self, buffer: Buffer, owner: Device, source: Buffer, size: int) -> None:
        """Copy from a buffer of a GPU within reach, in ``stream``."""
        assert isinstance(owner, CudaDevice)
        to, start = int(buffer.data.handle), int(source.data.handle)
        count, stream = size * buffer.dtype.itemsize, self.stream.core.handle
        check(driver.cuMemcpyPeerAsync(to, self._context, start, owner._context, count, stream))

    @on_device
    def make_current(self) -> None:
        """Make the GPU current in the calling thread."""

    @on_device
    def clear(self, buffer: Buffer) -> None:
        """Set a buffer to zero; can be captured."""
        buffer.data.fill(0, stream=self._target)

    @on_device
    def launch(
        self, kernel: Kernel, arguments: Sequence[Any], batches: Sequence[tuple[int, int]]
    ) -> None:
        """Run a kernel over ranges of neurons, one launch a range, side by side in streams."""
        values, first_at, last_at = pack(kernel.spec, arguments)
        targets = self._fork(min(len(batches), BRANCHES))
        for i, (first, last) in enumerate(batches):
            values[first_at], values[last_at] = ctypes.c_int64(first), ctypes.c_int64(last)
            block = self.block_for(kernel, last - first)
            blocks = grid(last - first, block)
            self._launch(targets[i % len(targets)], kernel.function, blocks, block, values)
        self._join(targets)

    @on_device
    def advance(self, clock: Buffer, steps: int) -> None:
        """Add ``steps`` to a step counter on the device; can be captured."""
        values = [*array(clock), ctypes.c_int64(steps)]
        self._launch(self._target, self._load_clock(), 1, 32, values)

    @on_device
    def capture(self, work: Callable[[], None]) -> Graph:
        """Return what ``work`` launches as a graph, without running it."""
        self._load_clock()
        before, builder = self.launches, self.gpu.create_graph_builder()
        try:
            self._target = builder.begin_building()
            work()
            graph = builder.end_building().complete()
            return CudaGraph(self, self.stream.core, graph, self.launches - before)
        finally:
            self._target, self.launches = self.stream.core, before
            builder.close()

    @on_device
    def adopt(self, value: Any) -> GpuArray:
        """Return another library's array on this GPU, ready for work in ``stream``."""
        return adopt(value, self.number, int(self.stream.core.handle), self._follow)

    @on_device
    def borrow(self, name: str, array: GpuArray) -> Buffer:
        """Return an adopted array as a buffer for kernels; it stays its owner's."""
        size = array.size * array.dtype.itemsize
        data = core.Buffer.from_handle(array.pointer, size, owner=array.owner)
        return Buffer(name, array.dtype, array.size, data)

    @on_device
    def take_over(self, buffer: Buffer, array: GpuArray) -> None:
        """Copy an adopted array to a buffer of its size."""
        to, stream = int(buffer.data.handle), self.stream.core.handle
        check(driver.cuMemcpyDtoDAsync(to, array.pointer, buffer.nbytes, stream))
        self.stream.synchronize()

    def _address(self, buffer: Buffer) -> tuple[int, int]:
        return int(buffer.data.handle), self.number

    def _follow(self, handle: int) -> None:
        """Let ``stream`` wait for what is in another library's stream now."""
        known = {1: core.LEGACY_DEFAULT_STREAM, 2: core.PER_THREAD_DEFAULT_STREAM}
        self.stream.core.wait(known.get(handle) or core.Stream.from_handle(handle))

    @on_device
    def new_stream(self) -> Stream:
        """Return another stream."""
        return CudaStream(self.gpu.create_stream())

    def synchronize(self) -> None:
        """Wait until all work is done."""
        for stream in (self.uploads, self.stream, self.downloads):
            stream.synchronize()

    def preferred_batch(self, count: int, spec: KernelSpec) -> int:
        """Return the whole population."""
        return count

    @on_device
    def figures(self) -> dict[str, float]:
        """Return the GPU's figures: multiprocessors, clock in MHz, bandwidth in GB/s, l2 in MB."""
        facts = self.gpu.properties
        transfers = 2e3 * facts.memory_clock_rate  # a second: two for each cycle
        return {
            "multiprocessors": facts.multiprocessor_count,
            "clock": facts.clock_rate / 1e3,
            "bandwidth": transfers * facts.global_memory_bus_width / 8 / 1e9,
            "l2": facts.l2_cache_size / 1e6,
        }

    @on_device
    def _close(self) -> None:
        """Give everything back, also after a fault."""
        try:
            self.synchronize()  # kernels may run yet
        finally:
            super()._close()
            self._clock_kernel = None
            for stream in [self.stream.core, self.uploads.core, self.downloads.core,
                           *self._branches]:  # fmt: skip
                stream.close()
            self._driver_pool.close()

    def _fork(self, count: int) -> list[core.Stream | core.graph.GraphBuilder]:
        """Return where ``count`` launches may run side by side, after the work so far."""
        if count == 1:
            return [self._target]
        if isinstance(self._target, core.graph.GraphBuilder):
            return list(self._target.split(count))
        while len(self._branches) < count - 1:
            self._branches.append(self.gpu.create_stream())
        branches = self._branches[: count - 1]
        for branch in branches:
            branch.wait(self.stream.core)
        return [self.stream.core, *branches]

    def _join(self, targets: Sequence[Any]) -> None:
        """Let later work wait for what was launched side by side."""
        if len(targets) == 1:
            return
        if isinstance(self._target, core.graph.GraphBuilder):
            self._target.join(*targets)
            return
        for branch in targets[1:]:
            self.stream.core.wait(branch)

    def _launch(
        self, target: Any, function: Any, blocks: int, block: int, values: Sequence[Any]
    ) -> None:
        core.launch(target, core.LaunchConfig(grid=blocks, block=block), function, *values)
        self.launches += 1

    def _load_clock(self) -> Any:
        """Return the kernel that advances counters; loaded before a capture begins."""
        if self._clock_kernel is None:
            from spikecuda.kernels.compile.cuda import build_clock

            compiled = build_clock(self.cc)
            code = core.ObjectCode.from_cubin(compiled.cubin, name="advance_clock")
            self._clock_kernel = code.get_kernel(compiled.entry)
        return self._clock_kernel

    @on_device
    def _build(self, spec: Spec) -> Kernel:
        from spikecuda.kernels.compile.cuda import build

        compiled = build(spec, self.cc)
        code = core.ObjectCode.from_cubin(compiled.cubin, name=spec.name)
        resources = {"registers": compiled.resources.registers}
        return Kernel(spec, code.get_kernel(compiled.entry), 0.0, resources=resources)


def pack(spec: Spec, arguments: Sequence[Any]) -> tuple[list[Any], int, int]:
    """Return arguments as the kernel's parameters, and where ``_first`` and ``_last`` are.

    Numba passes a 1-D array as seven 64-bit words: two unused pointers, elements, bytes of an
    element, data, shape and stride.
    """
    values: list[Any] = []
    places = {}
    for argument, value in zip(spec.arguments, arguments, strict=True):
        places[argument.name] = len(values)
        if argument.array:
            values += array(value)
        else:
            values.append(SCALARS[argument.dtype](value.item()))
    return values, places["_first"], places["_last"]


def array(buffer: Buffer) -> list[ctypes.c_int64]:
    """Return a buffer as the seven words of a 1-D array."""
    item = buffer.dtype.itemsize
    words = (0, 0, buffer.size, item, int(buffer.data.handle), buffer.size, item)
    return [ctypes.c_int64(word) for word in words]


def _architecture(capability: tuple[int, int]) -> tuple[int, int]:
    """Return the newest compiled architecture that a GPU can run."""
    known = [cc for cc in ARCHITECTURES if cc[0] == capability[0] and cc <= capability]
    if not known:
        raise DeviceError(
            f"compute capability {capability[0]}.{capability[1]} is not supported (kernels are "
            f"built for {', '.join(f'{a}.{b}' for a, b in ARCHITECTURES)}); run on the CPU"
        )
    return max(known)
