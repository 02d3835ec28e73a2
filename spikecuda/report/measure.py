"""Time a pool until the figure is stable."""

import math
import statistics
import time
from dataclasses import dataclass
from typing import Any

from spikecuda.devices.kinds import CPU, kind_of
from spikecuda.pool.pool import GPUNeuronPool
from spikecuda.report.results import SpeedPoint
from spikecuda.report.workloads import DT, WORKLOADS

MAX_REPEATS = 50
# Fewer steps would mostly time what is done once in a run, such as checking the input.
MIN_STEPS = 50


@dataclass(frozen=True)
class Timing:
    """How long runs of a pool took.

    Attributes:
        steps: steps of each.
        seconds: wall-clock time of each, from input to spike list.
        kernel_seconds: the part in update kernels, of all of them.
        buffers: bytes by name, largest seen while running.
    """

    steps: int
    seconds: list[float]
    kernel_seconds: float
    buffers: dict[str, int]


def open_pool(
    model: str,
    precision: str,
    neurons: int,
    *,
    device: str = "cpu",
    threads: int | None = None,
    seed: int = 1,
    **options: Any,
) -> GPUNeuronPool:
    """Return a pool with the start values of the model's workload."""
    return GPUNeuronPool(
        neurons, model, precision=precision, dt=DT, seed=seed, device=device,
        threads=threads if kind_of(device) == CPU else None,
        initial=WORKLOADS[model].initial(), **options,
    )  # fmt: skip


def time_pool(pool: GPUNeuronPool, current: Any, seconds: float, repeats: int) -> Timing:
    """Run a pool again and again; each run is long enough to be timed well.

    Args:
        pool: the pool; it goes on from where it is.
        current: its input.
        seconds: least time of all repeats together.
        repeats: least number of repeats.
    """
    buffers: dict[str, int] = {}

    def look(done: int, total: int) -> None:
        m = pool.metrics()
        for name, size in (m.device_bytes or m.host_bytes).items():
            buffers[name] = max(buffers.get(name, 0), size)

    # The first run builds the kernel and touches the memory; the second tells the speed.
    pool.run(steps=16, input=current)
    begin = time.perf_counter()
    pool.run(steps=16, input=current)
    guess = (time.perf_counter() - begin) / 16
    steps = _steps(seconds / repeats, guess)
    for _ in range(2):
        begin = time.perf_counter()
        pool.run(steps=steps, input=current, progress=look)
        once = time.perf_counter() - begin
        if once >= 0.5 * seconds / repeats or steps == MIN_STEPS:
            break
        # Short runs are mostly start-up: the first guess was too few steps.
        steps = _steps(seconds / repeats, once / steps)
    kernel = pool.metrics().kernel_seconds
    taken: list[float] = []
    while len(taken) < MAX_REPEATS and (len(taken) < repeats or sum(taken) < seconds):
        begin = time.perf_counter()
        pool.run(steps=steps, input=current)
        taken.append(time.perf_counter() - begin)
        if len(taken) >= 3 and sum(taken) > 3 * seconds:
            break
    return Timing(steps, taken, pool.metrics().kernel_seconds - kernel, buffers)


def _steps(seconds: float, per_step: float) -> int:
    return max(MIN_STEPS, min(math.ceil(seconds / per_step), 1_000_000))


def speed_point(pool: GPUNeuronPool, timing: Timing, threads: int) -> SpeedPoint:
    """Return a pool's timing as a point of the report."""
    updates = timing.steps * pool.num_neurons
    best = updates / min(timing.seconds)
    return SpeedPoint(
        model=pool.model.name,
        precision=pool.precision,
        device=pool.device.name,
        threads=threads if pool.device.kind == CPU else 0,
        neurons=pool.num_neurons,
        steps=timing.steps,
        repeats=len(timing.seconds),
        best_rate=best,
        median_rate=updates / statistics.median(timing.seconds),
        kernel_rate=updates * len(timing.seconds) / timing.kernel_seconds,
        nanoseconds=1e9 / best,
        mean_rate=pool.metrics().mean_rate,
        memory=sum(timing.buffers.values()),
    )
