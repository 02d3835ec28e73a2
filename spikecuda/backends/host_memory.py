"""Devices whose memory is the host's: buffers are NumPy arrays."""

from typing import Any

import numpy as np

from spikecuda.backends.base import Buffer, ImmediateDevice
from spikecuda.host import available_memory


class HostMemoryDevice(ImmediateDevice):
    """A device that works on NumPy arrays: the CPU and numba's simulator."""

    def write(self, buffer: Buffer, values: np.ndarray) -> None:
        """Copy host values to the start of a buffer."""
        buffer.data[: values.size] = values

    def read(self, buffer: Buffer, size: int | None = None) -> np.ndarray:
        """Return a view of the first ``size`` elements."""
        return np.asarray(buffer.data[:size])

    def available_memory(self) -> int:
        """Return the memory that is free on this machine and within its limits."""
        return available_memory()

    def _zero(self, buffer: Buffer) -> None:
        buffer.data[:] = 0

    def _allocate(self, size: int, dtype: np.dtype) -> Any:
        return np.zeros(size, dtype)

    def _free(self, buffer: Buffer) -> None:
        pass
