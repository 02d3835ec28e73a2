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
    BLOCK_CELLS,
    BLOCK_RING_MASK,
    BLOCK_STATE,
    BLOCK_STRIDE,
    BUNDLE_OFFSET,
    BUNDLE_RULE,
    CALENDAR_EVENTS,
    RULE,
    RULE_DEGREES,
    RULE_FIRST,
    RULE_FLOATS,
    RULE_INDEX,
    RULE_INTS,
    RULE_KEY0,
    RULE_KEY1,
    RULE_LAST,
    RULE_ROW,
    RULE_SCRATCH,
    RULE_SEEN,
    RULE_SHIFT,
    RULE_TARGETS,
    RULE_TWIN,
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
    key0, key1 = U(rule[RULE_KEY0]), U(rule[RULE_KEY1])
    first, last = rule[RULE_FIRST], rule[RULE_LAST]
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
    seen = int32_at(rule[RULE_SEEN], 1 if ints[J_MULTAPSES] else ints[J_TARGETS])
    return row_targets(ints, floats, source, degree, twin, key0, key1, seen, out)


@inner
def send_row(block, bundle, neuron, step):
    """Add what a neuron's spike at the end of ``step`` sends to the block's accumulator."""
    rule = int64_at(bundle[BUNDLE_RULE], RULE)
    source = np.int64(int32_at(rule[RULE_INDEX] + 4 * neuron, 1)[0])
    if source < 0:
        return
    ints, floats = int64_at(rule[RULE_INTS], PROJECTION), float64_at(rule[RULE_FLOATS], 16)
    twin = np.int64(-1)
    if rule[RULE_TWIN]:
        twin = np.int64(int32_at(rule[RULE_TWIN] + 4 * neuron, 1)[0])
    degree = ints[J_DEGREE]
    if rule[RULE_DEGREES]:
        degree = np.int64(int32_at(rule[RULE_DEGREES] + 4 * source, 1)[0])
    longest = rule[RULE_ROW]
    scratch = rule[RULE_SCRATCH]
    out = int32_at(scratch, longest)
    n = _targets(rule, ints, floats, source, twin, degree, out)
    first, last = rule[RULE_FIRST], rule[RULE_LAST]
    keys = int32_at(scratch + 4 * longest, longest)
    by_number = numbered(ints[J_RULE])
    # Keep what is in the block; a branch would be mispredicted every other time.
    kept = 0
    for i in range(n):
        t = np.int64(out[i])
        keys[kept] = i if by_number else t
        out[kept] = t
        kept += (t >= first) & (t < last)
    if rule[RULE_TARGETS]:
        ids = int32_at(rule[RULE_TARGETS], ints[J_TARGETS])
        for i in range(kept):
            out[i] = ids[out[i]]
    cells = int32_at(block[BLOCK_CELLS], (block[BLOCK_RING_MASK] + 1) * block[BLOCK_STRIDE])
    offset = bundle[BUNDLE_OFFSET] + rule[RULE_SHIFT]
    int64_at(block[BLOCK_STATE], 8)[CALENDAR_EVENTS] += kept
    if ints[J_WEIGHT] == FIXED and ints[J_DELAY] == FIXED:
        slot = (step + ints[J_FIXED_DELAY]) & block[BLOCK_RING_MASK]
        base = slot * block[BLOCK_STRIDE] + offset
        weight = np.int32(ints[J_FIXED_WEIGHT])
        for i in range(kept):
            cells[base + out[i]] += weight
        return
    w, d = float32_at(scratch + 8 * longest, kept), float32_at(scratch + 12 * longest, kept)
    weights = int32_at(scratch + 16 * longest, kept)
    delays = int32_at(scratch + 20 * longest, kept)
    draw_values(
        ints,
        floats,
        source,
        keys[:kept],
        U(rule[RULE_KEY0]),
        U(rule[RULE_KEY1]),
        w,
        d,
        weights,
        delays,
    )
    for i in range(kept):
        slot = (step + delays[i]) & block[BLOCK_RING_MASK]
        cells[slot * block[BLOCK_STRIDE] + offset + out[i]] += weights[i]
