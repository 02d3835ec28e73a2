"""Runs of partitions whose state is streamed through the device, page by page."""

import time
from collections.abc import Mapping

import numpy as np

from spikecuda.devices.memory import Buffer
from spikecuda.devices.work import Kernel
from spikecuda.runtime.paged_partition import PagedPartition
from spikecuda.runtime.partition_run import PartitionRun, WindowBuffers
from spikecuda.runtime.pool_partition import PoolPartition
from spikecuda.runtime.spikes import Drain, SpikeList, join_spikes, merge_spikes
from spikecuda.runtime.window_layout import Layout


class PagedRun(PartitionRun):
    """A window goes over the pages one by one; a slot holds a page.

    A page's upload follows the download of the page that was in the slot before, as the host has
    waited for that; the events are those of ``PartitionRun``.
    """

    partition: PagedPartition

    @property
    def due(self) -> bool:
        """Whether a window must be collected before another one can be submitted."""
        return self.in_flight > 0

    @property
    def in_flight(self) -> int:
        """Windows that are submitted and not collected."""
        return int(bool(self._flight))

    def submit(self, steps: int) -> None:
        """Start a window: its first pages."""
        begin = time.perf_counter()
        self._steps, self._next = steps, 0
        for _ in self._slots:
            self._start_page()
        self.host_seconds += time.perf_counter() - begin

    def collect(self) -> None:
        """Take the pages one by one, and start the next ones."""
        lists: list[SpikeList] = []
        while self._flight:
            slot = self._flight[0]
            slot.downloaded.synchronize()
            begin = time.perf_counter()
            self._flight.popleft()
            words = (slot.size + 31) // 32
            piece = Drain(words, self._columns(slot).start, self.drain.keep)
            self._take(slot, piece)
            self.drain.total += piece.total
            if piece.windows[0]:
                lists.append(join_spikes(piece.windows[0]))
            self._start_page()
            self.host_seconds += time.perf_counter() - begin
        begin = time.perf_counter()
        self.drain.windows.append([merge_spikes(lists)] if lists else [])
        self._submitted(self._steps)
        self.collected += self._steps
        self.host_seconds += time.perf_counter() - begin

    def enqueue(self, slot: WindowBuffers, steps: int) -> None:
        """Launch a window of a page."""
        first, last = slot.page
        partition = self.partition
        values = {
            **slot.values,
            "_steps": np.int64(steps),
            "_count": np.int64(slot.size),
            "_identity": np.uint32(partition.neuron_spec.identity + partition.first + first),
        }
        arguments = [values[a.name] for a in self.kernel.spec.arguments]
        self.device.launch(self.kernel, arguments, [(0, slot.size)])
        if last == partition.count:
            self.device.advance(values["_clock"], steps)

    def _start_page(self) -> None:
        """Start the next page of the window, if there is one."""
        if self._next == len(self.partition.pages):
            return
        slot = self._slots[self._next % len(self._slots)]
        slot.steps, slot.offset = self._steps, self.submitted
        slot.page = self.partition.pages[self._next]
        self._next += 1
        self._feed(slot)
        self._start(slot)
        self._flight.append(slot)

    def _compute(self, slot: WindowBuffers) -> None:
        self.enqueue(slot, slot.steps)
        self.launches += 1 + (slot.page[1] == self.partition.count)

    def _capture(self, slot: WindowBuffers) -> None:
        """Capture nothing: every page has other arguments."""

    def _upload_state(self, slot: WindowBuffers) -> None:
        first, last = slot.page
        for name in self.layout.paged:
            buffer = slot.values[name]
            host = self.partition.arguments().get(name)
            if isinstance(host, Buffer):
                staging = self.device.staging(buffer, host, host.data[first:last])
            else:
                staging = slot.inputs[name]
                staging.edit(slot.size)[...] = np.asarray(self.drive.fixed[name])[
                    self._columns(slot)
                ]
            self.device.upload(staging, slot.size)

    def _download_state(self, slot: WindowBuffers) -> None:
        first, last = slot.page
        for name in self.partition.states:
            host = self.partition.state[name]
            staging = self.device.staging(slot.values[name], host, host.data[first:last])
            self.device.download(staging, slot.size)

    def _slot(self, types: Mapping[str, np.dtype]) -> WindowBuffers:
        slot = super()._slot(types)
        own = self.partition.arguments()
        for name in self.layout.paged:
            slot.values[name] = self._allocate(name, self.partition.span, types[name])
            if name not in own:
                slot.inputs[name] = self.device.stage(slot.values[name])
        return slot


def run_of(
    partition: PoolPartition, kernel: Kernel, layout: Layout, bits: Buffer | None = None
) -> PartitionRun:
    """Return the run that suits a partition; for the arguments see ``PartitionRun``."""
    kind = PagedRun if isinstance(partition, PagedPartition) else PartitionRun
    return kind(partition, kernel, layout, bits)
