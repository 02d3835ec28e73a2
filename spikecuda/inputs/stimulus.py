"""Protocols and noise; add inputs with ``+``.

Units: currents in the model's input unit (pA; mV/ms for Izhikevich), time in ms, rates in Hz.
A step of a protocol has the value at the step's start, ``t = k dt`` since the last reset; see
``spikecuda.common.time_grid`` for times that are no multiples of dt.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_real
from spikecuda.common.time_grid import first_step
from spikecuda.errors import SpikecudaValueError
from spikecuda.inputs.input import Constant as Constant
from spikecuda.inputs.input import Input as Input
from spikecuda.inputs.input import PerStep as PerStep
from spikecuda.inputs.input import as_inputs as as_inputs
from spikecuda.inputs.input import wide
from spikecuda.inputs.poisson import Poisson as Poisson
from spikecuda.inputs.sink import InputSink
from spikecuda.inputs.timed import always, on_within


@dataclass(frozen=True, eq=False)
class Step(Input):
    """A current that is on from ``start`` to ``stop``.

    It is on in the steps that begin within [start, stop).  If no step begins within that time, it
    is never on.

    Args:
        amplitude: in the model's input unit, one number or one per neuron.
        start: ms since the last reset, >= 0.
        stop: ms since the last reset, > start; infinity: it never ends.
    """

    amplitude: Any
    start: float = 0.0
    stop: float = math.inf

    def __post_init__(self) -> None:
        self._take_times(stop_may_be_never=True)
        self._take("amplitude")

    def resolve(self, into: InputSink) -> None:
        """Add a course that is 1 while the current is on."""
        on = on_within(self.start, self.stop, into.dt)

        def course(clock: int, _: int, steps: int) -> np.ndarray:
            return on(clock, steps).astype(np.float64)

        into.add_course(course, into.values("amplitude", self.amplitude), most=1.0)

    def spread(self, ids: np.ndarray, size: int) -> "Step":
        """Return the same for some neurons, 0 for the others."""
        return replace(self, amplitude=wide(self.amplitude, ids, size))


@dataclass(frozen=True, eq=False)
class Ramp(Input):
    """A current that changes linearly from ``first`` at ``start`` to ``last`` at ``stop``.

    It is 0 before ``start`` and stays at ``last`` after ``stop``.

    Args:
        first, last: in the model's input unit.
        start, stop: ms since the last reset, 0 <= start < stop, finite.
        gain: factor, one number or one per neuron.
    """

    first: float
    last: float
    start: float
    stop: float
    gain: Any = 1.0

    def __post_init__(self) -> None:
        self._take_times(stop_may_be_never=False)
        for name in ("first", "last"):
            value = as_real(name, getattr(self, name))
            if not math.isfinite(value):
                raise SpikecudaValueError(f"{name} must be finite (got {value!r})")
            object.__setattr__(self, name, value)
        self._take("gain")

    def resolve(self, into: InputSink) -> None:
        """Add a course of the ramp's values."""
        begin, dt = first_step(self.start, into.dt), into.dt

        def course(clock: int, _: int, steps: int) -> np.ndarray:
            k = np.arange(clock, clock + steps)
            part = np.clip((k * dt - self.start) / (self.stop - self.start), 0.0, 1.0)
            return np.where(k >= begin, self.first + (self.last - self.first) * part, 0.0)

        # The course is made of the difference of both, too.
        whole = math.isfinite(self.last - self.first)
        most = max(abs(self.first), abs(self.last)) if whole else math.inf
        into.add_course(course, into.values("gain", self.gain), most)

    def spread(self, ids: np.ndarray, size: int) -> "Ramp":
        """Return the same for some neurons, 0 for the others."""
        return replace(self, gain=wide(self.gain, ids, size))


@dataclass(frozen=True, eq=False)
class Noise(Input):
    """Gaussian white noise current: ``mean + sigma xi(t)``.

    It is on in the steps that begin within [start, stop).

    Args:
        sigma: intensity in (input unit) sqrt(ms), >= 0, one number or one per neuron.  The current
            of a step is ``sigma / sqrt(dt)`` times a standard normal number.  So the noise of the
            membrane does not depend on dt: a LIF neuron far below threshold has a standard
            deviation of ``(sigma / c_m) sqrt(tau_m / 2)``.
        mean: constant part, one number or one per neuron.
        start: ms since the last reset, >= 0.
        stop: ms since the last reset, > start; infinity: it never ends.

    Source: Gerstner, Kistler, Naud, Paninski (2014) Neuronal Dynamics, section 8.1.
    """

    sigma: Any
    mean: Any = 0.0
    start: float = 0.0
    stop: float = math.inf

    def __post_init__(self) -> None:
        self._take_times(stop_may_be_never=True)
        self._take("sigma", "mean")

    def resolve(self, into: InputSink) -> None:
        """Add the mean to the constant current, and the noise."""
        mean, sigma = into.values("mean", self.mean), into.values("sigma", self.sigma)
        if np.any(sigma < 0):
            raise SpikecudaValueError(f"sigma must be >= 0 (got {sigma.min():g})")
        if self.start <= 0.0 and self.stop == math.inf:
            if np.any(mean != 0.0):
                into.add_constant(mean)
            into.add_noise(sigma)
            return
        level = always(1.0).within(self.start, self.stop, into.dt)
        if np.any(mean != 0.0):
            into.add_course(lambda clock, _, steps: level.at(clock, steps), mean, most=1.0)
        into.add_noise(sigma, level)

    def spread(self, ids: np.ndarray, size: int) -> "Noise":
        """Return the same for some neurons, none for the others."""
        return replace(self, sigma=wide(self.sigma, ids, size), mean=wide(self.mean, ids, size))
