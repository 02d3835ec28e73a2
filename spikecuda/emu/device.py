"""An emulated device: memory, streams, events and launches, all in this process's memory."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import numpy as np

from ..errors import ClosedError, OutOfMemoryError, SpikecudaValueError, nearest
from .arrays import DeviceArray, access
from .compile import ARCHITECTURES
from .errors import LaunchError
from .history import READ, WRITE, Access, Clock, History
from .host import Host
from .memory import GUARD, Region, Registry, aligned_bytes
from .streams import Event, Stream, Work

MODES = ("fast", "check", "race")
POISON = 0xCB  # what fresh memory holds, so that its use shows even where nothing checks


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
        self.host = Host(self)
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()
        self._named = 0

    @property
    def name(self) -> str:
        """What it is, for messages."""
        return f"emulated CUDA device {self.ordinal} (sm_{self.cc[0]}{self.cc[1]}, {self.mode})"

    @property
    def history(self) -> History | None:
        """Race mode: what was done; None in other modes."""
        return self.host.history

    @property
    def host_clock(self) -> Clock:
        """Race mode: what comes before the next thing that the host does."""
        return self.host.clock

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
        array.copy_from_host(values, stream)
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
        self._named += 1
        stream = Stream(self, f"stream {self._named}")
        self._streams.add(stream)
        return stream

    def event(self) -> Event:
        """Make an event."""
        return Event(self)

    def synchronize(self) -> None:
        """Run all work of all streams."""
        self.host.run_all()
        for stream in self._streams:
            self.host_waited(stream.clock)

    def launch(
        self,
        kernel: Any,
        grid: int | tuple[int, ...],
        block: int | tuple[int, ...],
        *arguments: Any,
        stream: Stream | None = None,
        shared: int = 0,
    ) -> None:
        """Run a kernel (from :func:`spikecuda.emu.compile` or ``PTXKernel``) on this device.

        With a stream the launch is checked and put there, and runs when something waits for it;
        without one it runs at once, after all work of all streams.
        """
        kernel.launch(grid, block, arguments, shared=shared, device=self, stream=stream)

    def do(
        self,
        name: str,
        work: Work,
        accesses: Sequence[Access] = (),
        stream: Stream | None = None,
        always: bool = False,
    ) -> None:
        """Put work in a stream (see ``Stream.put``), or run it now, after all other work."""
        if stream is not None:
            stream.put(name, work, accesses, always)
            return
        self.synchronize()
        work()

    def host_reads(self, array: np.ndarray) -> None:
        """Race mode: note that the host reads memory that copies use."""
        self._host_touches(array, READ)

    def host_writes(self, array: np.ndarray) -> None:
        """Race mode: note that the host writes memory that copies use."""
        self._host_touches(array, WRITE)

    def _host_touches(self, array: np.ndarray, kind: int) -> None:
        self.host.touches(access(array, kind), "a read" if kind == READ else "a write")

    def host_waited(self, clock: Clock) -> None:
        """Let what the host does next come after some work; race mode runs all there is."""
        self.host.waited(clock)

    def busy(self, stream: Stream) -> None:
        """Note that a stream has work."""
        self.host.busy[stream] = None

    def stir(self, wanted: Stream) -> None:
        """With a seed: run some work of other streams, as it could run by now."""
        if self.seed is None:
            return
        others = [stream for stream in self.host.busy if stream is not wanted]
        while others:
            ready = [stream for stream in others if stream.ready()]
            choice = int(self._random.integers(len(ready) + 1))
            if choice == len(ready):
                return
            ready[choice].step()

    def discard(self) -> None:
        """Drop what all streams have to do, as the driver does after a fault."""
        for stream in [stream for stream in self.host.busy if stream.device is self]:
            stream.discard()
            self.host.busy.pop(stream, None)

    def shuffled(self, count: int) -> np.ndarray:
        """An order of ``count`` things: empty for the natural one, else drawn from the seed."""
        if self.seed is None:
            return np.zeros(0, np.int64)
        return self._random.permutation(count)

    def twist(self) -> int:
        """How the lanes of a warp are exchanged in the order of running (lane XOR twist)."""
        return 0 if self.seed is None else int(self._random.integers(32))

    def join(self, other: Device) -> None:
        """Become a peer of another device, and of its peers: copies between them wait for nobody.

        Work of either can wait for events of the other.  Race mode finds what no event orders on
        all of them together.

        Raises:
            LaunchError: the devices have different modes.
        """
        if self.mode != other.mode:
            raise LaunchError(
                f"peers must have the same mode (got {self.name} and {other.name}); make both "
                "with one mode"
            )
        if self.host is not other.host:
            self.host.take(other.host)

    def part(self) -> None:
        """Be no other device's peer any more, once all work is done."""
        if len(self.host.devices) > 1:
            self.synchronize()
            self._leave()

    def _leave(self) -> None:
        self.host.leave(self)
        self.host = Host(self)

    def close(self) -> None:
        """Give all memory back; work that nothing waited for is dropped."""
        self.discard()
        self._leave()
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
