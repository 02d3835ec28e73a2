"""Buffers and events of the windows in flight on a device (double-buffered)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikecuda.devices.base import Device
from spikecuda.devices.work import Event, Graph, Staging
from spikecuda.errors import DeviceError


@dataclass(eq=False)
class SpikeList:
    """A list of spikes on a device, and what counts them.

    Attributes:
        clock: step, row of per-step input, unused, window; see the kernels.
        mark: step of a window, and where its spikes begin and end in the list.
        spikes: the list; it holds all spikes that its windows can have.
    """

    clock: Staging
    mark: Staging
    spikes: Staging

    def values(self) -> dict[str, Any]:
        """Return the kernels' arguments; ``_bounds`` for spikes of the network itself."""
        mark = self.mark.buffer
        return {
            "_clock": self.clock.buffer, "_mark": mark, "_bounds": mark,
            "_spikes": self.spikes.buffer,
        }  # fmt: skip


@dataclass(eq=False)
class WindowBuffers:
    """Windows that are under way: their input, their spikes and samples, and where their work is.

    Attributes:
        listed: where the spikes go.
        rows: input that changes from step to step, by argument, of each update.
        given: given spikes, and the end of each window's in them; empty where there are none.
        learned: given spikes in the order that histories need, and likewise.
        samples: of each trace: number of the first row, and the rows.
        uploaded, computed, downloaded: where its work is.
        graphs: numbers of windows, and graphs of so many.
        halves: graphs of a window up to its spike bits, and from there; with peers only.
        start, steps: first step, and how many.
    """

    listed: SpikeList
    rows: Sequence[Mapping[str, Staging]]
    given: tuple[Staging, ...]
    learned: tuple[Staging, ...]
    samples: Sequence[tuple[Staging, Staging]]
    uploaded: Event
    computed: Event
    downloaded: Event
    graphs: list[tuple[int, Graph]] = field(default_factory=list)
    halves: tuple[Graph, ...] = ()
    start: int = 0
    steps: int = 0

    def take(self, device: Device) -> np.ndarray:
        """Wait for the windows; return their spikes, sorted.

        Other windows may compute meanwhile: their lists are others.

        Raises:
            DeviceError: the list was too short.
        """
        count = self.count()
        if not count:
            return np.empty(0, np.int64)
        device.download(self.listed.spikes, count)
        device.downloads.record(self.downloaded)
        self.downloaded.synchronize()
        return np.sort(self.listed.spikes.view(count))

    def count(self) -> int:
        """Wait for the windows; return how many spikes are in the list.

        Raises:
            DeviceError: the list was too short.
        """
        self.downloaded.synchronize()
        count = int(self.listed.mark.view(3)[2])
        held = self.listed.spikes.buffer.size
        if count > held:
            raise DeviceError(
                f"the list of spikes is full: it holds {held:,}, all that were thought possible "
                f"(got {count:,}); spikes are lost, which is an error of spikecuda"
            )
        return count
