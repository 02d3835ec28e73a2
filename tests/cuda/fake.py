"""A fake of cuda.core and of the driver's functions: it records, checks and executes every call.

What it is strict about:

- the signature of each call, as cuda.core's own stubs have it, and the types that they name;
- the order of streams: work waits in its stream until something synchronises, as the emulated
  device's streams do it; in mode "race" work that no event orders is found;
- contexts: every call needs its GPU current in the calling thread;
- memory: fresh memory holds garbage, a pool keeps what its release threshold says;
- kernels: a cubin is found by its bytes, its PTX runs in ``spikecuda.emu``, and its parameters are
  the bytes that cuda.core's own ``ParamHolder`` lays out, cut to the sizes that the PTX declares.

Only what cuda.core has had since 1.0 is here, so that using anything newer fails.
"""

import contextlib
import ctypes
import functools
import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import stubs

from spikecuda import emu
from spikecuda.emu.history import READ, WRITE, Access

GRANULE = 2 << 20  # bytes that a memory pool takes from the system at a time


@dataclass
class Call:
    """One call: its name, its arguments by name and what the queue held."""

    name: str
    arguments: dict[str, Any]
    on: Any = None


@dataclass
class Fake:
    """The fake machine.

    Attributes:
        capabilities: compute capability of each GPU.
        total: bytes of memory of each.
        mode: how kernels run, see ``spikecuda.emu``.
        seed: of the order in which streams, blocks and warps run, likewise.
        calls: all calls so far.
        failures: name of a call -> name of the CUresult that it ends with.
    """

    capabilities: tuple[tuple[int, int], ...] = ((9, 0),)
    total: int = 1 << 30
    mode: str = "fast"
    seed: int | None = None
    calls: list[Call] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from cuda.bindings import driver
        from cuda.core._utils.cuda_utils import CUDAError

        self.kernels: dict[bytes, Any] = {}  # compiled kernels by their cubin
        self.time = 0.0  # device time, ms
        self.pinned = 0  # bytes of page-locked host memory that are allocated now
        self.cuda_error, self.real = CUDAError, driver
        self._local = threading.local()
        self.gpus = [Gpu(self, i, cc) for i, cc in enumerate(self.capabilities)]
        real = stubs.core
        self.types: dict[str, type] = {
            "Stream": Stream, "GraphBuilder": GraphBuilder, "Event": Event, "Kernel": Kernel,
            "Buffer": Buffer, "LaunchConfig": real.LaunchConfig, "Device": Device,
            "EventOptions": real.EventOptions, "int": int, "str": str, "bytes": bytes,
            "IsStreamType": Stream, "None": type(None),
            "DeviceMemoryResourceOptions": real.DeviceMemoryResourceOptions,
        }  # fmt: skip
        self.core = SimpleNamespace(
            Device=self._device,
            DeviceMemoryResource=functools.partial(MemoryPool, self),
            DeviceMemoryResourceOptions=real.DeviceMemoryResourceOptions,
            EventOptions=real.EventOptions,
            LaunchConfig=real.LaunchConfig,
            LegacyPinnedMemoryResource=functools.partial(PinnedMemory, self),
            Buffer=SimpleNamespace(from_handle=self._from_handle),
            Stream=SimpleNamespace(from_handle=self._stream_from_handle),
            LEGACY_DEFAULT_STREAM="legacy",
            PER_THREAD_DEFAULT_STREAM="per thread",
            graph=SimpleNamespace(GraphBuilder=GraphBuilder),
            ObjectCode=SimpleNamespace(from_cubin=self._from_cubin),
            launch=self._launch,
        )
        self.driver = SimpleNamespace(
            CUresult=driver.CUresult,
            CUmemPool_attribute=driver.CUmemPool_attribute,
            cuuint64_t=driver.cuuint64_t,
            cuGetErrorString=lambda error: (driver.CUresult.CUDA_SUCCESS, b"in the driver's words"),
            **{name: functools.partial(self._driver, name) for name in DRIVER},
        )

    # ---- what tests ask

    def named(self, *names: str) -> list[Call]:
        """Return the calls of these names, in order."""
        return [call for call in self.calls if call.name in names]

    @property
    def allocated(self) -> int:
        """Bytes that are allocated now on all GPUs."""
        return sum(gpu.memory.allocated for gpu in self.gpus)

    def forget(self) -> None:
        """Drop the record of calls so far."""
        self.calls.clear()

    # ---- what the fakes share

    def tick(self) -> float:
        """Let the device's time go on by a microsecond; return it."""
        self.time += 0.001
        return self.time

    def call(self, name: str, args: tuple, kwargs: dict, on: Any = None) -> dict[str, Any]:
        """Check a call of cuda.core, record it, and fail it if a test wants so."""
        arguments = stubs.checked(name, args, kwargs, self.types)
        self.note(name, arguments, on)
        if name in self.failures:
            raise self.cuda_error(f"{self.failures[name]}: in cuda.core's words")
        return arguments

    def note(self, name: str, arguments: dict[str, Any], on: Any) -> None:
        """Record a call; it needs the GPU of its object to be current in this thread."""
        gpu = getattr(on, "gpu", None)
        if gpu is not None and not name.endswith(("set_current", "sync", "close")):
            assert self.current() is gpu, f"{name}: GPU {gpu.number} is not current in this thread"
        self.calls.append(Call(name, arguments, on))

    def current(self) -> "Gpu | None":
        """Return the GPU that is current in the calling thread."""
        return getattr(self._local, "gpu", None)

    def _device(self, *args: Any, **kwargs: Any) -> "Device":
        number = self.call("Device.__new__", args, kwargs)["device_id"]
        return Device(self, self.gpus[number])

    def _from_cubin(self, *args: Any, **kwargs: Any) -> "ObjectCode":
        given = self.call("ObjectCode.from_cubin", args, kwargs)
        assert self.current() is not None
        return ObjectCode(self, self.kernels[given["module"]])

    def _from_handle(self, *args: Any, **kwargs: Any) -> Any:
        given = self.call("Buffer.from_handle", args, kwargs)
        assert self.current() is not None
        _inside(self.current(), given["ptr"], given["size"])
        return SimpleNamespace(handle=given["ptr"], size=given["size"], owner=given["owner"])

    def _stream_from_handle(self, *args: Any, **kwargs: Any) -> "Stream":
        given = self.call("Stream.from_handle", args, kwargs)
        gpu = self.current()
        assert gpu is not None
        return gpu.streams[given["handle"]]

    def _launch(self, *args: Any, **kwargs: Any) -> None:
        given = self.call("launch", args, kwargs, args[0] if args else None)
        kernel, config = given["kernel"], given["config"]
        kernel.launch(config, given.get("kernel_args", ()), given["stream"])

    def _driver(self, name: str, *args: Any) -> tuple[Any, ...]:
        """Check, record and execute a function of cuda.bindings.driver."""
        bound = inspect.signature(getattr(self.real, name)).bind(*args)
        gpu = self.current()
        assert gpu is not None, f"{name}: no GPU is current in this thread"
        self.note(name, dict(bound.arguments), None)
        if name in self.failures:
            return (getattr(self.real.CUresult, self.failures[name]),)
        result = DRIVER[name](gpu, *args)
        success = self.real.CUresult.CUDA_SUCCESS
        return (success, *result) if result else (success,)


