"""Count the synapses of a projection without building or storing any."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from spikecuda.common.cores import usable_cores
from spikecuda.common.seed import keys
from spikecuda.kernels.network.draw import TILE
from spikecuda.kernels.network.rules import PROBABILITY, ROWS
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.field import require_numbers
from spikecuda.network.synapses.row_recipe import RowRecipe, row_twins

# Synapses that a thread counts before it looks whether the user wants to stop: about 0.2 s.
CHUNK = 20_000_000


def count_synapses(projection: Projection, enough: int = 2**62) -> int:
    """Return how many synapses a projection has; at once where its rule says so.

    Args:
        projection: stored or procedural, built or not.
        enough: counting may stop at so many.

    Raises:
        NumericalError: a function of the distance returned NaN.
    """
    p = projection
    known = p.rule.count(p.source.ids, p.target.ids, p.apart)
    if known is not None:
        return known
    if p.rule.order != ROWS or p.rule.dealt is not None:
        raise NotImplementedError(f"{type(p.rule).__name__}.count must return a number")
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    recipe = RowRecipe(p)
    loop, draws = load_cpu_loop("network_build").count_synapses, recipe.targets_loop()
    ints, floats = recipe.packed()
    degrees, twins, (key0, key1) = np.empty(0, np.int32), row_twins(p), keys(p.seed)
    part = min(p.target.size, TILE) if p.rule.code == PROBABILITY else p.target.size

    def count(first: int, last: int) -> int:
        seen = np.zeros(1 if p.multapses else p.target.size, np.int32)
        # Rules by distance need scratch of their own behind what they write.
        arrays = 1 if p.rule.near is None else 6
        out = np.empty(arrays * (p.rule.longest_row(part, degrees) + 4), np.int32)
        found = int(
            loop(ints, floats, draws, first, last, degrees, twins, enough, key0, key1, seen, out)
        )
        require_numbers(p)
        return found

    pieces = max(1, min(p.source.size, round(p.expected / CHUNK)))
    bounds = [p.source.size * i // pieces for i in range(pieces + 1)]
    if enough <= CHUNK:
        total = 0
        for first, last in itertools.pairwise(bounds):
            total += count(first, last)
            if total >= enough:
                break
        return total
    with ThreadPoolExecutor(usable_cores(), thread_name_prefix="spikecuda-count") as executor:
        try:
            return sum(executor.map(count, bounds[:-1], bounds[1:]))
        finally:
            executor.shutdown(cancel_futures=True)
