"""The part of the CPU's engine that tells what moves, and takes over what another one told."""

import functools
from collections.abc import Sequence

import numpy as np

from spikecuda.errors import SpikecudaError
from spikecuda.kernels.network import layout
from spikecuda.network.cpu.learning_engine import LearningEngine
from spikecuda.network.cpu.saved_learning import take_learning, tell_learning
from spikecuda.network.cpu.saved_state import (
    past_bundles,
    tell_arrivals,
    tell_cells,
    waiting_cursors,
)
from spikecuda.network.run.moving import Moving
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.synapses.store import Bundle, Wiring


class SavedEngine(LearningEngine):
    """A network's synapses on this machine's processor, which can be told and taken over.

    Args:
        neurons, sources, wiring, threads: see ``LearningEngine``.

    Attributes:
        seconds: wall-clock time of runs.
        torn: whether a run was broken off within a step.
    """

    torn = False

    def __init__(
        self, neurons: Sequence[Neurons], sources: int, wiring: Wiring, threads: int
    ) -> None:
        super().__init__(neurons, sources, wiring, threads)
        self.seconds = 0.0

    @property
    def events(self) -> int:
        """Synaptic events since the last reset: synapses of the neurons that spiked.

        The loops count stored rows when they arrive; what is still on its way is looked up.
        """
        return self._memory.events(self._rows)

    def raw_learned(self, bundle: Bundle) -> list[dict[str, np.ndarray]]:
        """Return what ``learned`` does, with variables as their last event left them."""
        return [
            self._learning.learned(bundle, b, self._rows.bundles[b], self.clock, None, True)
            for b in range(self.wiring.blocks.count)
        ]

    def capture(self, waiting: set[int]) -> Moving:
        """Return what moves: see ``Engine``."""
        if self.torn:
            raise SpikecudaError(
                "the network cannot be saved: a run was broken off within a step, or a reset did "
                "not end; reset() starts again"
            )
        blocks = self.wiring.blocks
        if waiting:
            self._device_threads.together([
                functools.partial(self._learning.sweep, b, self._rows.bundles[b], self.clock)
                for b in range(blocks.count)
            ])  # fmt: skip
            self._tabulate()
        moving = tell_learning(self._learning, self.wiring, self.clock, waiting)
        left_out = {self._rows.number(self.wiring.bundles[number]) for number in waiting}
        for b, calendar in enumerate(self._memory.calendars):
            moving.arrivals += tell_arrivals(
                calendar, self.clock, self._rows.ordered, self._rows.bundles[b], blocks, b, left_out
            )
            moving.arrivals.append(tell_cells(*self._memory.cells(b), self.clock, blocks, b))
        moving.seconds, moving.events = self.seconds, self.events
        moving.spikes = self._parts.counts.copy()
        return moving

    def resume(self, moving: Moving, events: int | None = None) -> None:
        """Take over what moves; ``events``: those that count here; None: all."""
        self.clock, self.seconds = moving.clock, moving.seconds
        self._parts.counts[:] = moving.spikes
        take_learning(self._learning, self.wiring, moving)
        past, due = past_bundles(moving.summed(), moving.clock, self.wiring.blocks)
        self._under_way.take(past)
        self._tabulate_rows()
        numbers = [self._rows.number(bundle) for bundle in self.wiring.bundles]
        for b, calendar in enumerate(self._memory.calendars):
            for i, steps in enumerate(due):
                if steps[b] >= 0:
                    cursor = (self._rows.stored + i) << layout.SEGMENT_BITS
                    calendar.put(np.array([steps[b]]), np.array([cursor]))
            calendar.put(*waiting_cursors(self.wiring, b, moving, numbers))
        count = moving.events if events is None else events
        known = self._memory.events(self._rows)
        self._memory.calendars[0].state[layout.CALENDAR_EVENTS] += count - known
        self._tabulate()
