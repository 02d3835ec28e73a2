"""Find what is not finite."""

import numpy as np

from spikecuda.kernels.compile.entry import loop
from spikecuda.kernels.network.machine import float32_at, float64_at, uint16_at


def _first_not_finite(values):
    """Return the index of the first NaN or infinity in a float array, or -1."""
    for start in range(0, values.size, 4096):
        stop = min(start + 4096, values.size)
        bad = False
        for j in range(start, stop):
            bad |= not (abs(values[j]) < np.inf)
        if bad:
            for j in range(start, stop):
                if not (abs(values[j]) < np.inf):
                    return j
    return -1


@loop("int64(int64[:,::1])")
def any_not_finite(arrays):
    """Return the number of the first array that holds a NaN or an infinity, or -1.

    Args:
        arrays: address, elements and bytes of an element of each: 2 for the bits of float16.
    """
    for i in range(arrays.shape[0]):
        address, size, width = arrays[i, 0], arrays[i, 1], arrays[i, 2]
        bad = False
        if width == 8:
            wide = float64_at(address, size)
            for j in range(size):
                bad |= not (abs(wide[j]) < np.inf)
        elif width == 4:
            single = float32_at(address, size)
            for j in range(size):
                bad |= not (abs(single[j]) < np.inf)
        else:
            half = uint16_at(address, size)
            for j in range(size):
                bad |= (half[j] & np.uint16(0x7C00)) == np.uint16(0x7C00)
        if bad:
            return i
    return -1


first_not_finite_float32 = loop("int64(float32[::1])")(_first_not_finite)
first_not_finite_float64 = loop("int64(float64[::1])")(_first_not_finite)


@loop("int64(uint16[::1])")
def first_not_finite_uint16(bits):
    """Return the index of the first NaN or infinity in float16 bits (uint16), or -1."""
    for start in range(0, bits.size, 4096):
        stop = min(start + 4096, bits.size)
        bad = False
        for j in range(start, stop):
            bad |= (bits[j] & np.uint16(0x7C00)) == np.uint16(0x7C00)
        if bad:
            for j in range(start, stop):
                if (bits[j] & np.uint16(0x7C00)) == np.uint16(0x7C00):
                    return j
    return -1
