"""The part of a network that reads and changes its synapses once they are built."""

import contextlib
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from spikecuda.common.exclusive_use import changes, uses
from spikecuda.common.host_memory import require_memory
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.common.seed import Seeds
from spikecuda.errors import SpikecudaError
from spikecuda.network.described import Described
from spikecuda.network.model.learning import require_bounds
from spikecuda.network.model.population import View
from spikecuda.network.model.projection import Projection
from spikecuda.network.results.weight_samples import WeightSamples
from spikecuda.network.run.engine import Engine
from spikecuda.network.run.pauses import Pauses
from spikecuda.network.sharing import Sharer
from spikecuda.network.synapses.access import (
    bundle_of,
    connections,
    remember_weights,
    require_shape,
    rows_of,
    set_values,
    set_weights,
)
from spikecuda.network.synapses.count import count_synapses
from spikecuda.network.synapses.given import take_values, take_weights
from spikecuda.network.synapses.peers import all_or_none
from spikecuda.network.upkeep import Upkeep, chore_of, do
from spikecuda.plasticity.base import SynapseRule

# What is done with weights at intervals, by the method that asks for it.
DONE = {"normalise": "normalised", "scale_to_rate": "scaled", "rewire": "rewired"}
# Bytes of a listed synapse, source, target, weight and delay, and of sorting them.
LISTED = 40


