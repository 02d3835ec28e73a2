"""Rows in the form that CUDA devices need: all of a neuron's synapses together.

The builder stores rows bundle by bundle.  A sheet joins the rows of all bundles whose weights are
stored alike, by the number that a neuron has in the whole network, so that one launch delivers
them all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spikecuda.errors import SpikecudaError
from spikecuda.kernels.network import layout
from spikecuda.kernels.routines import CONSTANT, NARROW, TILE, WIDE
from spikecuda.network.cuda.replicas import ALONE, Replicas
from spikecuda.network.synapses.blocks import MAX_BLOCK, Share
from spikecuda.network.synapses.store import Bundle, Rows, Wiring

KINDS = {layout.CONSTANT: CONSTANT, layout.NARROW: NARROW, layout.WIDE: WIDE}
# Longer segments are divided, so that several warps can share them.
PIECE = 256
MAX_SYNAPSES, MAX_BUNDLES = 2**32 - 1, 2**16
# Rows are summed in shared memory if a cell gets as many events a step as this, and a row has as
# many in each tile of cells.
DENSE, TILE_ROW = 1.0, 32
TILE_BITS = TILE.bit_length() - 1

# A bundle in a block.
Pair = tuple[Bundle, int]


@dataclass(frozen=True, eq=False)
class RowTable:
    """Joined rows; the arrays are what ``kernels/routines`` describes.

    Attributes:
        weights: how weights are stored: ``routines.CONSTANT``, ``NARROW`` or ``WIDE``.
        arrays: by argument name, without the underscore.
        lengths: int64, synapses of each number's row.
        segments: how many there are.
        longest: the most segments of a row.
        tiles: in how many tiles of cells the rows are divided; 0: in segments.
        delay: of all synapses, where rows are in tiles.
        replicas: whether they are those of one network, for all of its replicas.
    """

    weights: str
    arrays: dict[str, np.ndarray]
    lengths: np.ndarray
    segments: int
    longest: int
    tiles: int = 0
    delay: int = 0
    replicas: bool = False

    @property
    def synapses(self) -> int:
        """How many there are."""
        return int(self.lengths.sum())

    def without_arrays(self) -> "RowTable":
        """Return what is known of the rows, once they are on a device."""
        return replace(self, arrays={})


@dataclass(frozen=True)
class Target:
    """The partition that rows are for.

    Attributes:
        share: its neurons; its blocks are pages.
        first: number of the first neuron of each population.
        numbers: one more than the largest number.
        cells: of one slot of its accumulator.
        activity: spikes of a neuron in a step, as expected.
        replicas: networks that follow each other.
        shared: whether rows are those of the first one, for all of them.
    """

    share: Share
    first: Mapping[int, int]
    numbers: int
    cells: int
    activity: float
    replicas: Replicas = ALONE
    shared: bool = False

    def base(self, pair: Pair) -> int:
        """Return the cell of a bundle's target 0."""
        return pair[0].port * self.share.size + self.page(pair)

    def page(self, pair: Pair) -> int:
        """Return the place of the first neuron of a bundle's page."""
        bundle, b = pair
        apart = self.replicas.of(self.first[bundle.source]) * self.replicas.places
        return apart + (b - self.share.blocks.start) * MAX_BLOCK


def join(wiring: Wiring, target: Target) -> list[RowTable]:
    """Return the rows into a partition as row tables."""
    row_tables: list[RowTable] = []
    for kind, weights in KINDS.items():
        pairs = [
            (bundle, b) for bundle in wiring.bundles
            if bundle.kind == kind and not bundle.released
            for b in target.share.blocks if bundle.blocks[b].targets.size
        ]  # fmt: skip
        # Cells of a tile would be those of one network only.
        dense_pairs = {} if target.shared else _dense(pairs, target)
        for delay, dense in dense_pairs.items():
            row_table = _tiled(dense, weights, delay, target)
            if row_table is not None:
                row_tables.append(row_table)
                pairs = [pair for pair in pairs if pair not in dense]
        row_tables += [
            _segmented(population, weights, target) for population in _populations(pairs)
        ]
    return row_tables


