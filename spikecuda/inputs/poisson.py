"""Poisson pulses: independent spike trains of a rate that may change with time."""

import math
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from spikecuda.errors import SpikecudaValueError
from spikecuda.inputs.input import Input, wide
from spikecuda.inputs.memo import Memo
from spikecuda.inputs.rate import SAMPLES, Places, stays, take_rate, timed_rate
from spikecuda.inputs.sink import InputSink
from spikecuda.inputs.timed import Timed


class Pulses(Input):
    """Base of random spike trains: a rate over time, and what a spike does.

    ``rate``, ``weight``, ``start`` and ``stop`` are those of ``Poisson``.
    """

    rate: Any
    weight: Any
    start: float
    stop: float
    # Of a view: the numbers of its neurons in the population, and its size.
    _places: Places | None
    _memo: Memo
    current = False

    def __post_init__(self) -> None:
        self._take_times(stop_may_be_never=True)
        object.__setattr__(self, "rate", take_rate(self.rate, self.stop))
        self._take("weight")

    def timed(self, dt: float) -> Timed | None:
        """Return the rate over time; None if it is always the same."""
        return timed_rate(self.rate, self.start, self.stop, dt, self._places, self._memo)

    def steady(self, into: InputSink) -> np.ndarray:
        """Return a rate that is always the same, shape () or (neurons,); raise for another one."""
        size = np.size(self.rate) if isinstance(self.rate, np.ndarray) else into.count
        if size != into.count:
            raise SpikecudaValueError(
                f"rate must be one number or one per neuron, shape ({into.count},) (got shape "
                f"({size},)); a rate over time has shape (steps, 1) or (steps, neurons)"
            )
        rate = into.values("rate", self.rate)
        if np.any(rate < 0):
            raise SpikecudaValueError(f"rate must be >= 0 Hz (got {rate.min():g})")
        return rate

    def spread(self, ids: np.ndarray, size: int) -> Self:
        """Return the same for some neurons, none for the others."""
        rate = wide(self.rate, ids, size) if stays(self.rate) else self.rate
        return self.for_view(rate, ids, size)

    def for_view(self, rate: Any, ids: np.ndarray, size: int) -> Self:
        """Return the same with another rate, and weight 0 for all neurons but some."""
        made: Any = self
        weight = wide(self.weight, ids, size)
        made = replace(made, rate=rate, weight=weight)
        object.__setattr__(made, "_places", (ids, size))
        made._memo.take(self._memo, SAMPLES)
        return made


@dataclass(frozen=True, eq=False)
class Poisson(Pulses):
    """Independent Poisson spike trains; each spike makes the membrane potential jump.

    Args:
        rate: Hz, >= 0; several events may occur in one step.  One number, or one per neuron; an
            array (steps, neurons) or (steps, 1) with a row for each step from ``start`` on, and
            no events after its last row; a ``Waveform`` or a ``Sine`` in model time; or a function
            of t.  The function is called once with the times of all steps within [start, stop) in
            ms, shape (times,), and returns rates of shape (times,) or (times, neurons).
        weight: jump of the model's ``pulse`` state (mV) per event, one number or one per neuron.
            It acts after integration and before the threshold test; while a neuron is refractory,
            it is lost.  In a network: in the unit of the receptor.
        start: ms since the last reset, >= 0; the rate is 0 in steps that begin before it.
        stop: ms since the last reset, > start; the rate is 0 in steps that begin at it or later.

    A step has the rate at its start.  The events of a step depend on seed, neuron, step and rate
    alone.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used; a rate is below 0, or
            above 64 events a step.
    """

    rate: Any
    weight: Any
    start: float = 0.0
    stop: float = math.inf
    _places: Places | None = field(default=None, init=False, repr=False)
    _memo: Memo = field(default_factory=Memo, init=False, repr=False)

    def resolve(self, into: InputSink) -> None:
        """Add pulses."""
        weight, timed = into.values("weight", self.weight), self.timed(into.dt)
        if timed is not None:
            into.add_timed_pulses(timed, weight)
            return
        into.add_pulses(self.steady(into), weight)
