"""Find values in stored state that are not finite."""

import functools
from collections.abc import Callable, Sequence

import numpy as np


def first_not_finite(stored: np.ndarray) -> int:
    """Return the index of the first NaN or infinity, or -1.

    Args:
        stored: float32, float64, or the bits of float16 as uint16; contiguous.
    """
    return int(_search(stored.dtype)(stored))


class FiniteCheck:
    """Tells whether arrays that stay where they are hold a NaN or an infinity.

    Args:
        arrays: float32, float64, or the bits of float16 as uint16; contiguous.
    """

    def __init__(self, arrays: Sequence[np.ndarray]) -> None:
        self._kept = list(arrays)
        rows = [(array.ctypes.data, array.size, array.itemsize) for array in arrays]
        self._table = np.array(rows, np.int64).reshape(-1, 3)
        self._search: Callable[[np.ndarray], int] | None = None

    def passes(self) -> bool:
        """Tell whether all are finite."""
        if self._search is None:
            from spikecuda.kernels.compile.cpu import load_cpu_loop

            self._search = load_cpu_loop("finite").any_not_finite
        return self._search(self._table) < 0


@functools.cache
def _search(dtype: np.dtype) -> Callable[[np.ndarray], int]:
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    search: Callable[[np.ndarray], int] = getattr(
        load_cpu_loop("finite"), f"first_not_finite_{dtype.name}"
    )
    return search
