"""An emulated CUDA device: the PTX that a GPU would run, run on the CPU."""

import contextlib
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikecuda.common.host_memory import available_memory
from spikecuda.devices.base import Device
from spikecuda.devices.block_choice import BlockChoice
from spikecuda.devices.grid import BRANCHES, grid
from spikecuda.devices.host_device import HostMemory, ranged
from spikecuda.devices.kinds import EMULATED
from spikecuda.devices.memory import Buffer
from spikecuda.devices.work import Event, Graph, Kernel, Staging, Stream
from spikecuda.kernels.routines import Spec
from spikecuda.kernels.spec import KernelSpec

if TYPE_CHECKING:
    from spikecuda import emu

# As an H100 has them.
MULTIPROCESSORS = 132


class EmuEvent(Event):
    """An event of the emulated device."""

    def __init__(self, event: "emu.Event") -> None:
        self.emu = event

    def synchronize(self) -> None:
        """Run the work before it."""
        self.emu.synchronize()

    def seconds_until(self, later: Event) -> float:
        """Return the host's time between two events, in seconds."""
        assert isinstance(later, EmuEvent)
        return self.emu.elapsed_ms(later.emu) / 1e3


class EmuStream(Stream):
    """A stream of the emulated device: work runs when something waits for it."""

    def __init__(self, stream: "emu.Stream") -> None:
        self.emu = stream

    def record(self, event: Event | None = None) -> Event:
        """Return an event after the work in the stream so far: a new one, or one moved here."""
        if event is None:
            return EmuEvent(self.emu.record())
        assert isinstance(event, EmuEvent)
        self.emu.record(event.emu)
        return event

    def wait(self, event: Event) -> None:
        """Let later work in this stream wait for an event of any stream."""
        assert isinstance(event, EmuEvent)
        self.emu.wait(event.emu)

    def synchronize(self) -> None:
        """Run the stream's work."""
        self.emu.synchronize()


class EmuGraph(Graph):
    """A captured graph, replayed node by node."""

    def __init__(
        self, device: Device, stream: "emu.Stream", graph: "emu.Graph", nodes: int
    ) -> None:
        self._device, self._stream, self._graph, self.nodes = device, stream, graph, nodes

    def replay(self) -> None:
        """Launch the graph in the device's stream."""
        self._graph.launch(self._stream)
        self._device.launches += self.nodes

    def close(self) -> None:
        """Forget the graph; what is running of it ends as usual."""


class EmuStaging(Staging):
    """Host memory that is watched: the host must not touch it while a copy may."""

    device: "emu.Device"

    def edit(self, size: int) -> np.ndarray:
        """Return the first ``size`` elements for the host to write."""
        self.device.host_writes(self.array[:size])
        return self.array[:size]

    def view(self, size: int) -> np.ndarray:
        """Return the first ``size`` elements for the host to read."""
        self.device.host_reads(self.array[:size])
        return self.array[:size]


class EmuMemory:
    """An emulated device's memory: a source of blocks."""

    def __init__(self, device: "emu.Device") -> None:
        self.device = device

    def allocate(self, size: int) -> "emu.DeviceArray":
        """Return ``size`` bytes that hold garbage."""
        return self.device.empty(size, np.uint8)

    def release(self, raw: "emu.DeviceArray") -> None:
        """Give a block back, once all work is done."""
        raw.free()

    def view(self, raw: "emu.DeviceArray", size: int, dtype: np.dtype) -> "emu.DeviceArray":
        """Return ``size`` elements at the start of a block."""
        return raw[: size * dtype.itemsize].view(dtype)

    def free(self) -> int:
        """Return the memory that is free on this machine, within the device's own."""
        size = available_memory()
        if self.device.memory is not None:
            size = min(size, self.device.memory - self.device.allocated)
        return size


