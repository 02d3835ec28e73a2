"""What is done with weights that learn, at once or at intervals: normalised, scaled, rewired."""

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from spikecuda.network.model.projection import Projection
from spikecuda.network.model.upkeep import Normalisation, RateScaling, Rewiring, Sharing
from spikecuda.network.run.engine import Engine
from spikecuda.network.run.pauses import Chore
from spikecuda.network.sharing import Sharer
from spikecuda.network.synapses.access import bundle_of
from spikecuda.network.synapses.incoming import scale_incoming, sum_incoming
from spikecuda.network.synapses.rewire import rewire
from spikecuda.network.synapses.store import Bundle, Rows


class Upkeep(Chore, Protocol):
    """Something that is done with weights at intervals, over several runs.

    Attributes:
        what: is done.
    """

    what: Any

    def keep(self, spikes: np.ndarray) -> None:
        """Note spikes after the last time, for the next run."""

    def clear(self) -> None:
        """Begin anew."""

    def remembered(self) -> dict[str, np.ndarray]:
        """Return what is remembered between two times, by name."""

    def remember(self, values: Mapping[str, np.ndarray]) -> None:
        """Take over what another one remembered."""


def do(projection: Projection, engine: Engine, what: Any) -> None:
    """Do something with a projection's weights now."""
    if isinstance(what, Rewiring):
        grow(projection, engine, what)
    else:
        normalise(projection, engine, what)


def chore_of(projection: Projection, what: Any, every: int) -> Upkeep:
    """Return what does something with a projection's weights at intervals of ``every`` steps."""
    if isinstance(what, RateScaling):
        return RateScaler(projection, what, every)
    if isinstance(what, Sharing):
        return Sharer(projection, what, every)
    return Repeated(projection, what, every)


def normalise(projection: Projection, engine: Engine, what: Normalisation) -> None:
    """Scale weights so that those onto each target have the sum that is asked for.

    Targets whose weights are all 0 keep them.
    """
    bundle, ids = bundle_of(projection, engine.wiring), projection.target.ids
    engine.settle(bundle)
    sums = sum_incoming(projection, engine.wiring, engine.peers)
    factors = np.ones(sums.size)
    some = sums[ids] > 0
    wanted = np.broadcast_to(np.abs(what.total), ids.shape)
    with np.errstate(over="ignore"):  # what is too large for a number is held to the bound, too
        factors[ids[some]] = np.minimum(wanted[some] / sums[ids[some]], np.finfo(np.float64).max)
    scale_incoming(projection, engine.wiring, factors)
    engine.rewrite(bundle)


def grow(projection: Projection, engine: Engine, what: Rewiring) -> None:
    """Remove weak synapses and let others grow; if that fails, all are as they were."""
    peers, bundle = engine.peers, bundle_of(projection, engine.wiring)
    engine.settle(bundle)
    with contextlib.nullcontext() if peers is None else peers.telling():
        made = rewire(projection, engine.wiring, what, engine.clock, peers)
        before = [replace(rows) for rows in bundle.blocks]
        counts = np.array([sum(r.targets.size for r in rows) for rows in (before, made)])
        if peers is not None:  # all have made theirs
            counts = peers.sums(counts)
    try:
        _put(bundle, made)
        engine.rewire()
    except BaseException:
        _put(bundle, before)
        engine.rewire()  # for devices that have the others already
        raise
    engine.wiring.synapses += int(counts[1] - counts[0])
    projection.recount(int(counts[1]))


def _put(bundle: Bundle, made: Sequence[Rows]) -> None:
    """Give the rows of a bundle, which several parts of an engine hold, other arrays."""
    for rows, other in zip(bundle.blocks, made, strict=True):
        for name, value in vars(other).items():
            setattr(rows, name, value)


class Repeated:
    """A projection that is normalised, or rewired, at intervals.

    Args:
        projection: whose weights.
        what: is to be done.
        every: steps.
    """

    counted: int | None = None

    def __init__(self, projection: Projection, what: Normalisation | Rewiring, every: int) -> None:
        self._projection, self.what, self.every = projection, what, every

    def act(self, engine: Any, spikes: np.ndarray) -> None:
        """Do it now."""
        do(self._projection, engine, self.what)

    def keep(self, spikes: np.ndarray) -> None:
        """Note spikes after the last time; none are wanted."""

    def clear(self) -> None:
        """Begin anew; there is nothing to forget."""

    def remembered(self) -> dict[str, np.ndarray]:
        """Return nothing."""
        return {}

    def remember(self, values: Mapping[str, np.ndarray]) -> None:
        """Take over nothing."""


class RateScaler:
    """A projection whose weights follow their targets' rates, at intervals.

    Args:
        projection: whose weights.
        what: how.
        every: steps.
    """

    def __init__(self, projection: Projection, what: RateScaling, every: int) -> None:
        self._projection, self.what, self.every = projection, what, every
        self.counted: int | None = projection.target.population.number
        self._average = self._integral = self._pending = np.empty(0)
        self.clear()

    def act(self, engine: Any, spikes: np.ndarray) -> None:
        """Scale now."""
        p, what = self._projection, self.what
        seconds = self.every * p.dt * 1e-3
        rate = (self._pending + spikes)[p.target.ids] / seconds
        self._pending = np.zeros_like(self._pending)
        old = math.exp(-seconds / what.tau) if what.tau else 0.0
        self._average = old * self._average + (1.0 - old) * rate
        error = what.rate - self._average
        self._integral = self._integral + error * seconds
        change = seconds * (what.beta * error + what.gamma * self._integral)
        factors = np.ones(p.target.population.size)
        factors[p.target.ids] = np.maximum(1.0 + change, 0.0)
        bundle = bundle_of(p, engine.wiring)
        engine.settle(bundle)
        scale_incoming(p, engine.wiring, factors)
        engine.rewrite(bundle)

    def keep(self, spikes: np.ndarray) -> None:
        """Note spikes after the last time, for the next run."""
        self._pending = self._pending + spikes

    def remembered(self) -> dict[str, np.ndarray]:
        """Return averages, integrals, and spikes after the last time."""
        return {
            "average": self._average, "integral": self._integral,
            "pending": self._pending.astype(np.float64),
        }  # fmt: skip

    def remember(self, values: Mapping[str, np.ndarray]) -> None:
        """Take over what another one remembered."""
        self._average, self._integral = values["average"].copy(), values["integral"].copy()
        self._pending = values["pending"].astype(self._pending.dtype)

    def clear(self) -> None:
        """Begin anew: the average is the rate that is asked for."""
        population = self._projection.target
        self._average = np.array(np.broadcast_to(self.what.rate, (population.size,)))
        self._integral = np.zeros(population.size)
        self._pending = np.zeros(population.population.size, np.int64)
