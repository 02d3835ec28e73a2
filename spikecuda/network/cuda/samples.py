"""Samples of traces, taken on a CUDA device at the end of windows."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.devices.work import Kernel, Staging
from spikecuda.kernels import routines
from spikecuda.network.cuda.run_context import RunContext
from spikecuda.network.cuda.window_buffers import WindowBuffers


@dataclass(eq=False)
class Launch:
    """A kernel with its arguments by name, and the ranges that it covers."""

    kernel: Kernel
    values: dict[str, Any]
    ranges: list[tuple[int, int]]


@dataclass(eq=False)
class Sampled:
    """What one launch samples: traces of one variable at the same steps.

    Attributes:
        every: steps between samples.
        parts: number of each trace, and the columns of its array that are on the device.
        width: of a row of samples: columns of all parts.
    """

    every: int
    parts: list[tuple[int, slice]]
    width: int = 0


class Samples:
    """The kernels that take a run's samples on a device, and where the samples go.

    Args:
        context: of the run.

    Attributes:
        launches: one for each variable with neurons on the device and interval of samples.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self.launches: list[Launch] = []
        self._sampled: list[Sampled] = []
        p = context.resident
        found: dict[tuple[str, int], tuple[Sampled, list[np.ndarray]]] = {}
        for i, trace in enumerate(context.request.traces):
            start, stop = p.share.starts[trace.population]
            a, z = (int(x) for x in np.searchsorted(trace.ids, [start, stop]))
            if a == z:
                continue
            name = p.neurons[trace.population].public.get(trace.name, trace.name)
            sampled, places = found.setdefault((name, trace.every), (Sampled(trace.every, []), []))
            places.append(trace.ids[a:z] - start + p.share.places[trace.population])
            sampled.parts.append((i, slice(a, z)))
            sampled.width += z - a
        for (name, every), (sampled, places) in found.items():
            source, index = p.states[name], np.concatenate(places).astype(np.int32)
            values = {
                "_source": source, "_index": context.put("index", index),
                "_every": np.int64(every),
            }  # fmt: skip
            kernel = context.device.kernel(routines.sample(source.dtype.name))
            self.launches.append(Launch(kernel, values, [(0, sampled.width)]))
            self._sampled.append(sampled)

    def slot(self) -> list[tuple[Staging, Staging]]:
        """Return a slot's part: for each launch the number of the first row, and the rows."""
        context, result = self._context, []
        for sampled, launch in zip(self._sampled, self.launches, strict=True):
            rows = context.most_steps // sampled.every + 1
            size, dtype = rows * sampled.width, launch.values["_source"].dtype
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
        for sampled, (first, _) in zip(self._sampled, slot.samples, strict=True):
            first.edit(1)[0] = slot.start // sampled.every
            self._context.device.upload(first, 1)

    def send(self, slot: WindowBuffers) -> None:
        """Copy a slot's samples to the host, once they are there."""
        for sampled, (_, rows) in zip(self._sampled, slot.samples, strict=True):
            first, last = self._rows(slot, sampled)
            if last > first:
                self._context.device.download(rows, (last - first) * sampled.width)

    def take(self, slot: WindowBuffers) -> None:
        """Put a slot's samples, which are on the host, to where they go."""
        request = self._context.request
        for sampled, (_, rows) in zip(self._sampled, slot.samples, strict=True):
            first, last = self._rows(slot, sampled)
            if last <= first:
                continue
            start, at = request.start // sampled.every, 0
            found = rows.view((last - first) * sampled.width).reshape(-1, sampled.width)
            for i, columns in sampled.parts:
                size = columns.stop - columns.start
                request.out[i][first - start : last - start, columns] = found[:, at : at + size]
                at += size

    @staticmethod
    def _rows(slot: WindowBuffers, sampled: Sampled) -> tuple[int, int]:
        """Return the number of a slot's first sample, and of the first after it."""
        return slot.start // sampled.every, (slot.start + slot.steps) // sampled.every
