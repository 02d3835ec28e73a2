"""Weights that several synapses have in common, and all of them change."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from spikecuda.network.model.projection import Projection
from spikecuda.network.model.upkeep import Sharing
from spikecuda.network.run.engine import Engine
from spikecuda.network.synapses.access import bundle_of, order_of, pieces
from spikecuda.network.synapses.identity import SharedOrder
from spikecuda.network.synapses.store import Bundle

# Bits of sums of changes, which are integers in float64, and exact.
BITS = 52


class Sharer:
    """A projection whose synapses have weights in common, brought together at intervals.

    Args:
        projection: whose weights.
        what: which synapses.
        every: steps.
    """

    counted: int | None = None

    def __init__(self, projection: Projection, what: Sharing, every: int) -> None:
        self._projection, self.what, self.every = projection, what, every
        self._groups, self._sizes = np.unique(what.groups, return_inverse=True, return_counts=True)[
            1:
        ]
        # Of each group, as it was left last.
        self._weights = np.zeros(self._sizes.size)
        self._known: tuple[Bundle, list[tuple[int, np.ndarray, np.ndarray]]] | None = None

    def act(self, engine: Any, spikes: np.ndarray) -> None:
        """Let all synapses of a group have the changes of all of them."""
        self._bring(engine, self._weights, 1.0)

    def begin(self, engine: Engine) -> None:
        """Let all synapses of a group have their mean weight."""
        self._bring(engine, np.zeros(self._sizes.size), 1.0 / self._sizes)

    def _bring(self, engine: Engine, before: np.ndarray, part: float | np.ndarray) -> None:
        """Add parts of the changes of all synapses of a group to what it was before."""
        p = self._projection
        rule, bundle = p.plasticity, bundle_of(p, engine.wiring)
        assert rule is not None
        engine.settle(bundle)
        sums = np.zeros(self._sizes.size)
        # The unit follows from the whole projection, so that sums do not depend on its parts.
        exponent = BITS - math.frexp(2.0 * rule.largest * float(self._sizes.max(initial=1)))[1]
        scale = 2.0 ** min(max(exponent, -1000), 1000)
        places = self._places(bundle, engine)
        for block, where, groups in places:
            weights = bundle.blocks[block].weights
            assert weights is not None
            changes = np.rint((weights[where].astype(np.float64) - before[groups]) * scale)
            sums += np.bincount(groups, changes, sums.size)
        if engine.peers is not None:
            sums = engine.peers.sums(sums)
        new = np.clip(before + part * (sums / scale), rule.w_min, abs(rule.w_max))
        for block, where, groups in places:
            weights = bundle.blocks[block].weights
            assert weights is not None
            new = new.astype(weights.dtype)
            weights[where] = new[groups]
        self._weights = new.astype(np.float64)
        engine.rewrite(bundle)

    def _places(self, bundle: Bundle, engine: Engine) -> list[tuple[int, np.ndarray, np.ndarray]]:
        """Return of each block its number, and the places and groups of its synapses."""
        if self._known is None or self._known[0] is not bundle:
            found = list(pieces(self._projection, engine.wiring))
            order = order_of(found)
            groups, own = np.empty(order.size, np.int64), self._groups.reshape(-1)
            if engine.peers is not None:
                shared = SharedOrder(self._projection, bundle, engine.wiring, engine.peers)
                (own,) = shared.take([own])
            groups[order] = own
            ends = np.cumsum([piece.where.size for piece in found])
            self._known = (
                bundle,
                [
                    (piece.block, piece.where, own)
                    for piece, own in zip(found, np.split(groups, ends[:-1]), strict=True)
                ],
            )
        return self._known[1]

    def keep(self, spikes: np.ndarray) -> None:
        """Note spikes after the last time; none are wanted."""

    def clear(self) -> None:
        """Begin anew; weights stay."""

    def remembered(self) -> dict[str, np.ndarray]:
        """Return the groups' weights."""
        return {"weights": self._weights}

    def remember(self, values: Mapping[str, np.ndarray]) -> None:
        """Take over what another one remembered."""
        self._weights = values["weights"].copy()
