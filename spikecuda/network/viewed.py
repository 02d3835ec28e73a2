"""A network as pages see it, and what they are told of a piece of its run."""

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from spikecuda.inputs.drive import Drive
from spikecuda.network.measure import take_snapshot
from spikecuda.network.model.population import Population
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.trace import Trace, variables
from spikecuda.network.run.engine import Engine
from spikecuda.network.run.trace import Recorded
from spikecuda.network.synapses.access import bundle_of
from spikecuda.network.synapses.peers import Peers
from spikecuda.observe.live_view import Snapshot
from spikecuda.plots.colours import kind
from spikecuda.view.blocks import Samples
from spikecuda.view.controls import Control, drive_controls, parameter_controls
from spikecuda.view.feed import Feed
from spikecuda.view.subject import Histogram, Shown, Watched, histogram

# Seconds of a piece: one on CUDA devices makes its buffers and graphs anew.
PIECE, CUDA_PIECE = 0.03, 0.1
MOST_STEPS = 1 << 20
# Samples of a piece, of all neurons that are traced.
MOST_SAMPLES = 200_000


class Network(Protocol):
    """The network that is shown; see ``Steered``."""

    dt: float
    _engine: Engine | None

    @property
    def populations(self) -> Mapping[str, Population]:
        """By name."""

    @property
    def projections(self) -> Sequence[Projection]:
        """In the order of ``connect``."""

    @property
    def drives(self) -> Sequence[Drive]:
        """The handles of all input."""


class NetworkSubject:
    """A network as a view sees it, which the view does not keep alive.

    Args:
        network: the network.

    Attributes:
        title: in a few words.
        dt: length of a step, ms.
    """

    def __init__(self, network: Network) -> None:
        self._reference = weakref.ref(network)
        self.title, self.dt = repr(network).strip("<>"), network.dt

    @property
    def _network(self) -> Network:
        network = self._reference()
        if network is None:
            raise ReferenceError("the network is gone")
        return network

    @property
    def piece_seconds(self) -> float:
        """Wall-clock time that pieces should take while a page looks on."""
        engine = self._network._engine
        names = [] if engine is None else engine.device_names
        return PIECE if all(name.startswith("cpu") for name in names) else CUDA_PIECE

    def shown(self) -> list[Shown]:
        """Return the populations, in the order of their numbers."""
        return [
            Shown(p.name, p.size, p.neurons.model.name, variables(p), kind(p.name) or "")
            for p in self._neurons()
        ]

    def controls(self) -> list[Control]:
        """Return what can be changed."""
        found: list[Control] = []
        network = self._network
        populations = {p.name: p for p in self._neurons()}
        for i, drive in enumerate(network.drives):
            population = populations.get(drive._whose)
            if population is not None and not hasattr(drive.inputs[0], "times"):
                units = {receptor.unit for receptor in population.receptors.values()} or {"mV"}
                unit = units.pop() if len(units) == 1 else ""
                found += drive_controls(population.name, f"drive/{i}", drive, unit)
        for p in populations.values():
            units_of = {name: q.unit for name, q in p.neurons.model.parameters.items()}
            found += parameter_controls(p.name, f"population/{p.name}", p.params, units_of)
        for projection in network.projections:
            if projection.plasticity is not None:
                key = f"projection/{projection.number}"
                found += parameter_controls(projection.name, key, projection.params, {})
        return found

    def figures(self) -> Snapshot | None:
        """Return the figures of the moment; None before the build."""
        engine = self._network._engine
        if engine is None:
            return None
        return take_snapshot(engine, self._neurons(), self.dt)

    def weights(self) -> list[Histogram]:
        """Return the weights of projections that learn."""
        engine = self._network._engine
        result = []
        for p in self._network.projections if engine is not None else ():
            if not p.learns:
                continue
            assert engine is not None
            bundle = bundle_of(p, engine.wiring)
            if len(bundle.projections) == 1:  # the order of synapses does not matter
                found = [part["w"].ravel() for part in engine.learned(bundle)]
                values = p.plasticity.sign * np.concatenate(found)
                peers = engine.peers
            else:
                values, peers = p.weights, None  # of all processes
            unit = p.target.population.receptors[p.receptor].unit
            ends = sorted((p.plasticity.sign * p.plasticity.w_min, float(p.plasticity.w_max)))
            result.append(_histogram(peers, p.name, unit, values, *ends))
        return result

    def most_steps(self, watched: Sequence[Watched]) -> int:
        """Return the most steps of a piece in which so much is traced."""
        return MOST_SAMPLES // len(watched) if watched else MOST_STEPS

    def _neurons(self) -> list[Population]:
        return [p for p in self._network.populations.values() if p.neuron_spec is not None]


def _histogram(
    peers: Peers | None, name: str, unit: str, values: np.ndarray, low: float, high: float
) -> Histogram:
    """Return the histogram of weights, of all processes; see ``histogram``."""
    if peers is None:
        return histogram(name, unit, values, low, high)
    edges = [low, -high]
    if values.size:
        edges = [min(low, float(values.min())), min(-high, -float(values.max()))]
    low, high = (float(x) for x in peers.least(np.array(edges)) * [1.0, -1.0])
    own = histogram(name, unit, values, low, high)
    total, size = peers.sums(np.array([float(values.sum(dtype=np.float64)), values.size]))
    return replace(own, counts=peers.sums(own.counts), mean=float(total / max(size, 1.0)))


class Onlookers:
    """What pages are told of a piece of a run.

    Args:
        feed: tells them.
        populations: of the network, in the order of their numbers.

    Attributes:
        traces: what is recorded for them.
    """

    def __init__(self, feed: Feed, populations: Sequence[Population]) -> None:
        self._feed, self._populations = feed, populations
        named = {population.name: population for population in populations}
        self._watched = feed.watched()
        self.traces = [
            Trace(named[w.population].number, w.variable, np.array([w.neuron], np.int32), 1)
            for w in self._watched
        ]

    def tell(self, got: Recorded, start: int, steps: int) -> None:
        """Tell what the engine recorded; the last traces are those that are theirs.

        Args:
            got: what it recorded.
            start: number of the first step; ``steps``: how many.
        """
        samples = []
        own = got.traces[len(got.traces) - len(self.traces) :]
        for watched, trace, values in zip(self._watched, self.traces, own, strict=True):
            codec: Any = self._populations[trace.population].neurons.codecs.get(trace.name)
            decoded = codec.decode(values) if codec else values
            samples.append(Samples(watched.number, start + 1, 1, decoded[:, 0].astype(np.float32)))
        spikes = [(got.steps[p.number], got.neurons[p.number]) for p in self._populations]
        self._feed.tell(start, start + steps, spikes, samples)
