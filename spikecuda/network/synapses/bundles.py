"""Which projections' rows are stored together."""

from collections.abc import Sequence

from spikecuda.kernels.network import layout
from spikecuda.network.model.population import Population
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.fixed_point import FixedPoint
from spikecuda.network.synapses.row_recipe import RowRecipe
from spikecuda.network.synapses.store import Bundle


def plan_bundles(projections: Sequence[Projection], fixed_point: FixedPoint) -> list[Bundle]:
    """Return the bundles, without rows: projections whose rows can be stored together.

    Args:
        projections: in the order of their numbers.
        fixed_point: the scales of their weights.
    """
    bundles: list[Bundle] = []
    # Those that others may join, and their targets; rows of other kinds stay alone.
    open_ones: dict[tuple[int, int, int, int], list[tuple[Bundle, set[Population]]]] = {}
    for p in projections:
        if p.procedural:
            bundles.append(Bundle(p.source.population.number, p.port, layout.PROCEDURAL, 0, [p]))
            continue
        if p.learns:
            bundles.append(Bundle(p.source.population.number, p.port, layout.PLASTIC, 0, [p]))
            continue
        if p.weight.kind == "FIXED":
            kind, weight = layout.CONSTANT, recipe_of(p, fixed_point).fixed_weight
        else:
            narrow = fixed_point.bits[p] == 16 and p.plasticity is None
            kind, weight = layout.NARROW if narrow else layout.WIDE, 0
        key = (p.source.population.number, p.port, kind, weight)
        if p.plasticity is not None:
            bundles.append(Bundle(*key, [p], released=True))
            continue
        for bundle, taken in open_ones.setdefault(key, []):
            if p.target.population not in taken:
                bundle.projections.append(p)
                taken.add(p.target.population)
                break
        else:
            bundles.append(Bundle(*key, [p]))
            open_ones[key].append((bundles[-1], {p.target.population}))
    return bundles


def recipe_of(projection: Projection, fixed_point: FixedPoint) -> RowRecipe:
    """Return what a projection's rows are drawn from.

    Args:
        projection: whose.
        fixed_point: the scales of the weights.
    """
    p = projection
    bits = 32 if p.plasticity is not None else fixed_point.bits[p]
    return RowRecipe(p, fixed_point.exponent[p.target.population.number, p.port], bits)
