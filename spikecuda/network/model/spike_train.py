"""Given spike trains, from outside the network."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_count, as_real, shown
from spikecuda.common.arrays import WHOLE, take_reals, view_array, whole_numbers
from spikecuda.common.distributions import Uniform
from spikecuda.common.host_memory import require_memory
from spikecuda.common.seed import as_seed
from spikecuda.common.time_grid import NEVER, nearest_steps
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.kernels.spec import STREAM_GIVEN
from spikecuda.network.model.population import Population

# Bytes of a spike while trains are drawn: gap, owner, time, and what makes them.
DRAWN = 40.0


@dataclass(frozen=True, eq=False)
class SpikeTrain:
    """Given spikes.

    With ``net.drive``, a spike arrives at its time.  With ``net.source``, it is sent at its time
    and arrives after the delay of each projection.

    Args:
        times: ms, float array (spikes,), > 0, in any order.  Each is rounded to the nearest grid
            point, half-way to the later one, and is at least dt.  A spike at infinity, or beyond
            2^62 steps, never occurs.
        neurons: int array (spikes,): the neuron of the view or source that each spike belongs to;
            None: each spike goes to (or comes from) all of them.
        weight: in the receptor's unit, for ``net.drive``.
    """

    times: Any
    neurons: Any = None
    weight: float = 1.0

    def __post_init__(self) -> None:
        times = take_reals("times", self.times, "a 1-D array of times in ms")
        if times.ndim != 1 or np.isnan(times).any():
            raise SpikecudaValueError(
                "times must be a 1-D array of finite times in ms, or infinity for never (got "
                f"{'NaN' if times.ndim == 1 else shown(times)})"
            )
        object.__setattr__(self, "times", times)
        if self.neurons is not None:
            need = f"one integer for each of the {times.size:,} times"
            neurons = view_array("neurons", self.neurons, need, WHOLE)
            if neurons.shape != times.shape:
                raise SpikecudaTypeError(f"neurons must be {need} (got shape {neurons.shape})")
            object.__setattr__(self, "neurons", whole_numbers("neurons", neurons, need))
        weight = as_real("weight", self.weight)
        if not math.isfinite(weight):
            raise SpikecudaValueError(f"weight must be finite (got {weight!r})")
        object.__setattr__(self, "weight", weight)

    @staticmethod
    def poisson(
        n: int, rate: float, start: float, stop: float, *, weight: float = 1.0, seed: int = 0
    ) -> "SpikeTrain":
        """Return independent Poisson trains from ``start`` to ``stop``.

        For input without end, use a drive with ``Poisson``, which takes no memory.

        Args:
            n: number of trains.
            rate: of each train, Hz, >= 0.
            start, stop: ms, 0 <= start < stop, finite.
            weight: see ``SpikeTrain``.
            seed: of the draw; use different seeds for different trains.
        """
        size = as_count("n", n, 1, 2**31 - 1)
        rate, start, stop = (
            as_real(name, value, unit)
            for name, value, unit in (("rate", rate, "Hz"), ("start", start, "ms"),
                                      ("stop", stop, "ms"))
        )  # fmt: skip
        if not (math.isfinite(rate) and rate >= 0):
            raise SpikecudaValueError(f"rate must be >= 0 Hz (got {rate!r})")
        if not 0 <= start < stop < math.inf:
            raise SpikecudaValueError(
                f"start and stop must be 0 <= start < stop ms (got {start!r}, {stop!r})"
            )
        # All trains together are one Poisson process whose spikes are dealt to them at random.
        mean = size * rate * (stop - start) * 1e-3
        require_memory(
            DRAWN * mean,
            "a list of given spikes",
            "use a drive with Poisson, which takes no memory",
        )  # fmt: skip
        enough = math.ceil(mean + 12.0 * math.sqrt(mean) + 40.0)
        gaps, owner = (
            Uniform(0.0, 1.0).draw(enough, stream, as_seed(seed))
            for stream in (STREAM_GIVEN, STREAM_GIVEN + 1)
        )
        times = np.cumsum(-np.log1p(-gaps)) * ((stop - start) / mean if mean else math.inf)
        inside = times < stop - start
        chosen = np.minimum((owner[inside] * size).astype(np.int64), size - 1)
        return SpikeTrain(start + times[inside], chosen, weight)

    def on_grid(self, dt: float, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the grid points (int64, >= 1) of the spikes and the trains they belong to.

        Args:
            dt: ms.
            size: number of trains; without ``neurons`` all of them have every spike.
        """
        if self.times.size and self.times.min() <= 0:
            raise SpikecudaValueError(
                f"times must be > 0 ms (got {self.times.min():g}); a run begins at 0"
            )
        points = np.maximum(nearest_steps(self.times, dt), 1)
        come = points < NEVER
        points = points[come]
        if self.neurons is None:
            return np.repeat(points, size), np.tile(np.arange(size), points.size)
        trains = self.neurons
        if trains.size and (trains.min() < 0 or trains.max() >= size):
            bad = int(trains.min() if trains.min() < 0 else trains.max())
            raise SpikecudaValueError(f"neurons must be from 0 to {size - 1:,} (got {bad:,})")
        return points, trains[come]

    def most_at_once(self, dt: float, size: int) -> int:
        """Return how many spikes of one train fall on one grid point, at most."""
        points, trains = self.on_grid(dt, size)
        if not points.size:
            return 1
        later, more = np.diff(points), np.diff(trains)
        if not np.all((later > 0) | ((later == 0) & (more >= 0))):
            order = np.lexsort((trains, points))
            later, more = np.diff(points[order]), np.diff(trains[order])
        ends = np.flatnonzero((later != 0) | (more != 0))
        return int(np.diff(np.concatenate([[-1], ends, [points.size - 1]])).max())


def external_spikes(sources: Sequence[tuple[Population, SpikeTrain, int]], dt: float) -> np.ndarray:
    """Return the spikes of sources as an engine takes them: int64 (spikes, 3), sorted.

    Columns: step at whose end a spike is sent, number of the source, train.

    Args:
        sources: source, its spikes, and how many steps before their times they are sent: 1 for a
            drive, whose delay it is.
        dt: ms.
    """
    rows = [np.empty((0, 3), np.int64)]
    for source, train, early in sources:
        points, trains = train.on_grid(dt, source.size)
        number = np.full(points.size, source.number)
        rows.append(np.stack([points - 1 - early, number, trains], axis=1))
    merged = np.concatenate(rows)
    return np.ascontiguousarray(merged[np.argsort(merged[:, 0], kind="stable")])
