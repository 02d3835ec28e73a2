"""What a model declares: its parameters and its state variables."""

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.arrays import take_reals
from spikecuda.errors import ModelError, SpikecudaValueError


@dataclass(frozen=True)
class Parameter:
    """A constant of a neuron, one number for a population or one for each neuron.

    Args:
        default: the value if none is given, in ``unit``.
        unit: ms, mV, pA, nS, pF, Hz, or "" for a number without dimension.
        doc: one line that describes it.
        above: the value must be greater than this.
        below: the value must be smaller than this.
        at_least: the value must be this or greater.
        at_most: the value must be this or smaller.
    """

    default: float
    unit: str = ""
    doc: str = ""
    above: float = -math.inf
    below: float = math.inf
    at_least: float = -math.inf
    at_most: float = math.inf

    def validate(self, name: str, value: np.ndarray) -> None:
        """Raise SpikecudaValueError unless all values are finite and in range."""
        finite = np.isfinite(value)
        if not finite.all():
            raise SpikecudaValueError(
                f"{name} must be finite (got {_first(value, ~finite)}); replace NaN and infinity"
            )
        unit = f" {self.unit}" if self.unit else ""
        for bad, relation, bound in (
            (value <= self.above, ">", self.above),
            (value >= self.below, "<", self.below),
            (value < self.at_least, ">=", self.at_least),
            (value > self.at_most, "<=", self.at_most),
        ):
            if math.isfinite(bound) and bad.any():
                raise SpikecudaValueError(
                    f"{name} must be {relation} {bound:g}{unit} (got {_first(value, bad)})"
                )


@dataclass(frozen=True)
class State:
    """A variable of a neuron that changes with time.

    Args:
        unit: ms, mV, pA, ... or "" for a number without dimension.
        initial: start value: a number, a parameter's name, or a function of parameters by name.
        origin: the value that float16 stores as 0, near rest: a number, a parameter's name, or a
            function of parameters by name.  Default: ``initial``.
        span: the value that float16 stores as 1, relative to ``origin``; given in the same ways.
            float16 stores 11 significant bits of ``(value - origin) / span``.  A good span is about
            the distance from rest to threshold.
        doc: one line that describes it.
    """

    unit: str = ""
    initial: float | str | Callable[..., float | np.ndarray] = 0.0
    origin: float | str | Callable[..., float | np.ndarray] | None = None
    span: float | str | Callable[..., float | np.ndarray] = 1.0
    doc: str = ""


def require_made(owner: str, members: Mapping[str, Any], kinds: tuple[type, ...]) -> None:
    """Raise ModelError for a declaration that names its class without making an object of it.

    Args:
        owner: name of the model or rule.
        members: its attributes by name.
        kinds: classes of declarations, such as ``Parameter``.
    """
    for name, member in members.items():
        if any(member is kind for kind in kinds):
            raise ModelError(
                f"{owner}.{name} must be a {member.__name__} (got the class itself); write {name} "
                f"= {member.__name__}(...)"
            )


def require_plain(owner: str, name: str, value: Any) -> None:
    """Raise ModelError unless an optional function of a model or a rule is a plain one."""
    inner = value.__func__ if isinstance(value, staticmethod) else value
    if value is not None and not inspect.isfunction(inner):
        raise ModelError(
            f"{owner}.{name} must be a plain function, without self or cls (got {value!r:.80}); "
            f"def {name}(...): ..."
        )


@functools.lru_cache(maxsize=256)
def argument_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of a function's arguments; a change of parameters asks again and again."""
    return tuple(inspect.signature(function).parameters)


def as_values(name: str, value: object, count: int) -> np.ndarray:
    """Return an own, read-only float64 array of shape () or (count,).

    Raises:
        SpikecudaTypeError: the value is not made of real numbers.
        SpikecudaValueError: the shape is neither () nor (count,).
    """
    array = take_reals(name, value, f"a number or an array of {count} numbers")
    if array.shape not in ((), (count,)):
        raise SpikecudaValueError(
            f"{name} must be one number or one per neuron, shape ({count},) (got shape "
            f"{array.shape})"
        )
    return array


def _first(value: np.ndarray, bad: np.ndarray) -> str:
    """Return the first offending value, with its neuron when there is one per neuron."""
    if value.ndim == 0:
        return f"{float(value)!r}"
    neuron = int(np.argmax(bad))
    return f"{float(value[neuron])!r} for neuron {neuron}"
