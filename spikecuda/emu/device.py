"""An emulated device: memory, streams, events and launches, all in this process's memory."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

import numpy as np

from ..errors import ClosedError, OutOfMemoryError, SpikecudaValueError, nearest
from .compile import ARCHITECTURES
from .errors import ArgumentError, LaunchError
from .memory import GUARD, Region, Registry, aligned_bytes

MODES = ("fast", "check", "race")
POISON = 0xCB  # what fresh memory holds, so that its use shows even where nothing checks


class DeviceArray:
    """An array in an emulated device's memory.

    Attributes:
        host: the same memory as a NumPy array; writing through it goes unnoticed by the checks.
        device: its device.
    """

    def __init__(self, device: Device, raw: np.ndarray, region: Region, host: np.ndarray) -> None:
        self.device, self._raw, self._region, self.host = device, raw, region, host

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return self.host.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Kind of its elements."""
        return self.host.dtype

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.host.size

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.host.nbytes

    @property
    def pointer(self) -> int:
        """Its address on the device."""
        return int(self.host.ctypes.data)

    def __len__(self) -> int:
        return len(self.host)

    def copy_from_host(self, source: Any, stream: Stream | None = None) -> None:
        """Fill the array from a NumPy array of the same shape; marks it as written."""
        values = np.asarray(source)
        if values.shape != self.shape:
            raise SpikecudaValueError(
                f"source must have shape {self.shape} (got {values.shape}); reshape it"
            )
        self.host[...] = values
        self._mark()

    def copy_to_host(self, target: np.ndarray | None = None, stream: Stream | None = None) -> Any:
        """Return the contents as a new NumPy array, or write them to ``target``."""
        if target is None:
            return self.host.copy()
        target[...] = self.host
        return target

    def copy_from(self, source: DeviceArray, stream: Stream | None = None) -> None:
        """Copy from an array of any emulated device; unwritten bytes stay unwritten."""
        if source.nbytes != self.nbytes:
            raise SpikecudaValueError(
                f"source must have {self.nbytes} bytes (got {source.nbytes}); copy a slice"
            )
        self.host.view(np.uint8)[...] = source.host.view(np.uint8).reshape(
            self.host.view(np.uint8).shape
        )
        if self._region.written is not None and source._region.written is None:
            self._mark()
        elif self._region.written is not None and source._region.written is not None:
            mine = self.pointer - self._region.base
            theirs = source.pointer - source._region.base
            part = source._region.written[theirs : theirs + self.nbytes]
            self._region.written[mine : mine + self.nbytes] = part

    def fill(self, value: Any, stream: Stream | None = None) -> None:
        """Set every element; marks the array as written."""
        self.host[...] = value
        self._mark()

    def __getitem__(self, key: Any) -> DeviceArray:
        """A view of a part, given by slices."""
        part = self.host[key]
        if not isinstance(part, np.ndarray):
            raise SpikecudaValueError(f"a view needs slices (got {key!r}); use copy_to_host()")
        return DeviceArray(self.device, self._raw, self._region, part)

    def view(self, dtype: Any) -> DeviceArray:
        """The same memory under another dtype."""
        return DeviceArray(self.device, self._raw, self._region, self.host.view(dtype))

    def free(self) -> None:
        """Give the allocation back; later accesses by checked kernels are faults."""
        self.device._free(self._region)

    def check(self, device: Device) -> None:
        """Raise unless a kernel on ``device`` may use this array."""
        if self.device is not device:
            raise ArgumentError(
                f"an array on {self.device.name} was passed to a kernel on {device.name};"
                " copy it there with copy_from"
            )
        if not device.owns(self._region):
            raise ClosedError(
                f"the array of {self.nbytes} bytes at 0x{self.pointer:x} was freed; pass a live one"
            )

    def _mark(self) -> None:
        if self._region.written is None:
            return
        itemsize = self.dtype.itemsize
        marks = self._region.written
        start = self.pointer - self._region.base
        if self.host.flags.c_contiguous:
            marks[start : start + self.nbytes] = 1
            return
        shape, strides = (*self.shape, itemsize), (*self.host.strides, 1)
        np.lib.stride_tricks.as_strided(marks[start:], shape, strides)[...] = 1


class Event:
    """A point in a stream's work."""

    def __init__(self) -> None:
        self.recorded: float | None = None

    def record(self, stream: Stream | None = None) -> None:
        """Note the host's time."""
        self.recorded = time.perf_counter()

    def synchronize(self) -> None:
        """Return at once: emulated work is done when it is asked for."""

    def query(self) -> bool:
        """Say that the work before it is done."""
        return True

    def elapsed_ms(self, later: Event) -> float:
        """Milliseconds of the host's clock between two recorded events."""
        if self.recorded is None or later.recorded is None:
            raise SpikecudaValueError("both events must be recorded (got one that is not)")
        return (later.recorded - self.recorded) * 1e3


class Stream:
    """An order of work.  Everything is done at once, so any order asked for holds."""

    def __init__(self, device: Device) -> None:
        self.device = device

    def synchronize(self) -> None:
        """Return at once."""

    def wait(self, event: Event) -> None:
        """Return at once."""

    def record(self, event: Event | None = None) -> Event:
        """Record an event, a new one by default."""
        event = event or Event()
        event.record(self)
        return event


