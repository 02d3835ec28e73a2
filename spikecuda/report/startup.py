"""Start-up: from a fresh Python process to the first spikes."""

import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise

from spikecuda.report.child import timed
from spikecuda.report.results import StartupPoint
from spikecuda.report.settings import Settings

NEURONS, STEPS, CURRENT = 1000, 100, 200.0
MEASURED = ("import_package", "first_pool", "first_run", "second_run")


def measure_startup(settings: Settings, tick: Callable[[str], None]) -> list[StartupPoint]:
    """Return the start-up times with a warm cache and, if wanted, with an empty one."""
    points = []
    tick("warm cache")
    # Fills the cache, so that the next process finds all it needs.
    timed("spikecuda.report.startup:first_run", None)
    points.append(_point("warm", settings.startup_repeats, None, tick))
    if settings.cold_start:
        tick("empty cache")
        with tempfile.TemporaryDirectory(prefix="spikecuda-report-") as folder:
            points.append(_point("empty", 1, folder, tick))
    return points


def _point(
    cache: str, repeats: int, folder: str | None, tick: Callable[[str], None]
) -> StartupPoint:
    runs = []
    for _ in range(repeats):
        found, whole = timed("spikecuda.report.startup:first_run", None, folder)
        runs.append({**found, "whole_process": whole})
    medians = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    return StartupPoint(cache=cache, repeats=repeats, **medians)


def first_run(argument: object, begin: float) -> dict[str, float]:
    """Import the package, build a pool and run it twice; runs in the fresh process.

    Args:
        argument: not used.
        begin: ``time.perf_counter`` at the start of the process's code.
    """
    from spikecuda import GPUNeuronPool

    # The module of this function imports next to nothing but the package itself.
    marks = [begin, time.perf_counter()]
    with GPUNeuronPool(NEURONS, "lif") as pool:
        marks.append(time.perf_counter())
        for _ in range(2):
            pool.run(steps=STEPS, input=CURRENT)
            marks.append(time.perf_counter())
    return dict(zip(MEASURED, [b - a for a, b in pairwise(marks)], strict=True))
