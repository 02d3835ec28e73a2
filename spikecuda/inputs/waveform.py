"""Currents and rates over model time: samples of any interval, and sines."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from spikecuda.common.arguments import as_positive, as_real, shown
from spikecuda.common.arrays import take_reals
from spikecuda.common.time_grid import places_of
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.inputs.input import Input, wide
from spikecuda.inputs.sampled import sample
from spikecuda.inputs.sink import InputSink
from spikecuda.inputs.timed import ALL, Timed, wrong_width
from spikecuda.inputs.values import require_finite

HOLD, LINEAR, REPEAT = "hold", "linear", "repeat"


@dataclass(frozen=True, eq=False)
class Waveform(Input):
    """A current, or the rate of spike trains, given by samples in model time.

    Sample j is the value at ``start + j dt`` ms since the last reset.  A step has the value at its
    start, whatever the sampling: the waveform's ``dt`` need not be a multiple of the step, and runs
    of any length read their part of it.

    Args:
        values: shape (samples,), the same for all neurons, or (samples, neurons); in the model's
            input unit, or in Hz as a rate.
        dt: ms between two samples, > 0.
        start: time of the first sample in ms, >= 0.
        interpolation: "hold": a sample lasts until the next one; "linear": straight lines between
            samples.
        before: value before ``start``: a number, or "hold" for the first sample.
        after: value after the end: a number, "hold" for the last sample, or "repeat" to begin again
            every ``samples * dt`` ms.  With "hold" interpolation the end is ``dt`` after the last
            sample; with "linear" it is the last sample, and "repeat" draws a line from there to
            the first.
        gain: factor, one number or one per neuron.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
    """

    values: Any
    dt: float
    start: float = 0.0
    interpolation: str = HOLD
    before: float | str = 0.0
    after: float | str = 0.0
    gain: Any = 1.0

    def __post_init__(self) -> None:
        values = take_reals("values", self.values, "an array (samples,) or (samples, neurons)")
        if values.ndim not in (1, 2) or not values.size:
            raise SpikecudaValueError(
                "values must have shape (samples,) or (samples, neurons), with at least one sample "
                f"(got shape {values.shape})"
            )
        require_finite("values", values)
        if not math.isfinite(float(values.max()) - float(values.min())):
            raise SpikecudaValueError("values must have finite differences (got 1e308 and more)")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "dt", as_positive("dt", self.dt, "ms"))
        start = as_real("start", self.start, "ms")
        if not (math.isfinite(start) and start >= 0):
            raise SpikecudaValueError(f"start must be >= 0 ms (got {start!r})")
        object.__setattr__(self, "start", start)
        if not (isinstance(self.interpolation, str) and self.interpolation in (HOLD, LINEAR)):
            raise SpikecudaValueError(
                f'interpolation must be "hold" or "linear" (got {shown(self.interpolation)})'
            )
        for name, words in (("before", (HOLD,)), ("after", (HOLD, REPEAT))):
            object.__setattr__(self, name, _outside(name, getattr(self, name), words))
        self._take("gain")

    @classmethod
    def sample(
        cls,
        function: Callable[..., Any],
        dt: float,
        start: float,
        stop: float,
        **options: Any,
    ) -> Self:
        """Return the waveform of a function of time, sampled now.

        Args:
            function: takes times in ms, an array (samples,); returns an array (samples,) or
                (samples, neurons), or one number.
            dt: ms between two samples.
            start, stop: ms; samples lie in [start, stop).
            options: ``interpolation``, ``before``, ``after``, ``gain``, see ``Waveform``.
        """
        return cls(sample("function", function, dt, start, stop), dt, start, **options)

    def timed(self, dt: float) -> Timed:
        """Return the values over the steps of a run, without the gain."""
        outside = [x for x in (self.before, self.after) if not isinstance(x, str)]
        return Timed(
            lambda clock, steps, columns=ALL: self._at(
                np.arange(clock, clock + steps) * dt, columns
            ),
            self.values.shape[1] if self.values.ndim == 2 else 0,
            min(float(self.values.min()), *outside, math.inf),
            max(float(self.values.max()), *outside, -math.inf),
        )

    def as_rate(self, dt: float) -> Timed:
        """Return the values as a rate, the gain included."""
        timed = self.timed(dt)
        if np.ndim(self.gain) == 0:
            factor = float(self.gain)
            if factor == 1.0:
                return timed
            ends = (factor * timed.least, factor * timed.most)
            return Timed(
                lambda clock, steps, columns=ALL: factor * timed.at(clock, steps, columns),
                timed.width, min(ends), max(ends),
            )  # fmt: skip
        gain = self.gain
        if timed.width and timed.width != gain.size:
            raise wrong_width(timed.width, gain.size)

        def at(clock: int, steps: int, columns: slice = ALL) -> np.ndarray:
            values = timed.at(clock, steps, columns)
            return (values if timed.width else values[:, None]) * gain[columns]

        corners = [g * x for g in (gain.min(), gain.max()) for x in (timed.least, timed.most)]
        return Timed(at, gain.size, min(corners), max(corners))

    def resolve(self, into: InputSink) -> None:
        """Add a course, or currents per step and neuron."""
        gain, timed = into.values("gain", self.gain), self.timed(into.dt)
        if not timed.width:
            into.add_course(lambda clock, _, steps: timed.at(clock, steps), gain, timed.largest)
            return
        whole = self.as_rate(into.dt)
        whole.require(into.count)
        into.add_timed(whole.at, timed.largest * float(np.abs(gain).max()))

    def spread(self, ids: np.ndarray, size: int) -> "Waveform":
        """Return the same for some neurons, 0 for the others."""
        values = self.values
        if values.ndim == 2:
            if values.shape[1] != ids.size:
                raise wrong_width(values.shape[1], ids.size)
            values = np.zeros((len(values), size))
            values[:, ids] = self.values
        return replace(self, values=values, gain=wide(self.gain, ids, size))

    def _at(self, times: np.ndarray, columns: slice) -> np.ndarray:
        """Return the values at some times in ms since the last reset."""
        n = len(self.values)
        samples = self.values[:, columns] if self.values.ndim == 2 else self.values
        place = places_of((times - self.start) / self.dt, (np.abs(times) + self.start) / self.dt)
        repeated = self.after == REPEAT
        if repeated:
            place = np.where(place < 0, place, np.mod(place, n))
        below = np.clip(np.floor(place), 0, n - 1).astype(np.int64)
        result = samples[below]
        shape = (-1,) + (1,) * (self.values.ndim - 1)
        if self.interpolation == LINEAR:
            above = (below + 1) % n if repeated else np.minimum(below + 1, n - 1)
            part = np.clip(place - below, 0.0, 1.0).reshape(shape)
            result = result + part * (samples[above] - result)
        # Indexing by an array has made a copy.
        if not isinstance(self.before, str):
            result[place < 0] = self.before
        if not isinstance(self.after, str):
            result[place >= n if self.interpolation == HOLD else place > n - 1] = self.after
        return result


@dataclass(frozen=True, eq=False)
class Sine(Input):
    """A sinusoidal current, or rate: ``mean + amplitude sin(2 pi frequency t + phase)``.

    Time t is that of the model since the last reset, so the phase does not depend on ``start``.
    It is on in the steps that begin within [start, stop).

    Args:
        amplitude: in the model's input unit, or in Hz as a rate; one number or one per neuron.
        frequency: Hz, >= 0.
        phase: radians, one number or one per neuron.
        mean: constant part while it is on, one number or one per neuron.
        start: ms, >= 0.
        stop: ms, > start; infinity: it never ends.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
    """

    amplitude: Any
    frequency: float
    phase: Any = 0.0
    mean: Any = 0.0
    start: float = 0.0
    stop: float = math.inf

    def __post_init__(self) -> None:
        frequency = as_real("frequency", self.frequency, "Hz")
        if not (math.isfinite(frequency) and frequency >= 0):
            raise SpikecudaValueError(f"frequency must be >= 0 Hz (got {frequency!r})")
        object.__setattr__(self, "frequency", frequency)
        self._take_times(stop_may_be_never=True)
        self._take("amplitude", "phase", "mean")

    def resolve(self, into: InputSink) -> None:
        """Add the courses of a sine, of a cosine and of the mean."""
        amplitude, phase, mean = (
            into.values(name, getattr(self, name)) for name in ("amplitude", "phase", "mean")
        )
        if phase.ndim:  # sin(a + b) = sin(a) cos(b) + cos(a) sin(b)
            self._add(into, np.sin, amplitude * np.cos(phase))
            self._add(into, np.cos, amplitude * np.sin(phase))
        else:
            self._add(into, lambda angle: np.sin(angle + float(phase)), amplitude)
        self._add(into, np.ones_like, mean)

    def _add(
        self, into: InputSink, function: Callable[[np.ndarray], np.ndarray], level: np.ndarray
    ) -> None:
        """Add a course that is a function of the angle, between -1 and 1, times its level."""
        part = self._part(function, into.dt)
        into.add_course(lambda clock, _, steps: part.at(clock, steps), level, 1.0)

    def as_rate(self, dt: float) -> Timed:
        """Return the values as a rate."""
        fields = [np.asarray(getattr(self, name)) for name in ("amplitude", "phase", "mean")]
        amplitude, phase, mean = np.broadcast_arrays(*fields)
        sine, cosine = self._part(np.sin, dt), self._part(np.cos, dt)
        always = self._part(np.ones_like, dt)

        def at(clock: int, steps: int, columns: slice = ALL) -> np.ndarray:
            a, b, m = ((x[columns] if x.ndim else x) for x in (amplitude, phase, mean))
            parts = (sine.at(clock, steps), cosine.at(clock, steps), always.at(clock, steps))
            s, c, one = (p[:, None] if mean.ndim else p for p in parts)
            wave = a * np.cos(b) * s + a * np.sin(b) * c + m * one
            # A rate that touches 0 may be rounded below it.
            slack = 4.0 * np.finfo(np.float64).eps * (np.abs(a) + np.abs(m))
            return np.where((wave < 0) & (wave >= -slack), 0.0, wave)

        least, most = (
            float((mean - np.abs(amplitude)).min()),
            float((mean + np.abs(amplitude)).max()),
        )
        whole = Timed(at, mean.size if mean.ndim else 0, least, most)
        return whole.within(self.start, self.stop, dt)

    def spread(self, ids: np.ndarray, size: int) -> "Sine":
        """Return the same for some neurons, 0 for the others."""
        return replace(
            self, amplitude=wide(self.amplitude, ids, size), phase=wide(self.phase, ids, size),
            mean=wide(self.mean, ids, size),
        )  # fmt: skip

    def _part(self, function: Callable[[np.ndarray], np.ndarray], dt: float) -> Timed:
        """Return a function of the angle over the steps while the current is on."""

        def at(clock: int, steps: int, columns: slice = ALL) -> np.ndarray:
            cycles = np.arange(clock, clock + steps) * dt * (self.frequency * 1e-3)
            # Late angles are as exact as early ones.
            return function(2.0 * math.pi * (cycles - np.floor(cycles)))

        return Timed(at, 0, -1.0, 1.0).within(self.start, self.stop, dt)


def _outside(name: str, value: object, words: tuple[str, ...]) -> float | str:
    """Return what a waveform is outside its samples: a finite number, or one of some words."""
    need = f"a number or {' or '.join(map(repr, words))}"
    if isinstance(value, str):
        if value not in words:
            raise SpikecudaValueError(f"{name} must be {need} (got {value!r})")
        return value
    try:
        number = as_real(name, value)
    except SpikecudaTypeError:
        raise SpikecudaTypeError(f"{name} must be {need} (got {shown(value)})") from None
    if not math.isfinite(number):
        raise SpikecudaValueError(f"{name} must be finite (got {number!r})")
    return number