@dataclass
class Gpu:
    """One GPU: its memory pools and its emulated twin."""

    fake: Fake
    number: int
    capability: tuple[int, int]

    def __post_init__(self) -> None:
        minor = 6 if self.capability == (8, 7) else self.capability[1]
        known = (self.capability[0], minor) in emu.ARCHITECTURES
        cc = (self.capability[0], minor) if known else (9, 0)
        self.memory = emu.Device(cc=cc, mode=self.fake.mode, seed=self.fake.seed)
        self.pools: list[MemoryPool] = []
        self.streams: dict[int, Stream] = {}  # by handle

    @property
    def free(self) -> int:
        """Bytes that no pool holds."""
        return self.fake.total - sum(pool.reserved for pool in self.pools)


class Object:
    """Base of the fakes: ``api`` methods are checked, recorded and may fail."""

    def __init__(self, fake: Fake, gpu: Gpu) -> None:
        self.fake, self.gpu = fake, gpu


def api(method: Callable[..., Any]) -> Callable[..., Any]:
    """Check, record and run a method of the fake class that cuda.core has under the same name."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        name = f"{STUBS.get(type(self).__name__, type(self).__name__)}.{method.__name__}"
        self.fake.call(name, args, kwargs, self)
        return method(self, *args, **kwargs)

    return call


STUBS = {
    "MemoryPool": "DeviceMemoryResource",
    "PinnedMemory": "LegacyPinnedMemoryResource",
    "PinnedBuffer": "Buffer",
}


class Device(Object):
    """A thread's object for a GPU."""

    @property
    def compute_capability(self) -> Any:
        """As a named tuple."""
        return SimpleNamespace(major=self.gpu.capability[0], minor=self.gpu.capability[1])

    @property
    def name(self) -> str:
        """What it is."""
        return f"Fake GPU {self.gpu.number}"

    @property
    def properties(self) -> Any:
        """Figures of an H100: kHz, bits, bytes."""
        return SimpleNamespace(
            multiprocessor_count=132, clock_rate=1_980_000, memory_clock_rate=2_619_000,
            global_memory_bus_width=5120, l2_cache_size=52_428_800,
        )  # fmt: skip

    @api
    def set_current(self, ctx: Any = None) -> None:
        """Make the GPU current in this thread."""
        self.fake._local.gpu = self.gpu

    @api
    def create_stream(self, obj: Any = None, options: Any = None) -> "Stream":
        """Return a new stream."""
        return Stream(self.fake, self.gpu)

    @api
    def create_graph_builder(self) -> "GraphBuilder":
        """Return a new builder."""
        return GraphBuilder(self.fake, self.gpu)


