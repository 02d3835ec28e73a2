"""Synapses that are not as their seed draws them, as arrays of a file and back.

The rows of a projection are drawn again from its rule and seed.  Weights that were assigned or
learned, and synapses that were rewired, are in the order of ``Projection.connections``: by source,
delay and target, and the ordinal among those that have all of these in common.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spikecuda.common.host_memory import require_memory
from spikecuda.common.npz import FormatError
from spikecuda.kernels.network import layout
from spikecuda.network.model.projection import Projection
from spikecuda.network.run.engine import Engine
from spikecuda.network.synapses.access import bundle_of, pieces
from spikecuda.network.synapses.identity import IdentityOrder
from spikecuda.network.synapses.rewire import DELAY, SOURCE, rows_of_keys
from spikecuda.network.synapses.store import Bundle, Wiring
from spikecuda.saving.save_file import Saved

# Bytes of a synapse while it is put in order.
SORTED = 80
ROWS = (("source", "i4"), ("target", "i4"), ("delay", "u2"))


def synapses_tree(
    wired: Sequence[Projection], engine: Engine, waiting: set[int], state: dict[str, np.ndarray]
) -> list[Any]:
    """Return what differs from what the seed draws, projection by projection.

    Args:
        wired: all projections, in their order.
        engine: that has them.
        waiting: numbers of the bundles whose spikes wait: their rows are as of the last arrival.
        state: where arrays go.
    """
    return [_tree(w, p, engine, waiting, state) for w, p in enumerate(wired)]


def _tree(
    w: int, p: Projection, engine: Engine, waiting: set[int], state: dict[str, np.ndarray]
) -> Any:
    if p.procedural or not (p.learns or p.assigned or p.rewired):
        return None
    bundle = bundle_of(p, engine.wiring)
    if bundle.kind == layout.CONSTANT:
        return {"constant": int(bundle.weight)}
    size = sum(rows.targets.size for rows in bundle.blocks)
    require_memory(
        SORTED * size, f"saving the synapses of {p.name}", "save on a machine with more memory"
    )
    order = IdentityOrder(p, bundle, engine.wiring)
    if p.learns:
        raw = engine.wiring.bundles.index(bundle) not in waiting
        blocks = engine.raw_learned(bundle) if raw else _kept(bundle)
    else:
        blocks = [{"w": rows.weights} for rows in bundle.blocks]  # type: ignore[dict-item]
    for name in blocks[0]:
        state[f"synapses/{w}/{name}"] = order.gather([block[name] for block in blocks])
    if p.rewired:
        found = list(pieces(p, engine.wiring))
        for name, kind in ROWS:
            values = order.gather([getattr(piece, name) for piece in found])
            state[f"synapses/{w}/rows/{name}"] = values.astype(kind)
    return {"values": list(blocks[0]), "rewired": p.rewired}


def _kept(bundle: Bundle) -> list[dict[str, np.ndarray]]:
    result = []
    for rows in bundle.blocks:
        assert rows.weights is not None
        result.append({"w": rows.weights, **rows.variables})
    return result


def put_synapses(
    wired: Sequence[Projection], wiring: Wiring, trees: Sequence[Any], saved: Saved
) -> None:
    """Let synapses as they were drawn be those of ``synapses_tree``."""
    for w, (p, tree) in enumerate(zip(wired, trees, strict=True)):
        if tree is not None:
            _put(w, p, wiring, tree, saved)


def _put(w: int, p: Projection, wiring: Wiring, tree: Any, saved: Saved) -> None:
    bundle = bundle_of(p, wiring)
    if "constant" in tree:
        if bundle.kind != layout.CONSTANT or len(bundle.projections) > 1:
            raise FormatError(f"{p.name} has a weight for each synapse")
        bundle.weight = int(tree["constant"])
        p.note(assigned=True)
        return
    if tree["rewired"]:
        _put_rows(w, p, bundle, wiring, saved)
    if bundle.width == 0:
        for rows in bundle.blocks:
            rows.weights = np.full(rows.targets.size, bundle.weight, np.int32)
        bundle.kind = layout.WIDE
    order = IdentityOrder(p, bundle, wiring)
    for name in tree["values"]:
        arrays = [r.weights if name == "w" else r.variables.get(name) for r in bundle.blocks]
        known = [array for array in arrays if array is not None]
        kind = known[0].dtype.str[1:] if len(known) == len(arrays) else ""
        order.scatter(saved.take(f"synapses/{w}/{name}", kind, 1, order.size), known)
    if not p.learns:
        p.note(assigned=True)


def _put_rows(w: int, p: Projection, bundle: Bundle, wiring: Wiring, saved: Saved) -> None:
    """Let a bundle have other synapses; their weights are set later."""
    size = saved.take(f"synapses/{w}/w", "f4 f8", 1).size
    source, target, delay = (
        saved.take(f"synapses/{w}/rows/{name}", kind, 1, size).astype(np.int64)
        for name, kind in ROWS
    )
    sizes = (p.source.population.size, p.target.population.size)
    for name, values, most in (
        ("source", source, sizes[0]), ("target", target, sizes[1]),
        ("delay", delay - 1, wiring.longest),
    ):  # fmt: skip
        if size and (values.min() < 0 or values.max() >= most):
            raise FormatError(f"array 'synapses/{w}/rows/{name}' is out of range")
    blocks, number = wiring.blocks, p.target.population.number
    before = sum(rows.targets.size for rows in bundle.blocks)
    for b, rows in enumerate(bundle.blocks):
        first, last = (int(x) for x in blocks.starts[number, b : b + 2])
        here = (target >= first) & (target < last)
        cell = target[here] - first + int(blocks.offsets[number, b])
        keys = (source[here] << SOURCE) | (delay[here] << DELAY) | cell
        if (keys[1:] < keys[:-1]).any():
            raise FormatError(f"array 'synapses/{w}/rows/source' is not sorted")
        assert rows.weights is not None
        made = rows_of_keys(
            keys, np.zeros(keys.size, rows.weights.dtype),
            {name: np.zeros(keys.size, v.dtype) for name, v in rows.variables.items()},
            rows.rows.size - 1,
        )  # fmt: skip
        for name, value in vars(made).items():
            setattr(rows, name, value)
    wiring.synapses += size - before
    p.recount(size)
