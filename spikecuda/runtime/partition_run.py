"""Runs of a partition, window by window; several windows may be in flight."""

import contextlib
import ctypes
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.seed import keys
from spikecuda.devices.memory import Buffer
from spikecuda.devices.work import Event, Graph, Kernel, Staging
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.kernels.spec import (
    DITHER,
    SPIKE_BITS,
    STEP_CURRENT,
    STREAM_DITHER_STEP,
    Role,
    trace_argument,
)
from spikecuda.runtime.pool_partition import PoolPartition
from spikecuda.runtime.spikes import Drain
from spikecuda.runtime.window_layout import Layout


@dataclass(eq=False)
class WindowBuffers:
    """Buffers and events of one window in flight.

    Attributes:
        values: kernel arguments by name.
        inputs, outputs: host memory of its inputs and outputs by name, except those used directly.
        graph: the captured window, once it is worth capturing.
        uploaded, started, computed, downloaded: events that mark its progress.
        steps, offset: length of its window, and steps of the run before it.
        page: the partition's neurons that it holds: [first, last).
    """

    values: dict[str, Any]
    inputs: dict[str, Staging]
    outputs: dict[str, Staging]
    uploaded: Event
    started: Event
    computed: Event
    downloaded: Event
    graph: Graph | None = None
    steps: int = 0
    offset: int = 0
    page: tuple[int, int] = (0, 0)

    @property
    def size(self) -> int:
        """Number of its neurons."""
        return self.page[1] - self.page[0]


def readable(array: np.ndarray) -> np.ndarray:
    """Return an array for kernels, which only read it: of the writable type that they expect."""
    if array.flags.writeable:
        return array
    memory: Any = ctypes.c_uint8 * array.nbytes
    return np.frombuffer(memory.from_address(int(array.ctypes.data)), array.dtype)


