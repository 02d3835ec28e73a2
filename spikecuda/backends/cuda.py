"""A real CUDA GPU through cuda.core: a thin adapter, the one part that needs a GPU to run."""

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import cuda.core as core
import numpy as np
from cuda.bindings import driver

from spikecuda.backends.base import Buffer, Device, Event, Graph, Kernel, Stream
from spikecuda.errors import DeviceError
from spikecuda.kernels.offline import ARCHITECTURES
from spikecuda.kernels.spec import KernelSpec
from spikecuda.launch import grid

BLOCK = 128
# How the scalars of a kernel are handed to the driver.
SCALARS = {
    "int32": ctypes.c_int32,
    "int64": ctypes.c_int64,
    "uint32": ctypes.c_uint32,
    "float32": ctypes.c_float,
    "float64": ctypes.c_double,
}


def check(result: tuple[Any, ...]) -> Any:
    """Return what a driver call returned, or raise DeviceError with the driver's words."""
    error, *values = result
    if error != driver.CUresult.CUDA_SUCCESS:
        _, text = driver.cuGetErrorString(error)
        raise DeviceError(
            f"the CUDA driver reports {error.name} ({(text or b'').decode()}); see nvidia-smi, and "
            "compute-sanitizer for a kernel's fault"
        )
    return values[0] if len(values) == 1 else tuple(values)


class CudaDevice(Device):
    """A GPU of this machine.

    Args:
        number: as in "cuda:1".
        block: threads per block.
    """

    def __init__(self, number: int = 0, block: int = BLOCK) -> None:
        super().__init__()
        self.name = f"cuda:{number}"
        self._device = core.Device(number)
        self._device.set_current()
        capability = self._device.compute_capability
        self.cc = _architecture((capability.major, capability.minor))
        self.block = block
        self.description = (
            f"{self._device.name}, compute capability {capability.major}.{capability.minor}"
        )
        self.stream: CudaStream = CudaStream(self._device.create_stream())
        # Where launches go: the stream, or a graph that is being captured.
        self._target: Any = self.stream.core
        self._clock_kernel: Any = None
        self._pool = core.DeviceMemoryResource(
            self._device, core.DeviceMemoryResourceOptions(ipc_enabled=False)
        )

    def write(self, buffer: Buffer, values: np.ndarray) -> None:
        """Copy host values to the start of a buffer; the values may be changed afterwards."""
        values = np.ascontiguousarray(values, buffer.dtype)
        handle = int(buffer.data.handle)
        check(
            driver.cuMemcpyHtoDAsync(
                handle, values.ctypes.data, values.nbytes, self.stream.core.handle
            )
        )
        self.stream.synchronize()

    def read(self, buffer: Buffer, size: int | None = None) -> np.ndarray:
        """Return a copy of the first ``size`` elements."""
        values = np.empty(buffer.size if size is None else size, buffer.dtype)
        handle = int(buffer.data.handle)
        check(
            driver.cuMemcpyDtoHAsync(
                values.ctypes.data, handle, values.nbytes, self.stream.core.handle
            )
        )
        self.stream.synchronize()
        return values

    def clear(self, buffer: Buffer) -> None:
        """Set a buffer to zero; can be captured."""
        buffer.data.fill(0, stream=self._target)

    def launch(
        self, kernel: Kernel, arguments: Sequence[Any], batches: Sequence[tuple[int, int]]
    ) -> None:
        """Run a kernel over ranges of neurons, one launch a range, in stream order."""
        values, first_at, last_at = pack(kernel.spec, arguments)
        for first, last in batches:
            values[first_at], values[last_at] = ctypes.c_int64(first), ctypes.c_int64(last)
            self._launch(kernel.function, grid(last - first, self.block), self.block, values)

    def advance(self, clock: Buffer, steps: int) -> None:
        """Add ``steps`` to a step counter on the device; can be captured."""
        if self._clock_kernel is None:
            from spikecuda.kernels.compile_cuda import build_clock

            compiled = build_clock(self.cc)
            code = core.ObjectCode.from_cubin(compiled.cubin, name="advance_clock")
            self._clock_kernel = code.get_kernel(compiled.entry)
        self._launch(self._clock_kernel, 1, 32, [*array(clock), ctypes.c_int64(steps)])

    def capture(self, work: Callable[[], None]) -> Graph:
        """Return what ``work`` launches as a graph, without running it."""
        builder = self._device.create_graph_builder().begin_building()
        before, self._target = self.launches, builder
        try:
            work()
        finally:
            self._target = self.stream.core
            nodes, self.launches = self.launches - before, before
            builder.end_building()
        return CudaGraph(self, builder.complete(), nodes)

    def new_stream(self) -> Stream:
        """Return another stream."""
        return CudaStream(self._device.create_stream())

    def synchronize(self) -> None:
        """Wait until all work is done."""
        self.stream.synchronize()

    def _launch(self, function: Any, blocks: int, block: int, values: Sequence[Any]) -> None:
        config = core.LaunchConfig(grid=blocks, block=block)
        core.launch(self._target, config, function, *values)
        self.launches += 1

    def available_memory(self) -> int:
        """Return the GPU's free memory."""
        free, _ = check(driver.cuMemGetInfo())
        return int(free)

    def preferred_batch(self, count: int) -> int:
        """Return the whole population."""
        return count

    def close(self) -> None:
        """Give everything back."""
        super().close()
        if not self.stream.core.is_closed:
            self.stream.synchronize()
            self.stream.core.close()
            self._pool.close()

    def _build(self, spec: KernelSpec) -> Kernel:
        from spikecuda.kernels.compile_cuda import build

        compiled = build(spec, self.cc)
        code = core.ObjectCode.from_cubin(compiled.cubin, name=spec.name)
        resources = {"registers": compiled.resources.registers}
        return Kernel(spec, code.get_kernel(compiled.entry), 0.0, resources=resources)

    def _allocate(self, size: int, dtype: np.dtype) -> Any:
        data = self._pool.allocate(max(size, 1) * dtype.itemsize, stream=self.stream.core)
        data.fill(0, stream=self.stream.core)
        return data

    def _free(self, buffer: Buffer) -> None:
        buffer.data.close(self.stream.core)


