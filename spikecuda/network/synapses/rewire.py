"""Structural plasticity: weak synapses are removed, and new ones grow onto the same targets.

A target keeps its number of synapses, or gets one that the fixed-point scale has room for.
New sources are drawn from seed, step, projection and target: the same in any partitions.
"""

from dataclasses import dataclass

import numpy as np

from spikecuda.common.seed import keys, trial_seed
from spikecuda.kernels.network import layout
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.upkeep import Rewiring
from spikecuda.network.synapses.access import bundle_of
from spikecuda.network.synapses.learned import magnitudes, segment_sources
from spikecuda.network.synapses.near_growth import near_sources, near_values
from spikecuda.network.synapses.peers import Peers
from spikecuda.network.synapses.row_recipe import RowRecipe
from spikecuda.network.synapses.store import Rows, Wiring
from spikecuda.network.synapses.weakest import CELLS, DELAY, SOURCE, weakest_together


@dataclass(frozen=True, eq=False)
class Grown:
    """New synapses onto some targets, by target.

    Attributes:
        source, target: numbers within the populations.
        delay: steps.
        weight: magnitudes.
    """

    source: np.ndarray
    target: np.ndarray
    delay: np.ndarray
    weight: np.ndarray


def synapse_keys(rows: Rows) -> np.ndarray:
    """Return a number for each synapse of a block, ascending: source, then delay, then cell."""
    lengths: np.ndarray = np.diff(rows.starts.astype(np.int64))
    delay = (rows.delays[: lengths.size] & layout.DELAY).astype(np.int64)
    segment = (segment_sources(rows).astype(np.int64) << SOURCE) | (delay << DELAY)
    return np.asarray(np.repeat(segment, lengths) | rows.targets)


def find_pruned(
    projection: Projection, wiring: Wiring, what: Rewiring, peers: Peers | None = None
) -> list[np.ndarray]:
    """Return which synapses are to be removed, a mask for each block.

    Args:
        projection: whose synapses, which learn.
        wiring: that holds them, settled.
        what: says which.
        peers: processes that have the others.
    """
    blocks = bundle_of(projection, wiring).blocks
    weights = [_weights(rows).astype(np.float64) for rows in blocks]
    if what.below is not None:
        return [w < what.below for w in weights]
    if peers is not None:
        keys = [synapse_keys(rows) for rows in blocks]
        number, sources = projection.target.population.number, projection.source.population.size
        shift = wiring.blocks.starts[number, :-1] - wiring.blocks.offsets[number]
        return weakest_together(peers, weights, keys, shift, what.fraction, sources)
    together = np.concatenate(weights)
    count = int(what.fraction * together.size)
    if count == 0:
        return [np.zeros(w.size, np.bool_) for w in weights]
    limit = np.partition(together, count - 1)[count - 1]
    masks = [w < limit for w in weights]
    # Of those at the limit, the first in the order of connections.
    number = projection.target.population.number
    shift = wiring.blocks.starts[number, :-1] - wiring.blocks.offsets[number]
    ties = [np.flatnonzero(w == limit) for w in weights]
    found = [synapse_keys(rows)[at] for rows, at in zip(blocks, ties, strict=True)]
    block = np.repeat(np.arange(len(blocks)), [at.size for at in ties])
    key = np.concatenate(found)
    order = np.lexsort(((key & CELLS) + shift[block], key >> DELAY))
    chosen = np.zeros(key.size, np.bool_)
    chosen[order[: count - sum(int(mask.sum()) for mask in masks)]] = True
    for b, (mask, at) in enumerate(zip(masks, ties, strict=True)):
        mask[at[chosen[block == b]]] = True
    return masks


