"""Fake memory: pools, buffers, page-locked memory of the host, copies."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from fake_base import Gpu, Object, api

from spikecuda.emu.history import READ, WRITE, Access

if TYPE_CHECKING:
    from fake import Fake
    from fake_streams import Stream

GRANULE = 2 << 20  # bytes that a memory pool takes from the system at a time


class MemoryPool(Object):
    """A memory pool of its own."""

    def __init__(self, fake: Fake, *args: Any, **kwargs: Any) -> None:
        given = fake.call("DeviceMemoryResource.__init__", args, kwargs)
        gpu = fake.gpus[int(given["device_id"])]
        assert fake.current() is gpu
        super().__init__(fake, gpu)
        self.used = self.reserved = self.threshold = 0
        self.access = {gpu.number}  # GPUs that may access it
        self.closed = False
        gpu.pools.append(self)

    @property
    def handle(self) -> MemoryPool:
        """What driver functions take."""
        return self

    @property
    def attributes(self) -> Any:
        """Figures, in bytes."""
        assert not self.closed
        return SimpleNamespace(reserved_mem_current=self.reserved, used_mem_current=self.used)

    @api
    def allocate(self, size: int, *, stream: Stream) -> Buffer:
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
    def allocate(self, size: int, *, stream: Any = None) -> PinnedBuffer:
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


def _host_to_device(gpu: Gpu, to: int, source: int, size: int, stream: Stream) -> tuple[()]:
    region = inside(gpu, to, size)

    def copy() -> None:
        ctypes.memmove(to, source, size)
        if region.written is not None:
            region.written[to - region.base : to - region.base + size] = 1

    touched = [Access(source, source + size, READ), Access(to, to + size, WRITE)]
    stream.put("copy to the device", copy, touched)
    return ()


def _device_to_host(gpu: Gpu, to: int, source: int, size: int, stream: Stream) -> tuple[()]:
    inside(gpu, source, size)

    def copy() -> None:
        ctypes.memmove(to, source, size)

    touched = [Access(source, source + size, READ), Access(to, to + size, WRITE)]
    stream.put("copy to the host", copy, touched)
    return ()


def _device_to_device(gpu: Gpu, to: int, source: int, size: int, stream: Stream) -> tuple[()]:
    inside(gpu, source, size)
    return _host_to_device(gpu, to, source, size, stream)


def inside(gpu: Gpu, address: int, size: int) -> Any:
    """Return the allocation that a copy stays within; fail if there is none."""
    regions = gpu.memory.registry.regions.values()
    found = [r for r in regions if r.base <= address and address + size <= r.end]
    assert found, "outside"
    return found[0]


def _set_pool(gpu: Gpu, pool: MemoryPool, attribute: Any, value: Any) -> tuple[()]:
    assert attribute.name == "CU_MEMPOOL_ATTR_RELEASE_THRESHOLD"
    pool.threshold = int(value)
    return ()


def _set_access(gpu: Gpu, pool: MemoryPool, described: Any, count: int) -> tuple[()]:
    assert count == len(described) == 1
    (access,) = described
    assert access.location.type.name == "CU_MEM_LOCATION_TYPE_DEVICE"
    # Nothing else can be given, but for nothing at all.
    assert access.flags.name == "CU_MEM_ACCESS_FLAGS_PROT_READWRITE"
    number = access.location.id
    assert number != pool.gpu.number, "access of a GPU to its own memory cannot be changed"
    assert (number, pool.gpu.number) not in gpu.fake.apart, "these GPUs cannot be peers"
    pool.access.add(number)
    gpu.fake.gpus[number].memory.join(pool.gpu.memory)
    return ()


def _peer_to_peer(
    gpu: Gpu, to: int, context: Any, source: int, other: Any, size: int, stream: Stream
) -> tuple[()]:
    """Copy from one GPU to another: in a stream of the one that receives."""
    (owner,) = (g for g in gpu.fake.gpus if g.context is other)
    assert context is gpu.context, "the context of the destination is not that of the memory"
    region = inside(owner, source, size)
    pools = [pool for pool in owner.pools if not pool.closed]
    # Without it, the driver would take the way through the host.
    assert all(gpu.number in pool.access for pool in pools), f"{region.what} is out of reach"
    return _host_to_device(gpu, to, source, size, stream)


DRIVER: dict[str, Callable[..., tuple[Any, ...]]] = {
    "cuMemGetInfo": lambda gpu: (gpu.free, gpu.fake.total),
    "cuMemcpyHtoDAsync": _host_to_device,
    "cuMemcpyDtoHAsync": _device_to_host,
    "cuMemcpyDtoDAsync": _device_to_device,
    "cuMemPoolSetAttribute": _set_pool,
    "cuMemPoolSetAccess": _set_access,
    "cuMemcpyPeerAsync": _peer_to_peer,
    "cuCtxGetCurrent": lambda gpu: (gpu.context,),
    "cuDeviceCanAccessPeer": lambda gpu, one, other: (
        int(one != other and (one, other) not in gpu.fake.apart),
    ),
}
