"""Rows of one block to be looked up and delivered by the network's own loop, and nothing else."""

import math
import time

import numpy as np

from spikecuda.common.aligned_memory import aligned_zeros
from spikecuda.kernels.network import layout as L
from spikecuda.network.cpu.calendar import Calendar
from spikecuda.network.synapses.store import Rows

# Steps of a window; spikes of all of them are looked up at its end.
WINDOW = 64
CELLS = 1 << 15
KINDS = {0: L.CONSTANT, 2: L.NARROW, 4: L.WIDE}


class RowRig:
    """One block without neurons, one bundle of rows, and spikes of another process.

    Args:
        sources: neurons that send.
        length: synapses of a segment; ``pieces``: segments of a row, with one delay each.
        width: bytes of a weight: 0, 2 or 4.
        every: one source of so many has a row.
        most: spikes of a step, at most.

    Attributes:
        block: the block's row of its table.
        cells, starts, targets, state: what it sums, its rows, and the state of its calendar.
    """

    def __init__(
        self, sources: int, length: int, width: int, every: int, most: int, pieces: int = 1
    ) -> None:
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        self._run = load_cpu_loop("network_run").run_blocks
        self._random = np.random.default_rng(1)
        self._sources, self._every = sources, every
        present = -(-sources // every)
        has = np.zeros(sources + 1, np.uint32)
        has[1::every] = pieces
        rows = np.cumsum(has, dtype=np.uint32)
        count = present * pieces
        # Lengths vary, as those of drawn rows do: the processor must not foresee them.
        sizes = 1 + self._random.poisson(length - 1.0, count)
        starts = np.zeros(count + 1, np.uint32)
        np.cumsum(sizes, out=starts[1:])
        delays = np.resize(np.arange(WINDOW, WINDOW + pieces, dtype=np.uint16), count + 1)
        delays[pieces - 1 : count : pieces] |= L.LAST
        targets = _targets(sizes, starts, self._random)
        kind = np.int16 if width == 2 else np.int32
        weights = np.full(targets.size, 3, kind) if width else None
        stored = Rows(targets, weights, starts, delays, rows)
        pairs = stored.words() if width == 2 else targets
        cells = aligned_zeros(CELLS, np.int32, lazy=False)
        slots = 1 << math.ceil(math.log2(2 * WINDOW + pieces + 2))
        self._windows = 1 + math.ceil((pieces - 1) / WINDOW)
        calendar = Calendar(slots, 2 * (WINDOW * most // L.CHUNK_CURSORS + slots))
        bundles = np.zeros((1, L.BUNDLE), np.int64)
        block, clock = np.zeros((1, L.BLOCK), np.int64), aligned_zeros(8, np.int64)
        first, none = np.array([0, 1], np.int32), np.zeros(4, np.int32)
        pending, send = np.zeros(4, np.int64), np.zeros(8, np.int32)
        words = L.LINK_HEAD + WINDOW * (3 + most)
        self._messages = np.zeros((2, words), np.int32)
        numbers = np.zeros((2, 2), np.int32)
        link = aligned_zeros(L.LINK, np.int64)
        self.block, self._mine = block, np.zeros(1, np.int64)
        self._shared = aligned_zeros(L.SHARED, np.int64)
        self._link = link.ctypes.data
        for row, names in (
            (bundles[0], {
                L.BUNDLE_TARGETS: pairs, L.BUNDLE_HEADS: stored.heads(), L.BUNDLE_ROWS: rows,
                **({L.BUNDLE_WEIGHTS: weights} if weights is not None and width == 4 else {}),
            }),
            (block[0], {
                L.BLOCK_CELLS: cells, L.BLOCK_HEADS: calendar.heads, L.BLOCK_QUEUE: calendar.queue,
                L.BLOCK_CHUNKS: calendar.chunks, L.BLOCK_STATE: calendar.state,
                L.BLOCK_CLOCK: clock, L.BLOCK_BUNDLES: bundles, L.BLOCK_BUNDLES_OF: first,
                L.BLOCK_SOURCE_HISTORIES_OF: none, L.BLOCK_TARGET_HISTORIES_OF: none,
                L.BLOCK_PENDING: pending,
            }),
            (link, {
                L.LINK_SEND: send, L.LINK_BLOCKS: self._messages, L.LINK_COUNTS: numbers[0],
                L.LINK_PLACES: numbers[1],
            }),
        ):  # fmt: skip
            for at, array in names.items():
                row[at] = array.ctypes.data
        bundles[0, L.BUNDLE_KIND], bundles[0, L.BUNDLE_WEIGHT] = KINDS[width], 3
        block[0, L.BLOCK_STRIDE], block[0, L.BLOCK_SLOT_MASK] = CELLS, slots - 1
        block[0, L.BLOCK_QUEUE_SIZE] = calendar.queue.size
        link[L.LINK_RANKS], link[L.LINK_NEXT] = 2, words
        exchange, nobody = load_cpu_loop("network_link"), load_cpu_loop("network_alone")
        link[L.LINK_BEGIN], link[L.LINK_TEST] = exchange.begin, exchange.test
        link[L.LINK_END], link[L.LINK_FILE] = exchange.end, exchange.file_received
        link[L.LINK_ALLGATHER] = link[L.LINK_ALLGATHERV] = nobody.transport
        link[L.LINK_TESTS], link[L.LINK_WAITS] = nobody.test, nobody.wait
        link[L.LINK_WTIME] = nobody.seconds
        # What the tables point to.
        self._kept = (stored, pairs, cells, calendar, bundles, clock,
                      first, none, pending, send, numbers, link)  # fmt: skip
        self.cells, self.starts, self.targets, self.state = cells, starts, targets, calendar.state
        self._step = 0

    def fill(self, spikes: int, found: bool = True) -> int:
        """Put so many spikes for each step into the message; return its words.

        Args:
            spikes: of a step.
            found: whether of sources that have a row, or of some that have none.
        """
        message, at = self._messages[1], L.LINK_HEAD
        places = -(-self._sources // self._every)
        for step in range(WINDOW):
            ids = np.sort(self._random.integers(0, places, spikes)) * self._every
            message[at : at + 3] = step, 0, spikes
            message[at + 3 : at + 3 + spikes] = ids if found else ids + 1
            at += 3 + spikes
        return at - L.LINK_HEAD

    def spikes(self, count: int) -> np.ndarray:
        """Return the sources of the message's spikes, ``count`` in each step."""
        message = self._messages[1, L.LINK_HEAD : L.LINK_HEAD + WINDOW * (3 + count)]
        return message.reshape(WINDOW, 3 + count)[:, 3:].ravel()

    def window(
        self, words: int = 0, window: int = WINDOW, steps: int = WINDOW, linked: bool = True
    ) -> float:
        """Advance by some steps; return the seconds.

        Args:
            words: of the message that arrives.
            window: steps between two exchanges; ``steps``: how many in all.
            linked: whether there is another process, which sends the message.
        """
        self._messages[1, 0] = words
        self._shared[L.THREADS_LINK] = self._link if linked else 0
        nothing = np.zeros((0, L.PART), np.int64)
        begin = time.perf_counter()
        self._run(
            self.block, self._mine, nothing, np.zeros((0, L.TRACE), np.int64),
            np.zeros((0, L.EXTERNAL), np.int64), self._shared, 1, self._step, 0, steps, window, 1,
            0, 0,
        )  # fmt: skip
        seconds = time.perf_counter() - begin
        self._step += steps
        return seconds

    def measure(self, spikes: int, repeats: int, found: bool = True) -> tuple[float, float]:
        """Return the best seconds of a look-up and of a row, delivered as its steps come.

        Args:
            spikes: of a step.
            repeats: how often.
            found: see ``fill``.
        """
        empty = min(self.window() for _ in range(9))
        look = row = math.inf
        for _ in range(repeats):
            words = self.fill(spikes, found)
            look = min(look, self.window(words) - empty)
            row = min(row, sum(self.window() - empty for _ in range(self._windows)))
        number = spikes * WINDOW
        return max(look, 0.0) / number, max(row, 0.0) / number


def _targets(sizes: np.ndarray, starts: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return targets that ascend within each segment, over all cells."""
    total = int(starts[-1])
    stretch = (CELLS // sizes).astype(np.int32)
    within = np.arange(total, dtype=np.int32) - np.repeat(starts[:-1].astype(np.int32), sizes)
    each = np.repeat(stretch, sizes)
    shift = np.resize(random.random(1 << 12, np.float32), total)
    return ((within + shift) * each).astype(np.uint16)
