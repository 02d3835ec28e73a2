"""Rows that are not stored: drawn again from the seed whenever their neuron spikes.

The row of a stored twin and this one come from the same functions and the same counters, so they
are the same, weight by weight.  What a spike sends goes into the accumulator at once, whatever
its delay: the ring has a slot for every step up to the longest delay.
"""

import numpy as np

from spikecuda.kernels.compile.entry import pointer
from spikecuda.kernels.network.draw import (
    FIXED,
    J_DEGREE,
    J_DELAY,
    J_FIXED_DELAY,
    J_FIXED_WEIGHT,
    J_TARGETS,
    J_WEIGHT,
    PROJECTION,
    numbered,
)
from spikecuda.kernels.network.layout import (
    BLOCK,
    BLOCK_CELLS,
    BLOCK_RING_MASK,
    BLOCK_STATE,
    BLOCK_STRIDE,
    BUNDLE,
    BUNDLE_OFFSET,
    BUNDLE_RULE,
    CALENDAR_EVENTS,
    RULE,
    RULE_DEGREES,
    RULE_DRAW_TARGETS,
    RULE_DRAW_VALUES,
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
from spikecuda.kernels.network.machine import call_draw, int32_at, int64_at


@pointer("int64(int64, int64, int64, int64)")
def send_row(block_at, bundle_at, neuron, step):
    """Add what a neuron's spike at the end of ``step`` sends to the block's accumulator.

    Args:
        block_at, bundle_at: addresses of the block's row of its table, and of the bundle's.
        neuron: number within the source population.
        step: of the spike.
    """
    block, bundle = int64_at(block_at, BLOCK), int64_at(bundle_at, BUNDLE)
    rule = int64_at(bundle[BUNDLE_RULE], RULE)
    source = np.int64(int32_at(rule[RULE_INDEX] + 4 * neuron, 1)[0])
    if source < 0:
        return 0
    ints = int64_at(rule[RULE_INTS], PROJECTION)
    twin = np.int64(-1)
    if rule[RULE_TWIN]:
        twin = np.int64(int32_at(rule[RULE_TWIN] + 4 * neuron, 1)[0])
    degree = ints[J_DEGREE]
    if rule[RULE_DEGREES]:
        degree = np.int64(int32_at(rule[RULE_DEGREES] + 4 * source, 1)[0])
    longest = rule[RULE_ROW]
    scratch = rule[RULE_SCRATCH]
    out = int32_at(scratch, longest)
    first, last = rule[RULE_FIRST], rule[RULE_LAST]
    n = call_draw(
        rule[RULE_DRAW_TARGETS], rule[RULE_INTS], rule[RULE_FLOATS], source, degree, twin,
        rule[RULE_KEY0], rule[RULE_KEY1], first, last, rule[RULE_SEEN], scratch,
    )  # fmt: skip
    keys = int32_at(scratch + 4 * longest, longest)
    by_number = numbered(ints)
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
        return 0
    call_draw(
        rule[RULE_DRAW_VALUES], rule[RULE_INTS], rule[RULE_FLOATS], source, scratch + 4 * longest,
        kept, rule[RULE_KEY0], rule[RULE_KEY1], scratch + 8 * longest, scratch + 12 * longest,
        scratch + 16 * longest, scratch + 20 * longest,
    )  # fmt: skip
    weights = int32_at(scratch + 16 * longest, kept)
    delays = int32_at(scratch + 20 * longest, kept)
    for i in range(kept):
        slot = (step + delays[i]) & block[BLOCK_RING_MASK]
        cells[slot * block[BLOCK_STRIDE] + offset + out[i]] += weights[i]
    return 0
