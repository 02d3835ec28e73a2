"""Fixed point: the unit of each receptor's weights, and the bits that store a weight.

Synaptic input is summed as int32, so that sums do not depend on their order.  The scale of a
port is the largest power of two for which no neuron can overflow in one step, each synapse
delivering at most once a step (or as often as a given train spikes at once), and for which
individual weights fit their width.

One rule says whether a scale is fine enough (``lost``, ``check``): a weight that was given, as a
number or in an array, is stored within 1/256 of its value; a weight that is drawn, within 1/256 of
the typical size of its distribution.  128 units are enough for that.

A dense array of random weights has a few that are nearly 0.  Rounding these is accepted with a
notice (``negligible``): they are at most one in a thousand, and the error that a neuron's sum gets
from them is below what float32 resolves of it.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.notice import notice
from spikecuda.errors import SpikecudaError, SpikecudaValueError
from spikecuda.network.model.projection import Projection

SUM_LIMIT = 2**31 - 1
# The largest sum of weights: float32 holds it with room for states that grow from it.
LARGEST_SUM = 2.0**100
# A weight should keep this many units, so that rounding changes it by 1/256 at most.
RESOLUTION = 128
# Ports whose weights are all constants share a scale if they then keep so many.
SHARED_RESOLUTION = 1 << 15
# The finest scale: its unit and what is summed in it are normal float32 numbers.
FINEST = 60
# Of an array of so many weights one in as many may be rounded more coarsely, if the error that
# this makes in each neuron's sum is below a PARTth, float32's resolution.
MANY, PART = 1000, 2.0**-24
# Smaller weights have the finest scale anyway; what fits into a sum, divided by them, is finite.
TINY = 2.0**-900


@dataclass(frozen=True, eq=False)
class FixedPoint:
    """The scales of a network.

    Attributes:
        exponent: the exponent e of each (population, port): integer = round(weight 2^e).
        bits: what each projection stores weights in that differ: 16 or 32.
        refusal: why the weights cannot be kept; empty if they can.
        notes: what is rounded more coarsely than the rule says.
    """

    exponent: dict[tuple[int, int], int]
    bits: dict[Projection, int]
    refusal: str = ""
    notes: tuple[str, ...] = ()

    def require_kept(self) -> None:
        """Raise SpikecudaValueError unless weights can be kept; say what is rounded coarsely."""
        if self.refusal:
            raise SpikecudaValueError(self.refusal)
        for note in self.notes:
            notice(note, logging.WARNING)


def choose_fixed_point(projections: Sequence[Projection]) -> FixedPoint:
    """Return the scale of each port, and the width of each projection's weights.

    They follow from the rules and from what was given, not from what was drawn, so that a
    procedural network has the scale of its stored twin.  Where the user chose no width, 16 bits
    are taken if all weights of the port keep their resolution then.

    Args:
        projections: all of a network.

    Returns:
        The scales; with a refusal where weights of such different size meet that the smaller ones
        would not be kept, or where they are too large for floats.
    """
    ports: dict[tuple[int, int], list[Projection]] = {}
    for p in projections:
        ports.setdefault((p.target.population.number, p.port), []).append(p)
    bits = {p: p.weight_bits or 16 for p in projections}
    exponent, refusals = {}, []
    for key, members in ports.items():
        exponent[key], refusal = _fit(members, bits)
        refusals += [refusal] if refusal else []
    _share(ports, exponent)
    notes = [
        rounding_note(p, _stated(p), exponent[key])
        for key, members in ports.items()
        for p in members
        if p.weight.kind == "GIVEN" and not p.learns and _loses(p, exponent[key])
    ]
    return FixedPoint(exponent, bits, refusals[0] if refusals else "", tuple(notes))


def lost(weights: np.ndarray, exponent: int) -> np.ndarray:
    """Tell of each weight whether rounding changes it by more than 1/256 of itself."""
    units = np.abs(weights) * 2.0**exponent
    return np.asarray(np.abs(np.rint(units) - units) * (2 * RESOLUTION) > units)


def negligible(weights: np.ndarray, targets: np.ndarray, exponent: int) -> bool:
    """Tell whether the weights that a scale loses are few and do not matter together.

    Args:
        weights: of all synapses of a projection.
        targets: int array, the target of each.
        exponent: of the scale.
    """
    units = np.abs(weights) * 2.0**exponent
    gone = lost(weights, exponent)
    if weights.size < MANY or np.count_nonzero(gone) * MANY > weights.size:
        return False
    error = np.where(gone, np.abs(np.rint(units) - units), 0.0)
    errors, sums = np.bincount(targets, error), np.bincount(targets, units)
    return bool((errors <= PART * sums).all())


def check_indegree(p: Projection, indegree: np.ndarray) -> None:
    """Raise if a target got more synapses than the bound that its scale was made with.

    Args:
        indegree: synapses of each target of the population.
    """
    if np.any(indegree[p.target.ids] > p.most_indegree()):
        remedy = "which happens once in 10^13 neurons; use another seed"
        if p.rule.near is not None:
            remedy = "for its sources have very few partners; use multapses=False"
        raise SpikecudaError(
            f"a neuron of {p.target.population.name} got {indegree.max():,} synapses of {p.name}, "
            f"more than its fixed-point scale allows, {remedy}"
        )


def arrivals(projection: Projection, each: np.ndarray | float) -> np.ndarray:
    """Return what arrives in one step, at most, where each synapse delivers ``each``; float64."""
    return np.asarray(each, np.float64) * float(projection.source.population.at_once)


def largest_sums(projection: Projection) -> np.ndarray:
    """Return what arrives at each target of the view in one step, at most: float64, or one number.

    For given weights it is exact; of drawn ones every synapse may have the largest.
    """
    with np.errstate(over="ignore"):
        given, listed = projection.weight.given, projection.rule.listed
        if projection.learns:
            return arrivals(projection, projection.most_grown() * projection.largest)
        if given is None or listed is None:
            return arrivals(projection, projection.most_indegree() * projection.largest)
        each = np.abs(given)
        if projection.max_weight > projection.weight.largest:
            each = np.full(given.shape, projection.max_weight)
        sums = np.bincount(listed[1], each, projection.target.size)
        return arrivals(projection, sums.astype(np.float64))


def _fit(members: Sequence[Projection], bits: dict[Projection, int]) -> tuple[int, str]:
    """Return the exponent of a port, and why it is refused; widen weights that make it coarse.

    Args:
        members: the projections of the port.
        bits: width of each projection's weights; changed where the user chose none.
    """
    most, bound = _sum_exponent(members)
    if not bound < LARGEST_SUM:
        return most, (
            f"the weights of a neuron of {members[0].target.population.name} may add up to at most "
            f"{LARGEST_SUM:g} (got {bound:g}); use smaller weights"
        )
    while True:
        by_width = {
            p: math.floor(math.log2((2 ** (_width(p, bits) - 1) - 1) / max(p.largest, TINY)))
            for p in members if p.largest > 0
        }  # fmt: skip
        exponent = min([most, *by_width.values()])
        coarse = [p for p in members if _loses(p, exponent)]
        if not coarse:
            return exponent, ""
        narrow = [p for p in by_width if by_width[p] == exponent and _width(p, bits) == 16]
        wider = [p for p in narrow if p.weight_bits is None]
        if not wider or len(wider) < len(narrow):
            coarse = [p for p in coarse if not _may_round(p, exponent)]
            if not coarse:
                return exponent, ""
            chosen = next((p for p in narrow if p.weight_bits is not None), None)
            return exponent, _refusal(coarse[0], exponent, chosen, members)
        bits.update(dict.fromkeys(wider, 32))


def _width(projection: Projection, bits: dict[Projection, int]) -> int:
    """Return the bits of a stored weight; one weight for all synapses is held apart."""
    if projection.weight.kind == "FIXED" or projection.plasticity is not None:
        return 32
    return bits[projection]


def _sum_exponent(members: Sequence[Projection]) -> tuple[int, float]:
    """Return the largest exponent for which no neuron's sum overflows, and the largest sum."""
    synapses, weights = np.zeros(()), np.zeros(())
    with np.errstate(over="ignore"):
        for p in members:
            synapses = synapses + _spread(p, arrivals(p, p.most_grown()))
            weights = weights + _spread(p, largest_sums(p))
    bound = float(weights.max())
    if not bound < LARGEST_SUM:
        return 0, bound
    limit = 30 if bound == 0 else math.floor(math.log2(SUM_LIMIT / max(bound, TINY)))
    # Rounding each weight may add half a unit a synapse.
    while bound * 2.0**limit + 0.5 * float(synapses.max()) > SUM_LIMIT and limit > -200:
        limit -= 1
    return min(limit, FINEST), bound


