"""Draw new sources for targets that have lost synapses."""

import numpy as np

from spikecuda.kernels.compile.entry import loop
from spikecuda.kernels.network.draw import STREAM_TARGETS
from spikecuda.kernels.numerics import philox

U = np.uint32
STREAM_REGROWN = STREAM_TARGETS + 9


@loop(
    "void(int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int32[::1], int64,"
    " int32[::1], int64, uint32, uint32, int64[::1])"
)
def draw_sources(
    targets, need, places, starts, existing, choices, apart, seen, number, key0, key1, out
):
    """Draw sources that have no synapse to a target, each once, or fewer if there are no more.

    Args:
        targets: numbers of the targets.
        need: how many sources each wants.
        places: where in ``out`` those of each target begin.
        starts, existing: the sources that target i has: ``existing[starts[i] : starts[i + 1]]``.
        choices: the sources to choose from, ascending.
        apart: whether a neuron cannot be its own source.
        seen: -1 for each source of the population; scratch.
        number: of the projection.
        key0, key1: of the generator.
        out: sources, or -1 where there was none.
    """
    for i in range(targets.size):
        target, free = targets[i], np.int64(choices.size)
        if apart and choices[np.searchsorted(choices, np.int32(target)) % choices.size] == target:
            seen[target] = np.int32(i)
            free -= 1
        for e in range(starts[i], starts[i + 1]):
            if seen[existing[e]] != i:
                seen[existing[e]] = np.int32(i)
                free -= 1
        wanted, found, tried = min(need[i], free), np.int64(0), np.int64(0)
        while found < wanted:
            words = philox(
                U(target & 0xFFFFFFFF), U(tried & 0xFFFFFFFF), U(number), U(STREAM_REGROWN), key0,
                key1,
            )  # fmt: skip
            for word in words:
                source = choices[(np.int64(word) * choices.size) >> 32]
                if found < wanted and seen[source] != i:
                    seen[source] = np.int32(i)
                    out[places[i] + found] = source
                    found += 1
            tried += 1
        for k in range(found, need[i]):
            out[places[i] + k] = -1