class NetworkWeights(Described):
    """The part of a network that reads and changes its synapses once they are built."""

    def __init__(self, dt: float, seed: int, precision: str, seeds: Seeds) -> None:
        super().__init__(dt, seed, precision, seeds)
        self._upkeep: dict[tuple[Projection, str], Upkeep] = {}
        self._weights_set = False

    @property
    def settled_weights(self) -> bool:
        """Whether weights may be others than those that ``connect`` was told."""
        return self._weights_set or (self.built and any(p.learns for p in self._projections))

    @property
    @abstractmethod
    def built(self) -> bool:
        """Whether the synapses are made."""

    @abstractmethod
    def _built(self) -> Engine:
        """Return the engine, made now unless it is there."""

    @uses
    @out_of_memory("a list of all synapses", "look at those of fewer sources")
    def connections_of(
        self, projection: Projection, sources: View | None = None
    ) -> dict[str, np.ndarray]:
        """Return a projection's synapses; see ``Projection.connections``."""
        first, last = rows_of(projection, sources)
        listed = projection.expected * (last - first) / projection.source.size
        require_memory(
            LISTED * listed, f"a list of the synapses of {projection.name}",
            "connections(sources) draws procedural rows of some sources, len() counts all",
        )  # fmt: skip
        engine = self._built()
        found = connections(
            projection, engine.wiring, self.dt, sources, engine.learned, engine.peers
        )
        engine.require_usable()
        return found

    def recouple(self) -> None:
        """Take notice of another strength of a coupling, where the network is built."""
        self._require_open()
        if self.built:
            self._built().recouple()

    def count_of(self, projection: Projection, enough: int = 2**62) -> int:
        """Return a projection's number of synapses, or ``enough`` if it has more; do not build."""
        return count_synapses(projection, enough)

    @changes
    @out_of_memory("a weight for each synapse", "give one number for all of them")
    def set_weights(self, projection: Projection, values: object) -> None:
        """Set a projection's weights; see ``Projection.weights``."""
        self._require_open()
        given = take_weights(projection, values)
        engine = self._built()
        given = require_shape(projection, engine.wiring, given, engine.peers)
        engine.settle(bundle_of(projection, engine.wiring))
        undo = remember_weights(projection, engine.wiring)
        try:
            with all_or_none(engine.peers):
                set_weights(projection, engine.wiring, given)
            self._weights_set = True
            engine.rewire()
            projection.note(assigned=True)
            self._share(projection, engine)
        except BaseException:
            undo()
            raise

    @changes
    @out_of_memory("a value for each synapse", "give one number for all of them")
    def set_values(self, projection: Projection, name: str, values: object) -> None:
        """Set a variable of a projection's synapses; see ``Projection.set_values``."""
        self._require_open()
        given = take_values(projection, name, values)
        engine = self._built()
        given = require_shape(projection, engine.wiring, given, engine.peers, name)
        bundle = bundle_of(projection, engine.wiring)
        engine.settle(bundle)
        set_values(projection, engine.wiring, name, given)
        engine.rewire()

    @changes
    def level(self, projection: Projection, value: float | None = None) -> float:
        """Return the level of a projection's modulator as of now; see ``Projection.level``."""
        self._require_open()
        engine = self._built()
        if value is not None and engine.peers is not None:
            engine.peers.require_alike(f"projection {projection.name}", {"level": value})
        return engine.level(bundle_of(projection, engine.wiring), value)

    @changes
    def adjust_rule(self, projection: Projection, rule: SynapseRule) -> None:
        """Give a projection's rule other parameters; see ``Projection.params``."""
        self._require_open()
        if not self.built:
            projection.take_rule(rule)
            return
        engine = self._built()
        rule.constants(self.dt, projection.target.population.neurons.precision.real)
        before = projection.plasticity
        assert before is not None
        if rule.learns and (rule.w_min, rule.w_max) != (before.w_min, before.w_max):
            require_bounds(projection, rule, connections(
                projection, engine.wiring, self.dt, None, engine.learned, engine.peers
            )["weight"])  # fmt: skip
        bundle = bundle_of(projection, engine.wiring)
        engine.settle(bundle)
        projection.take_rule(rule)
        try:
            engine.rerule(bundle)
        except BaseException:
            projection.take_rule(before)
            raise

    @changes
    def set_plastic(self, projection: Projection, plastic: bool) -> None:
        """Let a projection's synapses learn, or stay as they are; see ``Projection.plastic``."""
        self._require_open()
        if projection.learns and self.built:  # the build sees what is frozen
            engine = self._built()
            bundle = bundle_of(projection, engine.wiring)
            engine.settle(bundle)
            engine.freeze(bundle, not plastic)

    @changes
    @out_of_memory("other weights or synapses", "use fewer synapses, or a smaller max_indegree=")
    def keep_up(self, projection: Projection, kind: str, what: Any, every: int | None) -> None:
        """Do something with a projection's weights now, or at intervals; see ``Handle``."""
        self._require_open()
        if kind == "rewire" and what is not None:
            self._require_unrecorded(projection)
        if what is not None:
            self._require_together(projection, kind, every)
        if what is not None and every is None:
            engine = self._built()
            if engine.peers is not None:
                engine.peers.require_alike(f"projection {projection.name}", {kind: what})
            do(projection, engine, what)
            self._share(projection, engine)
            return
        self._upkeep.pop((projection, kind), None)
        if what is not None and every is not None:
            chore = chore_of(projection, what, every)
            if isinstance(chore, Sharer):
                chore.begin(self._built())
            self._upkeep[projection, kind] = chore

    def _share(self, projection: Projection, engine: Engine) -> None:
        """Let synapses that have a weight in common have one, after weights were set."""
        chore = self._upkeep.get((projection, "share"))
        if isinstance(chore, Sharer):
            chore.begin(engine)

    def _require_together(self, projection: Projection, kind: str, every: int | None) -> None:
        """Raise if weights are shared, and something else is to change them at intervals."""
        others = {k for p, k in self._upkeep if p is projection}
        shared = "share" in others and (every is not None or kind == "rewire") and kind != "share"
        if shared or (kind == "share" and others - {"share"}):
            raise SpikecudaError(
                f"weights of {projection.name} cannot be shared and {DONE.get(kind, 'changed')} at "
                f"intervals as well (got {', '.join(sorted(others))} before); share(None), "
                "normalise(None), scale_to_rate(None) or rewire(None) ends it, and normalise() "
                "between runs goes with shared weights"
            )

    def _freeze(self, engine: Engine) -> None:
        """Tell an engine that was built which synapses do not learn now."""
        for p in self._projections:
            if p.learns and not p.plastic:
                engine.freeze(bundle_of(p, engine.wiring), True)

    # Runs.

    @contextlib.contextmanager
    def _chores(self, engine: Engine, steps: int) -> Iterator[tuple[Pauses, list[WeightSamples]]]:
        """Give what is done within a run: all chores, and those that take samples."""
        sizes = [population.size for population in self._populations()]
        records = self._synapse_recorders.records
        if engine.peers is not None and records:
            told = {r.projection.name: [r.names, r.every, r.which] for r in records}
            engine.peers.require_alike("run", {"recorded weights": told})
        samples = [WeightSamples(record, engine, steps) for record in records]
        upkeep = list(self._upkeep.values())
        # Samples are of what the others leave, as what is read after a run.
        pauses = Pauses([*upkeep, *samples], sizes)
        try:
            yield pauses, samples
        finally:
            for chore, spikes in zip(upkeep, pauses.left_over(), strict=False):
                chore.keep(spikes)

    def _require_unrecorded(self, projection: Projection) -> None:
        """Raise if synapses are recorded that are to be rewired."""
        if any(record.projection is projection for record in self._synapse_recorders.records):
            raise SpikecudaError(
                f"{projection.name} cannot be rewired while it is recorded: its synapses do not "
                "stay; net.record(projection, None), and record it again afterwards"
            )

    def _require_lasting(self, projection: Projection) -> None:
        """Raise if synapses are rewired at intervals that are to be recorded."""
        if (projection, "rewire") in self._upkeep:
            raise SpikecudaError(
                f"{projection.name} cannot be recorded while it is rewired at intervals: its "
                "synapses do not stay; projection.rewire(None), or read connections() between runs"
            )

    def _forget(self) -> None:
        """Let what is done at intervals begin anew."""
        for chore in self._upkeep.values():
            chore.clear()
