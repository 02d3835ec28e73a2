"""What the host spends on a window: with a null launcher, whose calls do nothing.

    python bench/windows.py [--windows N]

Prints, in microseconds of processor time a window: starting and collecting a replayed window,
with and without input that is uploaded, and a whole run (listing spikes and figures included).
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from spikecuda import GPUNeuronPool, PerStep
from spikecuda.devices.cpu.device import CpuDevice
from spikecuda.devices.work import Event, Stream
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.runtime.partition_run import PartitionRun
from spikecuda.runtime.window_layout import layout_of

NEURONS, STEPS = 1000, 8


class NullEvent(Event):
    """An event that has always happened."""

    def synchronize(self) -> None:
        """Return at once."""

    def seconds_until(self, later: Event) -> float:
        """Return no time."""
        return 0.0


class NullStream(Stream):
    """A stream that takes everything and does nothing."""

    def record(self, event: Event | None = None) -> Event:
        """Return the event."""
        return event or NullEvent()

    def wait(self, event: Event) -> None:
        """Return at once."""

    def synchronize(self) -> None:
        """Return at once."""


class NullDevice(CpuDevice):
    """A device with two windows under way whose launches and copies do nothing."""

    slots = 2
    shares_host_memory = False

    def __init__(self) -> None:
        super().__init__(1)
        self.stream = self.uploads = self.downloads = NullStream()  # type: ignore[assignment]

    def upload(self, staging: Any, size: int) -> None:
        """Return at once."""

    def download(self, staging: Any, size: int) -> None:
        """Return at once."""

    def _prepare(self, kernel: Any, arguments: Any, batches: Any) -> list[Callable[[], None]]:
        return [lambda: None]

    def _advance(self, clock: Any, steps: int) -> Callable[[], None]:
        return lambda: None


def replayed(device: NullDevice, drive: object, windows: int) -> float:
    """Return the seconds of processor time of a replayed window, spikes not listed."""
    with GPUNeuronPool(NEURONS, "lif", device=device) as pool:
        (part,) = pool.population.partitions
        made = ResolvedInput(
            drive, NEURONS, pool.dt, STEPS * (windows + 2), pool.neuron_spec.precision.real
        )
        spec = pool.neuron_spec.spec(made.spec)
        layout = replace(layout_of(part, spec, made), window=STEPS, slots=2)
        run = PartitionRun(part, device.kernel(spec), layout)
        run.begin(made, 0, STEPS * (windows + 2), {}, keep=False)
        run.drain.take = lambda *arguments: None  # type: ignore[method-assign]
        run.submit(STEPS)
        begin = time.thread_time()
        for _ in range(windows):
            run.submit(STEPS)
            run.collect()
        taken = time.thread_time() - begin
        assert run._slots[0].graph is not None and run.windows == windows + 1
        run.settle()
        run.close()
    return taken / windows


def whole(device: NullDevice, windows: int) -> float:
    """Return the seconds of processor time of a window of a run."""
    with GPUNeuronPool(NEURONS, "lif", device=device, window=STEPS) as pool:
        pool.run(steps=4 * STEPS, input=300.0)
        begin = time.thread_time()
        pool.run(steps=windows * STEPS, input=300.0)
        return (time.thread_time() - begin) / windows


def least(measure: Callable[[], float], times: int = 7) -> float:
    """Return the least of some measurements, in microseconds."""
    return 1e6 * min(measure() for _ in range(times))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=1000)
    windows = parser.parse_args().windows
    device = NullDevice()
    wave = PerStep(np.full(STEPS * (windows + 2), 300.0))
    print(f"replayed           {least(lambda: replayed(device, 300.0, windows)):6.2f} us a window")
    print(f"replayed, uploads  {least(lambda: replayed(device, wave, windows)):6.2f} us a window")
    print(f"a whole run        {least(lambda: whole(device, windows)):6.2f} us a window")
    device.close()


if __name__ == "__main__":
    main()
