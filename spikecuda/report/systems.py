"""Systems: the speed of a mixture beside that of single pools, over partitions, and its memory."""

import contextlib
import statistics
import time
from collections.abc import Callable
from typing import Any

from spikecuda.devices.base import Device
from spikecuda.devices.kinds import CPU, CUDA, kind_of
from spikecuda.devices.open import gpu_status, open_device
from spikecuda.errors import OutOfMemoryError
from spikecuda.pool.pool import GPUNeuronPool
from spikecuda.pool.system import MultiGPUNeuronSystem
from spikecuda.report.measure import open_pool
from spikecuda.report.results import MixedPoint, PartitionPoint, Skipped
from spikecuda.report.settings import Settings
from spikecuda.report.workloads import DT, WORKLOADS

PRECISION = "float32"
LEAST_STEPS = 50
# Shorter repeats measure the waking of threads: 200,000 neurons over two CPU devices came to 1.1 to
# 1.3 times one in 0.04 s, to 1.7 times in 0.3 s.
LEAST_SECONDS = 0.1


def measure_systems(
    settings: Settings, device: str, tick: Callable[[str], None]
) -> tuple[list[MixedPoint], list[PartitionPoint], list[Skipped]]:
    """Return the rows of a mixed system, its speed over partitions, and what was not measured."""
    try:
        tick(f"{settings.system_neurons:,} neurons beside single pools on {device}")
        mixed = measure_mixed(settings, device)
        tick(f"partitions on {device}")
        return mixed, measure_partitions(settings, device), []
    except OutOfMemoryError as error:
        return [], [], [Skipped(f"systems on {device}", str(error))]


def measure_mixed(settings: Settings, device: str) -> list[MixedPoint]:
    """Return a row for each type and one for all of them.

    In each repeat the pools run one after the other and then the system, so that other programs
    disturb both alike; the whole's ratio is the median over repeats.
    """
    neurons, held = settings.system_neurons, _Held()
    threads = settings.threads[-1] if kind_of(device) == CPU else None
    opened = open_device(device, threads)
    with contextlib.closing(opened), _system(settings, [opened], neurons) as system:
        current = _current(settings, system)
        options: dict[str, Any] = {"device": device, "threads": threads, "seed": settings.seed}
        pools = {
            name: open_pool(name, PRECISION, n, **options) for name, n in system.counts.items()
        }
        try:
            steps = _steps(settings, system, current)
            system.run(steps=steps, input=current, progress=lambda done, total: held.look(system))
            system.reset()
            for pool in pools.values():
                pool.reset()
            alone: dict[str, list[float]] = {name: [] for name in pools}
            together: list[float] = []
            for repeat in range(settings.repeats + 1):
                for name, pool in pools.items():
                    taken = _timed(pool, steps, current[name])
                    alone[name] += [taken] if repeat else []
                taken = _timed(system, steps, current)
                together += [taken] if repeat else []
        finally:
            for pool in pools.values():
                pool.close()
        figures = system.metrics()
    singles = [sum(times) for times in zip(*alone.values(), strict=True)]
    ratio = statistics.median(s / t for s, t in zip(singles, together, strict=True))
    rows = []
    for name, n in system.counts.items():
        rate = n * steps / statistics.median(alone[name])
        rows.append((name, n, figures[name]["updates_per_second"], rate, None))
    updates = neurons * steps
    rows.append(
        ("total", neurons, updates / statistics.median(together),
         updates / statistics.median(singles), ratio)
    )  # fmt: skip
    return [
        MixedPoint(
            model=name, precision=PRECISION, device=device, neurons=n, steps=steps,
            repeats=settings.repeats, rate=rate, single_rate=single, ratio=of_singles,
            mean_rate=figures[name]["mean_rate"], memory=held.most[name] / n,
        )
        for name, n, rate, single, of_singles in rows
    ]  # fmt: skip


def measure_partitions(settings: Settings, device: str) -> list[PartitionPoint]:
    """Return the speed of the mixture over 1, 2, 4 devices, one CPU thread or one GPU each."""
    neurons, result = settings.system_neurons, []
    for count in settings.partition_counts:
        devices = _devices(device, count)
        try:
            with _system(settings, devices, neurons) as system:
                current = _current(settings, system)
                steps = _steps(settings, system, current)
                taken = [_timed(system, steps, current) for _ in range(settings.repeats)]
        finally:
            for opened in devices:
                opened.close()
        result.append(
            PartitionPoint(
                device=device, precision=PRECISION, neurons=neurons, devices=count, steps=steps,
                repeats=settings.repeats, best_rate=neurons * steps / min(taken),
                median_rate=neurons * steps / statistics.median(taken),
            )
        )  # fmt: skip
    return result


class _Held:
    """The most bytes that each type has held at a time."""

    def __init__(self) -> None:
        self.most: dict[str, float] = {}

    def look(self, system: MultiGPUNeuronSystem) -> None:
        for name, row in system.metrics().items():
            self.most[name] = max(self.most.get(name, 0.0), row["bytes"])


def _system(
    settings: Settings, devices: list[str] | list[Device], neurons: int
) -> MultiGPUNeuronSystem:
    return MultiGPUNeuronSystem(
        neurons, neurons, settings.models, devices=devices, precision=PRECISION, dt=DT,
        seed=settings.seed, initial={name: WORKLOADS[name].initial() for name in settings.models},
    )  # fmt: skip


def _devices(device: str, count: int) -> list[Device]:
    """Return open devices of one kind: CPU devices with a thread each, GPUs in turn."""
    kind = kind_of(device)
    if kind == CPU:
        return [open_device(f"cpu:{i}", 1) for i in range(count)]
    several = gpu_status().count if kind == CUDA else count
    return [open_device(f"{kind}:{i % several}") for i in range(count)]


def _current(settings: Settings, system: MultiGPUNeuronSystem) -> dict[str, Any]:
    return {name: WORKLOADS[name].current(n, settings.seed) for name, n in system.counts.items()}


def _steps(settings: Settings, system: MultiGPUNeuronSystem, current: Any) -> int:
    """Return the steps of a repeat, so that all repeats together take the time that is set."""
    system.run(steps=16, input=current)
    once = _timed(system, LEAST_STEPS, current) / LEAST_STEPS
    return max(LEAST_STEPS, round(max(settings.seconds / settings.repeats, LEAST_SECONDS) / once))


def _timed(made: GPUNeuronPool | MultiGPUNeuronSystem, steps: int, current: Any) -> float:
    """Return the time of a run, the list of all its spikes included, in seconds."""
    begin = time.perf_counter()
    _ = made.run(steps=steps, input=current).spikes
    return time.perf_counter() - begin
