"""Spike trains that come from outside the network."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError


@dataclass(frozen=True, eq=False)
class SpikeTrain:
    """Given spikes.

    Args:
        times: ms, float array (spikes,), any order; each is rounded to the grid and must be >= dt.
        neurons: int array (spikes,): which neuron of the view or source each belongs to; None:
            each spike goes to (or comes from) all of them.
        weight: in the receptor's unit, for ``net.drive``.

    A spike that is given to ``net.drive`` arrives at its time; one of a ``net.source`` is sent at
    its time and arrives after its projections' delays.
    """

    times: Any
    neurons: Any = None
    weight: float = 1.0

    def __post_init__(self) -> None:
        times = np.asarray(self.times, dtype=np.float64) if np.size(self.times) else np.empty(0)
        if times.ndim != 1 or not np.isfinite(times).all():
            raise SpikecudaValueError(
                f"times must be a 1-D array of finite times in ms (got shape {times.shape})"
            )
        object.__setattr__(self, "times", times)
        if self.neurons is not None:
            neurons = np.asarray(self.neurons)
            if neurons.shape != times.shape or (neurons.size and neurons.dtype.kind not in "iu"):
                raise SpikecudaTypeError(
                    f"neurons must be one integer for each of the {times.size:,} times (got shape "
                    f"{neurons.shape}, {neurons.dtype})"
                )
            object.__setattr__(self, "neurons", neurons.astype(np.int64))
        if not np.isfinite(self.weight):
            raise SpikecudaValueError(f"weight must be finite (got {self.weight!r})")

    def on_grid(self, dt: float, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the grid points (int64, >= 1) of the spikes and the trains they belong to.

        Args:
            dt: ms.
            size: number of trains; without ``neurons`` all of them have every spike.
        """
        points = np.rint(self.times / dt).astype(np.int64)
        if points.size and points.min() < 1:
            raise SpikecudaValueError(
                f"times must be >= dt = {dt:g} ms (got {self.times.min():g}); a run begins at 0"
            )
        if self.neurons is None:
            return np.repeat(points, size), np.tile(np.arange(size), points.size)
        trains = self.neurons
        if trains.size and (trains.min() < 0 or trains.max() >= size):
            bad = int(trains.min() if trains.min() < 0 else trains.max())
            raise SpikecudaValueError(f"neurons must be from 0 to {size - 1:,} (got {bad:,})")
        return points, trains

    def most_at_once(self, dt: float, size: int) -> int:
        """Return how many spikes of one train fall on one grid point, at most."""
        points, trains = self.on_grid(dt, size)
        if not points.size:
            return 1
        _, counts = np.unique(np.stack([points, trains]), axis=1, return_counts=True)
        return int(counts.max())
