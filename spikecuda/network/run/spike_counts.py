"""Spikes of each population, counted while a run goes on."""

import numpy as np

from spikecuda.network.run.partition import NUMBER

# Lists that wait to be counted together: counting one takes longer than a short window's launch.
WAITING = 64


class SpikeCounts:
    """How many spikes each population has had; any thread may ask within a run.

    Args:
        first: number of the first neuron of each population, ascending.
    """

    def __init__(self, first: np.ndarray) -> None:
        self._first = first
        # Both are replaced by one assignment, so that a reader sees each list once.
        self._state: tuple[np.ndarray, list[np.ndarray]] = np.zeros(first.size, np.int64), []

    def extend(self, first: int) -> None:
        """Count the spikes of another population, whose first neuron has the highest number."""
        counted = self.total()
        self._first = np.append(self._first, first)
        self._state = np.append(counted, 0), []

    def add(self, spikes: np.ndarray, now: bool = False) -> None:
        """Take a list of spikes, coded as partitions return them.

        Args:
            spikes: the list.
            now: count it at once, for long lists; else with others.
        """
        counted, waiting = self._state
        waiting.append(spikes)
        if now or len(waiting) >= WAITING:
            self._state = self._sum(counted, waiting), []

    def total(self) -> np.ndarray:
        """Return the spikes of each population since the start."""
        return self._sum(*self._state)

    def take(self, counts: np.ndarray) -> None:
        """Go on from these counts."""
        self._state = np.array(counts, np.int64), []

    def clear(self) -> None:
        """Start again."""
        self._state = np.zeros(self._first.size, np.int64), []

    def _sum(self, counted: np.ndarray, waiting: list[np.ndarray]) -> np.ndarray:
        if not waiting:
            return counted.copy()
        numbers = np.concatenate([*waiting]) & NUMBER
        population = np.searchsorted(self._first, numbers, side="right") - 1
        return counted + np.bincount(population, minlength=self._first.size)
