"""Which neurons each process owns."""

from collections.abc import Sequence

import numpy as np

from spikecuda.network.synapses.blocks import Blocks, Owner, Share, split_blocks, split_shares


def split_ranks(
    sizes: Sequence[int], ranks: int, speeds: Sequence[float] | None = None
) -> np.ndarray:
    """Return int64 (populations, ranks + 1): the first neuron of each population that each owns.

    Args:
        sizes: neurons of each population.
        ranks: how many processes there are.
        speeds: of each; None: all are alike.
    """
    owners = [Owner(speed) for speed in speeds or [1.0] * ranks]
    _, shares = split_shares(sizes, owners, largest=int(sum(sizes)) + 32 * len(sizes))
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


def own_shares(blocks: Blocks, shares: Sequence[Share]) -> tuple[Blocks, list[Share]]:
    """Return the blocks and partitions of a process, its blocks numbered from 0.

    Args:
        blocks: of all processes.
        shares: of the process' partitions, one after the other.
    """
    first, last = shares[0].blocks.start, shares[-1].blocks.stop
    mine = Blocks(
        last - first, np.ascontiguousarray(blocks.starts[:, first : last + 1]),
        np.ascontiguousarray(blocks.offsets[:, first:last]), blocks.sizes[first:last],
    )  # fmt: skip
    numbered = [
        Share(s.starts, range(s.blocks.start - first, s.blocks.stop - first)) for s in shares
    ]
    return mine, numbered
