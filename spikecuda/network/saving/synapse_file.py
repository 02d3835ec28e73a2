"""Synapses that are not as their seed draws them, as arrays of a file and back.

The rows of a projection are drawn again from its rule and seed.  Weights that were assigned or
learned, and synapses that were rewired, are in the order of ``Projection.connections``: by source,
delay and target, and the ordinal among those that have all of these in common.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from spikecuda.common.host_memory import require_memory
from spikecuda.common.npz import FormatError, Streamed
from spikecuda.kernels.network import layout
from spikecuda.network.model.projection import Projection
from spikecuda.network.run.engine import Engine
from spikecuda.network.synapses.access import bundle_of, count_stored, pieces
from spikecuda.network.synapses.identity import IdentityOrder, SharedOrder
from spikecuda.network.synapses.peers import Peers
from spikecuda.network.synapses.rewire import DELAY, SOURCE, rows_of_keys
from spikecuda.network.synapses.store import Bundle, Wiring
from spikecuda.saving.save_file import Saved

# What the names of synapses' arrays begin with; large ones may stay in the file as it is loaded.
SYNAPSES = "synapses/"
# Arrays of a file by name.
State = dict[str, np.ndarray | Streamed]
# Bytes of a synapse while it is put in order.
SORTED = 80
ROWS = (("source", "i4"), ("target", "i4"), ("delay", "u2"))


def synapses_tree(
    wired: Sequence[Projection], engine: Engine, waiting: set[int], state: State
) -> list[Any]:
    """Return what differs from what the seed draws, projection by projection.

    Args:
        wired: all projections, in their order.
        engine: that has them.
        waiting: numbers of the bundles whose spikes wait: their rows are as of the last arrival.
        state: where arrays go.
    """
    return [_tree(w, p, engine, waiting, state) for w, p in enumerate(wired)]


def _tree(w: int, p: Projection, engine: Engine, waiting: set[int], state: State) -> Any:
    if p.procedural or not (p.learns or p.assigned or p.rewired):
        return None
    bundle = bundle_of(p, engine.wiring)
    if bundle.kind == layout.CONSTANT:
        return {"constant": int(bundle.weight)}
    size = sum(rows.targets.size for rows in bundle.blocks)
    require_memory(
        SORTED * size, f"saving the synapses of {p.name}", "save on a machine with more memory"
    )
    raw = engine.wiring.bundles.index(bundle) not in waiting
    if engine.peers is not None:
        shared = _Shared(p, engine, engine.peers, raw)
        state.update({f"{SYNAPSES}{w}/{name}": shared.stream(name) for name in shared.names})
        return {"values": shared.values, "rewired": p.rewired}
    order = IdentityOrder(p, bundle, engine.wiring)
    blocks = _blocks(p, engine, raw)
    for name in blocks[0]:
        state[f"{SYNAPSES}{w}/{name}"] = order.gather([block[name] for block in blocks])
    if p.rewired:
        found = list(pieces(p, engine.wiring))
        for name, kind in ROWS:
            values = order.gather([getattr(piece, name) for piece in found])
            state[f"{SYNAPSES}{w}/rows/{name}"] = values.astype(kind)
    return {"values": list(blocks[0]), "rewired": p.rewired}


class _Shared:
    """A projection's synapses over all processes, which rank 0 is given part by part.

    Args:
        projection: whose.
        engine: that has this process' part.
        peers: the processes.
        raw: whether the engine has to settle what was learned.

    Attributes:
        values: names of what each synapse has.
        names: of all arrays, in the order in which they are to be streamed.
    """

    def __init__(self, projection: Projection, engine: Engine, peers: Peers, raw: bool) -> None:
        self._projection, self._engine, self._peers, self._raw = projection, engine, peers, raw
        self._bundle = bundle_of(projection, engine.wiring)
        rule = projection.plasticity if projection.learns else None
        self.values = ["w", *([] if rule is None else rule.variables)]
        self._kinds = {f"rows/{name}": np.dtype(kind) for name, kind in ROWS}
        self.names = [*self.values, *(self._kinds if projection.rewired else ())]
        own = count_stored(projection, engine.wiring)
        self._size = int(peers.sums(np.array([own]))[0])
        self._held: tuple[SharedOrder, dict[str, list[np.ndarray]]] | None = None

    def stream(self, name: str) -> Streamed:
        """Return an array that is made when it is written, which all processes do together."""
        rows = self._bundle.blocks[0]
        known = rows.variables.get(name, rows.weights)
        assert known is not None
        kind = self._kinds.get(name, known.dtype)
        return Streamed(kind, self._size, functools.partial(self._parts, name))

    def _parts(self, name: str) -> Iterator[np.ndarray]:
        if self._held is None:
            self._held = self._hold()
        order, arrays = self._held
        yield from order.gather(order.own.gather(arrays[name]))
        if name == self.names[-1]:
            self._held = None

    def _hold(self) -> tuple[SharedOrder, dict[str, list[np.ndarray]]]:
        """Return the order, and this process' arrays by name and block."""
        p, engine = self._projection, self._engine
        order = SharedOrder(p, self._bundle, engine.wiring, self._peers)
        blocks = _blocks(p, engine, self._raw)
        arrays = {name: [block[name] for block in blocks] for name in self.values}
        if p.rewired:
            found = list(pieces(p, engine.wiring))
            for name, kind in ROWS:
                arrays[f"rows/{name}"] = [getattr(piece, name).astype(kind) for piece in found]
        return order, arrays


