"""DLPack capsules for memory of a GPU, by ctypes: what NumPy does for memory of the host.

Source: DLPack 1.0, https://dmlc.github.io/dlpack/latest/c_api.html: DLTensor, DLManagedTensor and
DLManagedTensorVersioned, and the life of a capsule in the Python specification there.
"""

import ctypes
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError

CPU, CUDA = 1, 2
READ_ONLY = 1
CODES = {"i": 0, "u": 1, "f": 2}
PLAIN, VERSIONED = b"dltensor", b"dltensor_versioned"


class _Tensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


_Deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class _Managed(ctypes.Structure):
    _fields_ = (("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", _Deleter))


class _Versioned(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", _Deleter),
        ("flags", ctypes.c_uint64),
        ("tensor", _Tensor),
    )


_python = ctypes.pythonapi
_Destructor = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
_new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, _Destructor)(
    ("PyCapsule_New", _python)
)
# Of a capsule that is being destroyed nothing but its address may be used.
_pointer_at = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", _python)
)
_valid_at = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_IsValid", _python)
)
_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", _python)
)
_valid = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_IsValid", _python)
)
_rename = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_SetName", _python)
)

# What exported tensors need for as long as a consumer has them, by number.
_exported: dict[int, tuple[Any, ...]] = {}
_numbers = itertools.count(1)


@dataclass(frozen=True, eq=False)
class Memory:
    """A tensor of another library.

    Attributes:
        pointer: address of the first element.
        shape, strides: both in elements.
        dtype: NumPy type of an element.
        device: (type, number) as DLPack counts them.
        read_only: whether it must not be written.
        owner: keeps the memory alive.
    """

    pointer: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype
    device: tuple[int, int]
    read_only: bool
    owner: Any


def export(
    pointer: int,
    shape: tuple[int, ...],
    dtype: np.dtype,
    device: tuple[int, int],
    owner: Any,
    max_version: tuple[int, int] | None = None,
) -> Any:
    """Return a capsule of a contiguous array.

    Args:
        pointer, shape, dtype: the array.
        device: (type, number) as DLPack counts them.
        owner: kept until the consumer has given the tensor back.
        max_version: the newest version that the consumer understands; None: before 1.0.
    """
    number = next(_numbers)
    dims = (ctypes.c_int64 * len(shape))(*shape)
    steps = (ctypes.c_int64 * len(shape))(*(math.prod(shape[i + 1 :]) for i in range(len(shape))))
    tensor = _Tensor(
        pointer, *device, len(shape), CODES[dtype.kind], 8 * dtype.itemsize, 1, dims, steps, 0
    )
    if max_version is not None and max_version >= (1, 0):
        managed: Any = _Versioned(1, 0, number, _forget_versioned, 0, tensor)
        name, destructor = VERSIONED, _drop_versioned
    else:
        managed = _Managed(tensor, number, _forget_plain)
        name, destructor = PLAIN, _drop_plain
    _exported[number] = (managed, dims, steps, owner)
    return _new(ctypes.addressof(managed), name, destructor)


def take(capsule: Any) -> Memory:
    """Return what a capsule holds, and mark the capsule as used.

    Raises:
        SpikecudaTypeError: no DLPack capsule, or one that was used already.
        SpikecudaValueError: a version or a type of element that is not known here.
    """
    for name, kind in ((VERSIONED, _Versioned), (PLAIN, _Managed)):
        if _valid(capsule, name):
            managed = kind.from_address(_pointer(capsule, name))
            break
    else:
        raise SpikecudaTypeError(
            f"__dlpack__ must return a capsule that nobody has used (got {capsule!r})"
        )
    if isinstance(managed, _Versioned) and managed.major != 1:
        raise SpikecudaValueError(
            f"DLPack must be of version 1 or earlier (got {managed.major}.{managed.minor})"
        )
    tensor = managed.tensor
    kinds = {code: kind for kind, code in CODES.items()}
    if tensor.code not in kinds or tensor.lanes != 1 or tensor.bits % 8:
        raise SpikecudaValueError(
            f"arrays must hold plain numbers (got DLPack type {tensor.code}, {tensor.bits} bits, "
            f"{tensor.lanes} lanes); convert them"
        )
    shape = tuple(tensor.shape[i] for i in range(tensor.ndim))
    if tensor.strides:
        strides = tuple(tensor.strides[i] for i in range(tensor.ndim))
    else:
        strides = tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
    _rename(capsule, {VERSIONED: b"used_dltensor_versioned", PLAIN: b"used_dltensor"}[name])
    return Memory(
        (tensor.data or 0) + tensor.byte_offset, shape, strides,
        np.dtype(f"{kinds[tensor.code]}{tensor.bits // 8}"),
        (tensor.device_type, tensor.device_id),
        bool(managed.flags & READ_ONLY) if isinstance(managed, _Versioned) else False,
        _Owner(managed),
    )  # fmt: skip


class _Owner:
    """Gives a tensor back to its library when nobody needs it any more."""

    def __init__(self, managed: Any) -> None:
        self._managed = managed

    def __del__(self) -> None:
        managed, self._managed = self._managed, None
        if managed is not None and managed.deleter:
            managed.deleter(ctypes.addressof(managed))


def _forget(kind: Any) -> Callable[[int], None]:
    """Return a deleter: the consumer needs the tensor no longer."""

    def deleter(address: int) -> None:
        _exported.pop(kind.from_address(address).context, None)

    return deleter


def _drop(kind: Any, name: bytes) -> Callable[[int], None]:
    """Return a destructor: the capsule ends; unless it was used, the tensor does, too."""

    def destructor(capsule: int) -> None:
        if _valid_at(capsule, name):
            _exported.pop(kind.from_address(_pointer_at(capsule, name)).context, None)

    return destructor


_forget_plain, _forget_versioned = _Deleter(_forget(_Managed)), _Deleter(_forget(_Versioned))
_drop_plain = _Destructor(_drop(_Managed, PLAIN))
_drop_versioned = _Destructor(_drop(_Versioned, VERSIONED))
