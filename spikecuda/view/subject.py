"""What a view shows: a network, a pool, a system, or a result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from spikecuda.observe.live_view import Snapshot
from spikecuda.view.controls import Control


@dataclass(frozen=True)
class Shown:
    """A population, as pages show it.

    Attributes:
        name: of the population, or of the type.
        size: how many neurons.
        about: such as the model.
        variables: units by name of what can be traced.
        colour: "E", "I" or empty, by what its name says.
    """

    name: str
    size: int
    about: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    colour: str = ""


@dataclass(frozen=True)
class Watched:
    """A variable of a neuron that pages trace.

    Attributes:
        number: what tells it from others.
        population: name.
        neuron: within the population.
        variable: name; ``unit``: its unit.
    """

    number: int
    population: str
    neuron: int
    variable: str
    unit: str = ""


@dataclass(frozen=True, eq=False)
class Histogram:
    """Weights of a projection.

    Attributes:
        name: of the projection.
        unit: of weights.
        low, high: ends of the bins.
        counts: synapses in each.
        mean: of all.
    """

    name: str
    unit: str
    low: float
    high: float
    counts: np.ndarray
    mean: float


class Subject(Protocol):
    """What runs, as a view sees it.

    Attributes:
        title: in a few words.
        dt: length of a step, ms.
    """

    title: str
    dt: float

    @property
    def piece_seconds(self) -> float:
        """Wall-clock time that pieces of a run should take while a page looks on."""

    def shown(self) -> list[Shown]:
        """Return the populations, in the order of their numbers."""

    def controls(self) -> list[Control]:
        """Return what can be changed; called in the thread of a run, or between runs."""

    def figures(self) -> Snapshot | None:
        """Return the figures of the moment; None before anything is built.  In any thread."""

    def weights(self) -> list[Histogram]:
        """Return the weights of projections that learn; called in the thread of a run."""

    def most_steps(self, watched: Sequence[Watched]) -> int:
        """Return the most steps of a piece in which so much is traced."""


def histogram(name: str, unit: str, weights: np.ndarray, low: float, high: float) -> Histogram:
    """Return the histogram of weights between two bounds, in 50 bins.

    Args:
        name, unit: of the projection.
        weights: any number of them.
        low, high: the rule's bounds; weights beyond them widen the range.
    """
    if weights.size:
        low, high = min(low, float(weights.min())), max(high, float(weights.max()))
    if not low < high:
        low, high = low - 0.5, high + 0.5
    counts, _ = np.histogram(weights, 50, (low, high))
    mean = float(weights.mean()) if weights.size else 0.0
    return Histogram(name, unit, low, high, counts, mean)
