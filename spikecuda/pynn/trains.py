"""The spikes of PyNN's spike sources, drawn on the host for the steps that are run next.

Random trains are drawn in blocks of steps that do not depend on how a run is split.  Those with a
constant rate are at ``start`` as they are at any time: they have no transient.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from pyNN.errors import InvalidParameterValueError

from spikecuda.common.packages import need
from spikecuda.common.time_grid import NEVER, nearest_steps, places_of

# Spikes that are expected in a block, and the most steps that it has.
SPIKES, STEPS = 1_000_000.0, 10_000

# Returns a generator of random numbers for a block, or for the rest of it from a step on.
Generators = Callable[..., np.random.Generator]


class Trains:
    """Spikes of a population of sources.

    Args:
        size: number of sources.
        dt: ms.
        generators: where random numbers come from.
    """

    def __init__(self, size: int, dt: float, generators: Generators) -> None:
        self.size, self.dt, self.generators = size, dt, generators
        self.values: dict[str, np.ndarray] = {}

    def take(self, values: Mapping[str, Any], step: int) -> None:
        """Have these parameters from a step on; raise for those that cannot be used."""
        self.values = {k: np.broadcast_to(v, (self.size,)) for k, v in values.items()}

    def most_at_once(self) -> int:
        """Return a bound of the spikes of a source in a step, as far as it can be told."""
        return 1

    def read(self, first: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the spikes at grid points first + 1 to stop: points and sources, by time."""
        raise NotImplementedError

    def exact(self, points: np.ndarray, sources: np.ndarray) -> np.ndarray | None:
        """Return the times of spikes that were read last, ms; None: they are on the grid."""
        return None


