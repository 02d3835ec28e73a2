"""Spikes as sorted lists."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class Spikes:
    """Spikes of a run, sorted by step, then by neuron.

    Attributes:
        step: int64 array (spikes,): the step at whose end each neuron spiked, 0 for the first
            step after a reset.
        neuron: int32 array (spikes,): which neuron.
        dt: length of a step in ms.
    """

    step: np.ndarray
    neuron: np.ndarray
    dt: float

    def __len__(self) -> int:
        return int(self.step.size)

    @property
    def time(self) -> np.ndarray:
        """Spike times in ms, float64: the end of the step."""
        return (self.step + 1) * self.dt

    def of(self, neuron: int) -> np.ndarray:
        """Return the spike times of one neuron in ms."""
        return self.time[self.neuron == neuron]

    def counts(self, num_neurons: int) -> np.ndarray:
        """Return the number of spikes of each neuron, int64 array (num_neurons,)."""
        return np.bincount(self.neuron, minlength=num_neurons)


@dataclass
class Drain:
    """Collect spikes, window by window, from the partitions' rows of bits.

    Attributes:
        keep: whether spikes are listed, or only counted.
        total: spikes taken so far.
    """

    keep: bool
    total: int = 0
    _steps: list[np.ndarray] = field(default_factory=list)
    _neurons: list[np.ndarray] = field(default_factory=list)

    def take(self, parts: list[tuple[np.ndarray, int, int]], clock: int, rows: int) -> None:
        """Take the spikes of a window.

        Args:
            parts: for each partition, in the order of their neurons: bits, words in a row, number
                of the first neuron.
            clock: number of the first row's step.
            rows: steps of the window.
        """
        from spikecuda.kernels.render import load_host

        loops = load_host("spikes")
        found = []
        for bits, words, first in parts:
            counts = np.empty(rows, np.int64)
            loops.count_spikes(bits, words, 0, rows, counts)
            size = int(counts.sum())
            self.total += size
            if self.keep and size:
                offsets = np.concatenate(([0], np.cumsum(counts)[:-1]))
                step, neuron = np.empty(size, np.int64), np.empty(size, np.int32)
                loops.list_spikes(bits, words, 0, rows, offsets, clock, first, step, neuron)
                found.append((step, neuron))
        if len(found) == 1:
            self._steps.append(found[0][0])
            self._neurons.append(found[0][1])
        elif found:
            step, neuron = (np.concatenate(lists) for lists in zip(*found, strict=True))
            order = np.argsort(step, kind="stable")
            self._steps.append(step[order])
            self._neurons.append(neuron[order])

    def spikes(self, dt: float) -> Spikes:
        """Return all spikes taken so far."""
        if not self._steps:
            return Spikes(np.empty(0, np.int64), np.empty(0, np.int32), dt)
        return Spikes(np.concatenate(self._steps), np.concatenate(self._neurons), dt)
