"""Messages of the exchange between processes: where the others' are, and how long the next is."""

from spikecuda.kernels.network import layout as L
from spikecuda.kernels.network.machine import read_int32
from spikecuda.kernels.numerics.inner import inner

# A block has room for a bit more than the longest list of late, in words: a cache line is 16.
# Of that length, 1 / 1024 is forgotten with each message.
BLOCK_GRAIN, FORGET = 16, 10


@inner
def received_from(link, rank):
    """Return the addresses of the first and past the last word of a process' spikes.

    Args:
        link: int64, the table.
        rank: which process.
    """
    at = link[L.LINK_BLOCKS] + 4 * (rank * link[L.LINK_BLOCK] + L.LINK_HEAD)
    if link[L.LINK_LONG]:
        at = link[L.LINK_LISTS] + 4 * read_int32(link[L.LINK_PLACES] + 4 * rank)
    return at, at + 4 * read_int32(link[L.LINK_COUNTS] + 4 * rank)


def block_for(words):
    """Return the words of a block, if lists of late had up to so many."""
    room = L.LINK_HEAD + words + (words >> 3)
    return (room // BLOCK_GRAIN + 1) * BLOCK_GRAIN


_block_for = inner(block_for)


@inner
def fit_block(link, longest):
    """Settle how long the next block is, alike in all processes.

    Args:
        link: int64, the table.
        longest: words of the longest list of this message.
    """
    if link[L.LINK_MOST]:
        peak = link[L.LINK_PEAK]
        peak = max(longest << FORGET, peak - (peak >> FORGET))
        link[L.LINK_PEAK] = peak
        link[L.LINK_NEXT] = min(_block_for(peak >> FORGET), link[L.LINK_MOST])
