"""Split a network's neurons over blocks: a block is what one thread or device advances at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

GRAIN = 32
# Targets are 16-bit numbers within a block.
MAX_BLOCK = 1 << 16


@dataclass(frozen=True, eq=False)
class Blocks:
    """Which block each neuron belongs to.

    Attributes:
        count: number of blocks.
        starts: int32 (populations, blocks + 1): first neuron of each block's part of a population.
        offsets: int64 (populations, blocks): number of a part's first neuron within its block.
        sizes: int64 (blocks,): neurons of each block.
    """

    count: int
    starts: np.ndarray
    offsets: np.ndarray
    sizes: np.ndarray


def split_blocks(sizes: Sequence[int], threads: int, largest: int = MAX_BLOCK) -> Blocks:
    """Return a split in which each population is dealt to all blocks in equal contiguous parts.

    Args:
        sizes: neurons of each population.
        threads: how many work at once; the number of blocks is a multiple of it.
        largest: the most neurons of a block; only stored rows need it to be small.

    Parts begin at multiples of 32; the sizes of blocks differ by at most 32 neurons a population.
    """
    count = threads
    while True:
        blocks = _split(sizes, count)
        if blocks.sizes.max(initial=0) <= largest:
            return blocks
        count += threads


def _split(sizes: Sequence[int], count: int) -> Blocks:
    load = np.zeros(count, np.int64)
    starts = np.zeros((len(sizes), count + 1), np.int32)
    for p, size in enumerate(sizes):
        words = -(-size // GRAIN)
        share = np.full(count, words // count)
        # The words that are left over go to the blocks that have least so far.
        share[np.argsort(load, kind="stable")[: words % count]] += 1
        ends = np.minimum(np.cumsum(share) * GRAIN, size)
        starts[p, 1:] = ends
        load += np.diff(starts[p])
    parts = np.diff(starts, axis=1).astype(np.int64)
    offsets = np.cumsum(parts, axis=0) - parts
    return Blocks(count, starts, offsets, parts.sum(axis=0))