class PartitionRun:
    """Buffers, graphs and windows of runs of one layout.

    A window goes through three streams.  ``uploads`` copies its inputs; ``stream`` waits for that
    and computes; ``downloads`` waits for that and copies spikes and traces to the host.  With two
    slots the copies of one window overlap the computing of the other.  A slot is used again only
    after the host has waited for its download, so nothing else needs an event.

    Args:
        partition: whose.
        kernel: built for the partition's device.
        layout: sizes.
        bits: where the spike bits of a layout that is lent them go.

    Attributes:
        collected: steps of the run whose results are on the host.
        kernel_seconds: device time of the run's windows that are collected.
        host_seconds: what the host spent on them, waiting excepted.
        windows, launches: how many the run had so far.
    """

    def __init__(
        self, partition: PoolPartition, kernel: Kernel, layout: Layout, bits: Buffer | None = None
    ) -> None:
        self.partition, self.kernel, self.layout = partition, kernel, layout
        self.device, self._lent = partition.device, bits
        self._buffers: list[Buffer] = []
        self._fixed: dict[str, Buffer] = {}
        self._slots: list[WindowBuffers] = []
        self._flight: deque[WindowBuffers] = deque()
        self._scalars: dict[str, Any] = {}
        self._runs = self.windows = self.launches = 0
        self.kernel_seconds = self.host_seconds = 0.0
        try:
            types = layout.types
            for name, size in layout.fixed:
                self._fixed[name] = self._allocate(name, size, types[name])
            for _ in range(layout.slots):
                self._slots.append(self._slot(types))
            self.device.synchronize()  # cleared buffers are for other streams, too
        except BaseException:
            self.close()
            raise

    def begin(
        self,
        drive: ResolvedInput,
        start: int,
        total: int,
        traces: Mapping[str, np.ndarray],
        keep: bool,
    ) -> None:
        """Start a run.

        Args:
            drive: the input, of the whole population.
            start: number of the first step.
            total: steps of the run.
            traces: where recorded states go, by name: arrays (total, neurons of the population).
            keep: whether spikes are listed, or only counted.
        """
        partition, first, n = self.partition, self.partition.first, self.partition.count
        self.drive, self._start_step = drive, start
        self._traces = {trace_argument(state): rows for state, rows in traces.items()}
        self.drain = Drain(partition.words, first, keep)
        self.submitted = self.collected = self.windows = self.launches = 0
        self.kernel_seconds = self.host_seconds = 0.0
        for name, size in self.layout.fixed:
            values = np.asarray(drive.fixed[name])
            if values.size != size:
                values = values[first : first + n]
            self.device.write(self._fixed[name], values)
        if partition.clock != start:
            clock = partition.arguments()["_clock"]
            self.device.write(clock, np.array([start], np.int64))
            partition.clock = start
        arrays = {*self._fixed, *self.layout.paged}
        scalars = {k: v for k, v in drive.fixed.items() if k not in arrays}
        if scalars != self._scalars:  # a graph has them in it
            self._scalars = scalars
            for slot in self._slots:
                slot.values.update(scalars)
                self._forget(slot)
        for name, array in drive.given.items():
            if name != STEP_CURRENT:
                mine = self.device.borrow(name, array.rows(first, n))
                for slot in self._slots:
                    slot.values[name] = mine
                    self._forget(slot)  # it has another address in it
        worth = self._runs > 0 or total > self.layout.window * self.layout.slots
        self._runs += 1
        if worth and not self.layout.direct and STEP_CURRENT not in self.layout.given:
            for slot in self._slots:
                self._capture(slot)

    def take_constants(self) -> None:
        """Take over what the partition's constants have become; a graph has them in it."""
        own = self.partition.arguments()
        for slot in self._slots:
            scalars = {k: v for k, v in own.items() if not isinstance(v, Buffer)}
            slot.values.update(scalars)
            self._forget(slot)

    @property
    def bits(self) -> Buffer:
        """The spike bits of the first slot."""
        found = self._slots[0].values[SPIKE_BITS]
        assert isinstance(found, Buffer)
        return found

    @property
    def in_flight(self) -> int:
        """Windows that are submitted and not collected."""
        return len(self._flight)

    @property
    def due(self) -> bool:
        """Whether a window must be collected before another one can be submitted."""
        return len(self._flight) == len(self._slots)

    def submit(self, steps: int) -> None:
        """Start a window; at most ``layout.slots`` may be under way."""
        begin = time.perf_counter()
        slot = self.ready(steps)
        self._start(slot)
        self._flight.append(slot)
        self._submitted(steps)
        self.host_seconds += time.perf_counter() - begin
        if self.device.shares_host_memory:
            self.host_seconds -= slot.started.seconds_until(slot.computed)

    def ready(self, steps: int) -> WindowBuffers:
        """Return the next window's slot, its inputs on their way; what it computes is not begun."""
        slot = self._slots[self.windows % len(self._slots)]
        slot.steps, slot.offset, slot.page = steps, self.submitted, (0, self.partition.count)
        self._feed(slot)
        return slot

    def collect(self) -> None:
        """Wait for the window that was submitted first, and take its spikes and traces."""
        slot = self._flight[0]
        if not self.device.shares_host_memory:
            slot.downloaded.synchronize()
        begin = time.perf_counter()
        self._flight.popleft()
        self._take(slot, self.drain)
        self.collected += slot.steps
        self.host_seconds += time.perf_counter() - begin

    def _start(self, slot: WindowBuffers) -> None:
        """Compute what a slot holds, and let its results go to the host."""
        device, stream = self.device, self.device.stream
        stream.record(slot.started)
        self._compute(slot)
        stream.record(slot.computed)
        if not device.shares_host_memory:
            device.downloads.wait(slot.computed)
            for array in self.layout.outputs:
                device.download(slot.outputs[array.name], array.row(slot.size) * slot.steps)
            self._download_state(slot)
            device.downloads.record(slot.downloaded)

    def _submitted(self, steps: int) -> None:
        """Note that a window is under way."""
        self.submitted += steps
        self.windows += 1
        self.partition.clock = self._start_step + self.submitted

    def _take(self, slot: WindowBuffers, drain: Drain) -> None:
        """Take the spikes and the traces of a slot, which are on the host."""
        steps, n = slot.steps, slot.size
        bits = slot.outputs[SPIKE_BITS].view(steps * ((n + 31) // 32))
        device, clock = self.device, self._start_step + slot.offset
        drain.take(bits, clock, steps, device.threads, device.together)
        for argument, result in self._traces.items():
            if argument not in self.layout.direct:
                rows = slot.outputs[argument].view(steps * n).reshape(steps, n)
                result[slot.offset : slot.offset + steps, self._columns(slot)] = rows
        self.kernel_seconds += slot.started.seconds_until(slot.computed)

    def _columns(self, slot: WindowBuffers) -> slice:
        """Return a slot's neurons in the population."""
        return slice(self.partition.first + slot.page[0], self.partition.first + slot.page[1])

    def _upload_state(self, slot: WindowBuffers) -> None:
        """Bring what a slot's neurons need to the device: nothing, it is there."""

    def _download_state(self, slot: WindowBuffers) -> None:
        """Take the state of a slot's neurons back: it stays."""

    def settle(self) -> None:
        """Wait for windows that nobody will collect."""
        if self._flight:
            self._flight.clear()
            self.device.synchronize()

    def close(self) -> None:
        """Give everything back, also if a part of that fails; the device must have settled."""
        with contextlib.ExitStack() as stack:
            for buffer in self._buffers:
                stack.callback(self.partition.free, buffer)
            for slot in self._slots:
                for staging in (*slot.inputs.values(), *slot.outputs.values()):
                    stack.callback(self.device.unstage, staging)
                stack.callback(self._forget, slot)
        self._slots, self._buffers = [], []

    def enqueue(self, slot: WindowBuffers, steps: int) -> None:
        """Launch a window: what a graph captures."""
        if self.kernel.needs_cleared_bits:
            self.device.clear(slot.values[SPIKE_BITS])
        values = {**slot.values, "_steps": np.int64(steps)}
        arguments = [values[a.name] for a in self.kernel.spec.arguments]
        self.device.launch(self.kernel, arguments, self.partition.batches)
        self.device.advance(values["_clock"], steps)

    @staticmethod
    def _forget(slot: WindowBuffers) -> None:
        """Give a slot's graph back."""
        graph, slot.graph = slot.graph, None
        if graph is not None:
            graph.close()

    def _compute(self, slot: WindowBuffers) -> None:
        """Launch a window: replay it if it has been captured."""
        if slot.graph is not None and slot.steps == self.layout.window:
            slot.graph.replay()
        else:
            self.enqueue(slot, slot.steps)
        self.launches += len(self.partition.batches) + 1

    def _capture(self, slot: WindowBuffers) -> None:
        """Capture a full window, unless that is done."""
        if slot.graph is None:
            steps = self.layout.window
            slot.graph = self.device.capture(lambda: self.enqueue(slot, steps))

    def _feed(self, slot: WindowBuffers) -> None:
        """Write the inputs of a window, and let the kernels wait for their upload."""
        steps, n = slot.steps, slot.size
        for name in self.layout.direct:
            if name == STEP_CURRENT:
                rows = self.drive.given_rows(slot.offset, steps)
            else:
                rows = self._traces[name][slot.offset : slot.offset + steps]
            slot.values[name] = Buffer(name, rows.dtype, rows.size, readable(rows.reshape(-1)))
        if STEP_CURRENT in self.layout.given:
            mine = self.drive.given[STEP_CURRENT].rows(slot.offset, steps)
            slot.values[STEP_CURRENT] = self.device.borrow(STEP_CURRENT, mine)
        if slot.inputs:
            start = self._start_step + slot.offset
            given = self.drive.window(start, slot.offset, steps)
            for array in self.layout.inputs:
                name = array.name
                if name in self.layout.direct:
                    continue
                count = steps * array.row(n)
                target = slot.inputs[name].edit(count)
                if array.role is Role.STEP_CURRENT:
                    rows = target.reshape(steps, n)
                    device = self.device
                    device.together(
                        self.drive.row_jobs(
                            name, start, slot.offset, self._columns(slot), rows, device.threads
                        )
                    )
                elif name == DITHER:
                    self._step_words(slot, target)
                else:
                    target[...] = given[name]
                self.device.upload(slot.inputs[name], count)
        self._upload_state(slot)
        if not self.device.shares_host_memory and (slot.inputs or self.layout.paged):
            self.device.uploads.record(slot.uploaded)
            self.device.stream.wait(slot.uploaded)

    def _step_words(self, slot: WindowBuffers, out: np.ndarray) -> None:
        """Write the random words of float16 rounding for a window."""
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        load_cpu_loop("draw").step_words(
            np.int64(self._start_step + slot.offset), slot.steps, self.kernel.spec.dither_words,
            np.uint32(STREAM_DITHER_STEP), *keys(self.partition.neuron_spec.noise_seed), out,
        )  # fmt: skip

    def _allocate(self, name: str, size: int, dtype: np.dtype) -> Buffer:
        title = {SPIKE_BITS: "spike bits"}.get(name, name.lstrip("_"))
        buffer = self.partition.allocate(title, size, dtype)
        self._buffers.append(buffer)
        return buffer

    def _slot(self, types: Mapping[str, np.dtype]) -> WindowBuffers:
        """Return a slot with its buffers."""
        layout, stream = self.layout, self.device.stream
        values = {**self.partition.arguments(), **self._fixed}
        staged: list[dict[str, Staging]] = []
        for arrays in (layout.inputs, layout.outputs):
            staged.append({})
            for array in arrays:
                name, size = array.name, array.size
                if name not in layout.direct:
                    if layout.borrows(array):
                        assert self._lent is not None
                        values[name] = self._lent
                    else:
                        values[name] = self._allocate(name, size * layout.window, types[name])
                    staged[-1][name] = self.device.stage(values[name])
        return WindowBuffers(
            values, staged[0], staged[1], uploaded=stream.record(), started=stream.record(),
            computed=stream.record(), downloaded=stream.record(),
        )  # fmt: skip
