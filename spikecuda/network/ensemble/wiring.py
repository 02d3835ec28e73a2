"""The synapses of replicas: rows that several of them share as long as none changes its own."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from spikecuda.kernels.network import layout
from spikecuda.network.model.coupling import Coupling
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.access import bundle_of
from spikecuda.network.synapses.store import Bundle, Rows, Wiring

NO_COUPLINGS: Mapping[Coupling, Coupling] = MappingProxyType({})


def share_wiring(
    wiring: Wiring,
    projections: Mapping[Projection, Projection],
    shift: Mapping[int, int],
    couplings: Mapping[Coupling, Coupling] = NO_COUPLINGS,
) -> Wiring:
    """Return the same synapses for another replica: its rows are the same arrays.

    What synapses that learn change is copied.

    Args:
        wiring: of a replica.
        projections: of the other replica, by this one's.
        shift: number of each population and source of the other replica, by this one's.
        couplings: of the other replica, by this one's.
    """
    fixed_point = replace(
        wiring.fixed_point,
        exponent={(shift[g], port): e for (g, port), e in wiring.exponent.items()},
        bits={projections[p]: bits for p, bits in wiring.fixed_point.bits.items()},
    )
    bundles = [
        replace(
            bundle, source=shift[bundle.source],
            projections=[projections[p] for p in bundle.projections],
            blocks=[_shared(bundle, rows) for rows in bundle.blocks],
        )
        for bundle in wiring.bundles
    ]  # fmt: skip
    coupled = [replace(rows, coupling=couplings[rows.coupling]) for rows in wiring.coupled]
    return replace(wiring, bundles=bundles, fixed_point=fixed_point, coupled=coupled)


def _shared(bundle: Bundle, rows: Rows) -> Rows:
    """Return rows of the same arrays, but for what is learned."""
    made = replace(rows)
    if bundle.kind == layout.PLASTIC:
        made.weights = _copy(rows.weights)
        made.variables = {name: values.copy() for name, values in rows.variables.items()}
    return made


def own_weights(projection: Projection, wiring: Wiring, owned: set[Bundle]) -> bool:
    """Let a projection have weights of its own, which can be changed where they are.

    Args:
        projection: whose.
        wiring: of its replica.
        owned: bundles of which this is so already.

    Returns:
        Whether arrays are others now.
    """
    if projection.procedural:
        return False
    bundle = bundle_of(projection, wiring)
    if bundle in owned or bundle.kind == layout.PLASTIC:
        return False
    for rows in bundle.blocks:
        rows.weights = _copy(rows.weights)
    owned.add(bundle)
    return True


def _copy(weights: np.ndarray | None) -> np.ndarray | None:
    return None if weights is None else weights.copy()


def distinct_bytes(wirings: list[Wiring]) -> int:
    """Return the bytes of the rows of several replicas, each array once."""
    arrays = {
        id(array): array.nbytes
        for wiring in wirings
        for bundle in wiring.bundles
        for rows in bundle.blocks
        for array in rows.arrays()
    }
    return sum(arrays.values())
