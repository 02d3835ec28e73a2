"""Count the synapses of a projection before its rows are filled: by block and source."""

from typing import Any

import numpy as np

from spikecuda.common.host_memory import available_memory
from spikecuda.kernels.network.rules import COLUMNS
from spikecuda.network.model.distance_rules import require_degrees
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.drawing import Drawing, kernel_ids
from spikecuda.network.synapses.field import require_numbers
from spikecuda.network.synapses.fixed_point import check_indegree
from spikecuda.network.synapses.kept_rows import KeptRows
from spikecuda.network.synapses.own_rows import OwnRows
from spikecuda.network.synapses.row_layout import expected_here
from spikecuda.network.synapses.row_recipe import RowRecipe, row_scratch, row_twins

# Synapses by block and source, the degrees of sources, and synapses by target.
Counted = tuple[np.ndarray, np.ndarray, np.ndarray]


def count_rows(drawing: Drawing, p: Projection, together: bool = False) -> Counted:
    """Return synapses by (block, source) and the sources' degrees, and synapses by target.

    Args:
        drawing: what rows are drawn from.
        p: the projection.
        together: its rows are short: all blocks are one, but for columns, of which each
            thread's are counted apart.
    """
    starts = drawing.blocks.starts[p.target.population.number]
    apart = len(drawing.rows(p)) if together and p.rule.order == COLUMNS else 1
    if together:
        starts = np.ascontiguousarray(starts[[0, -1]])
    count = apart if together else drawing.blocks.count
    counts = np.zeros((count, drawing.sizes[p.source.population.number]), np.int32)
    indegree = np.zeros(drawing.sizes[p.target.population.number], np.int32)
    degrees = drawing.degrees(p)
    jobs: list[Any]
    recipe = RowRecipe(p)
    if p.rule.listed is not None:
        drawing.loops.count_pairs(*drawing.pairs(p, *p.rule.listed), starts, counts, indegree)
    else:
        dear = p.rule.near is not None and drawing.only is None
        if dear and 8.0 * p.expected < available_memory():
            drawing.kept[p] = KeptRows(
                p, drawing.ranges, drawing.run, drawing.key0, drawing.key1, drawing.own_targets(p)
            )
        held = 8.0 * expected_here(p, drawing.blocks) + 16.0 * p.source.size
        if drawing.in_part(p) and held < available_memory():
            drawing.own[p] = OwnRows(
                p, drawing.rows(p), drawing.run, (drawing.key0, drawing.key1), degrees,
                drawing.own_targets(p),
            )  # fmt: skip
        ints, floats, draws = drawing.drawn(p, recipe)
        twins, ranges = row_twins(p), drawing.rows(p)
        # Columns are each in one block: their targets differ.
        shared = p.rule.order == COLUMNS
        own = [indegree if shared else np.zeros_like(indegree) for _ in ranges]
        jobs = [
            (ints, floats, draws, s0, s1, degrees, twins, *kernel_ids(p), starts,
             drawing.key0, drawing.key1, *row_scratch(p, degrees),
             counts[i : i + 1] if apart > 1 else counts, mine)
            for i, ((s0, s1), mine) in enumerate(zip(ranges, own, strict=True))
        ]  # fmt: skip
        drawing.run(drawing.loops.count_rows, jobs)
        if not shared:
            indegree = sum(own, indegree)
    require_numbers(p)
    check_indegree(p, indegree)
    if p.rule.near is not None and (drawing.peers is None or drawing.peers.complete):
        by_target = p.rule.order == COLUMNS
        found = indegree[p.target.ids] if by_target else counts.sum(0)[p.source.ids]
        if drawing.peers is not None:
            found = drawing.peers.sums(found.astype(np.int64))
        require_degrees(p.rule, p.name, found)
    drawing.advance(0.2 * p.expected)
    return counts, degrees, indegree
