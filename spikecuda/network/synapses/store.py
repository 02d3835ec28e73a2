"""The synapses of a network as they are stored: rows, bundles of them, and all together."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from spikecuda.kernels.network import layout
from spikecuda.network.model.coupling import CoupledRows
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.blocks import Blocks
from spikecuda.network.synapses.fixed_point import FixedPoint
from spikecuda.network.synapses.row_recipe import RowRecipe

# Words after the last one of rows that the delivery loop may read: it takes four at a time.
WORDS_AFTER = 4


def side_by_side(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return room for targets and for int16 weights that are the halves of words; see ``words``."""
    words = np.empty(size + WORDS_AFTER, np.uint32)
    words[size:] = 0
    targets = np.ndarray(size, np.uint16, words, 0, (4,))
    return targets, np.ndarray(size, np.int16, words, 2, (4,))


def _joined(first: np.ndarray, second: np.ndarray) -> np.ndarray | None:
    """Return the uint32 array of which both are parts, side by side; None if there is none."""
    whole = first.base
    if whole is None or whole is not second.base or whole.dtype != np.uint32:
        return None
    return whole


@dataclass(eq=False)
class Rows:
    """A bundle's synapses in one block: rows by source, sorted by delay, then target.

    Attributes:
        targets: uint16, cells within the port.
        weights: int16 or int32, or None if all are the same.
        starts: uint32, first synapse of each segment (one delay of one row), and the end.
        delays: uint16, the segments' delays in steps; ``layout.LAST`` marks a row's last one.
        rows: uint32, first segment of each source's row, and the end.
        sources: uint32, the source of each segment, where there is a synapse rule; else None.
        variables: reals, by name: what synapses that learn have beside weights, which are reals.
        joined: whether they are of all blocks of a process; see ``short_rows``.
    """

    joined: ClassVar[bool] = False

    targets: np.ndarray
    weights: np.ndarray | None
    starts: np.ndarray
    delays: np.ndarray
    rows: np.ndarray
    sources: np.ndarray | None = None
    variables: dict[str, np.ndarray] = field(default_factory=dict)

    def synapses(self, first: int, last: int) -> tuple[int, int]:
        """Return the first synapse of the rows from ``first`` up to ``last``, and the end."""
        segments = self.rows[first], self.rows[last]
        return int(self.starts[segments[0]]), int(self.starts[segments[1]])

    def words(self) -> np.ndarray:
        """Return targets and int16 weights as words, and some zeros: uint32 (synapses + 4,).

        ``targets`` and ``weights`` are the lower and the upper halves of the words from then on:
        what is written there is in the words.
        """
        assert self.weights is not None
        whole = _joined(self.targets, self.weights)
        if whole is None:
            targets, weights = side_by_side(self.targets.size)
            targets[:], weights[:] = self.targets, self.weights
            self.targets, self.weights, whole = targets, weights, targets.base
            assert whole is not None
        return whole

    def heads(self) -> np.ndarray:
        """Return where each segment starts, and its delay, side by side: uint32 (segments + 1, 2).

        ``starts`` and ``delays`` are columns of it from then on.
        """
        whole = _joined(self.starts, self.delays)
        if whole is None:
            size = self.starts.size
            whole = np.zeros((size, 2), np.uint32)
            starts = np.ndarray(size, np.uint32, whole, 0, (8,))
            delays = np.ndarray(size, np.uint16, whole, 4, (8,))
            starts[:], delays[:] = self.starts, self.delays
            self.starts, self.delays = starts, delays
        return whole

    def arrays(self) -> list[np.ndarray]:
        """Return what is held: all arrays, and of those side by side the whole."""
        heads = _joined(self.starts, self.delays)
        segments = (self.starts, self.delays) if heads is None else (heads,)
        some = self.targets, self.weights, *segments, self.rows, self.sources
        return [array for array in (*some, *self.variables.values()) if array is not None]

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(array.nbytes for array in self.arrays())


