"""Draw rows of synapses: compiled once, called by their address by all that needs a row.

The build calls them for rows that are stored, a run for rows that are drawn again.  All that draw
targets take the same arguments; each is compiled only where a projection needs it.
"""

import numpy as np

from spikecuda.kernels.compile.entry import pointer
from spikecuda.kernels.network.draw import (
    J_AUTAPSES,
    J_MULTAPSES,
    J_RULE,
    J_SOURCES,
    J_TARGETS,
    PROJECTION,
    chosen_targets,
    draw_values,
    range_targets,
    scattered_targets,
)
from spikecuda.kernels.network.machine import float32_at, float64_at, int32_at, int64_at
from spikecuda.kernels.network.rules import IN_DEGREE, TARGETS

U = np.uint32


@pointer(TARGETS)
def draw_range(ints, floats, source, degree, twin, key0, key1, first, last, seen, out):
    """Write the targets of a row; see ``draw.range_targets``.

    Args:
        ints, floats: addresses of the projection.
        source: number within the source view (of the target for fixed in-degree).
        degree: synapses of the row, where the rule gives it.
        twin: the target that is the source itself (the source that is the target), or -1.
        key0, key1: of the generator.
        first, last: the targets that are wanted, where a rule can draw a part of a row.
        seen: address of int32 zeros, one for each choice if there are no multapses.
        out: address of int32, at least four longer than the row.
    """
    about = int64_at(ints, PROJECTION)
    banned = np.int64(-1) if about[J_AUTAPSES] else twin
    return range_targets(about, source, banned, first, last, int32_at(out, last + 1))


@pointer(TARGETS)
def draw_scattered(ints, floats, source, degree, twin, key0, key1, first, last, seen, out):
    """Write the targets of a row; see ``draw.scattered_targets`` and ``draw_range``."""
    about = int64_at(ints, PROJECTION)
    banned = np.int64(-1) if about[J_AUTAPSES] else twin
    return scattered_targets(
        about, float64_at(floats, 16), source, banned, U(key0), U(key1), first, last,
        int32_at(out, last + 1),
    )  # fmt: skip


@pointer(TARGETS)
def draw_chosen(ints, floats, source, degree, twin, key0, key1, first, last, seen, out):
    """Write the targets of a row; see ``draw.chosen_targets`` and ``draw_range``."""
    about = int64_at(ints, PROJECTION)
    banned = np.int64(-1) if about[J_AUTAPSES] else twin
    choices = np.int64(1)
    if not about[J_MULTAPSES]:
        choices = about[J_SOURCES if about[J_RULE] == IN_DEGREE else J_TARGETS]
    return chosen_targets(
        about, source, degree, banned, U(key0), U(key1), int32_at(seen, choices),
        int32_at(out, (degree if degree > choices else choices) + 4),
    )  # fmt: skip


@pointer(TARGETS)
def draw_row_values(ints, floats, source, keys, count, key0, key1, w, d, weights, delays):
    """Write the integer weights and delays of a row at addresses; see ``draw.draw_values``."""
    draw_values(
        int64_at(ints, PROJECTION), float64_at(floats, 16), source, int32_at(keys, count), U(key0),
        U(key1), float32_at(w, count), float32_at(d, count), int32_at(weights, count),
        int32_at(delays, count),
    )  # fmt: skip
    return 0
