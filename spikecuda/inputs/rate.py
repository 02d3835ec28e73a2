"""Rates of random spike trains: numbers, arrays, waveforms and functions of time."""

import math
from typing import Any

import numpy as np

from spikecuda.common.arrays import take_reals
from spikecuda.common.time_grid import first_step
from spikecuda.devices.array_interop import GpuArray
from spikecuda.errors import SpikecudaValueError
from spikecuda.inputs.input import Input
from spikecuda.inputs.memo import Memo
from spikecuda.inputs.sampled import MOST_SAMPLES, evaluate
from spikecuda.inputs.timed import ALL, Timed
from spikecuda.inputs.values import OnGpu, per_neuron, require_finite, there

# Where the numbers of a view's neurons go: their numbers in the population, and its size.
Places = tuple[np.ndarray, int]
# What samples of a function are kept under, with dt.
SAMPLES = "samples"


def take_rate(value: Any, stop: float) -> Any:
    """Return a rate as an input keeps it: a copy of arrays; raise for what can be none.

    Args:
        value: Hz: a number, an array (neurons,) or (steps, neurons), a ``Waveform``, a ``Sine``, or
            a function of t in ms.
        stop: of the input, ms: a function of time needs an end.
    """
    if isinstance(value, Input):
        if type(value).as_rate is Input.as_rate:
            value.as_rate(1.0)  # which raises
        return value
    if there("rate", value) is not None:
        return per_neuron("rate", value)
    if callable(value):
        if not math.isfinite(stop):
            raise SpikecudaValueError(
                "rate is a function of time, which is sampled once, so stop must be finite (got "
                f'{stop!r}); give stop, or Waveform.sample(function, ..., after="repeat")'
            )
        return value
    array = take_reals("rate", value, "a number, an array, a Waveform or a function of t in ms")
    if array.ndim > 2:
        raise SpikecudaValueError(
            "rate must be one number, one per neuron, shape (neurons,), or one per step and "
            f"neuron, shape (steps, neurons) or (steps, 1) (got shape {array.shape})"
        )
    if array.ndim == 2:  # the others are checked with the neurons they are for
        require_finite("rate", array)
    return array if array.ndim else float(array)


def timed_rate(
    value: Any, start: float, stop: float, dt: float, places: Places | None, memo: Memo
) -> Timed | None:
    """Return a rate over time, 0 outside [start, stop) ms; None if it is always the same.

    Args:
        value: what ``take_rate`` returned.
        start, stop: ms.
        dt: ms.
        places: of a view's neurons in the population; None: the rate is the whole population's.
        memo: where samples of a function are kept.

    Raises:
        SpikecudaValueError: the rate is below 0 at some time.
    """
    if isinstance(value, OnGpu):
        value.adopt(None)  # which is refused
    constant = stays(value)
    if constant and start <= 0.0 and stop == math.inf:
        return None
    timed = _constant(np.asarray(value)) if constant else _changing(value, start, stop, dt, memo)
    if timed.least < 0:
        raise SpikecudaValueError(
            f"rate must be >= 0 Hz at all times (got {timed.least:g}); cut it off at 0, for "
            "example by np.maximum in a Waveform"
        )
    timed = timed.within(start, stop, dt)
    return timed.spread(*places) if places and timed.width and not constant else timed


def stays(value: Any) -> bool:
    """Tell whether a rate, as ``take_rate`` returned it, is the same at all times."""
    return isinstance(value, OnGpu | GpuArray | float) or (
        isinstance(value, np.ndarray) and value.ndim < 2
    )


def _constant(values: np.ndarray) -> Timed:
    ends = float(values.min(initial=math.inf)), float(values.max(initial=-math.inf))

    def at(clock: int, steps: int, columns: slice = ALL) -> np.ndarray:
        some = values[columns] if values.ndim else values
        return np.broadcast_to(some, (steps, *some.shape))

    return Timed(at, values.size * values.ndim, *ends)


def _changing(value: Any, start: float, stop: float, dt: float, memo: Memo) -> Timed:
    if isinstance(value, Input):
        return value.as_rate(dt)
    if callable(value):
        value = _samples(value, start, stop, dt, memo)
    rows = value[:, 0] if value.ndim == 2 and value.shape[1] == 1 else value
    return _rows(rows, first_step(start, dt))


def sampled_rate(term: Any, dt: float) -> np.ndarray:
    """Return the rate of an input, a function of time, as an array that gives the same bits.

    Args:
        term: the input, with ``start`` and ``stop``.
        dt: ms.
    """
    rows = _samples(term.rate, term.start, term.stop, dt, term._memo)
    return rows if rows.ndim == 2 else rows[:, None]


def _samples(function: Any, start: float, stop: float, dt: float, memo: Memo) -> np.ndarray:
    """Return a function's values at the steps within [start, stop) ms."""
    first = first_step(start, dt)
    count = first_step(stop, dt) - first
    if count > MOST_SAMPLES:
        raise SpikecudaValueError(
            f"rate must be sampled at {MOST_SAMPLES:,} steps at most (got {count:,}); use a "
            "Waveform with a larger dt"
        )
    times = (first + np.arange(count)) * dt
    values = memo.get((SAMPLES, dt), lambda: evaluate("rate", function, times))
    require_finite("rate", values)
    return values


def _rows(rows: np.ndarray, first: int) -> Timed:
    """Return rows of numbers from a step on, 0 before and after."""
    padded = np.concatenate([rows, np.zeros((1, *rows.shape[1:]))])
    outside, wide = len(rows), rows.ndim == 2

    def at(clock: int, steps: int, columns: slice = ALL) -> np.ndarray:
        k = np.arange(clock, clock + steps) - first
        known = padded[:, columns] if wide else padded
        found: np.ndarray = known[np.where((k >= 0) & (k < outside), k, outside)]
        return found

    return Timed(at, rows.shape[1] if wide else 0, float(padded.min()), float(padded.max()))
