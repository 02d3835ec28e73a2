"""Network: populations, connections, input and recording in a few lines."""

import contextlib
import functools
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, ClassVar

import numpy as np

from spikecuda.common.arguments import as_count, as_positive
from spikecuda.common.exclusive_use import BUILDING, ExclusiveUse, Unique, changes, uses
from spikecuda.common.fixed import Fixed
from spikecuda.common.host_memory import require_memory
from spikecuda.common.named import ReadOnly
from spikecuda.common.notebook import Printed
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.common.precision import as_precision
from spikecuda.common.seed import as_seed
from spikecuda.common.time_grid import whole_steps
from spikecuda.devices.base import Device
from spikecuda.errors import (
    ClosedError,
    SpikecudaError,
    SpikecudaTypeError,
    SpikecudaValueError,
    shown,
)
from spikecuda.models.base import Model
from spikecuda.network.build_engine import build_engine
from spikecuda.network.device_names import Given, as_places
from spikecuda.network.measure import measure, take_snapshot
from spikecuda.network.model.description import Description
from spikecuda.network.model.drives import Drives
from spikecuda.network.model.population import Population, View, as_view, find_population
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.receptors import Receptor, as_receptors
from spikecuda.network.model.recorders import Recorders, traces_of
from spikecuda.network.model.rules import AllToAll, OneToOne, as_rule
from spikecuda.network.model.spike_train import SpikeTrain, external_spikes
from spikecuda.network.results.make_result import make_result
from spikecuda.network.results.result import NetworkResult
from spikecuda.network.run.engine import Engine
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.partition import SpikeExchange
from spikecuda.network.summary import summarise
from spikecuda.observe.metrics import NetworkMetrics
from spikecuda.observe.progress import Progress, reporter
from spikecuda.runtime.neuron_spec import MAX_NEURONS, resolve_neurons

BUILD_TICKS = 1000
# The projections of trains that drive neurons directly draw nothing; the others count up to here.
# Bytes of a listed synapse, source, target, weight and delay, and of sorting them.
LISTED = 40
HIDDEN = 65535


