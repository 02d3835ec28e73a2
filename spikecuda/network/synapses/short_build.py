"""Fill the short rows of a bundle; see ``short_rows``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.blocks import Blocks
from spikecuda.network.synapses.field import require_numbers
from spikecuda.network.synapses.row_recipe import row_scratch, row_twins
from spikecuda.network.synapses.short_rows import ShortRows, WordBits, index_rows, words_of
from spikecuda.network.synapses.store import Bundle


@dataclass(frozen=True, eq=False)
class Filling:
    """What a projection's part of short rows is filled from.

    Attributes:
        projection: whose.
        counts: int32 (1 or ranges, sources), synapses of each source; of columns those of each
            range, which are written side by side.
        degrees: int32, synapses of each source of the view, or empty.
        drawn: what rows are drawn from, and the loops of targets and values; () for given pairs.
        ranges: rows of each thread, or columns.
        pairs: sources, targets, weights and delays of given pairs; () for drawn ones.
    """

    projection: Projection
    counts: np.ndarray
    degrees: np.ndarray
    drawn: tuple[Any, ...]
    ranges: Sequence[tuple[int, int]]
    pairs: tuple[np.ndarray, ...] = ()


def fill_short_rows(
    bundle: Bundle,
    fillings: Sequence[Filling],
    blocks: Blocks,
    bits: WordBits,
    keys: tuple[np.uint32, np.uint32],
    run: Callable[[Callable[..., None], Sequence[Any]], Any],
) -> ShortRows:
    """Return the rows of a bundle.

    Args:
        bundle: whose rows.
        fillings: one for each of its projections.
        blocks: of the process.
        bits: how the words are used.
        keys: of the generator.
        run: calls a function with each of several tuples of arguments, in parallel.
    """
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    loops = load_cpu_loop("network_short_build")
    counts = sum(f.counts.sum(axis=0, dtype=np.int64) for f in fillings)
    index, starts = index_rows(counts)
    size, width = int(starts[-1]), bundle.width
    words = np.empty(size, np.uint32)
    weights = None if width == 0 else np.empty(size, np.int16 if width == 2 else np.int32)
    at = np.cumsum(counts) - counts
    for f in fillings:
        p = f.projection
        number = p.target.population.number
        starts_of = np.ascontiguousarray(blocks.starts[number, [0, -1]])
        word_of = words_of(number, bundle.port, blocks, bits, *starts_of.tolist())
        if f.pairs:
            to = (word_of, bits.delay, at, words, _address(weights), width)
            loops.fill_short_pairs(*f.pairs, starts_of, *to)
            continue
        ints, floats, draw, values = f.drawn
        # Each range of columns has its own part of every row.
        places = [at]
        for part in f.counts[:-1]:
            places.append(places[-1] + part)
        last = places[-1] + f.counts[-1] if len(places) > 1 else at
        twins = row_twins(p)
        jobs = [
            (ints, floats, draw, s0, s1, f.degrees, twins, p.source.kernel_ids,
             p.target.kernel_ids, starts_of, *keys, *row_scratch(p, f.degrees), values,
             word_of, bits.delay, places[i] if len(places) > 1 else at, words, _address(weights),
             width)
            for i, (s0, s1) in enumerate(f.ranges)
        ]  # fmt: skip
        run(loops.fill_short, jobs)
        at = last
        require_numbers(p)
    delays = words >> np.uint32(bits.delay)
    ends = [int(delays.min()), int(delays.max()), 0] if size else [0]
    return ShortRows(words, weights, starts, np.array(ends, np.uint16), index, bits=bits)


def _address(array: np.ndarray | None) -> int:
    return 0 if array is None else int(array.ctypes.data)