class Stream(Object):
    """A queue of work that runs when something waits for it."""

    def __init__(self, fake: Fake, gpu: Gpu) -> None:
        super().__init__(fake, gpu)
        self.emu = gpu.memory.stream()
        self.closed = False
        self.number = 0x5000 + len(gpu.streams)
        gpu.streams[self.number] = self

    def __int__(self) -> int:
        return self.number

    @property
    def handle(self) -> "Stream":
        """What driver functions take."""
        return self

    def put(self, name: str, work: Callable[[], Any], accesses: Any = (), **options: Any) -> None:
        """Add work."""
        assert not self.closed, "work for a closed stream"
        self.emu.put(name, work, accesses, **options)

    @api
    def sync(self) -> None:
        """Run what is queued."""
        self.emu.synchronize()
        for pool in self.gpu.pools:
            pool.trim()

    @api
    def record(self, event: Any = None, options: Any = None) -> "Event":
        """Return an event, a new one or one moved here."""
        if event is None:
            event = Event(self.fake, self.gpu)
            event.timed = bool(options and options.timing_enabled)
        else:
            assert options is None, "options are for new events"
        event.time = None
        self.put("time", event.happen, note=False)
        self.emu.record(event.emu)
        return event

    @api
    def wait(self, event_or_stream: Any) -> None:
        """Let later work wait for an event, or for what is in another stream now."""
        if isinstance(event_or_stream, Stream):
            self.emu.wait(event_or_stream.emu.record())
        else:
            self.emu.wait(event_or_stream.emu)

    @api
    def close(self) -> None:
        """Finish."""
        self.emu.close()
        self.closed = True


