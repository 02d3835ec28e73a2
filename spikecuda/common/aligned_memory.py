"""Memory of the host that begins at a cache line."""

import numpy as np
from numpy.typing import DTypeLike

ALIGNMENT = 64  # a cache line, and the widest vector register


def aligned_bytes(size: int, alignment: int = ALIGNMENT, *, lazy: bool = True) -> np.ndarray:
    """Return ``size`` zero bytes at an aligned address.

    Args:
        size: how many.
        alignment: a power of two.
        lazy: take pages when they are touched; else at once, as huge pages where there are any:
            NumPy asks for those only for what the system has not zeroed.
    """
    raw = (np.zeros if lazy else np.empty)(size + alignment, np.uint8)
    start = -raw.ctypes.data % alignment
    found = raw[start : start + size]
    if not lazy:
        found[:] = 0
    return found


def aligned_zeros(count: int, dtype: DTypeLike, *, lazy: bool = True) -> np.ndarray:
    """Return ``count`` zeros at an aligned address; see ``aligned_bytes``."""
    kind = np.dtype(dtype)
    return aligned_bytes(count * kind.itemsize, lazy=lazy).view(kind)
