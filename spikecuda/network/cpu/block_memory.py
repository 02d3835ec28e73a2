"""What blocks hold: accumulators, calendars, clocks, and the table that the loops find them by."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from spikecuda.common.aligned_memory import aligned_zeros
from spikecuda.common.host_memory import available_memory
from spikecuda.kernels.network import layout
from spikecuda.network.cpu.calendar import Calendar
from spikecuda.network.cpu.learning import Learning
from spikecuda.network.cpu.row_tables import RowTables
from spikecuda.network.memory import require_arrivals
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.window import most_spikes
from spikecuda.network.synapses.store import Wiring

# A kernel takes several steps at once where the accumulator's slots stay in the cache.
FUSED_BYTES = 128 << 10


class BlockMemory:
    """The accumulators and calendars of all blocks.

    Args:
        neurons: of each population, in the order of their numbers.
        sources: number of populations, those without neurons of their own included.
        wiring: the synapses.
        window: the most steps of a window.

    Attributes:
        fused: steps that a kernel takes at once.
        need: chunks that a window's spikes can take of a calendar.
        kept: steps whose spikes may enter a calendar at once: a window, or what other processes
            send together; ``retune`` heeds it.
        calendars: of each block.
        table: what the loops find them by.

    Raises:
        OutOfMemoryError: the accumulators do not fit.
    """

    def __init__(
        self, neurons: Sequence[Neurons], sources: int, wiring: Wiring, window: int
    ) -> None:
        blocks = wiring.blocks
        ports = max((len(n.population.ports) for n in neurons), default=0)
        self._strides = blocks.sizes * ports
        widest = int(self._strides.max(initial=0)) * 4
        self.fused = max(1, min(window, FUSED_BYTES // max(widest, 1)))
        rules = [b.projections[0].plasticity for b in wiring.bundles]
        if any(rule is not None and rule.target_states for rule in rules):
            self.fused = 1  # rules see the neurons' states at the end of each step
        slots = self.fused
        if any(bundle.at_once for bundle in wiring.bundles):
            # Procedural and short rows send everything at once.
            slots = wiring.longest + window + 1
        self._ring = ring = 1 << math.ceil(math.log2(slots))
        require_arrivals(ring * int(self._strides.sum()), ring, available_memory(), "the CPU")
        self._cells = [aligned_zeros(ring * int(s), np.int32, lazy=False) for s in self._strides]
        # What threads write lies in cache lines of their own.
        self._clocks = [aligned_zeros(8, np.int64) for _ in range(blocks.count)]
        slots = 1 << math.ceil(math.log2(wiring.longest + window + 2))
        stored = [bundle.source for bundle in wiring.bundles if not bundle.at_once]
        self._stored = np.bincount(stored, minlength=sources)
        self._slots, self.kept = slots, window
        self.retune(neurons)
        self.calendars = [Calendar(slots, 2 * self.need) for _ in range(blocks.count)]
        self.table = np.zeros((blocks.count, layout.BLOCK), np.int64)

    def retune(self, neurons: Sequence[Neurons]) -> None:
        """Settle the room that a window's spikes may need, for the parameters of now."""
        cursors = sum(
            n.population.size * int(self._stored[n.population.number]) * most_spikes(n, self.kept)
            for n in neurons
        )
        self.need = 2 * (cursors // layout.CHUNK_CURSORS + 1) + self._slots

    @property
    def accumulator_bytes(self) -> int:
        """Bytes of the accumulators."""
        return sum(cells.nbytes for cells in self._cells)

    @property
    def calendar_bytes(self) -> int:
        """Bytes of the calendars."""
        return sum(calendar.nbytes for calendar in self.calendars)

    def arguments(self, b: int) -> dict[str, Any]:
        """Return what kernels take of a block."""
        return {
            "_clock": self._clocks[b], "_cells": self._cells[b], "_ring": self._ring - 1,
            "_stride": self._strides[b],
        }  # fmt: skip

    def cells(self, b: int) -> tuple[np.ndarray, int]:
        """Return a block's accumulator, and how many slots it has."""
        return self._cells[b], self._ring

    def clear(self) -> None:
        """Forget what is on its way."""
        for calendar in self.calendars:
            calendar.clear()
        for cells in self._cells:
            cells[:] = 0

    def events(self, rows: RowTables) -> int:
        """Return the synaptic events since the last reset; see ``CpuEngine.events``."""
        arrived = sum(int(c.state[layout.CALENDAR_EVENTS]) for c in self.calendars)
        return arrived + sum(
            rows.still_to_come(b, calendar.cursors()) for b, calendar in enumerate(self.calendars)
        )

    def make_room(self, need: int) -> bool:
        """Give calendars that run short more chunks; tell whether the table must be made anew."""
        grown = False
        for calendar in self.calendars:
            if calendar.state[layout.CALENDAR_SPARE] < need:
                calendar.grow(max(need, int(calendar.state[layout.CALENDAR_CHUNKS])))
                grown = True
        return grown

    def tabulate(self, rows: RowTables, learning: Learning, blocks_of_parts: Sequence[int]) -> None:
        """Make the table anew.

        Args:
            rows: where the rows are.
            learning: what synapses that learn need.
            blocks_of_parts: the block of each part.
        """
        self.table = np.zeros_like(self.table)
        for b, row in enumerate(self.table):
            calendar = self.calendars[b]
            mine = [i for i, block in enumerate(blocks_of_parts) if block == b]
            row[layout.BLOCK_STRIDE] = self._strides[b]
            row[layout.BLOCK_RING_MASK] = self._ring - 1
            row[layout.BLOCK_CELLS] = self._cells[b].ctypes.data
            row[layout.BLOCK_HEADS] = calendar.heads.ctypes.data
            row[layout.BLOCK_SLOT_MASK] = calendar.heads.size - 1
            row[layout.BLOCK_CHUNKS] = calendar.chunks.ctypes.data
            row[layout.BLOCK_STATE] = calendar.state.ctypes.data
            row[layout.BLOCK_QUEUE] = calendar.queue.ctypes.data
            row[layout.BLOCK_QUEUE_SIZE] = calendar.queue.size
            row[layout.BLOCK_CLOCK] = self._clocks[b].ctypes.data
            row[layout.BLOCK_FIRST_PART] = min(mine, default=0)
            row[layout.BLOCK_LAST_PART] = max(mine, default=-1) + 1
            row[layout.BLOCK_BUNDLES] = rows.bundles[b].ctypes.data
            row[layout.BLOCK_BUNDLES_OF] = rows.first.ctypes.data
        learning.tabulate(self.table)
