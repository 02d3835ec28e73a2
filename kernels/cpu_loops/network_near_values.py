"""Weights and delays by distance.

Called by their addresses like the loops of ``network_draw``.
"""

import numpy as np

from spikecuda.kernels.compile.entry import loop, pointer
from spikecuda.kernels.network.draw import (
    J_DELAY,
    J_FIELD,
    J_MAX_DELAY,
    J_MAX_WEIGHT,
    J_WEIGHT,
    PROFILE,
    PROJECTION,
    Q_SCALE,
    Q_STEPS,
    draw_values,
    nearest,
    numbered,
)
from spikecuda.kernels.network.field import (
    FIELD,
    FLOATS,
    G_DELAY,
    G_WEIGHT,
    S_DELAY,
    S_DELAY_CALL,
    S_LONGEST,
    S_NUMBERS,
    S_WEIGHT,
    S_WEIGHT_CALL,
)
from spikecuda.kernels.network.machine import (
    float32_at,
    float64_at,
    int32_at,
    int64_at,
)
from spikecuda.kernels.network.near import pair_value
from spikecuda.kernels.network.rules import TARGETS
from spikecuda.kernels.numerics.arithmetic import _mul
from spikecuda.kernels.numerics.inner import inner

U, I32, F = np.uint32, np.int32, np.float32


@inner
def _pair_weight(about, numbers, s, g, row, choice):
    """Return the integer weight of a pair."""
    value = F(pair_value(s, g, row, choice, S_WEIGHT, G_WEIGHT, S_WEIGHT_CALL))
    largest = I32(about[J_MAX_WEIGHT])
    return min(max(nearest(_mul(value, F(numbers[Q_SCALE]))), -largest), largest)


@inner
def _pair_delay(about, numbers, s, g, row, choice):
    """Return the delay of a pair in steps."""
    value = F(pair_value(s, g, row, choice, S_DELAY, G_DELAY, S_DELAY_CALL))
    longest = I32(about[J_MAX_DELAY])
    return min(max(nearest(_mul(value, F(numbers[Q_STEPS]))), I32(1)), longest)


@pointer(TARGETS)
def draw_near_values(ints, floats, source, keys, count, key0, key1, w, d, weights, delays):
    """Write the integer weights and delays of a row, some of them by distance.

    The choices are ``keys``, or where these are numbers the array of scratch before it.
    """
    about, numbers = int64_at(ints, PROJECTION), float64_at(floats, 16)
    s = int64_at(about[J_FIELD], FIELD)
    g = float64_at(s[S_NUMBERS], FLOATS)
    choices = int32_at(keys - 4 * s[S_LONGEST] if numbered(about) else keys, count)
    weight, delay = int32_at(weights, count), int32_at(delays, count)
    draw_values(
        about, numbers, source, int32_at(keys, count), U(key0), U(key1), float32_at(w, count),
        float32_at(d, count), weight, delay,
    )  # fmt: skip
    if about[J_WEIGHT] == PROFILE:
        for i in range(count):
            weight[i] = _pair_weight(about, numbers, s, g, source, np.int64(choices[i]))
    if about[J_DELAY] == PROFILE:
        for i in range(count):
            delay[i] = _pair_delay(about, numbers, s, g, source, np.int64(choices[i]))
    return 0


@loop("void(int64[::1], float64[::1], int32[::1], int32[::1], int32[::1], int32[::1])")
def draw_near_pairs(ints, floats, rows, choices, weight, delay):
    """Write the integer weights and delays of given pairs, as far as they go by distance."""
    s = int64_at(ints[J_FIELD], FIELD)
    g = float64_at(s[S_NUMBERS], FLOATS)
    for i in range(rows.size):
        if ints[J_WEIGHT] == PROFILE:
            weight[i] = _pair_weight(ints, floats, s, g, np.int64(rows[i]), np.int64(choices[i]))
        if ints[J_DELAY] == PROFILE:
            delay[i] = _pair_delay(ints, floats, s, g, np.int64(rows[i]), np.int64(choices[i]))
