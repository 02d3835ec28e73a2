"""Check what users give: counts, positive numbers, times."""

import math
import operator

import numpy as np

from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError


def as_count(name: str, value: object, low: int, high: int) -> int:
    """Return an integer within [low, high]."""
    try:
        if isinstance(value, bool):
            raise TypeError
        count = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise SpikecudaTypeError(f"{name} must be an integer (got {value!r:.80})") from None
    if not low <= count <= high:
        raise SpikecudaValueError(f"{name} must be from {low} to {high:,} (got {count:,})")
    return count


def as_positive(name: str, value: object, unit: str) -> float:
    """Return a finite number > 0."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise SpikecudaTypeError(f"{name} must be a number in {unit} (got {value!r:.80})")
    if not (math.isfinite(value) and value > 0):
        raise SpikecudaValueError(f"{name} must be > 0 {unit} (got {float(value)!r})")
    return float(value)


def as_steps(steps: object, duration: object, dt: float) -> int:
    """Return a number of steps from either of the two ways to say how long a run is.

    Args:
        steps: number of steps, or None.
        duration: length in ms, a multiple of dt, or None.
        dt: ms.
    """
    if (steps is None) == (duration is None):
        raise SpikecudaValueError(
            f"give either steps or duration (got steps={steps!r}, duration={duration!r})"
        )
    if steps is not None:
        return as_count("steps", steps, 0, 2**62)
    return as_multiple("duration", duration, dt)


def on_grid(width: float, dt: float) -> float:
    """Return the multiple of dt, above 0, that is nearest to a width in ms."""
    return max(1, round(width / dt)) * dt


def as_multiple(name: str, value: object, dt: float) -> int:
    """Return how many steps of dt a time >= 0 ms is; raise unless it is a multiple of dt."""
    if not isinstance(value, int | float | np.number) or not math.isfinite(value) or value < 0:
        raise SpikecudaValueError(f"{name} must be >= 0 ms (got {value!r})")
    count = round(float(value) / dt)
    if not math.isclose(count * dt, float(value), rel_tol=1e-9, abs_tol=1e-9):
        raise SpikecudaValueError(
            f"{name} must be a multiple of dt = {dt:g} ms (got {value!r}); use {count * dt:g}"
        )
    return count