class Given(Trains):
    """Spikes at given times, rounded to the nearest grid point."""

    def take(self, values: Mapping[str, Any], step: int) -> None:
        """Have these times."""
        given = [np.asarray(s.value, np.float64) for s in values["spike_times"]]
        for times in given:
            if np.any(np.diff(times) < 0):
                raise InvalidParameterValueError(
                    "Spike times given to SpikeSourceArray must be in increasing order"
                )
            if times.size and not times[0] > 0:
                raise InvalidParameterValueError(
                    f"spike_times must be > 0 ms, as a run begins at 0 (got {times[0]:g})"
                )
        times = np.concatenate(given) if given else np.empty(0)
        points = np.maximum(nearest_steps(times, self.dt), 1)
        sources = np.repeat(np.arange(len(given)), [t.size for t in given])
        order = np.lexsort((sources, points))
        order = order[points[order] < NEVER]
        self._points, self._sources, self._times = points[order], sources[order], times[order]

    def most_at_once(self) -> int:
        """Return the most that there are now, with room for as many again."""
        if not self._points.size:
            return 2
        _, counts = np.unique(np.stack([self._points, self._sources]), axis=1, return_counts=True)
        return 2 * int(counts.max())

    def read(self, first: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the spikes."""
        self._part = slice(*np.searchsorted(self._points, (first, stop), side="right"))
        return self._points[self._part], self._sources[self._part]

    def exact(self, points: np.ndarray, sources: np.ndarray) -> np.ndarray | None:
        """Return the times as they were given."""
        return self._times[self._part]


class Drawn(Trains):
    """Random spikes between ``start`` and ``start + duration``."""

    longest = STEPS

    def take(self, values: Mapping[str, Any], step: int) -> None:
        """Have these parameters."""
        super().take(values, step)
        start, length = self.values["start"], self.values["duration"]
        if np.any(start < 0) or np.any(length < 0):
            raise InvalidParameterValueError(
                f"start and duration must be >= 0 ms (got {start.min():g} and {length.min():g})"
            )
        limit = float(NEVER)
        self.begin = np.minimum(np.ceil(places_of(start / self.dt)), limit)
        self.end = np.minimum(np.ceil(places_of((start + length) / self.dt)), limit)
        self._blocks: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        if not hasattr(self, "block"):
            expected = max(float(self.per_step().sum()), 1e-9)
            self.block = max(1, min(self.longest, int(SPIKES / expected)))

    def per_step(self) -> np.ndarray:
        """Return the mean number of spikes of each source in a step."""
        raise NotImplementedError

    def read(self, first: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the spikes."""
        found = [(np.empty(0, np.int64), np.empty(0, np.int64))]
        numbers = range(first // self.block, -(-stop // self.block))
        for number in numbers:
            if number not in self._blocks:
                points, sources = self.draw(number)
                order = np.lexsort((sources, points))
                self._blocks = {number: (points[order], sources[order])}
            points, sources = self._blocks[number]
            part = slice(*np.searchsorted(points, (first, stop), side="right"))
            found.append((points[part], sources[part]))
        points, sources = (np.concatenate(column) for column in zip(*found, strict=True))
        return points, sources

    def draw(self, block: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the spikes of a block in any order."""
        raise NotImplementedError


class Poisson(Drawn):
    """Poisson processes; a source can spike several times in a step."""

    def per_step(self) -> np.ndarray:
        """Return the means."""
        return self.values["rate"] * self.dt * 1e-3

    def take(self, values: Mapping[str, Any], step: int) -> None:
        """Have these rates."""
        super().take(values, step)
        if not np.all(np.isfinite(self.values["rate"]) & (self.values["rate"] >= 0)):
            raise InvalidParameterValueError(
                f"rate must be >= 0 Hz (got {self.values['rate'].min():g})"
            )

    def most_at_once(self) -> int:
        """Return a number that no count exceeds in 10^15 steps, with room for other rates."""
        return _bound(self.per_step())

    def draw(self, block: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the spikes of a block."""
        generator = self.generators(block)
        begin = np.maximum(self.begin, block * self.block)
        length = np.maximum(np.minimum(self.end, (block + 1) * self.block) - begin, 0)
        counts = generator.poisson(self.per_step() * length)
        sources = np.repeat(np.arange(self.size), counts)
        offsets = np.floor(generator.random(sources.size) * length[sources])
        return (begin[sources] + offsets).astype(np.int64) + 1, sources


class Renewing(Drawn):
    """Renewal processes: independent intervals."""

    _next: np.ndarray | None = None
    _done = -1  # the last block that was drawn
    _since = 0  # the step from which the next block is drawn, if that is within it

    def take(self, values: Mapping[str, Any], step: int) -> None:
        """Have these parameters: intervals that begin from now on are others."""
        ahead = getattr(self, "_blocks", {}).get(self._done)
        super().take(values, step)
        if self._next is None or ahead is None or step >= (self._done + 1) * self.block:
            return
        points, sources = ahead
        later = points > step
        np.minimum.at(self._next, sources[later], points[later] * self.dt)
        self._done, self._since = self._done - 1, step

    def intervals(self, generator: np.random.Generator, sources: np.ndarray) -> np.ndarray:
        """Return an interval of each of some sources, ms."""
        raise NotImplementedError

    def rest(self, generator: np.random.Generator) -> np.ndarray:
        """Return the time from any moment to the next spike of each source, ms."""
        raise NotImplementedError

    def draw(self, block: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the spikes of a block; those before it are drawn on the way."""
        found: list[tuple[np.ndarray, np.ndarray]] = []
        while self._done < block:
            self._done += 1
            found = list(self._advance(self._done))
        times, sources = (np.concatenate(column) for column in zip(*found, strict=True))
        points = np.floor(np.maximum(times / self.dt - 1e-9, 0.0)).astype(np.int64) + 1
        inside = (points > self.begin[sources]) & (points <= self.end[sources])
        return points[inside], sources[inside]

    def _advance(self, block: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give the spikes of a block, round by round."""
        resumed = self._since > block * self.block
        generator = self.generators(block, self._since) if resumed else self.generators(block)
        if self._next is None:
            self._next = self.values["start"] + self.rest(generator)
        yield np.empty(0), np.empty(0, np.int64)
        stop = (block + 1) * self.block * self.dt * (1.0 + 1e-15)
        due = np.flatnonzero(self._next <= stop)
        while due.size:
            yield self._next[due], due
            self._next[due] += self.intervals(generator, due)
            due = due[self._next[due] <= stop]


class Gamma(Renewing):
    """Gamma processes of shape ``alpha`` and rate ``beta``."""

    def take(self, values: Mapping[str, Any], step: int) -> None:
        """Have these shapes and rates."""
        super().take(values, step)
        for name, unit in (("alpha", ""), ("beta", " Hz")):
            if not np.all(self.values[name] > 0):
                raise InvalidParameterValueError(
                    f"{name} must be > 0{unit} (got {self.values[name].min():g})"
                )

    def per_step(self) -> np.ndarray:
        """Return the means."""
        return self.values["beta"] / self.values["alpha"] * self.dt * 1e-3

    def most_at_once(self) -> int:
        """Return a number that is not exceeded unless trains burst."""
        return _bound(self.per_step())

    def intervals(self, generator: np.random.Generator, sources: np.ndarray) -> np.ndarray:
        """Return intervals."""
        alpha, beta = self.values["alpha"][sources], self.values["beta"][sources]
        return generator.gamma(alpha) * 1e3 / beta

    def rest(self, generator: np.random.Generator) -> np.ndarray:
        """Return what is left of an interval that is chosen by its length."""
        long = generator.gamma(self.values["alpha"] + 1.0) * 1e3 / self.values["beta"]
        return long * generator.random(self.size)


class Refractory(Renewing):
    """Poisson processes with a dead time ``tau_refrac``; ``rate`` is the mean rate."""

    def take(self, values: Mapping[str, Any], step: int) -> None:
        """Have these rates."""
        super().take(values, step)
        rate, dead = self.values["rate"], self.values["tau_refrac"]
        if np.any(rate <= 0) or np.any(dead < 0) or np.any(rate * dead >= 1000.0):
            raise InvalidParameterValueError(
                "rate must be > 0 Hz, and tau_refrac from 0 ms to below 1000 / rate (got "
                f"{rate.min():g} to {rate.max():g} Hz and {dead.min():g} to {dead.max():g} ms)"
            )

    def per_step(self) -> np.ndarray:
        """Return the means."""
        return self.values["rate"] * self.dt * 1e-3

    def most_at_once(self) -> int:
        """Return a number that no count exceeds in 10^15 steps, with room for other rates."""
        return _bound(self.per_step())

    def intervals(self, generator: np.random.Generator, sources: np.ndarray) -> np.ndarray:
        """Return intervals."""
        dead = self.values["tau_refrac"][sources]
        free = 1e3 / self.values["rate"][sources] - dead
        return dead + free * generator.standard_exponential(sources.size)

    def rest(self, generator: np.random.Generator) -> np.ndarray:
        """Return the time to the next spike: at any moment some are in their dead time."""
        dead, mean = self.values["tau_refrac"], 1e3 / self.values["rate"]
        free = (mean - dead) * generator.standard_exponential(self.size)
        within = generator.random(self.size) * mean < dead
        return free + np.where(within, generator.random(self.size) * dead, 0.0)


class InhomogeneousGamma(Drawn):
    """Gamma processes whose shape ``a`` and scale ``b`` (s) change at ``tbins`` (ms).

    In each step the chance of a spike follows from the hazard of the gamma distribution at the
    time since the last spike, or since ``start`` (Muller et al. 2007, section 3).
    """

    longest = 500  # steps, each of which takes time
    _last: np.ndarray | None = None
    _since = 0

    def take(self, values: Mapping[str, Any], step: int) -> None:
        """Have these courses."""
        self._courses = [
            [np.asarray(s.value, np.float64) for s in np.ravel(values[k])]
            for k in ("tbins", "a", "b")
        ]
        for times, a, b in zip(*self._courses, strict=True):
            if not times.size == a.size == b.size or not np.all(a > 0) or not np.all(b > 0):
                raise InvalidParameterValueError(
                    "a and b must be > 0, one for each of tbins (got "
                    f"{a.size}, {b.size} and {times.size} numbers)"
                )
        super().take({k: values[k] for k in ("start", "duration")}, step)
        everything = np.concatenate(self._courses[0]) / self.dt
        self._changes = set(np.ceil(np.round(everything, 6)).astype(np.int64).tolist())
        self._since = step
        if self._last is not None:
            self._last = np.minimum(self._last, step)

    def per_step(self) -> np.ndarray:
        """Return the means at the highest rate."""
        most = [float(np.max(1.0 / (a * b))) for _, a, b in zip(*self._courses, strict=True)]
        return np.array(most) * self.dt * 1e-3

    def draw(self, block: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the spikes of a block."""
        special = need("scipy.special", "pynn", "SpikeSourceInhGamma")
        generator, found = self.generators(block), []
        if self._last is None:
            self._last = self.begin.astype(np.float64)
        first, stop = max(block * self.block, self._since), (block + 1) * self.block
        for step in range(first, stop):
            if step == first or step in self._changes:
                a, b = (self._at(step, k) for k in (1, 2))
            age = np.maximum(step - self._last, 0.0) * self.dt * 1e-3 / b
            later = age + self.dt * 1e-3 / b
            stays = special.gammaincc(a, later) / np.maximum(special.gammaincc(a, age), 1e-300)
            spikes = generator.random(self.size) >= stays
            spikes &= (step >= self.begin) & (step < self.end)
            which = np.flatnonzero(spikes)
            self._last[which] = step + 1
            found.append((np.full(which.size, step + 1), which))
        points, sources = (np.concatenate(column) for column in zip(*found, strict=True))
        return points, sources

    def _at(self, step: int, column: int) -> np.ndarray:
        """Return a course's values in a step."""
        now = step * self.dt + 1e-6 * self.dt
        return np.array([
            values[max(int(np.searchsorted(times, now, side="right")) - 1, 0)]
            for times, values in zip(self._courses[0], self._courses[column], strict=True)
        ])  # fmt: skip


def _bound(means: np.ndarray) -> int:
    """Return what no Poisson count exceeds in 10^15 steps, at least 32.

    Args:
        means: of the counts of sources in a step.
    """
    mean = float(means.max())
    return max(32, int(np.ceil(mean + 9.0 * np.sqrt(mean) + 9.0)))
