"""An input resolved for a pool: its kernel structure and its numbers for each window."""

from collections.abc import Iterable

import numpy as np

from spikecuda.devices.array_interop import GpuArray
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.inputs.sink import Course
from spikecuda.inputs.stimulus import as_inputs
from spikecuda.inputs.values import OnGpu, in_host_memory, require_finite
from spikecuda.kernels.spec import NEURON, SHARED, STEP_CURRENT, InputSpec

# Above this mean per step the inversion of the Poisson distribution gets slow and inexact.
POISSON_MEAN_LIMIT = 64.0


class ResolvedInput:
    """The input of one run as a kernel needs it; each input adds its part.

    Args:
        value: inputs, or what ``as_inputs`` accepts.
        count: neurons of the population.
        dt: ms.
        steps: steps of the run, for the shape of per-step arrays.
        real: NumPy name of the kernel's real type.

    Attributes:
        spec: the structure, which selects the kernel.
        fixed: kernel arguments that stay the same over the run, by name: one number, or one per
            neuron of the population, or a table.
        tables: which of them are tables, the same for every neuron.
        given: kernel arguments that are on the device already, by name: one number per neuron, or
            one per step and neuron.
    """

    def __init__(self, value: object, count: int, dt: float, steps: int, real: str) -> None:
        self.count, self.dt, self.steps = count, dt, steps
        self.real = np.dtype(real).type
        self.fixed: dict[str, np.ndarray | np.generic] = {}
        self.given: dict[str, GpuArray] = {}
        self.tables: set[str] = set()
        self._bias: np.ndarray | None = None
        # The most that all courses and rows add up to, and whether one does not say its most.
        self._most, self._unknown = 0.0, False
        self._waves: list[tuple[float, Course]] = []
        self._shapes: list[Course] = []
        self._rows_given: np.ndarray | None = None
        self._noises: list[str] = []
        self._pulses: list[tuple[str, str]] = []
        for term in as_inputs(value, keep=False):
            term.resolve(self)
        bias = ""
        if "_bias" in self.given:
            bias = NEURON
            _alone(self._bias is not None, "constant inputs and means of noise")
        if STEP_CURRENT in self.given:
            _alone(self._rows_given is not None, "currents per step and neuron")
        if self._bias is not None:
            bias = NEURON if self._bias.ndim else SHARED
            self.fixed["_bias"] = self._cast(self._bias)
            self._most += float(np.abs(self._bias).max())
        self._cast(np.asarray(self._most))
        self.spec = InputSpec(
            bias=bias,
            wave=bool(self._waves),
            gains=len(self._shapes),
            drive=self._rows_given is not None or STEP_CURRENT in self.given,
            noises=tuple(self._noises),
            pulses=tuple(self._pulses),
        )

    # What inputs resolve into.

    def values(self, name: str, value: float | np.ndarray | OnGpu | GpuArray) -> np.ndarray:
        """Return an input's numbers, float64, finite, shape () or (count,); raise for others."""
        if isinstance(value, OnGpu | GpuArray):
            raise in_host_memory(name)
        array = np.asarray(value, np.float64)
        if array.shape not in ((), (self.count,)):
            raise SpikecudaValueError(
                f"{name} must be one number or one per neuron, shape ({self.count},) (got shape "
                f"{array.shape})"
            )
        require_finite(name, array)
        return array

    def add_constant(self, current: np.ndarray) -> None:
        """Add a current that stays the same over the run, shape () or (count,)."""
        self._bias = (np.float64(0.0) if self._bias is None else self._bias) + current

    def add_course(
        self, course: Course, level: np.ndarray | float = 1.0, most: float | None = None
    ) -> None:
        """Add a current ``level course(t)``; see ``InputSink``."""
        self._unknown |= most is None
        self._most += float(np.abs(level).max()) * (most or 0.0)
        if np.ndim(level):
            self.fixed[f"_gain{len(self._shapes)}"] = self._cast(np.asarray(level))
            self._shapes.append(course)
        else:
            self._waves.append((float(level), course))

    def add_rows(self, rows: np.ndarray, most: float = 0.0) -> None:
        """Add a current per step and neuron, shape (steps, count); see ``InputSink``."""
        self._most += most
        self._rows_given = rows if self._rows_given is None else self._rows_given + rows

    def add_noise(self, sigma: np.ndarray) -> None:
        """Add white noise of intensity ``sigma``, shape () or (count,)."""
        with np.errstate(over="ignore"):  # what overflows is refused
            step = sigma / np.sqrt(self.dt)
        self.fixed[f"_sigma{len(self._noises)}"] = self._cast(step)
        self._noises.append(NEURON if sigma.ndim else SHARED)

    def add_pulses(self, rate: np.ndarray, weight: np.ndarray) -> None:
        """Add Poisson pulses of a rate (Hz) and a weight, each of shape () or (count,)."""
        mean = rate * self.dt * 1e-3
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

    def take_constant(self, array: GpuArray | OnGpu) -> None:
        """Take a constant current per neuron that lies on the device."""
        self.given["_bias"] = self._require(array, (self.count,))

    def take_rows(self, array: GpuArray | OnGpu) -> None:
        """Take a current per step and neuron that lies on the device."""
        self.given[STEP_CURRENT] = self._require(array, (self.steps, self.count))

    # What a run takes.

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
            for level, course in self._waves:
                total += level * course(clock, offset, steps)
            result["_wave"] = self._course(total)
        for j, course in enumerate(self._shapes):
            result[f"_shape{j}"] = self._course(course(clock, offset, steps))
        if self._rows_given is not None and rows:
            part = self.rows(offset, steps)
            result[STEP_CURRENT] = np.ascontiguousarray(part, self.real).reshape(-1)
        return result

    def rows(self, offset: int, steps: int) -> np.ndarray:
        """Return the current per step and neuron of a window as it was given: (steps, count)."""
        assert self._rows_given is not None
        return self._rows_given[offset : offset + steps]

    def rows_fit(self) -> bool:
        """Whether a kernel can read the current per step and neuron where it lies."""
        return self._rows_given is not None and bool(
            self._rows_given.dtype == self.real
            and self._rows_given.flags.c_contiguous
            and self._rows_given.flags.aligned
        )

    def bytes_per_step(self) -> int:
        """Return the bytes that a window takes for each of its steps."""
        size = np.dtype(self.real).itemsize
        return size * (len(self._shapes) + bool(self._waves)) + (
            size * self.count if self._rows_given is not None else 0
        )

    def _require(self, array: GpuArray | OnGpu, shape: tuple[int, ...]) -> GpuArray:
        """Return an array that a kernel can read where it lies; raise for others."""
        if isinstance(array, OnGpu):
            array = array.adopt(None)
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
        return array

    def _course(self, values: np.ndarray) -> np.ndarray:
        """Return a course as the kernel takes it; raise if it does not fit."""
        return np.asarray(self._cast(values) if self._unknown else values.astype(self.real))

    def _cast(self, value: np.ndarray, dtype: type | None = None) -> np.ndarray | np.generic:
        dtype = dtype or self.real
        with np.errstate(over="ignore"):
            cast: np.ndarray = np.asarray(value).astype(dtype)
        if not np.isfinite(cast).all():
            remedy = "a smaller input" if dtype is np.float64 else 'precision="float64"'
            raise SpikecudaValueError(
                f"input must fit in {np.dtype(dtype).name} (got {np.abs(value).max():g}); use "
                f"{remedy}"
            )
        return cast if cast.ndim else cast[()]


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
