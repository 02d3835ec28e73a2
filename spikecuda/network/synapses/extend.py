"""Add the rows of a train's drive to synapses that are built."""

import numpy as np

from spikecuda.errors import SpikecudaValueError
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.access import sums_of_others
from spikecuda.network.synapses.builder import Builder
from spikecuda.network.synapses.fixed_point import (
    SUM_LIMIT,
    FixedPoint,
    choose_fixed_point,
    largest_sums,
    lost,
)
from spikecuda.network.synapses.peers import Peers, all_or_none
from spikecuda.network.synapses.store import Wiring


def wire(
    projection: Projection, wiring: Wiring, number: int, dt: float, peers: Peers | None = None
) -> None:
    """Add a projection, the first one of its source, to a wiring; all of it or nothing.

    Args:
        projection: from a source of given trains.
        wiring: where.
        number: of the source, one more than the highest so far.
        dt: ms.
        peers: processes that have the other synapses.

    Raises:
        SpikecudaValueError: the scale that the receptor's weights have does not hold its weight.
    """
    target = projection.target.population
    port = target.number, projection.port
    if port in wiring.exponent:
        exponent = wiring.exponent[port]
        with all_or_none(peers):
            _require_scale(projection, wiring, exponent)
    else:
        chosen = choose_fixed_point([projection])
        chosen.require_kept()
        exponent = chosen.exponent[port]
    sizes = [0] * (number + 1)
    for view in (projection.source, projection.target):
        sizes[view.population.number] = view.population.size
    builder = Builder(
        [projection], sizes, wiring.blocks, dt, projection.seed, 1, lambda done, total: None,
        peers=peers,
    )  # fmt: skip
    made = builder.build(FixedPoint({port: exponent}, {projection: 32}))
    wiring.exponent[port] = exponent
    wiring.fixed_point.bits[projection] = 32
    wiring.bundles += made.bundles
    wiring.longest = max(wiring.longest, made.longest)
    more = made.synapses
    if peers is not None:
        more = int(peers.sums(np.array([more]))[0])
    wiring.synapses += more


def _require_scale(projection: Projection, wiring: Wiring, exponent: int) -> None:
    """Raise unless a scale that is settled holds a projection's weights."""
    unit = projection.target.population.receptors[projection.receptor].unit
    weights = projection.weight.stated
    remedy = (
        "add it before the build, also as an empty SpikeTrain([]) with max_weight= and at_once=, "
        "whose times and weight are assigned later"
    )
    if lost(weights, exponent).any():
        raise SpikecudaValueError(
            f"the weight of a train must be 0 or a multiple of {2.0**-exponent:.3g} {unit}, the "
            f"unit of the receptor's fixed-point scale, to 1/256 (got {weights[0]:g} {unit}); "
            f"{remedy}"
        )
    total = sums_of_others(projection, wiring)
    total[projection.target.ids] += largest_sums(projection) * 2.0**exponent
    if total.max() > SUM_LIMIT or np.abs(weights).max() * 2.0**exponent > SUM_LIMIT:
        raise SpikecudaValueError(
            f"the weight of a train must be so small that no neuron's sum exceeds "
            f"{SUM_LIMIT * 2.0**-exponent:g} {unit}, what the receptor's fixed-point scale holds "
            f"(got {weights[0]:g} {unit}, and sums up to {total.max() * 2.0**-exponent:g}); "
            f"{remedy}"
        )