def _prune_surplus(rows: Rows, mask: np.ndarray, by: int, need: np.ndarray) -> None:
    """Remove the weakest synapses of targets that have too many; count what is there.

    Args:
        rows: of a block.
        mask: which synapses are removed; equally weak ones go in the order of ``connections``.
        by: number of a target less its cell.
        need: how many each neuron is to have; on return, how many it lacks.
    """
    kept = np.flatnonzero(~mask)
    target = rows.targets[kept] + by
    count = np.bincount(target, minlength=need.size)
    surplus = np.maximum(count - need, 0) * (count > 0)
    if surplus.any():
        order = np.lexsort((kept, _weights(rows)[kept], target))
        first = np.cumsum(count) - count
        rank = np.arange(kept.size) - first[target[order]]
        mask[kept[order[rank < surplus[target[order]]]]] = True
    need -= np.minimum(count, need)


def rewire(
    projection: Projection,
    wiring: Wiring,
    what: Rewiring,
    clock: int,
    peers: Peers | None = None,
) -> list[Rows]:
    """Return a bundle's rows without pruned synapses and with as many new ones; change nothing.

    Args:
        projection: whose synapses, which learn.
        wiring: that holds them, settled.
        what: which go, and the weight of those that come.
        clock: steps done.
        peers: processes that have the other synapses, and rewire them as well.
    """
    bundle, blocks = bundle_of(projection, wiring), wiring.blocks
    number = projection.target.population.number
    masks = find_pruned(projection, wiring, what, peers)
    shift = blocks.starts[number, :-1].astype(np.int64) - blocks.offsets[number]
    need = np.zeros(projection.target.population.size, np.int64)
    if what.indegree is not None:
        need[projection.target.ids] = what.indegree
    for rows, mask, by in zip(bundle.blocks, masks, shift, strict=True):
        if what.indegree is None:
            need += np.bincount(rows.targets[mask] + by, minlength=need.size)
        else:
            _prune_surplus(rows, mask, by, need)
    if peers is not None:  # each knows what its own targets want
        here = slice(int(blocks.starts[number, 0]), int(blocks.starts[number, -1]))
        own = np.zeros_like(need)
        own[here] = need[here]
        need = peers.sums(own)
    first = np.cumsum(need) - need
    result = []
    for b, (rows, mask) in enumerate(zip(bundle.blocks, masks, strict=True)):
        start, end = (int(x) for x in blocks.starts[number, b : b + 2])
        kept = synapse_keys(rows)[~mask]
        targets = start + np.flatnonzero(need[start:end])
        grown = _grow(projection, wiring, what, clock, kept, int(shift[b]), targets, need, first)
        result.append(_merge(projection, rows, ~mask, kept, grown, int(shift[b])))
    return result


def _grow(
    projection: Projection,
    wiring: Wiring,
    what: Rewiring,
    clock: int,
    kept: np.ndarray,
    shift: int,
    targets: np.ndarray,
    need: np.ndarray,
    first: np.ndarray,
) -> Grown:
    """Return new synapses onto a block's targets.

    Args:
        projection, wiring, what, clock: as for ``rewire``.
        kept: keys of the synapses that stay.
        shift: number of a target less its cell.
        targets: those that want any.
        need: how many each neuron of the population wants.
        first: number of each neuron's first new synapse.
    """
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    key0, key1 = keys(trial_seed(projection.seed, clock + 1))
    target_of = (kept & CELLS) + shift
    mine = np.flatnonzero(need[target_of] > 0)
    order = np.argsort(target_of[mine], kind="stable")
    existing = (kept[mine] >> SOURCE)[order]
    starts = np.searchsorted(target_of[mine][order], np.append(targets, need.size))
    places = np.cumsum(need[targets]) - need[targets]
    source = np.empty(int(need[targets].sum()), np.int64)
    if projection.rule.near is not None:
        source[:] = -1
        for i, t in enumerate(targets.tolist()):
            some = near_sources(
                projection, t, int(need[t]), existing[starts[i] : starts[i + 1]],
                (int(key0), int(key1)),
            )  # fmt: skip
            source[places[i] : places[i] + some.size] = some
    else:
        load_cpu_loop("network_rewire").draw_sources(
            targets, need[targets], places, starts, existing, projection.source.kernel_ids,
            int(projection.apart), np.full(projection.source.population.size, -1, np.int32),
            projection.number, key0, key1, source,
        )  # fmt: skip
    target = np.repeat(targets, need[targets])
    number = np.arange(source.size) - places.repeat(need[targets]) + first[target]
    found = source >= 0
    pairs = source[found], target[found]
    numbers = number[found].astype(np.int32)
    weight, delay = _draw(projection, wiring, what, numbers, *pairs, key0, key1)
    return Grown(*pairs, delay, weight)


