"""Time update kernels with the device's events, over sizes, blocks, steps and precisions.

A captured graph of several windows is replayed, so that what the host adds to a launch does not
count.  Input: one current per neuron; no spike list is made and nothing is read back.
"""

import dataclasses
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.devices.base import Device
from spikecuda.devices.work import Graph
from spikecuda.errors import OutOfMemoryError, SpikecudaError
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.kernels.spec import SPIKE_BITS, KernelSpec
from spikecuda.pool.pool import GPUNeuronPool
from spikecuda.report.results import Skipped
from spikecuda.report.workloads import DT, WORKLOADS
from spikecuda.runtime.partition_run import PartitionRun
from spikecuda.runtime.window_layout import layout_of
from spikecuda.verify.figures import Bounds
from spikecuda.verify.results import Throughput
from spikecuda.verify.settings import Settings

# Windows in a graph; one replay of it is the least that is timed.
WINDOWS = 8
MAX_REPLAYS = 10_000
DEFAULT_BLOCK = 128


@dataclass(frozen=True)
class Point:
    """What is timed."""

    sweep: str
    model: str
    precision: str
    neurons: int
    steps: int
    block: int = DEFAULT_BLOCK


def points(settings: Settings) -> Iterator[Point]:
    """Yield the points of all sweeps."""
    neurons, steps = settings.speed_base
    for model in settings.speed_models:
        for precision in settings.speed_precisions:
            for size in settings.speed_sizes:
                yield Point("size", model, precision, size, steps)
        precision = "float32"
        for block in settings.speed_blocks:
            yield Point("block", model, precision, neurons, steps, block)
        for k in settings.speed_steps:
            yield Point("steps", model, precision, neurons, k)


class Window:
    """A window of a pool that can be launched again and again.

    Args:
        pool: on one device; its state goes on with every launch.
        current: input per neuron, in the model's unit.
        steps: of a launch.
    """

    def __init__(self, pool: GPUNeuronPool, current: Any, steps: int) -> None:
        (partition,) = pool.population.partitions
        drive = ResolvedInput(
            current, pool.num_neurons, pool.dt, steps, pool.neuron_spec.precision.real
        )
        self.spec: KernelSpec = pool.neuron_spec.spec(drive.spec)
        self.device, self.steps = pool.device, steps
        kernel = self.device.kernel(self.spec)
        layout = dataclasses.replace(layout_of(partition, self.spec, drive), window=steps)
        self._run = PartitionRun(partition, kernel, layout)
        self._run.begin(drive, pool.steps, steps, {}, keep=False)
        self._slot = self._run.ready(steps)
        self._graphs: list[Graph] = []

    def spikes(self) -> int:
        """Return the spikes of the last launch."""
        return int(np.bitwise_count(self.device.read(self._slot.values[SPIKE_BITS])).sum())

    def graph(self, windows: int) -> Graph:
        """Return a graph of several launches."""

        def work() -> None:
            for _ in range(windows):
                self._run.enqueue(self._slot, self.steps)

        self._graphs.append(self.device.capture(work))
        return self._graphs[-1]

    def close(self) -> None:
        """Give everything back that the pool does not hold."""
        for graph in self._graphs:
            graph.close()
        self.device.synchronize()
        self._run.partition.clock = None  # the replays moved it
        self._run.close()


def time_all(
    device: Device,
    settings: Settings,
    bounds: Bounds,
    emulated: bool,
    tick: Callable[[str], None],
    deadline: float,
) -> tuple[list[Throughput], list[Skipped]]:
    """Time every point of the settings.

    Args:
        device: with an attribute ``block``.
        settings: what to time.
        bounds: for comparison.
        emulated: leaves the fraction of the bound out.
        tick: is told what comes next.
        deadline: ``time.perf_counter()`` after which no further point is begun.

    Returns:
        The results, and what could not be timed.
    """
    found: list[Throughput] = []
    skipped: list[Skipped] = []
    for point in points(settings):
        what = (
            f"{point.model} {point.precision}, {point.neurons:,} neurons, {point.steps} steps, "
            f"blocks of {point.block}"
        )
        if time.perf_counter() > deadline:
            skipped.append(Skipped(f"timing {what}", "no time left in the budget"))
            continue
        tick(what)
        try:
            result = measure(device, point, settings, bounds)
        except OutOfMemoryError as error:
            skipped.append(Skipped(f"timing {what}", str(error)))
        except SpikecudaError as error:
            skipped.append(Skipped(f"timing {what}", f"failed: {error}"))
        else:
            found.append(dataclasses.replace(result, fraction=None) if emulated else result)
    return found, skipped


def measure(device: Device, point: Point, settings: Settings, bounds: Bounds) -> Throughput:
    """Time one point."""
    load = WORKLOADS[point.model]
    before = getattr(device, "block", DEFAULT_BLOCK)
    device.block = point.block
    try:
        with GPUNeuronPool(
            point.neurons, point.model, precision=point.precision, dt=DT, seed=1, device=device,
            initial=load.initial(),
        ) as pool:  # fmt: skip
            window = Window(pool, load.current(point.neurons), point.steps)
            try:
                graph = window.graph(WINDOWS)
                seconds = replay(device, graph, 1)  # loads the code, and tells how long it takes
                seconds = min(seconds, replay(device, graph, 1))
                replays = min(MAX_REPLAYS, max(1, round(settings.seconds / max(seconds, 1e-7))))
                taken = [replay(device, graph, replays) for _ in range(settings.repeats)]
                spikes = window.spikes()
            finally:
                window.close()
    finally:
        device.block = before
    launches = WINDOWS * replays
    updates = point.neurons * point.steps * launches
    best = updates / max(min(taken), 1e-12)
    hertz = spikes / (point.neurons * point.steps * DT * 1e-3)
    bound, limit = bounds.rate(window.spec, point.neurons, point.steps, hertz)
    return Throughput(
        **dataclasses.asdict(point),
        repeats=len(taken),
        launches=launches,
        best_rate=best,
        median_rate=updates / max(statistics.median(taken), 1e-12),
        nanoseconds=1e9 / best,
        bound_rate=bound,
        fraction=best / bound if bound else None,
        limit=limit,
    )


def replay(device: Device, graph: Graph, times: int) -> float:
    """Return the device's time for some replays, in seconds."""
    start = device.stream.record()
    for _ in range(times):
        graph.replay()
    end = device.stream.record()
    end.synchronize()
    return start.seconds_until(end)
