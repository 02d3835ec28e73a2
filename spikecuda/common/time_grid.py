"""Convert times in ms to steps: one rule for all times.

The grid has a point ``k dt`` for every step k, where step k begins.  A time that differs from a
grid point, or from the middle between two, by no more than float32 resolves (a part in 2^23, and at
most a thousandth of a step) is taken for it, because 0.3 / 0.1 is not 3 in floating point.  Then

- an input that begins or ends at t does so at the first grid point that is not before t
  (``first_step``): step k has the value at its start;
- events and lengths, which are spikes, delays, refractory periods and bins, go to the nearest grid
  point, half-way to the later one (``nearest_step``);
- durations, sampling intervals and the windows of statistics must be grid points (``whole_steps``).

A time of 2^62 steps or more, infinity included, never comes: it is ``NEVER``.  Infinity is accepted
where never makes sense (spike times, ``Step.stop``) and refused for lengths.  NaN is refused.
"""

import math

import numpy as np

from spikecuda.common.arguments import as_count, as_positive, as_real
from spikecuda.errors import SpikecudaValueError, shown

# The step counter of the random numbers has 64 bits, and windows end beyond the last step.
MAX_STEPS = NEVER = 2**62
RELATIVE, MOST, ULPS = 2.0**-23, 1e-3, 4 * 2.0**-52


def first_step(time: float, dt: float) -> int:
    """Return the first step that begins at a time or later; ``NEVER`` if none does."""
    place = place_of(time, dt)
    return NEVER if place >= NEVER else math.ceil(place)


def nearest_step(time: float, dt: float) -> int:
    """Return the number of the grid point nearest to a time, the later one of two."""
    place = place_of(time, dt)
    if place >= NEVER:
        return NEVER
    below = math.floor(place)
    return below + (place - below >= 0.5)


def nearest_steps(times: np.ndarray, dt: float) -> np.ndarray:
    """Return ``nearest_step`` of each of some times, int64."""
    with np.errstate(over="ignore", invalid="ignore"):
        place = places_of(np.asarray(times, np.float64) / dt)
        below = np.floor(place)
        whole = below + (place - below >= 0.5)
    never = place >= NEVER
    return np.where(never, NEVER, np.where(never, 0.0, whole).astype(np.int64))


def steps_not_before(times: np.ndarray, dt: float) -> np.ndarray:
    """Return the grid points at or after some times, in steps, float64: NEST's rule for spikes.

    What float64 cannot tell apart is a grid point; what is merely near to one, is not.
    """
    return np.ceil(times / dt * (1.0 - 8 * 2.0**-52))


def places_of(exact: np.ndarray, size: np.ndarray | None = None) -> np.ndarray:
    """Return where on a grid some times are, those near a grid point or a middle taken for it.

    Args:
        exact: times in steps of the grid.
        size: of the numbers that they were computed from, in the same unit; None: their own.
    """
    near = np.rint(2.0 * exact) / 2.0
    size = np.abs(exact) if size is None else size
    slack = np.maximum(np.minimum(RELATIVE * np.maximum(size, 1.0), MOST), ULPS * size)
    return np.where(np.abs(exact - near) <= slack, near, exact)


def whole_steps(name: str, value: object, dt: float, some: bool = False) -> int:
    """Return how many steps a time is, with ``some`` at least one; raise off the grid."""
    time, dt = as_real(name, value, "ms"), float(dt)
    if not math.isfinite(time) or time < 0:
        least = f"dt = {dt!r}" if some else "0"
        finite = "" if math.isfinite(time) else " and finite"
        raise SpikecudaValueError(f"{name} must be >= {least} ms{finite} (got {time!r})")
    place = place_of(time, dt)
    if place >= NEVER:
        raise SpikecudaValueError(
            f"{name} must be <= {MAX_STEPS * dt:g} ms, 2^62 steps of dt (got {time!r})"
        )
    if place != math.floor(place):
        near = max(1, nearest_step(time, dt)) * dt
        raise SpikecudaValueError(
            f"{name} must be a multiple of dt = {dt!r} ms (got {time!r}); use {near:.15g}"
        )
    if some and place < 1:
        raise SpikecudaValueError(f"{name} must be >= dt = {dt!r} ms (got {time!r}); use {dt!r}")
    return int(place)


def run_steps(duration: object, steps: object, dt: float) -> int:
    """Return a number of steps from either of the two ways to say how long a run is.

    Args:
        duration: length in ms, a multiple of dt, or None.
        steps: number of steps, or None.
        dt: ms.
    """
    if (steps is None) == (duration is None):
        raise SpikecudaValueError(
            f"give either duration or steps (got duration={shown(duration)}, steps={shown(steps)})"
        )
    if steps is not None:
        return as_count("steps", steps, 0, MAX_STEPS)
    return whole_steps("duration", duration, dt)


def nearest_width(width: float, dt: float) -> float:
    """Return the multiple of dt, above 0, that is nearest to a width in ms."""
    return max(1, nearest_step(as_positive("bin", width, "ms"), dt)) * dt


def place_of(time: float, dt: float) -> float:
    """Return where on the grid a time is, in steps; see the module's rule."""
    exact = time / dt
    size = abs(exact)
    if size >= NEVER:
        return exact
    near = float(round(2.0 * exact)) / 2.0
    slack = max(min(RELATIVE * max(size, 1.0), MOST), ULPS * size)
    return near if abs(exact - near) <= slack else exact
