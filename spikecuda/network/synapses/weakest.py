"""The weakest of a projection's synapses, which several processes have."""

from collections.abc import Sequence

import numpy as np

from spikecuda.network.synapses.peers import Peers

# A synapse's key within a block: source, then delay, then cell.
SOURCE, DELAY, CELLS = 32, 16, 0xFFFF
# Bits of a number but its sign.
REST = np.int64(2**63 - 1)


def weakest_together(
    peers: Peers,
    weights: Sequence[np.ndarray],
    keys: Sequence[np.ndarray],
    shift: np.ndarray,
    fraction: float,
    sources: int,
) -> list[np.ndarray]:
    """Return masks of the weakest of all processes' synapses, for each block of this one.

    Equally weak ones go in the order of ``Projection.connections``.

    Args:
        peers: the processes.
        weights: float64, of the synapses of each block.
        keys: int64, of the same: source, delay and cell.
        shift: number of a target less its cell, of each block.
        fraction: of all synapses that are to be found.
        sources: neurons of the source population.
    """
    block = np.repeat(np.arange(len(weights)), [w.size for w in weights])
    ends = np.cumsum([w.size for w in weights])[:-1]
    number, key = _ordered(np.concatenate(weights)), np.concatenate(keys)
    count = int(fraction * int(peers.sums(np.array([number.size]))[0]))
    if count == 0:
        return [np.zeros(w.size, np.bool_) for w in weights]
    limit = _limit(peers, np.sort(number), count)
    chosen = number < limit
    left = count - int(peers.sums(np.array([np.count_nonzero(chosen)]))[0])
    # Those at the limit: all of some sources, and of one the first by delay and target.
    ties = np.flatnonzero(number == limit)
    source = key[ties] >> SOURCE
    upto = np.cumsum(peers.sums(np.bincount(source, minlength=sources).astype(np.int64)))
    last = int(np.searchsorted(upto, left))
    chosen[ties[source < last]] = True
    left -= int(upto[last - 1]) if last else 0
    ties = ties[source == last]
    delay = (key[ties] >> DELAY) & CELLS
    target = (key[ties] & CELLS) + shift[block[ties]]
    every = peers.joined((delay << SOURCE) | target, "synapses of one weight")
    first = np.argsort(np.concatenate(every), kind="stable")[:left]
    before = sum(part.size for part in every[: peers.rank])
    mine = first[(first >= before) & (first < before + ties.size)] - before
    chosen[ties[mine]] = True
    return np.split(chosen, ends)


def _ordered(values: np.ndarray) -> np.ndarray:
    """Return int64 that have the order of float64 numbers; both zeros are the same."""
    bits = (values + 0.0).view(np.int64)
    return np.asarray(np.where(bits < 0, bits ^ REST, bits))


def _limit(peers: Peers, ordered: np.ndarray, count: int) -> int:
    """Return the number that ``count`` of all processes' are up to, and fewer below it.

    Args:
        peers: the processes.
        ordered: int64, ascending, of this one.
        count: > 0.
    """
    low, high = -(2**63), 2**63 - 1
    while low < high:
        middle = (low + high) // 2
        here = np.searchsorted(ordered, middle, side="right")
        if int(peers.sums(np.array([here], np.int64))[0]) >= count:
            high = middle
        else:
            low = middle + 1
    return low
