"""Procedural projections on a CUDA device: a row is drawn again for each spike."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.seed import keys
from spikecuda.kernels import routines
from spikecuda.kernels.network import draw
from spikecuda.network.cuda.delivery import WARP, Delivery
from spikecuda.network.cuda.row_tables import Target
from spikecuda.network.synapses.field import field_of
from spikecuda.network.synapses.store import Bundle, Procedural, Wiring

# Synapses that a warp draws at a time, by walk; of a row without multapses there is one warp.
ROUND = {
    routines.RANGE: WARP, routines.DEGREE: 4 * WARP, routines.PROBABILITY: draw.TILE,
    routines.NEAR: WARP,
}  # fmt: skip
# Bytes for the marks of rows without multapses, a bit for each target and warp under way.
SEEN_BYTES = 64 << 20


@dataclass(frozen=True, eq=False)
class ProceduralRows:
    """A procedural projection onto the neurons of a partition.

    Attributes:
        bundle: of its wiring.
        walk: how its rows are walked, see ``kernels/routines``.
        arrays, scalars: arguments of the kernel by name, without the underscore.
        row: what warps share of a row: targets to look at, or synapses to draw.
        words: of marks that each warp needs.
        given: whether its sources are trains, not neurons.
        replicas: whether its rows are those of one network, for all of its replicas.
        functions: of the distance, the user's own; see ``routines.deliver_drawn``.
        around: whether a mask goes over the edge of a periodic axis.
    """

    bundle: Bundle
    walk: str
    arrays: dict[str, np.ndarray]
    scalars: dict[str, Any]
    row: int
    words: int
    given: bool
    replicas: bool = False
    functions: routines.Functions = routines.NO_FUNCTIONS
    around: bool = False

    def delivery(self, spikes: float, most: int, resident: int, block: int) -> Delivery:
        """Return how it is delivered; see ``delivery.choose``."""
        most_blocks = max(1, resident // block)
        pieces = 1
        if self.walk != routines.SUBSET:
            wanted = max(1, round(most_blocks * (block // WARP) / max(spikes, 1.0)))
            # Items are counted in 32 bits.
            pieces = min(wanted, max(1, -(-self.row // ROUND[self.walk])), (2**32 - 1) // most)
        else:
            most_blocks = max(1, min(most_blocks, SEEN_BYTES // (4 * self.words * (block // WARP))))
        blocks = min(most_blocks, -(-pieces * most * WARP // block))
        routine = routines.deliver_drawn(self.walk, self.replicas, self.functions, self.around)
        return Delivery(routine, blocks, {"pieces": pieces, "given": int(self.given)})


def procedural(wiring: Wiring, target: Target) -> Iterator[ProceduralRows]:
    """Yield the procedural projections that have targets in a partition."""
    for bundle in wiring.bundles:
        if bundle.rule is not None:
            found = _drawn(bundle, bundle.rule, target)
            if found is not None:
                yield found


def _drawn(bundle: Bundle, rule: Procedural, target: Target) -> ProceduralRows | None:
    """Return a projection's rows onto a partition; None if it has no target there."""
    p = bundle.projections[0]
    number, share = p.target.population.number, target.share
    start, stop = share.starts[number]
    first, until = (int(x) for x in np.searchsorted(p.target.ids, [start, stop]))
    if first == until:
        return None
    recipe, shift = rule.recipe, int(share.places[number]) - int(start)
    assert p.rule.walks is not None
    walk = p.rule.walks[0 if p.multapses else 1]
    one = np.full(1, -1, np.int32)
    arrays = {
        "index": rule.index,
        "twin": one if rule.twin is None else rule.twin,
        "places": one if p.target.whole else (p.target.ids[first:until] + shift).astype(np.int32),
    }
    key0, key1 = keys(p.seed)
    scalars: dict[str, Any] = {
        "base": bundle.port * share.size, "origin": target.first[bundle.source],
        "count": rule.index.size, "own": int(rule.twin is not None), "from": first, "until": until,
        "listed": int(not p.target.whole), "shift": shift, "number": p.number,
        "weight_kind": recipe.weight_kind, "delay_kind": recipe.delay_kind,
        "weight": recipe.fixed_weight, "delay": recipe.fixed_delay,
        "largest": recipe.largest_weight, "longest": recipe.longest_delay,
        "key0": key0, "key1": key1, "size": p.target.size, "inverse_log": p.rule.inverse_log,
        "single": int(p.rule.single), "each": int(rule.degrees.size > 0),
    }  # fmt: skip
    numbers = recipe.distributions().astype(np.float32)
    scalars |= {name[1:]: x for name, x in zip(routines.DISTRIBUTED, numbers, strict=True)}
    row, functions, around = until - first, routines.NO_FUNCTIONS, False
    field = field_of(p)
    if field is not None:
        arrays |= field.arrays()
        scalars |= field.scalars()
        functions, row = field.functions, min(row, field.near.most())
        around = bool(field.near.around.any())
    if walk in (routines.DEGREE, routines.SUBSET):
        degree = np.array([p.rule.each], np.int32)
        arrays["degrees"] = rule.degrees if rule.degrees.size else degree
        row = int(arrays["degrees"].max(initial=0))
    words = -(-scalars["size"] // 32) if walk == routines.SUBSET else 0
    return ProceduralRows(
        bundle, walk, arrays, scalars, row, words, p.source.population.neuron_spec is None,
        target.shared, functions, around,
    )  # fmt: skip
