"""Spikes that are on their way when weights change: they arrive with what was sent.

The rows of a bundle are read when its spikes arrive.  Before its weights or rows are changed, what
the spikes under way are still to deliver is copied to rows of their own, a past bundle, and their
cursors point there.
"""

from dataclasses import dataclass

import numpy as np

from spikecuda.kernels.network import layout
from spikecuda.network.cpu.calendar import Calendar
from spikecuda.network.synapses.store import Bundle, Rows

SEGMENT_MASK = (1 << layout.SEGMENT_BITS) - 1
CELLS = 1 << 16


@dataclass(frozen=True, eq=False)
class Cursors:
    """Cursors of one bundle in a block's calendar.

    Attributes:
        at: where in the calendar's chunks they are.
        segments: the first segment that each still delivers.
        steps: when that arrives.
    """

    at: np.ndarray
    segments: np.ndarray
    steps: np.ndarray


def cursors_of(calendar: Calendar, number: int, clock: int) -> Cursors:
    """Return the cursors of a bundle.

    Args:
        calendar: of a block.
        number: of the bundle in the block's table.
        clock: steps done.
    """
    at, steps = calendar.places(clock)
    cursors = calendar.chunks[at]
    mine = cursors >> layout.SEGMENT_BITS == number
    return Cursors(at[mine], cursors[mine] & SEGMENT_MASK, steps[mine])


def past_rows(bundle: Bundle, rows: Rows, found: Cursors, row_at: int) -> tuple[Rows, np.ndarray]:
    """Return what cursors still deliver, as rows, and the first segment of each cursor there.

    Args:
        bundle: whose rows they are.
        rows: of the bundle in a block.
        found: its cursors.
        row_at: address of the bundle's row in the block's table.
    """
    row = np.searchsorted(rows.rows, found.segments, side="right") - 1
    lengths = rows.rows[row + 1].astype(np.int64) - found.segments
    first = np.append(0, np.cumsum(lengths))
    segments = ranges(found.segments, lengths)
    delays = rows.delays[segments]
    sizes: np.ndarray = np.diff(rows.starts.astype(np.int64))[segments]
    starts = np.append(0, np.cumsum(sizes))
    synapses = ranges(rows.starts[segments].astype(np.int64), sizes)
    if bundle.ruled:
        steps = np.repeat(found.steps, lengths) + (delays & layout.DELAY)
        steps -= np.repeat(rows.delays[found.segments] & layout.DELAY, lengths)
        weights = _ruled(rows, segments, steps, starts, synapses, row_at)
    elif rows.weights is None:
        weights = np.full(synapses.size, bundle.weight, np.int32)
    else:
        weights = rows.weights[synapses].astype(np.int32)
    past = Rows(
        rows.targets[synapses], weights, starts.astype(np.uint32),
        np.append(delays, np.uint16(0)), first.astype(np.uint32),
    )  # fmt: skip
    return past, first[:-1]


def _ruled(
    rows: Rows,
    segments: np.ndarray,
    steps: np.ndarray,
    starts: np.ndarray,
    synapses: np.ndarray,
    row_at: int,
) -> np.ndarray:
    """Return what synapses with a rule send; their weights and variables are as before."""
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    arrays = [*rows.variables.values()] + ([] if rows.weights is None else [rows.weights])
    kept = [array[synapses] for array in arrays]
    out = np.empty(synapses.size, np.int32)
    order = np.argsort(steps, kind="stable")
    load_cpu_loop("network_under_way").send_learned(
        row_at, segments[order].astype(np.int64), steps[order].astype(np.int64),
        starts[:-1][order].astype(np.int64), np.zeros(CELLS, np.int32), out,
    )  # fmt: skip
    for array, values in zip(arrays, kept, strict=True):
        array[synapses] = values
    return out


def ranges(first: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the numbers of some ranges one after the other: first, first + 1, ..."""
    shift = first - np.append(0, np.cumsum(lengths)[:-1]) if lengths.size else first
    return np.arange(lengths.sum()) + np.repeat(shift, lengths)


class UnderWay:
    """The past bundles of a network.

    Args:
        calendars: of each block.
    """

    def __init__(self, calendars: list[Calendar]) -> None:
        self._calendars = calendars
        self.bundles: list[Bundle] = []

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(rows.nbytes for bundle in self.bundles for rows in bundle.blocks)

    def keep(
        self, bundle: Bundle, number: int, first: int, tables: list[np.ndarray], clock: int
    ) -> bool:
        """Copy what spikes under way still deliver of a bundle; tell whether there was any.

        The tables of bundles must be made anew then.

        Args:
            bundle: its rows, which are about to change.
            number: of the bundle in the blocks' tables; ``first``: of the first past bundle.
            tables: of the bundles of each block.
            clock: steps done.
        """
        found = [cursors_of(calendar, number, clock) for calendar in self._calendars]
        if not any(cursors.at.size for cursors in found):
            return False
        place = self._free(first)
        past = Bundle(-1, bundle.port, layout.WIDE, 0, list(bundle.projections))
        for b, cursors in enumerate(found):
            row_at = tables[b][number].ctypes.data
            rows, begin = past_rows(bundle, bundle.blocks[b], cursors, row_at)
            past.blocks.append(rows)
            moved = ((first + place) << layout.SEGMENT_BITS) | begin
            self._calendars[b].chunks[cursors.at] = moved
        self.bundles[place : place + 1] = [past]
        return True

    def shift(self, first: int, more: int, clock: int) -> None:
        """Let past bundles have higher numbers, as other bundles come before them.

        Args:
            first: number of the first past bundle.
            more: how many bundles come before it.
            clock: steps done.
        """
        for calendar in self._calendars:
            at, _ = calendar.places(clock)
            past = at[calendar.chunks[at] >> layout.SEGMENT_BITS >= first]
            calendar.chunks[past] += more << layout.SEGMENT_BITS

    def take(self, bundles: list[Bundle]) -> None:
        """Have these bundles, and no others."""
        self.bundles = bundles

    def clear(self) -> None:
        """Forget all of it."""
        self.bundles = []

    def _free(self, first: int) -> int:
        """Return a place for a bundle; those that have arrived make room."""
        used: set[int] = set()
        for calendar in self._calendars:
            used |= set(np.unique(calendar.cursors() >> layout.SEGMENT_BITS).tolist())
        while self.bundles and first + len(self.bundles) - 1 not in used:
            self.bundles.pop()
        gaps = (i for i in range(len(self.bundles)) if first + i not in used)
        return next(gaps, len(self.bundles))
