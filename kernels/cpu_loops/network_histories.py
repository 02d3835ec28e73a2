"""Shorten the histories that synapses learn from, once sweeps have let old spikes act."""

from spikecuda.kernels.compile.entry import loop
from spikecuda.kernels.network.history import line_of
from spikecuda.kernels.network.layout import (
    HISTORY,
    HISTORY_ENTRY,
    HISTORY_LOG,
    HISTORY_SPILL,
    HISTORY_STATE,
    RECENT,
)
from spikecuda.kernels.network.machine import int32_at, int64_at


@loop("int64(int64, int64, int64, int64)")
def prune(history_at, neurons, limit, log_at):
    """Copy what is still needed of a history's log to another one.

    Of each neuron the entries after step ``limit`` are kept, and the newest one up to it.

    Args:
        history_at: address of the history's row.
        neurons: how many it has.
        limit: a step.
        log_at: address of the other log, which is as large.

    Returns:
        How many entries were kept.
    """
    history = int64_at(history_at, HISTORY)
    size = history[HISTORY_ENTRY]
    spill = int32_at(history[HISTORY_SPILL], neurons)
    old = int32_at(history[HISTORY_LOG], 0)
    new = int32_at(log_at, 0)
    kept = 0
    for n in range(neurons):
        at = spill[n]
        if at < 0:
            continue
        enough = int32_at(line_of(history, n), RECENT)[RECENT - 1] <= limit
        link = -1
        while at >= 0 and not enough:
            for i in range(size):
                new[kept * size + i] = old[at * size + i]
            if link < 0:
                spill[n] = kept
            else:
                new[link * size + 1] = kept
            link = kept
            enough = old[at * size] <= limit
            at = old[at * size + 1]
            kept += 1
        if link < 0:
            spill[n] = -1
        else:
            new[link * size + 1] = -1
    int64_at(history[HISTORY_STATE], 2)[0] = kept
    return kept
