"""A pool or a system as pages see it, and what they are told of a piece of its run."""

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from spikecuda.common.device_threads import DeviceThreads
from spikecuda.common.exclusive_use import ExclusiveUse
from spikecuda.devices.kinds import CPU
from spikecuda.observe.live_view import Snapshot
from spikecuda.observe.snapshot import take_snapshot
from spikecuda.pool.driven import PoolDrives
from spikecuda.runtime.pace import Paced
from spikecuda.runtime.parameters import Parameters
from spikecuda.runtime.population import Population
from spikecuda.runtime.result import RunResult
from spikecuda.runtime.run import Request, run
from spikecuda.view.blocks import Samples
from spikecuda.view.controls import Control, drive_controls, parameter_controls
from spikecuda.view.feed import Feed
from spikecuda.view.subject import Histogram, Shown, Watched
from spikecuda.view.view import View, Viewed

# Seconds of a piece, and of one on devices that make its buffers anew.
PIECE, CUDA_PIECE = 0.03, 0.1
MOST_STEPS = 1 << 20
# A traced state is recorded of all neurons, so that pieces have at most so many samples.
MOST_SAMPLES = 4_000_000


# Populations and parameters, by type.
Parts = tuple[Mapping[str, Population], Mapping[str, Parameters]]


class Owner(Protocol):
    """A pool or a system."""

    _drives: PoolDrives


