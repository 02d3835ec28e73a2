"""Check what users give: counts, positive numbers, times."""

import math
import operator

import numpy as np

from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError

# The step counter of the random numbers has 64 bits, and windows end beyond the last step.
MAX_STEPS = 2**62


def shown(value: object) -> str:
    """Return what an error shows of a value: one line, 80 characters."""
    return " ".join(repr(value).split())[:80]


def as_real(name: str, value: object, unit: str = "") -> float:
    """Return a real number, NaN and infinity included."""
    if isinstance(value, bool | np.bool_ | np.complexfloating) or not isinstance(
        value, int | float | np.number
    ):
        where = f" in {unit}" if unit else ""
        raise SpikecudaTypeError(f"{name} must be a number{where} (got {shown(value)})")
    try:
        return float(value)
    except OverflowError:
        raise SpikecudaValueError(f"{name} must fit in float64 (got {shown(value)})") from None


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


def as_positive(name: str, value: object, unit: str) -> float:
    """Return a finite number > 0."""
    number = as_real(name, value, unit)
    if not (math.isfinite(number) and number > 0):
        raise SpikecudaValueError(f"{name} must be > 0 {unit} (got {number!r})")
    return number


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
        return as_count("steps", steps, 0, MAX_STEPS)
    return as_multiple("duration", duration, dt)


def on_grid(width: float, dt: float) -> float:
    """Return the multiple of dt, above 0, that is nearest to a width in ms."""
    return max(1, round(width / dt)) * dt


def as_multiple(name: str, value: object, dt: float) -> int:
    """Return how many steps of dt a time >= 0 ms is; raise unless it is a multiple of dt."""
    time = as_real(name, value, "ms")
    if not math.isfinite(time) or time < 0:
        raise SpikecudaValueError(f"{name} must be >= 0 ms (got {time!r})")
    if time > MAX_STEPS * dt:
        raise SpikecudaValueError(
            f"{name} must be <= {MAX_STEPS * dt:g} ms, 2^62 steps of dt (got {time!r})"
        )
    count = round(time / dt)
    if not math.isclose(count * dt, time, rel_tol=1e-9, abs_tol=1e-9):
        near = max(1, count) * dt
        raise SpikecudaValueError(
            f"{name} must be a multiple of dt = {dt:g} ms (got {time!r}); use {near:g}"
        )
    return count