def _populations(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Return what fits in one row table each."""
    populations: list[list[Pair]] = []
    total = 0
    for bundle, b in pairs:
        size = bundle.blocks[b].targets.size
        if not populations or total + size > MAX_SYNAPSES or len(populations[-1]) == MAX_BUNDLES:
            populations.append([])
            total = 0
        populations[-1].append((bundle, b))
        total += size
    return populations


def _dense(pairs: Sequence[Pair], target: Target) -> dict[int, list[Pair]]:
    """Return by delay the bundles of one delay that are worth summing in shared memory."""
    found: dict[int, list[Pair]] = {}
    for bundle, b in pairs:
        delays = bundle.blocks[b].delays[:-1] & layout.DELAY
        inner = bundle.projections[0].source.population.neuron_spec is not None
        if inner and delays.min() == delays.max():
            found.setdefault(int(delays[0]), []).append((bundle, b))
    tiles = -(-target.cells // TILE)
    result = {}
    for delay, dense in found.items():
        synapses = sum(bundle.blocks[b].targets.size for bundle, b in dense)
        rows = sum(np.count_nonzero(np.diff(bundle.blocks[b].rows)) for bundle, b in dense)
        enough = synapses * target.activity >= DENSE * target.cells
        if enough and synapses >= TILE_ROW * rows * tiles and synapses <= MAX_SYNAPSES:
            result[delay] = dense
    return result


def _segmented(population: Sequence[Pair], weights: str, target: Target) -> RowTable:
    """Return rows as segments of one delay each."""
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    loops = load_cpu_loop("network_sheets")
    segments, lengths = (np.zeros(target.numbers, np.int64) for _ in range(2))
    for bundle, b in population:
        rows = bundle.blocks[b]
        loops.count_segments(
            rows.rows, rows.starts, PIECE, target.first[bundle.source], segments, lengths
        )
    ends, places = np.cumsum(segments), np.cumsum(lengths)
    if ends[-1] > MAX_SYNAPSES:
        raise SpikecudaError(
            f"a device holds at most {MAX_SYNAPSES:,} segments of rows (got {ends[-1]:,}); use "
            "more devices"
        )
    result: dict[str, np.ndarray] = {
        "rows": np.concatenate([[0], ends]).astype(np.uint32),
        "starts": np.empty(int(ends[-1]) + 1, np.uint32),
        "info": np.empty(int(ends[-1]), np.uint32),
        "bases": np.array([target.base(pair) for pair in population]).astype(np.int32),
        "targets": np.empty(int(places[-1]), np.uint16),
    }
    width, own = _individual(weights, int(places[-1]))
    segment, synapse = ends - segments, places - lengths
    join = getattr(loops, f"join_rows_{width.name}")
    for number, (bundle, b) in enumerate(population):
        rows = bundle.blocks[b]
        join(
            rows.rows, rows.starts, rows.delays, _targets(rows), _weights(rows, width), PIECE,
            target.first[bundle.source], number, segment, synapse, result["starts"],
            result["info"], result["targets"], own,
        )  # fmt: skip
    result["starts"][-1] = places[-1]
    if weights == CONSTANT:
        result["values"] = np.array([bundle.weight for bundle, _ in population], np.int32)
    else:
        result["weights"] = own
    return RowTable(
        weights, result, lengths, int(ends[-1]), int(segments.max()), replicas=target.shared
    )


def _tiled(population: Sequence[Pair], weights: str, delay: int, target: Target) -> RowTable | None:
    """Return rows of one delay by tiles of cells; None if a row would have several weights."""
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    loops = load_cpu_loop("network_sheets")
    tiles = -(-target.cells // TILE)
    counts = np.zeros(target.numbers * tiles, np.int64)
    for pair in population:
        rows = pair[0].blocks[pair[1]]
        loops.count_tiles(
            rows.rows, rows.starts, _targets(rows), target.first[pair[0].source],
            target.base(pair), tiles, TILE_BITS, counts,
        )  # fmt: skip
    ends = np.cumsum(counts)
    width, own = _individual(weights, int(ends[-1]))
    begins = ends - counts
    at, values = begins.copy(), np.zeros(counts.size if weights == CONSTANT else 0, np.int32)
    targets = np.empty(int(ends[-1]), np.uint16)
    fill = getattr(loops, f"fill_tiles_{width.name}")
    for pair in population:
        rows = pair[0].blocks[pair[1]]
        if not fill(
            rows.rows, rows.starts, _targets(rows), _weights(rows, width),
            target.first[pair[0].source], target.base(pair), tiles, TILE_BITS, pair[0].weight,
            begins, at, values, targets, own,
        ):  # fmt: skip
            return None
    name, mine = ("values", values) if weights == CONSTANT else ("weights", own)
    rows_of = np.concatenate([[0], ends]).astype(np.uint32)
    result: dict[str, np.ndarray] = {"rows": rows_of, "targets": targets, name: mine}
    lengths = counts.reshape(-1, tiles).sum(axis=1)
    return RowTable(weights, result, lengths, int(np.count_nonzero(counts)), tiles, tiles, delay)


def _individual(weights: str, size: int) -> tuple[np.dtype, np.ndarray]:
    """Return the type of individual weights and an array for them, empty if they are constant."""
    width = np.dtype(np.int32 if weights == CONSTANT else weights)
    return width, np.empty(0 if weights == CONSTANT else size, width)


def _targets(rows: Rows) -> np.ndarray:
    return np.ascontiguousarray(rows.targets)  # not halves of words


def _weights(rows: Rows, width: np.dtype) -> np.ndarray:
    return np.empty(0, width) if rows.weights is None else np.ascontiguousarray(rows.weights)