def _spread(projection: Projection, values: np.ndarray) -> np.ndarray:
    """Return values of a view's neurons, or the one of all, as values of the population's."""
    if projection.target.whole:
        return values
    result = np.zeros(projection.target.population.size)
    result[projection.target.ids] = values
    return result


def _share(
    ports: dict[tuple[int, int], list[Projection]], exponent: dict[tuple[int, int], int]
) -> None:
    """Let ports with constant weights share a scale, so that rows to several targets are one."""
    constant: dict[int, list[tuple[int, int]]] = {}
    for key, members in ports.items():
        if all(p.weight.kind == "FIXED" and p.plasticity is None for p in members):
            constant.setdefault(key[1], []).append(key)
    for keys in constant.values():
        least = min(exponent[key] for key in keys)
        for key in keys:
            sizes = [p.weight.typical * 2.0**least for p in ports[key]]
            if all(size == 0 or size >= SHARED_RESOLUTION for size in sizes):
                exponent[key] = least


def _loses(projection: Projection, exponent: int) -> bool:
    """Tell whether a scale is too coarse for a projection's weights."""
    weight = projection.weight
    if projection.learns:  # the largest is sent in enough units, or none fits
        return projection.largest * 2.0**exponent < RESOLUTION
    if weight.kind in ("FIXED", "GIVEN"):
        return bool(lost(_stated(projection), exponent).any())
    return 0 < weight.typical * 2.0**exponent < RESOLUTION


