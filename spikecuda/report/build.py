"""Measure everything a report holds, phase by phase."""

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime

from spikecuda.devices.kinds import CPU, SIMULATED, kind_of, split_name
from spikecuda.devices.open import gpu_status
from spikecuda.observe.monitor import SystemMonitor
from spikecuda.report import context
from spikecuda.report.accuracy import measure_accuracy
from spikecuda.report.compiling import measure_compiling
from spikecuda.report.gallery import GalleryData, make_gallery
from spikecuda.report.headline import make_notes
from spikecuda.report.machine import describe_machine
from spikecuda.report.realtime import measure_realtime
from spikecuda.report.results import SCHEMA_VERSION, Report, Skipped
from spikecuda.report.scaling import measure_scaling, measure_threads
from spikecuda.report.settings import Settings
from spikecuda.report.startup import measure_startup
from spikecuda.report.systems import measure_systems

# Called with the name of the phase and what is being done in it.
Progress = Callable[[str, str], None]


def measure(settings: Settings, progress: Progress) -> tuple[Report, list[GalleryData]]:
    """Return the report and what its gallery shows.

    Args:
        settings: what to measure.
        progress: called with a phase and what is being done in it.
    """
    begin = time.perf_counter()
    devices = [canonical(name) for name in settings.devices] or default_devices()
    report = Report(
        schema=SCHEMA_VERSION,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        level=settings.level,
        seconds=0.0,
        machine=describe_machine(),
        devices=devices,
        settings=asdict(settings) | {"thread_counts": list(settings.threads)},
        context=context.figures(),
    )
    if "noise" not in settings.drives:
        report.skipped.append(Skipped("accuracy with noise", f"left out at level {settings.level}"))
    if not gpu_status().usable and all(kind_of(d) == CPU for d in devices):
        report.skipped.append(Skipped("GPU measurements", gpu_status().reason))
    with SystemMonitor() as monitor:

        def phase(name: str) -> Callable[[str], None]:
            monitor.mark(name)
            progress(name, "")
            return lambda what: progress(name, what)

        report.compile = measure_compiling(settings, devices, phase("compile"))
        report.realtime, skipped = measure_realtime(settings, devices, phase("networks"))
        report.skipped += skipped
        gallery = make_gallery(settings, devices[0], phase("gallery"))
        report.gallery = [data.point for data in gallery]
        tick = phase("accuracy")
        for device in devices:
            report.accuracy += measure_accuracy(settings, device, tick)
        tick = phase("scaling")
        for device in devices:
            speed, memory, skipped = measure_scaling(settings, device, tick)
            report.scaling += speed
            report.memory += memory
            report.skipped += skipped
        if "cpu" in devices:
            report.threads = measure_threads(settings, phase("threads"))
        else:
            report.skipped.append(Skipped("thread scaling", "the CPU is not among the devices"))
        tick = phase("systems")
        for device in devices:
            mixed, partitions, skipped = measure_systems(settings, device, tick)
            report.mixed += mixed
            report.partitions += partitions
            report.skipped += skipped
        report.startup = measure_startup(settings, phase("start-up"))
        if not settings.cold_start:
            report.skipped.append(
                Skipped("start-up with an empty cache", f"left out at level {settings.level}")
            )
    report.utilisation = monitor.as_dict()
    report.notes = make_notes(report)
    report.seconds = time.perf_counter() - begin
    return report, gallery


def canonical(device: str) -> str:
    """Return a device's name as its pools give it: ``cuda-emu`` is ``cuda-emu:0``."""
    kind, number = split_name(device)
    return kind if kind in (CPU, SIMULATED) else f"{kind}:{number}"


def default_devices() -> list[str]:
    """Return every usable GPU and the CPU."""
    return [*(f"cuda:{i}" for i in range(gpu_status().count)), "cpu"]
