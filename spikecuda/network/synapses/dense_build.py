"""Fill and sort the dense rows of a bundle: a table of all sources for each block."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spikecuda.common.time_grid import nearest_step
from spikecuda.errors import SpikecudaValueError
from spikecuda.kernels.network.sort import DIGIT, DIGITS
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.drawing import Drawing, kernel_ids
from spikecuda.network.synapses.field import require_numbers
from spikecuda.network.synapses.row_counts import Counted
from spikecuda.network.synapses.row_recipe import row_scratch, row_twins
from spikecuda.network.synapses.store import Bundle, Rows, side_by_side

MAX_ROWS = 2**32 - 1


def fill_dense_rows(
    drawing: Drawing, bundle: Bundle, counted: Mapping[Projection, Counted]
) -> None:
    """Fill and sort a bundle's rows in every block.

    Args:
        drawing: what they are drawn from.
        bundle: whose; is given them.
        counted: the synapses of its projections.

    Raises:
        SpikecudaValueError: there are too many for a block.
    """
    counts: Any = sum(counted[p][0].astype(np.int64) for p in bundle.projections)
    n_blocks, n_sources = counts.shape
    ends = np.zeros((n_blocks, n_sources + 1), np.int64)
    np.cumsum(counts, axis=1, out=ends[:, 1:])
    if ends.max() > MAX_ROWS:
        raise SpikecudaValueError(
            f"a population may have {MAX_ROWS:,} synapses to a block (got {ends.max():,}); use "
            "more threads, which makes smaller blocks"
        )
    rows = ends.astype(np.uint32)
    constant = {nearest_step(p.delay.a, drawing.dt) + p.late for p in bundle.projections}
    delay_width = 2
    if len(constant) == 1 and all(p.delay.kind == "FIXED" for p in bundle.projections):
        delay_width = 0
    elif all(p.delay.most / drawing.dt + p.late < 255 for p in bundle.projections):
        delay_width = 1
    totals = ends[:, -1]
    targets, weights = _room(totals, bundle.width)
    delays = [np.empty(n * delay_width, np.uint8) for n in totals]
    at = rows[:, :-1].copy()
    places = (
        at, _addresses(targets), _addresses(weights), _addresses(delays), bundle.width,
        delay_width,
    )  # fmt: skip
    for p in bundle.projections:
        _fill_projection(drawing, p, counted[p][1], places)
    delay = constant.pop() if delay_width == 0 else 0
    for b in range(n_blocks):
        bundle.blocks.append(
            _sort(drawing, rows[b], targets[b], weights[b], delays[b], bundle.width, delay_width,
                  delay)
        )  # fmt: skip


def _fill_projection(drawing: Drawing, p: Projection, degrees: np.ndarray, places: Any) -> None:
    number = p.target.population.number
    starts = drawing.blocks.starts[number]
    cells = drawing.blocks.offsets[number] - starts[:-1].astype(np.int64)
    recipe = drawing.recipe(p)
    if p.rule.listed is not None:
        sources, targets = drawing.pairs(p, *p.rule.listed)
        weight, delay = drawing.pair_values(recipe, *p.rule.listed)
        jobs = [
            (b, sources, targets, weight, delay, starts, cells, *places)
            for b in range(drawing.blocks.count)
        ]
        drawing.run(drawing.loops.fill_pairs, jobs)
    else:
        ints, floats, draws = drawing.drawn(p, recipe)
        twins, values_of = row_twins(p), recipe.values_loop()
        jobs = [
            (ints, floats, draws, s0, s1, degrees, twins, *kernel_ids(p),
             starts, cells, drawing.key0, drawing.key1, *row_scratch(p, degrees), values_of,
             *places)
            for s0, s1 in drawing.rows(p)
        ]  # fmt: skip
        drawing.run(drawing.loops.fill_rows, jobs)
        drawing.forget(p)
        require_numbers(p)
    drawing.advance(0.5 * p.expected)


def _sort(
    drawing: Drawing,
    rows: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray | None,
    delays: np.ndarray,
    width: int,
    delay_width: int,
    delay: int,
) -> Rows:
    """Sort the rows of a block and find their segments."""
    n = rows.size - 1
    jobs, results = [], []
    longest = int(np.diff(rows).max(initial=0))
    for s0, s1 in drawing.ranges(n, rows):
        # A row has at most as many segments as synapses, and as there are delays.
        size = int(rows[s1]) - int(rows[s0])
        most = size if delay_width else int(np.count_nonzero(np.diff(rows[s0 : s1 + 1])))
        starts, out = np.empty(most, np.uint32), np.empty(most, np.uint16)
        jobs.append(
            (s0, s1, rows, targets.ctypes.data, 0 if weights is None else weights.ctypes.data,
             delays.ctypes.data, width, delay_width, delay, *_sorting(longest), starts, out)
        )  # fmt: skip
        results.append((starts, out))
    segments = np.zeros(n + 1, np.uint32)
    made = drawing.run(drawing.loops.sort_rows, [(*job, segments) for job in jobs])
    starts = np.concatenate([s[:m] for (s, _), m in zip(results, made, strict=True)])
    kinds = np.concatenate([d[:m] for (_, d), m in zip(results, made, strict=True)])
    first = np.zeros(n + 1, np.uint32)
    np.cumsum(segments[:-1], out=first[1:])
    drawing.advance(0.3 * targets.size)
    end = np.array([targets.size], np.uint32)
    return Rows(
        targets, weights, np.concatenate([starts, end]), np.append(kinds, np.uint16(0)), first
    )


def _sorting(longest: int) -> tuple[np.ndarray, ...]:
    """Return scratch for sorting rows; see ``cpu_loops/network_build.sort_rows``."""
    counts = np.empty(DIGITS * DIGIT, np.int32)
    return np.empty(longest, np.int64), np.empty(longest, np.int64), counts


def _room(totals: np.ndarray, width: int) -> tuple[list[np.ndarray], Sequence[np.ndarray | None]]:
    """Return room for the targets and the weights of each block's synapses."""
    if width == 2:
        pairs = [side_by_side(int(n)) for n in totals]
        return [targets for targets, _ in pairs], [weights for _, weights in pairs]
    weights = [np.empty(n, np.int32) if width else None for n in totals]
    return [np.empty(n, np.uint16) for n in totals], weights


def _addresses(arrays: Sequence[np.ndarray | None]) -> np.ndarray:
    return np.array([0 if a is None else a.ctypes.data for a in arrays], np.int64)