class CudaEmuDevice(BlockChoice, Device):
    """A CUDA device that exists in software only.

    Args:
        number: as in "cuda-emu:1"; devices of different numbers share nothing.
        cc: compute capability that kernels are compiled for.
        block: threads per block; None lets each launch choose.
        mode: "fast", "check" or "race", see ``spikecuda.emu``.
        seed: shuffles the order of blocks, warps and streams; None keeps it.
        memory: bytes of device memory; None takes what the machine has.
        peers: whether it can copy to and from other emulated devices of the same mode.
    """

    kind = EMULATED
    slots = 2

    def __init__(
        self,
        number: int = 0,
        cc: tuple[int, int] = (9, 0),
        block: int | None = None,
        mode: str = "fast",
        seed: int | None = None,
        memory: int | None = None,
        peers: bool = True,
    ) -> None:
        from spikecuda import emu

        self.peers = peers
        self._device = emu.Device(cc=cc, mode=mode, seed=seed, memory=memory, ordinal=number)
        super().__init__(EmuMemory(self._device), HostMemory())
        self.name = f"cuda-emu:{number}"
        if memory is not None:
            self.home = self.name
        self.cc, self.multiprocessors = cc, MULTIPROCESSORS
        self.choose_blocks(block)
        self.speed = 0.02  # 25 ns a thread and step beside 0.5 ns an update on a core
        self.description = f"emulated CUDA device, compute capability {cc[0]}.{cc[1]}"
        self.stream: EmuStream = EmuStream(self._device.stream())
        self.uploads: EmuStream = EmuStream(self._device.stream())
        self.downloads: EmuStream = EmuStream(self._device.stream())
        self._branches: list[emu.Stream] = []
        self._clock_kernel: Any = None

    def allocate(self, name: str, size: int, dtype: Any) -> Buffer:
        """Return a new zeroed buffer."""
        buffer = super().allocate(name, size, dtype)
        buffer.data.named(name)
        return buffer

    def staging(self, buffer: Buffer, host: Buffer, array: np.ndarray) -> Staging:
        """Return a part of host memory, watched, as what is copied to or from a buffer."""
        staging = EmuStaging(buffer, host, array)
        staging.device = self._device
        return staging

    def write(self, buffer: Buffer, values: np.ndarray) -> None:
        """Copy host values to the start of a buffer."""
        source = np.ascontiguousarray(values, buffer.dtype)
        buffer.data[: values.size].copy_from_host(source, self.stream.emu)
        self.stream.synchronize()

    def read(self, buffer: Buffer, size: int | None = None) -> np.ndarray:
        """Return a copy of the first ``size`` elements."""
        part = buffer.data if size is None else buffer.data[:size]
        values = part.copy_to_host(stream=self.stream.emu)
        self.stream.synchronize()
        return np.asarray(values)

    def upload(self, staging: Staging, size: int) -> None:
        """Fill a buffer's first ``size`` elements from its host memory, in ``uploads``."""
        staging.buffer.data[:size].copy_from_host(staging.array[:size], self.uploads.emu)

    def download(self, staging: Staging, size: int) -> None:
        """Copy a buffer's first ``size`` elements to its host memory, in ``downloads``."""
        staging.buffer.data[:size].copy_to_host(staging.array[:size], self.downloads.emu)

    def reach(self, other: Device) -> str:
        """Let buffers of another emulated device be copied here; see ``Device.reach``."""
        if not isinstance(other, CudaEmuDevice):
            return super().reach(other)
        if other._device.mode != self._device.mode:
            return (
                f"{self.name} and {other.name} have different modes ({self._device.mode}, "
                f"{other._device.mode})"
            )
        if not self.peers or not other.peers:
            return f"{(other if self.peers else self).name} was opened with peers=False"
        if other is not self:
            self._device.join(other._device)
        return ""

    def fetch(self, buffer: Buffer, owner: Device, source: Buffer, size: int) -> None:
        """Copy from a buffer of this device or of a peer, in ``stream``."""
        buffer.data[:size].copy_from(source.data[:size], self.stream.emu)

    def part(self) -> None:
        """Be no other device's peer any more."""
        self._device.part()

    @property
    def driven_by(self) -> Hashable:
        """Peers run each other's work where they wait for it: one thread calls all of them."""
        return id(self._device.host)

    def clear(self, buffer: Buffer) -> None:
        """Set a buffer to zero; can be captured."""
        buffer.data.fill(0, self.stream.emu)

    def launch(
        self, kernel: Kernel, arguments: Sequence[Any], batches: Sequence[tuple[int, int]]
    ) -> None:
        """Run a kernel over ranges of neurons, one launch a range, side by side in streams."""
        main = self.stream.emu
        branches = self._fork(len(batches) - 1)
        targets = [main, *branches]
        for i, (mine, (first, last)) in enumerate(
            zip(ranged(kernel, arguments, batches), batches, strict=True)
        ):
            block = self.block_for(kernel, last - first)
            blocks = grid(last - first, block)
            target = targets[i % len(targets)]
            self._device.launch(kernel.function, blocks, block, *mine, stream=target)
        for branch in branches:
            main.wait(branch.record())
        self.launches += len(batches)

    def advance(self, clock: Buffer, steps: int) -> None:
        """Add ``steps`` to a step counter on the device, in stream order; can be captured."""
        from spikecuda import emu
        from spikecuda.kernels.compile.cuda import build_clock

        if self._clock_kernel is None:
            compiled = build_clock(self.cc)
            self._clock_kernel = emu.PTXKernel(compiled.ptx, compiled.entry, device=self._device)
        count = np.int64(steps)
        self._device.launch(self._clock_kernel, 1, 32, clock.data, count, stream=self.stream.emu)
        self.launches += 1

    def capture(self, work: Callable[[], None]) -> Graph:
        """Return what ``work`` launches as a graph, without running it."""
        main, before = self.stream.emu, self.launches
        main.begin_capture()
        try:
            work()
            return EmuGraph(self, main, main.end_capture(), self.launches - before)
        finally:
            if main.capture is not None:
                with contextlib.suppress(Exception):
                    main.end_capture()
            self.launches = before

    def _host_view(self, buffer: Buffer) -> np.ndarray:
        return np.asarray(buffer.data.host)

    def new_stream(self) -> Stream:
        """Return another stream."""
        return EmuStream(self._device.stream())

    def synchronize(self) -> None:
        """Run all work of all streams."""
        self._device.synchronize()

    def preferred_batch(self, count: int, spec: KernelSpec) -> int:
        """Return the whole population."""
        return count

    def _close(self) -> None:
        """Give everything back; work that nothing waited for is dropped."""
        self._device.discard()
        super()._close()
        self._device.close()

    def _fork(self, count: int) -> list["emu.Stream"]:
        """Return up to ``BRANCHES - 1`` streams that go on from the work in ``stream``."""
        count = min(count, BRANCHES - 1)
        while len(self._branches) < count:
            self._branches.append(self._device.stream())
        branches = self._branches[: max(0, count)]
        if branches:
            event = self.stream.emu.record()
            for branch in branches:
                branch.wait(event)
        return branches

    def _build(self, spec: Spec) -> Kernel:
        from spikecuda import emu
        from spikecuda.kernels.compile.cpu import signature
        from spikecuda.kernels.compile.cuda import build

        compiled = build(spec, self.cc)
        function = emu.PTXKernel(
            compiled.ptx, compiled.entry, device=self._device, types=signature(spec)
        )
        return Kernel(spec, function, 0.0, resources={"registers": compiled.resources.registers})
