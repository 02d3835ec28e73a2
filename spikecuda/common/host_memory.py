"""Facts about this machine."""

import functools
import platform
from pathlib import Path

import psutil

# Leave this much to the rest of the machine.
RESERVE = 256 << 20


def available_memory() -> int:
    """Return how many bytes can be allocated: free memory, within the control group's limit."""
    available = psutil.virtual_memory().available
    limit, used = _control_group()
    if limit:
        available = min(available, limit - used)
    return max(0, int(available) - RESERVE)


def total_memory() -> int:
    """Return the machine's memory in bytes, or its control group's limit if that is smaller."""
    total = int(psutil.virtual_memory().total)
    limit, _ = _control_group()
    return min(total, limit) if limit else total


def _control_group() -> tuple[int, int]:
    """Return the control group's memory limit and use, or zeros where there is none."""
    for limit_file, used_file in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        (
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        ),
    ):
        try:
            limit = Path(limit_file).read_text(encoding="utf-8").strip()
            if limit != "max" and int(limit) < 1 << 60:
                return int(limit), int(Path(used_file).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
    return 0, 0


@functools.cache
def cpu_name() -> str:
    """Return the processor's name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
