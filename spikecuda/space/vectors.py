"""Points, extents and flags for each axis, as users give them."""

import math
from collections.abc import Sequence

import numpy as np

from spikecuda.common.arguments import as_flag, as_real
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown

# The most axes of a space.
AXES = 3
# Coordinates are below this, so that squares and their sums are finite and exact enough.
FARTHEST = 1e100


def as_vector(name: str, value: object, least: int = 1) -> tuple[float, ...]:
    """Return finite coordinates, at least so many and at most three."""
    if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray):
        raise SpikecudaTypeError(
            f"{name} must be {least} to {AXES} numbers, one for each axis (got {shown(value)})"
        )
    numbers = tuple(as_real(f"{name}[{i}]", x) for i, x in enumerate(value))
    if not least <= len(numbers) <= AXES or not all(abs(x) < FARTHEST for x in numbers):
        raise SpikecudaValueError(
            f"{name} must be {least} to {AXES} numbers below {FARTHEST:g}, one for each axis (got "
            f"{shown(value)})"
        )
    return numbers


def as_extent(name: str, value: object, axes: int | None = None) -> tuple[float, ...]:
    """Return lengths > 0, one for each axis."""
    lengths = as_vector(name, value)
    if not all(x > 0 for x in lengths) or axes not in (None, len(lengths)):
        need = "a length > 0 for each axis" if axes is None else f"{axes} lengths > 0"
        raise SpikecudaValueError(f"{name} must have {need} (got {shown(value)})")
    return lengths


def as_center(value: object, axes: int) -> tuple[float, ...]:
    """Return a point of a space with so many axes; None: its origin."""
    point = (0.0,) * axes if value is None else as_vector("center", value)
    if len(point) != axes:
        raise SpikecudaValueError(
            f"center must have {axes} coordinates, as extent has (got {shown(value)})"
        )
    return point


def as_periodic(value: object, axes: int) -> tuple[bool, ...]:
    """Return whether each axis is periodic; one flag is for all of them."""
    if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str) and np.ndim(value):
        flags = tuple(as_flag(f"periodic[{i}]", x) for i, x in enumerate(value))
        if len(flags) != axes:
            raise SpikecudaValueError(
                f"periodic must be one flag, or one for each of the {axes} axes (got "
                f"{shown(value)})"
            )
        return flags
    return (as_flag("periodic", value),) * axes


def three(values: Sequence[float], rest: float = 0.0) -> np.ndarray:
    """Return float64 (3,): values of the axes, and ``rest`` for those that there are not."""
    result = np.full(AXES, rest)
    result[: len(values)] = values
    return result


def norm(vector: np.ndarray) -> float:
    """Return the length of a vector, infinite if one coordinate is."""
    return math.hypot(*vector.tolist())
