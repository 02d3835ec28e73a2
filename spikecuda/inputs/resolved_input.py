"""An input resolved for a pool: its kernel structure and its numbers for each window."""

import functools
import itertools
from collections.abc import Callable

import numpy as np

from spikecuda.devices.array_interop import GpuArray
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.inputs.input import as_inputs
from spikecuda.inputs.poisson_table import MEAN_LIMIT, count_levels, survival_rows, survival_table
from spikecuda.inputs.sink import Course, Read
from spikecuda.inputs.timed import Timed
from spikecuda.inputs.values import OnGpu, in_host_memory, require_finite
from spikecuda.kernels.spec import (
    COURSE,
    EVENTS,
    GATED,
    NEURON,
    ROWS,
    SHARED,
    STEP_CURRENT,
    InputSpec,
)

# Steps and neurons whose rows are computed together.
BLOCK, CHUNK = 64, 1024


class ResolvedInput:
    """The input of one run as a kernel needs it; each input adds its part.

    Args:
        value: inputs, or what ``as_inputs`` accepts.
        count: neurons of the population.
        dt: ms.
        steps: steps of the run, for the shape of per-step arrays.
        real: NumPy name of the kernel's real type.
        seed: of the random numbers that are drawn on the host.
        identity: of the population's first neuron, for these numbers.

    Attributes:
        spec: the structure, which selects the kernel.
        fixed: kernel arguments that stay the same over the run, by name: one number, or one per
            neuron of the population, or a table.
        tables: which of them are tables, the same for every neuron.
        given: kernel arguments that are on the device already, by name: one number per neuron, or
            one per step and neuron.
        widths: elements for each step of the kernel arguments that have more than one.
    """

    def __init__(
        self,
        value: object,
        count: int,
        dt: float,
        steps: int,
        real: str,
        seed: int = 0,
        identity: int = 0,
    ) -> None:
        self.count, self.dt, self.steps = count, dt, steps
        self.seed, self.identity = seed, identity
        self.real = np.dtype(real).type
        self.fixed: dict[str, np.ndarray | np.generic] = {}
        self.given: dict[str, GpuArray] = {}
        self.tables: set[str] = set()
        self.widths: dict[str, int] = {}
        self._streams: dict[int, int] = {}
        self._bias: np.ndarray | None = None
        # The most that all courses and rows add up to, and whether one does not say its most.
        self._most, self._unknown = 0.0, False
        self._waves: list[tuple[float, Course]] = []
        self._shapes: list[Course] = []
        self._rows_given: np.ndarray | None = None
        # What gives the current per step and neuron beside that, and other rows by name.
        self._reads: list[Read] = []
        self._rows: dict[str, Read] = {}
        # What gives other arguments of some steps.
        self._courses: dict[str, Callable[[int, int], np.ndarray]] = {}
        self._noises: list[str] = []
        self._pulses: list[tuple[str, str]] = []
        for term in as_inputs(value, keep=False):
            term.resolve(self)
        bias = ""
        if "_bias" in self.given:
            bias = NEURON
            _alone(self._bias is not None, "constant inputs and means of noise")
        if STEP_CURRENT in self.given:
            _alone(self._has_rows, "currents per step and neuron")
        if self._bias is not None:
            bias = NEURON if self._bias.ndim else SHARED
            self.fixed["_bias"] = self._cast(self._bias)
            self._most += float(np.abs(self._bias).max())
        self._cast(np.asarray(self._most))
        self.spec = InputSpec(
            bias=bias,
            wave=bool(self._waves),
            gains=len(self._shapes),
            drive=self._has_rows or STEP_CURRENT in self.given,
            noises=tuple(self._noises),
            pulses=tuple(self._pulses),
        )

    @property
    def _has_rows(self) -> bool:
        return self._rows_given is not None or bool(self._reads)

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

    def stream(self, first: int, size: int = 1) -> int:
        """Return the next stream of random numbers of a kind; see ``InputSink``."""
        taken = self._streams.get(first, 0)
        self._streams[first] = taken + size
        return first + taken

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

    def add_timed(self, read: Read, most: float) -> None:
        """Add a current per step and neuron that is a function of the step; see ``InputSink``."""
        self._most += most
        self._reads.append(read)

    def add_noise(self, sigma: np.ndarray, level: Timed | None = None) -> None:
        """Add white noise of intensity ``sigma``, shape () or (count,), times ``level``."""
        with np.errstate(over="ignore"):  # what overflows is refused
            step = sigma / np.sqrt(self.dt)
        j = len(self._noises)
        if level is None:
            self.fixed[f"_sigma{j}"] = self._cast(step)
            self._noises.append(NEURON if sigma.ndim else SHARED)
            return
        self._cast(np.asarray(level.largest * np.abs(step).max()))
        self.fixed[f"_sigma{j}"] = self._cast(np.broadcast_to(step, (self.count,)))
        self._courses[f"_level{j}"] = level.at
        self._noises.append(GATED)

    def add_pulses(self, rate: np.ndarray, weight: np.ndarray) -> None:
        """Add Poisson pulses of a rate (Hz) and a weight, each of shape () or (count,)."""
        mean = rate * self.dt * 1e-3
        self._require_few(float(rate.max(initial=0.0)))
        j = len(self._pulses)
        mean32 = mean.astype(np.float32)
        none32 = np.exp(-mean).astype(np.float32)
        some32 = (-np.expm1(-mean)).astype(np.float32)
        reciprocals = _reciprocals(float(mean.max()))
        if rate.ndim:
            self.fixed[f"_mean{j}"], self.fixed[f"_none{j}"] = mean32, none32
            self.fixed[f"_some{j}"] = some32
            self.fixed[f"_reciprocals{j}"] = reciprocals
            self.tables.add(f"_reciprocals{j}")
        else:
            self.tables.add(f"_survival{j}")
            self.fixed[f"_survival{j}"] = survival_table(
                np.float32(mean32), np.float32(none32), np.float32(some32), reciprocals
            )
        self._add_pulse(NEURON if rate.ndim else SHARED, weight)

    def add_timed_pulses(self, rate: Timed, weight: np.ndarray) -> None:
        """Add Poisson pulses of a rate (Hz) over time, and a weight of shape () or (count,)."""
        self._require_few(rate.most)
        j, factor = len(self._pulses), self.dt * 1e-3
        most = rate.most * factor
        if rate.width:
            rate.require(self.count)
            self._rows[f"_means{j}"] = lambda *part: (rate.at(*part) * factor).astype(np.float32)
            self.fixed[f"_reciprocals{j}"] = _reciprocals(most)
            self.tables.add(f"_reciprocals{j}")
            self._add_pulse(ROWS, weight)
            return
        levels = count_levels(most)
        self.widths[f"_survival{j}"] = levels
        self.fixed[f"_levels{j}"] = np.int64(levels)
        self._courses[f"_survival{j}"] = lambda clock, steps: survival_rows(
            rate.at(clock, steps) * factor, levels
        )
        self._add_pulse(COURSE, weight)

    def add_events(self, read: Read, weight: np.ndarray) -> None:
        """Add pulses of which ``read`` gives the number in each step, for each neuron."""
        self._rows[f"_events{len(self._pulses)}"] = read
        self._add_pulse(EVENTS, weight)

    def _add_pulse(self, kind: str, weight: np.ndarray) -> None:
        self.fixed[f"_weight{len(self._pulses)}"] = self._cast(weight)
        self._pulses.append((kind, NEURON if weight.ndim else SHARED))

    def _require_few(self, rate: float) -> None:
        """Raise for a rate (Hz) of more events in a step than a kernel counts."""
        if rate * self.dt * 1e-3 > MEAN_LIMIT:
            raise SpikecudaValueError(
                f"rate must be <= {MEAN_LIMIT / self.dt * 1e3:g} Hz at dt = {self.dt:g} ms "
                f"(got {rate:g}); use Noise for such rates, or a smaller dt"
            )

    def take_constant(self, array: GpuArray | OnGpu) -> None:
        """Take a constant current per neuron that lies on the device."""
        self.given["_bias"] = self._require(array, (self.count,))

    def take_rows(self, array: GpuArray | OnGpu) -> None:
        """Take a current per step and neuron that lies on the device."""
        self.given[STEP_CURRENT] = self._require(array, (self.steps, self.count))

    # What a run takes.

    def window(self, clock: int, offset: int, steps: int) -> dict[str, np.ndarray]:
        """Return the kernel arguments of one window that have as many elements for every neuron.

        Args:
            clock: absolute number of the window's first step.
            offset: the same, counted from the start of the run.
            steps: length of the window.
        """
        result: dict[str, np.ndarray] = {}
        if self._waves:
            total = np.zeros(steps)
            for level, course in self._waves:
                total += level * course(clock, offset, steps)
            result["_wave"] = self._course(total)
        for j, course in enumerate(self._shapes):
            result[f"_shape{j}"] = self._course(course(clock, offset, steps))
        for name, at in self._courses.items():
            values = at(clock, steps)
            result[name] = values if values.dtype == np.float32 else values.astype(self.real)
        return result

    @property
    def row_names(self) -> tuple[str, ...]:
        """The kernel arguments with an element for each step and neuron, those on a GPU aside."""
        return (STEP_CURRENT,) * self._has_rows + tuple(self._rows)

    def rows(self, name: str, clock: int, offset: int, columns: slice, out: np.ndarray) -> None:
        """Write an argument with an element for each step and neuron.

        Args:
            name: one of ``row_names``.
            clock, offset: as for ``window``.
            columns: which neurons, from the first to before the last.
            out: shape (steps, neurons), cast to its type.
        """
        reads = self._reads if name == STEP_CURRENT else [self._rows[name]]
        given = None
        if name == STEP_CURRENT and self._rows_given is not None:
            given = self._rows_given[offset : offset + len(out), columns]
            if not reads:
                out[...] = given
                return
        # What is computed stays in a cache, and its memory is used again.
        for at in range(columns.start, columns.stop, CHUNK):
            some = slice(at, min(at + CHUNK, columns.stop))
            place = slice(at - columns.start, some.stop - columns.start)
            k = 0
            while k < len(out):
                # Blocks begin at multiples of their size: an input may work out a whole one.
                size = min(BLOCK - (clock + k) % BLOCK, len(out) - k)
                parts = [read(clock + k, size, some) for read in reads]
                if given is not None:
                    parts.append(given[k : k + size, place])
                out[k : k + size, place] = parts[0] if len(parts) == 1 else np.sum(parts, axis=0)
                k += size

    def row_jobs(
        self, name: str, clock: int, offset: int, columns: slice, out: np.ndarray, parts: int
    ) -> list[Callable[[], None]]:
        """Return up to ``parts`` calls, to be done side by side, that write what ``rows`` does."""
        chunks = -(-out.shape[1] // CHUNK)
        parts = min(parts, chunks) if name != STEP_CURRENT or self._reads else 1
        bounds = [CHUNK * (chunks * i // parts) for i in range(parts)] + [out.shape[1]]
        return [
            functools.partial(
                self.rows, name, clock, offset, slice(columns.start + a, columns.start + z),
                out[:, a:z],
            )
            for a, z in itertools.pairwise(bounds)
        ]  # fmt: skip

    def given_rows(self, offset: int, steps: int) -> np.ndarray:
        """Return the current per step and neuron as it was given, where ``rows_fit``."""
        assert self._rows_given is not None
        return self._rows_given[offset : offset + steps]

    def rows_fit(self) -> bool:
        """Whether a kernel can read the current per step and neuron where it lies."""
        return (
            self._rows_given is not None
            and not self._reads
            and bool(
                self._rows_given.dtype == self.real
                and self._rows_given.flags.c_contiguous
                and self._rows_given.flags.aligned
            )
        )

    def bytes_per_step(self) -> int:
        """Return the bytes that a window takes for each of its steps."""
        size = np.dtype(self.real).itemsize
        numbers = len(self._shapes) + bool(self._waves) + len(self._courses)
        numbers += sum(self.widths.values()) + self.count * len(self.row_names)
        return size * numbers

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


def _reciprocals(mean: float) -> np.ndarray:
    """Return 1, 1/2, 1/3, ... for as many events as a kernel counts in a step."""
    return (1.0 / np.arange(1, count_levels(mean) + 1)).astype(np.float32)


def _alone(others: bool, what: str) -> None:
    """Raise if something is to be added to an array on a GPU."""
    if others:
        raise SpikecudaValueError(
            f"an input on a GPU cannot be added to other {what} (got both); add them there"
        )