def pack(spec: KernelSpec, arguments: Sequence[Any]) -> tuple[list[Any], int, int]:
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


class CudaEvent(Event):
    """A timed CUDA event."""

    def __init__(self, event: core.Event) -> None:
        self.core = event

    def synchronize(self) -> None:
        """Wait until the work before it is done."""
        self.core.sync()

    def seconds_until(self, later: Event) -> float:
        """Return the GPU's time between two events, in seconds."""
        assert isinstance(later, CudaEvent)
        return float(later.core - self.core) / 1000.0


class CudaStream(Stream):
    """A CUDA stream."""

    def __init__(self, stream: core.Stream) -> None:
        self.core = stream

    def record(self) -> Event:
        """Return a timed event after the work that is in the stream now."""
        return CudaEvent(self.core.record(options=core.EventOptions(timing_enabled=True)))

    def wait(self, event: Event) -> None:
        """Let later work in this stream wait for an event of any stream."""
        assert isinstance(event, CudaEvent)
        self.core.wait(event.core)

    def synchronize(self) -> None:
        """Wait until the stream's work is done."""
        self.core.sync()


class CudaGraph(Graph):
    """A captured CUDA graph."""

    def __init__(self, device: CudaDevice, graph: Any, nodes: int) -> None:
        self._device, self._graph, self.nodes = device, graph, nodes

    def replay(self) -> None:
        """Launch the graph in the device's stream."""
        self._graph.launch(self._device.stream.core)
        self._device.launches += self.nodes

    def close(self) -> None:
        """Give the graph back."""
        self._graph.close()


def _architecture(capability: tuple[int, int]) -> tuple[int, int]:
    """Return the newest compiled architecture that a GPU can run."""
    known = [cc for cc in ARCHITECTURES if cc[0] == capability[0] and cc <= capability]
    if not known:
        raise DeviceError(
            f"compute capability {capability[0]}.{capability[1]} is not supported (kernels are "
            f"built for {', '.join(f'{a}.{b}' for a, b in ARCHITECTURES)}); run on the CPU"
        )
    return max(known)
