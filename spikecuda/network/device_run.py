"""One run of a partition on a CUDA device: launches, windows, and what only the run needs."""

import contextlib
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spikecuda.backends.base import Graph
from spikecuda.backends.memory import Buffer
from spikecuda.kernels import routines
from spikecuda.network.blocks import GRAIN
from spikecuda.network.cohort import Cohort, cohorts, tables
from spikecuda.network.device_deliveries import Deliveries
from spikecuda.network.device_samples import Launch, Samples
from spikecuda.network.partition import STEP_BITS, RunPlan
from spikecuda.network.per_step import chunk_steps, step_input
from spikecuda.seed import keys

if TYPE_CHECKING:
    from spikecuda.network.device_partition import DevicePartition

# Windows of one graph, so that the host has less to launch, and steps that they may have.
WINDOWS, STEPS = 16, 64
# Samples that are held on the device, in bytes.
TRACE_BYTES = 16 << 20


class DeviceRun:
    """A run.

    Args:
        partition: whose run; its state is on the device already.
        plan: what is asked.

    Attributes:
        most_steps: of one call of ``advance``.
    """

    def __init__(self, partition: "DevicePartition", plan: RunPlan) -> None:
        self.partition, self.plan, self.device = partition, plan, partition.device
        self._temporary: list[Buffer] = []
        # Numbers of windows, and graphs of so many.
        self._graphs: list[tuple[int, Graph]] = []
        self._external: Buffer | None = None
        self._incoming: Buffer | None = None
        samples = sum(t.ids.size * 8 / t.every for t in plan.traces)
        fits = int(TRACE_BYTES / samples) if samples else plan.steps
        longest = chunk_steps(plan.drives, plan.window)
        self.most_steps = max(plan.window, min(partition.windows * plan.window, longest, fits))
        try:
            self._make()
        except BaseException:
            self.close()
            raise

    def advance(self, steps: int, external: np.ndarray) -> np.ndarray:
        """Advance by some steps; return the spikes, sorted."""
        p, device = self.partition, self.device
        lengths = self.plan.windows(p.clock, steps)
        self._begun = p.clock + steps - lengths[-1]
        self._feed(steps, external, lengths)
        device.write(p.clocks, np.array([p.clock, 0, 0, 0]))
        device.write(p.mark, np.zeros(4, np.int64))
        while lengths:
            full = self.plan.window
            for count, graph in self._graphs:
                if lengths[:count] == [full] * count:
                    graph.replay()
                    break
            else:
                count = 1
                self._enqueue(lengths[0])
            lengths = lengths[count:]
        device.synchronize()
        self._samples.take(steps)
        count = int(device.read(p.mark)[2])
        return np.sort(device.read(p.spikes, count)) if count else np.empty(0, np.int64)

    def receive(self, spikes: np.ndarray) -> None:
        """Deliver spikes of other partitions."""
        if self._incoming is None or self._incoming.size < spikes.size:
            self._incoming = self.new("spikes of others", 2 * spikes.size, np.int64)
            self._incoming_mark = self.new("mark", 4, np.int64)
        self.device.write(self._incoming, spikes)
        self.device.write(self._incoming_mark, np.array([self._begun, 0, spikes.size, 0]))
        given = {
            "_spikes": self._incoming, "_bounds": self._incoming_mark, "_mark": self._incoming_mark,
        }  # fmt: skip
        for launch in self._deliveries.own:
            self._launch(launch, given)
        self.device.synchronize()

    def close(self) -> None:
        """Give back what only the run needed."""
        with contextlib.ExitStack() as stack:
            for buffer in self._temporary:
                stack.callback(self.partition.free, buffer)
            for _, graph in self._graphs:
                stack.callback(graph.close)
        self._temporary, self._graphs = [], []

    # Making.

    def _make(self) -> None:
        p, plan = self.partition, self.plan
        self._rows: list[tuple[Cohort, dict[str, Buffer]]] = []
        self._updates: list[Launch] = []
        section = np.zeros(p.share.size // GRAIN, np.uint16)
        self._section = self.new("sections", section.size, np.uint16)
        for cohort in cohorts(p.neurons, plan.drives, p.share):
            self._updates.append(self._update(cohort))
            for i, g in enumerate(cohort.groups):
                place = p.share.places[g] // GRAIN
                section[place : place + -(-p.share.counts[g] // GRAIN)] = i
        self.device.write(self._section, section)
        words = p.share.size // GRAIN
        self._collect = Launch(
            self.device.kernel(routines.collect()),
            {
                "_bits": p.bits, "_valid": p.valid, "_numbers": p.numbers_of_words,
                "_spikes": p.spikes, "_mark": p.mark, "_clock": p.clocks,
                "_words": np.int64(words),
            },
            [],
        )  # fmt: skip
        self._deliveries = Deliveries(self)
        if self._deliveries.given:
            self._external = self.new("given spikes", plan.external.size, np.int64)
            self._bounds = self.new("bounds", p.windows + 2, np.int64)
        self._samples = Samples(self)
        if not p.share.size:
            return
        together = max(1, min(WINDOWS, STEPS // plan.window)) if plan.single else 1
        for count in sorted({together, 1}, reverse=True):
            if plan.steps >= 2 * count * plan.window:
                work = functools.partial(self._enqueue_all, [plan.window] * count)
                self._graphs.append((count, self.device.capture(work)))

    def _update(self, cohort: Cohort) -> Launch:
        """Return a cohort's launch."""
        p, plan, spec = self.partition, self.plan, cohort.spec
        key0, key1 = keys(p.neurons[cohort.groups[0]].group.neurons.seed)
        values: dict[str, Any] = {
            **p.states, "_section": self._section, "_mark": p.mark, "_cells": p.cells,
            "_ring": np.int64(p.ring - 1), "_stride": np.int64(p.ports * p.share.size),
            "_bits": p.bits, "_clock": p.clocks, "_first": np.int64(0), "_last": np.int64(0),
            "_count": np.int64(p.share.size), "_key0": key0, "_key1": key1,
        }  # fmt: skip
        given = tables(cohort, p.neurons, plan.drives, p.share, p.wiring.exponent)
        rows = self._step_rows(cohort)
        self._rows.append((cohort, rows))
        values |= rows
        for argument in spec.arguments:
            name = argument.name
            if name in values or name == "_steps":
                continue
            value = given.get(name)
            if value is None:
                value = self._spread(cohort, name, argument.dtype)
            values[name] = self.put(name, np.asarray(value)) if argument.array else value
        return Launch(self.device.kernel(spec), values, cohort.ranges(p.share))

    def _spread(self, cohort: Cohort, name: str, dtype: str) -> np.ndarray:
        """Return a constant or an input of a cohort: an element for each place, or a table."""
        p = self.partition
        parts = {}
        for g in cohort.groups:
            drive = self.plan.drives[g][0]
            value = drive.fixed.get(name, p.neurons[g].constants.get(name))
            if name in drive.tables:
                return np.asarray(value, dtype)
            parts[g] = np.broadcast_to(np.asarray(value), (drive.count,))
        return p.gather(parts, dtype)

    def _step_rows(self, cohort: Cohort) -> dict[str, Buffer]:
        """Return buffers for the input that changes from step to step."""
        p, plan = self.partition, self.plan
        g = cohort.groups[0]
        found = step_input(
            plan.drives[g][0], cohort.spec, p.neurons[g].group.neurons, plan.start, 0, 1
        )
        result = {}
        for name, array in found.items():
            row = p.share.size if name == "_drive" else array.size
            result[name] = self.new(name.strip("_"), self.most_steps * row, array.dtype)
        return result

    # Running.

    def _enqueue_all(self, lengths: list[int]) -> None:
        """Launch windows, one after the other."""
        for k in lengths:
            self._enqueue(k)

    def _enqueue(self, steps: int) -> None:
        """Launch a window: what a graph captures."""
        p = self.partition
        for launch in self._deliveries.given:
            self._launch(launch, {"_spikes": self._external, "_bounds": self._bounds})
        k = np.int64(steps)
        for launch in self._updates:
            self._launch(launch, {"_steps": k})
        self._collect.ranges = [(0, steps * (p.share.size // GRAIN))]
        self._launch(self._collect, {"_steps": k})
        own = {"_spikes": p.spikes, "_bounds": p.mark, "_mark": p.mark}
        for launch in self._deliveries.own:
            self._launch(launch, own)
        for launch in self._samples.launches:
            self._launch(launch, {})

    def _launch(self, launch: Launch, more: Mapping[str, Any]) -> None:
        values = {"_first": np.int64(0), "_last": np.int64(0), **launch.values, **more}
        arguments = [values[a.name] for a in launch.kernel.spec.arguments]
        self.device.launch(launch.kernel, arguments, launch.ranges)

    def _feed(self, steps: int, external: np.ndarray, lengths: list[int]) -> None:
        """Write the input of the next steps."""
        p, plan, device = self.partition, self.plan, self.device
        for cohort, buffers in self._rows:
            if not buffers:
                continue
            drive_table = None
            for g in cohort.groups:
                found = step_input(
                    plan.drives[g][0], cohort.spec, p.neurons[g].group.neurons, p.clock,
                    p.clock - plan.start, steps,
                )  # fmt: skip
                table = found.pop("_drive", None)
                if table is not None:
                    if drive_table is None:
                        drive_table = np.zeros((steps, p.share.size), table.dtype)
                    part, place = slice(*p.share.starts[g]), p.share.places[g]
                    drive_table[:, place : place + p.share.counts[g]] = (
                        table.reshape(steps, -1)[:, part]
                    )  # fmt: skip
                if g == cohort.groups[0]:
                    for name, array in found.items():
                        device.write(buffers[name], array)
            if drive_table is not None:
                device.write(buffers["_drive"], drive_table.reshape(-1))
        if self._external is not None:
            ends = p.clock + np.cumsum(lengths)
            bounds = np.searchsorted(external, ends << STEP_BITS)
            device.write(self._bounds, np.concatenate([[0], bounds]))
            if external.size:
                device.write(self._external, external)
        self._samples.begin()

    def new(self, name: str, size: int, dtype: Any) -> Buffer:
        """Return a zeroed buffer that is given back at the end of the run."""
        buffer = self.partition.allocate(name, size, dtype)
        self._temporary.append(buffer)
        return buffer

    def put(self, name: str, values: np.ndarray) -> Buffer:
        """Return such a buffer with values."""
        buffer = self.partition.put(name.strip("_"), np.ascontiguousarray(values))
        self._temporary.append(buffer)
        return buffer
