"""What synapses that learn send for spikes that are on their way when their weights are changed."""

import numpy as np

from spikecuda.kernels.compile.entry import loop
from spikecuda.kernels.network.layout import (
    BUNDLE,
    BUNDLE_HEADS,
    BUNDLE_LEARN,
    BUNDLE_LEARNING,
    BUNDLE_TARGETS,
    LEARNING,
    LEARNING_FINISH,
    LEARNING_PENDING,
)
from spikecuda.kernels.network.machine import (
    address_of,
    call_finish,
    call_learn,
    int64_at,
    uint16_at,
    uint32_at,
)


@loop("void(int64, int64[::1], int64[::1], int64[::1], int32[::1], int32[::1])")
def send_learned(bundle_at, segments, steps, places, cells, out):
    """Deliver segments in the order that they are given in, and tell what each synapse sends.

    The weights learn as in a run; what reaches one target twice is told at the first.

    Args:
        bundle_at: address of the bundle's row.
        segments, steps: of each segment its number, and the step of its arrival; ascending.
        places: where in ``out`` the synapses of each segment begin.
        cells: zeros, 65,536; they are zeros again afterwards.
        out: of each synapse the integer that it sends.
    """
    bundle = int64_at(bundle_at, BUNDLE)
    learning = int64_at(bundle[BUNDLE_LEARNING], LEARNING)
    for i in range(segments.size):
        bounds = uint32_at(bundle[BUNDLE_HEADS] + 8 * segments[i], 3)
        first, count = np.int64(bounds[0]), np.int64(bounds[2]) - np.int64(bounds[0])
        call_learn(
            bundle[BUNDLE_LEARN], bundle_at, segments[i], first, count, steps[i],
            address_of(cells),
        )  # fmt: skip
        # Short segments are collected until they are asked for.
        call_finish(learning[LEARNING_FINISH], bundle_at, address_of(cells))
        int64_at(learning[LEARNING_PENDING], 1)[0] = 0
        targets = uint16_at(bundle[BUNDLE_TARGETS] + 2 * first, count)
        for e in range(count):
            out[places[i] + e] = cells[targets[e]]
            cells[targets[e]] = 0