def _stated(projection: Projection) -> np.ndarray:
    """Return the weights that were given, but for synapses that are not allowed."""
    p = projection
    if p.weight.given is None or p.rule.listed is None:
        return p.weight.stated
    return p.weight.given[_allowed(p)]


def _allowed(projection: Projection) -> Any:
    """Return which of the listed pairs have a synapse, as an index."""
    p, listed = projection, projection.rule.listed
    if listed is None or not p.apart:
        return slice(None)
    return p.source.ids[listed[0]] != p.target.ids[listed[1]]


def _may_round(projection: Projection, exponent: int) -> bool:
    """Tell whether what a scale loses of a projection's weights is ``negligible``."""
    listed = projection.rule.listed
    if projection.weight.given is None or listed is None:
        return False
    return negligible(_stated(projection), listed[1][_allowed(projection)], exponent)


def rounding_note(projection: Projection, weights: np.ndarray, exponent: int) -> str:
    """Return the notice for weights that are rounded more coarsely than the rule says.

    Args:
        projection: whose.
        weights: of its synapses, in the receptor's unit.
        exponent: of the scale.
    """
    unit = 2.0**-exponent
    small = np.abs(weights[lost(weights, exponent)])
    name = projection.target.population.receptors[projection.receptor].unit
    zeros = np.count_nonzero(small < unit / 2)
    return (
        f"{small.size:,} of the {weights.size:,} weights of {projection.name} are nearly 0 and are "
        f"rounded to multiples of {unit:.3g} {name}, {zeros:,} of them to 0, which changes no "
        "neuron's sum by more than float32 resolves"
    )


def _refusal(
    projection: Projection, exponent: int, chosen: Projection | None, members: Sequence[Projection]
) -> str:
    """Return the error for weights that a port's scale loses.

    Args:
        projection: whose weights.
        exponent: of the scale.
        chosen: the projection whose width was chosen and makes the scale so coarse, if any.
        members: all projections of the port.
    """
    weight, unit = projection.weight, 2.0**-exponent
    name = projection.target.population.receptors[projection.receptor].unit
    size, more = weight.typical, ""
    if weight.kind in ("FIXED", "GIVEN"):
        small = _stated(projection)
        small = np.abs(small[lost(small, exponent)])
        size = float(small.min())
        more = f", and {small.size - 1:,} more" if small.size > 1 else ""
    else:
        more = ", the typical size of what is drawn"
    top = max(members, key=lambda p: p.largest)
    remedy = (
        "use fewer synapses or another receptor for the large weights, or set weights to 0 that "
        "are to have no effect"
    )
    reason = f"the sums and the largest weight there, {top.largest:g} {name} of {top.name}"
    if exponent == FINEST:
        reason, remedy = "the limits of float32", "use larger weights"
    if chosen is not None:
        remedy = f"leave weight_bits out for {chosen.name}, or use weight_bits=32"
    return (
        f"weight {size:g} {name} of {projection.name} is below the resolution of its receptor's "
        f"sums: weights must be at least {RESOLUTION * unit:.3g} {name}, {RESOLUTION} units (got "
        f"{size / unit:.3g} units{more}); a unit is {unit:.3g} {name} because of {reason}; {remedy}"
    )
