"""Renewal trains, drawn interval by interval and read step by step."""

import math
from dataclasses import dataclass

import numpy as np

from spikecuda.common.seed import keys
from spikecuda.inputs.memo import Memo
from spikecuda.inputs.timed import Timed

# Steps that are drawn at a time where nobody asked for them.
SKIP = 4096


@dataclass(eq=False)
class _State:
    """Trains at the start of a step.

    Attributes:
        step: its number.
        index: numbers of the intervals that have begun.
        waiting: time of the next spike, ms since the first step; with a rate that changes: what is
            left of the interval, in its mean.
        resting: what is left of the refractory period, ms.
    """

    step: int
    index: np.ndarray
    waiting: np.ndarray
    resting: np.ndarray

    def copy(self) -> "_State":
        """Return a state that can advance by itself."""
        arrays = (self.index, self.waiting, self.resting)
        return _State(self.step, *(array.copy() for array in arrays))


class Trains:
    """Renewal trains of neurons in a row; their spikes do not depend on what was read before.

    Args:
        rate: Hz, shape () or (neurons,), or over time.
        shape: of the gamma distribution.
        rest: refractory period, ms.
        first, last: steps from which and before which there are spikes.
        dt: ms.
        seed: of the random numbers.
        identity: of the first neuron.
        stream: of the random numbers.
        memo: where states are kept.
    """

    def __init__(
        self,
        rate: np.ndarray | Timed,
        shape: float,
        rest: float,
        first: int,
        last: int,
        dt: float,
        seed: int,
        identity: int,
        stream: int,
        memo: Memo,
    ) -> None:
        self._rate, self._shape, self._rest = rate, shape, rest
        self._first, self._last, self._dt = first, last, dt
        self._generator = (np.uint32(stream), *keys(seed))
        self._identity, self._memo = identity, memo
        self._key = (dt, seed, identity, stream)

    def read(self, clock: int, steps: int, columns: slice) -> np.ndarray:
        """Return the spikes of some steps and neurons: float32 (steps, neurons)."""
        result = np.zeros((steps, columns.stop - columns.start), np.float32)
        begin, end = max(clock, self._first), min(clock + steps, self._last)
        if begin < end:
            state = self._at(begin, columns)
            self._advance(state, columns, result[begin - clock : end - clock])
            self._keep(state, columns)
        return result

    def _at(self, step: int, columns: slice) -> _State:
        """Return the state at a step, from the nearest one before that is known."""
        held = self._memo.find((*self._key, columns.start, columns.stop)) or ()
        assert isinstance(held, tuple)
        known = [state for state in held if state.step <= step]
        state = known[-1].copy() if known else self._begin(columns)
        while state.step < step:
            size = min(SKIP, step - state.step)
            self._advance(state, columns, np.empty((size, state.index.size), np.float32))
        self._keep(state, columns)
        return state

    def _keep(self, state: _State, columns: slice) -> None:
        """Keep a state for the next read, and fewer the older they are: a read may go back."""
        key = (*self._key, columns.start, columns.stop)
        held = self._memo.find(key) or ()
        assert isinstance(held, tuple)
        oldest: dict[int, _State] = {}
        for s in held:
            if s.step < state.step:
                oldest.setdefault((state.step - s.step).bit_length(), s)
        self._memo.put(key, (*oldest.values(), state.copy()))

    def _begin(self, columns: slice) -> _State:
        """Return the state at the first step."""
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        n = columns.stop - columns.start
        if isinstance(self._rate, Timed):
            rate = np.broadcast_to(self._rate.at(self._first, 1, columns)[0], (n,))
        else:
            rate = self._part(self._rate, columns)
        silent = np.ascontiguousarray(rate * (self._rest * 1e-3))
        resting, waiting = np.empty(n), np.empty(n)
        load_cpu_loop("random_input").begin_trains(
            self._identity_of(columns), *self._generator, self._shape, silent, resting, waiting
        )
        resting *= self._rest
        if not isinstance(self._rate, Timed):
            waiting = resting + waiting * self._intervals(rate)
        return _State(self._first, np.zeros(n, np.int64), waiting, resting)

    def _advance(self, state: _State, columns: slice, out: np.ndarray) -> None:
        """Advance trains by some steps and write their spikes."""
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        loops, identity = load_cpu_loop("random_input"), self._identity_of(columns)
        steps = len(out)
        if isinstance(self._rate, Timed):
            rate = self._rate.at(state.step, steps, columns)
            rate = rate if rate.ndim == 2 else rate[:, None]
            hazard = np.ascontiguousarray(rate / (1e3 - rate * self._rest))
            loops.changing_trains(
                identity, *self._generator, self._shape, self._rest, hazard, self._dt,
                state.resting, state.waiting, state.index, out,
            )  # fmt: skip
        else:
            interval = np.ascontiguousarray(self._intervals(self._part(self._rate, columns)))
            loops.regular_trains(
                identity, *self._generator, self._shape, self._rest, interval, self._dt,
                state.step - self._first, steps, state.waiting, state.index, out,
            )  # fmt: skip
        state.step += steps

    def _identity_of(self, columns: slice) -> np.uint32:
        return np.uint32(self._identity + columns.start)

    def _intervals(self, rate: np.ndarray) -> np.ndarray:
        """Return the mean time after a refractory period until the next spike, ms."""
        with np.errstate(divide="ignore"):
            return np.where(rate > 0, 1e3 / rate - self._rest, math.inf)

    @staticmethod
    def _part(values: np.ndarray, columns: slice) -> np.ndarray:
        """Return one number for each of some neurons."""
        some = values[columns] if values.ndim else values
        return np.broadcast_to(some, (columns.stop - columns.start,))
