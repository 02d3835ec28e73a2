"""Facts about this machine."""

import functools
import platform
from pathlib import Path

import numpy as np
import psutil

from spikecuda.common.memory_limits import Limit, limits
from spikecuda.errors import OutOfMemoryError

# Leave this much to the rest of the machine.
RESERVE = 256 << 20
# Asking the system how much is free takes 0.2 ms.
TRIFLE = 1 << 20


def available_memory() -> int:
    """Return how many bytes can be allocated: free memory, within every limit of the process."""
    free = int(psutil.virtual_memory().available) - RESERVE
    return max(0, min([free, *(_left(limit) for limit in limits())]))


def binding_limit() -> str:
    """Return ", " and the limit of the process that leaves less than the machine has, or ""."""
    least = min(limits(), key=_left, default=None)
    if least is None or _left(least) >= int(psutil.virtual_memory().available) - RESERVE:
        return ""
    return f", {least.name}"


def shortage() -> str:
    """Return how much memory is available and, if it is a limit of the process, which."""
    return f"available: {available_memory() / 1e9:,.2f} GB{binding_limit()}"


def _left(limit: Limit) -> int:
    """Return what of a limit can be allocated: the rest goes to others, or to code and threads."""
    return limit.left - (min(RESERVE, limit.left // 4) if limit.own else RESERVE)


def require_memory(size: float, what: str, remedy: str) -> None:
    """Raise OutOfMemoryError unless so many bytes can be allocated on the host.

    Args:
        size: bytes; where they are few, nobody asks how much is free.
        what: they are for.
        remedy: what to do if they are not there.
    """
    if size > TRIFLE and size > available_memory():
        raise OutOfMemoryError(f"{what} needs {size / 1e9:,.2f} GB ({shortage()}); {remedy}")


def host_array(count: int, what: str) -> np.ndarray:
    """Return an array of so many float64 numbers, not yet set; see ``require_memory``."""
    require_memory(8.0 * count, what, "use fewer neurons, or one number for all of them")
    return np.empty(count, np.float64)


def total_memory() -> int:
    """Return the machine's memory in bytes, or the smallest limit of this process below it."""
    total = int(psutil.virtual_memory().total)
    return min([total, *(limit.size for limit in limits())])


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
