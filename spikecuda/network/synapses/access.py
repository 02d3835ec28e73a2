"""Read the synapses of a projection from the built rows, and change their weights."""

import copy
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from spikecuda.common.notice import notice
from spikecuda.errors import SpikecudaValueError
from spikecuda.kernels.network import layout
from spikecuda.network.model.population import View
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.blocks import Blocks, split_blocks
from spikecuda.network.synapses.builder import Builder
from spikecuda.network.synapses.fixed_point import (
    RESOLUTION,
    SUM_LIMIT,
    FixedPoint,
    arrivals,
    largest_sums,
    lost,
    negligible,
    rounding_note,
)
from spikecuda.network.synapses.peers import Peers, join_sorted, own_part
from spikecuda.network.synapses.short_rows import ShortRows
from spikecuda.network.synapses.store import Bundle, Wiring

# Bits of a key by which synapses are sorted.
MOST_BITS = 62
# Returns what synapses that learn have as of now: by block, "w" and variables by name.
Learned = Callable[[Bundle], Sequence[dict[str, np.ndarray]]]


@dataclass(frozen=True, eq=False)
class Piece:
    """A projection's synapses in one block.

    Attributes:
        block: number of the block.
        where: int64, their places in the bundle's rows.
        source, target: int32, numbers within the populations.
        delay: int64, steps.
    """

    block: int
    where: np.ndarray
    source: np.ndarray
    target: np.ndarray
    delay: np.ndarray

    def part(self, mask: np.ndarray) -> "Piece":
        """Return some of the synapses."""
        return Piece(
            self.block, self.where[mask], self.source[mask], self.target[mask], self.delay[mask]
        )


def require_shape(
    projection: Projection,
    wiring: Wiring,
    given: np.ndarray,
    peers: Peers | None = None,
    what: str = "weights",
) -> np.ndarray:
    """Return the numbers of this process' synapses: one, or one for each.

    Raises:
        SpikecudaValueError: there is not one, or one for each synapse of all processes.
    """
    if peers is not None:
        peers.require_alike(f"projection {projection.name}", {what: given})
    if given.ndim == 0:
        return given
    count = count_stored(projection, wiring)
    if peers is not None:
        count = int(peers.sums(np.array([count]))[0])
    if given.shape != (count,):
        raise SpikecudaValueError(
            f"{what} must be one number or one for each of the {count:,} synapses (got shape "
            f"{given.shape})"
        )
    if peers is None:
        return given
    return own_part(peers, given, connections(projection, wiring, 1.0))


def count_stored(projection: Projection, wiring: Wiring) -> int:
    """Return how many synapses of a stored projection are in this process."""
    bundle = bundle_of(projection, wiring)
    if len(bundle.projections) > 1:
        return sum(piece.where.size for piece in pieces(projection, wiring))
    return sum(rows.targets.size for rows in bundle.blocks)


def bundle_of(projection: Projection, wiring: Wiring) -> Bundle:
    """Return the bundle that holds a projection, which is not procedural."""
    return next(b for b in wiring.bundles if projection in b.projections)


def pieces(projection: Projection, wiring: Wiring) -> Iterator[Piece]:
    """Yield a projection's synapses, block by block, in the order of the rows."""
    bundle, blocks = bundle_of(projection, wiring), wiring.blocks
    number = projection.target.population.number
    for b, rows in enumerate(bundle.blocks):
        if isinstance(rows, ShortRows):
            yield _short_piece(rows, number, projection.port, blocks)
            continue
        first, start = int(blocks.offsets[number, b]), int(blocks.starts[number, b])
        count = int(blocks.starts[number, b + 1]) - start
        where = np.flatnonzero(
            (rows.targets >= first) & (rows.targets.astype(np.int32) < first + count)
        )
        lengths: np.ndarray = np.diff(rows.starts.astype(np.int64))
        segment = np.repeat(np.arange(lengths.size), lengths)[where]
        segments: np.ndarray = np.diff(rows.rows.astype(np.int64))
        owner = np.repeat(np.arange(rows.rows.size - 1, dtype=np.int32), segments)
        yield Piece(
            b, where, owner[segment], rows.targets[where].astype(np.int32) - first + start,
            (rows.delays[segment] & layout.DELAY).astype(np.int64),
        )  # fmt: skip


def _short_piece(rows: ShortRows, number: int, port: int, blocks: Blocks) -> Piece:
    """Return a projection's synapses in short rows, which are those of all blocks."""
    block, cell, delay = rows.located()
    cell -= port * blocks.sizes[block] + blocks.offsets[number, block]
    first, last = blocks.starts[number, block], blocks.starts[number, block + 1]
    where = np.flatnonzero((cell >= 0) & (cell < last - first))
    target = (cell + first)[where].astype(np.int32)
    return Piece(0, where, rows.synapse_sources()[where], target, delay[where])


def rows_of(projection: Projection, sources: View | None) -> tuple[int, int]:
    """Return the rows to go through for some sources: of procedural ones a range, else all."""
    if sources is None or not projection.procedural:
        return 0, projection.source.size
    rows = np.flatnonzero(np.isin(projection.source.ids, sources.ids, assume_unique=True))
    return (int(rows[0]), int(rows[-1]) + 1) if rows.size else (0, 0)


