"""Steer a network: run it, in pieces too, change its parameters, begin trials."""

import contextlib
import functools
import os
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from spikecuda.common.arguments import as_flag
from spikecuda.common.exclusive_use import RUNNING, changes, restarts
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.common.seed import Seeds, as_trial
from spikecuda.common.time_grid import whole_steps
from spikecuda.network.coupled import CoupledNetwork
from spikecuda.network.driven import DrivenNetwork
from spikecuda.network.measure import take_snapshot
from spikecuda.network.model.parameters import wide_receptors
from spikecuda.network.model.population import Population
from spikecuda.network.model.receptor import Receptor
from spikecuda.network.model.recorders import require_room
from spikecuda.network.model.trains import Given
from spikecuda.network.parted import Parted
from spikecuda.network.results.join import join
from spikecuda.network.results.make_result import make_result
from spikecuda.network.results.result import NetworkResult
from spikecuda.network.results.weight_samples import WeightSamples
from spikecuda.network.run.engine import Engine
from spikecuda.network.run.neurons import cast_constants
from spikecuda.network.run.pauses import Pauses
from spikecuda.network.run.trace import Recorded
from spikecuda.network.shared_view import SharedView
from spikecuda.network.viewed import NetworkSubject, Onlookers
from spikecuda.network.weights import NetworkWeights
from spikecuda.observe.progress import Progress, reporter
from spikecuda.runtime.adjust import announce_kernel, wide_parameters
from spikecuda.runtime.loop import Loop, Pieces, as_loop, carried, require_result, run_pieces
from spikecuda.runtime.neuron_spec import NeuronSpec
from spikecuda.runtime.pace import Paced
from spikecuda.view.feed import Feed
from spikecuda.view.view import FollowedView, View


