"""The table of addresses by which the CPU's loops record samples of traces."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spikecuda.kernels.network import layout
from spikecuda.network.cpu.input_rows import Places
from spikecuda.network.model.trace import Trace
from spikecuda.network.run.neurons import Neurons


def trace_table(
    traces: Sequence[Trace],
    out: Sequence[np.ndarray],
    neurons: Sequence[Neurons],
    places: Places,
    clock: int,
    keep: list[Any],
) -> np.ndarray:
    """Return the table of the traces' parts, int64 (parts, layout.TRACE).

    Args:
        traces: variables to record.
        out: where their samples go; the first one is that of the first multiple after ``clock``.
        neurons: of each population.
        places: of the parts.
        clock: number of the run's first step.
        keep: is given what the table points into.
    """
    table = []
    for trace, array in zip(traces, out, strict=True):
        n = neurons[trace.population]
        source = n.state[n.public.get(trace.name, trace.name)]
        first = clock // trace.every
        for b, g, start, count in places:
            if g != trace.population:
                continue
            a, z = np.searchsorted(trace.ids, [start, start + count])
            if a == z:
                continue
            index = np.ascontiguousarray(trace.ids[a:z])
            keep.append(index)
            row = np.zeros(layout.TRACE, np.int64)
            row[layout.TRACE_BLOCK], row[layout.TRACE_SOURCE] = b, source.ctypes.data
            row[layout.TRACE_WIDTH], row[layout.TRACE_INDEX] = source.itemsize, index.ctypes.data
            row[layout.TRACE_COUNT], row[layout.TRACE_EVERY] = index.size, trace.every
            # Rows count from step 0 on, the array from this run's first sample.
            row[layout.TRACE_OUT] = (
                array.ctypes.data + (a - first * trace.ids.size) * source.itemsize
            )
            row[layout.TRACE_ROW] = trace.ids.size
            table.append(row)
    return np.array(table, np.int64).reshape(-1, layout.TRACE)
