"""An input resolved for a pool: its kernel structure and its numbers for each window."""

from collections.abc import Iterable

import numpy as np

from spikecuda.devices.array_interop import GpuArray
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.inputs.stimulus import (
    POISSON_MEAN_LIMIT,
    Constant,
    Noise,
    PerStep,
    Poisson,
    Ramp,
    Step,
    as_array,
    finite,
    terms,
)
from spikecuda.kernels.spec import NEURON, SHARED, InputSpec


class ResolvedInput:
    """All inputs of one run.

    Args:
        value: what the user gave as input.
        count: neurons of the population.
        dt: ms.
        steps: steps of the run, for the shape of per-step arrays.
        real: NumPy name of the kernel's real type.

    Attributes:
        spec: the structure, which chooses the kernel.
        fixed: kernel arguments that stay the same over the run, by name: one number, or one per
            neuron of the population, or a table.
        tables: which of them are tables, the same for every neuron.
        given: kernel arguments that lie on the device already, by name: one number per neuron, or
            one per step and neuron.
    """

    def __init__(self, value: object, count: int, dt: float, steps: int, real: str) -> None:
        self.count, self.dt, self.steps = count, dt, steps
        self.real = np.dtype(real).type
        self.fixed: dict[str, np.ndarray | np.generic] = {}
        self.given: dict[str, GpuArray] = {}
        self.tables: set[str] = set()
        self._bias: np.ndarray = np.float64(0.0)  # type: ignore[assignment]
        self._waves: list[Step | Ramp | np.ndarray] = []
        self._shapes: list[Step | Ramp] = []
        self._drive: np.ndarray | None = None
        self._noises: list[str] = []
        self._pulses: list[tuple[str, str]] = []
        has_bias = False
        for term in terms(value):
            if isinstance(term, Constant) and isinstance(term.value, GpuArray):
                self._require(term.value, (count,))
                self.given["_bias"] = term.value
            elif isinstance(term, PerStep) and isinstance(term.values, GpuArray):
                self._require(term.values, (steps, count))
                self.given["_drive"] = term.values
            elif isinstance(term, Constant):
                self._bias = self._bias + finite("input", term.value, count)
                has_bias = True
            elif isinstance(term, PerStep):
                self._add_per_step(term)
            elif isinstance(term, Step):
                self._add_protocol(term, finite("amplitude", term.amplitude, count))
            elif isinstance(term, Ramp):
                self._add_protocol(term, finite("gain", term.gain, count))
            elif isinstance(term, Noise):
                mean = finite("mean", term.mean, count)
                if np.any(mean != 0.0):
                    self._bias = self._bias + mean
                    has_bias = True
                self._add_noise(term)
            elif isinstance(term, Poisson):
                self._add_poisson(term)
        bias = ""
        if "_bias" in self.given:
            bias = NEURON
            _alone(has_bias, "constant inputs and means of noise")
        if "_drive" in self.given:
            _alone(self._drive is not None, "currents per step and neuron")
        if has_bias:
            bias = NEURON if self._bias.ndim else SHARED
            self.fixed["_bias"] = self._cast(self._bias)
        self.spec = InputSpec(
            bias=bias,
            wave=bool(self._waves),
            gains=len(self._shapes),
            drive=self._drive is not None or "_drive" in self.given,
            noises=tuple(self._noises),
            pulses=tuple(self._pulses),
        )

    def window(
        self, clock: int, offset: int, steps: int, rows: bool = True
    ) -> dict[str, np.ndarray]:
        """Return the kernel arguments that belong to one window.

        Args:
            clock: absolute number of the window's first step.
            offset: the same, counted from the start of the run.
            steps: length of the window.
            rows: whether to make an array of the current per step and neuron, too.
        """
        result: dict[str, np.ndarray] = {}
        if self._waves:
            total = np.zeros(steps)
            for wave in self._waves:
                if isinstance(wave, np.ndarray):
                    total += wave[offset : offset + steps]
                else:
                    level = wave.amplitude if isinstance(wave, Step) else wave.gain
                    total += float(level) * self._shape(wave, clock, steps)
            result["_wave"] = total.astype(self.real)
        for j, protocol in enumerate(self._shapes):
            result[f"_shape{j}"] = self._shape(protocol, clock, steps).astype(self.real)
        if self._drive is not None and rows:
            part = self.rows(offset, steps)
            result["_drive"] = np.ascontiguousarray(part, self.real).reshape(-1)
        return result

    def rows(self, offset: int, steps: int) -> np.ndarray:
        """Return the current per step and neuron of a window as it was given: (steps, count)."""
        assert self._drive is not None
        return self._drive[offset : offset + steps]

    def rows_fit(self) -> bool:
        """Whether a kernel can read the current per step and neuron where it lies."""
        return self._drive is not None and bool(
            self._drive.dtype == self.real
            and self._drive.flags.c_contiguous
            and self._drive.flags.aligned
        )

    def bytes_per_step(self) -> int:
        """Return the bytes that a window takes for each of its steps."""
        size = np.dtype(self.real).itemsize
        return size * (len(self._shapes) + bool(self._waves)) + (
            size * self.count if self._drive is not None else 0
        )

    def _require(self, array: GpuArray, shape: tuple[int, ...]) -> None:
        """Raise unless a kernel can read an array where it lies."""
        if array.shape != shape:
            raise SpikecudaValueError(
                f"input on a GPU must have shape {shape} (got {array.shape}); "
                "(num_neurons,) or (steps, num_neurons)"
            )
        if array.dtype != np.dtype(self.real):
            raise SpikecudaTypeError(
                f"input on a GPU must be {np.dtype(self.real).name} (got {array.dtype.name}); "
                "convert it there"
            )

    def _cast(self, value: np.ndarray, dtype: type | None = None) -> np.ndarray | np.generic:
        dtype = dtype or self.real
        with np.errstate(over="ignore"):
            cast: np.ndarray = np.asarray(value).astype(dtype)
        if not np.isfinite(cast).all():
            raise SpikecudaValueError(
                f"input must fit in {np.dtype(dtype).name} (got {np.abs(value).max():g}); use "
                'precision="float64"'
            )
        return cast if cast.ndim else cast[()]

    def _add_per_step(self, term: PerStep) -> None:
        array = as_array("PerStep", term.values)
        if array.dtype.kind not in "fiu":
            raise SpikecudaValueError(f"PerStep needs numbers (got dtype {array.dtype})")
        if array.shape == (self.steps,):
            values = array.astype(np.float64)
            self._waves.append(values)
        elif array.shape == (self.steps, self.count):
            values = array
            self._drive = array if self._drive is None else self._drive + array
        else:
            raise SpikecudaValueError(
                f"PerStep must have shape ({self.steps},) or ({self.steps}, {self.count}): one row "
                f"for each step of the run (got shape {array.shape})"
            )
        if not np.isfinite(values).all():
            raise SpikecudaValueError("PerStep must be finite (got NaN or infinity); replace it")

    def _add_protocol(self, term: Step | Ramp, level: np.ndarray) -> None:
        if level.ndim:
            self.fixed[f"_gain{len(self._shapes)}"] = self._cast(level)
            self._shapes.append(term)
        else:
            self._waves.append(term)

    def _add_noise(self, term: Noise) -> None:
        sigma = finite("sigma", term.sigma, self.count)
        if np.any(sigma < 0):
            raise SpikecudaValueError(f"sigma must be >= 0 (got {sigma.min():g})")
        self.fixed[f"_sigma{len(self._noises)}"] = self._cast(sigma / np.sqrt(self.dt))
        self._noises.append(NEURON if sigma.ndim else SHARED)

    def _add_poisson(self, term: Poisson) -> None:
        rate = finite("rate", term.rate, self.count)
        weight = finite("weight", term.weight, self.count)
        mean = rate * self.dt * 1e-3
        if np.any(rate < 0):
            raise SpikecudaValueError(f"rate must be >= 0 Hz (got {rate.min():g})")
        if np.any(mean > POISSON_MEAN_LIMIT):
            raise SpikecudaValueError(
                f"rate must be <= {POISSON_MEAN_LIMIT / self.dt * 1e3:g} Hz at dt = {self.dt:g} ms "
                f"(got {rate.max():g}); use Noise for such rates, or a smaller dt"
            )
        j = len(self._pulses)
        mean32 = mean.astype(np.float32)
        none32 = np.exp(-mean).astype(np.float32)
        some32 = (-np.expm1(-mean)).astype(np.float32)
        reciprocals = (1.0 / np.arange(1, _levels(float(mean.max())) + 1)).astype(np.float32)
        if rate.ndim:
            self.fixed[f"_mean{j}"], self.fixed[f"_none{j}"] = mean32, none32
            self.fixed[f"_some{j}"] = some32
            self.fixed[f"_reciprocals{j}"] = reciprocals
            self.tables.add(f"_reciprocals{j}")
        else:
            self.tables.add(f"_survival{j}")
            self.fixed[f"_survival{j}"] = _survival(
                np.float32(mean32), np.float32(none32), np.float32(some32), reciprocals
            )
        self.fixed[f"_weight{j}"] = self._cast(weight)
        self._pulses.append((NEURON if rate.ndim else SHARED, NEURON if weight.ndim else SHARED))

    def _shape(self, term: Step | Ramp, clock: int, steps: int) -> np.ndarray:
        """Return a protocol's course over a window, in float64."""
        k = np.arange(clock, clock + steps, dtype=np.float64)
        first = round(term.start / self.dt)
        if isinstance(term, Step):
            last = np.inf if np.isinf(term.stop) else round(term.stop / self.dt)
            return ((k >= first) & (k < last)).astype(np.float64)
        part = np.clip((k * self.dt - term.start) / (term.stop - term.start), 0.0, 1.0)
        return np.where(k >= first, term.first + (term.last - term.first) * part, 0.0)


def _alone(others: bool, what: str) -> None:
    """Raise if something is to be added to an array on a GPU."""
    if others:
        raise SpikecudaValueError(
            f"an input on a GPU cannot be added to other {what} (got both); add them there"
        )


def _levels(mean: float) -> int:
    """Return how many events in a step a kernel counts: more have a probability below 2^-33."""
    level, mass, tail = 0, float(np.exp(-mean)), -float(np.expm1(-mean))
    while tail > 2.0**-33 and level < 1000:
        level += 1
        mass *= mean / level
        tail -= mass
        if mass < 2.0**-60 and level > mean:
            break
    return max(level + 1, 1)


def _survival(
    mean: np.float32, none: np.float32, some: np.float32, reciprocals: Iterable[np.float32]
) -> np.ndarray:
    """Return P(count > k) by the recurrence and the roundings of the per-neuron kernel."""
    survival, mass = some, none
    values = []
    for reciprocal in reciprocals:
        values.append(survival)
        mass = np.float32(np.float32(mass * mean) * reciprocal)
        survival = np.float32(survival - mass)
    return np.array(values, np.float32)
