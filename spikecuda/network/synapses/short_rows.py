"""Rows that are short: one for each source that has synapses in a process, for all its blocks.

What a synapse is, and how a source's row is found, is in ``kernels/network/short``.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from spikecuda.kernels.network.short import GROUP
from spikecuda.network.synapses.blocks import Blocks
from spikecuda.network.synapses.store import Rows


@dataclass(frozen=True)
class WordBits:
    """How the 32 bits of a synapse's word are used.

    Attributes:
        cell: bits of a cell: the lowest ones.
        delay: bits below the delay, which has the highest ones; those between are the block's.
    """

    cell: int
    delay: int


def word_bits(cells: int, blocks: int, longest: int) -> WordBits | None:
    """Return how a word's bits are used, or None if they are not enough.

    Args:
        cells: of a step of a block, at most.
        blocks: how many there are.
        longest: the longest delay in steps.
    """
    cell = max(cells - 1, 1).bit_length()
    delay = cell + (blocks - 1).bit_length()
    return WordBits(cell, delay) if delay + longest.bit_length() <= 32 else None


@dataclass(eq=False)
class ShortRows(Rows):
    """A bundle's synapses in all blocks of a process, by source, in the order of their drawing.

    Attributes:
        targets: uint32, the words of the synapses.
        weights: int16 or int32, or None if all are the same.
        starts: uint32 or int64, first synapse of the row of each source that has one, and the end.
        delays: uint16, the shortest and the longest delay in steps, and 0; 0 alone without any.
        rows: uint32 (groups, 4), of 64 sources which have rows (64 bits), and how many rows come
            before them (int64).
        bits: how the words' bits are used.
    """

    joined: ClassVar[bool] = True

    bits: WordBits = field(default=WordBits(16, 16))

    def row_sources(self) -> np.ndarray:
        """Return int32, the source of each row."""
        bits = np.ascontiguousarray(self.rows[:, :2]).view(np.uint8)
        return np.flatnonzero(np.unpackbits(bits, bitorder="little")).astype(np.int32)

    def synapse_sources(self) -> np.ndarray:
        """Return int32, the source of each synapse."""
        return np.repeat(self.row_sources(), np.diff(self.starts))

    def located(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return int64, the block of each synapse, its cell there, and its delay in steps."""
        words, bits = self.targets.astype(np.int64), self.bits
        block = (words & ((1 << bits.delay) - 1)) >> bits.cell
        return block, words & ((1 << bits.cell) - 1), words >> bits.delay


def index_rows(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what ``ShortRows.rows`` and ``starts`` are.

    Args:
        counts: int64, synapses of each source.
    """
    groups = -(-counts.size // GROUP)
    present = np.zeros(groups * GROUP, np.bool_)
    np.greater(counts, 0, out=present[: counts.size])
    index = np.empty((groups, 4), np.uint32)
    index[:, :2] = np.packbits(present, bitorder="little").view(np.uint32).reshape(groups, 2)
    rows = present.reshape(groups, GROUP).sum(axis=1, dtype=np.int64)
    before = np.cumsum(rows) - rows
    index[:, 2:] = before.view(np.uint32).reshape(groups, 2)
    ends = np.append(0, np.cumsum(counts[present[: counts.size]], dtype=np.int64))
    return index, ends.astype(np.uint32) if ends[-1] < 2**32 else ends


def words_of(
    number: int, port: int, blocks: Blocks, bits: WordBits, first: int, last: int
) -> np.ndarray:
    """Return uint32, of each target from ``first`` up to ``last`` its block and its port's cell.

    Args:
        number: of the target population; ``port``: of the receptor.
        blocks: of the process.
        bits: how the words' bits are used.
    """
    neuron = np.arange(first, last)
    block = np.searchsorted(blocks.starts[number, 1:], neuron, side="right")
    cell = neuron - blocks.starts[number, block] + blocks.offsets[number, block]
    cell += port * blocks.sizes[block]
    return ((block << bits.cell) | cell).astype(np.uint32)
