"""What spikes of a modulator have done to a block's synapses so far: a level and its integral."""

import contextlib
from collections.abc import Iterator

import numpy as np

from spikecuda.common.aligned_memory import aligned_zeros
from spikecuda.kernels.network import layout
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.modulated import modulated

# A table of so many steps is swept before it is made longer.
MOST = 1 << 17
# What moves on as the integral is filled.
FILLED = [
    layout.MODULATION_FILLED, layout.MODULATION_LEVEL, layout.MODULATION_SUM,
    layout.MODULATION_FACTOR,
]  # fmt: skip


class Modulation:
    """The level n of a modulator, and for each step the integral of what it does.

    With ``dw/dt = c (n - b)`` and an eligibility c that decays with tau_c, a weight changes from
    t_0 to t, within one epoch that begins at e, by ``c(t_0) exp((t_0 - e) / tau_c)`` times ``H(t) -
    H(t_0)``.
    H is the integral of ``exp(-(s - e) / tau_c) (n(s) - b)`` from e on.  Weights are brought to the
    ends of epochs, which are the same steps everywhere, so that bits do not depend on when.

    Args:
        projection: whose synapses it modulates.
        push: address of the loop that adds a spike.
        window: the most steps of a window.
        row: int64 (layout.HISTORY,), what the loops find it by; written here.

    Attributes:
        table: int64 (layout.MODULATION,), what the loops know of it.
        counts: int32, spikes that arrive, by step modulo their number.
        integral: float64, by step from ``base`` on.
    """

    def __init__(self, projection: Projection, push: int, window: int, row: np.ndarray) -> None:
        p, known = projection, modulated(projection)
        assert p.modulator is not None
        self.table = np.zeros(layout.MODULATION, np.int64)
        self._chosen = np.zeros(p.modulator.population.size, np.uint8)
        self._chosen[p.modulator.ids] = 1
        self.integral = aligned_zeros(1, np.float64)
        table = self.table
        table[layout.MODULATION_EPOCH] = known.epoch
        # With room for the delay, too, no step is filled before it is over: the level is of now.
        power = 1 << max(1, int(window), known.delay).bit_length()
        self.counts = np.zeros(2 * power, np.int32)
        table[layout.MODULATION_WINDOW] = power
        table[layout.MODULATION_COUNTS] = self.counts.ctypes.data
        table[layout.MODULATION_DELAY] = known.delay
        table[layout.MODULATION_CHOSEN] = self._chosen.ctypes.data
        for place, value in (
            (layout.MODULATION_JUMP, known.jump),
            (layout.MODULATION_DECAY, known.decay),
            (layout.MODULATION_FADE, known.fade),
            (layout.MODULATION_GAIN, known.gain),
            (layout.MODULATION_LOSS, known.loss),
        ):
            table[place] = np.float64(value).view(np.int64)
        # The loops of histories find room here, always.
        self._state = np.array([0, 1 << 60], np.int64)
        row[layout.HISTORY_LINES] = self.table.ctypes.data
        row[layout.HISTORY_STATE] = self._state.ctypes.data
        row[layout.HISTORY_PUSH] = push
        self.row = row
        self.clear()

    @property
    def at(self) -> int:
        """Address of the table."""
        return int(self.table.ctypes.data)

    @property
    def level(self) -> float:
        """The level after the last step that is known."""
        return float(
            self.table[layout.MODULATION_LEVEL : layout.MODULATION_LEVEL + 1].view("f8")[0]
        )

    @level.setter
    def level(self, value: float) -> None:
        self.table[layout.MODULATION_LEVEL] = np.float64(value).view(np.int64)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.integral.nbytes + self._chosen.nbytes + self.counts.nbytes

    @property
    def base(self) -> int:
        """The first step of the table."""
        return int(self.table[layout.MODULATION_BASE])

    def lacks(self, step: int) -> bool:
        """Tell whether the table is too short for all up to a step."""
        return step + int(self.table[layout.MODULATION_DELAY]) - self.base >= self.integral.size

    def long(self, step: int) -> bool:
        """Tell whether the table for all up to a step is so long that rows are swept first."""
        most = max(MOST, 4 * int(self.table[layout.MODULATION_EPOCH]))
        return step - self.base > most

    def reach(self, step: int) -> None:
        """Make the table long enough for all up to a step."""
        if self.lacks(step):
            need = step + int(self.table[layout.MODULATION_DELAY]) - self.base + 1
            self.hold(self.integral, max(need, 2 * self.integral.size))

    @contextlib.contextmanager
    def ahead(self, step: int) -> Iterator[None]:
        """Let loops look ahead in the block, up to a step, as if no more spikes were to arrive.

        Afterwards all is as it was: spikes can come that act before that step.
        """
        self.reach(step)
        filled, counts = self.table[FILLED], self.counts.copy()
        try:
            yield
        finally:
            self.table[FILLED], self.counts[:] = filled, counts

    def boundary(self, step: int) -> int:
        """Return the last end of an epoch up to a step; at least the first step of the table."""
        epoch = int(self.table[layout.MODULATION_EPOCH])
        return max(self.base, step // epoch * epoch)

    def drop(self, boundary: int) -> None:
        """Forget all before a boundary, to which all weights have been brought."""
        kept = self.integral[boundary - self.base :].copy()
        self.table[layout.MODULATION_BASE] = boundary
        self.hold(kept, kept.size)

    def clear(self) -> None:
        """Forget all spikes."""
        self.counts[:] = 0
        for place in (layout.MODULATION_BASE, layout.MODULATION_LEVEL, layout.MODULATION_SUM):
            self.table[place] = 0
        # Spikes from before the first step may arrive in it.
        self.table[layout.MODULATION_FILLED] = -1
        self.table[layout.MODULATION_FACTOR] = np.float64(1.0).view(np.int64)
        self.hold(np.zeros(1), 1)

    def take(self, other: "Modulation") -> None:
        """Take what another, of the same parameters, knows."""
        for place in (layout.MODULATION_BASE, *FILLED):
            self.table[place] = other.table[place]
        self.counts[:] = other.counts
        self.hold(other.integral, other.integral.size)

    def hold(self, values: np.ndarray, size: int) -> None:
        """Let the table begin with some values, and have room for ``size``."""
        integral = aligned_zeros(size, np.float64)
        integral[: values.size] = values
        self.integral = integral
        self.table[layout.MODULATION_INTEGRAL] = integral.ctypes.data
