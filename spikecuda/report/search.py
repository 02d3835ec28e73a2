"""Find the largest network that runs in real time, within a limit of time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import log

# A factor this near to 1 is near enough; the next size is chosen to have it.
ENOUGH, AIM = 0.8, 0.9
# From one size to the next at most so many times larger or smaller.
STRIDE = 16.0
# The factor grows with this power of the size, until two sizes tell.
GROWS = 1.3
# Sizes that are nearer to each other than this are not told apart.
APART = 1.12
MOST_TRIES = 9


class UnmeasuredError(Exception):
    """A size could not be measured.

    Args:
        limit: what stood in the way: "memory", "time" or "failure".
        reason: in words.
    """

    def __init__(self, limit: str, reason: str) -> None:
        super().__init__(reason)
        self.limit = limit


@dataclass(frozen=True)
class Found:
    """What a search ended with.

    Attributes:
        size: the largest measured with a factor of at most 1; None if there was none.
        limit: what ended the search: "speed" (larger ones are slower than real time), "size" (the
            largest that there is), "memory", "time" or "failure".
        reason: what ``UnmeasuredError`` said, else empty.
    """

    size: float | None
    limit: str
    reason: str


def search(
    measure: Callable[[float, float], float],
    start: float,
    least: float,
    most: float,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> Found:
    """Find the largest size whose real-time factor is at most 1.

    Args:
        measure: called with a size and the seconds that are left; returns the factor, which grows
            with the size, or raises UnmeasuredError.
        start: the first size.
        least, most: the smallest and largest size.
        seconds: no size is begun that would take longer than is left of them, as far as the sizes
            before it tell.
        clock: in seconds.
    """
    end = clock() + seconds
    known: list[tuple[float, float]] = []
    size = min(max(start, least), most)
    for _ in range(MOST_TRIES):
        begin = clock()
        try:
            known.append((size, measure(size, end - begin)))
        except UnmeasuredError as error:
            good = _good(known)
            return Found(good, error.limit, str(error))
        took = clock() - begin
        good = _good(known)
        bad = min((s for s, f in known if f > 1.0), default=None)
        if good == most:
            return Found(good, "size", "")
        if bad == least or (good and bad and (bad < APART * good or good > bad)):
            return Found(good, "speed", "")
        if good and max(f for s, f in known if s == good) >= ENOUGH:
            return Found(good, "speed", "")
        size = min(max(_next(known), least), most)
        if bad is not None and size >= bad / 1.02:
            size = (good * bad) ** 0.5 if good else max(least, bad / 2.0)
        if good is not None and size <= 1.02 * good:
            size = min(most, (good * bad) ** 0.5 if bad else 2.0 * good)
        if clock() + took * min(1.0, size / known[-1][0]) > end:
            break
    return Found(_good(known), "time", "")


def _good(known: list[tuple[float, float]]) -> float | None:
    return max((s for s, f in known if f <= 1.0), default=None)


def _next(known: list[tuple[float, float]]) -> float:
    """Return the size at which the factor should be AIM: a power of the size, from two points."""
    near = sorted(known, key=lambda point: abs(log(max(point[1], 1e-9) / AIM)))[:2]
    size, factor = near[0]
    power = GROWS
    if len(near) == 2 and near[1][0] != size and near[1][1] > 0.0 < factor:
        power = log(near[1][1] / factor) / log(near[1][0] / size)
    # Small networks hardly slow down as they grow; large ones by the square of the scale at most.
    power = min(max(power, 0.5), 2.0)
    stride = (AIM / max(factor, 1e-9)) ** (1.0 / power)
    return size * min(max(stride, 1.0 / STRIDE), STRIDE)
