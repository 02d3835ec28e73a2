"""What drives a pool: currents, protocols, noise, Poisson pulses; add them with ``+``.

Units: currents in the model's input unit (pA; mV/ms for Izhikevich), time in ms, rates in Hz.
A step of a protocol has the value at the step's start, ``t = k dt`` since the last reset.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_real, shown
from spikecuda.devices.array_interop import GpuArray, lies_on_gpu
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.models.parameter import as_values

# Above this mean per step the inversion of the Poisson distribution gets slow and inexact.
POISSON_MEAN_LIMIT = 64.0


class Input:
    """Base class of inputs; ``a + b`` gives both."""

    def __add__(self, other: object) -> "Sum":
        return Sum((*terms(self), *terms(other)))

    __radd__ = __add__


@dataclass(frozen=True)
class Sum(Input):
    """Several inputs at once."""

    parts: tuple[Input, ...]


@dataclass(frozen=True, eq=False)
class Constant(Input):
    """A constant current: one number, or one per neuron."""

    value: Any


@dataclass(frozen=True, eq=False)
class PerStep(Input):
    """A current for every step of the run: shape (steps,) or (steps, num_neurons).

    Row 0 belongs to the first step of the run it is given to.
    """

    values: Any


@dataclass(frozen=True, eq=False)
class Step(Input):
    """A current that is on from ``start`` to ``stop`` ms; ``amplitude`` may be one per neuron."""

    amplitude: Any
    start: float = 0.0
    stop: float = math.inf

    def __post_init__(self) -> None:
        _interval(self.start, self.stop)


@dataclass(frozen=True, eq=False)
class Ramp(Input):
    """A current that goes from ``first`` at ``start`` to ``last`` at ``stop`` and stays there.

    Zero before ``start``; ``gain``, one number or one per neuron, multiplies it.
    """

    first: float
    last: float
    start: float
    stop: float
    gain: Any = 1.0

    def __post_init__(self) -> None:
        _interval(self.start, self.stop)
        for name in ("first", "last", "stop"):
            value = as_real(name, getattr(self, name))
            if not math.isfinite(value):
                raise SpikecudaValueError(f"{name} must be finite (got {value!r})")


@dataclass(frozen=True, eq=False)
class Noise(Input):
    """Gaussian white noise current: ``mean + sigma xi(t)``.

    Args:
        sigma: intensity in (input unit) sqrt(ms), one number or one per neuron.  The current of a
            step is ``sigma / sqrt(dt)`` times a standard normal number, so that the noise on the
            membrane does not depend on dt: a LIF neuron far below threshold has a standard
            deviation of ``(sigma / c_m) sqrt(tau_m / 2)``.
        mean: constant part, one number or one per neuron.

    Source: Gerstner, Kistler, Naud, Paninski (2014) Neuronal Dynamics, section 8.1.
    """

    sigma: Any
    mean: Any = 0.0


@dataclass(frozen=True, eq=False)
class Poisson(Input):
    """Independent Poisson spike trains, each spike a jump of the membrane potential.

    Args:
        rate: Hz, one number or one per neuron; several events may fall into one step.
        weight: jump of the model's ``pulse`` state (mV) per event, one number or one per neuron.
            It arrives after integration and before the threshold test; it is lost while a
            neuron is refractory.
    """

    rate: Any
    weight: Any


def adopt_arrays(value: Any, adopt: Callable[[Any], GpuArray]) -> Any:
    """Return an input whose currents in a GPU's memory are ready for a device.

    Args:
        value: what a run is given.
        adopt: makes a ``GpuArray`` of another library's array, or says why that cannot be.
    """
    if isinstance(value, Sum):
        return Sum(tuple(adopt_arrays(part, adopt) for part in value.parts))
    if isinstance(value, Constant) and lies_on_gpu(value.value):
        return Constant(adopt(value.value))
    if isinstance(value, PerStep) and lies_on_gpu(value.values):
        return PerStep(adopt(value.values))
    if isinstance(value, list | tuple) and any(isinstance(v, Input) for v in value):
        return [adopt_arrays(part, adopt) for part in value]
    if isinstance(value, Input) or not lies_on_gpu(value):
        return value
    array = adopt(value)
    return PerStep(array) if len(array.shape) == 2 else Constant(array)


def terms(value: object) -> tuple[Input, ...]:
    """Return the inputs in a number, an array, an Input, a list of these, or None.

    A 1-D array is a constant current per neuron; a 2-D array is a current per step and neuron.
    """
    if value is None:
        return ()
    if isinstance(value, Sum):
        return value.parts
    if isinstance(value, Input):
        return (value,)
    if isinstance(value, list | tuple) and any(isinstance(v, Input) for v in value):
        return tuple(term for part in value for term in terms(part))
    if lies_on_gpu(value):
        raise _on_gpu("input")
    if isinstance(value, str | bytes | dict | set) or not isinstance(
        value, int | float | np.ndarray | np.generic | Iterable
    ):
        raise SpikecudaTypeError(
            f"input must be a number, an array or an Input (got {shown(value)}); see "
            "spikecuda.inputs.stimulus for what there is"
        )
    array = as_array("input", value)
    return (PerStep(array) if array.ndim == 2 else Constant(array),)


def as_array(name: str, value: object) -> np.ndarray:
    """Return an array of whatever is no input by itself; raise if its rows differ in length."""
    try:
        return np.asarray(value)
    except ValueError:
        raise SpikecudaTypeError(
            f"{name} must be an array with rows of one length (got {shown(value)})"
        ) from None


def _on_gpu(name: str) -> SpikecudaTypeError:
    return SpikecudaTypeError(
        f"{name} must be in host memory here (got an array on a GPU); only constant currents and "
        "currents per step and neuron of a pool on that GPU are used there"
    )


def _interval(start: float, stop: float) -> None:
    start, stop = as_real("start", start, "ms"), as_real("stop", stop, "ms")
    if not (math.isfinite(start) and start >= 0):
        raise SpikecudaValueError(f"start must be >= 0 ms (got {start!r})")
    if not stop > start:
        raise SpikecudaValueError(f"stop must be > start = {start!r} ms (got {stop!r})")


def finite(name: str, value: object, count: int) -> np.ndarray:
    """Return a float64 array of shape () or (count,), all finite."""
    if lies_on_gpu(value):
        raise _on_gpu(name)
    array = as_values(name, value, count)
    if not np.isfinite(array).all():
        raise SpikecudaValueError(f"{name} must be finite (got NaN or infinity); replace it")
    return array
