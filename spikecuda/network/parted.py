"""The part of a network whose runs record in each process what its own neurons do."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from spikecuda.network.described import Described
from spikecuda.network.model.trace import Trace
from spikecuda.network.results.gather import gather
from spikecuda.network.results.part import Part, cut
from spikecuda.network.results.result import NetworkResult
from spikecuda.network.results.synapse_traces import label_of
from spikecuda.network.results.weight_samples import shared_synapses
from spikecuda.network.run.engine import Engine


class Parted(Described):
    """What is recorded where; see ``Network.run(gather=...)``."""

    # Of the run that goes on, or of the last one.
    _gathers = True

    def _part(self, engine: Engine) -> Part | None:
        """Return what this process records; None: all processes bring everything together."""
        if self._gathers:
            return None
        bounds = {p.name: engine.owned(p.number) for p in self._populations()}
        peers = engine.peers
        if peers is None:
            return Part(0, 1, bounds)
        return Part(peers.rank, peers.count, bounds, run=peers.run)

    def _own_traces(self, engine: Engine, traces: Sequence[Trace]) -> Sequence[Trace]:
        """Return the traces of this process' neurons, or all that come together here."""
        if self._gathers:
            return traces
        return [trace.within(*engine.owned(trace.population)) for trace in traces]

    def _cut(self, engine: Engine, result: NetworkResult, part: Part) -> NetworkResult:
        """Return this process' part of a whole result."""
        return cut(result, replace(part, places=self._places(engine)))

    def _as_now(self, engine: Engine, before: NetworkResult) -> NetworkResult:
        """Return an earlier result as runs make them now: a part, or whole."""
        part = self._part(engine)
        if part is None:
            return gather(before)
        return before if before.part is not None else self._cut(engine, before, part)

    def _places(self, engine: Engine) -> Mapping[str, np.ndarray]:
        """Return where this process' recorded synapses are among all, by name of a projection."""
        found: dict[str, np.ndarray] = {}
        for record in self._synapse_recorders.records:
            shared = shared_synapses(record, engine)
            if shared is not None:
                found[label_of(record.projection, found)] = shared.places
        return found
