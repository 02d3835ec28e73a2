"""The tables by which the loops find rows that are short, and what threads send each other."""

from collections.abc import Sequence

import numpy as np

from spikecuda.common.aligned_memory import aligned_zeros
from spikecuda.kernels.network import short
from spikecuda.network.synapses.short_rows import ShortRows
from spikecuda.network.synapses.store import Bundle, Wiring

# Rate of all neurons, in Hz, that buckets have room for; what does not fit is added one by one.
RATE, LEAST, MOST = 30.0, 1 << 10, 1 << 22


class ShortTables:
    """The table of ``kernels/network/short``, and what it points to.

    Args:
        wiring: the synapses.
        bundles: those with short rows.
        sources: number of populations, those without neurons of their own included.
        threads: how many work at once.
        window: the most steps of a window.
    """

    def __init__(
        self, wiring: Wiring, bundles: Sequence[Bundle], sources: int, threads: int, window: int
    ) -> None:
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        loops = load_cpu_loop("network_short")
        count = wiring.blocks.count
        threads = min(threads, count)
        self._lists = aligned_zeros(threads * (sources + 1) * short.LIST_WORDS, np.int64)
        self._buckets: list[np.ndarray] = []
        capacity = 0
        if count > 1:
            synapses = sum(rows.targets.size for bundle in bundles for rows in bundle.blocks)
            dt = bundles[0].projections[0].dt
            expected = synapses * RATE * 1e-3 * dt * window / (threads * count)
            capacity = int(min(max(2.0 * expected, LEAST), MOST))
            # Pages that are never written are never taken.
            self._buckets = [
                aligned_zeros(short.BUCKET_HEAD + capacity, np.int64)
                for _ in range(2 * threads * count)
            ]
        self._of = np.array([bucket.ctypes.data for bucket in self._buckets] or [0], np.int64)
        self.table = table = aligned_zeros(short.SHORT, np.int64)
        table[short.SHORT_SPREAD], table[short.SHORT_OUTSIDE] = loops.spread, loops.spread_outside
        table[short.SHORT_GATHER] = loops.gather
        table[short.SHORT_BLOCKS], table[short.SHORT_THREADS] = count, threads
        table[short.SHORT_LISTS] = self._lists.ctypes.data
        table[short.SHORT_BUCKETS] = self._of.ctypes.data
        table[short.SHORT_CAPACITY] = capacity
        self.tabulate(wiring, sources)

    @classmethod
    def of(cls, wiring: Wiring, sources: int, threads: int, window: int) -> "ShortTables | None":
        """Return the tables, or None if no bundle has short rows."""
        bundles = [bundle for bundle in wiring.bundles if bundle.short]
        return cls(wiring, bundles, sources, threads, window) if bundles else None

    def tabulate(self, wiring: Wiring, sources: int) -> None:
        """Tell where the rows are, now that some may be elsewhere or have other weights.

        Args:
            wiring: the synapses.
            sources: number of populations; more than there were are of given trains.
        """
        bundles = sorted((b for b in wiring.bundles if b.short), key=lambda b: b.source)
        per = np.bincount([b.source for b in bundles], minlength=sources)
        self._first = np.append(0, np.cumsum(per)).astype(np.int32)
        self._rows = np.zeros((len(bundles), short.SHORT_BUNDLE), np.int64)
        for row, bundle in zip(self._rows, bundles, strict=True):
            rows = bundle.blocks[0]
            assert isinstance(rows, ShortRows)
            row[short.SHORT_INDEX], row[short.SHORT_STARTS] = _address(rows.rows, rows.starts)
            row[short.SHORT_WIDE] = rows.starts.itemsize == 8
            row[short.SHORT_WORDS] = rows.targets.ctypes.data
            if rows.weights is not None:
                row[short.SHORT_WEIGHTS] = rows.weights.ctypes.data
                row[short.SHORT_WIDTH] = rows.weights.itemsize
            row[short.SHORT_WEIGHT] = bundle.weight
            row[short.SHORT_DELAY], row[short.SHORT_BLOCK] = rows.bits.delay, rows.bits.cell
        self.table[short.SHORT_POPULATIONS] = 1 + max((b.source for b in bundles), default=-1)
        self.table[short.SHORT_BUNDLES] = self._rows.ctypes.data
        self.table[short.SHORT_BUNDLES_OF] = self._first.ctypes.data

    @property
    def address(self) -> int:
        """Address of the table."""
        return int(self.table.ctypes.data)

    @property
    def nbytes(self) -> int:
        """Bytes held, those that are not yet used included."""
        return self._lists.nbytes + sum(bucket.nbytes for bucket in self._buckets)


def _address(*arrays: np.ndarray) -> list[int]:
    return [int(array.ctypes.data) for array in arrays]
