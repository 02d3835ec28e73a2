"""Ensemble: replicas of a network, with other parameters, seeds or noise, advanced together."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from spikecuda.common.arguments import as_count
from spikecuda.common.closing import Closing
from spikecuda.common.exclusive_use import (
    BUILDING,
    RUNNING,
    ExclusiveUse,
    Unique,
    changes,
    restarts,
)
from spikecuda.common.fixed import Fixed
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.common.time_grid import whole_steps
from spikecuda.devices.base import Device
from spikecuda.errors import ClosedError, SpikecudaError
from spikecuda.inputs.drive import Drive
from spikecuda.network.device_names import MPI, Given, as_places, resolve_devices
from spikecuda.network.ensemble.build import require_room
from spikecuda.network.ensemble.groups import make_groups
from spikecuda.network.ensemble.joint_run import JointRun
from spikecuda.network.ensemble.measure import measure
from spikecuda.network.ensemble.over_ranks import RankedRun, Shares
from spikecuda.network.ensemble.refused import NetworkOnly, refuse_options
from spikecuda.network.ensemble.replica import Replica
from spikecuda.network.ensemble.result import EnsembleResult, counted, join_runs, pick
from spikecuda.network.ensemble.structure import as_networks
from spikecuda.network.ensemble.values import as_all_seeds, as_given, as_trials, as_view_of, give
from spikecuda.network.model.population import Population, View
from spikecuda.network.model.projection import Projection
from spikecuda.network.network import BUILD_TICKS, Network
from spikecuda.observe.metrics import NetworkMetrics
from spikecuda.observe.progress import Progress, reporter
from spikecuda.runtime.loop import Pieces, as_loop, require_result, run_pieces

MOST = 1_000_000

# By population, view or drive, then by name.
Params = Mapping[str | Population | View | Drive, Mapping[str, Any]]


class Ensemble(NetworkOnly, Unique, Fixed, Closing, Sequence[Replica]):
    """Replicas of one network with other parameters, seeds or noise, advanced together.

    Replica i has the bits of a lone network that is told the same.  ``ensemble[i]`` is its network,
    to read and to change.  On the CPU each thread advances one replica after the other; on a CUDA
    device all replicas are advanced by the launches of one network.  Replicas whose synapses are
    the same share them.

    Args:
        network: what the replicas are made from, as it has been told until now; it stays as it is.
            Or a sequence of networks of one structure, one for each replica.
        size: number of replicas, 1 to 1,000,000; None: as many as there are networks.
        params: by population (its name, itself, or a view), or by a drive of ``network``, then by
            name: one number; one for each replica, shape (size,); or one for each of their neurons,
            shape (size, neurons).  Arguments of drives may be arrays of another length for each.
        seeds: one for each replica, as ``Network(seed=...)``; or by "wiring_seed", "start_seed",
            "noise_seed": one number, or one for each replica; None: those of ``network``.
        trials: number of the trial of each replica, see ``Network.reset``; None: that of
            ``network``.
        threads: CPU threads, 1 to 1024; None: as many as cores, or as CPUs that are named.
        devices: as for ``Network``; replicas are dealt out whole.  None: those of ``network``.
            "mpi": over the processes of an MPI job, each with some of the replicas.

    Attributes:
        dt, precision: those of the networks.
        devices, threads: as passed.
        own: numbers of the replicas that this process has: a range; without MPI, all.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used, or the networks differ
            in structure.
        OutOfMemoryError: the replicas do not fit.
    """

    _remedies: ClassVar[Mapping[str, str]] = {
        "time": "ensemble.reset() goes back to 0",
        "": "make a new Ensemble(...)",
    }

    @out_of_memory("an ensemble", "use fewer replicas")
    def __init__(
        self,
        network: Network | Sequence[Network],
        size: int | None = None,
        *,
        params: Params | None = None,
        seeds: object = None,
        trials: object = None,
        threads: int | None = None,
        devices: Given | None = None,
    ) -> None:
        count = None if size is None else as_count("size", size, 1, MOST)
        networks = as_networks(network, count)
        first, count = networks[0], len(networks)
        self.dt, self.precision = first.dt, first.precision
        self.threads = None if threads is None else as_count("threads", threads, 1, 1024)
        self.devices = first.devices if devices is None else as_places(devices)
        if first.speeds is not None:
            raise SpikecudaError(
                "an ensemble deals replicas out whole, by what devices say of their speed (got a "
                f"network with speeds={first.speeds!r}); make it without speeds"
            )
        self._shares = Shares(self.devices[1:], count) if MPI in self.devices else None
        self.own = range(count) if self._shares is None else self._shares.own
        places = resolve_devices(self.devices) if self._shares is None else self._shares.places
        self._places = places = places or ("cpu",)
        parts = [d.turn for d in places if isinstance(d, Device)]
        self.turn = ExclusiveUse("ensemble", parts)
        self._replicas: list[Replica] = []
        self._joint: JointRun | None = None
        self._result: EnsembleResult | None = None
        self._closed, self._build_seconds = False, 0.0
        with contextlib.ExitStack() as stack:
            for each in dict.fromkeys(networks):
                stack.enter_context(each.turn.change())
            self._require_alike(first, count, seeds, trials)
            require_room(first, len(self.own), 1)
            each_seeds = as_all_seeds(seeds, trials, networks)
            wirings = {own.wiring for _, own in each_seeds[self.own.start : self.own.stop]}
            require_room(first, len(self.own), len(wirings))
            for i, (origin, own) in enumerate(zip(networks, each_seeds, strict=True)):
                self._replicas.append(Replica(origin, i, *own, self.turn, self._built))
                if origin is not first:
                    self._replicas[i].follow(self._replicas[0])
                if self._shares is not None:
                    self._replicas[i]._elsewhere = self._shares.elsewhere(i)
        give(as_given(params, count, self._replicas[0]), self._replicas)
        self._fix()

    def __len__(self) -> int:
        return len(self._replicas)

    def __getitem__(self, index: Any) -> Any:
        return pick(self._replicas, index, "ensemble")

    def __iter__(self) -> Iterator[Replica]:
        return iter(self._replicas)

    @property
    def time(self) -> float:
        """Model time since the last reset, in ms."""
        return 0.0 if self._joint is None else self._joint.clock * self.dt

    @property
    def build_seconds(self) -> float:
        """Wall-clock time of the build."""
        return self._build_seconds

    @property
    def result(self) -> EnsembleResult:
        """What the last run recorded, or what it had recorded when it broke off.

        Raises:
            SpikecudaError: there was no run, or it broke off within a step.
        """
        return require_result("ensemble", self._result)

    @out_of_memory("an ensemble", "use fewer replicas")
    def build(self, progress: Callable[[int, int], None] | bool = False) -> None:
        """Make the synapses now, unless they exist; otherwise the first run makes them.

        Args:
            progress: True shows a progress bar; a function is called with (done, of how much).

        Raises:
            OutOfMemoryError: the ensemble does not fit.
            SpikecudaValueError: weights of a receptor differ too much for one fixed-point scale.
        """
        with self.turn.change():
            self._built(progress)

    @out_of_memory("a run", "record fewer neurons, less often, or run in parts")
    def run(
        self,
        duration: float,
        *,
        progress: Progress = False,
        every: float | None = None,
        call: Callable[[Any, EnsembleResult], object] | None = None,
        until: Callable[[Any, EnsembleResult], object] | None = None,
        **others: object,
    ) -> EnsembleResult:
        """Advance all replicas from where the last run ended; the first run builds them.

        Args:
            duration: ms, a multiple of dt.
            progress: True shows a progress bar; a function is called with (steps done, steps).
            every: length of a piece in ms, a multiple of dt; the last one may be shorter.
            call: function called after each piece with the ensemble and the piece's result; it may
                change replicas, and ends the run by returning False.
            until: function called likewise, after ``call``; once it returns True, the run ends.
            others: refused: what else ``Network.run`` takes is for one network.

        Returns:
            An ``EnsembleResult`` of this run.  After Ctrl-C and errors, ``ensemble.result`` is what
            the run recorded until then.

        Raises:
            NumericalError: a state of a replica became NaN or infinite; the message says which.
            DeviceError: a device failed.
            SpikecudaError: another thread uses it, or it needs ``reset()`` after a failure.
            SpikecudaTypeError: an argument that ensembles do not take.
        """
        if others:
            refuse_options(others, len(self))
        total = whole_steps("duration", duration, self.dt)
        loop = as_loop(every, call, until, self.dt)
        pieces: Pieces[EnsembleResult] = Pieces(join_runs)
        if loop is None:
            with self.turn.run():
                joint = self._begin(progress)
                with reporter(progress, total, repr(self)) as report:
                    self._result = None
                    try:
                        joint.advance(0, total, total, report)
                    finally:
                        self._result = joint.result
            return self.result
        with self.turn.loop():
            with self.turn.occupied(RUNNING):
                joint = self._begin(progress)
            with (
                contextlib.nullcontext() if self._shares is None else self._shares.between(),
                reporter(progress, total, repr(self)) as report,
            ):

                def advance(first: int, steps: int) -> EnsembleResult:
                    return joint.advance(first, steps, total, lambda done: report(first + done))

                self._result = None
                try:
                    run_pieces(loop, self.turn, total, advance, lambda: joint.result, self, pieces)
                finally:
                    self._result = pieces.result
        return self.result

    @restarts
    def reset(self, trial: object = None) -> None:
        """Return to time 0; see ``Network.reset`` for what is taken back and what is kept.

        Args:
            trial: number of the trial that all replicas begin, or one for each; None: the trial
                that each is in.
        """
        joint = self._built()
        own = [replica._seeds for replica in self]
        if trial is not None:
            trials = as_trials("trial", trial, len(self))
            own = [replace(s, trial=t) for s, t in zip(own, trials, strict=True)]
        joint.restart(own)

    @restarts
    def record(
        self,
        target: Any,
        what: str | Iterable[str] | None = "spikes",
        *,
        every: float | None = None,
        only: object = None,
    ) -> None:
        """Record spikes or variables of a population in later runs, alike in all replicas.

        What the network recorded when the ensemble was made is recorded, too.

        Args:
            target: population, view or name; or a projection of ``network`` whose synapses learn.
            what, every, only: as for ``Network.record``.

        Raises:
            SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
        """
        self._require_open()
        for replica in self:
            own: Any
            if isinstance(target, Projection):
                own = replica.own(target)
            else:
                own = as_view_of(target, replica)
            Network.record(replica, own, what, every=every, only=only)

    @changes
    def update(self, params: Params) -> None:
        """Change parameters or drives between runs, in all replicas or in none.

        Args:
            params: as for the ensemble.

        Raises:
            SpikecudaValueError, SpikecudaTypeError: a value that cannot be used.
        """
        self._require_open()
        give(as_given(params, len(self), self._replicas[0]), self._replicas)

    def state(self, population: Population | View | str, name: str) -> np.ndarray:
        """Return a state variable of all replicas, an array (replicas, neurons).

        Args:
            population: population, view or name.
            name: of the variable.
        """
        view = as_view_of(population, self._replicas[0])
        which = slice(None) if view.whole else view.ids
        here = [self._replicas[i] for i in self.own]
        found = np.stack([r[view.population.name].state[name][which] for r in here])
        return found if self._shares is None else self._shares.joined(found, f"state {name}")

    def metrics(self) -> NetworkMetrics:
        """Return what all replicas together have done since the last reset, and memory used.

        Another thread can ask for them within a run.  Over MPI they are of this process' replicas.
        """
        self._require_open()
        joint = self._joint
        if joint is None:
            with self.turn.use():
                joint = self._built()
        return measure(joint.groups, joint.clock, joint.seconds, self.dt, self._build_seconds)

    def close(self) -> None:
        """Free memory and end threads; closing twice does nothing."""
        if self.turn.lost:
            self._closed, self._joint = True, None
            return
        with self.turn.restart():
            self._closed = True
            for replica in self:
                replica.release()
            joint, self._joint = self._joint, None
            if joint is not None:
                joint.close()

    def __repr__(self) -> str:
        return f"<Ensemble: {counted(len(self))} of {self._replicas[0]!r}>"

    # Parts of it.

    def _require_open(self) -> None:
        if self._closed:
            raise ClosedError("the ensemble is closed; make a new one")

    def _built(self, progress: Any = False) -> JointRun:
        """Return what advances the replicas, made now unless it is there."""
        self._require_open()
        if self._joint is None:
            telling = contextlib.nullcontext if self._shares is None else self._shares.telling
            with self.turn.occupied(BUILDING), telling(), contextlib.ExitStack() as undo:
                begin = time.perf_counter()
                with reporter(progress, BUILD_TICKS, "building") as report:
                    if self._shares is not None:
                        self._shares.require_same(self._replicas)
                    here = [self._replicas[i] for i in self.own]
                    groups, release = make_groups(
                        here, self._places, self._workers,
                        lambda done, total: report(int(BUILD_TICKS * done / total)),
                    )  # fmt: skip
                    joint = JointRun(groups, release)
                    if self._shares is not None:
                        others = [r for r in self._replicas if r._elsewhere]
                        joint = RankedRun(groups, release, self._shares, others)
                    undo.callback(joint.close)
                    report(BUILD_TICKS)
                self._build_seconds = time.perf_counter() - begin
                for group in groups:
                    for place, replica in enumerate(group.replicas):
                        replica.settle(group.engine_of(place), self._build_seconds)
                undo.pop_all()
            self._joint = joint
            self.turn.parts = tuple(turn for group in groups for turn in group.turns)
        return self._joint

    @property
    def _workers(self) -> int | None:
        """Threads of this process; None: as many as are useful."""
        return self.threads if self._shares is None else self._shares.threads(self.threads)

    def _require_alike(self, first: Network, *told: object) -> None:
        """Raise unless all processes of MPI make the same ensemble."""
        if self._shares is not None:
            self._shares.require_alike(first, told)

    def _begin(self, progress: Progress) -> JointRun:
        """Build unless that is done."""
        joint = self._built(progress is True)
        joint.require_ready()
        return joint
