"""float16 storage of one state variable."""

import math

import numpy as np

from spikecuda.errors import SpikecudaValueError

# Kernels keep 2^112 times what is stored, and round with the help of 0.75 times that: GRID in
# kernels/numerics/half.py.  Their numbers are float32, which limits what a codec can be.
LIFT, GRID = 2.0**112, 0.75 * 2.0**112
SMALLEST_SPAN, LARGEST_SPAN = 2.0**-14, 1e30
FARTHEST_ORIGIN = 65504


class HalfCodec:
    """Values kept as ``stored = (value - origin) / span`` in half precision.

    Attributes:
        origin: value stored as 0.
        span: value stored as 1, relative to the origin.
        unit: the span over 2^112: a kernel decodes its lifted numbers by one fma.
        gain, shift: the constants of ``lifted + GRID = value * gain + shift``.

    Raises:
        SpikecudaValueError: if a kernel's float32 numbers could not hold the origin or the span.
    """

    def same(self, other: "HalfCodec") -> bool:
        """Tell whether another one stores every value alike."""
        return (self.origin, self.span) == (other.origin, other.span)

    def __init__(self, name: str, origin: float, span: float) -> None:
        if not (math.isfinite(origin) and SMALLEST_SPAN <= abs(span) <= LARGEST_SPAN):
            raise SpikecudaValueError(
                f"float16 storage of {name} needs a finite origin and a span whose size is from "
                f"{SMALLEST_SPAN:.2g} to {LARGEST_SPAN:g} (got {origin!r}, {span!r}); declare "
                f"State(..., origin=..., span=...), in a unit in which the values are not tiny"
            )
        if abs(origin) > FARTHEST_ORIGIN * abs(span):
            raise SpikecudaValueError(
                f"float16 storage of {name} needs an origin within {FARTHEST_ORIGIN} spans of 0 "
                f"(got {origin!r} with a span of {span!r}); declare State(..., origin=..., "
                f"span=...)"
            )
        self.origin, self.span = np.float32(origin), np.float32(span)
        self.unit = np.float32(np.float64(self.span) / LIFT)
        self.gain = np.float32(LIFT / np.float64(self.span))
        self.shift = np.float32(GRID - np.float64(self.origin) * np.float64(self.gain))

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
