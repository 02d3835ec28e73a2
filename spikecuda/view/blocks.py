"""What a page is sent of a run, piece by piece, and what waits for a page."""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

# Points that a run that goes on keeps for pages that come later, and the most that wait for a page;
# and as many samples.
KEPT = 1_000_000
# Pieces that are kept likewise.
PIECES = 20_000
# Frames of points that may wait before points are left out; at least one of so many is sent.
FRAMES_LATE, THINNEST = 10, 64


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of a variable of a neuron.

    Attributes:
        watched: number of what is watched.
        first: steps done when the first sample was taken: its time is first * dt.
        every: steps between samples.
        values: float32 (samples,).
    """

    watched: int
    first: int
    every: int
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Block:
    """What happened in some steps that follow each other.

    Attributes:
        first, stop: the steps, [first, stop).
        step: uint32 (points,): of each spike, less ``first``; in no order.
        neuron: uint32 (points,): its neuron, counted through all populations.
        bin: number of the first bin of ``counts``.
        counts: uint32 (bins, populations): spikes of each population in bins that are complete.
        samples: of watched neurons.
        trial: which stretch of time it belongs to: a reset begins another one.
        total: spikes of the trial up to its end, sent or not.
        every: of how many spikes it has one.
    """

    first: int
    stop: int
    step: np.ndarray
    neuron: np.ndarray
    bin: int = 0
    counts: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.uint32))
    samples: tuple[Samples, ...] = ()
    trial: int = 0
    total: int = 0
    every: int = 1

    @property
    def points(self) -> int:
        """How many spikes it has."""
        return int(self.step.size)

    @property
    def sampled(self) -> int:
        """How many samples and counts it has."""
        return int(self.counts.size) + sum(int(s.values.size) for s in self.samples)


def join_blocks(blocks: Sequence[Block]) -> Block:
    """Return blocks of one trial, thinned alike, whose bins follow each other, as one."""
    if len(blocks) == 1:
        return blocks[0]
    head, last = blocks[0], blocks[-1]
    step = np.concatenate([b.step + np.uint32(b.first - head.first) for b in blocks])
    binned = [b for b in blocks if b.counts.size]
    return Block(
        head.first, last.stop, step, np.concatenate([b.neuron for b in blocks]),
        binned[0].bin if binned else 0,
        np.concatenate([b.counts for b in binned]) if binned else head.counts,
        tuple(s for b in blocks for s in b.samples), head.trial, last.total, head.every,
    )  # fmt: skip


class Rates:
    """Count spikes of each population in bins of some steps.

    Args:
        populations: how many.
        width: steps of a bin.
    """

    def __init__(self, populations: int, width: int) -> None:
        self.width = width
        self._open = np.zeros((1, populations), np.uint32)
        self._bin = 0

    def begin(self, step: int) -> None:
        """Begin anew; bins that began before ``step`` are not told."""
        self._bin = -(-step // self.width)
        self._open = np.zeros((1, self._open.shape[1]), np.uint32)

    def add(self, steps: Sequence[np.ndarray | None], stop: int) -> tuple[int, np.ndarray]:
        """Add spikes; return the number of the first bin that is complete, and their counts.

        Args:
            steps: of each population's spikes, not before those added last; None: none.
            stop: step after the last one.
        """
        last = max(stop // self.width, self._bin)
        counts = np.zeros((last - self._bin + 1, len(steps)), np.uint32)
        counts[0] = self._open[0]
        for i, step in enumerate(steps):
            if step is None or not step.size:
                continue
            bins = step // self.width - self._bin
            if bins[0] < 0:
                bins = bins[bins >= 0]
            counts[:, i] += np.bincount(bins, minlength=len(counts)).astype(np.uint32)
        first, self._bin, self._open = self._bin, last, counts[-1:]
        return first, counts[:-1]


class History:
    """The last blocks of a run, for pages that come later.

    Args:
        points: the most points to keep; None: all.
    """

    def __init__(self, points: int | None = KEPT) -> None:
        self._most, self._points, self._sampled = points, 0, 0
        self._blocks: deque[Block] = deque()

    def __iter__(self) -> Iterator[Block]:
        return iter(self._blocks)

    def add(self, block: Block) -> None:
        """Keep a block, and let go of the oldest ones."""
        if self._most is not None and self._blocks and self._blocks[-1].trial != block.trial:
            self._blocks.clear()
            self._points = self._sampled = 0
        self._blocks.append(block)
        self._points += block.points
        self._sampled += block.sampled
        while self._most is not None and len(self._blocks) > 1 and (
            max(self._points, self._sampled) > self._most or len(self._blocks) > PIECES
        ):  # fmt: skip
            gone = self._blocks.popleft()
            self._points -= gone.points
            self._sampled -= gone.sampled


class Backlog:
    """What waits to be sent to a page.

    Args:
        lossless: whether nothing is ever left out, as of a result.

    Attributes:
        lost: spikes that were left out so far.
        limit: points of a frame.
    """

    LEAST, MOST = 20_000, 250_000

    def __init__(self, lossless: bool = False) -> None:
        self._lossless = lossless
        self._blocks: deque[Block] = deque()
        self.points = self.lost = self._sampled = 0
        self.limit = 60_000

    def __len__(self) -> int:
        return len(self._blocks)

    def add(self, block: Block) -> None:
        """Let a block wait; if too much waits, all is thinned, and the oldest is left out."""
        self._blocks.append(block)
        self.points += block.points
        self._sampled += block.sampled
        if self._lossless:
            return
        if self.points > KEPT:
            self._thin(2)
        self._strip(KEPT)
        while len(self._blocks) > 1 and (len(self._blocks) > PIECES or self._sampled > KEPT):
            gone = self._blocks.popleft()
            self.points -= gone.points
            self._sampled -= gone.sampled
            self.lost += gone.points

    def pace(self, seconds: float) -> None:
        """Let frames have more points or fewer, by how long the page took for one."""
        if seconds < 0.03:
            self.limit = min(self.MOST, int(self.limit * 1.5))
        elif seconds > 0.08:
            self.limit = max(self.LEAST, int(self.limit * 0.7))

    def take(self) -> Block | None:
        """Return the next frame, thinned if the page is too slow for all; None: there is none."""
        if not self._blocks:
            return None
        if not self._lossless and self.points > FRAMES_LATE * self.limit:
            self._strip(THINNEST * self.limit)
            self._thin(min(THINNEST, math.ceil(self.points / self.limit) or 1))
        taken: list[Block] = []
        room = self.limit
        while self._blocks and (not taken or self._follows(taken)):
            block = self._blocks[0]
            if block.points > room:
                if taken:
                    break
                # The rest waits, without what has been sent.
                rest = np.empty((0, 0), np.uint32)
                self._blocks[0] = replace(
                    block, step=block.step[room:], neuron=block.neuron[room:], counts=rest,
                    samples=(),
                )  # fmt: skip
                block = replace(block, step=block.step[:room], neuron=block.neuron[:room])
            else:
                self._blocks.popleft()
            taken.append(block)
            room -= block.points
        self.points -= sum(block.points for block in taken)
        self._sampled -= sum(block.sampled for block in taken)
        return join_blocks(taken)

    def _follows(self, taken: Sequence[Block]) -> bool:
        """Tell whether the next block goes into the same frame."""
        block, last = self._blocks[0], taken[-1]
        binned = next((b for b in reversed(taken) if b.counts.size), None)
        alike = block.trial == last.trial and (
            block.every == last.every or not (block.points and last.points)
        )
        return alike and (
            binned is None or not block.counts.size or block.bin == binned.bin + len(binned.counts)
        )

    def _strip(self, most: int) -> None:
        """Leave out the points of the oldest blocks, until there are at most so many."""
        for i, block in enumerate(self._blocks):
            if self.points <= most:
                return
            self._blocks[i] = _without_points(block)
            self.points -= block.points
            self.lost += block.points

    def _thin(self, every: int) -> None:
        """Leave out all but one of ``every`` points, and what is thin already."""
        thin = [
            replace(b, step=b.step[::every], neuron=b.neuron[::every], every=b.every * every)
            for b in self._blocks
        ]
        thin = [b if b.every <= THINNEST else _without_points(b) for b in thin]
        left = sum(block.points for block in thin)
        self.lost += self.points - left
        self.points, self._blocks = left, deque(thin)


def _without_points(block: Block) -> Block:
    """Return a block without its spikes, but with the rates of all of them."""
    none = np.empty(0, np.uint32)
    return replace(block, step=none, neuron=none)
