"""GPUNeuronPool: a population of neurons of one model on one device."""

import inspect
import logging
import math
import operator
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

from spikecuda.backends.base import Buffer, Device, Graph, Kernel
from spikecuda.devices import choose, gpu_status, open_device
from spikecuda.distributions import Distribution
from spikecuda.drive import Drive
from spikecuda.errors import (
    ClosedError,
    SpikecudaError,
    SpikecudaTypeError,
    SpikecudaValueError,
    nearest,
)
from spikecuda.kernels.spec import STREAM_DITHER_STEP, STREAM_DRAW, KernelSpec
from spikecuda.metrics import Metrics
from spikecuda.models.base import Model, as_model
from spikecuda.precision import as_precision
from spikecuda.seed import as_seed, keys
from spikecuda.spikes import Drain, Spikes
from spikecuda.state import STREAM_DRAW_PARAMETERS, Codec, StateView

log = logging.getLogger("spikecuda")

MAX_NEURONS = 2**31 - 32
# Windows are as long as fits: more steps a launch, fewer launches.
WINDOW_STEPS = 1024
WINDOW_BYTES = 32 << 20
# Even a huge pool takes this many steps a launch, so that state memory is touched rarely.
WINDOW_STEPS_MIN = 16


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a run recorded.

    Attributes:
        spikes: the spikes, or None if they were not recorded.
        traces: state variables after every step, by name: arrays (steps, num_neurons).
        steps: number of steps of the run.
        start: number of the first step.
        dt: length of a step in ms.
        num_spikes: spikes of the run, recorded or not.
    """

    spikes: Spikes | None
    traces: dict[str, np.ndarray]
    steps: int
    start: int
    dt: float
    num_spikes: int

    @property
    def time(self) -> np.ndarray:
        """Times of the traces' rows in ms: the ends of the steps."""
        return (np.arange(self.start, self.start + self.steps) + 1) * self.dt


