"""Network: populations, connections, input and recording in a few lines."""

import contextlib
import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import ClassVar

import numpy as np

from spikecuda.common.arguments import as_count
from spikecuda.common.exclusive_use import BUILDING, ExclusiveUse, changes, uses
from spikecuda.common.notebook import Printed
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.common.seed import as_seeds, as_trial
from spikecuda.common.time_grid import whole_steps
from spikecuda.devices.base import Device
from spikecuda.errors import (
    ClosedError,
    SpikecudaError,
    SpikecudaTypeError,
)
from spikecuda.network.build_engine import build_engine
from spikecuda.network.device_names import Given, as_places
from spikecuda.network.measure import measure, take_snapshot
from spikecuda.network.model.population import Population
from spikecuda.network.model.receptors import Receptor
from spikecuda.network.model.recorders import traces_of
from spikecuda.network.model.spike_train import external_spikes
from spikecuda.network.results.make_result import make_result
from spikecuda.network.results.result import NetworkResult
from spikecuda.network.run.engine import Engine
from spikecuda.network.run.neurons import Neurons, cast_constants
from spikecuda.network.run.partition import SpikeExchange
from spikecuda.network.summary import summarise
from spikecuda.network.weights import NetworkWeights
from spikecuda.observe.metrics import NetworkMetrics
from spikecuda.observe.progress import Progress, reporter
from spikecuda.runtime.adjust import announce_kernel, wide_parameters
from spikecuda.runtime.neuron_spec import NeuronSpec

BUILD_TICKS = 1000


