"""Fixed point: how many units of weight an integer stands for.

Synaptic input is summed as int32, so that sums do not depend on their order.  The scale of a
port is the largest power of two for which no neuron can overflow in one step, each synapse
delivering at most once a step, and for which individual weights fit their width.
"""

import math
from collections.abc import Sequence

import numpy as np

from spikecuda.errors import SpikecudaValueError
from spikecuda.network.projection import Projection

SUM_LIMIT = 2**31 - 1
# Ports whose weights are all constants share a scale if this costs at most so many bits.
SHARED_BITS = 10
# A weight should keep this many steps of resolution.
RESOLUTION = 128


def exponents(
    projections: Sequence[Projection], indegrees: Sequence[np.ndarray]
) -> dict[tuple[int, int], int]:
    """Return the exponent e of each (population, port): integer = round(weight 2^e).

    Args:
        projections: all of a network.
        indegrees: int32, for each projection: synapses of each target of the population.

    Raises:
        SpikecudaValueError: weights of such different size meet that the smaller ones would vanish.
    """
    groups: dict[tuple[int, int], list[int]] = {}
    for i, p in enumerate(projections):
        groups.setdefault((p.target.group.number, p.port), []).append(i)
    result = {}
    for key, members in groups.items():
        total = np.zeros(indegrees[members[0]].size)
        for i in members:
            total += indegrees[i] * projections[i].weight.largest
        bound = float(total.max(initial=0.0))
        limit = 30 if bound == 0 else math.floor(math.log2(SUM_LIMIT / bound))
        # Rounding each weight may add half a unit a synapse.
        slack = 0.5 * float(sum(indegrees[i] for i in members).max(initial=0))  # type: ignore[union-attr]
        while bound * 2.0**limit + slack > SUM_LIMIT:
            limit -= 1
        for i in members:
            p = projections[i]
            if p.weight.kind != "FIXED" and p.weight.largest > 0:
                top = 2 ** (p.weight_bits - 1) - 1
                limit = min(limit, math.floor(math.log2(top / p.weight.largest)))
        result[key] = min(limit, 60)
        for i in members:
            _check_resolution(projections[i], result[key])
    _share(projections, groups, result)
    return result


def _share(
    projections: Sequence[Projection],
    groups: dict[tuple[int, int], list[int]],
    result: dict[tuple[int, int], int],
) -> None:
    """Let ports with constant weights share a scale, so that rows to several targets are one."""
    constant: dict[int, list[tuple[int, int]]] = {}
    for key, members in groups.items():
        if all(projections[i].weight.kind == "FIXED" for i in members):
            constant.setdefault(key[1], []).append(key)
    for keys in constant.values():
        least = min(result[key] for key in keys)
        for key in keys:
            if result[key] - least <= SHARED_BITS:
                result[key] = least


def _check_resolution(projection: Projection, exponent: int) -> None:
    weight = projection.weight
    typical = abs(weight.a) if weight.kind in ("FIXED", "CLIPPED", "REDRAWN") else weight.largest
    if typical > 0 and typical * 2.0**exponent < RESOLUTION:
        raise SpikecudaValueError(
            f"weight {typical:g} of {projection.name} is below the resolution of its receptor's "
            f"sums ({2.0**-exponent:g}, because the largest possible input is {SUM_LIMIT:,} times "
            "that); bring the weights closer together, use fewer synapses, or another receptor"
        )
