"""What a network run records."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikecuda.network.model.population import Population
from spikecuda.network.run.neurons import Neurons


@dataclass(frozen=True, eq=False)
class Trace:
    """A variable to be recorded.

    Attributes:
        group: number of the population.
        name: the variable, as users know it.
        ids: int32, which neurons, ascending.
        every: steps between samples.
    """

    population: int
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


def sample_arrays(
    traces: Sequence[Trace], neurons: Sequence[Neurons], clock: int, steps: int
) -> list[np.ndarray]:
    """Return arrays (samples, neurons) for the samples of a run from step ``clock`` on."""
    result = []
    for trace in traces:
        n = neurons[trace.population]
        kind = n.state[n.public.get(trace.name, trace.name)].dtype
        samples = (clock + steps) // trace.every - clock // trace.every
        result.append(np.empty((samples, trace.ids.size), kind))
    return result


def variables(population: Population) -> dict[str, str]:
    """Return the variables of a population that can be recorded, with their units."""
    result = {name: state.unit for name, state in population.neurons.model.states.items()}
    for name, receptor in population.receptors.items():
        for part in receptor.spec(name).rules.states:
            # The slope of an alpha function is per ms.
            result[f"{part}_{name}"] = receptor.unit + ("/ms" if part.startswith("d") else "")
    return result
