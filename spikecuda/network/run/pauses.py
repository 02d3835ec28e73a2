"""What is done at given intervals of model time within a run: weights are sampled, or changed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np


class Chore(Protocol):
    """Something that is done at the multiples of an interval.

    Attributes:
        every: steps of the interval.
        counted: number of the population whose spikes since the last time it wants; None: none.
    """

    every: int
    counted: int | None

    def act(self, engine: Any, spikes: np.ndarray) -> None:
        """Do it.

        Args:
            engine: between two steps; ``clock`` steps are done.
            spikes: int64 (neurons,), spikes of each since the last call; empty if none are wanted.
        """


@dataclass(eq=False)
class Pauses:
    """The chores of a run.

    Args:
        chores: in the order in which they are done where they meet.
        sizes: neurons of each population.

    Attributes:
        counts: int64 (neurons,), by number of a population: its spikes since the start of the run.
    """

    chores: Sequence[Chore]
    sizes: Sequence[int]
    counts: dict[int, np.ndarray] = field(init=False)
    _seen: list[np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        wanted = {c.counted for c in self.chores if c.counted is not None}
        self.counts = {g: np.zeros(self.sizes[g], np.int64) for g in sorted(wanted)}
        self._seen = [self._counts(chore).copy() for chore in self.chores]

    @property
    def populations(self) -> list[int]:
        """Numbers of the populations whose spikes are counted."""
        return list(self.counts)

    def left(self, clock: int) -> int:
        """Return the steps from ``clock`` to the next pause."""
        return min((c.every - clock % c.every for c in self.chores), default=1 << 62)

    def due(self, clock: int) -> bool:
        """Tell whether there is a pause after ``clock`` steps."""
        return any(clock % c.every == 0 for c in self.chores)

    def count(self, population: int, neurons: np.ndarray) -> None:
        """Note spikes of a population, if they are wanted."""
        counts = self.counts.get(population)
        if counts is not None:
            counts += np.bincount(neurons, minlength=counts.size)

    def act(self, engine: Any) -> None:
        """Do what is due at the engine's clock."""
        for i, chore in enumerate(self.chores):
            if engine.clock % chore.every == 0:
                counts = self._counts(chore)
                chore.act(engine, counts - self._seen[i])
                self._seen[i] = counts.copy()

    def left_over(self) -> list[np.ndarray]:
        """Return for each chore the spikes since its last time."""
        return [
            self._counts(chore) - seen for chore, seen in zip(self.chores, self._seen, strict=True)
        ]

    def _counts(self, chore: Chore) -> np.ndarray:
        if chore.counted is None:
            return np.empty(0, np.int64)
        return self.counts[chore.counted]
