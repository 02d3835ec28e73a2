"""The order of synapses that no split of neurons changes: by source, delay, target, ordinal."""

from collections.abc import Iterator, Sequence

import numpy as np

from spikecuda.kernels.network import layout
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.access import order_of, pieces
from spikecuda.network.synapses.learned import segment_sources
from spikecuda.network.synapses.peers import Peers
from spikecuda.network.synapses.short_rows import ShortRows
from spikecuda.network.synapses.store import Bundle, Rows, Wiring

# Synapses of all processes that are put in order at a time, but for a source that has more.
TOGETHER = 1 << 20
# Bits of a delay in a synapse's key.
SHIFT = 16


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
        if len(bundle.projections) == 1 and not bundle.short:
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


class SharedOrder:
    """A projection's synapses over all processes in that order, some of them at a time.

    Whatever is called is called by all processes.

    Args:
        projection, bundle, wiring: as for ``IdentityOrder``, of this process.
        peers: the processes.
        together: synapses that are put in order at a time.

    Attributes:
        own: the order of this process' synapses.
        size: how many synapses all have.
    """

    def __init__(
        self, projection: Projection, bundle: Bundle, wiring: Wiring, peers: Peers,
        together: int = TOGETHER,
    ) -> None:  # fmt: skip
        self._peers, self.own = peers, IdentityOrder(projection, bundle, wiring)
        self._keys = self.own.gather([_keys(rows) for rows in bundle.blocks])
        sources = np.arange(projection.source.population.size + 1)
        counts = np.diff(np.searchsorted(self._keys, sources << SHIFT))
        ends = np.cumsum(peers.sums(counts.astype(np.int64)))
        self.size = int(ends[-1]) if ends.size else 0
        # The sources before which a part begins.
        edges = np.unique(np.searchsorted(ends, np.arange(0, self.size, together), side="right"))
        self._edges = np.append(edges, ends.size) if edges.size else edges

    def parts(self) -> Iterator[tuple[slice, np.ndarray, list[int]]]:
        """Yield part by part which of the own synapses are in it, its order, and sizes.

        The order is that of what all processes have in the part, one after the other: of so many.
        """
        for first, last in zip(self._edges[:-1], self._edges[1:], strict=True):
            a, z = np.searchsorted(self._keys, np.array([first, last], np.int64) << SHIFT)
            key, count = np.unique(self._keys[a:z], return_counts=True)
            keys = self._peers.joined(key, "keys of synapses")
            counts = self._peers.joined(count, "synapses of a key")
            # Stable: of one source and delay, targets ascend from process to process.
            order = np.argsort(
                np.concatenate([np.repeat(*p) for p in zip(keys, counts, strict=True)]),
                kind="stable",
            )  # fmt: skip
            yield slice(int(a), int(z)), order, [int(c.sum()) for c in counts]

    def gather(self, values: np.ndarray) -> Iterator[np.ndarray]:
        """Yield in rank 0 the values of all processes, part by part; in others nothing.

        Args:
            values: of the own synapses, in their order.
        """
        for mine, order, _ in self.parts():
            found = self._peers.gathered(values[mine], "values of synapses")
            if self._peers.rank == 0:
                yield np.concatenate(found)[order]

    def take(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return what the own synapses have in their order, of arrays of those of all."""
        result = [np.empty(self.own.size, array.dtype) for array in arrays]
        for mine, here, part in self._own_places():
            for values, array in zip(result, arrays, strict=True):
                values[mine] = array[part][here]
        return result

    def places(self) -> np.ndarray:
        """Return the places of the own synapses among those of all, int64, ascending."""
        result = np.empty(self.own.size, np.int64)
        for mine, here, part in self._own_places():
            result[mine] = here + part.start
        return result

    def _own_places(self) -> Iterator[tuple[slice, np.ndarray, slice]]:
        """Yield part by part the own synapses, their places in it, and the part of the whole."""
        at = 0
        for mine, order, sizes in self.parts():
            places = np.empty(order.size, np.int64)
            places[order] = np.arange(order.size)
            before = sum(sizes[: self._peers.rank])
            here = places[before : before + mine.stop - mine.start]
            yield mine, here, slice(at, at + order.size)
            at += order.size


def _keys(rows: Rows) -> np.ndarray:
    """Return source and delay of each synapse of a block as one number, int64."""
    if isinstance(rows, ShortRows):
        return (rows.synapse_sources().astype(np.int64) << SHIFT) | rows.located()[2]
    lengths: np.ndarray = np.diff(rows.starts.astype(np.int64))
    delays = (rows.delays[: lengths.size] & layout.DELAY).astype(np.int64)
    return np.repeat((segment_sources(rows).astype(np.int64) << SHIFT) | delays, lengths)


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
