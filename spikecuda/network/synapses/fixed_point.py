"""Fixed point: how many units of weight an integer stands for.

Synaptic input is summed as int32, so that sums do not depend on their order.  The scale of a
port is the largest power of two for which no neuron can overflow in one step, each synapse
delivering at most once a step (or as often as a given train spikes at once), and for which
individual weights fit their width.
"""

import math
from collections.abc import Sequence

import numpy as np

from spikecuda.errors import SpikecudaError, SpikecudaValueError
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.rules import Pairs

SUM_LIMIT = 2**31 - 1
# The largest sum of weights: float32 holds it with room for states that grow from it.
LARGEST_SUM = 2.0**100
# A weight should keep this many steps of resolution.
RESOLUTION = 128
# Ports whose weights are all constants share a scale if they then keep so many.
SHARED_RESOLUTION = 1 << 15


def exponents(projections: Sequence[Projection]) -> dict[tuple[int, int], int]:
    """Return the exponent e of each (population, port): integer = round(weight 2^e).

    It follows from the rules alone, not from what was drawn, so that a procedural network has the
    scale of its stored twin.

    Args:
        projections: all of a network.

    Raises:
        SpikecudaValueError: weights of such different size meet that the smaller ones would vanish,
            or they are too large for floats.
    """
    populations: dict[tuple[int, int], list[Projection]] = {}
    for p in projections:
        populations.setdefault((p.target.population.number, p.port), []).append(p)
    result = {}
    for key, members in populations.items():
        name = members[0].target.population.name
        synapses = np.zeros(members[0].target.population.size)
        weights = np.zeros(synapses.size)
        for p in members:
            most = arrivals(p, most_indegree(p))
            synapses[p.target.ids] += most
            with np.errstate(over="ignore"):
                weights[p.target.ids] += most * p.weight.largest
        bound = float(weights.max())
        if not bound < LARGEST_SUM:
            raise SpikecudaValueError(
                f"the weights of a neuron of {name} may add up to at most {LARGEST_SUM:g} (got "
                f"{bound:g}); use smaller weights"
            )
        limit = 30 if bound == 0 else math.floor(math.log2(SUM_LIMIT / bound))
        # Rounding each weight may add half a unit a synapse.
        while bound * 2.0**limit + 0.5 * float(synapses.max()) > SUM_LIMIT and limit > -200:
            limit -= 1
        for p in members:
            if p.weight.kind != "FIXED" and p.weight.largest > 0:
                top = 2 ** (p.weight_bits - 1) - 1
                limit = min(limit, math.floor(math.log2(top / p.weight.largest)))
        result[key] = min(limit, 60)
        for p in members:
            _check_resolution(p, result[key])
    _share(populations, result)
    return result


def most_indegree(p: Projection) -> np.ndarray:
    """Return a bound of the synapses of each target of the view, float64."""
    if isinstance(p.rule, Pairs):
        return np.bincount(p.rule.targets, minlength=p.target.size).astype(np.float64)
    return np.full(p.target.size, p.rule.most(p.source.size, p.target.size, p.own))


def check_indegree(p: Projection, indegree: np.ndarray) -> None:
    """Raise if a target got more synapses than the bound that its scale was made with.

    Args:
        indegree: synapses of each target of the population.
    """
    if np.any(indegree[p.target.ids] > most_indegree(p)):
        raise SpikecudaError(
            f"a neuron of {p.target.population.name} got {indegree.max():,} synapses of {p.name}, "
            "more than its fixed-point scale allows, which happens once in 10^13 neurons; use "
            "another seed"
        )


def arrivals(projection: Projection, each: np.ndarray) -> np.ndarray:
    """Return what arrives in one step, at most, where each synapse delivers ``each``; float64."""
    return each * float(projection.source.population.at_once)


def _share(
    populations: dict[tuple[int, int], list[Projection]], result: dict[tuple[int, int], int]
) -> None:
    """Let ports with constant weights share a scale, so that rows to several targets are one."""
    constant: dict[int, list[tuple[int, int]]] = {}
    for key, members in populations.items():
        if all(p.weight.kind == "FIXED" for p in members):
            constant.setdefault(key[1], []).append(key)
    for keys in constant.values():
        least = min(result[key] for key in keys)
        for key in keys:
            sizes = [typical(p) * 2.0**least for p in populations[key]]
            if all(size == 0 or size >= SHARED_RESOLUTION for size in sizes):
                result[key] = least


def typical(projection: Projection) -> float:
    """Return the size of a projection's weights, as far as resolution is concerned."""
    weight = projection.weight
    return abs(weight.a) if weight.kind in ("FIXED", "CLIPPED", "REDRAWN") else weight.largest


def _check_resolution(projection: Projection, exponent: int) -> None:
    size = typical(projection)
    if size > 0 and size * 2.0**exponent < RESOLUTION:
        raise SpikecudaValueError(
            f"weight {size:g} of {projection.name} is below the resolution of its receptor's "
            f"sums: it must be at least {RESOLUTION} steps of {2.0**-exponent:g}, what the largest "
            "weights there and their number leave; bring the weights closer together, use fewer "
            "synapses, weight_bits=32 for drawn weights, or another receptor"
        )
