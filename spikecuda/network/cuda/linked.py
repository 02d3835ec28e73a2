"""Partitions on devices that reach each other's memory: windows without the host.

After its updates, each partition has its spikes as bits.  The others copy them from device to
device, and list them behind their own; then all is delivered as on one device alone.  The host only
says what follows what: it takes spikes out of a list long after they were delivered.
"""

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np

from spikecuda.devices.base import Device
from spikecuda.errors import DeviceError
from spikecuda.network.cuda.partition import DevicePartition
from spikecuda.network.cuda.run import DeviceRun
from spikecuda.network.run.partitions import AFTER_FAILURE
from spikecuda.runtime.population import report_failures


def out_of_reach(devices: Sequence[Device]) -> str:
    """Let devices copy from each other; return why some cannot, "" if all can."""
    for device in devices:
        for other in devices:
            reason = device.reach(other)
            if reason:
                for each in devices:
                    each.part()
                return reason
    return ""


class LinkedPartitions:
    """Partitions that advance together, on devices that are within reach of each other.

    Args:
        partitions: all of a network, in the order of its devices.
    """

    def __init__(self, partitions: Sequence[DevicePartition]) -> None:
        self._all = list(partitions)
        self._members = [p for p in partitions if p.share.size]
        self._now, self._step = self._members[0], 0
        for p in self._members:
            p.peers = [other.resident for other in self._members if other is not p]

    def names(self) -> list[str]:
        """Return the names of the devices that have neurons."""
        return list(dict.fromkeys(p.name for p in self._members))

    @property
    def most_steps(self) -> int:
        """The most steps of one call of ``advance`` within the run that has begun."""
        return min(p.most_steps for p in self._members)

    def advance(self, steps: int, external: np.ndarray) -> np.ndarray:
        """Advance all by some steps; see ``Linked``.

        Raises:
            DeviceError: a device failed; the error names it.
        """
        with self._naming():
            lengths: list[int] = []
            for p, run in self._each():
                p.count(external)
                lengths = run.open(p.clock, steps, external)
            runs = list(self._each())
            for k in lengths:
                self._window(runs, k)
            full = [run.submit() for _, run in self._each()]
            for p in self._all:
                p.clock += steps
            return self._take() if any(full) else np.empty(0, np.int64)

    def rest(self) -> np.ndarray:
        """Wait for what is under way; return the spikes that ``advance`` has not returned."""
        found = [np.empty(0, np.int64)]
        with self._naming():
            while any(p.run is not None and p.run.under_way is not None for p in self._members):
                found.append(self._take())
        return np.concatenate(found)

    def _window(self, runs: Sequence[tuple[DevicePartition, DeviceRun]], steps: int) -> None:
        """Put a window into the streams of all devices."""
        for p, run in runs:
            self._now, stream = p, run.device.stream
            run.device.make_current()
            # The others are done with the bits of the last window.
            for _, other in runs:
                if other is not run:
                    stream.wait(other.copied)
            run.compute(steps)
            stream.record(run.spiked)
        for p, run in runs:
            self._now, stream = p, run.device.stream
            run.device.make_current()
            others = iter(run.inboxes)
            for _, other in runs:
                if other is not run:
                    stream.wait(other.spiked)
                    next(others).fetch(steps)
            stream.record(run.copied)
            run.deliver(steps)

    def _take(self) -> np.ndarray:
        """Return the spikes of the windows that are under way longest, sorted.

        Raises:
            DeviceError: a device did not get all of them.
        """
        found: np.ndarray | None = None
        for p, run in self._each():
            if found is None:
                found = run.take()
            elif (count := run.take_count()) != found.size:
                raise DeviceError(
                    f"{p.name} must have the {found.size:,} spikes of all devices (got {count:,}); "
                    "spikes are lost, which is an error of spikecuda; run with exchange='host'"
                )
        assert found is not None
        for p in self._members:
            p.count(found)
        return found

    def _each(self) -> Iterator[tuple[DevicePartition, DeviceRun]]:
        """Yield each partition with its run, its device current in this thread."""
        for p in self._members:
            assert p.run is not None
            self._now, self._step = p, p.settled
            p.device.make_current()
            yield p, p.run

    @contextlib.contextmanager
    def _naming(self) -> Iterator[None]:
        """Let an error name the device at work."""
        try:
            yield
        except Exception:
            with report_failures(self._now, self._step, AFTER_FAILURE):
                raise
