"""The synapses of a network as they are stored: rows, bundles of them, and all together."""

from dataclasses import dataclass, field

import numpy as np

from spikecuda.kernels.network import draw, layout
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.blocks import Blocks


@dataclass(eq=False)
class Rows:
    """A bundle's synapses in one block: rows by source, sorted by delay, then target.

    Attributes:
        targets: uint16, cells within the port.
        weights: int16 or int32, or None if all are the same.
        starts: uint32, first synapse of each segment (one delay of one row), and the end.
        delays: uint16, the segments' delays in steps; ``layout.LAST`` marks a row's last one.
        rows: uint32, first segment of each source's row, and the end.
    """

    targets: np.ndarray
    weights: np.ndarray | None
    starts: np.ndarray
    delays: np.ndarray
    rows: np.ndarray

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        arrays = (self.targets, self.weights, self.starts, self.delays, self.rows)
        return sum(a.nbytes for a in arrays if a is not None)


@dataclass(eq=False)
class Procedural:
    """What draws a procedural projection's rows again.

    Attributes:
        ints, floats: the projection, see ``kernels/network/draw``.
        index: int32, each neuron's number within the source view, or -1.
        twin: int32, each neuron's number within the target view, or -1; None if it may be one's own
            target.
        degrees: int32, synapses of each source; empty where all have the same.
    """

    ints: np.ndarray
    floats: np.ndarray
    index: np.ndarray
    twin: np.ndarray | None
    degrees: np.ndarray

    @property
    def longest(self) -> int:
        """The most synapses that a row can have."""
        rule = self.ints[draw.J_RULE]
        if rule == draw.OUT_DEGREE:
            most = max(int(self.ints[draw.J_DEGREE]), int(self.degrees.max(initial=0)))
        else:
            most = 1 if rule == draw.ONE_TO_ONE else int(self.ints[draw.J_TARGETS])
        return most + 4

    @property
    def drawn(self) -> bool:
        """Whether weights or delays are drawn, not only targets."""
        return bool((self.ints[[draw.J_WEIGHT, draw.J_DELAY]] != draw.FIXED).any())

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        twin = 0 if self.twin is None else self.twin.nbytes
        return self.index.nbytes + self.degrees.nbytes + twin


@dataclass(eq=False)
class Bundle:
    """Projections of one source population into one port whose rows are stored together.

    Attributes:
        source: number of the source population.
        port: number of the port.
        kind: ``layout.CONSTANT``, ``NARROW``, ``WIDE`` or ``PROCEDURAL``.
        weight: the integer weight of all synapses, for ``CONSTANT``.
        projections: at most one to each target population.
        blocks: the rows of each block; none if they are procedural.
        rule: what draws procedural rows.
    """

    source: int
    port: int
    kind: int
    weight: int
    projections: list[Projection]
    blocks: list[Rows] = field(default_factory=list)
    rule: Procedural | None = None

    @property
    def width(self) -> int:
        """Bytes of a stored weight."""
        return {layout.CONSTANT: 0, layout.NARROW: 2, layout.WIDE: 4}.get(self.kind, 0)


@dataclass(eq=False)
class Wiring:
    """All synapses of a network.

    Attributes:
        blocks: the split of the neurons.
        bundles: the stored rows.
        exponent: of each (population, port), see ``scales``.
        shortest, longest: delay in steps; 0 without synapses.
        synapses: how many there are.
    """

    blocks: Blocks
    bundles: list[Bundle]
    exponent: dict[tuple[int, int], int]
    shortest: int
    longest: int
    synapses: int

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        rows = sum(rows.nbytes for bundle in self.bundles for rows in bundle.blocks)
        return rows + sum(b.rule.nbytes for b in self.bundles if b.rule is not None)


def targets_loop(ints: np.ndarray) -> int:
    """Return the address of the loop that draws the targets of a projection's rows."""
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    return int(getattr(load_cpu_loop("network_draw"), draw.TARGETS_OF[int(ints[draw.J_RULE])]))


def values_loop() -> int:
    """Return the address of the loop that draws weights and delays."""
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    return int(load_cpu_loop("network_draw").draw_row_values)
