"""The host of emulated devices: which streams have work, and what it has waited for.

A device has a host of its own.  Devices that are peers share one, because events of one order the
work of the others, and copies of one touch the memory of others: see ``Device.join``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .history import Access, Clock, History, Lane, Operation, merge

if TYPE_CHECKING:
    from .device import Device
    from .streams import Stream


class Host:
    """What one or several devices have been asked for, and how far the host has waited.

    Args:
        device: the first of them.

    Attributes:
        devices: those that share it.
        busy: streams with work, in the order in which it came.
        history: race mode: what was done, on all devices; None in other modes.
        clock: race mode: what comes before the next thing that the host does.
    """

    def __init__(self, device: Device) -> None:
        self.devices = [device]
        self.busy: dict[Stream, None] = {}
        self.history = History(self._describe) if device.mode == "race" else None
        self.clock: Clock = {}
        self._lane = Lane()

    def take(self, other: Host) -> None:
        """Be the host of another one's devices, too."""
        for device in other.devices:
            device.host = self
        self.devices += other.devices
        self.busy |= other.busy
        merge(self.clock, other.clock)
        if self.history is not None and other.history is not None:
            self.history.take(other.history)

    def leave(self, device: Device) -> None:
        """Be the host of a device no longer, whose memory is of no interest from now on.

        Args:
            device: without work.
        """
        self.devices.remove(device)
        if self.history is not None:
            for region in device.registry.regions.values():
                self.history.drop(region.base, region.end)

    def touches(self, found: Access, name: str) -> None:
        """Race mode: note that the host itself touches memory that copies use."""
        if self.history is None:
            return
        self._lane.count += 1
        self.clock[self._lane.number] = self._lane.count
        lane = self._lane
        self.history.add(
            Operation(name, "the host", lane.number, lane.count, dict(self.clock), [found])
        )

    def waited(self, clock: Clock) -> None:
        """Let what the host does next come after some work; race mode runs all there is."""
        if self.history is None:
            return
        self.run_all()
        merge(self.clock, clock)
        self.history.forget(self.clock)

    def run_all(self) -> None:
        """Run all work of all streams."""
        while self.busy:
            stream = next(iter(self.busy))
            stream.run_out()
            self.busy.pop(stream, None)

    def _describe(self, address: int) -> str:
        """Say in words what lies at an address."""
        for device in self.devices:
            for region in device.registry.regions.values():
                if region.base <= address < region.end:
                    size, of = region.end - region.base, ""
                    if len(self.devices) > 1:
                        of = f" of {device.name}"
                    at = address - region.base
                    return f"it is byte {at} of {region.what} ({size} bytes){of}"
        return "it is in host memory"
