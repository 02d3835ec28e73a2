"""Facts about this machine."""

import functools
import platform
from pathlib import Path

import numpy as np
import psutil

from spikecuda.common.memory_limits import limits
from spikecuda.errors import OutOfMemoryError

# Leave this much to the rest of the machine.
RESERVE = 256 << 20
# Asking the system how much is free takes 0.2 ms.
TRIFLE = 1 << 20


def available_memory() -> int:
    """Return how many bytes can be allocated: free memory, within every limit of the process."""
    available = int(psutil.virtual_memory().available)
    left = min((limit.left for limit in limits()), default=available)
    return max(0, min(available, left) - RESERVE)


def shortage() -> str:
    """Return how much memory is available and, if it is a limit of the process, which."""
    machine = int(psutil.virtual_memory().available)
    text = f"available: {available_memory() / 1e9:,.2f} GB"
    least = min(limits(), key=lambda limit: limit.left, default=None)
    return f"{text}, {least.name}" if least is not None and least.left < machine else text


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
