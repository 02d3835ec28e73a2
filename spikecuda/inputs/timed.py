"""What changes with model time: numbers that are a function of the absolute step.

A run may be split anywhere, so what an input is at a step depends on the step's number alone.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from spikecuda.common.time_grid import first_step
from spikecuda.errors import SpikecudaValueError

ALL = slice(None)


class At(Protocol):
    """The numbers of some steps and neurons."""

    def __call__(self, clock: int, steps: int, columns: slice = ALL) -> np.ndarray:
        """Return float64, shape (steps,) or (steps, neurons).

        Args:
            clock: number of the first step, since the last reset.
            steps: how many.
            columns: which neurons, where each has its own numbers.
        """


@dataclass(frozen=True, eq=False)
class Timed:
    """Numbers over time, the same for all neurons or one for each.

    Attributes:
        at: returns the numbers of some steps.
        width: for how many neurons there are numbers; 0: they are the same for all.
        least, most: bounds of the numbers.
    """

    at: At
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
        within = on_within(start, stop, dt)

        def at(clock: int, steps: int, columns: slice = ALL) -> np.ndarray:
            on, values = within(clock, steps), self.at(clock, steps, columns)
            return values * (on[:, None] if self.width else on)

        return replace(self, at=at, least=min(self.least, 0.0), most=max(self.most, 0.0))

    def spread(self, ids: np.ndarray, size: int) -> "Timed":
        """Return numbers for ``size`` neurons: these for the neurons ``ids``, 0 for the others."""
        if self.width != ids.size:
            raise wrong_width(self.width, ids.size)

        def at(clock: int, steps: int, columns: slice = ALL) -> np.ndarray:
            first, last, _ = columns.indices(size)
            result = np.zeros((steps, last - first))
            mine = np.flatnonzero((ids >= first) & (ids < last))
            if mine.size:
                some = slice(int(mine[0]), int(mine[-1]) + 1)
                result[:, ids[mine] - first] = self.at(clock, steps, some)[:, mine - mine[0]]
            return result

        return Timed(at, size, min(self.least, 0.0), max(self.most, 0.0))

    def require(self, count: int) -> None:
        """Raise SpikecudaValueError unless there are numbers for so many neurons."""
        if self.width != count:
            raise wrong_width(self.width, count)


def always(value: float) -> Timed:
    """Return a number that is the same at all times."""
    return Timed(lambda clock, steps, columns=ALL: np.full(steps, value), 0, value, value)


def wrong_width(width: int, count: int) -> SpikecudaValueError:
    """Return the error for numbers over time of another number of neurons."""
    return SpikecudaValueError(
        f"numbers over time must be the same for all neurons, shape (times,), or one for each of "
        f"the {count:,} neurons (got a column for each of {width:,})"
    )


def on_within(start: float, stop: float, dt: float) -> Callable[[int, int], np.ndarray]:
    """Return what tells for some steps whether they begin within [start, stop) ms.

    Its arguments are the number of the first step, and how many.
    """
    first, last = first_step(start, dt), first_step(stop, dt)

    def on(clock: int, steps: int) -> np.ndarray:
        k = np.arange(clock, clock + steps)
        return (k >= first) & (k < last)

    return on