@dataclass(eq=False)
class Procedural:
    """What draws a procedural projection's rows again.

    Attributes:
        recipe: what they are drawn from.
        index: int32, each neuron's number within the source view, or -1.
        twin: int32, each neuron's number within the target view, or -1; None if it may be one's own
            target.
        degrees: int32, synapses of each source; empty where all have the same.
    """

    recipe: RowRecipe
    index: np.ndarray
    twin: np.ndarray | None
    degrees: np.ndarray

    @property
    def longest(self) -> int:
        """The most synapses that a row can have."""
        p = self.recipe.projection
        return p.rule.longest_row(p.target.size, self.degrees)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        near = self.recipe.projection.near
        twin = 0 if self.twin is None else self.twin.nbytes
        return self.index.nbytes + self.degrees.nbytes + twin + (0 if near is None else near.nbytes)


@dataclass(eq=False)
class Bundle:
    """Projections of one source population into one port whose rows are stored together.

    Attributes:
        source: number of the source population.
        port: number of the port.
        kind: ``layout.CONSTANT``, ``NARROW``, ``WIDE``, ``PROCEDURAL`` or ``PLASTIC``.
        weight: the integer weight of all synapses, for ``CONSTANT``.
        projections: at most one to each target population.
        blocks: the rows of each block; none if they are procedural; those of all blocks if they
            are short.
        rule: what draws procedural rows.
        released: whether what its rows send is a part of the weights, settled by their sources.
        least, most: of one that has a rule, steps of the shortest and the longest delay of synapses
            that grow; of given trains the shortest of all its synapses.  0: there are none.
    """

    source: int
    port: int
    kind: int
    weight: int
    projections: list[Projection]
    blocks: list[Rows] = field(default_factory=list)
    rule: Procedural | None = None
    released: bool = False
    least: int = 0
    most: int = 0

    @property
    def ruled(self) -> bool:
        """Whether the loops of a synapse rule deliver its rows."""
        return self.released or self.kind == layout.PLASTIC

    @property
    def short(self) -> bool:
        """Whether its rows are short; see ``short_rows``."""
        return bool(self.blocks) and self.blocks[0].joined

    @property
    def at_once(self) -> bool:
        """Whether what a spike sends is added at once, whatever its delay."""
        return self.rule is not None or self.short

    @property
    def width(self) -> int:
        """Bytes of a stored integer weight; of synapses that learn, as they are drawn."""
        four = (layout.WIDE, layout.PLASTIC)
        return 2 if self.kind == layout.NARROW else 4 if self.kind in four else 0


@dataclass(eq=False)
class Wiring:
    """All synapses of a network.

    Attributes:
        blocks: the split of the neurons.
        bundles: the stored rows.
        fixed_point: the scales of the weights.
        shortest, longest: delay in steps; 0 without synapses.
        synapses: how many there are.
        horizon: the most steps of a window that synapses that learn allow; 0: any.
        coupled: what neurons receive of others' states, by target; a window has one step then.
    """

    blocks: Blocks
    bundles: list[Bundle]
    fixed_point: FixedPoint
    shortest: int
    longest: int
    synapses: int
    horizon: int = 0
    coupled: list[CoupledRows] = field(default_factory=list)

    @property
    def exponent(self) -> dict[tuple[int, int], int]:
        """The exponent of each (population, port): integer = round(weight 2^exponent)."""
        return self.fixed_point.exponent

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        rows = sum(rows.nbytes for bundle in self.bundles for rows in bundle.blocks)
        rows += sum(rows.nbytes for rows in self.coupled)
        return rows + sum(b.rule.nbytes for b in self.bundles if b.rule is not None)

    def interleave(self) -> None:
        """Bring rows into the form that the CPU's loops read: see ``Rows.words`` and ``heads``.

        Replicas that are to share rows must be given them afterwards.
        """
        for bundle in self.bundles:
            if bundle.short:
                continue
            for rows in bundle.blocks:
                rows.heads()
                if bundle.kind == layout.NARROW:
                    rows.words()
