"""Find what is not finite in stored state."""

import numpy as np


def first_not_finite(stored: np.ndarray) -> int:
    """Return the index of the first NaN or infinity, or -1.

    Args:
        stored: float32, float64, or the bits of float16 as uint16; contiguous.
    """
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    return int(getattr(load_cpu_loop("finite"), f"first_not_finite_{stored.dtype.name}")(stored))
