"""A block's calendar: memory for the cursors of rows in transit."""

import numpy as np

from spikecuda.common.aligned_memory import aligned_zeros
from spikecuda.kernels.network import layout


class Calendar:
    """Slots, chunks and state of a block's calendar; see ``kernels/network/calendar``.

    There is room for the worst case.  Chunks are zeros until they are used, which say that the next
    spare one follows, so that the system gives memory only to those that ever were.

    Args:
        slots: a power of two, more than the longest delay and a window.
        chunks: of 62 cursors, to begin with.
    """

    def __init__(self, slots: int, chunks: int) -> None:
        self.heads = np.full(slots, -1, np.int32)
        self.state = aligned_zeros(8, np.int64)
        self.chunks = np.empty(0, np.int64)
        self.queue = np.empty(0, np.int64)
        self.state[layout.CALENDAR_FREE] = -1
        self.grow(chunks)

    def grow(self, more: int) -> None:
        """Add chunks."""
        held = int(self.state[layout.CALENDAR_CHUNKS])
        chunks = np.zeros((held + more) * layout.CHUNK_WORDS, np.int64)
        chunks[: self.chunks.size] = self.chunks
        # The last of the new chunks leads to what was free before.
        last = held + more - 1
        chunks[last * layout.CHUNK_WORDS] = self.state[layout.CALENDAR_FREE] - (last + 1)
        self.chunks = chunks
        self.queue = np.empty((held + more) * layout.CHUNK_CURSORS, np.int64)
        self.state[layout.CALENDAR_FREE] = held
        self.state[layout.CALENDAR_SPARE] += more
        self.state[layout.CALENDAR_CHUNKS] = held + more

    def put(self, steps: np.ndarray, cursors: np.ndarray) -> None:
        """Put cursors into the slots of the steps that they are due in."""
        slots = steps & (self.heads.size - 1)
        _, counts = np.unique(slots, return_counts=True)
        need = int((-(-counts // layout.CHUNK_CURSORS)).sum())
        if self.state[layout.CALENDAR_SPARE] < need:
            self.grow(need)
        for slot in np.unique(slots).tolist():
            mine = cursors[slots == slot]
            for i in range(0, mine.size, layout.CHUNK_CURSORS):
                some = mine[i : i + layout.CHUNK_CURSORS]
                fresh = int(self.state[layout.CALENDAR_FREE])
                at = fresh * layout.CHUNK_WORDS
                self.state[layout.CALENDAR_FREE] = fresh + 1 + self.chunks[at]
                self.chunks[at : at + 2] = self.heads[slot], some.size
                self.chunks[at + 2 : at + 2 + some.size] = some
                self.heads[slot] = fresh
        self.state[layout.CALENDAR_SPARE] -= need
        self.state[layout.CALENDAR_ACTIVE] += cursors.size

    def clear(self) -> None:
        """Forget all cursors."""
        size = int(self.state[layout.CALENDAR_CHUNKS])
        self.heads[:] = -1
        self.state[:] = 0
        self.state[layout.CALENDAR_FREE] = -1
        self.chunks = np.empty(0, np.int64)
        self.grow(size)

    def cursors(self) -> np.ndarray:
        """Return all cursors that are on their way, in no order."""
        return self.chunks[self.places(0)[0]]

    def places(self, clock: int) -> tuple[np.ndarray, np.ndarray]:
        """Return where in ``chunks`` cursors are, and the step that each is due in.

        Args:
            clock: steps done; what is due at step ``clock`` has not been delivered yet.
        """
        chunks = self.chunks.reshape(-1, layout.CHUNK_WORDS)
        found, steps = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for slot in np.flatnonzero(self.heads >= 0).tolist():
            chunk = int(self.heads[slot])
            step = clock + ((slot - clock) & (self.heads.size - 1))
            while chunk >= 0:
                following, count = (int(x) for x in chunks[chunk, :2])
                first = chunk * layout.CHUNK_WORDS + 2
                found.append(np.arange(first, first + count))
                steps.append(np.full(count, step))
                chunk = following
        return np.concatenate(found), np.concatenate(steps)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.heads.nbytes + self.chunks.nbytes + self.queue.nbytes
