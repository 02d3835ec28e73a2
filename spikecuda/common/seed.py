"""The seed: a 64-bit number from which all random numbers are computed."""

import operator

import numpy as np

from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError


def as_seed(seed: object) -> int:
    """Return the seed as an int in [0, 2^64).

    Raises:
        SpikecudaTypeError: not an integer.
        SpikecudaValueError: out of range.
    """
    try:
        if isinstance(seed, bool):
            raise TypeError
        value = operator.index(seed)  # type: ignore[arg-type]
    except TypeError:
        raise SpikecudaTypeError(f"seed must be an integer (got {seed!r:.80})") from None
    if not 0 <= value < 1 << 64:
        raise SpikecudaValueError(f"seed must be in [0, 2^64) (got {value})")
    return value


def keys(seed: int) -> tuple[np.uint32, np.uint32]:
    """Return the two key words of the counter-based generator."""
    return np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32)
