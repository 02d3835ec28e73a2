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
    """Collect spikes window by window from rows of bits."""

    count: int
    keep: bool
    total: int = 0
    steps: list[np.ndarray] = field(default_factory=list)
    neurons: list[np.ndarray] = field(default_factory=list)

    @property
    def words(self) -> int:
        """uint32 words in a row of bits."""
        return (self.count + 31) // 32

    def take(self, bits: np.ndarray, clock: int, rows: int) -> int:
        """Take the spikes of a window; return how many there were."""
        from spikecuda.kernels.render import load_host

        loops = load_host("spikes")
        counts = np.empty(rows, np.int64)
        loops.count_spikes(bits, self.words, 0, rows, counts)
        found = int(counts.sum())
        self.total += found
        if self.keep and found:
            offsets = np.concatenate(([0], np.cumsum(counts)[:-1]))
            step, neuron = np.empty(found, np.int64), np.empty(found, np.int32)
            loops.list_spikes(bits, self.words, 0, rows, offsets, np.int64(clock), step, neuron)
            self.steps.append(step)
            self.neurons.append(neuron)
        return found

    def spikes(self, dt: float) -> Spikes:
        """Return all spikes taken so far."""
        if not self.steps:
            return Spikes(np.empty(0, np.int64), np.empty(0, np.int32), dt)
        return Spikes(np.concatenate(self.steps), np.concatenate(self.neurons), dt)
