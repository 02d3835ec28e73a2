"""Events of an event camera: pixel, polarity and time of each."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_positive, as_real
from spikecuda.errors import SpikecudaIndexError, SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.events.pixels import Pixels
from spikecuda.network.model.spike_train import SpikeTrain

# ms: an event at time 0 of a run arrives at its first grid point.
EARLIEST = 1e-9


@dataclass(frozen=True, eq=False)
class Events:
    """Events in the order of the recording; see ``read_events``.

    Attributes:
        x, y: column and row of the pixel, int32 (events,), with the origin of the recording.
        polarity: whether light grew, bool (events,).
        time: ms, float64 (events,), as in the recording.
        skipped: what the recording has beside events of pixels, and is left out: number by kind.
    """

    x: np.ndarray
    y: np.ndarray
    polarity: np.ndarray
    time: np.ndarray
    skipped: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.time.size

    def __getitem__(self, which: Any) -> "Events":
        """Return some events: a slice, numbers of events, or a bool array (events,)."""
        try:
            chosen = np.arange(len(self))[which]
            if chosen.ndim > 1:
                raise IndexError("too many dimensions")
        except (IndexError, TypeError, ValueError) as error:
            raise SpikecudaIndexError(
                f"events are chosen by a slice, numbers or a bool array ({len(self):,},) (got "
                f"{shown(which)}: {error})"
            ) from None
        kept = np.atleast_1d(chosen)
        return Events(self.x[kept], self.y[kept], self.polarity[kept], self.time[kept])

    def __repr__(self) -> str:
        if not len(self):
            return "<Events: none>"
        first, last = self.time.min(), self.time.max()
        return f"<Events: {len(self):,} from {first:g} to {last:g} ms>"

    def train(
        self, pixels: Pixels, *, start: float = 0.0, speed: float = 1.0, origin: float | None = None
    ) -> SpikeTrain:
        """Return the events as spikes for ``net.source(name, pixels.size, train)``.

        Args:
            pixels: which neuron each pixel's events belong to.
            start: model time of the origin, ms, >= 0; events at 0 come at the first grid point.
            speed: how many times faster than recorded, > 0.
            origin: the recording's time that becomes ``start``, ms; None: that of its first event.
                Earlier events are left out.

        Raises:
            SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
        """
        if not isinstance(pixels, Pixels):
            raise SpikecudaTypeError(f"pixels must be a Pixels object (got {shown(pixels)})")
        begin, rate = as_real("start", start, "ms"), as_positive("speed", speed, "")
        if not 0.0 <= begin < math.inf:
            raise SpikecudaValueError(f"start must be >= 0 ms and finite (got {begin!r})")
        if origin is None:
            first = float(self.time.min()) if len(self) else 0.0
        else:
            first = as_real("origin", origin, "ms")
            if not math.isfinite(first):
                raise SpikecudaValueError(f"origin must be finite (got {first!r})")
        count, neurons = pixels.neurons(self.x, self.y, self.polarity)
        time = self.time[count]
        later = time >= first
        times = np.maximum(begin + (time[later] - first) / rate, EARLIEST)
        return SpikeTrain(times, neurons[later])
