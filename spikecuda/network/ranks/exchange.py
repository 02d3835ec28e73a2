"""The exchange of spikes between partitions of several processes of MPI, on any devices."""

import time
from collections.abc import Sequence

import numpy as np

from spikecuda.network.ranks.link import RATE, LinkFigures
from spikecuda.network.ranks.ranks import Ranks
from spikecuda.network.ranks.together import Together

# Words before the spikes of a block: how many follow, or that there will be none.
HEAD, LEFT = 1, -1
LEAST_BLOCK, MOST_BLOCK = 64, 1 << 16
NOTHING = LinkFigures(0, 0, 0, 0.0)


class RankExchange:
    """A ``SpikeExchange`` over MPI: a padded block of each process in one Allgather.

    If a list is longer than its block, an Allgatherv brings all in full.  Every process hears what
    all have sent, so each can record it.

    Args:
        ranks: the processes.
        together: what the processes' engines agree on.
        neurons: of the whole network.
        window: steps of a window; ``dt``: ms of a step.

    Attributes:
        figures: what was exchanged.
        heard: the sorted spikes of all processes in the last window.
    """

    def __init__(
        self, ranks: Ranks, together: Together, neurons: int, window: int, dt: float
    ) -> None:
        self._ranks, self._together = ranks, together
        expected = neurons / ranks.count * RATE * window * dt * 1e-3
        words = expected + 6.0 * expected**0.5 + 8.0 + HEAD
        block = int(min(MOST_BLOCK, max(LEAST_BLOCK, 2 ** np.ceil(np.log2(words)))))
        self._send = np.zeros(block, np.int64)
        self._every = np.zeros((ranks.count, block), np.int64)
        self.heard = np.empty(0, np.int64)
        self.figures = NOTHING

    def swap(self, lists: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return for each partition of this process the spikes of all others.

        Raises:
            SpikecudaError, KeyboardInterrupt: another process broke off within this window.
        """
        begin = time.perf_counter()
        own = lists[0] if len(lists) == 1 else np.sort(np.concatenate(lists))
        sizes = self._gather(own, own.size)
        if (sizes == LEFT).any():
            self._together.hear()
        room = self._send.size - HEAD
        long = bool((sizes > room).any())
        if long:
            every = self._ranks.gather_lists(own, sizes)
            found = np.split(every, np.cumsum(sizes)[:-1])
        else:
            found = [row[HEAD : HEAD + n] for row, n in zip(self._every, sizes, strict=True)]
        self.heard = np.sort(np.concatenate(found))
        del found[self._ranks.rank]
        result = [
            np.sort(np.concatenate([*found, *(x for j, x in enumerate(lists) if j != i)]))
            if len(found) + len(lists) > 1 else own[:0]
            for i in range(len(lists))
        ]  # fmt: skip
        before = self.figures
        self.figures = LinkFigures(
            before.windows + 1, before.overflows + long, before.bytes + 8 * int(sizes.sum()),
            before.seconds + time.perf_counter() - begin,
        )  # fmt: skip
        return result

    def leave(self, error: BaseException) -> None:
        """Tell the others, which wait for spikes of a window, that none come from here."""
        self._gather(self._send[:0], LEFT)
        self._ranks.tell(error)

    def clear(self) -> None:
        """Begin to count anew."""
        self.figures = NOTHING

    def _gather(self, own: np.ndarray, size: int) -> np.ndarray:
        """Send a block, with as much of a list as it holds; return what all say of their sizes."""
        some = own[: self._send.size - HEAD]
        self._send[0] = size
        self._send[HEAD : HEAD + some.size] = some
        self._ranks.gather(self._send, self._every)
        return self._every[:, 0].copy()
