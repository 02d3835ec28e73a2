"""The table by which the native loop exchanges spikes with other processes."""

from dataclasses import dataclass

import numpy as np

from spikecuda.common.aligned_memory import aligned_zeros
from spikecuda.kernels.network import layout
from spikecuda.kernels.network.link import FORGET, block_for
from spikecuda.network.ranks.ranks import Ranks

# A spike's words are its own, and at most three that head a group.
WORDS_PER_SPIKE = 4
MOST_BLOCK = 1 << 16
# Spikes of a neuron in a second that the first block is sized for, Hz; a block may grow to so many
# times as much.
RATE, GROWS = 10.0, 8
# Bytes for what MPI tells about a message; in MPICH and Open MPI it has 20 to 32.
STATUS = 256


@dataclass(frozen=True)
class LinkFigures:
    """What was exchanged since the network was built or reset.

    Attributes:
        windows: how many exchanges; each has the spikes of a window, or of several.
        overflows: those with more spikes than a block holds, which took a second message.
        bytes: of all processes' spikes.
        seconds: spent on waiting for other processes and on exchanging.
    """

    windows: int
    overflows: int
    bytes: int
    seconds: float


class Link:
    """What exchanges the spikes of a window with other processes, from native code.

    Args:
        ranks: the processes.
        neurons: of the whole network.
        most: spikes of this process' neurons between two exchanges, at most.
        parts: groups of neurons of this process.
        window: the most steps of a window.
        rhythm: steps between two exchanges, at least a window.
        dt: length of a step in ms.
    """

    def __init__(
        self,
        ranks: Ranks,
        neurons: int,
        most: int,
        parts: int,
        window: int,
        rhythm: int,
        dt: float,
    ) -> None:
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        expected = neurons / ranks.count * RATE * rhythm * dt * 1e-3
        words = int(WORDS_PER_SPIKE * (expected + 6.0 * expected**0.5 + 8.0))
        block = min(MOST_BLOCK, block_for(words))
        largest = min(MOST_BLOCK, GROWS * block)
        longest = most + 3 * parts * rhythm
        total = int(ranks.sums(np.array([longest]))[0])
        # Pages that no message reaches are never taken.
        self._send = np.empty(max(longest + layout.LINK_HEAD, largest), np.int32)
        self._blocks = np.empty(ranks.count * largest, np.int32)
        self._lists = np.empty(total, np.int32)
        self._counts = np.zeros(ranks.count, np.int32)
        self._places = np.zeros(ranks.count, np.int32)
        self._status = np.zeros(STATUS, np.uint8)
        loops = load_cpu_loop("network_link")
        communicator, kind = ranks.handles
        self.table = table = aligned_zeros(layout.LINK, np.int64)
        for name, loop in (
            (layout.LINK_BEGIN, loops.begin),
            (layout.LINK_TEST, loops.test),
            (layout.LINK_END, loops.end),
            (layout.LINK_FILE, loops.file_received),
        ):
            table[name] = loop
        table[layout.LINK_RANK], table[layout.LINK_RANKS] = ranks.rank, ranks.count
        table[layout.LINK_BLOCK] = table[layout.LINK_NEXT] = block
        table[layout.LINK_MOST], table[layout.LINK_PEAK] = largest, words << FORGET
        for name, array in (
            (layout.LINK_SEND, self._send),
            (layout.LINK_BLOCKS, self._blocks),
            (layout.LINK_LISTS, self._lists),
            (layout.LINK_COUNTS, self._counts),
            (layout.LINK_PLACES, self._places),
            (layout.LINK_STATUS, self._status),
        ):
            table[name] = array.ctypes.data
        table[layout.LINK_ALLGATHER] = ranks.function("MPI_Iallgather")
        table[layout.LINK_TESTS] = ranks.function("MPI_Test")
        table[layout.LINK_WAITS] = ranks.function("MPI_Wait")
        table[layout.LINK_ALLGATHERV] = ranks.function("MPI_Allgatherv")
        table[layout.LINK_COMMUNICATOR], table[layout.LINK_TYPE] = communicator, kind
        table[layout.LINK_WTIME] = ranks.function("MPI_Wtime")
        table[layout.LINK_ROOM] = rhythm - window

    @property
    def address(self) -> int:
        """Address of the table."""
        return int(self.table.ctypes.data)

    @property
    def figures(self) -> LinkFigures:
        """What was exchanged."""
        table = self.table
        return LinkFigures(
            int(table[layout.LINK_WINDOWS]), int(table[layout.LINK_OVERFLOWS]),
            4 * int(table[layout.LINK_WORDS]), 1e-9 * int(table[layout.LINK_NANOSECONDS]),
        )  # fmt: skip

    def begin(self, steps: int) -> None:
        """Begin some steps, after which all processes stop at the latest."""
        self.table[layout.LINK_HELD : layout.LINK_BACK + 1] = [
            0, 0, self.table[layout.LINK_ROOM], steps, 0, 0,
        ]  # fmt: skip

    def clear(self) -> None:
        """Begin to count anew."""
        self.table[layout.LINK_WINDOWS : layout.LINK_NANOSECONDS + 1] = 0
