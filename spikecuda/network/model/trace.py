"""Variables that are recorded, and the variables that a population has."""

from dataclasses import dataclass, replace

import numpy as np

from spikecuda.network.model.population import Population


@dataclass(frozen=True, eq=False)
class Trace:
    """A variable to be recorded.

    Attributes:
        population: number of the population.
        name: the variable, as users know it.
        ids: int32, which neurons, ascending.
        every: steps between samples.
    """

    population: int
    name: str
    ids: np.ndarray
    every: int

    def within(self, first: int, end: int) -> "Trace":
        """Return the same of the neurons from ``first`` up to, but without, ``end``."""
        return replace(self, ids=self.ids[slice(*np.searchsorted(self.ids, (first, end)))])


def variables(population: Population) -> dict[str, str]:
    """Return the variables of a population that can be recorded, with their units."""
    result = {name: state.unit for name, state in population.neurons.model.states.items()}
    for name, receptor in population.receptors.items():
        for part in receptor.spec(name).rules.states:
            # The slope of an alpha function is per ms.
            result[f"{part}_{name}"] = receptor.unit + ("/ms" if part.startswith("d") else "")
    return result
