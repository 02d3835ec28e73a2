"""The histories of a population's spikes in a block: what synapses that learn look back on."""

from collections.abc import Callable, Sequence

import numpy as np

from spikecuda.common.aligned_memory import aligned_zeros
from spikecuda.kernels.learn_spec import LearnSpec
from spikecuda.kernels.network import layout


class Seen:
    """The states of targets in recent steps, as a rule sees them.

    Args:
        states: arrays (neurons,), where the neurons' states are.
        initial: returns what each was before the first step, arrays (neurons,).
        later: how many steps later each is seen.
        steps: how far back a rule looks at most, besides.
        watch: address of the rule's loop that notes them.

    Attributes:
        ring: reals (steps, states, neurons): those of step s in row s modulo their number.
    """

    def __init__(
        self,
        states: Sequence[np.ndarray],
        initial: Callable[[], Sequence[np.ndarray]],
        later: Sequence[int],
        steps: int,
        watch: int,
    ) -> None:
        self._arrays, self._initial, self._watch = list(states), initial, watch
        slots = 1 << (steps + max(later) + 1).bit_length()
        self.ring = np.zeros((slots, len(self._arrays), self._arrays[0].size), states[0].dtype)
        self._addresses = np.array([a.ctypes.data for a in self._arrays], np.int64)
        self._later = np.array(later, np.int64)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.ring.nbytes

    def clear(self) -> None:
        """Go back to before the first step."""
        for i, initial in enumerate(self._initial()):
            self.ring[:, i] = initial

    def take(self, other: "Seen") -> None:
        """Take what another has noted of the same states."""
        self.ring[:] = other.ring

    def tabulate(self, row: np.ndarray) -> None:
        """Write what the loops need into the row of a history."""
        row[layout.HISTORY_WATCH] = self._watch
        row[layout.HISTORY_RING] = self.ring.ctypes.data
        row[layout.HISTORY_RING_MASK] = self.ring.shape[0] - 1
        row[layout.HISTORY_STATES] = self._addresses.ctypes.data
        row[layout.HISTORY_LATER] = self._later.ctypes.data


class History:
    """Steps of the spikes of some neurons, and what their traces were then.

    Args:
        spec: of the rule.
        target: whether the neurons are targets; else sources.
        first, count: number of the first neuron within its population, and how many.
        constants: of the rule, in its type.
        start: values before the first spike.
        need: entries of the log that two windows may take.
        push: address of the rule's loop that adds a spike; 0 if spikes do not count.
        row: int64 (layout.HISTORY,), what the loops find it by; written here.
        seen: the targets' states that the rule sees.

    Attributes:
        first, count, words: as above; words of the values of an entry.
        real: type of the values.
        row, seen: as above.
    """

    def __init__(
        self,
        spec: LearnSpec,
        target: bool,
        first: int,
        count: int,
        constants: np.ndarray,
        start: np.ndarray,
        need: int,
        push: int,
        row: np.ndarray,
        seen: Seen | None = None,
    ) -> None:
        values = spec.target_values if target else spec.source_values
        self.count, self.words = count, len(values) * spec.width // 4
        stride = layout.RECENT * (1 + self.words)
        # Lines of up to 64 bytes lie in one line of the cache.
        self.stride = 1 << max(0, stride - 1).bit_length() if stride <= 16 else -(-stride // 4) * 4
        self._constants, self._need, self.real = constants, need, constants.dtype
        self._start = np.append(start.astype(constants.dtype), constants.dtype.type(0))
        self._lines = aligned_zeros(count * self.stride, np.int32, lazy=False)
        self._spill = np.empty(count, np.int32)
        self._state = aligned_zeros(8, np.int64)
        self._log = np.empty(0, np.int32)
        self.row, self.first, self._push, self.seen = row, first, push, seen
        self.clear()
        self.grow(2 * need + 1024)

    def expect(self, need: int) -> None:
        """Have room for so many entries in two windows, from the next time that it is asked."""
        self._need = need
        self.row[layout.HISTORY_NEED] = need

    @property
    def entry(self) -> int:
        """Words of an entry of the log."""
        return 2 + self.words

    @property
    def used(self) -> int:
        """Entries of the log that are used."""
        return int(self._state[0])

    @property
    def capacity(self) -> int:
        """Entries that the log has."""
        return self._log.size // self.entry

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        seen = 0 if self.seen is None else self.seen.nbytes
        return self._lines.nbytes + self._spill.nbytes + self._log.nbytes + seen

    def lacks(self, more: int) -> bool:
        """Tell whether the log may be too short for two windows and ``more`` spikes."""
        return self.used + self._need + more > self.capacity

    def take(self, other: "History") -> None:
        """Take the spikes of a history of the same neurons, with what their traces were then."""
        self._lines[:] = other._lines
        self._spill[:] = other._spill
        self._state[:] = other._state
        self._log = other._log.copy()
        if self.seen is not None and other.seen is not None:
            self.seen.take(other.seen)
        self._tabulate()

    def wrong(self) -> int:
        """Return what could not be used of what sources release since the last time, as bits."""
        bits = int(self._state[2])
        self._state[2] = 0
        return bits

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """Return lines, spill and log, one row a neuron or entry, and words of an entry's values.

        A line is steps, then values of each; an entry of the log is its step, its link, its values.
        """
        lines = self._lines.reshape(self.count, self.stride)
        return lines, self._spill, self._log.reshape(-1, self.entry), self.words

    def clear_spikes(self, logged: int) -> None:
        """Forget all spikes, and let the first entries of the log be used, which are set then."""
        self.clear()
        while self.capacity < logged:
            self.grow(max(1, 2 * self.capacity))
        self._state[0] = logged

    def clear(self) -> None:
        """Forget all spikes."""
        lines = self._lines.reshape(self.count, self.stride)
        lines[:] = 0
        lines[:, : layout.RECENT] = layout.NEVER
        values = self._start[:-1].view(np.int32)
        for k in range(layout.RECENT):
            at = layout.RECENT + k * self.words
            lines[:, at : at + self.words] = values
        self._spill[:] = -1
        self._state[0] = self._state[2] = 0
        if self.seen is not None:
            self.seen.clear()

    def grow(self, capacity: int) -> None:
        """Make the log longer."""
        log = np.empty(max(capacity, self.capacity) * self.entry, np.int32)
        log[: self._log.size] = self._log
        self._log = log
        self._tabulate()

    def prune(self, limit: int) -> None:
        """Drop what is older than a step, but for each neuron's newest entry up to it."""
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        log = np.empty_like(self._log)
        load_cpu_loop("network_histories").prune(
            self.row.ctypes.data, self.count, limit, log.ctypes.data
        )
        self._log = log
        self._tabulate()

    def _tabulate(self) -> None:
        self._state[1] = self.capacity
        row = self.row
        row[layout.HISTORY_LINES] = self._lines.ctypes.data
        row[layout.HISTORY_STRIDE] = self.stride
        row[layout.HISTORY_SPILL] = self._spill.ctypes.data
        row[layout.HISTORY_LOG] = self._log.ctypes.data
        row[layout.HISTORY_ENTRY] = self.entry
        row[layout.HISTORY_STATE] = self._state.ctypes.data
        row[layout.HISTORY_CONSTANTS] = self._constants.ctypes.data
        row[layout.HISTORY_PUSH] = self._push
        row[layout.HISTORY_NEURON] = self.first
        row[layout.HISTORY_NEED] = self._need
        row[layout.HISTORY_START] = self._start.ctypes.data
        row[layout.HISTORY_COUNT] = self.count
        if self.seen is not None:
            self.seen.tabulate(row)