class Network(NetworkWeights):
    """Populations of neurons and the synapses between them.

    Results are a pure function of the arguments and the seed: they are the same for any number of
    threads, any partitions and any split of a run.

    A network is used by one thread at a time: while it is built or runs, every call from another
    thread except ``metrics()`` and ``summary()`` raises ``SpikecudaError``.  A function passed as
    ``progress`` can read connections and weights, and also state if the network is on the CPU.
    Ctrl-C ends a run with all neurons at the same step, and the network can continue; a second
    Ctrl-C ends it at once.  A call that raises leaves the network as it was, or the next run says
    that it must be ``reset()``.

    Args:
        dt: length of a step in ms, > 0.
        seed: integer in [0, 2^64), from which all random numbers are computed.
        wiring_seed, start_seed, noise_seed: the numbers that connections and parameters, start
            values, and noise and pulses are drawn from; None: ``seed``.
        trial: number of the trial, see ``reset``.
        precision: "float16" (membrane state; synaptic state stays float32), "float32", "float64".
        threads: CPU threads, 1 to 1024; None: as many as are useful for the size of the network.
        partitions: blocks over which neurons and their incoming synapses are divided, 1 to 1024;
            None: as many as threads, or more if a block would have over 65,536 neurons.
        devices: "auto" (the first GPU, or the CPU if there is none), "cpu", or names such as
            ["cuda:0", "cuda:1"], ["cpu:0", "cpu:1"] (a thread and a partition each) or
            ["cuda-emu:0", "cpu:0"].  The same device may appear twice.  ``threads`` and
            ``partitions`` are only for networks on the CPU.
        exchange: how spikes reach partitions in other processes, called after each window; None:
            all partitions are in this process.

    Attributes:
        dt, seed, precision, threads, partitions, devices: as passed; they are fixed.
        trial: number of the trial.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
    """

    _remedies: ClassVar[Mapping[str, str]] = {
        "dt": "make a new Network(dt=...)",
        "seed": "make a new Network(seed=...)",
        "precision": "make a new Network(precision=...)",
        "threads": "make a new Network(threads=...)",
        "partitions": "make a new Network(partitions=...)",
        "devices": "make a new Network(devices=...)",
        "populations": "net.population(...) and net.source(...) add one",
        "projections": "net.connect(...) adds one",
        "time": "net.reset() goes back to 0",
        "trial": "net.reset(trial=...) begins one",
    }

    def __init__(
        self,
        dt: float = 0.1,
        seed: int = 0,
        precision: str = "float32",
        *,
        threads: int | None = None,
        partitions: int | None = None,
        devices: Given = "auto",
        exchange: SpikeExchange | None = None,
        wiring_seed: int | None = None,
        start_seed: int | None = None,
        noise_seed: int | None = None,
        trial: int = 0,
    ) -> None:
        seeds = as_seeds(seed, wiring_seed, start_seed, noise_seed, trial)
        super().__init__(dt, seed, precision, seeds)
        self.threads = None if threads is None else as_count("threads", threads, 1, 1024)
        self.partitions = (
            None if partitions is None else as_count("partitions", partitions, 1, 1024)
        )
        self.devices = as_places(devices)
        is_class = isinstance(exchange, type)
        if exchange is not None and (is_class or not callable(getattr(exchange, "swap", None))):
            raise SpikecudaTypeError(
                f"exchange must be an object with a method swap, see SpikeExchange (got "
                f"{exchange!r:.80})"
            )
        self._exchange = exchange
        self._build_seconds = 0.0
        self._external = np.empty((0, 3), np.int64)
        self._engine: Engine | None = None
        self.turn = ExclusiveUse("network", [d.turn for d in self.devices if isinstance(d, Device)])
        self._closed = False
        self._fix()

    @property
    def build_seconds(self) -> float:
        """Wall-clock time of the build."""
        return self._build_seconds

    @out_of_memory("a run", "record fewer neurons, less often, or run in parts")
    def run(
        self,
        duration: float,
        *,
        progress: Progress = False,
    ) -> NetworkResult:
        """Advance from where the last run ended; the first run builds the network.

        Args:
            duration: ms, a multiple of dt.
            progress: True shows a progress bar, "live" also speed, rates, memory and devices; a
                function is called with (steps done, steps).

        Returns:
            A ``NetworkResult`` of this run.

        Raises:
            OutOfMemoryError: the synapses or the recording do not fit.
            NumericalError: a state became NaN or infinite.
            DeviceError: a device failed; the message says at which step.
            SpikecudaError: another thread uses it, or it needs ``reset()`` after a failure.
        """
        steps = whole_steps("duration", duration, self.dt)
        with self.turn.run():
            engine = self._built(progress is True)
            populations = self._populations()
            drives = [self._drives.resolve(population, steps) for population in populations]
            wanted = self._recorders.wanted(populations)
            spikes = [g.number for g in populations if (g.name, "spikes") in wanted]
            traces = traces_of(wanted, steps)
            start, seconds = engine.clock, engine.seconds
            look = functools.partial(take_snapshot, engine, populations, self.dt)
            title = "" if progress is False else repr(self)
            with (
                self._chores(engine, steps) as (pauses, samples),
                reporter(progress, steps, title, look) as report,
            ):
                got = engine.run(steps, drives, spikes, traces, self._external, report, pauses)
            return make_result(
                populations, got, wanted, traces, start, steps, engine.seconds - seconds, samples
            )

    @out_of_memory(
        "a network", "use fewer synapses, one weight for all of a projection, or procedural=True"
    )
    def build(self, progress: Callable[[int, int], None] | bool = False) -> Engine:
        """Make the synapses now, unless they exist; otherwise the first run makes them.

        Args:
            progress: True shows a progress bar; a function is called with (done, of how much).

        Returns:
            The engine.

        Raises:
            OutOfMemoryError: the network does not fit; raised before the memory is allocated.
            SpikecudaValueError: weights of a receptor differ too much for one fixed-point scale.
        """
        with self.turn.change():
            return self._built(progress)

    def _built(self, progress: Callable[[int, int], None] | bool = False) -> Engine:
        """Return the engine, made now unless it is there."""
        self._require_open()
        if self.turn.doing == BUILDING:
            raise self.turn.refusal()
        if self._engine is None:
            with self.turn.occupied(BUILDING):
                self._build(progress)
            assert self._engine is not None
        return self._engine

    @changes
    def reset(self, trial: int | None = None) -> None:
        """Return to time 0: start values, no spikes in transit, metrics cleared.

        Start values follow from the parameters of now.  Populations with their parameters,
        synapses with their weights, input and recordings stay as they are.

        Args:
            trial: number of the trial to begin, in [0, 2^64): on the same wiring, start values,
                noise and pulses are other ones, those of a new network with ``trial=``.  None: the
                same trial again.
        """
        seeds = self._seeds if trial is None else replace(self._seeds, trial=as_trial(trial))
        engine = self._built()
        if seeds != self._seeds:
            for population in self._populations():
                neuron_spec = population.neurons.in_trial(seeds)
                population.settle(neuron_spec, population.receptors)
            self._seeds = seeds
            engine.retune()
        engine.reset()
        self._forget()

    @property
    def trial(self) -> int:
        """Number of the trial, see ``reset``."""
        return self._seeds.trial

    @property
    def built(self) -> bool:
        """Whether the synapses are made: by ``build``, the first run, or what needs them."""
        return self._engine is not None

    @changes
    def adjust(
        self, population: Population, neuron_spec: NeuronSpec, receptors: Mapping[str, Receptor]
    ) -> None:
        """Give a population other parameters and receptors; see ``Population.params``."""
        self._require_open()
        if self._engine is None:
            cast_constants(neuron_spec, receptors)  # which raises for what does not fit
            population.settle(neuron_spec, receptors)
            return
        neurons = self._engine.neurons[population.number]
        changed = neurons.prepare(neuron_spec, receptors)
        if changed.wide:
            announce_kernel(population.name, wide_parameters(population.neurons, neuron_spec))
        neurons.take(changed)
        population.settle(neuron_spec, receptors)
        self._engine.retune()

    @property
    def time(self) -> float:
        """Model time since the last reset, in ms."""
        return 0.0 if self._engine is None else self._engine.clock * self.dt

    def metrics(self) -> NetworkMetrics:
        """Return what the network has done since its last reset, and the memory it uses."""
        self._require_open()
        engine = self.build() if self._engine is None else self._engine
        return measure(engine, self._populations(), self.dt, self.build_seconds)

    def summary(self) -> Printed:
        """Return a table of populations, projections, memory and predicted cost; build nothing.

        It is a text, which shells show as it is printed and notebooks as HTML.
        """
        title = repr(self).strip("<>")
        return summarise(title, list(self._named.values()), self._describe())

    def _repr_html_(self) -> str:
        return self.summary().html

    @uses
    def neurons_of(self, number: int) -> Neurons:
        """Return the neurons of a population by its number; see ``Population.state``.

        Raises:
            SpikecudaError: a run is going on and the devices have the state.
        """
        engine = self._built()
        if self.turn.doing and not engine.state_within_runs:
            raise SpikecudaError(
                f"the state of a network on {', '.join(engine.device_names)} cannot be read within "
                "a run; read it when run() has returned, and run in pieces"
            )
        return engine.neurons[number]

    def close(self) -> None:
        """Free memory and end threads; closing twice does nothing."""
        if self.turn.lost:  # they belong to the process that this one was forked from
            self._closed, self._engine = True, None
            return
        with self.turn.change():
            self._closed = True
            engine, self._engine = self._engine, None
            if engine is not None:
                engine.close()

    def __enter__(self) -> "Network":
        self._require_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Parts of it.

    def _build(self, progress: Callable[[int, int], None] | bool) -> None:
        """Make the engine; if that fails, the network is as it was."""
        description = self._describe()
        if not description.populations:
            raise SpikecudaError("the network has no population; net.population(...) adds one")
        begin = time.perf_counter()
        with contextlib.ExitStack() as undo:
            with reporter(progress, BUILD_TICKS, "building") as report:
                engine = build_engine(
                    description, self.devices, self.threads, self.partitions,
                    lambda done, total: report(int(BUILD_TICKS * done / total)), self._exchange,
                )  # fmt: skip
                undo.callback(engine.close)
                report(BUILD_TICKS)
            self._external = external_spikes(self._sources, self.dt)
            undo.pop_all()
        self._engine, self.turn.parts = engine, engine.turns
        self._build_seconds = time.perf_counter() - begin

    def _require_open(self) -> None:
        if self._closed:
            raise ClosedError("the network is closed; make a new one")

    def _require_unbuilt(self, what: str) -> None:
        self._require_open()
        if self._engine is not None:
            raise SpikecudaError(f"cannot {what} after the network was built; make a new network")
