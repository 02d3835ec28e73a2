"""A run's samples of weights and variables of synapses that learn."""

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from spikecuda.common.host_memory import require_memory
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.synapse_recorders import SynapseRecord
from spikecuda.network.results.synapse_traces import SynapseTraces
from spikecuda.network.run.engine import Engine
from spikecuda.network.synapses.chosen import ChosenSynapses
from spikecuda.network.synapses.chosen_together import ChosenTogether

# Of each record, what was found for it over several processes: its synapses stay.
SHARED: WeakKeyDictionary[SynapseRecord, ChosenTogether] = WeakKeyDictionary()


class WeightSamples:
    """The samples of one projection in one run: a chore of the run.

    Args:
        record: what is recorded.
        engine: that the network runs on.
        steps: of the run.

    Raises:
        OutOfMemoryError: they do not fit.
    """

    counted: int | None = None

    def __init__(self, record: SynapseRecord, engine: Engine, steps: int) -> None:
        self.every, self._names = record.every, record.names
        self.projection: Projection = record.projection
        self._peers, self._shared = engine.peers, shared_synapses(record, engine)
        self._chosen = (
            ChosenSynapses(record.projection, engine.wiring, record.which)
            if self._shared is None
            else self._shared.own
        )
        self._size = self._chosen.source.size if self._shared is None else self._shared.size
        first = engine.clock // self.every + 1
        samples = (engine.clock + steps) // self.every + 1 - first
        rule, real = record.projection.plasticity, self._chosen.real
        assert rule is not None
        require_memory(
            samples * self._size * len(self._names) * real.itemsize,
            f"recording {samples:,} times {self._size:,} synapses",
            "record fewer of them with only=, or less often with every=",
        )
        self._values = {
            name: np.empty((samples, self._chosen.source.size), real) for name in self._names
        }
        self._time = np.arange(first, first + samples) * (self.every * record.projection.dt)
        self._row = 0

    def act(self, engine: Any, spikes: np.ndarray) -> None:
        """Take a sample."""
        for name, values in self._chosen.read(engine.learned, self._names).items():
            self._values[name][self._row] = values
        self._row += 1

    def result(self, gather: bool = True) -> tuple[SynapseTraces, np.ndarray]:
        """Return the samples, and where their synapses are among all; processes do it together.

        Args:
            gather: return those of all processes; else those of this one.
        """
        p, shared, taken = self.projection, self._shared, self._row
        assert p.plasticity is not None
        units = {name: v.unit for name, v in p.plasticity.variables.items()}
        units["weight"] = p.target.population.receptors[p.receptor].unit
        source, target, values = self._chosen.source, self._chosen.target, self._values
        if shared is not None and self._peers is not None:
            # A run that broke off within a sample has it in some of them.
            taken = int(self._peers.least(np.array([taken]))[0])
        places = np.arange(source.size) if shared is None else shared.places
        if shared is not None and gather:
            places = np.arange(shared.size)
            source, target = (shared.joined(array[None, :])[0] for array in (source, target))
            values = {name: shared.joined(array[:taken]) for name, array in values.items()}
        traces = SynapseTraces(
            p.number, self._time[:taken], source, target,
            {name: array[:taken] for name, array in values.items()},
            {name: units[name] for name in self._names},
        )  # fmt: skip
        return traces, places


def shared_synapses(record: SynapseRecord, engine: Engine) -> ChosenTogether | None:
    """Return what processes have of the recorded synapses, found once; None: there is one."""
    if engine.peers is None:
        return None
    known = SHARED.get(record)
    if known is None or known.wiring is not engine.wiring:
        known = ChosenTogether(record.projection, engine.wiring, record.which, engine.peers)
        SHARED[record] = known
    return known
