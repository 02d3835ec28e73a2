"""The whole check."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from spikecuda.devices.base import Device
from spikecuda.errors import SpikecudaValueError
from spikecuda.report.machine import describe_machine
from spikecuda.verify.correctness import compare_all
from spikecuda.verify.figures import Bounds, figures_of
from spikecuda.verify.results import SCHEMA_VERSION, Verification
from spikecuda.verify.sanitize import sanitise
from spikecuda.verify.settings import Settings
from spikecuda.verify.throughput import time_all
from spikecuda.verify.warm import warm

Tick = Callable[[str, str], None]


def verify(
    device: Device, settings: Settings, tick: Tick = lambda phase, what: None
) -> Verification:
    """Check a device: bits, memory accesses, throughput.

    Args:
        device: an open CUDA GPU, or an emulated one.
        settings: how much to check.
        tick: is told the phase ("compile", "compare", "sanitise", "time") and what comes next.

    Returns:
        What was found; ``passed`` sums it up.

    Raises:
        SpikecudaValueError: the device does not run CUDA kernels.
    """
    kind = device.kind
    if kind not in ("cuda", "cuda-emu"):
        raise SpikecudaValueError(
            f'device must be a GPU such as "cuda:0", or "cuda-emu" (got {device.name!r})'
        )
    begin = time.perf_counter()
    created = datetime.now(UTC).isoformat(timespec="seconds")
    emulated = kind == "cuda-emu"
    cc: tuple[int, int] = device.cc  # type: ignore[attr-defined]
    if not emulated:
        cases = tuple(dict.fromkeys(settings.cases + settings.varied))
        warm(cases, cc, lambda what: tick("compile", what))
    comparisons, skipped = compare_all(
        device, settings, lambda what: tick("compare", what), begin + settings.budget
    )
    sanitised = []
    if settings.sanitise:
        sanitised = sanitise(device.name, emulated, lambda what: tick("sanitise", what))
    figures, missing = figures_of(device)
    bounds = Bounds(figures, cc, missing)
    throughput, not_timed = time_all(
        device, settings, bounds, emulated, lambda what: tick("time", what),
        begin + settings.limit,
    )  # fmt: skip
    skipped = [*skipped, *not_timed, *bounds.skipped]
    passed = (
        bool(comparisons)
        and all(c.equal for c in comparisons)
        and not any(s.status == "failed" for s in sanitised)
        and not any(s.reason.startswith("failed") for s in not_timed)
    )
    return Verification(
        SCHEMA_VERSION, created, settings.level, time.perf_counter() - begin, device.name,
        device.description, emulated, f"{cc[0]}.{cc[1]}", passed, describe_machine(), figures,
        comparisons, sanitised, throughput, skipped,
    )  # fmt: skip
