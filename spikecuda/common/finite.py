"""Find values in stored state that are not finite."""

import functools
from collections.abc import Callable

import numpy as np


def first_not_finite(stored: np.ndarray) -> int:
    """Return the index of the first NaN or infinity, or -1.

    Args:
        stored: float32, float64, or the bits of float16 as uint16; contiguous.
    """
    return int(_search(stored.dtype)(stored))


@functools.cache
def _search(dtype: np.dtype) -> Callable[[np.ndarray], int]:
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    search: Callable[[np.ndarray], int] = getattr(
        load_cpu_loop("finite"), f"first_not_finite_{dtype.name}"
    )
    return search
