"""Weights onto each target of a projection that learns: their sums, and factors for them.

Sums are of integers, in units that all of a target's weights together cannot outgrow: they do not
depend on the order of the synapses, and so not on partitions.
"""

import math
from collections.abc import Iterator

import numpy as np

from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.access import bundle_of
from spikecuda.network.synapses.peers import Peers
from spikecuda.network.synapses.store import Rows, Wiring

# Bits of a sum, without its sign and one of room.
BITS = 62


def sum_incoming(projection: Projection, wiring: Wiring, peers: Peers | None = None) -> np.ndarray:
    """Return the sum of the stored magnitudes onto each neuron of the target's population.

    Args:
        projection: whose synapses, which learn.
        wiring: that holds them, settled.
        peers: processes that have the other synapses; sums are of this one's.

    Returns:
        float64 (neurons,), exact to about 60 bits.
    """
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    rule = projection.plasticity
    assert rule is not None
    size = projection.target.population.size
    sums = np.zeros(size, np.int64)
    # The unit follows from the whole projection, not from how it is divided.
    most = sum(rows.targets.size for rows, _, _ in _blocks(projection, wiring))
    if peers is not None:
        most = int(peers.sums(np.array([most]))[0])
    exponent = BITS - math.frexp(rule.largest * (most + 1.0))[1]
    exponent = min(max(exponent, -1000), 1000)
    for rows, first, neurons in _blocks(projection, wiring):
        assert rows.weights is not None
        loop = getattr(load_cpu_loop("network_weights"), f"sum_weights_{rows.weights.dtype}")
        loop(rows.targets, rows.weights, first, 2.0**exponent, sums[neurons])
    return sums * 2.0**-exponent


def scale_incoming(projection: Projection, wiring: Wiring, factors: np.ndarray) -> None:
    """Multiply stored weights by a factor of each target, within the rule's bounds.

    Args:
        projection: whose synapses, which learn.
        wiring: that holds them, settled.
        factors: float64 (neurons,) of the target's population, >= 0.
    """
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    rule = projection.plasticity
    assert rule is not None
    for rows, first, neurons in _blocks(projection, wiring):
        assert rows.weights is not None
        loop = getattr(load_cpu_loop("network_weights"), f"scale_weights_{rows.weights.dtype}")
        loop(
            rows.targets, rows.weights, first, factors[neurons], float(rule.w_min), abs(rule.w_max)
        )


def _blocks(projection: Projection, wiring: Wiring) -> Iterator[tuple[Rows, int, slice]]:
    """Yield each block's rows, the cell of its first target, and its neurons."""
    number = projection.target.population.number
    for b, rows in enumerate(bundle_of(projection, wiring).blocks):
        start, end = (int(x) for x in wiring.blocks.starts[number, b : b + 2])
        yield rows, int(wiring.blocks.offsets[number, b]), slice(start, end)
