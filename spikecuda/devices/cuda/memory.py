"""Memory of a GPU and page-locked memory of the host, through cuda.core."""

import ctypes
from typing import Any

import cuda.core as core
import numpy as np
from cuda.bindings import driver

from spikecuda.devices.cuda.stream import check, report_failures


class GpuMemory:
    """A GPU's memory, in a stream-ordered pool of its own: a source of blocks.

    Args:
        number: of the GPU, which is current in the calling thread.
        stream: whose order allocations and frees follow.
    """

    def __init__(self, number: int, stream: core.Stream) -> None:
        self.number, self.stream = number, stream
        self.pool = core.DeviceMemoryResource(
            number, core.DeviceMemoryResourceOptions(ipc_enabled=False)
        )
        # Keep freed memory for the next run; by default every synchronisation gives it back.
        threshold = driver.CUmemPool_attribute.CU_MEMPOOL_ATTR_RELEASE_THRESHOLD
        most = driver.cuuint64_t(2**64 - 1)
        check(driver.cuMemPoolSetAttribute(self.pool.handle, threshold, most))

    @report_failures
    def allocate(self, size: int) -> core.Buffer:
        """Return ``size`` bytes that hold anything."""
        core.Device(self.number).set_current()
        return self.pool.allocate(size, stream=self.stream)

    @report_failures
    def release(self, raw: core.Buffer) -> None:
        """Give a block back to the driver's pool, in stream order."""
        core.Device(self.number).set_current()
        raw.close(self.stream)

    def view(self, raw: core.Buffer, size: int, dtype: np.dtype) -> core.Buffer:
        """Return the block: kernels and copies take its address."""
        return raw

    @report_failures
    def free(self) -> int:
        """Return the GPU's free memory, and what the driver's pool holds unused."""
        core.Device(self.number).set_current()
        size, _ = check(driver.cuMemGetInfo())
        held = self.pool.attributes
        return int(size) + held.reserved_mem_current - held.used_mem_current


class PinnedMemory:
    """Page-locked host memory, which a GPU copies by itself: a source of blocks."""

    def __init__(self, number: int, stream: core.Stream) -> None:
        self.number, self.stream = number, stream
        self.resource = core.LegacyPinnedMemoryResource()

    @report_failures
    def allocate(self, size: int) -> core.Buffer:
        """Return ``size`` bytes that hold anything."""
        core.Device(self.number).set_current()
        return self.resource.allocate(size, stream=self.stream)

    @report_failures
    def release(self, raw: core.Buffer) -> None:
        """Give a block back once the stream's work is done."""
        core.Device(self.number).set_current()
        raw.close(self.stream)

    def view(self, raw: core.Buffer, size: int, dtype: np.dtype) -> np.ndarray:
        """Return ``size`` elements at the start of a block; valid while the block is."""
        memory: Any = ctypes.c_uint8 * (size * dtype.itemsize)
        return np.frombuffer(memory.from_address(int(raw.handle)), dtype)

    def free(self) -> int:
        """Return the memory that is free on this machine."""
        from spikecuda.common.host_memory import available_memory

        return available_memory()