def _blocks(p: Projection, engine: Engine, raw: bool) -> list[dict[str, np.ndarray]]:
    """Return by block what each synapse has, by name.

    Args:
        p: whose synapses.
        engine: that has them.
        raw: whether the engine has to settle what was learned.
    """
    bundle = bundle_of(p, engine.wiring)
    if p.learns:
        return engine.raw_learned(bundle) if raw else _kept(bundle)
    return [{"w": rows.weights} for rows in bundle.blocks]  # type: ignore[dict-item]


def _kept(bundle: Bundle) -> list[dict[str, np.ndarray]]:
    result = []
    for rows in bundle.blocks:
        assert rows.weights is not None
        result.append({"w": rows.weights, **rows.variables})
    return result


def put_synapses(
    wired: Sequence[Projection],
    wiring: Wiring,
    trees: Sequence[Any],
    saved: Saved,
    peers: Peers | None = None,
) -> None:
    """Let synapses as they were drawn be those of ``synapses_tree``; ``peers`` have others."""
    for w, (p, tree) in enumerate(zip(wired, trees, strict=True)):
        if tree is not None:
            _put(w, p, wiring, tree, saved, peers)


def _put(
    w: int, p: Projection, wiring: Wiring, tree: Any, saved: Saved, peers: Peers | None
) -> None:
    bundle = bundle_of(p, wiring)
    if "constant" in tree:
        if bundle.kind != layout.CONSTANT or len(bundle.projections) > 1:
            raise FormatError(f"{p.name} has a weight for each synapse")
        bundle.weight = int(tree["constant"])
        p.note(assigned=True)
        return
    if tree["rewired"]:
        _put_rows(w, p, bundle, wiring, saved, peers)
    if bundle.width == 0:
        for rows in bundle.blocks:
            rows.weights = np.full(rows.targets.size, bundle.weight, np.int32)
        bundle.kind = layout.WIDE
    shared = None if peers is None else SharedOrder(p, bundle, wiring, peers)
    order = IdentityOrder(p, bundle, wiring) if shared is None else shared.own
    size = order.size if shared is None else shared.size
    blocks, arrays = [], []
    for name in tree["values"]:
        found = [r.weights if name == "w" else r.variables.get(name) for r in bundle.blocks]
        blocks.append([array for array in found if array is not None])
        kind = blocks[-1][0].dtype.str[1:] if len(blocks[-1]) == len(found) else ""
        arrays.append(saved.take(f"{SYNAPSES}{w}/{name}", kind, 1, size))
    if shared is not None:
        arrays = shared.take(arrays)
    for values, known in zip(arrays, blocks, strict=True):
        order.scatter(values, known)
    if not p.learns:
        p.note(assigned=True)


def _put_rows(
    w: int, p: Projection, bundle: Bundle, wiring: Wiring, saved: Saved, peers: Peers | None
) -> None:
    """Let a bundle have other synapses; their weights are set later."""
    size = saved.take(f"{SYNAPSES}{w}/w", "f4 f8", 1).size
    source, target, delay = (
        saved.take(f"{SYNAPSES}{w}/rows/{name}", kind, 1, size) for name, kind in ROWS
    )
    sizes = (p.source.population.size, p.target.population.size)
    for name, values, least, most in (
        ("source", source, 0, sizes[0]), ("target", target, 0, sizes[1]),
        ("delay", delay, 1, wiring.longest + 1),
    ):  # fmt: skip
        if size and (values.min() < least or values.max() >= most):
            raise FormatError(f"array 'synapses/{w}/rows/{name}' is out of range")
    blocks, number = wiring.blocks, p.target.population.number
    before = sum(rows.targets.size for rows in bundle.blocks)
    if peers is not None:
        before = int(peers.sums(np.array([before]))[0])
    for b, rows in enumerate(bundle.blocks):
        first, last = (int(x) for x in blocks.starts[number, b : b + 2])
        here = np.flatnonzero((target >= first) & (target < last))
        cell = target[here].astype(np.int64) - first + int(blocks.offsets[number, b])
        keys = source[here].astype(np.int64) << SOURCE
        keys |= (delay[here].astype(np.int64) << DELAY) | cell
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
