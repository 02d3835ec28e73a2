"""What is under way on the CPU, told to other engines and taken from them."""

from collections.abc import Iterator, Sequence

import numpy as np

from spikecuda.kernels.network import layout
from spikecuda.network.cpu.calendar import Calendar
from spikecuda.network.cpu.under_way import Cursors, past_rows, ranges
from spikecuda.network.run.moving import SOURCE, Arrivals, Moving, history_keys
from spikecuda.network.synapses.blocks import Blocks
from spikecuda.network.synapses.store import Bundle, Rows, Wiring

SEGMENT_MASK = (1 << layout.SEGMENT_BITS) - 1


def tell_arrivals(
    calendar: Calendar,
    clock: int,
    ordered: Sequence[Bundle],
    table: np.ndarray,
    blocks: Blocks,
    b: int,
    waiting: set[int],
) -> Iterator[Sequence[np.ndarray]]:
    """Yield what a block's calendar holds, as ``Arrivals.summed`` takes it.

    Args:
        calendar: of the block.
        clock: steps done.
        ordered: the bundles of the block's table, past ones included.
        table: the block's table of bundles.
        blocks: the split of the neurons.
        b: number of the block.
        waiting: places in the table whose spikes wait, which are left out.
    """
    at, steps = calendar.places(clock)
    cursors = calendar.chunks[at]
    numbers = cursors >> layout.SEGMENT_BITS
    for number in np.unique(numbers).tolist():
        if number in waiting:
            continue
        mine = numbers == number
        found = Cursors(at[mine], cursors[mine] & SEGMENT_MASK, steps[mine])
        bundle, rows = ordered[number], ordered[number].blocks[b]
        past, _ = past_rows(bundle, rows, found, table[number].ctypes.data)
        row = np.searchsorted(rows.rows, found.segments, side="right") - 1
        lengths = rows.rows[row + 1].astype(np.int64) - found.segments
        segments = ranges(found.segments, lengths)
        due = np.repeat(found.steps, lengths) + (rows.delays[segments] & layout.DELAY)
        due -= np.repeat((rows.delays[found.segments] & layout.DELAY).astype(np.int64), lengths)
        sizes: np.ndarray = np.diff(past.starts.astype(np.int64))
        assert past.weights is not None
        yield _located(
            np.repeat(due, sizes), bundle.port, past.targets.astype(np.int64), past.weights,
            blocks, b,
        )  # fmt: skip


def tell_cells(
    cells: np.ndarray, ring: int, clock: int, blocks: Blocks, b: int
) -> Sequence[np.ndarray]:
    """Return what a block's accumulator holds; see ``tell_arrivals``.

    Args:
        cells: int32 (ring x ports x places,).
        ring: slots, a power of two.
    """
    where = np.flatnonzero(cells)
    stride, size = cells.size // ring, int(blocks.sizes[b])
    slot, rest = where // max(stride, 1), where % max(stride, 1)
    step = clock + ((slot - clock) & (ring - 1))
    return _located(step, rest // max(size, 1), rest % max(size, 1), cells[where], blocks, b)


def past_bundles(
    arrivals: Arrivals, clock: int, blocks: Blocks
) -> tuple[list[Bundle], list[list[int]]]:
    """Return bundles that deliver what arrives later, one for each port that anything reaches.

    Args:
        arrivals: of the whole network.
        clock: steps done.
        blocks: the split of the neurons.

    Returns:
        The bundles, a row in each block; and of each bundle and block the step in which the row's
        first segment is due, -1 without any.
    """
    bundles, first = [], []
    for port in np.unique(arrivals.port).tolist():
        mine = arrivals.part(arrivals.port == port)
        bundle, steps = Bundle(-1, port, layout.WIDE, 0, []), []
        for b in range(blocks.count):
            starts, offsets = blocks.starts[:, b : b + 2], blocks.offsets[:, b]
            p = mine.population
            here = mine.part((mine.neuron >= starts[p, 0]) & (mine.neuron < starts[p, 1]))
            p = here.population
            targets = (here.neuron - starts[p, 0] + offsets[p]).astype(np.uint16)
            segment = np.flatnonzero(np.append(True, here.step[1:] != here.step[:-1]))
            segment = segment[: here.step.size]
            delays = (here.step[segment] - clock + 1).astype(np.uint16)
            if delays.size:
                delays[-1] |= layout.LAST
            bundle.blocks.append(Rows(
                targets, here.amount, np.append(segment, here.step.size).astype(np.uint32),
                np.append(delays, np.uint16(0)),
                np.array([0, segment.size], np.uint32),
            ))  # fmt: skip
            steps.append(int(here.step[0]) if here.step.size else -1)
        bundles.append(bundle)
        first.append(steps)
    return bundles, first


def waiting_cursors(
    wiring: Wiring, b: int, moving: Moving, number_of: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return steps and cursors of spikes that wait to reach a block.

    Args:
        wiring: the synapses.
        b: number of the block.
        moving: histories and marks of the whole network.
        number_of: of each bundle, its number in the block's table.
    """
    due, cursors = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    keys, clock = history_keys(wiring, moving.own), moving.clock
    for number, marks in moving.marks.items():
        key = keys[number, SOURCE]
        if not marks.waits or key not in moving.histories:
            continue
        rows = wiring.bundles[number].blocks[b]
        ((_, spikes),) = moving.histories[key]
        neuron, _ = spikes.ranks()
        left = clock - spikes.steps.astype(np.int64)
        # What is due is at step clock or later; the longest delay fits into 15 bits.
        some = (spikes.steps > marks.mark) & (left <= layout.DELAY)
        neuron, left = neuron[some], left[some]
        assert rows.sources is not None
        delays = (rows.delays[: rows.sources.size] & layout.DELAY).astype(np.int64)
        places = (rows.sources.astype(np.int64) << 16) | delays
        at = np.searchsorted(places, (neuron << 16) | left)
        there = at < rows.rows[neuron + 1]
        at = at[there]
        due.append(clock - left[there] + delays[at])
        cursors.append((np.int64(number_of[number]) << layout.SEGMENT_BITS) | at)
    return np.concatenate(due), np.concatenate(cursors)


def _located(
    step: np.ndarray,
    port: int | np.ndarray,
    cell: np.ndarray,
    amount: np.ndarray,
    blocks: Blocks,
    b: int,
) -> Sequence[np.ndarray]:
    """Return what arrives at a block's cells, with the neurons that these are."""
    offsets = blocks.offsets[:, b]
    # Populations without neurons in the block share an offset with the next one.
    counts = blocks.starts[:, b + 1] - blocks.starts[:, b]
    there = np.flatnonzero(counts > 0)
    population = there[np.searchsorted(offsets[there], cell, side="right") - 1]
    neuron = cell - offsets[population] + blocks.starts[population, b]
    return step, population, np.broadcast_to(port, step.shape), neuron, amount
