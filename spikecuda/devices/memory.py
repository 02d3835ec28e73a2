"""A device's memory: buffers by name, and a cache that later buffers are taken from."""

import contextlib
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from spikecuda.common.fork import ForkedLock
from spikecuda.errors import OutOfMemoryError

# A cached block serves a request down to this fraction of its size, or of any size up to SMALL.
LEAST_FILL = 0.5
SMALL = 1 << 16
# Asking the system how much memory is free takes longer than allocating less than this.
WORTH_ASKING = 1 << 20


@dataclass(eq=False)
class Block:
    """One piece of memory as it came from the system.

    Attributes:
        raw: the device's own handle.
        capacity: its bytes.
        name: what it holds, or held last.
        shared: whether other libraries may use it, too; it is then never used for anything else.
    """

    raw: Any
    capacity: int
    name: str
    shared: bool = False


@dataclass(eq=False)
class Buffer:
    """A named, flat array in a device's memory.

    Attributes:
        name: what the buffer holds, as shown in metrics.
        dtype: NumPy type of an element.
        size: number of elements.
        data: the device's own handle.
        block: the memory that it lies in; None if that belongs to somebody else.
    """

    name: str
    dtype: np.dtype
    size: int
    data: Any
    block: Block | None = None

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.size * self.dtype.itemsize


@dataclass(frozen=True)
class BufferFigures:
    """Bytes of the buffers of one name.

    Attributes:
        in_use: held now.
        peak: the most that was held at once.
        cached: given back and kept for the next buffer.
    """

    in_use: int = 0
    peak: int = 0
    cached: int = 0


@dataclass(frozen=True)
class MemoryFigures:
    """Memory of a device's pool, in bytes.

    Attributes:
        allocated: taken from the system: what is in use, what is cached, and rounding.
        in_use: held by buffers now.
        peak: the most that buffers held at once.
        cached: given back by buffers and kept for the next ones.
        available: how much more can be allocated, cached memory included.
        pinned: page-locked host memory taken from the system for what is streamed.
        buffers: figures by name of buffer, page-locked host memory excepted.
    """

    allocated: int
    in_use: int
    peak: int
    cached: int
    available: int
    pinned: int = 0
    buffers: dict[str, BufferFigures] = field(default_factory=dict)


class Source(Protocol):
    """Where blocks come from."""

    def allocate(self, size: int) -> Any:
        """Return a handle of ``size`` bytes."""

    def release(self, raw: Any) -> None:
        """Give a handle back."""

    def view(self, raw: Any, size: int, dtype: np.dtype) -> Any:
        """Return what kernels and copies take for ``size`` elements at a handle's start."""

    def free(self) -> int:
        """Return how many bytes the system can give."""


class MemoryPool:
    """Memory of one kind, taken from the system in blocks and kept when a buffer is given back.

    A new buffer takes a cached block that fits, best one of its own name, so that a run like the
    one before allocates nothing.  The cache stays bounded: a name that outgrows its cached blocks
    gives them back first, and everything cached is given back before memory is said to be short.

    Args:
        source: the system's memory.

    Attributes:
        allocations: requests to the system so far.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._lock = ForkedLock()
        self._held: dict[int, Buffer] = {}
        self._cached: list[Block] = []
        self._peaks: dict[str, int] = {}
        self._by_name: dict[str, int] = {}
        self.in_use = self.peak = self.allocated = self.allocations = 0

    @property
    def cached(self) -> int:
        """Bytes that no buffer holds."""
        return sum(block.capacity for block in self._cached)

    def take(self, name: str, size: int, dtype: Any) -> tuple[Buffer, bool]:
        """Return a buffer with anything in it, and whether its memory was used before.

        Raises:
            OutOfMemoryError: the system has no memory left, the cache given back.
        """
        kind = np.dtype(dtype)
        need = max(1, size) * kind.itemsize
        with self._lock:
            block = self._reuse(name, need)
            used = block is not None
            if block is None:
                block = self._fresh(name, need)
            block.name = name
            buffer = Buffer(name, kind, size, self.source.view(block.raw, size, kind), block)
            self._held[id(buffer)] = buffer
            held = self._by_name[name] = self._by_name.get(name, 0) + buffer.nbytes
            self._peaks[name] = max(self._peaks.get(name, 0), held)
            self.in_use += buffer.nbytes
            self.peak = max(self.peak, self.in_use)
            return buffer, used

    def give(self, buffer: Buffer) -> None:
        """Keep a buffer's memory for the next one; giving it twice does nothing.

        Work that uses it must be done, or be in the stream that the next buffer is used in.
        """
        with self._lock:
            if self._held.pop(id(buffer), None) is None:
                return
            self.in_use -= buffer.nbytes
            self._by_name[buffer.name] -= buffer.nbytes
            assert buffer.block is not None
            if buffer.block.shared:  # it ends with the last one who uses it
                self.allocated -= buffer.block.capacity
            else:
                self._cached.append(buffer.block)
            buffer.data = buffer.block = None

    def share(self, buffer: Buffer) -> Block:
        """Let a buffer's memory live for as long as anybody has its block."""
        assert buffer.block is not None
        buffer.block.shared = True
        return buffer.block

    def trim(self) -> int:
        """Give what is cached back to the system; return its bytes."""
        with self._lock:
            return self._drop(list(self._cached))

    def close(self) -> None:
        """Give everything back; buffers that are still held become unusable."""
        with self._lock:
            for buffer in list(self._held.values()):
                self.give(buffer)
            with contextlib.ExitStack() as stack:  # goes on after an error
                for block in list(self._cached):
                    stack.callback(self._drop, [block])

    def held(self) -> dict[str, int]:
        """Return the bytes held, by name of buffer."""
        with self._lock:
            return {name: size for name, size in self._by_name.items() if size}

    def figures(self) -> dict[str, BufferFigures]:
        """Return what is held, was held at most, and is cached, by name of buffer."""
        with self._lock:
            cached: dict[str, int] = {}
            for block in self._cached:
                cached[block.name] = cached.get(block.name, 0) + block.capacity
            return {
                name: BufferFigures(self._by_name.get(name, 0), peak, cached.get(name, 0))
                for name, peak in self._peaks.items()
            }

    def _reuse(self, name: str, need: int) -> Block | None:
        """Return a cached block that fits, the best one of the same name if there is one."""
        most = max(need / LEAST_FILL, SMALL)
        fitting = [block for block in self._cached if need <= block.capacity <= most]
        if not fitting:
            return None
        best = min(fitting, key=lambda block: (block.name != name, block.capacity))
        self._cached.remove(best)
        return best

    def _fresh(self, name: str, need: int) -> Block:
        """Return a new block; the name's cached ones, which did not fit, go first."""
        self._drop([block for block in self._cached if block.name == name])
        if self._cached and need >= WORTH_ASKING and need > self.source.free():
            self.trim()
        try:
            raw = self.source.allocate(need)
        except (OutOfMemoryError, MemoryError):
            if not self.trim():
                raise
            raw = self.source.allocate(need)
        self.allocations += 1
        self.allocated += need
        return Block(raw, need, name)

    def _drop(self, blocks: list[Block]) -> int:
        size = 0
        for block in blocks:
            self._cached.remove(block)
            self.allocated -= block.capacity
            size += block.capacity
            self.source.release(block.raw)
        return size