class Steered(DrivenNetwork, NetworkWeights, CoupledNetwork, Parted, SharedView, Paced):
    """The part of a network that advances it in time and changes what it is between runs.

    Args:
        dt, seed, precision, seeds: see ``Described``.
    """

    def __init__(self, dt: float, seed: int, precision: str, seeds: Seeds) -> None:
        super().__init__(dt, seed, precision, seeds)
        self._engine: Engine | None = None
        self._result: NetworkResult | None = None
        self._pieces: Pieces[NetworkResult] | None = None
        # Whether a file has the result: runs that save themselves go on with it.
        self._saved_so_far = False

    @abstractmethod
    def _built(self, progress: Callable[[int, int], None] | bool = False) -> Engine:
        """Return the engine, made now unless it is there."""

    @out_of_memory("a run", "record fewer neurons, less often, or run in parts")
    def run(
        self,
        duration: float,
        *,
        progress: Progress = False,
        every: float | None = None,
        call: Callable[[Any, NetworkResult], object] | None = None,
        until: Callable[[Any, NetworkResult], object] | None = None,
        save_every: float | None = None,
        save_to: str | os.PathLike[str] | None = None,
        realtime: bool = False,
        gather: bool = True,
    ) -> NetworkResult:
        """Advance from where the last run ended; the first run builds the network.

        With ``every``, the run goes piece by piece, with the same bits as in one piece.  ``call``
        and ``until`` may change parameters, receptors, state, weights, input and spike trains,
        which acts from the next piece on.  They cannot run, reset, close or record.

        Args:
            duration: ms, a multiple of dt.
            progress: True shows a progress bar, "live" also speed, rates, memory and devices; a
                function is called with (steps done, steps).
            every: length of a piece in ms, a multiple of dt; the last one may be shorter.
            call: function called after each piece with the network and the piece's result; if it
                returns False, the run ends.
            until: function called likewise, after ``call``; once it returns True, the run ends.
            save_every, save_to: ms between two times, a multiple of dt and of ``every``, at which
                the network is saved to a file, as ``save`` does, and again at the end.
            realtime: True keeps model time from running ahead of the clock, piece by piece (of 1 ms
                without ``every``); ``net.lateness`` tells how well.  See ``docs/events.md``.
            gather: over processes of MPI, False leaves what they record where it is: each gets the
                result of its own neurons, also in ``call`` and ``until``.  ``result.gather()``
                brings them together, ``result.save("name.{rank}.npz")`` writes a file of each.

        Returns:
            A ``NetworkResult`` of this run, of all its pieces.  After Ctrl-C and errors, also those
            of ``call``, ``net.result`` is what the run recorded until then.  With ``save_to``, it
            and the file go on with the result that was loaded, or that the last run saved.

        Raises:
            OutOfMemoryError: the synapses or the recording do not fit.
            NumericalError: a state became NaN or infinite.
            DeviceError: a device failed; the message says at which step.
            SpikecudaError: another thread uses it, or it needs ``reset()`` after a failure.
        """
        total = whole_steps("duration", duration, self.dt)
        gathers = as_flag("gather", gather)
        if not gathers:
            self._require_parts()
        loop = as_loop(every, call, until, self.dt, save_every, save_to, realtime)
        if loop is not None and loop.saves is not None:
            self._require_savable()
        shown = self._shown_by()
        if loop is None and shown is not None:
            loop = Loop(max(total, 1), None, None)
        if loop is None:
            with self.turn.run():
                self._pace, self._gathers = None, gathers
                engine = self._begin(progress)
                with self._reporter(engine, progress, total) as report:
                    self._result, self._saved_so_far = None, False
                    result = self._result = self._advance(engine, 0, total, total, report)
            return result
        with self.turn.loop():
            with self.turn.occupied(RUNNING):
                self._pace, self._gathers = loop.pace, gathers
                engine = self._begin(progress)
                pieces: Pieces[NetworkResult] = Pieces(join, self._carried(loop, engine), loop.pace)
            peers = engine.peers
            with (
                contextlib.nullcontext() if peers is None else peers.held(),
                contextlib.nullcontext() if peers is None else peers.telling(later=True),
                self._reporter(engine, progress, total) as report,
                self._fed(shown, total, engine.clock) as feed,
            ):

                def advance(first: int, steps: int) -> NetworkResult:
                    return self._advance(
                        engine, first, steps, total, lambda done: report(first + done), feed
                    )

                self._result, self._pieces = None, pieces
                self._saved_so_far = loop.saves is not None
                try:
                    run_pieces(
                        loop, self.turn, total, advance, lambda: self._result, self, pieces, feed
                    )
                finally:
                    self._result, self._pieces = pieces.result, None
        return require_result("network", pieces.own)

    @property
    def result(self) -> NetworkResult:
        """What the last run recorded, or what it had recorded when it broke off.

        Raises:
            SpikecudaError: there was no run, or it broke off within a step.
        """
        return require_result("network", self._result)

    @changes
    def view(self, *, port: int = 0, open: bool = False, height: int = 760) -> View | FollowedView:
        """Serve a page that shows later runs in a browser, until it or the network is closed.

        It shows spikes, rates, traces of neurons that are clicked, weights that are learned, speed,
        devices and memory, and can change input and parameters.  Runs have the same bits with it,
        unless a page changes something.  See ``docs/view.md``.

        Args:
            port: of the loopback address, 0 to 65535; 0: a free one.
            open: whether to open it in a browser.
            height: of the frame in notebooks, 100 to 10,000 pixels.

        Returns:
            A ``View``, whose ``url`` is the address; the one that is open, if there is one.  Over
            processes of MPI, which all call this, rank 0 serves the page and has the ``View``.

        Raises:
            MissingPackageError: websockets is not installed.
            SpikecudaError: the port is not free, another thread uses the network, it is closed, or
                it has an exchange.
            SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
        """
        self._require_open()
        self._require_viewable()
        return self._open_for_all(NetworkSubject(self), port, open, height)

    @abstractmethod
    def _require_viewable(self) -> None:
        """Raise if other processes have a part of the network."""

    @abstractmethod
    def _require_savable(self) -> None:
        """Raise if other processes have a part of the network."""

    @abstractmethod
    def _require_parts(self) -> None:
        """Raise if a result cannot be left in parts."""

    @restarts
    def reset(self, trial: int | None = None) -> None:
        """Return to time 0: start values, no spikes in transit, metrics cleared.

        Start values follow from the parameters of now.  Populations with their parameters,
        synapses with the weights of now, learned or set, input and recordings stay as they are.
        Other variables of synapses start anew.  For the weights of a new network, keep
        ``w = p.weights`` before the first run, and assign ``p.weights = w``.

        Args:
            trial: number of the trial to begin, in [0, 2^64): on the same wiring, start values,
                noise and pulses are other ones, those of a new network with ``trial=``.  None: the
                same trial again.
        """
        seeds = self._seeds if trial is None else replace(self._seeds, trial=as_trial(trial))
        engine = self._built()
        if seeds != self._seeds:
            if any(p.learns and p.plasticity.random for p in self.projections):
                engine.reset()  # what was learned in this trial is learned with its numbers
            for population in self._populations():
                neuron_spec = population.neurons.in_trial(seeds)
                population.settle(neuron_spec, population.receptors)
            self._seeds = seeds
            self._drives.forget()
            engine.retune()
        engine.reset()
        self._trains.restart()
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
            wide = wide_parameters(population.neurons, neuron_spec)
            wide += wide_receptors(population.receptors, receptors)
            announce_kernel(population.name, wide)
        neurons.take(changed)
        population.settle(neuron_spec, receptors)
        self._engine.retune(population.number)

    @property
    def _clock(self) -> int:
        return 0 if self._engine is None else self._engine.clock

    def _wire(self, given: Given) -> None:
        """Add the synapses of a train's drive to the network that is built."""
        from spikecuda.network.synapses.extend import wire

        engine, number = self._engine, len(self._populations()) + len(self._trains.given)
        assert engine is not None and given.projection is not None
        given.source.place(number)
        wire(given.projection, engine.wiring, number, self.dt, engine.peers)
        engine.extend(given.source.size)

    @property
    def time(self) -> float:
        """Model time since the last reset, in ms."""
        return 0.0 if self._engine is None else self._engine.clock * self.dt

    # Parts of a run.

    def _begin(self, progress: Progress) -> Engine:
        """Return the engine for a new run."""
        return self._built(progress is True)

    def _carried(self, loop: Loop, engine: Engine) -> NetworkResult | None:
        """Return the result that a run goes on with; see ``runtime.loop.carried``."""
        before = self._result if self._saved_so_far else None
        adjoins = before is not None and abs(before.stop - self.time) < 0.5 * self.dt
        if before is not None and adjoins and loop.saves is not None:
            before = self._as_now(engine, before)
        return carried(
            loop, before, adjoins, lambda: self._advance(engine, 0, 0, 0, lambda _: None), join
        )

    def _reporter(self, engine: Engine, progress: Progress, total: int) -> Any:
        """Give the function that is told the steps done."""
        if progress is False:
            return reporter(False, total, "")
        look = functools.partial(take_snapshot, engine, self._populations(), self.dt)
        return reporter(progress, total, repr(self), look)

    def _advance(
        self,
        engine: Engine,
        first: int,
        steps: int,
        total: int,
        report: Callable[[int], None],
        feed: Feed | None = None,
    ) -> NetworkResult:
        """Advance by a piece of a run; if that breaks off, keep what was recorded.

        Args:
            engine: of the network.
            first: steps of the run before the piece.
            steps: of the piece; ``total``: of the run.
            report: is told the steps of the piece that are done.
            feed: is told what happened; None: nobody looks on.
        """
        populations = self._populations()
        onlookers = None if feed is None else Onlookers(feed, populations)
        drives = [self._drives.resolve(p, total, first, steps) for p in populations]
        wanted, spikes, traces = self._recorders.wanted(populations)
        own, part = self._own_traces(engine, traces), self._part(engine)
        if traces:
            require_room(own if feed is None else traces, steps)
        start, seconds = engine.clock, engine.seconds
        external = self._trains.due(start)
        if engine.peers is not None:
            engine.peers.piece = first, total

        def work(pauses: Pauses | None, samples: Sequence[WeightSamples]) -> NetworkResult:
            def result(got: Recorded, done: int) -> NetworkResult:
                spent = engine.seconds - seconds
                if onlookers is not None:
                    onlookers.tell(got, start, done)
                    got = replace(got, traces=got.traces[: len(traces)])
                    made = make_result(
                        populations, got, wanted, traces, start, done, spent, samples
                    )
                    return made if part is None else self._cut(engine, made, part)
                return make_result(populations, got, wanted, own, start, done, spent, samples, part)

            all_spikes, all_traces = spikes, traces
            if onlookers is not None:
                all_spikes = [population.number for population in populations]
                all_traces = [*traces, *onlookers.traces]
            engine.gather = part is None or onlookers is not None
            try:
                got = engine.run(steps, drives, all_spikes, all_traces, external, report, pauses)
            except BaseException:
                self._result = None
                if engine.partial is not None:
                    self._result = result(engine.partial, engine.clock - start)
                raise
            return result(got, steps)

        if not self._upkeep and not self._synapse_recorders.records:
            return work(None, ())
        with self._chores(engine, steps) as chores:
            return work(*chores)
