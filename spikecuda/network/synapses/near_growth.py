"""New synapses of rules by distance: sources are drawn in proportion to their chances."""

import numpy as np

from spikecuda.kernels.network.rules import COLUMNS
from spikecuda.network.model.near import Near, make_near
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.field import require_numbers
from spikecuda.network.synapses.row_recipe import RowRecipe


def near_sources(
    p: Projection, target: int, need: int, existing: np.ndarray, key: tuple[int, int]
) -> np.ndarray:
    """Return new sources of a target, numbers within the population; fewer if there are no more.

    They are chosen one after the other, in proportion to the chances of the rule, none of them
    twice and none that the target has; see ``DistanceInDegree``.

    Args:
        p: whose rule goes by distances.
        target: number within the population.
        need: how many.
        existing: the sources that it has.
        key: of the generator.
    """
    near, column = _columns(p), int(np.searchsorted(p.target.ids, target))
    # In this order whatever the cells are.
    choices = np.sort(near.covered(column))
    ids = p.source.ids[choices]
    free = ~np.isin(ids, existing)
    if p.apart:
        free &= ids != target
    chances = np.nan_to_num(near.values(near.chance, column, choices[free]))
    ids, chances = ids[free][chances > 0.0], chances[chances > 0.0]
    words = np.random.Philox(key=np.array([key[0] << 32 | key[1], target], np.uint64))
    uniform = (words.random_raw(ids.size) >> np.uint64(11)).astype(np.float64) + 0.5
    times = -np.log(uniform * 2.0**-53) / chances
    return np.asarray(ids[np.argsort(times, kind="stable")[:need]])


def near_values(
    p: Projection, recipe: RowRecipe, source: np.ndarray, target: np.ndarray, weight: np.ndarray,
    delay: np.ndarray,
) -> None:  # fmt: skip
    """Write the weights and delays of pairs that follow from their distances.

    Args:
        p: the projection.
        recipe: of its rows.
        source, target: numbers within the populations.
        weight, delay: int32, integers of each; changed where they are profiles.

    Raises:
        NumericalError: a function of the distance returned NaN.
    """
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    pair = np.searchsorted(p.source.ids, source), np.searchsorted(p.target.ids, target)
    rows, choices = pair[::-1] if p.rule.order == COLUMNS else pair
    load_cpu_loop("network_near_values").draw_near_pairs(
        *recipe.packed(), rows.astype(np.int32), choices.astype(np.int32), weight, delay
    )
    require_numbers(p)


def _columns(p: Projection) -> Near:
    """Return the geometry of a projection, whose rows are targets."""
    near: Near = p.rule.near
    if p.rule.order == COLUMNS:
        return near
    if "columns" not in near.kept:
        near.kept["columns"] = make_near(p.source, p.target, near.mask, near.chance, columns=True)
    made: Near = near.kept["columns"]
    return made
