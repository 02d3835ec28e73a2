"""Check arguments of users: numbers and counts."""

import math
import numbers
import operator
import os
from collections.abc import Container, Sequence
from typing import TypeGuard

import numpy as np

from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.errors import shown as shown


def same(some: Sequence[object], others: Sequence[object]) -> bool:
    """Tell whether two sequences have the very same objects."""
    return len(some) == len(others) and all(map(operator.is_, some, others))


def as_real(name: str, value: object, unit: str = "") -> float:
    """Return a real number, NaN and infinity included.

    A NumPy number that is narrower than float64 is taken for what it prints as: np.float32(0.1) for
    0.1.  Arrays of it are taken exactly.
    """
    if type(value) is float:
        return value
    if isinstance(value, np.ndarray) and not value.ndim:
        value = value[()]
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        where = f" in {unit}" if unit else ""
        raise SpikecudaTypeError(f"{name} must be a number{where} (got {shown(value)})")
    try:
        return float(str(value)) if isinstance(value, np.floating) else float(value)
    except OverflowError:
        raise SpikecudaValueError(f"{name} must fit in float64 (got {shown(value)})") from None


def as_path(path: object, name: str = "path") -> str | os.PathLike[str]:
    """Return the name of a file: a text or a Path, not a number, which would be an open file's."""
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        raise SpikecudaTypeError(f"{name} must be the name of a file (got {shown(path)})")
    if not os.fspath(path):
        raise SpikecudaValueError(f"{name} must be the name of a file (got ''); give one")
    return path


def is_name(value: object, known: Container[str]) -> TypeGuard[str]:
    """Tell whether a value is one of some names; arrays and what has no hash are none."""
    return isinstance(value, str) and value in known


def as_count(name: str, value: object, low: int, high: int) -> int:
    """Return an integer within [low, high]."""
    try:
        if isinstance(value, bool):
            raise TypeError
        count = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise SpikecudaTypeError(f"{name} must be an integer (got {shown(value)})") from None
    if not low <= count <= high:
        raise SpikecudaValueError(f"{name} must be from {low} to {high:,} (got {count:,})")
    return count


def as_flag(name: str, value: object) -> bool:
    """Return True or False; other values, such as "no", are refused and not taken for True."""
    if not isinstance(value, bool | np.bool_):
        raise SpikecudaTypeError(f"{name} must be True or False (got {shown(value)})")
    return bool(value)


def as_positive(name: str, value: object, unit: str) -> float:
    """Return a finite number > 0."""
    number = as_real(name, value, unit)
    if not (math.isfinite(number) and number > 0):
        raise SpikecudaValueError(f"{name} must be {f'> 0 {unit}'.strip()} (got {number!r})")
    return number
