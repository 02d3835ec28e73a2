"""Sums of the weights onto each target, and weights times a factor of each target."""

import numpy as np

from spikecuda.kernels.compile.entry import loop


def _sum_weights(targets, weights, first, scale, sums):
    """Add weights, as integers in units of 1 / scale, to their targets' sums.

    Args:
        targets: cells.
        weights: of the same synapses.
        first: cell of the first target.
        scale: a power of two.
        sums: int64, by target.
    """
    for e in range(targets.size):
        sums[np.int64(targets[e]) - first] += np.int64(np.rint(np.float64(weights[e]) * scale))


def _scale_weights(targets, weights, first, factors, low, high):
    """Multiply weights by their targets' factors, and hold them within bounds.

    Args:
        targets, weights, first: as for ``sum_weights``.
        factors: float64, by target.
        low, high: bounds.
    """
    for e in range(targets.size):
        value = np.float64(weights[e]) * factors[np.int64(targets[e]) - first]
        weights[e] = min(max(value, low), high)


_SUM = "void(uint16[::1], {w}[::1], int64, float64, int64[::1])"
_SCALE = "void(uint16[::1], {w}[::1], int64, float64[::1], float64, float64)"
sum_weights_float32 = loop(_SUM.format(w="float32"))(_sum_weights)
sum_weights_float64 = loop(_SUM.format(w="float64"))(_sum_weights)
scale_weights_float32 = loop(_SCALE.format(w="float32"))(_scale_weights)
scale_weights_float64 = loop(_SCALE.format(w="float64"))(_scale_weights)
