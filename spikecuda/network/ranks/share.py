"""Which neurons each process owns."""

from collections.abc import Sequence

import numpy as np

from spikecuda.network.synapses.blocks import Blocks, Owner, split_blocks, split_shares


def split_ranks(sizes: Sequence[int], ranks: int) -> np.ndarray:
    """Return int64 (populations, ranks + 1): the first neuron of each population that each owns.

    Args:
        sizes: neurons of each population.
        ranks: how many processes there are.
    """
    _, shares = split_shares(sizes, [Owner()] * ranks, largest=int(sum(sizes)) + 32 * len(sizes))
    ends = np.array(sizes, np.int64)[:, None]
    return np.concatenate([*(share.starts[:, :1] for share in shares), ends], axis=1)


def blocks_of(bounds: np.ndarray, rank: int, threads: int, largest: int) -> Blocks:
    """Return the blocks of a process.

    Args:
        bounds: see ``split_ranks``.
        rank: its number.
        threads: how many work in it at once.
        largest: the most neurons of a block.
    """
    first, last = bounds[:, rank], bounds[:, rank + 1]
    inner = split_blocks((last - first).tolist(), threads, largest)
    starts = np.ascontiguousarray(first[:, None] + inner.starts, np.int32)
    return Blocks(inner.count, starts, inner.offsets, inner.sizes)
