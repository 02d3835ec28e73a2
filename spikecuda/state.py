"""A population's state by name: read and written in physical units."""

from collections.abc import Iterator, Mapping

import numpy as np

from spikecuda.errors import SpikecudaValueError, nearest
from spikecuda.population import Population


class StateView(Mapping[str, np.ndarray]):
    """The state variables of a population, by name.

    ``pool.state["v"]`` is a read-only copy, float32 (float64 for float64 pools), shape
    (num_neurons,); ``pool.state["v"] = value`` sets one number, one per neuron, or a distribution.
    ``refrac`` is the number of refractory steps left, int32.
    """

    def __init__(self, population: Population) -> None:
        self._population = population

    def __iter__(self) -> Iterator[str]:
        return iter(self._population.partitions[0].state)

    def __len__(self) -> int:
        return len(self._population.partitions[0].state)

    def __getitem__(self, name: str) -> np.ndarray:
        with self._population.turn.use():
            self._known(name)
            values = [part.read(name) for part in self._population.partitions]
        result = values[0] if len(values) == 1 else np.concatenate(values)
        result.flags.writeable = False
        return result

    def __setitem__(self, name: str, value: object) -> None:
        with self._population.turn.use():
            self._known(name)
            self._population.write(name, self._population.plan.values(name, value))

    def _known(self, name: str) -> None:
        self._population.require_open()
        if name not in self._population.partitions[0].state:
            raise SpikecudaValueError(
                f"{self._population.plan.model.name} has no state {name!r}"
                f"{nearest(name, list(self))}; it has {', '.join(self)}"
            )