class Device:
    """An emulated CUDA device.

    Args:
        cc: compute capability that kernels are compiled for.
        mode: ``fast`` (no checks), ``check`` (every access) or ``race`` (also data races).
        seed: shuffles the order of blocks, warps and lanes; None keeps the natural order.
        memory: bytes that may be allocated at once; None means no limit.
        max_branches: backward branches that one launch of a checked mode may take.
        ordinal: its number among several devices.

    Raises:
        SpikecudaValueError: unknown mode.
        LaunchError: unknown compute capability.
    """

    def __init__(
        self,
        cc: tuple[int, int] = (9, 0),
        mode: str = "fast",
        seed: int | None = None,
        memory: int | None = None,
        max_branches: int = 1 << 36,
        ordinal: int = 0,
    ) -> None:
        if mode not in MODES:
            raise SpikecudaValueError(
                f"mode must be one of {', '.join(MODES)} (got {mode!r}){nearest(mode, MODES)}"
            )
        if tuple(cc) not in ARCHITECTURES:
            known = ", ".join(f"{a}.{b}" for a, b in ARCHITECTURES)
            raise LaunchError(f"cc must be one of {known} (got {cc}); choose the nearest")
        self.cc, self.mode, self.seed = (int(cc[0]), int(cc[1])), mode, seed
        self.memory, self.max_branches, self.ordinal = memory, max_branches, ordinal
        self.registry = Registry()
        self.allocated = 0
        self.launches = 0
        self.epoch = 0  # race mode: intervals between barriers so far
        self.closed = False
        self._owned: dict[int, np.ndarray] = {}
        self._random = np.random.default_rng(seed)

    @property
    def name(self) -> str:
        """What it is, for messages."""
        return f"emulated CUDA device {self.ordinal} (sm_{self.cc[0]}{self.cc[1]}, {self.mode})"

    @property
    def checked(self) -> bool:
        """Whether accesses are checked."""
        return self.mode != "fast"

    def empty(self, shape: int | tuple[int, ...], dtype: Any = np.float32) -> DeviceArray:
        """Allocate an array; its bytes count as never written."""
        if self.closed:
            raise ClosedError(f"{self.name} is closed; make a new Device")
        kind = np.dtype(dtype)
        sizes = tuple(int(s) for s in shape) if isinstance(shape, tuple | list) else (int(shape),)
        size = int(np.prod(sizes, dtype=np.int64)) * kind.itemsize
        if self.memory is not None and self.allocated + size > self.memory:
            raise OutOfMemoryError(
                f"shape {sizes} of {kind} needs {size} bytes (got {self.memory - self.allocated}"
                f" free on {self.name}); free arrays or give the device more memory"
            )
        raw = aligned_bytes(size + 2 * GUARD)
        raw[...] = POISON
        base = raw.ctypes.data + GUARD
        written = np.zeros(size, np.uint8) if self.checked else None
        region = Region(base, base + size, written)
        self.registry.add(region)
        self._owned[base] = raw
        self.allocated += size
        host = raw[GUARD : GUARD + size].view(kind).reshape(sizes)
        return DeviceArray(self, raw, region, host)

    alloc = empty

    def to_device(self, source: Any, stream: Stream | None = None) -> DeviceArray:
        """Allocate an array and copy a NumPy array into it."""
        values = np.asarray(source)
        array = self.empty(values.shape, values.dtype)
        array.copy_from_host(values)
        return array

    def zeros(self, shape: int | tuple[int, ...], dtype: Any = np.float32) -> DeviceArray:
        """Allocate an array of zeros."""
        array = self.empty(shape, dtype)
        array.fill(0)
        return array

    def _free(self, region: Region) -> None:
        if region.base not in self._owned:
            raise ClosedError(f"the allocation at 0x{region.base:x} was freed already")
        self.registry.remove(region.base)
        del self._owned[region.base]
        self.allocated -= region.end - region.base

    def owns(self, region: Region) -> bool:
        """Whether an allocation was made here and not freed since."""
        return self.registry.regions.get(region.base) is region

    def stream(self) -> Stream:
        """Make a stream."""
        return Stream(self)

    def event(self) -> Event:
        """Make an event."""
        return Event()

    def synchronize(self) -> None:
        """Return at once."""

    def launch(
        self,
        kernel: Any,
        grid: int | tuple[int, ...],
        block: int | tuple[int, ...],
        *arguments: Any,
        stream: Stream | None = None,
        shared: int = 0,
    ) -> None:
        """Run a kernel (from :func:`spikecuda.emu.compile` or ``PTXKernel``) on this device."""
        if self.closed:
            raise ClosedError(f"{self.name} is closed; make a new Device")
        kernel.launch(grid, block, arguments, shared=shared, device=self)

    def shuffled(self, count: int) -> np.ndarray:
        """An order of ``count`` things: empty for the natural one, else drawn from the seed."""
        if self.seed is None:
            return np.zeros(0, np.int64)
        return self._random.permutation(count)

    def twist(self) -> int:
        """How the lanes of a warp are exchanged in the order of running (lane XOR twist)."""
        return 0 if self.seed is None else int(self._random.integers(32))

    def close(self) -> None:
        """Give all memory back."""
        self.closed = True
        self._owned.clear()
        self.registry = Registry()
        self.allocated = 0

    def __enter__(self) -> Device:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
