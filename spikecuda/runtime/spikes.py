"""Spikes as sorted lists."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# Words of spike bits that are worth another thread: their draining takes as long as waking it.
WORDS_PER_THREAD = 1 << 16

# (step, neuron): int64 and int32 arrays of one length, sorted by step, then by neuron.
SpikeList = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Spikes:
    """Spikes of a run, sorted by step, then by neuron.

    Attributes:
        step: int64 array (spikes,): the step at whose end each neuron spiked; 0 is the first step
            after a reset.
        neuron: int32 array (spikes,): the number of the neuron.
        dt: length of a step in ms.
    """

    step: np.ndarray
    neuron: np.ndarray
    dt: float

    def __len__(self) -> int:
        return int(self.step.size)

    @property
    def time(self) -> np.ndarray:
        """Spike times in ms, float64: the ends of the steps, ``(step + 1) dt``."""
        return (self.step + 1) * self.dt

    def of(self, neuron: int) -> np.ndarray:
        """Return the spike times of one neuron in ms."""
        return self.time[self.neuron == neuron]

    def counts(self, num_neurons: int) -> np.ndarray:
        """Return the number of spikes of each neuron, int64 array (num_neurons,)."""
        return np.bincount(self.neuron, minlength=num_neurons)


def list_spikes(
    bits: np.ndarray, words: int, first: int, last: int, clock: int, neuron: int, keep: bool
) -> tuple[int, SpikeList | None]:
    """Return the number of spikes in rows of bits and, if they are kept, their list.

    Args:
        bits: uint32, rows of ``words`` words.
        words: of a row.
        first, last: the rows, [first, last).
        clock: number of row 0's step.
        neuron: number of bit 0's neuron.
        keep: whether to list them.
    """
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    loops = load_cpu_loop("spikes")
    size = int(loops.count_spikes(bits[first * words : last * words]))
    if not keep or not size:
        return size, None
    step, neurons = np.empty(size, np.int64), np.empty(size, np.int32)
    busy = np.empty(words, np.int32)
    loops.list_spikes(bits, words, first, last, clock, neuron, busy, step, neurons)
    return size, (step, neurons)


def merge_spikes(lists: Sequence[SpikeList]) -> SpikeList:
    """Return lists as one sorted by step; within a step, earlier lists come first."""
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    if not lists:
        return np.empty(0, np.int64), np.empty(0, np.int32)
    found = list(lists)
    while len(found) > 1:
        pairs = []
        for i in range(0, len(found) - 1, 2):
            size = found[i][0].size + found[i + 1][0].size
            pair = np.empty(size, np.int64), np.empty(size, np.int32)
            load_cpu_loop("spikes").merge_spikes(*found[i], *found[i + 1], *pair)
            pairs.append(pair)
        found = pairs + found[len(found) // 2 * 2 :]
    return found[0]


def join_spikes(lists: Sequence[SpikeList]) -> SpikeList:
    """Return lists that follow each other in time as one."""
    if not lists:
        return np.empty(0, np.int64), np.empty(0, np.int32)
    if len(lists) == 1:
        return lists[0]
    step, neuron = (np.concatenate(parts) for parts in zip(*lists, strict=True))
    return step, neuron


@dataclass
class Drain:
    """Collect the spikes of one partition, window by window.

    Attributes:
        words: of a row of bits.
        first: number of the first neuron.
        keep: whether spikes are listed, or only counted.
        total: spikes taken so far.
        windows: for each window that nobody has taken, its lists, one after the other in time.
    """

    words: int
    first: int
    keep: bool
    total: int = 0
    windows: deque[list[SpikeList]] = field(default_factory=deque)

    def take(
        self,
        bits: np.ndarray,
        clock: int,
        rows: int,
        threads: int,
        together: Callable[[Sequence[Callable[[], Any]]], list[Any]],
    ) -> None:
        """Take the spikes of a window.

        Args:
            bits: uint32, ``rows`` rows.
            clock: number of the first row's step.
            rows: steps of the window.
            threads: how many may share the work.
            together: calls functions side by side and returns their results.
        """
        parts = max(1, min(threads, rows, rows * self.words // WORDS_PER_THREAD))

        def part(i: int) -> Callable[[], tuple[int, SpikeList | None]]:
            first, last = rows * i // parts, rows * (i + 1) // parts
            return lambda: list_spikes(bits, self.words, first, last, clock, self.first, self.keep)

        found = together([part(i) for i in range(parts)])
        self.total += sum(size for size, _ in found)
        self.windows.append([spikes for _, spikes in found if spikes is not None])
