"""Runs in real time: model time does not run ahead of the clock, and lateness is measured."""

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

# Seconds before a time is due from which the clock is watched: sleep() may end so much too late.
WATCHED = 150e-6
# Lateness is counted in bins that are 1/128 of a decade wide, from 0.1 µs to 10^6 s.
PER_DECADE = 128
LOWEST = 1e-7
DECADES = 13
# ms; a run whose last piece was less late has caught up with the clock.
BEHIND = 1.0


@dataclass(frozen=True)
class Lateness:
    """How well a run kept to the clock.

    A piece is due when its model time has passed on the clock since the run began.  Its lateness is
    the time from then until it was handed over.  The first piece, in which kernels are made, is in
    time: if it takes longer, the clock begins later.  Percentiles are from bins that are 1.8 %
    wide, so that they take the same memory for any run.

    Attributes:
        pieces: how many there were.
        late: how many were not done when they were due; the others waited for the clock.
        p50, p99: lateness of which 50 % and 99 % of the pieces had less, ms; NaN without pieces.
        worst: the largest lateness, ms.
        last: lateness of the last piece, ms: what the run did not catch up with.
        waited: time spent on waiting for the clock, ms.
    """

    pieces: int
    late: int
    p50: float
    p99: float
    worst: float
    last: float
    waited: float

    @property
    def caught_up(self) -> bool:
        """Whether the last piece was handed over less than 1 ms late.

        After a late piece the following ones do not wait until the run has caught up; no model
        time is skipped.  A run that is slower than the clock never does.
        """
        return self.last < BEHIND

    def __str__(self) -> str:
        text = (
            f"{self.late:,} of {self.pieces:,} pieces late; lateness p50 {self.p50:.3g} ms, p99 "
            f"{self.p99:.3g} ms, worst {self.worst:.3g} ms, at the end {self.last:.3g} ms"
        )
        if not self.late:
            return text
        return f"{text} ({'caught up' if self.caught_up else 'not caught up'}, nothing skipped)"

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as a dict that json can write; what is not a number is None."""
        return {name: None if value != value else value for name, value in asdict(self).items()}


def as_lateness(found: object) -> Lateness | None:
    """Return what ``Lateness.as_dict`` returned as a Lateness; None for None.

    Raises:
        ValueError: it is something else.
    """
    if found is None:
        return None
    names = [field.name for field in fields(Lateness)]
    if not isinstance(found, Mapping) or sorted(found) != sorted(names):
        raise ValueError(f"lateness must have {', '.join(names)} (got {found!r:.80})")
    numbers: dict[str, Any] = {}
    for name in names:
        value = math.nan if found[name] is None and name in ("p50", "p99") else found[name]
        kinds = int if name in ("pieces", "late") else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or value < 0:
            raise ValueError(f"{name} of lateness must be a number >= 0 (got {value!r:.80})")
        numbers[name] = value
    return Lateness(**numbers)


class Pace:
    """Keeps a run from running ahead of the clock.  It never skips model time to catch up.

    Args:
        dt: ms.
    """

    def __init__(self, dt: float) -> None:
        self._step = 1e-3 * dt
        self._origin, self._first = 0.0, True
        self._counts = np.zeros(PER_DECADE * DECADES + 1, np.int64)
        self._late, self._worst, self._last, self._waited = 0, 0.0, 0.0, 0.0

    def begin(self) -> None:
        """Let model time begin now, or later if the first piece takes longer than it is.

        Kernels are made and memory is touched in it, and it is never late.
        """
        self._origin, self._first = time.perf_counter(), True

    def wait(self, done: int) -> None:
        """Wait until so many steps of the run are due; note how late they are.

        Other threads work while it sleeps, and Ctrl-C ends it.
        """
        clock, sleep = time.perf_counter, time.sleep
        due = self._origin + done * self._step
        before = now = clock()
        if self._first and now > due:
            self._origin += now - due
            due = now
        self._first = False
        if now > due:
            self._late += 1
        while now < due:
            # Any sleep, also of 0 s, ends some 70 µs too late: near the end the clock is watched.
            if due - now > WATCHED:
                sleep(due - now - WATCHED)
            now = clock()
        self._waited += now - before
        self._last = late = now - due
        self._worst = max(self._worst, late)
        place = PER_DECADE * math.log10(late / LOWEST) if late > LOWEST else 0.0
        self._counts[min(int(place), self._counts.size - 1)] += 1

    @property
    def pieces(self) -> int:
        """How many pieces were waited for."""
        return int(self._counts.sum())

    @property
    def lateness(self) -> Lateness:
        """What was measured so far."""
        pieces = self.pieces
        return Lateness(
            pieces, self._late, self._percentile(0.5), self._percentile(0.99),
            1e3 * self._worst, 1e3 * self._last, 1e3 * self._waited,
        )  # fmt: skip

    def _percentile(self, part: float) -> float:
        """Return the upper end of the bin up to which a part of the pieces lie, ms."""
        summed = np.cumsum(self._counts)
        if not summed[-1]:
            return math.nan
        place = int(np.searchsorted(summed, part * summed[-1]))
        return min(1e3 * LOWEST * 10 ** ((place + 1) / PER_DECADE), 1e3 * self._worst)


class Paced:
    """What runs in real time if that is asked for: the part of a network, pool or system."""

    _pace: Pace | None = None

    @property
    def lateness(self) -> Lateness | None:
        """How well the last run with ``realtime=True``, or the present one, kept to the clock.

        None if the last run was another one.
        """
        return None if self._pace is None else self._pace.lateness
