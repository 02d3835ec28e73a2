"""Python arguments to the bytes of a kernel's parameters, as Numba's CUDA target lays them out."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from .errors import ArgumentError
from .memory import Region, extent

_FLOATS = {2: np.float16, 4: np.float32, 8: np.float64}


_INTEGERS = {1: struct.Struct("<B"), 2: struct.Struct("<H"), 4: struct.Struct("<I")}
_INTEGERS[8] = struct.Struct("<Q")


class Packer:
    """Collects the fields that one launch passes and the memory that they point to.

    Args:
        device: where the kernel will run; a checked one needs to know the memory.
    """

    def __init__(self, device: Any) -> None:
        self.device = device
        self.track: bool = device.checked
        self.fields: list[Any] = []
        self.regions: list[Region] = []
        self.keep: list[Any] = []
        self.held: Any = None  # what must live until the launch has run

    def add(self, value: Any) -> None:
        """Flatten one argument: an array is seven fields (in one dimension), a tuple its items."""
        if isinstance(value, np.ndarray):
            self.array(value)
        elif isinstance(host := getattr(value, "host", None), np.ndarray):
            value.check(self.device)  # a DeviceArray
            self.array(host)
        elif isinstance(value, np.void):
            holder = np.array(value)
            self.keep.append(holder)
            self.regions.append(Region(*extent(holder)))
            self.fields.append(holder.ctypes.data)
        elif isinstance(value, tuple | list):
            for item in value:
                self.add(item)
        elif isinstance(value, complex | np.complexfloating):
            part = np.float32 if isinstance(value, np.complex64) else np.float64
            self.fields += [part(value.real), part(value.imag)]
        elif isinstance(value, np.datetime64 | np.timedelta64):
            self.fields.append(int(value.astype(np.int64)))
        elif isinstance(value, bool | int | float | np.number | np.bool_):
            self.fields.append(value)
        else:
            raise ArgumentError(
                f"a kernel argument must be an array, a number or a tuple of them"
                f" (got {type(value).__name__}); convert it with numpy.asarray"
            )

    def array(self, array: np.ndarray) -> None:
        """Add an array: two words that CUDA ignores, sizes, the address, shape and strides."""
        if array.dtype.hasobject:
            raise ArgumentError(f"an array argument must hold numbers (got dtype {array.dtype})")
        if self.track:
            low, high = extent(array)
            self.regions.append(Region(low, high, None, not array.flags.writeable))
            self.keep.append(array)
        self.fields += [0, 0, array.size, array.itemsize, array.ctypes.data]
        self.fields += [*array.shape, *array.strides]


def _encode(value: Any, name: str, size: int, kind: str | None) -> bytes:
    """One field as ``size`` bytes; ``kind`` is the PTX type, which may be untyped (``.b32``)."""
    if kind is None:
        raise ArgumentError(f"parameter {name} is {size} bytes of a structure; pass its parts")
    if isinstance(value, np.floating) and value.dtype.itemsize == size:
        return value.tobytes()
    if isinstance(value, float | np.floating) or kind.startswith("f"):
        if size not in _FLOATS:
            raise ArgumentError(f"parameter {name} has {size} bytes, no float (got {value!r})")
        if kind[0] in "us" and not isinstance(value, int):
            # NVVM types a float parameter .f32, or .b32; an integer type is a mistake.
            raise ArgumentError(f"parameter {name} is an integer, .{kind} (got {value!r})")
        return np.array(value, _FLOATS[size]).tobytes()
    return _INTEGERS[size].pack(_wrapped(int(value), name, size))


def _wrapped(number: int, name: str, size: int) -> int:
    """An integer as its two's complement of ``size`` bytes."""
    limit = 1 << (8 * size)
    if not -(limit // 2) <= number < limit:
        raise ArgumentError(f"parameter {name} must fit in {size} bytes (got {number})")
    return number % limit


def pack(
    packer: Packer, parameters: Sequence[tuple[str, int, int, str | None]], total: int, kernel: str
) -> np.ndarray:
    """Write the collected fields at the offsets that the PTX gives its parameters."""
    fields = packer.fields
    if len(fields) != len(parameters):
        raise ArgumentError(
            f"kernel {kernel} takes {len(parameters)} fields (got {len(fields)});"
            " an array of n dimensions is 5 + 2 n fields, a number is one"
        )
    buffer = bytearray(max(8, total))
    for value, (name, offset, size, kind) in zip(fields, parameters, strict=True):
        if type(value) is int and kind is not None and kind[0] != "f":
            _INTEGERS[size].pack_into(buffer, offset, _wrapped(value, name, size))
        else:
            buffer[offset : offset + size] = _encode(value, name, size, kind)
    return np.frombuffer(buffer, np.uint8)