def connections(
    projection: Projection,
    wiring: Wiring,
    dt: float,
    sources: View | None = None,
    learned_now: Learned | None = None,
    peers: Peers | None = None,
) -> dict[str, np.ndarray]:
    """Return a projection's synapses; see ``Projection.connections``.

    Args:
        projection: whose.
        wiring: that holds it.
        dt: length of a step in ms.
        sources: which.
        learned_now: returns what synapses that learn have as of now, by block.
        peers: processes that have the other synapses; None: there are none.
    """
    if projection.procedural:
        rows, peers = rows_of(projection, sources), None
        projection, wiring = _stored_twin(projection, wiring, rows)
    bundle = bundle_of(projection, wiring)
    exponent = wiring.exponent[projection.target.population.number, projection.port]
    found = list(pieces(projection, wiring))
    if sources is not None:
        wanted = np.zeros(sources.population.size, np.bool_)
        wanted[sources.ids] = True
        found = [piece.part(wanted[piece.source]) for piece in found]
    order = order_of(found)
    learned: dict[str, np.ndarray] = {}
    if projection.learns and learned_now is not None:
        now, rule = learned_now(bundle), projection.plasticity
        assert rule is not None
        learned = {
            name: np.concatenate([now[piece.block][name][piece.where] for piece in found])[order]
            for name in ("w", *rule.variables)
        }
        weight = learned.pop("w").astype(np.float64) * rule.sign
    else:
        stored = np.concatenate([_stored(bundle, piece) for piece in found])[order]
        weight = stored * 2.0**-exponent
    result = {
        "source": np.concatenate([piece.source for piece in found])[order],
        "target": np.concatenate([piece.target for piece in found])[order],
        "weight": weight,
        "delay": (np.concatenate([piece.delay for piece in found])[order] - projection.late) * dt,
        **{name: values.astype(np.float64) for name, values in learned.items()},
    }
    return result if peers is None else join_sorted(peers, result, projection.name)


def remember_weights(projection: Projection, wiring: Wiring) -> Callable[[], None]:
    """Return what brings a projection's weights back, where they are, if setting others fails."""
    bundle = bundle_of(projection, wiring)
    kind, weight = bundle.kind, bundle.weight
    arrays = [rows.weights for rows in bundle.blocks]
    copies = [None if array is None else array.copy() for array in arrays]

    def undo() -> None:
        bundle.kind, bundle.weight = kind, weight
        for rows, array, values in zip(bundle.blocks, arrays, copies, strict=True):
            rows.weights = array
            if array is not None:
                array[:] = values

    return undo


def set_weights(projection: Projection, wiring: Wiring, given: np.ndarray) -> None:
    """Set a projection's weights: one number, or one for each in the order of ``connections``.

    Args:
        projection: whose.
        wiring: that holds it.
        given: what ``take_weights`` returned, and ``require_shape`` let pass.

    Raises:
        SpikecudaValueError: a weight that the receptor's scale cannot hold; nothing is changed
            then.
    """
    bundle = bundle_of(projection, wiring)
    number = projection.target.population.number
    exponent = wiring.exponent[number, projection.port]
    found = list(pieces(projection, wiring))
    order = order_of(found)
    if projection.learns:
        _set_learned(projection, bundle, found, order, given)
        return
    receptor = projection.target.population.receptors[projection.receptor]
    note = ""
    if lost(given, exponent).any():
        targets = np.concatenate([piece.target for piece in found])[order]
        if not (given.ndim and negligible(given, targets, exponent)):
            _require_kept(given, exponent, receptor.unit, projection)
        note = rounding_note(projection, given, exponent)
    whole = np.rint(np.broadcast_to(given, order.shape) * 2.0**exponent)
    most = 2 ** (8 * bundle.width - 1) - 1 if bundle.width else SUM_LIMIT
    if whole.size and np.abs(whole).max() > most:
        raise SpikecudaValueError(
            f"weights of {projection.name} must be up to {most * 2.0**-exponent:g} "
            f"{receptor.unit}, what the receptor's fixed-point scale holds (got "
            f"{np.abs(given).max():g}); connect with max_weight={np.abs(given).max():g}"
        )
    scattered = np.empty(order.size, np.int64)
    scattered[order] = whole
    _require_sums(found, scattered, projection, wiring)
    if note:
        notice(note, logging.WARNING)
    if bundle.width == 0:
        if len(bundle.projections) == 1 and given.ndim == 0:
            bundle.weight = int(whole[0]) if whole.size else 0
            return
        for rows in bundle.blocks:
            rows.weights = np.full(rows.targets.size, bundle.weight, np.int32)
        bundle.kind = layout.WIDE
    at = 0
    for piece in found:
        weights = bundle.blocks[piece.block].weights
        assert weights is not None
        weights[piece.where] = scattered[at : at + piece.where.size]
        at += piece.where.size