class Event(Object):
    """A point in a stream."""

    def __init__(self, fake: Fake, gpu: Gpu) -> None:
        super().__init__(fake, gpu)
        self.emu = gpu.memory.event()
        self.time: float | None = None
        self.timed = False

    def happen(self) -> None:
        """Note the device's time."""
        self.time = self.fake.tick()

    @api
    def sync(self) -> None:
        """Wait."""
        self.emu.synchronize()

    def __sub__(self, other: "Event") -> float:
        if not (self.timed and other.timed):
            raise RuntimeError("Both Events must be created with timing enabled")
        if self.time is None or other.time is None:
            raise RuntimeError("One or both events have not completed")
        return self.time - other.time


class MemoryPool(Object):
    """A memory pool of its own."""

    def __init__(self, fake: Fake, *args: Any, **kwargs: Any) -> None:
        given = fake.call("DeviceMemoryResource.__init__", args, kwargs)
        gpu = fake.gpus[int(given["device_id"])]
        assert fake.current() is gpu
        super().__init__(fake, gpu)
        self.used = self.reserved = self.threshold = 0
        self.closed = False
        gpu.pools.append(self)

    @property
    def handle(self) -> "MemoryPool":
        """What driver functions take."""
        return self

    @property
    def attributes(self) -> Any:
        """Figures, in bytes."""
        assert not self.closed
        return SimpleNamespace(reserved_mem_current=self.reserved, used_mem_current=self.used)

    @api
    def allocate(self, size: int, *, stream: "Stream") -> "Buffer":
        """Return memory that holds garbage."""
        want = -(-(self.used + size) // GRANULE) * GRANULE
        if want - self.reserved > self.gpu.free:
            raise self.fake.cuda_error("CUDA_ERROR_OUT_OF_MEMORY: in cuda.core's words")
        self.used += size
        self.reserved = max(self.reserved, want)
        return Buffer(self, self.gpu.memory.empty(size, np.uint8), stream)

    def trim(self) -> None:
        """Give back what is above the threshold, as a synchronisation does."""
        least = -(-self.used // GRANULE) * GRANULE
        self.reserved = max(least, min(self.reserved, self.threshold))

    @api
    def close(self) -> None:
        """Give the pool back, once nothing of it is in use."""
        self.closed = True
        self.settle()

    def settle(self) -> None:
        """Let a closed pool that is empty go."""
        if self.closed and not self.used:
            self.reserved = 0


class Buffer(Object):
    """Device memory."""

    def __init__(self, pool: MemoryPool, data: Any, stream: Any) -> None:
        super().__init__(pool.fake, pool.gpu)
        self.pool, self.data, self.open, self.stream = pool, data, True, stream

    @property
    def handle(self) -> int:
        """Its address."""
        return int(self.data.pointer)

    @property
    def size(self) -> int:
        """Its bytes."""
        return int(self.data.nbytes)

    @api
    def fill(self, value: int, *, stream: Any) -> None:
        """Set every byte."""
        stream = getattr(stream, "stream", stream)
        self.data.fill(value, stream.emu)

    @api
    def close(self, stream: Any = None) -> None:
        """Free in stream order."""

        self._end(stream)

    def _end(self, stream: Any) -> None:
        """Free in the order of a stream, or now if there is none any more."""
        pool, region, size = self.pool, self.data._region, self.size
        self.open = False

        def free() -> None:
            pool.used -= size
            pool.gpu.memory._free(region)
            pool.settle()

        if stream.closed:
            free()
        else:
            whole = [Access(region.base, region.end, WRITE)]
            stream.put("freeing a buffer", free, whole, always=True)

    def __del__(self) -> None:
        # cuda.core frees what is forgotten, too, in the order of the stream that allocated it.
        if self.open:
            self._end(self.stream)


class PinnedMemory(Object):
    """Page-locked host memory from cuMemAllocHost: not from a pool, not in stream order."""

    def __init__(self, fake: Fake, *args: Any, **kwargs: Any) -> None:
        gpu = fake.current()
        assert gpu is not None
        super().__init__(fake, gpu)

    @api
    def allocate(self, size: int, *, stream: Any = None) -> "PinnedBuffer":
        """Return memory that holds garbage."""
        return PinnedBuffer(self, size)


class PinnedBuffer(Object):
    """Page-locked host memory."""

    def __init__(self, memory: PinnedMemory, size: int) -> None:
        super().__init__(memory.fake, memory.gpu)
        self.array: np.ndarray | None = np.full(size, 0xCB, np.uint8)
        self.size = size
        self.fake.pinned += size

    @property
    def handle(self) -> int:
        """Its address."""
        assert self.array is not None
        return int(self.array.ctypes.data)

    @api
    def close(self, stream: Any = None) -> None:
        """Free once the stream has run."""
        assert self.array is not None, "freed twice"
        if stream is not None:
            stream.emu.synchronize()
        self.array = None
        self.fake.pinned -= self.size


class GraphBuilder(Object):
    """Records work instead of queueing it, by the capture of a stream of its own."""

    def __init__(self, fake: Fake, gpu: Gpu, stream: Stream | None = None) -> None:
        super().__init__(fake, gpu)
        self.stream = stream or Stream(fake, gpu)
        self.state = "new" if stream is None else "building"
        self.is_join_required = stream is not None
        self.graph: Any = None

    def put(self, name: str, work: Callable[[], Any], accesses: Any = ()) -> None:
        """Add work."""
        assert self.state == "building"
        self.stream.put(name, work, accesses)

    @api
    def begin_building(self, mode: str = "relaxed") -> "GraphBuilder":
        """Start."""
        assert self.state == "new"
        self.stream.emu.begin_capture()
        self.state = "building"
        return self

    @api
    def split(self, count: int) -> tuple["GraphBuilder", ...]:
        """Return this builder and others that go on from here."""
        if count < 2:
            raise ValueError(f"Invalid split count: expecting >= 2, got {count}")
        assert self.state == "building"
        event = self.stream.emu.record()
        others = []
        for _ in range(count - 1):
            stream = Stream(self.fake, self.gpu)
            stream.emu.wait(event)
            others.append(GraphBuilder(self.fake, self.gpu, stream))
        return (self, *others)

    def join(self, *builders: "GraphBuilder") -> "GraphBuilder":
        """Let the one that was split wait for the others, which end here."""
        self.fake.call("GraphBuilder.join", builders, {}, self)
        if len(builders) < 2:
            raise ValueError("Must join with at least two graph builders")
        root = next(b for b in builders if not b.is_join_required)
        for builder in builders:
            if builder is not root:
                root.stream.emu.wait(builder.stream.emu.record())
                builder.state = "closed"
        return root

    @api
    def end_building(self) -> "GraphBuilder":
        """End."""
        assert self.state == "building" and not self.is_join_required
        self.graph = self.stream.emu.end_capture()
        self.state = "ended"
        return self

    @api
    def complete(self, options: Any = None) -> "Graph":
        """Return the graph."""
        assert self.state == "ended"
        return Graph(self.fake, self.gpu, self.graph)

    @api
    def close(self) -> None:
        """End what was never ended, too."""
        if self.state == "building" and not self.is_join_required:
            with contextlib.suppress(emu.LaunchError):  # work that was never joined
                self.stream.emu.end_capture()
        self.state = "closed"


class Graph(Object):
    """Work to be queued again and again."""

    def __init__(self, fake: Fake, gpu: Gpu, graph: Any) -> None:
        super().__init__(fake, gpu)
        self.graph = graph

    @api
    def launch(self, stream: Stream) -> None:
        """Queue everything."""
        self.graph.launch(stream.emu)

    @api
    def close(self) -> None:
        """Forget."""


class ObjectCode(Object):
    """A loaded cubin."""

    def __init__(self, fake: Fake, compiled: Any) -> None:
        gpu = fake.current()
        assert gpu is not None
        super().__init__(fake, gpu)
        self.compiled = compiled

    @api
    def get_kernel(self, name: str) -> "Kernel":
        """Return its kernel."""
        assert name == self.compiled.entry, f"the cubin has no {name}"
        return Kernel(self.fake, self.gpu, self.compiled)


class Kernel(Object):
    """A kernel that runs as PTX."""

    def __init__(self, fake: Fake, gpu: Gpu, compiled: Any) -> None:
        super().__init__(fake, gpu)
        assert compiled.cc[0] == gpu.capability[0] and compiled.cc <= gpu.capability
        self.ptx = emu.PTXKernel(compiled.ptx, compiled.entry, device=gpu.memory)

    def launch(self, config: Any, arguments: tuple[Any, ...], stream: Any) -> None:
        """Copy the parameters, as a launch does, and put the kernel in a stream or a graph."""
        from cuda.core._kernel_arg_handler import ParamHolder

        memory = self.gpu.memory
        parameters = self.ptx.program(memory.checked).translation.parameters
        assert len(arguments) == len(parameters), f"{len(arguments)} for {len(parameters)}"
        holder = ParamHolder(arguments)
        addresses = ctypes.cast(holder.ptr, ctypes.POINTER(ctypes.c_void_p))
        values = []
        for i, (name, _, size, kind) in enumerate(parameters):
            given = ctypes.sizeof(arguments[i])
            assert given == size, f"{name} has {size} bytes (got {given})"
            raw = ctypes.string_at(addresses[i], size)
            if kind.startswith("f"):
                values.append(np.frombuffer(raw, f"f{size}")[0])
            else:
                values.append(int.from_bytes(raw, "little"))
        queue = getattr(stream, "stream", stream)
        assert not queue.closed and getattr(stream, "state", "building") == "building"
        memory.launch(self.ptx, config.grid, config.block, *values, stream=queue.emu)
        queue.emu.put("time", self.fake.tick, note=False)


def _host_to_device(gpu: Gpu, to: int, source: int, size: int, stream: Stream) -> tuple[()]:
    region = _inside(gpu, to, size)

    def copy() -> None:
        ctypes.memmove(to, source, size)
        if region.written is not None:
            region.written[to - region.base : to - region.base + size] = 1

    touched = [Access(source, source + size, READ), Access(to, to + size, WRITE)]
    stream.put("copy to the device", copy, touched)
    return ()


def _device_to_host(gpu: Gpu, to: int, source: int, size: int, stream: Stream) -> tuple[()]:
    _inside(gpu, source, size)

    def copy() -> None:
        ctypes.memmove(to, source, size)

    touched = [Access(source, source + size, READ), Access(to, to + size, WRITE)]
    stream.put("copy to the host", copy, touched)
    return ()


def _device_to_device(gpu: Gpu, to: int, source: int, size: int, stream: Stream) -> tuple[()]:
    _inside(gpu, source, size)
    return _host_to_device(gpu, to, source, size, stream)


def _inside(gpu: Gpu, address: int, size: int) -> Any:
    """Return the allocation that a copy stays within; fail if there is none."""
    regions = gpu.memory.registry.regions.values()
    found = [r for r in regions if r.base <= address and address + size <= r.end]
    assert found, "outside"
    return found[0]


def _set_pool(gpu: Gpu, pool: MemoryPool, attribute: Any, value: Any) -> tuple[()]:
    assert attribute.name == "CU_MEMPOOL_ATTR_RELEASE_THRESHOLD"
    pool.threshold = int(value)
    return ()


DRIVER: dict[str, Callable[..., tuple[Any, ...]]] = {
    "cuMemGetInfo": lambda gpu: (gpu.free, gpu.fake.total),
    "cuMemcpyHtoDAsync": _host_to_device,
    "cuMemcpyDtoHAsync": _device_to_host,
    "cuMemcpyDtoDAsync": _device_to_device,
    "cuMemPoolSetAttribute": _set_pool,
}
