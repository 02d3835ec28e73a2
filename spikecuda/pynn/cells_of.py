"""Which neurons PyNN's objects mean, and when steps are."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from pyNN.common.populations import Assembly, BasePopulation

from spikecuda.common.time_grid import nearest_step


def on_grid(steps: Any, dt: float) -> Any:
    """Return the times of some steps, ms: 3 steps of 0.1 ms are 0.3 ms, not 0.30000000000000004."""
    per_ms = nearest_step(1.0, dt)
    exact = per_ms > 0 and abs(per_ms * dt - 1.0) < 1e-12
    return np.asarray(steps) / per_ms if exact else np.asarray(steps) * dt


def members(cells: Iterable[Any]) -> Iterator[tuple[Any, np.ndarray]]:
    """Give the populations that cells belong to, with their numbers there.

    Args:
        cells: a population, a view, an assembly, or single cells.
    """
    if isinstance(cells, Assembly):
        for part in cells.populations:
            yield from members(part)
    elif isinstance(cells, BasePopulation):
        yield whole(cells), numbers(cells)
    else:
        found: dict[int, tuple[Any, list[int]]] = {}
        for cell in cells:
            population = whole(cell.parent)
            found.setdefault(id(population), (population, []))[1].append(
                int(cell) - int(population.first_id)
            )
        for population, ids in found.values():
            yield population, np.array(ids)


def whole(population: Any) -> Any:
    """Return the population that a view is of."""
    return getattr(population, "grandparent", population)


def numbers(population: Any) -> np.ndarray:
    """Return the numbers of the neurons of a population or view within the whole population."""
    return population.all_cells.astype(np.int64) - int(whole(population).first_id)
