"""What changes with model time: numbers that are a function of the absolute step.

A run may be split anywhere, so what an input is at a step depends on the step's number alone.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from spikecuda.common.time_grid import first_step
from spikecuda.errors import SpikecudaValueError


@dataclass(frozen=True, eq=False)
class Timed:
    """Numbers over time, the same for all neurons or one for each.

    Attributes:
        at: returns the numbers of some steps from their first one's number, since the last reset,
            and how many: float64, shape (steps,) or (steps, width).
        width: for how many neurons there are numbers; 0: they are the same for all.
        least, most: bounds of the numbers.
    """

    at: Callable[[int, int], np.ndarray]
    width: int
    least: float
    most: float

    @property
    def largest(self) -> float:
        """A bound of the numbers' size."""
        return max(abs(self.least), abs(self.most))

    def within(self, start: float, stop: float, dt: float) -> "Timed":
        """Return the same in the steps that begin within [start, stop) ms, 0 in all others."""
        if start <= 0.0 and stop == math.inf:
            return self

        def at(clock: int, steps: int) -> np.ndarray:
            on = steps_within(start, stop, dt, clock, steps)
            if not on.any():
                return np.zeros((steps, self.width) if self.width else steps)
            return self.at(clock, steps) * (on[:, None] if self.width else on)

        return replace(self, at=at, least=min(self.least, 0.0), most=max(self.most, 0.0))

    def spread(self, ids: np.ndarray, size: int) -> "Timed":
        """Return numbers for ``size`` neurons: these for the neurons ``ids``, 0 for the others."""
        if self.width and self.width != ids.size:
            raise wrong_width(self.width, ids.size)

        def at(clock: int, steps: int) -> np.ndarray:
            result = np.zeros((steps, size))
            mine = self.at(clock, steps)
            result[:, ids] = mine if self.width else mine[:, None]
            return result

        return Timed(at, size, min(self.least, 0.0), max(self.most, 0.0))

    def columns(self, count: int) -> Callable[[int, int, slice], np.ndarray]:
        """Return what gives the numbers of some of ``count`` neurons; see ``InputSink.add_timed``.

        Raises:
            SpikecudaValueError: there are numbers for another number of neurons.
        """
        if self.width != count:
            raise wrong_width(self.width, count)
        return lambda clock, steps, columns: self.at(clock, steps)[:, columns]


def always(value: float) -> Timed:
    """Return a number that is the same at all times."""
    return Timed(lambda _, steps: np.full(steps, value), 0, value, value)


def wrong_width(width: int, count: int) -> SpikecudaValueError:
    """Return the error for numbers over time of another number of neurons."""
    return SpikecudaValueError(
        f"numbers over time must be the same for all neurons, shape (times,), or one for each of "
        f"the {count:,} neurons (got a column for each of {width:,})"
    )


def steps_within(start: float, stop: float, dt: float, clock: int, steps: int) -> np.ndarray:
    """Tell for some steps from ``clock`` on whether they begin within [start, stop) ms."""
    first, last = (first_step(time, dt) for time in (start, stop))
    k = np.arange(clock, clock + steps)
    return (k >= first) & (k < last)
