"""Rows that are not stored: drawn again from the seed whenever their neuron spikes.

The row of a stored twin and this one come from the same functions and the same counters, so they
are the same, weight by weight.  What a spike sends goes into the accumulator at once, whatever
its delay: the ring has a slot for every step up to the longest delay.
"""

import numpy as np

from spikecuda.kernels.network.draw import (
    ALL_TO_ALL,
    FIXED,
    J_AUTAPSES,
    J_DEGREE,
    J_DELAY,
    J_FIXED_DELAY,
    J_FIXED_WEIGHT,
    J_MULTAPSES,
    J_NUMBER,
    J_RULE,
    J_TARGETS,
    J_WEIGHT,
    PROBABILITY,
    PROJECTION,
    Q_LOG,
    draw_values,
    numbered,
    probable_targets,
    row_targets,
)
from spikecuda.kernels.network.layout import (
    B_CELLS,
    B_RING_MASK,
    B_STATE,
    B_STRIDE,
    C_EVENTS,
    R_OFFSET,
    R_RULE,
    RULE,
    U_DEGREES,
    U_FIRST,
    U_FLOATS,
    U_INDEX,
    U_INTS,
    U_KEY0,
    U_KEY1,
    U_LAST,
    U_ROW,
    U_SCRATCH,
    U_SEEN,
    U_SHIFT,
    U_TARGETS,
    U_TWIN,
)
from spikecuda.kernels.network.machine import (
    float32_at,
    float64_at,
    int32_at,
    int64_at,
)
from spikecuda.kernels.numerics.inner import inner

U = np.uint32


@inner
def _targets(rule, ints, floats, source, twin, degree, out):
    """Write the row's targets that may be in the block, as numbers within the view."""
    key0, key1 = U(rule[U_KEY0]), U(rule[U_KEY1])
    first, last = rule[U_FIRST], rule[U_LAST]
    banned = np.int64(-1) if ints[J_AUTAPSES] else twin
    if ints[J_RULE] == PROBABILITY:
        found = probable_targets(
            source, ints[J_NUMBER], ints[J_TARGETS], floats[Q_LOG], key0, key1, first, last, out
        )
        count = 0
        for i in range(found):
            out[count] = out[i]
            count += out[i] != banned
        return count
    if ints[J_RULE] == ALL_TO_ALL:
        count = 0
        for t in range(first, last):
            out[count] = t
            count += t != banned
        return count
    seen = int32_at(rule[U_SEEN], 1 if ints[J_MULTAPSES] else ints[J_TARGETS])
    return row_targets(ints, floats, source, degree, twin, key0, key1, seen, out)


@inner
def send_row(block, bundle, neuron, step):
    """Add what a neuron's spike at the end of ``step`` sends to the block's accumulator."""
    rule = int64_at(bundle[R_RULE], RULE)
    source = np.int64(int32_at(rule[U_INDEX] + 4 * neuron, 1)[0])
    if source < 0:
        return
    ints, floats = int64_at(rule[U_INTS], PROJECTION), float64_at(rule[U_FLOATS], 16)
    twin = np.int64(-1)
    if rule[U_TWIN]:
        twin = np.int64(int32_at(rule[U_TWIN] + 4 * neuron, 1)[0])
    degree = ints[J_DEGREE]
    if rule[U_DEGREES]:
        degree = np.int64(int32_at(rule[U_DEGREES] + 4 * source, 1)[0])
    longest = rule[U_ROW]
    scratch = rule[U_SCRATCH]
    out = int32_at(scratch, longest)
    n = _targets(rule, ints, floats, source, twin, degree, out)
    first, last = rule[U_FIRST], rule[U_LAST]
    keys = int32_at(scratch + 4 * longest, longest)
    by_number = numbered(ints[J_RULE])
    # Keep what is in the block; a branch would be mispredicted every other time.
    kept = 0
    for i in range(n):
        t = np.int64(out[i])
        keys[kept] = i if by_number else t
        out[kept] = t
        kept += (t >= first) & (t < last)
    if rule[U_TARGETS]:
        ids = int32_at(rule[U_TARGETS], ints[J_TARGETS])
        for i in range(kept):
            out[i] = ids[out[i]]
    cells = int32_at(block[B_CELLS], (block[B_RING_MASK] + 1) * block[B_STRIDE])
    offset = bundle[R_OFFSET] + rule[U_SHIFT]
    int64_at(block[B_STATE], 8)[C_EVENTS] += kept
    if ints[J_WEIGHT] == FIXED and ints[J_DELAY] == FIXED:
        slot = (step + ints[J_FIXED_DELAY]) & block[B_RING_MASK]
        base = slot * block[B_STRIDE] + offset
        weight = np.int32(ints[J_FIXED_WEIGHT])
        for i in range(kept):
            cells[base + out[i]] += weight
        return
    w, d = float32_at(scratch + 8 * longest, kept), float32_at(scratch + 12 * longest, kept)
    weights = int32_at(scratch + 16 * longest, kept)
    delays = int32_at(scratch + 20 * longest, kept)
    draw_values(
        ints, floats, source, keys[:kept], U(rule[U_KEY0]), U(rule[U_KEY1]), w, d, weights, delays
    )
    for i in range(kept):
        slot = (step + delays[i]) & block[B_RING_MASK]
        cells[slot * block[B_STRIDE] + offset + out[i]] += weights[i]
