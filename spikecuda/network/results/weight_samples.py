"""A run's samples of weights and variables of synapses that learn."""

from typing import Any

import numpy as np

from spikecuda.common.host_memory import require_memory
from spikecuda.errors import SpikecudaError
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.synapse_recorders import SynapseRecord
from spikecuda.network.results.synapse_traces import SynapseTraces
from spikecuda.network.run.engine import Engine
from spikecuda.network.synapses.chosen import ChosenSynapses


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
        if engine.peers is not None:
            raise SpikecudaError(
                f"weights of {self.projection.name} are not recorded over processes of MPI; "
                "connections() reads them between runs, also in run(every=..., call=...)"
            )
        self._chosen = ChosenSynapses(record.projection, engine.wiring, record.which)
        first = engine.clock // self.every + 1
        samples = (engine.clock + steps) // self.every + 1 - first
        rule, real = record.projection.plasticity, self._chosen.real
        size = samples * self._chosen.source.size
        assert rule is not None
        require_memory(
            size * len(self._names) * real.itemsize,
            f"recording {samples:,} times {self._chosen.source.size:,} synapses",
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

    def result(self) -> SynapseTraces:
        """Return the samples."""
        p = self.projection
        assert p.plasticity is not None
        units = {name: v.unit for name, v in p.plasticity.variables.items()}
        units["weight"] = p.target.population.receptors[p.receptor].unit
        return SynapseTraces(
            p.number, self._time[: self._row], self._chosen.source, self._chosen.target,
            {name: values[: self._row] for name, values in self._values.items()},
            {name: units[name] for name in self._names},
        )  # fmt: skip
