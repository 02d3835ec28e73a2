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

import functools
import inspect
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import stubs
from fake_base import Gpu, Object, api
from fake_kernels import Kernel, ObjectCode
from fake_memory import DRIVER, Buffer, MemoryPool, PinnedMemory, inside
from fake_streams import Event, GraphBuilder, Stream


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
        apart: pairs of GPUs of which the first cannot access the memory of the second.
        calls: all calls so far.
        failures: name of a call -> name of the CUresult that it ends with.
    """

    capabilities: tuple[tuple[int, int], ...] = ((9, 0),)
    total: int = 1 << 30
    mode: str = "fast"
    seed: int | None = None
    apart: tuple[tuple[int, int], ...] = ()
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
            CUmemAccessDesc=driver.CUmemAccessDesc,
            CUmemLocationType=driver.CUmemLocationType,
            CUmemAccess_flags=driver.CUmemAccess_flags,
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
        inside(self.current(), given["ptr"], given["size"])
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
