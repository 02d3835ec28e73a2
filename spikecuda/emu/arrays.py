"""Arrays in an emulated device's memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ClosedError, SpikecudaValueError
from .errors import ArgumentError
from .history import READ, WRITE, Access
from .memory import Region, extent

if TYPE_CHECKING:
    from .device import Device
    from .streams import Stream


class DeviceArray:
    """An array in an emulated device's memory.

    Methods that take a stream put their work there: host memory is then read or written when the
    work runs.  Without one they wait for all work of the device, and are done when they return.

    Attributes:
        host: the same memory as a NumPy array; what is done to it directly, the checks don't see.
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

        def work() -> None:
            self.host[...] = values
            self._mark()

        accesses = (access(values, READ), access(self.host, WRITE))
        self.device.do(f"copy to {self._region.what}", work, accesses, stream)

    def copy_to_host(self, target: np.ndarray | None = None, stream: Stream | None = None) -> Any:
        """Return the contents as a new NumPy array, or write them to ``target``."""
        out = np.empty(self.shape, self.dtype) if target is None else target

        def work() -> None:
            out[...] = self.host

        accesses = (access(self.host, READ), access(out, WRITE))
        self.device.do(f"copy of {self._region.what} to the host", work, accesses, stream)
        return out

    def copy_from(self, source: DeviceArray, stream: Stream | None = None) -> None:
        """Copy from an array of any emulated device; unwritten bytes stay unwritten.

        Between two devices, all work of the other one is done first; but if they are peers (see
        ``Device.join``), a copy in a stream waits for what the stream waits for, and no more.
        """
        if source.nbytes != self.nbytes:
            raise SpikecudaValueError(
                f"source must have {self.nbytes} bytes (got {source.nbytes}); copy a slice"
            )
        if source.device is not self.device and (
            stream is None or source.device.host is not self.device.host
        ):
            source.device.synchronize()

        def work() -> None:
            mine = self.host.view(np.uint8)
            mine[...] = source.host.view(np.uint8).reshape(mine.shape)
            written, theirs = self._region.written, source._region.written
            if written is not None and theirs is None:
                self._mark()
            elif written is not None and theirs is not None:
                to = self.pointer - self._region.base
                start = source.pointer - source._region.base
                written[to : to + self.nbytes] = theirs[start : start + self.nbytes]

        accesses = (access(source.host, READ), access(self.host, WRITE))
        name = f"copy of {source._region.what} to {self._region.what}"
        self.device.do(name, work, accesses, stream)

    def fill(self, value: Any, stream: Stream | None = None) -> None:
        """Set every element; marks the array as written."""

        def work() -> None:
            self.host[...] = value
            self._mark()

        self.device.do(f"fill of {self._region.what}", work, (access(self.host, WRITE),), stream)

    def __getitem__(self, key: Any) -> DeviceArray:
        """A view of a part, given by slices."""
        part = self.host[key]
        if not isinstance(part, np.ndarray):
            raise SpikecudaValueError(f"a view needs slices (got {key!r}); use copy_to_host()")
        return DeviceArray(self.device, self._raw, self._region, part)

    def view(self, dtype: Any) -> DeviceArray:
        """The same memory under another dtype."""
        return DeviceArray(self.device, self._raw, self._region, self.host.view(dtype))

    def named(self, name: str) -> DeviceArray:
        """Call the allocation by a name in messages; return the array."""
        self._region.name = name
        return self

    def free(self, stream: Stream | None = None) -> None:
        """Give the allocation back; later accesses by checked kernels are faults."""
        region = self._region

        def work() -> None:
            self.device._free(region)

        accesses = (Access(region.base, region.end, WRITE),)
        self.device.do(f"freeing {region.what}", work, accesses, stream, always=True)

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
        """Note that every byte of the array is written."""
        if self._region.written is None:
            return
        start = self.pointer - self._region.base
        _bytes(self.host, self._region.written[start:])[...] = 1


def access(array: np.ndarray, kind: int) -> Access:
    """Return the bytes of an array's elements as an access."""
    low, high = extent(array)
    if array.flags.c_contiguous:
        return Access(low, high, kind)
    touched = np.zeros(high - low, np.uint8)
    _bytes(array, touched[int(array.ctypes.data) - low :])[...] = kind
    return Access(low, high, touched=touched)


def _bytes(array: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """Return what an array covers of a map of bytes that starts at its first element."""
    if array.flags.c_contiguous:
        return marks[: array.nbytes]
    shape, strides = (*array.shape, array.itemsize), (*array.strides, 1)
    return np.lib.stride_tricks.as_strided(marks, shape, strides)