class PoolSubject:
    """A pool or a system as a view sees it, which the view does not keep alive.

    Args:
        owner: the pool or system.
        parts: returns its populations and its parameters, by type.

    Attributes:
        title: in a few words.
        dt: length of a step, ms.
        piece_seconds: wall-clock time that pieces should take while a page looks on.
    """

    def __init__(self, owner: Owner, parts: Callable[[Any], Parts]) -> None:
        self.title = repr(owner).strip("<>")
        self._reference, self._parts = weakref.ref(owner), parts
        populations = self._populations
        self.dt = next(iter(populations.values())).neuron_spec.dt
        devices = [device for p in populations.values() for device in p.devices]
        self.piece_seconds = PIECE if all(d.kind == CPU for d in devices) else CUDA_PIECE

    @property
    def _owner(self) -> "Owner":
        owner = self._reference()
        if owner is None:
            raise ReferenceError("the pool is gone")
        return owner

    @property
    def _populations(self) -> Mapping[str, Population]:
        return self._parts(self._owner)[0]

    def shown(self) -> list[Shown]:
        """Return the types."""
        return [
            Shown(
                name, p.neuron_spec.count, p.neuron_spec.scheme,
                {state: s.unit for state, s in p.neuron_spec.model.states.items()},
            )
            for name, p in self._populations.items()
        ]  # fmt: skip

    def controls(self) -> list[Control]:
        """Return what can be changed."""
        found: list[Control] = []
        for i, (name, drive) in enumerate(self._owner._drives.given):
            found += drive_controls(name, f"drive/{i}", drive, "mV")
        populations, params = self._parts(self._owner)
        for name, p in populations.items():
            units = {q: about.unit for q, about in p.neuron_spec.model.parameters.items()}
            found += parameter_controls(name, f"population/{name}", params[name], units)
        return found

    def figures(self) -> Snapshot | None:
        """Return the figures of the moment."""
        return take_snapshot(self._populations)

    def weights(self) -> list[Histogram]:
        """Return nothing: there are no synapses."""
        return []

    def most_steps(self, watched: Sequence[Watched]) -> int:
        """Return the most steps of a piece in which so much is traced."""
        sizes = [self._populations[w.population].neuron_spec.count for w in watched]
        return max(1, MOST_SAMPLES // max(sizes)) if sizes else MOST_STEPS


class Onlookers:
    """What pages are told of a piece of a run.

    Args:
        feed: tells them.
        requests: what the run is asked for.

    Attributes:
        requests: the same, with what pages want to see.
    """

    def __init__(self, feed: Feed, requests: Sequence[Request]) -> None:
        self._feed, self._asked = feed, requests
        self._watched = [
            [w for w in feed.watched() if w.population == self._name(request)]
            for request in requests
        ]
        self.requests = [
            replace(request, keep_spikes=True, traced=tuple(
                name for name in request.population.neuron_spec.model.states
                if name in request.traced or any(w.variable == name for w in watched)
            ))
            for request, watched in zip(requests, self._watched, strict=True)
        ]  # fmt: skip

    def tell(self, results: Sequence[RunResult]) -> list[RunResult]:
        """Tell what happened; return what was asked for."""
        samples: list[Samples] = []
        for result, watched in zip(results, self._watched, strict=True):
            samples += [
                Samples(w.number, result.start + 1, 1,
                        result.traces[w.variable][:, w.neuron].astype(np.float32))
                for w in watched
            ]  # fmt: skip
        spikes = [(result.spikes.step, result.spikes.neuron) for result in results]
        start = results[0].start
        self._feed.tell(start, start + results[0].steps, spikes, samples)
        return [
            replace(
                result,
                recorded_spikes=result.recorded_spikes if request.keep_spikes else None,
                traces={name: result.traces[name] for name in request.traced},
            )
            for result, request in zip(results, self._asked, strict=True)
        ]

    @staticmethod
    def _name(request: Request) -> str:
        return request.population.neuron_spec.model.name


def run_seen(
    requests: Sequence[Request],
    steps: int,
    device_threads: DeviceThreads,
    report: Callable[[int], None],
    feed: Feed | None,
) -> list[RunResult]:
    """Advance populations, as ``runtime.run.run`` does, and tell pages what happened.

    Args:
        requests, steps, device_threads, report: as there.
        feed: tells pages; None: nobody looks on.
    """
    if feed is None:
        return run(requests, steps, device_threads, report)
    onlookers = Onlookers(feed, requests)
    try:
        results = run(onlookers.requests, steps, device_threads, report)
    except BaseException:
        parts: list[Any] = [request.population.partial for request in requests]
        if all(part is not None for part in parts):
            for request, part in zip(requests, onlookers.tell(parts), strict=True):
                request.population.partial = part
        raise
    return onlookers.tell(results)


def _parts_of_pool(pool: "ViewedPool") -> Parts:
    name = pool.population.neuron_spec.model.name
    return {name: pool.population}, {name: pool.params}


class ViewedPool(Viewed, Paced):
    """The part of a pool that is about pages."""

    population: Population
    params: Parameters
    _drives: PoolDrives

    def view(self, *, port: int = 0, open: bool = False, height: int = 760) -> View:
        """Serve a page that shows later runs in a browser, until it or the pool is closed.

        Runs have the same bits with it, unless a page changes something.  A state that a page
        traces is recorded of all neurons, which may need another kernel.  See ``docs/view.md``.

        Args:
            port, open, height: as for ``Network.view``.

        Returns:
            A ``View``, whose ``url`` is the address; the one that is open, if there is one.

        Raises:
            MissingPackageError: websockets is not installed.
            SpikecudaError: the port is not free, another thread uses the pool, or it is closed.
            SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
        """
        with self.population.turn.change():
            self.population.require_open()
            subject = PoolSubject(self, _parts_of_pool)
            return self._open_view(subject, port, open, height)


class ViewedSystem(Viewed, Paced):
    """The part of a system that is about pages."""

    populations: Mapping[str, Population]
    params: Mapping[str, Parameters]
    _drives: PoolDrives
    _turn: ExclusiveUse

    def view(self, *, port: int = 0, open: bool = False, height: int = 760) -> View:
        """Serve a page that shows later runs in a browser, until it or the system is closed.

        Args:
            port, open, height: as for ``Network.view``.

        Returns:
            A ``View``, whose ``url`` is the address; the one that is open, if there is one.

        Raises:
            SpikecudaError: as for ``GPUNeuronPool.view``.
        """
        with self._turn.change():
            for population in self.populations.values():
                population.require_open()
            subject = PoolSubject(self, lambda system: (system.populations, system.params))
            return self._open_view(subject, port, open, height)
