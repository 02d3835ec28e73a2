"""The histories of spikes that synapses learn from: see ``layout.HISTORY``."""

import numpy as np

from spikecuda.kernels.network.layout import (
    HISTORY_ENTRY,
    HISTORY_LINES,
    HISTORY_LOG,
    HISTORY_SPILL,
    HISTORY_STATE,
    HISTORY_STRIDE,
    NEVER,
    RECENT,
)
from spikecuda.kernels.network.machine import int32_at, int64_at
from spikecuda.kernels.numerics.inner import inner


@inner
def line_of(history, neuron):
    """Return the address of a neuron's line."""
    return history[HISTORY_LINES] + 4 * history[HISTORY_STRIDE] * neuron


@inner
def shift(history, neuron, step, words):
    """Make room for a spike at the head of a neuron's line; ``words`` of values an entry.

    The oldest entry of a full line goes to the log, where there must be space.
    """
    line = int32_at(line_of(history, neuron), RECENT * (1 + words))
    if line[RECENT - 1] != NEVER:
        state = int64_at(history[HISTORY_STATE], 2)
        spill = int32_at(history[HISTORY_SPILL] + 4 * neuron, 1)
        used = state[0]
        entry = int32_at(history[HISTORY_LOG] + 4 * history[HISTORY_ENTRY] * used, 2 + words)
        entry[0], entry[1] = line[RECENT - 1], spill[0]
        for w in range(words):
            entry[2 + w] = line[RECENT + (RECENT - 1) * words + w]
        spill[0] = np.int32(used)
        state[0] = used + 1
    for k in range(RECENT - 1, 0, -1):
        line[k] = line[k - 1]
        for w in range(words):
            line[RECENT + k * words + w] = line[RECENT + (k - 1) * words + w]
    line[0] = np.int32(step)


@inner
def older(history, neuron, place):
    """Return the place of the entry before the one at a place; -1: there is none.

    A place is 0 to 3 in the neuron's line, and 4 plus an entry of the log.
    """
    if place < RECENT - 1:
        return place + 1
    if place == RECENT - 1:
        link = np.int64(int32_at(history[HISTORY_SPILL] + 4 * neuron, 1)[0])
    else:
        entry = history[HISTORY_LOG] + 4 * history[HISTORY_ENTRY] * (place - RECENT)
        link = np.int64(int32_at(entry, 2)[1])
    return link + RECENT if link >= 0 else np.int64(-1)


@inner
def step_at(history, neuron, place):
    """Return the step of the entry at a place; ``NEVER`` if there is none."""
    if place < 0:
        return np.int64(NEVER)
    if place < RECENT:
        return np.int64(int32_at(line_of(history, neuron), RECENT)[place])
    entry = history[HISTORY_LOG] + 4 * history[HISTORY_ENTRY] * (place - RECENT)
    return np.int64(int32_at(entry, 1)[0])


@inner
def values_at(history, neuron, place, words):
    """Return the address of the values of the entry at a place, which is not -1."""
    if place < RECENT:
        return line_of(history, neuron) + 4 * (RECENT + words * place)
    return history[HISTORY_LOG] + 4 * (history[HISTORY_ENTRY] * (place - RECENT) + 2)


@inner
def newest(history, neuron, upto):
    """Return the place of a neuron's newest entry at a step up to ``upto``; -1: there is none."""
    place = np.int64(0)
    while place >= 0 and step_at(history, neuron, place) > upto:
        place = older(history, neuron, place)
    return place
