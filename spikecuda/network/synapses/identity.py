"""The order of synapses that no split of neurons changes: by source, delay, target, ordinal."""

from collections.abc import Sequence

import numpy as np

from spikecuda.kernels.network import layout
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.access import order_of, pieces
from spikecuda.network.synapses.learned import segment_sources
from spikecuda.network.synapses.store import Bundle, Wiring


class IdentityOrder:
    """A projection's synapses in the order of ``Projection.connections``.

    Args:
        projection: whose; its rows are stored.
        bundle: that holds it.
        wiring: that holds that.

    Attributes:
        size: how many synapses there are.
    """

    def __init__(self, projection: Projection, bundle: Bundle, wiring: Wiring) -> None:
        # Which of each block's synapses are the projection's, and their places in the order.
        self._which: list[np.ndarray | slice] = [slice(None)] * len(bundle.blocks)
        if len(bundle.projections) == 1:
            self.size = sum(rows.targets.size for rows in bundle.blocks)
            self._places = _places(bundle)
            return
        found = list(pieces(projection, wiring))
        order = order_of(found)
        self.size, at = order.size, 0
        places = np.empty(order.size, np.int64)
        places[order] = np.arange(order.size)
        self._which, self._places = [], []
        for piece in found:
            self._which.append(piece.where)
            self._places.append(places[at : at + piece.where.size])
            at += piece.where.size

    def gather(self, blocks: Sequence[np.ndarray]) -> np.ndarray:
        """Return values in this order, of arrays with one for each synapse of a block."""
        if len(blocks) == 1 and isinstance(self._which[0], slice):
            return blocks[0]
        result = np.empty(self.size, blocks[0].dtype)
        for values, which, places in zip(blocks, self._which, self._places, strict=True):
            result[places] = values[which]
        return result

    def scatter(self, values: np.ndarray, blocks: Sequence[np.ndarray]) -> None:
        """Write values in this order into the blocks' arrays."""
        for array, which, places in zip(blocks, self._which, self._places, strict=True):
            array[which] = values[places]


def _places(bundle: Bundle) -> list[np.ndarray | slice]:
    """Return the places of each block's synapses where they are all of one projection.

    A segment, of one source and delay, is in several blocks, whose targets ascend.
    """
    if len(bundle.blocks) == 1:
        return [slice(None)]
    keys, starts, lengths = [], [], []
    for rows in bundle.blocks:
        ends = rows.starts.astype(np.int64)
        delays = (rows.delays[: ends.size - 1] & layout.DELAY).astype(np.int64)
        keys.append((segment_sources(rows).astype(np.int64) << 16) | delays)
        starts.append(ends[:-1])
        lengths.append(np.diff(ends))
    every, index = np.unique(np.concatenate(keys), return_inverse=True)
    total = np.bincount(index, np.concatenate(lengths), every.size).astype(np.int64)
    begin, result, at = np.cumsum(total) - total, list[np.ndarray | slice](), 0
    for start, length in zip(starts, lengths, strict=True):
        mine = index[at : at + length.size]
        shift = np.repeat(begin[mine] - start, length)
        shift += np.arange(shift.size)
        result.append(shift)
        begin[mine] += length
        at += length.size
    return result
