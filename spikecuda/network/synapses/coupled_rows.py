"""The pairs of a coupling, and the rows by target that are summed in each step."""

import math
from collections.abc import Sequence

import numpy as np

from spikecuda.common.host_memory import available_memory, shortage
from spikecuda.common.terminal import human_bytes
from spikecuda.errors import OutOfMemoryError
from spikecuda.network.model.coupling import CoupledRows, Coupling
from spikecuda.network.synapses.access import connections
from spikecuda.network.synapses.blocks import split_blocks
from spikecuda.network.synapses.builder import Builder
from spikecuda.network.synapses.fixed_point import FINEST, SUM_LIMIT, FixedPoint

# Bytes of a pair while rows are made of it.
DRAWN = 56


def draw_pairs(coupling: Coupling, sizes: Sequence[int], threads: int) -> dict[str, np.ndarray]:
    """Return a coupling's pairs, sorted by target, then source; see ``Coupling.connections``.

    Args:
        coupling: whose.
        sizes: neurons of each population.
        threads: how many draw at once.

    Raises:
        OutOfMemoryError: they do not fit.
    """
    if coupling.drawn is not None:
        return coupling.drawn
    p = coupling.pairs
    if DRAWN * p.expected > available_memory():
        raise OutOfMemoryError(
            f"the pairs of {coupling.name} need about {human_bytes(DRAWN * p.expected)} to be "
            f"sorted ({shortage()}); couple fewer neurons"
        )
    if p.rule.listed is not None and p.weight.exact:
        source, target = (ids[which] for ids, which in zip(
            (p.source.ids, p.target.ids), p.rule.listed, strict=True
        ))  # fmt: skip
        weight = np.broadcast_to(p.weight.stated.astype(np.float64), source.shape)
        if p.apart:
            kept = source != target
            source, target, weight = source[kept], target[kept], weight[kept]
    else:
        exponent = FINEST
        if p.weight.largest and not p.weight.exact:
            exponent = math.floor(math.log2(SUM_LIMIT / p.weight.largest))
        scale = FixedPoint({(p.target.population.number, p.port): exponent}, {p: 32})
        blocks = split_blocks(sizes, 1)
        builder = Builder(
            [p], sizes, blocks, p.dt, p.seed, threads, lambda done, total: None
        )  # fmt: skip
        found = connections(p, builder.build(scale), p.dt)
        source, target, weight = (found[name] for name in ("source", "target", "weight"))
        if p.weight.kind == "FIXED":
            weight = np.full(source.size, p.weight.a)
    if coupling.symmetric and coupling.looks_twice:
        # The rule looks at a pair in both orders where both neurons are on both sides.
        both = np.isin(p.source.ids, p.target.ids)
        either = np.zeros(p.source.population.size, np.bool_)
        either[p.source.ids[both]] = True
        kept = (source < target) | ~(either[source] & either[target])
        source, target, weight = source[kept], target[kept], weight[kept]
    order = np.lexsort((source, target))
    drawn: dict[str, np.ndarray] = {
        "source": np.ascontiguousarray(source[order], np.int32),
        "target": np.ascontiguousarray(target[order], np.int32),
        "weight": np.ascontiguousarray(weight[order], np.float64),
    }
    coupling.take(drawn)
    return drawn


def couple_rows(
    couplings: Sequence[Coupling], sizes: Sequence[int], threads: int
) -> list[CoupledRows]:
    """Return the rows of all couplings, in their order; of a symmetric one first the target's."""
    result = []
    for coupling in couplings:
        drawn = draw_pairs(coupling, sizes, threads)
        source, target, weight = (drawn[name] for name in ("source", "target", "weight"))
        if coupling.symmetric and coupling.pairs.same:
            inner = source != target
            source, target, weight = (
                np.concatenate([a, b[inner]])
                for a, b in ((source, target), (target, source), (weight, weight))
            )
        result.append(_rows(coupling, False, source, target, weight))
        if coupling.symmetric and not coupling.pairs.same:
            result.append(_rows(coupling, True, target, source, weight))
    return result


def _rows(
    coupling: Coupling, back: bool, source: np.ndarray, target: np.ndarray, weight: np.ndarray
) -> CoupledRows:
    """Return rows by target of pairs, the sources of each ascending."""
    ends = coupling.source.population, coupling.target.population
    first, last = ends[::-1] if back else ends
    order = np.lexsort((source, target))
    starts = np.zeros(last.size + 1, np.int64)
    np.cumsum(np.bincount(target, minlength=last.size), out=starts[1:])
    real = last.neurons.precision.real
    fixed = coupling.pairs.weight.kind == "FIXED"
    return CoupledRows(
        coupling, first.number, last.number, coupling.back if back else coupling.receptor, starts,
        np.ascontiguousarray(source[order], np.int32),
        None if fixed else np.ascontiguousarray(weight[order], real),
        float(np.dtype(real).type(coupling.pairs.weight.a)) if fixed else 0.0,
    )  # fmt: skip