class GPUNeuronPool:
    """A population of neurons without connections, on a GPU or on the CPU.

    Results do not depend on the device, ``batch_size``, ``threads`` or on how a run is split: the
    same arguments give the same spikes, bit for bit.

    Args:
        num_neurons: number of neurons, 1 to 2^31 - 32.
        neuron_type: a model's name ("lif", "adex", "izhikevich") or a ``Model`` subclass.
        use_gpu: True needs a CUDA GPU, False takes the CPU; None takes a GPU if there is one.
        batch_size: neurons per launch, rounded up to whole words of 32; None lets the device
            choose.
        precision: "float16", "float32" or "float64".
        dt: length of a step in ms.
        seed: integer in [0, 2^64) that all randomness derives from.
        params: parameters by name, in the model's units: one number, one per neuron, or a
            distribution.
        initial: start values of state variables by name, likewise.
        device: "cpu", "cuda:0", "cuda-emu" (the compiled PTX, run on the CPU) or "cuda-sim".
        threads: CPU threads; None takes every core.
        scheme: one of the model's integration schemes; None takes its default.
        substeps: integration steps within one time step, 1 to 64.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument that cannot be used.
        DeviceError: no such device, or not usable.
        OutOfMemoryError: the pool does not fit; raised before anything is allocated.
    """

    def __init__(
        self,
        num_neurons: int,
        neuron_type: str | type[Model] = "lif",
        use_gpu: bool | None = None,
        batch_size: int | None = None,
        precision: str = "float32",
        *,
        dt: float = 0.1,
        seed: int = 0,
        params: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
        device: str | None = None,
        threads: int | None = None,
        scheme: str | None = None,
        substeps: int = 1,
    ) -> None:
        self._closed = True
        self.num_neurons = as_count("num_neurons", num_neurons, 1, MAX_NEURONS)
        self.model = as_model(neuron_type)
        self.dt = as_positive("dt", dt, "ms")
        self.seed = as_seed(seed)
        self._precision = as_precision(precision)
        self.scheme = _scheme(self.model, scheme)
        self.substeps = as_count("substeps", substeps, 1, 64)
        self.batch_size = (
            None if batch_size is None else as_count("batch_size", batch_size, 1, self.num_neurons)
        )
        self._lock = threading.Lock()
        values = self.model.resolve(self._drawn(params), self.num_neurons)
        self.params: Mapping[str, np.ndarray] = values
        self._initial = dict(initial or {})
        for name in self._initial:
            if name not in self.model.states:
                raise SpikecudaValueError(
                    f"{self.model.name} has no state {name!r}"
                    f"{nearest(name, list(self.model.states))}; it has "
                    f"{', '.join(self.model.states)}"
                )
        self.device: Device = open_device(choose(use_gpu, device), threads)
        try:
            self._prepare(values)
        except BaseException:
            self.device.close()
            raise
        self._closed = False
        self.state = StateView(self)
        try:
            self.reset()
        except BaseException:
            self.close()
            raise
        log.info("%r", self)

    @property
    def precision(self) -> str:
        """The name of the precision."""
        return self._precision.name

    @property
    def time(self) -> float:
        """Model time since the last reset, in ms."""
        return self.steps * self.dt

    def reset(self) -> None:
        """Go back to step 0: initial state, no spikes, metrics cleared."""
        self._require_open()
        self.steps = 0
        self._spikes = 0
        self._run_seconds = 0.0
        self._kernel_seconds = 0.0
        for name, declared in self.model.states.items():
            value = self._initial.get(name)
            self.state[name] = self._by_name(declared.initial) if value is None else value
        if "refrac" in self._state:
            self.device.clear(self._state["refrac"])

    def step(self, input: object = None) -> np.ndarray:
        """Advance by one step.

        Args:
            input: as for ``run``.

        Returns:
            Sorted int32 array of the neurons that spiked.
        """
        result = self.run(steps=1, input=input)
        assert result.spikes is not None
        return result.spikes.neuron

    def run(
        self,
        steps: int | None = None,
        *,
        duration: float | None = None,
        input: object = None,
        record: str | Iterable[str] | None = "spikes",
        progress: Callable[[int, int], None] | bool = False,
    ) -> RunResult:
        """Advance by many steps.

        Args:
            steps: number of steps; or
            duration: length in ms, a multiple of dt.
            input: a number, an array (num_neurons,) of constant currents, an array (steps,
                num_neurons), an ``Input`` from ``spikecuda.inputs``, or a list of inputs.
            record: "spikes", names of state variables, several of these, or None.
            progress: True shows a progress bar; a function is called with (steps done, steps).

        Returns:
            A ``RunResult``.

        Raises:
            SpikecudaValueError, SpikecudaTypeError: an argument that cannot be used.
            OutOfMemoryError: the recording does not fit; raised before the run starts.
            NumericalError: state became NaN or infinite.
        """
        self._require_open()
        if not self._lock.acquire(blocking=False):
            raise SpikecudaError(
                "the pool is running in another thread; give each thread a pool of its own"
            )
        try:
            total = self._steps(steps, duration)
            spikes, traces = self._recorded(record)
            drive = Drive(input, self.num_neurons, self.dt, total, self._precision.real)
            from spikecuda.progress import reporter

            with reporter(progress, total, repr(self)) as report:
                return self._run(total, drive, spikes, traces, report)
        finally:
            self._lock.release()

    def metrics(self) -> Metrics:
        """Return what the pool has done since its last reset, and what it holds."""
        updates = self.steps * self.num_neurons
        seconds = self.time / 1000.0
        held = self.device.held()
        on_host = self.device.name == "cpu"
        return Metrics(
            num_neurons=self.num_neurons,
            steps=self.steps,
            time=self.time,
            updates=updates,
            spikes=self._spikes,
            mean_rate=self._spikes / (self.num_neurons * seconds) if seconds else 0.0,
            run_seconds=self._run_seconds,
            kernel_seconds=self._kernel_seconds,
            compile_seconds=self.device.compile_seconds,
            updates_per_second=updates / self._run_seconds if self._run_seconds else 0.0,
            realtime_factor=self._run_seconds / seconds if seconds else 0.0,
            host_bytes=held if on_host else {},
            device_bytes={} if on_host else held,
            state_bytes_per_neuron=sum(b.dtype.itemsize for b in self._state.values()),
        )

    def close(self) -> None:
        """Give all memory and threads back; closing twice does nothing."""
        if not self._closed:
            self._closed = True
            self.device.close()

    def __enter__(self) -> "GPUNeuronPool":
        self._require_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        device = getattr(self, "device", None)
        where = f"{device.name} ({device.description})" if device else "no device"
        note = ""
        if device is not None and device.name == "cpu" and not gpu_status().usable:
            note = f"; no GPU: {gpu_status().reason}"
        return (
            f"<GPUNeuronPool: {self.num_neurons:,} {self.model.name} neurons, "
            f"{self._precision.name}, dt {self.dt:g} ms, on {where}{note}>"
        )

    # ---- building

    def _drawn(self, params: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the parameters with distributions replaced by draws."""
        if params is not None and not isinstance(params, Mapping):
            raise SpikecudaTypeError(f"params must be a dict of name: value (got {params!r:.80})")
        names = list(self.model.parameters)
        return {
            name: value.draw(
                self.num_neurons, STREAM_DRAW_PARAMETERS + names.index(name), self.seed
            )
            if isinstance(value, Distribution) and name in names
            else value
            for name, value in (params or {}).items()
        }

    def _draw_stream(self, state: str) -> int:
        return STREAM_DRAW + list(self.model.states).index(state)

    def _by_name(self, value: Any) -> Any:
        """Return a number, a parameter's value, or a function of parameters, evaluated."""
        if isinstance(value, str):
            return self.params[value]
        if callable(value):
            return value(**{p: self.params[p] for p in inspect.signature(value).parameters})
        return value

    def _prepare(self, values: Mapping[str, np.ndarray]) -> None:
        """Allocate state and constants."""
        n, p, model = self.num_neurons, self._precision, self.model
        constants = model.constants(values, self.dt / self.substeps)
        self.refractory = False
        if model.refractory:
            n_ref = np.rint(values["t_ref"] / self.dt).astype(np.int64)
            limit = int(np.iinfo(p.refrac).max)
            if np.any(n_ref > limit):
                raise SpikecudaValueError(
                    f"t_ref must be <= {limit * self.dt:g} ms at dt = {self.dt:g} ms in "
                    f"{p.name} (got {values['t_ref'].max():g}); use a larger dt or float32"
                )
            self.refractory = bool(np.any(n_ref > 0))
        self._base = KernelSpec(model, p, self.scheme, self.substeps, self.refractory)
        names = self._base.constants
        cast = {name: _cast(name, constants[name], p.real) for name in names}
        if self.refractory:
            cast["n_ref"] = n_ref.astype(np.int32)
        self._varying = frozenset(name for name, value in cast.items() if value.ndim)
        row = 4 * ((n + 31) // 32)
        per_neuron = self._base.bytes_per_neuron() + sum(
            cast[name].dtype.itemsize for name in self._varying
        )
        self.device.require(n * per_neuron + row * WINDOW_STEPS_MIN, f"a pool of {n:,} neurons")
        self._codecs: dict[str, Codec] = {}
        if p.half:
            for name, declared in model.states.items():
                origin = declared.initial if declared.origin is None else declared.origin
                self._codecs[name] = _codec(name, self._mean(origin), self._mean(declared.span))
        self._state: dict[str, Buffer] = {}
        for name in model.states:
            self._state[name] = self.device.allocate(name, n, p.storage)
        if self.refractory:
            self._state["refrac"] = self.device.allocate("refrac", n, p.refrac)
        self._constants: dict[str, Any] = {}
        for name, value in cast.items():
            if value.ndim:
                self._constants[name] = self.device.allocate(name, n, value.dtype)
                self.device.write(self._constants[name], value)
            else:
                self._constants[name] = value[()]
        for name, codec in self._codecs.items():
            for part in ("origin", "span", "gain", "shift"):
                self._constants[f"_{name}_{part}"] = getattr(codec, part)
        self._bits: Buffer | None = None
        self._clock = self.device.allocate("clock", 1, np.int64)
        self._batches = self._ranges()

    def _mean(self, value: Any) -> float:
        """Return a float16 scale: the mean over the population where it is per neuron."""
        return float(np.mean(self._by_name(value)))

    def _ranges(self) -> list[tuple[int, int]]:
        """Return the neuron ranges of the launches."""
        n = self.num_neurons
        size = self.batch_size or self.device.preferred_batch(n)
        size = -(-size // 32) * 32
        return [(first, min(first + size, n)) for first in range(0, n, size)]

    # ---- running

    def _require_open(self) -> None:
        if self._closed:
            raise ClosedError("the pool is closed; make a new one")

    def _steps(self, steps: int | None, duration: float | None) -> int:
        if (steps is None) == (duration is None):
            raise SpikecudaValueError(
                f"give either steps or duration (got steps={steps!r}, duration={duration!r})"
            )
        if steps is not None:
            return as_count("steps", steps, 0, 2**62)
        assert duration is not None
        if (
            not isinstance(duration, int | float | np.number)
            or not math.isfinite(duration)
            or duration < 0
        ):
            raise SpikecudaValueError(f"duration must be >= 0 ms (got {duration!r})")
        count = round(float(duration) / self.dt)
        if not math.isclose(count * self.dt, float(duration), rel_tol=1e-9, abs_tol=1e-9):
            raise SpikecudaValueError(
                f"duration must be a multiple of dt = {self.dt:g} ms (got {duration!r}); use "
                f"{count * self.dt:g}"
            )
        return count

    def _recorded(self, record: str | Iterable[str] | None) -> tuple[bool, tuple[str, ...]]:
        """Return whether spikes are recorded, and which states are."""
        names = () if record is None else (record,) if isinstance(record, str) else tuple(record)
        known = ["spikes", *self.model.states]
        for name in names:
            if name not in known:
                raise SpikecudaValueError(
                    f"record knows {', '.join(known)} (got {name!r}){nearest(str(name), known)}"
                )
        return "spikes" in names, tuple(s for s in self.model.states if s in names)

    def _run(
        self,
        total: int,
        drive: Drive,
        keep_spikes: bool,
        traced: tuple[str, ...],
        report: Callable[[int], None],
    ) -> RunResult:
        n = self.num_neurons
        start_step = self.steps
        if total == 0:
            return self._result(Drain(n, keep_spikes), {s: self._rows(0) for s in traced}, 0)
        spec = KernelSpec(
            self.model, self._precision, self.scheme, self.substeps, self.refractory,
            self._varying, drive.spec, traced,
        )  # fmt: skip
        real = np.dtype(self._precision.real)
        window = self._window(total, drive.bytes_per_step() + real.itemsize * n * len(traced))
        self.device.require(
            self._run_bytes(window, total, drive, traced), f"a run of {total:,} steps"
        )
        kernel = self.device.kernel(spec)
        self.device.build_host_loops()
        begin = time.perf_counter()
        temporary: list[Buffer] = []
        graphs: list[Graph] = []
        drain = Drain(n, keep_spikes)
        done = 0
        try:
            traces = {s: self._rows(total) for s in traced}
            buffers = self._buffers(kernel, drive, window, temporary)
            self.device.write(self._clock, np.array([self.steps], np.int64))
            graph: Graph | None = None
            if total >= 2 * window:
                graph = self.device.capture(lambda: self._enqueue(kernel, buffers, window))
                graphs.append(graph)
            while done < total:
                k = min(window, total - done)
                self._feed(kernel, buffers, drive, done, k)
                launched = time.perf_counter()
                if graph is not None and k == window:
                    graph.replay()
                else:
                    self._enqueue(kernel, buffers, k)
                self.device.synchronize()
                self._kernel_seconds += time.perf_counter() - launched
                bits = self.device.read(buffers["_bits"], k * drain.words)
                self._spikes += drain.take(bits, self.steps, k)
                for s in traced:
                    rows = self.device.read(buffers[f"_trace_{s}"], k * n)
                    traces[s][done : done + k] = rows.reshape(k, n)
                done += k
                self.steps += k
                self._run_seconds += time.perf_counter() - begin
                begin = time.perf_counter()
                report(done)
        finally:
            for captured in graphs:
                captured.close()
            for buffer in temporary:
                self.device.free(buffer)
        if total > 1 or self.steps % 64 == 0:
            self.state.check()
        self._run_seconds += time.perf_counter() - begin
        assert self.steps == start_step + total
        return self._result(drain, traces, total)

    def _result(self, drain: Drain, traces: dict[str, np.ndarray], total: int) -> RunResult:
        return RunResult(
            spikes=drain.spikes(self.dt) if drain.keep else None,
            traces=traces,
            steps=total,
            start=self.steps - total,
            dt=self.dt,
            num_spikes=drain.total,
        )

    def _rows(self, steps: int) -> np.ndarray:
        return np.empty((steps, self.num_neurons), self._precision.real)

    def _window(self, total: int, extra_per_step: int) -> int:
        """Return how many steps one launch takes."""
        per_step = 4 * ((self.num_neurons + 31) // 32)
        fits = max(WINDOW_STEPS_MIN, WINDOW_BYTES // per_step)
        if extra_per_step > per_step:
            fits = min(fits, max(1, 2 * WINDOW_BYTES // extra_per_step))
        return min(total, fits, WINDOW_STEPS)

    def _run_bytes(self, window: int, total: int, drive: Drive, traced: tuple[str, ...]) -> int:
        """Return the bytes a run takes besides the pool, spike lists excepted."""
        n, real = self.num_neurons, np.dtype(self._precision.real).itemsize
        held = self._bits.nbytes if self._bits is not None else 0
        bits = max(0, 4 * ((n + 31) // 32) * window - held)
        inputs = sum(np.asarray(v).nbytes for v in drive.fixed.values())
        traces = len(traced) * n * real
        return bits + inputs + window * (drive.bytes_per_step() + traces) + total * traces

    def _buffers(
        self, kernel: Kernel, drive: Drive, window: int, temporary: list[Buffer]
    ) -> dict[str, Any]:
        """Return the kernel's arguments by name, allocating what the run needs."""
        n = self.num_neurons
        values: dict[str, Any] = {**self._state, **self._constants}
        bits = window * ((n + 31) // 32)
        if self._bits is None or self._bits.size < bits:
            if self._bits is not None:
                self.device.free(self._bits)
            self._bits = self.device.allocate("spike bits", bits, np.uint32)
        values["_bits"] = self._bits
        values["_clock"] = self._clock
        sizes = {"_drive": window * n, "_dither": window * kernel.spec.dither_words}
        for argument in kernel.spec.arguments:
            name = argument.name
            if name in values or not argument.array:
                continue
            fixed = drive.fixed.get(name)
            if name.startswith("_trace_"):
                size = window * n
            else:
                size = np.size(fixed) if fixed is not None else sizes.get(name, window)
            buffer = self.device.allocate(name.lstrip("_"), size, argument.dtype)
            temporary.append(buffer)
            values[name] = buffer
            if fixed is not None:
                self.device.write(buffer, np.asarray(fixed))
        for name, value in drive.fixed.items():
            values.setdefault(name, value)
        values["_count"] = np.int64(n)
        values["_identity"] = np.uint32(0)
        values["_key0"], values["_key1"] = keys(self.seed)
        values["_first"] = values["_last"] = np.int64(0)
        return values

    def _feed(
        self, kernel: Kernel, values: dict[str, Any], drive: Drive, done: int, steps: int
    ) -> None:
        """Write the inputs of a window."""
        for name, array in drive.window(self.steps, done, steps).items():
            self.device.write(values[name], array)
        words = kernel.spec.dither_words
        if words:
            self.device.write(values["_dither"], self._step_words(steps, words))

    def _enqueue(self, kernel: Kernel, values: dict[str, Any], steps: int) -> None:
        """Launch a window: what a graph captures."""
        if kernel.needs_cleared_bits:
            self.device.clear(values["_bits"])
        arguments = {**values, "_steps": np.int64(steps)}
        self.device.launch(
            kernel, [arguments[a.name] for a in kernel.spec.arguments], self._batches
        )
        self.device.advance(self._clock, steps)

    def _step_words(self, steps: int, words: int) -> np.ndarray:
        """Return the random words of float16 rounding for a window."""
        from spikecuda.kernels.render import load_host

        out = np.empty(steps * words, np.uint32)
        stream = np.uint32(STREAM_DITHER_STEP)
        load_host("draw").step_words(
            np.int64(self.steps), steps, words, stream, *keys(self.seed), out
        )
        return out


def as_count(name: str, value: object, low: int, high: int) -> int:
    """Return an integer within [low, high]."""
    try:
        if isinstance(value, bool):
            raise TypeError
        count = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise SpikecudaTypeError(f"{name} must be an integer (got {value!r:.80})") from None
    if not low <= count <= high:
        raise SpikecudaValueError(f"{name} must be from {low} to {high:,} (got {count:,})")
    return count


def as_positive(name: str, value: object, unit: str) -> float:
    """Return a finite number > 0."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise SpikecudaTypeError(f"{name} must be a number in {unit} (got {value!r:.80})")
    if not (math.isfinite(value) and value > 0):
        raise SpikecudaValueError(f"{name} must be > 0 {unit} (got {float(value)!r})")
    return float(value)


def _scheme(model: type[Model], scheme: str | None) -> str:
    if scheme is None:
        return model.default_scheme()
    if scheme not in model.schemes:
        known = list(model.schemes)
        raise SpikecudaValueError(
            f"{model.name} has the schemes {', '.join(known)} (got {scheme!r})"
            f"{nearest(str(scheme), known)}"
        )
    return scheme


def _cast(name: str, value: np.ndarray, real: str) -> np.ndarray:
    """Return a constant in the kernel's real type; raise if it does not fit."""
    with np.errstate(over="ignore"):
        cast = np.asarray(value).astype(real)
    if not np.isfinite(cast).all():
        raise SpikecudaValueError(
            f"the constant {name} does not fit in {real} (got {np.max(np.abs(value)):g}); check "
            'the parameters or use precision="float64"'
        )
    return cast


def _codec(name: str, origin: float, span: float) -> Codec:
    if not (math.isfinite(origin) and math.isfinite(span) and abs(span) > 1e-30):
        raise SpikecudaValueError(
            f"float16 storage of {name} needs a finite origin and a span other than 0 (got "
            f"{origin!r}, {span!r}); declare State(..., origin=..., span=...)"
        )
    return Codec(origin, span)
