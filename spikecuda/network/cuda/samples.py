"""Samples of traces, taken on a CUDA device at the end of windows."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.devices.base import Kernel, Staging
from spikecuda.kernels import routines
from spikecuda.network.cuda.run_context import RunContext
from spikecuda.network.cuda.window_buffers import WindowBuffers


@dataclass(eq=False)
class Launch:
    """A kernel with its arguments by name, and the ranges that it covers."""

    kernel: Kernel
    values: dict[str, Any]
    ranges: list[tuple[int, int]]


class Samples:
    """The kernels that take a run's samples on a device, and where the samples go.

    Args:
        context: of the run.

    Attributes:
        launches: one for each trace with neurons on the device.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self.launches: list[Launch] = []
        self._places: list[tuple[int, slice]] = []  # number of the trace, columns of its array
        p = context.resident
        for i, trace in enumerate(context.request.traces):
            start, stop = p.share.starts[trace.population]
            a, z = (int(x) for x in np.searchsorted(trace.ids, [start, stop]))
            if a == z:
                continue
            n = p.neurons[trace.population]
            source = p.states[n.public.get(trace.name, trace.name)]
            index = trace.ids[a:z] - start + p.share.places[trace.population]
            values = {
                "_source": source, "_index": context.put("index", index.astype(np.int32)),
                "_every": np.int64(trace.every),
            }  # fmt: skip
            kernel = context.device.kernel(routines.sample(source.dtype.name))
            self.launches.append(Launch(kernel, values, [(0, z - a)]))
            self._places.append((i, slice(a, z)))

    def slot(self) -> list[tuple[Staging, Staging]]:
        """Return a slot's part: for each trace the number of the first row, and the rows."""
        context, result = self._context, []
        for (i, columns), launch in zip(self._places, self.launches, strict=True):
            rows = context.most_steps // context.request.traces[i].every + 1
            size, dtype = rows * (columns.stop - columns.start), launch.values["_source"].dtype
            result.append(
                (context.staged("row", 1, np.int64), context.staged("samples", size, dtype))
            )
        return result

    def values(self, slot: WindowBuffers, number: int) -> dict[str, Any]:
        """Return what a launch takes of a slot."""
        first, rows = slot.samples[number]
        return {"_row0": first.buffer, "_out": rows.buffer}

    def begin(self, slot: WindowBuffers) -> None:
        """Say on the device which sample is the first of a slot's steps."""
        for (i, _), (first, _) in zip(self._places, slot.samples, strict=True):
            first.edit(1)[0] = slot.start // self._context.request.traces[i].every
            self._context.device.upload(first, 1)

    def send(self, slot: WindowBuffers) -> None:
        """Copy a slot's samples to the host, once they are there."""
        for number, (_, rows) in enumerate(slot.samples):
            first, last, width = self._rows(slot, number)
            if last > first:
                self._context.device.download(rows, (last - first) * width)

    def take(self, slot: WindowBuffers) -> None:
        """Put a slot's samples, which are on the host, to where they go."""
        request = self._context.request
        for number, ((i, columns), (_, rows)) in enumerate(
            zip(self._places, slot.samples, strict=True)
        ):
            first, last, width = self._rows(slot, number)
            if last > first:
                start = request.start // request.traces[i].every
                found = rows.view((last - first) * width).reshape(-1, width)
                request.out[i][first - start : last - start, columns] = found

    def _rows(self, slot: WindowBuffers, number: int) -> tuple[int, int, int]:
        """Return a slot's first sample of a trace, the first after it, and neurons."""
        i, columns = self._places[number]
        every = self._context.request.traces[i].every
        stop = slot.start + slot.steps
        return slot.start // every, stop // every, columns.stop - columns.start
