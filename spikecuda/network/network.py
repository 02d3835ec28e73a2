"""Network: populations, connections, input and recording in a few lines."""

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from spikecuda.common.arguments import as_count, as_flag
from spikecuda.common.closing import Closing
from spikecuda.common.exclusive_use import BUILDING, ExclusiveUse, uses
from spikecuda.common.notebook import Printed
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.common.seed import as_seeds
from spikecuda.devices.base import Device
from spikecuda.errors import (
    ClosedError,
    SpikecudaError,
)
from spikecuda.network.build_engine import build_engine
from spikecuda.network.device_names import Given, as_places, over_processes
from spikecuda.network.measure import measure
from spikecuda.network.model.population import Population
from spikecuda.network.ranks.telling import join_job, telling
from spikecuda.network.run.engine import Engine
from spikecuda.network.run.exchange import SpikeExchange
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.route import as_exchange
from spikecuda.network.speeds import Speeds, as_speeds, speeds_of
from spikecuda.network.steered import Steered
from spikecuda.network.summary import summarise
from spikecuda.observe.metrics import NetworkMetrics
from spikecuda.observe.progress import reporter

if TYPE_CHECKING:
    from spikecuda.network.saving.network_file import SavedNetwork

BUILD_TICKS = 1000


class Network(Steered, Closing):
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
            ``partitions`` are only for networks on the CPU.  "mpi": over the processes of an MPI
            job, on their processors; ["mpi", "cuda:0"]: this process' part is on that device.
        speeds: by which neurons are dealt out to several devices or processes: a number > 0 for
            each device of this process, relative to all others, or "measured" in a short run on
            each of them; None: evenly, but unlike GPUs and processors by their measured updates.
        exchange: how spikes get from device to device.  None: the shortest way that there is.
            "peers": copies between GPUs, or an error if they cannot; "host": lists that pass
            through the host; with one device there is nothing to exchange.  Or an object with a
            method ``swap``, called after each window, by which they reach partitions in other
            processes: see ``SpikeExchange``.

    Attributes:
        dt, seed, precision, threads, partitions, devices, speeds: as passed; they are fixed.
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
        "speeds": "make a new Network(speeds=...)",
        "populations": "net.population(...) and net.source(...) add one",
        "projections": "net.connect(...) adds one",
        "couplings": "net.couple(...) adds one",
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
        speeds: Speeds = None,
        exchange: SpikeExchange | str | None = None,
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
        join_job(self.devices)
        self.speeds = as_speeds(speeds, self.devices)
        self._exchange, self._route = as_exchange(exchange)
        self._build_seconds = 0.0
        self._restored: SavedNetwork | None = None
        self.turn = ExclusiveUse("network", [d.turn for d in self.devices if isinstance(d, Device)])
        self._closed = False
        self._fix()

    @property
    def build_seconds(self) -> float:
        """Wall-clock time of the build."""
        return self._build_seconds

    @out_of_memory(
        "a network",
        "use fewer synapses; those that do not learn take less with one weight for all of a "
        "projection, or procedural=True",
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
            with self.turn.occupied(BUILDING), telling(self.devices):
                self._build(progress)
            assert self._engine is not None
        return self._engine

    def metrics(self) -> NetworkMetrics:
        """Return what the network has done since its last reset, and the memory it uses."""
        self._require_open()
        engine = self.build() if self._engine is None else self._engine
        return measure(engine, self._populations(), self.dt, self.build_seconds)

    def summary(self) -> Printed:
        """Return a table of populations, projections, memory and predicted cost; build nothing.

        Of a network that is built, it says how neurons were dealt out by ``speeds``, and how spikes
        get from one device to another.
        It is a text, which shells show as it is printed and notebooks as HTML.
        """
        title = repr(self).strip("<>")
        engine = self._engine
        told = [] if engine is None else [engine.placed, engine.route.words]
        placed = "\n".join(line for line in told if line)
        return summarise(title, list(self._named.values()), self._describe(), placed)

    def _repr_html_(self) -> str:
        return self.summary().html

    def _require_viewable(self) -> None:
        if self._exchange is not None:
            raise SpikecudaError(
                "a network with an exchange has no view (got one): other processes must cut a run "
                'alike, which devices="mpi" does; view its result with spikecuda.view.show'
            )

    def _require_parts(self) -> None:
        if self._exchange is not None:
            raise SpikecudaError(
                "gather=False is for networks over processes of MPI (got a network with an "
                "exchange, which records its own partitions anyway); leave gather out"
            )

    def _require_savable(self) -> None:
        if self._exchange is not None:
            raise SpikecudaError(
                "a network with an exchange is not saved (got one), for other processes have a "
                "part of it; save its results"
            )

    @out_of_memory("saving", "save without the result: result=False")
    def save(
        self, path: str | os.PathLike[str], *, result: bool = True, rows: bool = False
    ) -> Path:
        """Save all that a run needs to a file, from which ``load`` goes on with the same bits.

        The file is written completely, or the old one stays; a symbolic link of that name is
        replaced by the file.  The network is built first, unless it
        is.  See ``docs/saving.md`` for what is kept.

        Args:
            path: the file; the name is taken as it is.
            result: whether ``net.result`` is kept, within ``run(call=...)`` that of the run so far.
            rows: whether the rows of synapses are in the file, too.  It has their size then, and
                ``load`` need not draw them where neurons are split into the same blocks, over as
                many processes of MPI as saved them.

        Returns:
            The path.

        Raises:
            SpikecudaTypeError: input, rules or start values that a file cannot hold.
            SpikecudaError: the network is running, closed, needs ``reset()`` after a failure, or
                has an exchange; or rows are asked for that are short, as over many processes.
            SpikecudaValueError: the path is no name of a file in a folder that exists.
            OSError: the file cannot be written, for example as the disk is full.
        """
        from spikecuda.network.saving.network_file import save_network

        kept, stored = as_flag("result", result), as_flag("rows", rows)
        with self.turn.change():
            self._require_open()
            self._require_savable()
            with telling(self.devices):
                engine = self._built()
                found = self._result if self._pieces is None else self._pieces.result
                return save_network(self, engine, path, found if kept else None, stored)

    @classmethod
    @out_of_memory("a network", "use another machine")
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        models: Iterable[type | Callable[..., object]] = (),
        threads: int | None = None,
        partitions: int | None = None,
        devices: Given = "auto",
        speeds: Speeds = None,
        progress: Callable[[int, int], None] | bool = False,
    ) -> Self:
        """Return the network that a file holds, built; it goes on with the same bits anywhere.

        It is a new network, also as ``net.load(path)``, which leaves ``net`` as it is.

        Args:
            path: the file.
            models: the user's own neuron models, synapse rules and functions of the distance,
                unless they exist here already; nothing in a file is executed.
            threads, partitions, devices, speeds: where it runs, as for ``Network``; not in the
                file.
            progress: of the build, as for ``build``.

        Raises:
            SpikecudaValueError: the file is something else, damaged or of another format, or a
                model or rule has another source now; raised before anything is built.
            OutOfMemoryError, DeviceError: it cannot run here.
            OSError: the file cannot be opened.
        """
        from spikecuda.network.saving.network_file import SavedNetwork
        from spikecuda.saving.save_file import using

        with telling(as_places(devices)):
            saved = SavedNetwork(path, models)
            with using(saved.saved):
                saved.read()
            net = cls(
                threads=threads,
                partitions=partitions,
                devices=devices,
                speeds=speeds,
                **saved.arguments,
            )
            with using(saved.saved):
                saved.tell(net)
            with using(saved.saved, building=True):
                net._restored = saved
                try:
                    net.build(progress)
                    net._result, net._saved_so_far = saved.result, True
                    net._weights_set = any(p.assigned or p.rewired for p in net._wired)
                finally:
                    net._restored = None
            return net

    @uses
    def neurons_of(self, population: Population) -> Neurons:
        """Return the neurons of a population; see ``Population.state``.

        Raises:
            SpikecudaError: a run is going on and the devices have the state.
        """
        engine = self._built()
        if self.turn.doing and not engine.state_within_runs:
            raise SpikecudaError(
                f"the state of a network on {', '.join(engine.device_names)} cannot be read within "
                "a run; read it when run() has returned, and run in pieces"
            )
        return engine.current(population.number)  # whose number the build may have settled

    def close(self) -> None:
        """Free memory and end threads; closing twice does nothing."""
        if self.turn.lost:  # they belong to the process that this one was forked from
            self._closed, self._engine = True, None
            return
        with self.turn.restart():
            self._closed = True
            self._close_view()
            engine, self._engine = self._engine, None
            if engine is not None:
                engine.close()

    # Parts of it.

    def _build(self, progress: Callable[[int, int], None] | bool) -> None:
        """Make the engine; if that fails, the network is as it was."""
        description = self._describe()
        if not description.populations:
            raise SpikecudaError("the network has no population; net.population(...) adds one")
        if over_processes(self.devices):
            from spikecuda.network.saving.same_network import require_same_network

            require_same_network(self)
        begin = time.perf_counter()
        with contextlib.ExitStack() as undo:
            with reporter(progress, BUILD_TICKS, "building") as report:
                engine = build_engine(
                    description, self.devices, self.threads, self.partitions,
                    lambda done, total: report(int(BUILD_TICKS * done / total)), self._exchange,
                    self._restored, speeds_of(self.speeds, Network), self._route,
                )  # fmt: skip
                undo.callback(engine.close)
                if self._restored is not None:
                    self._restored.resume(self, engine)
                else:
                    self._freeze(engine)
                report(BUILD_TICKS)
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
