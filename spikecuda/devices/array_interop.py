"""Arrays shared with other libraries, without a copy: NumPy, CuPy, PyTorch, JAX, Numba.

Memory of the host goes by NumPy and its DLPack; memory of a GPU by ``__cuda_array_interface__``
(version 3) and DLPack (1.0).  See ``docs/memory.md`` for who owns what, and for the order of work.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spikecuda.common.fixed import Fixed
from spikecuda.devices import dlpack
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError


@dataclass(frozen=True, eq=False)
class GpuArray:
    """A contiguous array of another library in a GPU's memory.

    Attributes:
        pointer: address of the first element.
        shape, dtype: of the array.
        owner: keeps the memory alive.
    """

    pointer: int
    shape: tuple[int, ...]
    dtype: np.dtype
    owner: Any

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    def rows(self, first: int, count: int) -> "GpuArray":
        """Return some rows; of one dimension, some elements."""
        row = math.prod(self.shape[1:]) * self.dtype.itemsize
        return replace(self, pointer=self.pointer + first * row, shape=(count, *self.shape[1:]))


def lies_on_gpu(value: object) -> bool:
    """Return whether a value is an array in a GPU's memory."""
    if isinstance(value, np.ndarray | np.generic | int | float | list | tuple | str):
        return False
    if isinstance(value, GpuArray):
        return True
    where = getattr(value, "__dlpack_device__", None)
    if where is not None:
        return int(where()[0]) == dlpack.CUDA
    return hasattr(value, "__cuda_array_interface__")


def adopt(value: Any, number: int, stream: int, follow: Callable[[int], None]) -> GpuArray:
    """Return an array of another library, ready for work in a stream.

    Args:
        value: has DLPack or ``__cuda_array_interface__``.
        number: of the GPU it must lie on.
        stream: handle of the stream that will use it.
        follow: lets that stream wait for what is in another one, given by its handle.

    Raises:
        SpikecudaValueError: it lies on another GPU, or is not contiguous.
    """
    if hasattr(value, "__dlpack_device__"):
        kind, where = (int(v) for v in value.__dlpack_device__())
        if (kind, where) != (dlpack.CUDA, number):
            raise SpikecudaValueError(
                f"arrays must lie on cuda:{number} (got one on cuda:{where}); copy it there"
            )
        # The producer lets the stream wait for what writes the array.
        memory = dlpack.take(value.__dlpack__(stream=stream))
        expected = tuple(math.prod(memory.shape[i + 1 :]) for i in range(len(memory.shape)))
        _contiguous(all(
            n < 2 or a == b
            for n, a, b in zip(memory.shape, memory.strides, expected, strict=True)
        ))  # fmt: skip
        return GpuArray(memory.pointer, memory.shape, memory.dtype, memory.owner)
    facts = value.__cuda_array_interface__
    dtype, shape = np.dtype(facts["typestr"]), tuple(facts["shape"])
    if facts.get("mask") is not None:
        raise SpikecudaValueError("arrays must not be masked (got a mask); fill it")
    strides = facts.get("strides")
    if strides is not None:
        expected = tuple(math.prod(shape[i + 1 :]) * dtype.itemsize for i in range(len(shape)))
        _contiguous(tuple(strides) == expected)
    if facts.get("stream") is not None:
        follow(int(facts["stream"]))
    return GpuArray(int(facts["data"][0]), shape, dtype, value)


def _contiguous(so: bool) -> None:
    if not so:
        raise SpikecudaValueError(
            "arrays on a GPU must be contiguous, rows one after the other (got strides); copy it"
        )


class StateArray(Fixed):
    """A state where it lies: other libraries read and write it in place.

    Has ``__array__`` and DLPack where the memory is the host's, ``__cuda_array_interface__`` and
    DLPack where it is a GPU's.

    Args:
        name: of the state.
        host: the memory as a NumPy array, or None if it is a GPU's.
        pointer, size, dtype: the array.
        number: of the GPU.
        owner: keeps the memory alive.
        settle: waits for the work that writes the state.

    Attributes:
        shape, dtype: of the array.
    """

    def __init__(
        self,
        name: str,
        host: np.ndarray | None,
        pointer: int,
        size: int,
        dtype: np.dtype,
        number: int,
        owner: Any,
        settle: Callable[[], None],
    ) -> None:
        self.name, self.shape, self.dtype = name, (size,), dtype
        self._host, self._pointer, self._number = host, pointer, number
        self._owner, self._settle = owner, settle
        self._fix()

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        self._settle()
        if self._host is None:
            raise SpikecudaTypeError(
                f"{self.name} lies on cuda:{self._number} (got a wish for a NumPy array); use "
                f'pool.state["{self.name}"], which copies'
            )
        if dtype is not None and np.dtype(dtype) != self.dtype:
            if copy is False:
                raise SpikecudaValueError(
                    f"{self.name} is {self.dtype.name} (got copy=False with {np.dtype(dtype).name})"
                )
            return self._host.astype(dtype)
        return self._host.copy() if copy else self._host

    def __dlpack_device__(self) -> tuple[int, int]:
        return (dlpack.CPU, 0) if self._host is not None else (dlpack.CUDA, self._number)

    def __dlpack__(
        self,
        *,
        stream: int | None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        if (dl_device is not None and tuple(dl_device) != self.__dlpack_device__()) or copy:
            raise BufferError(f"{self.name} is shared as it is, where it is; copy it afterwards")
        self._settle()  # so that any stream may use it
        device, host = self.__dlpack_device__(), self._host
        pointer = self._pointer if host is None else int(host.ctypes.data)
        owner = self._owner if host is None else host
        return dlpack.export(pointer, self.shape, self.dtype, device, owner, max_version)

    def __getattr__(self, name: str) -> Any:
        # hasattr() must tell whether there is one.
        if name == "__cuda_array_interface__" and self._host is None:
            self._settle()
            return {
                "shape": self.shape,
                "typestr": self.dtype.str,
                "data": (self._pointer, False),
                "version": 3,
                "strides": None,
                "stream": None,
            }
        raise AttributeError(name)

    def __repr__(self) -> str:
        where = "host memory" if self._host is not None else f"cuda:{self._number}"
        return f"<StateArray: {self.name}, {self.shape[0]:,} {self.dtype.name} in {where}>"