class Network(Unique, Fixed):
    """Populations of neurons and the synapses between them.

    Results are a pure function of the arguments and the seed: the same for any number of threads
    and partitions and any split of a run.

    A network belongs to one thread at a time: what another one asks of it meanwhile, ``metrics()``
    and ``summary()`` excepted, is refused.  Within a run, in a function for ``progress``,
    connections and weights can be read, and state where the network is on the CPU.  Ctrl-C ends a
    run at the end of a window, so that the network can go on; a second Ctrl-C ends it at once.
    A call that raises leaves the network as it was, or the next run says that it must be
    ``reset()``.

    Args:
        dt: length of a step in ms.
        seed: integer in [0, 2^64) that all randomness derives from.
        precision: "float16" (membrane state; synaptic state stays float32), "float32", "float64".
        threads: CPU threads; None takes what the size is worth.
        partitions: blocks that neurons and their incoming synapses are split over; None: as many as
            threads, or more where a block would have over 65,536 neurons.
        devices: "auto" (the first GPU, else the CPU), "cpu", or names such as ["cuda:0", "cuda:1"],
            ["cpu:0", "cpu:1"] (a thread and a partition each) or ["cuda-emu:0", "cpu:0"]; the same
            one may come twice.  ``threads`` and ``partitions`` are for networks on the CPU alone.
        exchange: how spikes get to partitions in other processes, called after each window; None:
            all partitions are in this one.

    Attributes:
        dt, seed, precision, threads, partitions, devices: as they were given; they are fixed.
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
    ) -> None:
        self.dt = as_positive("dt", dt, "ms")
        self.seed, self.precision = as_seed(seed), as_precision(precision).name
        self.threads = None if threads is None else as_count("threads", threads, 1, 1024)
        self.partitions = (
            None if partitions is None else as_count("partitions", partitions, 1, 1024)
        )
        self.devices = as_places(devices)
        if exchange is not None and not callable(getattr(exchange, "swap", None)):
            raise SpikecudaTypeError(
                f"exchange must have a method swap, see SpikeExchange (got {exchange!r:.80})"
            )
        self._exchange = exchange
        self._named: dict[str, Population] = {}
        self._projections: list[Projection] = []
        self._wired: list[Projection] = []
        self._build_seconds = 0.0
        self._sources: list[tuple[Population, SpikeTrain, int]] = []
        self._drives = Drives(self.dt)
        self._recorders = Recorders(self.dt)
        self._external = np.empty((0, 3), np.int64)
        self._engine: Engine | None = None
        self.turn = ExclusiveUse("network", [d.turn for d in self.devices if isinstance(d, Device)])
        self._closed = False
        self._identity = 0
        self._fix()

    @property
    def populations(self) -> Mapping[str, Population]:
        """The populations by name, sources included."""
        return ReadOnly(self._named, "net.population(...) adds a population")

    @property
    def projections(self) -> tuple[Projection, ...]:
        """The projections, in the order of ``connect``."""
        return tuple(self._projections)

    @property
    def wired(self) -> tuple[Projection, ...]:
        """The projections, and those of trains that drive neurons."""
        return tuple(self._wired)

    @property
    def build_seconds(self) -> float:
        """Wall-clock time of the build."""
        return self._build_seconds

    def __getitem__(self, name: str) -> Population:
        return find_population(self._named, name)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._named)

    @changes
    def population(
        self,
        name: str,
        n: int,
        model: str | type[Model] = "lif",
        params: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
        *,
        receptors: Mapping[str, Receptor] | None = None,
        scheme: str | None = None,
        substeps: int = 1,
    ) -> Population:
        """Add a population.

        Args:
            name: an identifier, new to the network.
            n: number of neurons.
            model, params, initial, scheme, substeps: as for ``GPUNeuronPool``.
            receptors: where spikes can arrive, by name.
        """
        self._require_unbuilt("add populations")
        self._new_name(name)
        size = as_count("n", n, 1, MAX_NEURONS)
        neuron_spec = resolve_neurons(
            size, model, self.precision, self.dt, self.seed, params=params, initial=initial,
            scheme=scheme, substeps=substeps, identity=self._identity,
        )  # fmt: skip
        ports = as_receptors(receptors, neuron_spec.model, neuron_spec.scheme)
        for port, receptor in ports.items():
            # Before anything is built: constants that cannot be worked out are an error now.
            receptor.cast_constants(
                port, neuron_spec.model, neuron_spec.params, neuron_spec.dt,
                neuron_spec.precision.real,
            )  # fmt: skip
        population = Population(
            self, len(self._populations()), name, neuron_spec.count, neuron_spec, ports
        )
        # Four neurons share a block of random words.
        self._identity += -(-neuron_spec.count // 32) * 32
        self._named[name] = population
        return population

    @changes
    @out_of_memory("what a connection is made of", "use fewer synapses, or a rule other than Pairs")
    def connect(
        self,
        source: Population | View | str,
        target: Population | View | str,
        rule: Any,
        weight: Any,
        delay: Any,
        receptor: str | None = None,
        *,
        autapses: bool = True,
        multapses: bool = True,
        procedural: bool = False,
        weight_bits: int | None = None,
    ) -> Projection:
        """Connect two populations, or views of them.

        Args:
            source, target: populations, views such as ``net["E"][:100]``, or names.
            rule: from ``spikecuda.network.model.rules``, or "all_to_all" or "one_to_one".
            weight: in the receptor's unit: a number, ``Normal``, ``LogNormal`` or ``Uniform``, or
                with ``Pairs`` one number for each.
            delay: in ms, likewise; rounded to whole steps, at least one.
            receptor: name of the target's receptor; None if it has only one.
            autapses: whether a neuron may connect to itself.
            multapses: whether a pair may have several synapses.
            procedural: draw rows from the seed whenever they are needed instead of storing them.
            weight_bits: 16 or 32, for weights that differ from synapse to synapse; None takes 16
                where that keeps all weights of the receptor exact enough, else 32.
        """
        self._require_unbuilt("connect")
        if len(self._projections) == HIDDEN:
            raise SpikecudaError(f"a network has at most {HIDDEN:,} projections (got one more)")
        projection = Projection(
            self, self.dt, self.seed, len(self._projections),
            as_view("source", source, self._named),
            as_view("target", target, self._named), as_rule(rule), weight, delay, receptor,
            autapses=autapses, multapses=multapses, procedural=procedural, weight_bits=weight_bits,
        )  # fmt: skip
        self._projections.append(projection)
        self._wired.append(projection)
        return projection

    @changes
    def source(self, name: str, n: int, train: SpikeTrain) -> Population:
        """Add a source of ``n`` given spike trains, to be connected like a population.

        Args:
            name: an identifier, new to the network.
            n: number of trains.
            train: the spikes; those of a ``SpikeTrain`` without ``neurons`` come from all trains.
        """
        self._require_unbuilt("add sources")
        if not isinstance(train, SpikeTrain):
            raise SpikecudaTypeError(f"train must be a SpikeTrain (got {train!r:.80})")
        size = as_count("n", n, 1, MAX_NEURONS)
        return self._add_source(self._new_name(name), size, train)

    @changes
    @out_of_memory("an input", "use one number for all neurons")
    def drive(
        self, target: Population | View | str, input: object, receptor: str | None = None
    ) -> None:
        """Give a population input: currents, noise, Poisson or given trains; adds to what it has.

        Input can be added at any time, also after the build, and acts from the next run on; given
        trains become part of the synapses and can be added before the build only.  ``reset`` keeps
        all input.

        Args:
            target: population, view or name.
            input: as for ``GPUNeuronPool.run``: a number, an array (neurons,), or an ``Input``; or
                a ``SpikeTrain``.
            receptor: where spikes arrive, with weights in its unit; None takes the only receptor,
                or for Poisson input the membrane (mV) of a population without any.
        """
        self._require_open()
        view = as_view("target", target, self._named)
        view.population.require_neurons()
        if isinstance(input, SpikeTrain):
            self._drive_train(view, input, receptor)
            return
        self._drives.add(view, input, receptor)

    @changes
    def record(
        self,
        target: Population | View | str,
        what: str | Iterable[str] | None = "spikes",
        *,
        every: float | None = None,
        only: object = None,
    ) -> None:
        """Record spikes or state variables of a population in later runs.

        Spikes of all populations are recorded, also beside variables, until ``record`` names
        "spikes" of some: then just those.  Spikes of several views of a population add up.  It can
        be called at any time and acts from the next run on.  Recording changes no result.

        Args:
            target: population, view or name.
            what: "spikes", names of state variables (``v``, ``i_exc``, ...), or several; None: no
                spikes of this population.
            every: ms between samples of variables, a multiple of dt; None: every step.  Spikes are
                recorded all.
            only: which neurons: a slice, numbers or a mask, within the target.
        """
        self._require_open()
        view = as_view("target", target, self._named)
        if only is not None:
            inner = View(view.population, only) if view.whole else None
            if inner is None:
                raise SpikecudaValueError(
                    "only is for a population (got a view, which says which neurons); give one"
                )
            view = inner
        if not isinstance(what, Iterable | None):
            raise SpikecudaTypeError(f"what must be a name, several, or None (got {shown(what)})")
        names = () if what is None else (what,) if isinstance(what, str) else tuple(what)
        if what is not None and not names:
            raise SpikecudaValueError("what must name something (got nothing); None: no spikes")
        self._recorders.add(view, names, every)

    @out_of_memory("a run", "record fewer neurons, less often, or run in parts")
    def run(
        self,
        duration: float,
        *,
        progress: Progress = False,
    ) -> NetworkResult:
        """Advance; the network is built first if it was not.

        Args:
            duration: ms, a multiple of dt.
            progress: True shows a progress bar, "live" also speed, rates, memory and devices; a
                function is called with (steps done, steps).

        Returns:
            A ``NetworkResult`` of this run.

        Raises:
            OutOfMemoryError: the synapses or the recording do not fit.
            NumericalError: a state became NaN or infinite.
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
            with reporter(progress, steps, title, look) as report:
                got = engine.run(steps, drives, spikes, traces, self._external, report)
            return make_result(
                populations, got, wanted, traces, start, steps, engine.seconds - seconds
            )

    @out_of_memory(
        "a network", "use fewer synapses, one weight for all of a projection, or procedural=True"
    )
    def build(self, progress: Callable[[int, int], None] | bool = False) -> Engine:
        """Make the synapses now, unless they are there; ``run`` does it by itself.

        Args:
            progress: True shows a progress bar; a function is called with (done, of how much).

        Returns:
            The engine.

        Raises:
            OutOfMemoryError: the network does not fit; raised before the memory is taken.
            SpikecudaValueError: weights that one fixed-point scale cannot hold together.
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
    def reset(self) -> None:
        """Go back to time 0: start values, nothing under way, figures cleared.

        What was added stays: populations, synapses with their weights, input, recordings.
        """
        self._built().reset()

    @property
    def trains(self) -> list[Population]:
        """The sources, those of trains that drive neurons included."""
        return [source for source, _, _ in self._sources]

    @property
    def time(self) -> float:
        """Model time since the last reset, in ms."""
        return 0.0 if self._engine is None else self._engine.clock * self.dt

    def metrics(self) -> NetworkMetrics:
        """Return what the network holds and has done since its last reset: see the class."""
        self._require_open()
        engine = self.build() if self._engine is None else self._engine
        return measure(engine, self._populations(), self.dt, self.build_seconds)

    def summary(self) -> Printed:
        """Return a table of populations, projections, memory and predicted cost; builds nothing.

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

    @uses
    @out_of_memory("a list of all synapses", "look at those of fewer sources")
    def connections_of(
        self, projection: Projection, sources: View | None = None
    ) -> dict[str, np.ndarray]:
        """Return a projection's synapses; see ``Projection.connections``."""
        from spikecuda.network.synapses.access import connections, rows_of

        first, last = rows_of(projection, sources)
        listed = projection.expected * (last - first) / projection.source.size
        require_memory(
            LISTED * listed, f"a list of the synapses of {projection.name}",
            "connections(sources) draws procedural rows of some sources, len() counts all",
        )  # fmt: skip
        return connections(projection, self._built().wiring, self.dt, sources)

    def count_of(self, projection: Projection, enough: int = 2**62) -> int:
        """Return a projection's number of synapses, or ``enough`` if it has more; do not build."""
        from spikecuda.network.synapses.count import count_synapses

        return count_synapses(projection, enough)

    @changes
    @out_of_memory("a weight for each synapse", "give one number for all of them")
    def set_weights(self, projection: Projection, values: object) -> None:
        """Set a projection's weights; see ``Projection.weights``."""
        from spikecuda.network.synapses.access import remember_weights, set_weights

        engine = self._built()
        undo = remember_weights(projection, engine.wiring)
        try:
            set_weights(projection, engine.wiring, values)
            engine.rewire()
        except BaseException:
            undo()
            raise

    def close(self) -> None:
        """Give memory and threads back; closing twice does nothing."""
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

    def _describe(self) -> Description:
        """Return what the network was told; sources are numbered after the populations."""
        populations = self._populations()
        for i, source in enumerate(self.trains):
            source.place(len(populations) + i)
        return Description(
            self.dt, self.seed, populations, self.trains, self._projections, self._wired
        )

    def _populations(self) -> list[Population]:
        """Return the populations that have neurons."""
        return [
            population
            for population in list(self._named.values())
            if population.neuron_spec is not None
        ]

    def _drive_train(self, view: View, train: SpikeTrain, receptor: str | None) -> None:
        """Let given spikes arrive: a hidden source with a row for each train."""
        self._require_unbuilt("drive with a SpikeTrain")
        common = train.neurons is None
        size = 1 if common else view.size
        source = Population(self, -1, "", size, at_once=train.most_at_once(self.dt, size))
        rule = AllToAll() if common else OneToOne()
        projection = Projection(
            self, self.dt, self.seed, HIDDEN, View(source), view, rule, train.weight, self.dt,
            receptor,
        )  # fmt: skip
        self._sources.append((source, train, 1))
        self._wired.append(projection)

    def _new_name(self, name: object) -> str:
        if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
            raise SpikecudaValueError(f"name must be an identifier (got {name!r})")
        if name in self._named:
            raise SpikecudaValueError(f"name must be new (got {name!r} twice)")
        return name

    def _add_source(self, name: str, size: int, train: SpikeTrain) -> Population:
        population = Population(self, -1, name, size, at_once=train.most_at_once(self.dt, size))
        self._sources.append((population, train, 0))
        if name:
            self._named[name] = population
        return population

    def _require_unbuilt(self, what: str) -> None:
        self._require_open()
        if self._engine is not None:
            raise SpikecudaError(f"cannot {what} after the network was built; make a new network")

    def __repr__(self) -> str:
        populations = self._populations()
        neurons = sum(population.size for population in populations)
        return (
            f"<Network: {neurons:,} neurons in {len(populations)} populations, "
            f"{len(self._projections)} projections, {self.precision}, dt {self.dt:g} ms>"
        )
