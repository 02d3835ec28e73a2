"""Which neuron a pixel's events belong to."""

from dataclasses import dataclass

import numpy as np

from spikecuda.common.arguments import as_count
from spikecuda.errors import SpikecudaValueError, shown

POLARITIES = ("both", "on", "off", "split")
LARGEST = 2**15


@dataclass(frozen=True)
class Pixels:
    """A part of a sensor as neurons: squares of pixels, row by row from the pixel (left, top).

    Args:
        width, height: of the part, pixels, 1 to 32768.
        left, top: its first column and row; events elsewhere belong to no neuron.
        pool: side of the squares of pixels that share a neuron; the last ones may be smaller.
        polarity: "both": ON and OFF events go to the same neuron; "on", "off": only these count;
            "split": each square has two neurons, those of OFF events after all those of ON events.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
    """

    width: int
    height: int
    left: int = 0
    top: int = 0
    pool: int = 1
    polarity: str = "both"

    def __post_init__(self) -> None:
        for name, low in (("width", 1), ("height", 1), ("left", 0), ("top", 0), ("pool", 1)):
            value = as_count(name, getattr(self, name), low, LARGEST)
            object.__setattr__(self, name, value)
        if not isinstance(self.polarity, str) or self.polarity not in POLARITIES:
            raise SpikecudaValueError(
                f"polarity must be one of {', '.join(POLARITIES)} (got {shown(self.polarity)})"
            )

    @property
    def columns(self) -> int:
        """Squares in a row."""
        return -(-self.width // self.pool)

    @property
    def rows(self) -> int:
        """Rows of squares."""
        return -(-self.height // self.pool)

    @property
    def size(self) -> int:
        """Number of neurons."""
        return self.columns * self.rows * (2 if self.polarity == "split" else 1)

    def neurons(
        self, x: np.ndarray, y: np.ndarray, polarity: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return which events count, bool (events,), and the neurons of those, int64.

        Args:
            x, y: columns and rows, int arrays (events,).
            polarity: whether light grew, bool array (events,).
        """
        column, row = np.asarray(x, np.int64) - self.left, np.asarray(y, np.int64) - self.top
        on = np.asarray(polarity, bool)
        inside = (column >= 0) & (column < self.width) & (row >= 0) & (row < self.height)
        if self.polarity in ("on", "off"):
            inside &= on == (self.polarity == "on")
        found = row[inside] // self.pool * self.columns + column[inside] // self.pool
        if self.polarity == "split":
            found += np.where(on[inside], 0, self.columns * self.rows)
        return inside, found
