"""Launch geometry: the number of blocks for a range of neurons."""

from spikecuda.errors import SpikecudaValueError

MAX_BLOCK = 1024
# Streams that the batches of a launch are dealt out to.
BRANCHES = 4


def grid(neurons: int, block: int) -> int:
    """Return the number of blocks that cover ``neurons`` with ``block`` threads each.

    Raises:
        SpikecudaValueError: the block is not a positive multiple of a warp, or too large.
    """
    if block % 32 or not 32 <= block <= MAX_BLOCK:
        raise SpikecudaValueError(
            f"block must be a multiple of 32 from 32 to {MAX_BLOCK} (got {block}): a warp writes "
            "one word of spikes"
        )
    return -(-neurons // block)
