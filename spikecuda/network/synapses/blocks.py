"""Split a network's neurons over partitions and blocks.

A partition is what one device holds; a block is what one thread advances at once, or a page of a
device's memory: its neurons have 16-bit numbers.
"""

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
        sizes: int64 (blocks,): places for neurons of each block: a part takes whole words of them.
    """

    count: int
    starts: np.ndarray
    offsets: np.ndarray
    sizes: np.ndarray


@dataclass(frozen=True)
class Owner:
    """A partition before it has neurons.

    Attributes:
        weight: its share of the neurons, relative to the others'.
        threads: how many work in it at once; 0 for a device that takes pages.
    """

    weight: float = 1.0
    threads: int = 1


@dataclass(frozen=True, eq=False)
class Share:
    """The neurons of a partition.

    Attributes:
        starts: int64 (populations, 2): its first neuron of each population, and the end.
        blocks: numbers of its blocks.
    """

    starts: np.ndarray
    blocks: range

    @property
    def counts(self) -> np.ndarray:
        """Its neurons of each population."""
        return self.starts[:, 1] - self.starts[:, 0]

    @property
    def places(self) -> np.ndarray:
        """Where each population begins among a device's neurons: at a multiple of 32."""
        padded = whole_words(self.counts)
        return np.asarray(np.cumsum(padded) - padded)

    @property
    def size(self) -> int:
        """Places for neurons on a device."""
        return int(whole_words(self.counts).sum())


def split_blocks(sizes: Sequence[int], threads: int, largest: int = MAX_BLOCK) -> Blocks:
    """Return a split in which each population is dealt to all blocks in equal contiguous parts.

    Args:
        sizes: neurons of each population.
        threads: how many work at once; the number of blocks is a multiple of it.
        largest: the most neurons of a block; only stored rows need it to be small.

    Parts begin at multiples of 32, and so do their places; blocks differ by at most 32 neurons a
    population.
    """
    count = threads
    while True:
        starts = _deal(sizes, np.ones(count))
        places = whole_words(np.diff(starts, axis=1).astype(np.int64))
        if places.sum(axis=0).max(initial=0) <= largest:
            return Blocks(count, starts, np.cumsum(places, axis=0) - places, places.sum(axis=0))
        count += threads


def split_shares(
    sizes: Sequence[int], owners: Sequence[Owner], largest: int = MAX_BLOCK
) -> tuple[Blocks, list[Share]]:
    """Return a split over partitions: each population is dealt to all of them by weight.

    Args:
        sizes: neurons of each population.
        owners: the partitions.
        largest: as for ``split_blocks``.
    """
    bounds = _deal(sizes, np.array([owner.weight for owner in owners]))
    starts, offsets, lengths, shares = [bounds[:, :1]], [], [], []
    done = 0
    for p, owner in enumerate(owners):
        first = bounds[:, p : p + 1]
        counts = bounds[:, p + 1] - bounds[:, p]
        inner = split_blocks(counts, owner.threads, largest) if owner.threads else _pages(counts)
        starts.append(first + inner.starts[:, 1:])
        offsets.append(inner.offsets)
        lengths.append(inner.sizes)
        pair = bounds[:, p : p + 2].astype(np.int64)
        shares.append(Share(pair, range(done, done + inner.count)))
        done += inner.count
    blocks = Blocks(
        done, np.ascontiguousarray(np.concatenate(starts, axis=1), np.int32),
        np.ascontiguousarray(np.concatenate(offsets, axis=1)), np.concatenate(lengths),
    )  # fmt: skip
    return blocks, shares


def whole_words(counts: np.ndarray) -> np.ndarray:
    """Return numbers of neurons rounded up to whole words."""
    return -(-counts // GRAIN) * GRAIN


def _pages(counts: np.ndarray) -> Blocks:
    """Return the pages of a device: its neurons, population by population, 65,536 a page."""
    share = Share(np.stack([np.zeros_like(counts), counts], axis=1).astype(np.int64), range(0))
    pages = max(1, -(-share.size // MAX_BLOCK))
    edges = np.arange(pages + 1) * MAX_BLOCK
    starts = np.clip(edges[None, :] - share.places[:, None], 0, counts[:, None])
    offsets = share.places[:, None] + starts[:, :-1] - edges[None, :-1]
    sizes = np.minimum(edges[1:], share.size) - edges[:-1]
    return Blocks(pages, starts.astype(np.int32), offsets, sizes)


def _deal(sizes: Sequence[int] | np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return int32 (populations, parts + 1): where each part of each population begins."""
    count = weights.size
    load = np.zeros(count)
    starts = np.zeros((len(sizes), count + 1), np.int32)
    for p, size in enumerate(sizes):
        words = -(-size // GRAIN)
        share = np.floor(words * (weights / weights.sum()) + 1e-9).astype(np.int64)
        # The words that are left over go one by one to the parts that have least so far.
        for _ in range(words - int(share.sum())):
            share[np.argmin((load + share * GRAIN) / weights)] += 1
        ends = np.minimum(np.cumsum(share) * GRAIN, size)
        starts[p, 1:] = ends
        load += np.diff(starts[p])
    return starts
