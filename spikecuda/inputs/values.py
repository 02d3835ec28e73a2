"""The numbers of an input: checked and copied when the input is made."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from spikecuda.common.arrays import take_array, take_reals, view_array
from spikecuda.devices.array_interop import GpuArray, lies_on_gpu
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError

Adopt = Callable[[Any], GpuArray]


class OnGpu:
    """Another library's array in a GPU's memory; it stays there, and a run uses it as it is then.

    Args:
        name: of the argument, for messages.
        array: what has DLPack or ``__cuda_array_interface__``.
    """

    def __init__(self, name: str, array: Any) -> None:
        self.name, self.array = name, array
        self.shape = tuple(array.shape)

    def adopt(self, adopt: Adopt | None) -> GpuArray:
        """Return it ready for a device; raise if there is none that can use it."""
        if adopt is None:
            raise in_host_memory(self.name)
        return self.array if isinstance(self.array, GpuArray) else adopt(self.array)


def there(name: str, value: Any) -> OnGpu | GpuArray | None:
    """Return a value that lies in a GPU's memory as what it is; None if it lies in the host's."""
    if isinstance(value, OnGpu | GpuArray):
        return value
    return OnGpu(name, value) if lies_on_gpu(value) else None


def per_neuron(name: str, value: Any) -> float | np.ndarray | OnGpu | GpuArray:
    """Return one number, or one per neuron: an own, read-only array, or what lies on a GPU."""
    if found := there(name, value):
        return found
    array = take_reals(name, value, "a number or an array of one number per neuron")
    if array.ndim > 1:
        raise SpikecudaValueError(
            f"{name} must be one number or one per neuron (got shape {array.shape})"
        )
    return array if array.ndim else float(array)


def per_step(name: str, value: Any, keep: bool = True) -> np.ndarray:
    """Return numbers for every step, of their own type.

    Args:
        name: for messages.
        value: shape (steps,) or (steps, neurons).
        keep: whether the input outlives the call: then it has a copy of its own.
    """
    take = take_array if keep else view_array
    array = take(name, value, "an array of numbers, (steps,) or (steps, neurons)")
    if array.ndim not in (1, 2):
        raise SpikecudaValueError(
            f"{name} must have shape (steps,) or (steps, neurons) (got shape {array.shape})"
        )
    return array


def require_finite(name: str, array: np.ndarray) -> None:
    """Raise for NaN and infinity."""
    if not np.isfinite(array).all():
        raise SpikecudaValueError(f"{name} must be finite (got NaN or infinity); replace it")


def largest_of(name: str, array: np.ndarray) -> float:
    """Return the largest size of an array's numbers; raise for NaN and infinity."""
    if not array.size:
        return 0.0
    most = max(float(array.max()), -float(array.min()))
    if not math.isfinite(most):  # NaN, too: the largest and the least number are NaN then
        raise SpikecudaValueError(f"{name} must be finite (got NaN or infinity); replace it")
    return most


def in_host_memory(name: str) -> SpikecudaTypeError:
    """Return the error for an array on a GPU that cannot be used there."""
    return SpikecudaTypeError(
        f"{name} must be in host memory here (got an array on a GPU); only constant currents and "
        "currents per step and neuron of a pool on that GPU are used there"
    )
