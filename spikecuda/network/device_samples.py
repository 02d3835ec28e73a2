"""Samples of traces, taken on a CUDA device at the end of windows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spikecuda.backends.base import Kernel
from spikecuda.kernels import routines

if TYPE_CHECKING:
    from spikecuda.network.device_run import DeviceRun


@dataclass(eq=False)
class Launch:
    """A kernel with its arguments by name, and the ranges that it covers."""

    kernel: Kernel
    values: dict[str, Any]
    ranges: list[tuple[int, int]]


class Samples:
    """The kernels that take a run's samples on a device, and where the samples go.

    Args:
        run: the run of the partition.

    Attributes:
        launches: one for each trace with neurons on the device.
    """

    def __init__(self, run: "DeviceRun") -> None:
        self._run = run
        self.launches: list[Launch] = []
        self._places: list[tuple[int, slice]] = []  # number of the trace, columns of its array
        p = run.partition
        for i, trace in enumerate(run.plan.traces):
            start, stop = p.share.starts[trace.group]
            a, z = (int(x) for x in np.searchsorted(trace.ids, [start, stop]))
            if a == z:
                continue
            n = p.neurons[trace.group]
            source = p.states[n.public.get(trace.name, trace.name)]
            index = trace.ids[a:z] - start + p.share.places[trace.group]
            rows = run.most_steps // trace.every + 1
            values = {
                "_source": source, "_index": run.put("index", index.astype(np.int32)),
                "_out": run.new("samples", rows * (z - a), source.dtype),
                "_row0": run.new("row", 1, np.int64), "_clock": p.clocks,
                "_every": np.int64(trace.every),
            }  # fmt: skip
            kernel = run.device.kernel(routines.sample(source.dtype.name))
            self.launches.append(Launch(kernel, values, [(0, z - a)]))
            self._places.append((i, slice(a, z)))

    def begin(self) -> None:
        """Say on the device which sample is the first of the next steps."""
        for (i, _), launch in zip(self._places, self.launches, strict=True):
            first = self._run.partition.clock // self._run.plan.traces[i].every
            self._run.device.write(launch.values["_row0"], np.array([first]))

    def take(self, steps: int) -> None:
        """Copy the samples of the last steps to where they go."""
        plan, clock = self._run.plan, self._run.partition.clock
        for (i, columns), launch in zip(self._places, self.launches, strict=True):
            every = plan.traces[i].every
            first, last = clock // every, (clock + steps) // every
            if first == last:
                continue
            width = columns.stop - columns.start
            found = self._run.device.read(launch.values["_out"], (last - first) * width)
            start = plan.start // every
            plan.out[i][first - start : last - start, columns] = found.reshape(-1, width)
