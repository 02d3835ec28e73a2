"""What a network run records."""

from dataclasses import dataclass

import numpy as np

from spikecuda.network.group import Group


@dataclass(frozen=True, eq=False)
class Trace:
    """A variable to be recorded.

    Attributes:
        group: number of the population.
        name: the variable, as users know it.
        ids: int32, which neurons, ascending.
        every: steps between samples.
    """

    group: int
    name: str
    ids: np.ndarray
    every: int


@dataclass(eq=False)
class Recorded:
    """What a run brought.

    Attributes:
        steps, neurons: of the spikes of each recorded population, by number, sorted.
        traces: arrays (samples, neurons), one for each ``Trace``.
        counts: spikes of each population.
    """

    steps: dict[int, np.ndarray]
    neurons: dict[int, np.ndarray]
    traces: list[np.ndarray]
    counts: np.ndarray


def variables(group: Group) -> dict[str, str]:
    """Return the variables of a population that can be recorded, with their units."""
    result = {name: state.unit for name, state in group.neurons.model.states.items()}
    for name, receptor in group.receptors.items():
        for part in receptor.spec(name).rules.states:
            # The slope of an alpha function is per ms.
            result[f"{part}_{name}"] = receptor.unit + ("/ms" if part.startswith("d") else "")
    return result