def _draw(
    p: Projection,
    wiring: Wiring,
    what: Rewiring,
    number: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    key0: object,
    key1: object,
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights, magnitudes, and delays in steps of new synapses.

    Args:
        p, wiring, what: as for ``rewire``.
        number: of each synapse, which random numbers follow.
        source, target: numbers within the populations.
        key0, key1: of the generator.
    """
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    exponent = wiring.exponent[p.target.population.number, p.port]
    recipe = RowRecipe(p, exponent, 32)
    weight = np.full(number.size, recipe.fixed_weight, np.int32)
    delay = np.full(number.size, recipe.fixed_delay, np.int32)
    if recipe.drawn and number.size:
        draw_values = int(load_cpu_loop("network_draw").draw_row_values)
        load_cpu_loop("network_build").draw_pairs(
            *recipe.packed(), draw_values, number, key0, key1,
            np.empty(2 * number.size, np.int32), weight, delay,
        )  # fmt: skip
    if p.near is not None and number.size:
        near_values(p, recipe, source, target, weight, delay)
    # The windows and rings of a network are made for the delays that it has.
    bundle = bundle_of(p, wiring)
    steps = np.clip(delay.astype(np.int64), bundle.least, bundle.most)
    if what.weight is not None:
        return np.full(number.size, abs(what.weight)), steps
    return magnitudes(p, weight, exponent), steps


def _merge(
    projection: Projection,
    rows: Rows,
    mask: np.ndarray,
    kept: np.ndarray,
    grown: Grown,
    shift: int,
) -> Rows:
    """Return rows of what stays and what is new.

    Args:
        projection: whose.
        rows: as they were.
        mask: which synapses stay.
        kept: their keys.
        grown: what is new.
        shift: number of a target less its cell.
    """
    rule = projection.plasticity
    assert rule is not None
    weights = _weights(rows)
    key = (grown.source << SOURCE) | (grown.delay << DELAY) | (grown.target - shift)
    order = np.argsort(key, kind="stable")
    at = np.searchsorted(kept, key[order], side="right")
    every = np.insert(kept, at, key[order])
    merged = np.insert(weights[mask], at, grown.weight[order].astype(weights.dtype))
    variables = {
        name: np.insert(values[mask], at, values.dtype.type(rule.start(name)))
        for name, values in rows.variables.items()
    }
    return rows_of_keys(every, merged, variables, rows.rows.size - 1)


def rows_of_keys(
    every: np.ndarray, weights: np.ndarray, variables: dict[str, np.ndarray], sources: int
) -> Rows:
    """Return the rows of synapses in a block.

    Args:
        every: their keys, see ``synapse_keys``, ascending.
        weights, variables: of each.
        sources: neurons of the source population.
    """
    segment = every >> DELAY
    starts = np.flatnonzero(np.append(True, segment[1:] != segment[:-1])[: segment.size])
    source, delay = segment[starts] >> (SOURCE - DELAY), segment[starts] & layout.DELAY
    last = np.append(source[1:] != source[:-1], True)[: source.size]
    counts = np.bincount(source, minlength=sources)
    made = Rows(
        (every & CELLS).astype(np.uint16), weights, np.append(starts, every.size).astype(np.uint32),
        np.append(delay | np.where(last, layout.LAST, 0), 0).astype(np.uint16),
        np.append(0, np.cumsum(counts)).astype(np.uint32), variables=variables,
    )  # fmt: skip
    made.sources = segment_sources(made)
    return made


def _weights(rows: Rows) -> np.ndarray:
    assert rows.weights is not None
    return rows.weights