def _set_learned(
    projection: Projection,
    bundle: Bundle,
    found: list[Piece],
    order: np.ndarray,
    given: np.ndarray,
) -> None:
    """Set weights that learn; they are within the rule's bounds."""
    rule = projection.plasticity
    assert rule is not None
    arrays = [rows.weights for rows in bundle.blocks]
    _scatter([array for array in arrays if array is not None], found, order, given * rule.sign)


def set_values(projection: Projection, wiring: Wiring, name: str, given: np.ndarray) -> None:
    """Set a variable of a projection's synapses: one number, or one for each as ``connections``."""
    bundle, found = bundle_of(projection, wiring), list(pieces(projection, wiring))
    arrays = [rows.variables[name] for rows in bundle.blocks]
    _scatter(arrays, found, order_of(found), given)


def _scatter(
    arrays: Sequence[np.ndarray], found: list[Piece], order: np.ndarray, given: np.ndarray
) -> None:
    """Write numbers in the order of ``connections`` where they belong, an array a block."""
    scattered = np.empty(order.size, given.dtype)
    scattered[order] = np.broadcast_to(given, order.shape)
    at = 0
    for piece in found:
        arrays[piece.block][piece.where] = scattered[at : at + piece.where.size]
        at += piece.where.size


def _require_kept(given: np.ndarray, exponent: int, unit: str, projection: Projection) -> None:
    """Raise if the scale is too coarse for a new weight."""
    small = np.abs(given[lost(given, exponent)])
    if small.size:
        least = RESOLUTION * 2.0**-exponent
        raise SpikecudaValueError(
            f"weights of {projection.name} must be 0 or at least {least:g} {unit}, {RESOLUTION} "
            f"units of the receptor's fixed-point scale, or a few units exactly (got "
            f"{small.min():g} {unit}, {small.size:,} so small); set them to 0, or build the "
            "network with the smaller weights"
        )


def _require_sums(
    found: list[Piece], scattered: np.ndarray, projection: Projection, wiring: Wiring
) -> None:
    """Raise if a neuron's input could overflow its accumulator with the new weights."""
    total = sums_of_others(projection, wiring)
    target = np.concatenate([piece.target for piece in found])
    np.add.at(total, target, arrivals(projection, np.abs(scattered)))
    if total.max(initial=0) > SUM_LIMIT:
        raise SpikecudaValueError(
            f"the weights of neuron {int(total.argmax())} of {projection.target.population.name} "
            "add up to more than its accumulator holds; connect with max_weight= for larger ones"
        )


def sums_of_others(projection: Projection, wiring: Wiring) -> np.ndarray:
    """Return what arrives at most in one step at each neuron of a projection's receptor.

    Args:
        projection: which does not count.
        wiring: all synapses.

    Returns:
        float64 (neurons,), in units of the receptor's scale.
    """
    number, port = projection.target.population.number, projection.port
    total = np.zeros(projection.target.population.size)
    for bundle in wiring.bundles:
        for other in bundle.projections:
            if (other.target.population.number, other.port) != (
                number,
                port,
            ) or other is projection:
                continue
            if other.procedural or other.learns:
                total[other.target.ids] += (
                    largest_sums(other) * 2.0 ** wiring.exponent[number, port]
                )
                continue
            for piece in pieces(other, wiring):
                np.add.at(total, piece.target, arrivals(other, np.abs(_stored(bundle, piece))))
    return total


def _stored_twin(
    projection: Projection, wiring: Wiring, rows: tuple[int, int]
) -> tuple[Projection, Wiring]:
    """Return a procedural projection as one that is stored, and some of its rows."""
    twin = copy.copy(projection)
    object.__setattr__(twin, "procedural", False)
    sizes = [0] * (1 + max(twin.source.population.number, twin.target.population.number))
    for view in (twin.source, twin.target):
        sizes[view.population.number] = view.population.size
    builder = Builder(
        [twin], sizes, split_blocks(sizes, 1), twin.dt,
        twin.seed, 1, lambda done, total: None, rows,
    )  # fmt: skip
    bits = {twin: wiring.fixed_point.bits[projection]}
    return twin, builder.build(FixedPoint(wiring.exponent, bits))


def order_of(found: list[Piece]) -> np.ndarray:
    """Return the order by source, then delay, then target, of the pieces one after the other."""
    source, delay, target = (
        np.concatenate([getattr(piece, name) for piece in found])
        for name in ("source", "delay", "target")
    )
    bits = [int(values.max(initial=0)).bit_length() for values in (source, delay, target)]
    if sum(bits) > MOST_BITS:
        return np.lexsort((target, delay, source))
    # Pieces are sorted already: a sort that merges runs has little to do.
    key = (source.astype(np.int64) << (bits[1] + bits[2])) | (delay << bits[2]) | target
    return np.argsort(key, kind="stable")


def _stored(bundle: Bundle, piece: Piece) -> np.ndarray:
    """Return the integer weights of a piece."""
    weights = bundle.blocks[piece.block].weights
    if weights is None:
        return np.full(piece.where.size, bundle.weight, np.int64)
    return weights[piece.where].astype(np.int64)
