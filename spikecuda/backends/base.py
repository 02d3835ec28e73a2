"""What every device can do: hold buffers, build kernels, launch them."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikecuda.errors import OutOfMemoryError
from spikecuda.kernels.spec import KernelSpec


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

    spec: KernelSpec
    function: Any
    compile_seconds: float
    needs_cleared_bits: bool = False
    resources: dict[str, int] = field(default_factory=dict)


class Device(ABC):
    """A place where kernels run.  All sizes are in bytes, all times in seconds."""

    name: str = ""
    description: str = ""

    def __init__(self) -> None:
        self.buffers: list[Buffer] = []
        self.kernels: dict[KernelSpec, Kernel] = {}
        self.compile_seconds = 0.0

    def allocate(self, name: str, size: int, dtype: Any) -> Buffer:
        """Return a new zeroed buffer.

        Raises:
            OutOfMemoryError: it does not fit; nothing is allocated.
        """
        dtype = np.dtype(dtype)
        self.require(size * dtype.itemsize, name)
        buffer = Buffer(name, dtype, size, self._allocate(size, dtype))
        self.buffers.append(buffer)
        return buffer

    def free(self, buffer: Buffer) -> None:
        """Give a buffer back; freeing it twice does nothing."""
        if buffer in self.buffers:
            self.buffers.remove(buffer)
            self._free(buffer)
            buffer.data = None

    def require(self, size: int, what: str) -> None:
        """Raise OutOfMemoryError unless ``size`` more bytes fit."""
        available = self.available_memory()
        if size > available:
            raise OutOfMemoryError(
                f"{what} needs {_human(size)} on {self.name} (available: {_human(available)}); use "
                'fewer neurons, shorter runs between reads, or precision="float16"'
            )

    def kernel(self, spec: KernelSpec) -> Kernel:
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

    def held(self) -> dict[str, int]:
        """Return the bytes held, by name of buffer."""
        result: dict[str, int] = {}
        for buffer in self.buffers:
            result[buffer.name] = result.get(buffer.name, 0) + buffer.nbytes
        return result

    def close(self) -> None:
        """Give everything back."""
        for buffer in list(self.buffers):
            self.free(buffer)
        self.kernels.clear()

    @abstractmethod
    def write(self, buffer: Buffer, values: np.ndarray) -> None:
        """Copy host values to the start of a buffer; the types agree."""

    @abstractmethod
    def read(self, buffer: Buffer, size: int | None = None) -> np.ndarray:
        """Return the first ``size`` elements: valid until the next launch, not to be written."""

    @abstractmethod
    def clear(self, buffer: Buffer) -> None:
        """Set a buffer to zero."""

    @abstractmethod
    def launch(
        self, kernel: Kernel, arguments: Sequence[Any], batches: Sequence[tuple[int, int]]
    ) -> None:
        """Run a kernel over ranges of neurons.

        Args:
            kernel: what ``kernel`` returned.
            arguments: buffers and scalars in the order of ``spec.arguments``; ``_first`` and
                ``_last`` are set from each range.
            batches: (first, last) ranges, each starting at a multiple of 32.
        """

    @abstractmethod
    def synchronize(self) -> None:
        """Wait until all launches are done."""

    @abstractmethod
    def available_memory(self) -> int:
        """Return how many more bytes can be allocated."""

    @abstractmethod
    def preferred_batch(self, count: int) -> int:
        """Return how many neurons a launch should cover."""

    @abstractmethod
    def _build(self, spec: KernelSpec) -> Kernel:
        """Return a new kernel."""

    @abstractmethod
    def _allocate(self, size: int, dtype: np.dtype) -> Any:
        """Return a device's own handle of zeroed memory."""

    @abstractmethod
    def _free(self, buffer: Buffer) -> None:
        """Give a handle back."""


def _human(size: float) -> str:
    """Return a size in the unit that suits it."""
    for unit in ("bytes", "KB", "MB"):
        if abs(size) < 1000:
            return f"{size:.4g} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"


human = _human
