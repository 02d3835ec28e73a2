"""float16 storage of one state variable."""

import math

import numpy as np

from spikecuda.errors import SpikecudaValueError


class Codec:
    """Values kept as ``stored = (value - origin) / span`` in half precision.

    Attributes:
        origin: value stored as 0.
        span: value stored as 1, relative to the origin.
        gain, shift: the constants of ``stored = value * gain + shift``.
    """

    PARTS = ("origin", "span", "gain", "shift")

    def __init__(self, name: str, origin: float, span: float) -> None:
        if not (math.isfinite(origin) and math.isfinite(span) and abs(span) > 1e-30):
            raise SpikecudaValueError(
                f"float16 storage of {name} needs a finite origin and a span other than 0 (got "
                f"{origin!r}, {span!r}); declare State(..., origin=..., span=...)"
            )
        self.origin, self.span = np.float32(origin), np.float32(span)
        self.gain = np.float32(1.0 / np.float64(self.span))
        self.shift = np.float32(-np.float64(self.origin) / np.float64(self.span))

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Return float64 values as float16 bits, rounded to nearest."""
        scaled = (values - np.float64(self.origin)) / np.float64(self.span)
        with np.errstate(over="ignore"):
            return scaled.astype(np.float16).view(np.uint16)

    def decode(self, bits: np.ndarray) -> np.ndarray:
        """Return the float32 values that a kernel sees.

        The product of a half and a float32 is exact in float64, so the float64 sum rounded to
        float32 is the kernel's fma but for double rounding, which needs a tie within 2^-29.
        """
        scaled = bits.view(np.float16).astype(np.float64)
        return (scaled * np.float64(self.span) + np.float64(self.origin)).astype(np.float32)
