"""Build the synapses of a network: count, allocate, fill, sort; in parallel and in place."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from spikecuda.common.host_memory import available_memory, shortage
from spikecuda.errors import OutOfMemoryError
from spikecuda.kernels.network import layout
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.blocks import Blocks
from spikecuda.network.synapses.bundles import plan_bundles
from spikecuda.network.synapses.dense_build import fill_dense_rows
from spikecuda.network.synapses.drawing import Drawing
from spikecuda.network.synapses.field import try_functions
from spikecuda.network.synapses.fixed_point import FixedPoint, choose_fixed_point
from spikecuda.network.synapses.learned import segment_sources, start_learning
from spikecuda.network.synapses.peers import Peers
from spikecuda.network.synapses.row_counts import Counted, count_rows
from spikecuda.network.synapses.row_layout import short_bits
from spikecuda.network.synapses.short_build import Filling, fill_short_rows
from spikecuda.network.synapses.short_rows import WordBits
from spikecuda.network.synapses.store import Bundle, Procedural, Wiring

NO_DELAY = 1 << 62


class KnownRows(Protocol):
    """Rows that were stored.

    Attributes:
        shortest, longest, synapses, horizon: of the wiring that they were of.
    """

    shortest: int
    longest: int
    synapses: int
    horizon: int

    def fill(self, number: int, bundle: Bundle) -> None:
        """Give a bundle, by its number, its rows."""


class Builder:
    """Build the wiring of a network.

    Args:
        projections: in the order of their numbers.
        sizes: neurons of each population.
        blocks: the split.
        dt, seed: of the network.
        threads: how many work at once.
        report: is told (synapses done, synapses expected).
        rows: the first row of each projection that is made, and the end; None: all.
        peers: the processes that have the other blocks, where these are not all.
        dense: whether rows are dense whatever there is of them, as partitions on devices need.
    """

    def __init__(
        self,
        projections: Sequence[Projection],
        sizes: Sequence[int],
        blocks: Blocks,
        dt: float,
        seed: int,
        threads: int,
        report: Callable[[float, float], None],
        rows: tuple[int, int] | None = None,
        peers: Peers | None = None,
        dense: bool = False,
    ) -> None:
        self.peers, self._dense = peers, dense
        self.projections, self.sizes, self.blocks = list(projections), list(sizes), blocks
        expected = sum(p.expected for p in projections)
        self._drawing = Drawing(sizes, blocks, dt, seed, threads, expected, report, rows, peers)

    def build(self, fixed_point: FixedPoint | None = None) -> Wiring:
        """Return the wiring.

        Args:
            fixed_point: the scales, if they are known.

        Raises:
            OutOfMemoryError: it does not fit; raised before the rows are allocated.
            SpikecudaValueError: weights that cannot be kept; see ``fixed_point``.
        """
        drawing = self._drawing
        drawing.fixed_point = fixed_point or choose_fixed_point(self.projections)
        drawing.fixed_point.require_kept()
        bundles = plan_bundles(self.projections, drawing.fixed_point)
        short = self._short(bundles)
        together = {p for bundle in short for p in bundle.projections}
        with drawing.working():
            counted = {
                p: count_rows(drawing, p, p in together)
                for p in self.projections
                if not p.procedural
            }
            synapses = sum(int(counts.sum()) for counts, _, _ in counted.values())
            self._require_memory(bundles, counted, short)
            for bundle in bundles:
                if bundle.kind == layout.PROCEDURAL:
                    bundle.rule = self._procedural(bundle.projections[0])
                elif bundle in short:
                    self._fill_short(bundle, counted, short[bundle])
                else:
                    fill_dense_rows(drawing, bundle, counted)
                    if bundle.kind == layout.PLASTIC:
                        start_learning(bundle, drawing.exponent(bundle.projections[0]))
                    if bundle.released:
                        for made in bundle.blocks:
                            made.sources = segment_sources(made)
        return self._wiring(bundles, synapses)

    def take(self, fixed_point: FixedPoint, known: KnownRows) -> Wiring:
        """Return the wiring with rows that are known, not drawn.

        Args:
            fixed_point: the scales.
            known: of the same projections and blocks.
        """
        drawing = self._drawing
        drawing.fixed_point = fixed_point
        bundles = plan_bundles(self.projections, fixed_point)
        with drawing.working():
            for number, bundle in enumerate(bundles):
                if bundle.kind == layout.PROCEDURAL:
                    bundle.rule = self._procedural(bundle.projections[0])
                else:
                    known.fill(number, bundle)
        drawing.advance(sum(p.expected for p in self.projections))
        return Wiring(
            self.blocks, bundles, fixed_point, known.shortest, known.longest, known.synapses,
            known.horizon,
        )  # fmt: skip

    def _wiring(self, bundles: list[Bundle], synapses: int) -> Wiring:
        """Return the wiring of bundles that are filled, with so many stored synapses."""
        extremes = self._extremes(bundles)
        # Spikes from outside are known before a window begins.
        shortest = min(
            (
                low
                for b, (low, _) in extremes.items()
                if b.projections[0].source.population.neuron_spec is not None
            ),
            default=0,
        )
        longest = max((high for _, high in extremes.values()), default=0)
        drawn = [p for p in self.projections if p.procedural]
        for p in drawn:
            low, high = p.delay_steps()
            shortest = min(shortest or low, low)
            longest = max(longest, high)
            synapses += round(p.expected)
        learning = [
            (b.projections[0], *found) for b, found in extremes.items() if b.kind == layout.PLASTIC
        ]
        ruled = [b for b in bundles if b.ruled]
        for bundle in ruled:
            p = bundle.projections[0]
            if bundle in extremes:
                bundle.least = extremes[bundle][0]
            if bundle.least or not p.grows:
                continue
            # What grows there has these delays.
            low, high = p.delay_steps()
            bundle.least = low
            if p.source.population.neuron_spec is not None:
                shortest = min(shortest or low, low)
            longest = max(longest, high)
            learning.append((p, low, high))
        horizon = min((p.horizon(low, high) for p, low, high in learning), default=0)
        for bundle in ruled:
            if bundle.projections[0].source.population.neuron_spec is not None:
                bundle.least = shortest
            bundle.most = longest
        fixed_point = self._drawing.fixed_point
        return Wiring(self.blocks, bundles, fixed_point, shortest, longest, synapses, horizon)

    def _extremes(self, bundles: Sequence[Bundle]) -> dict[Bundle, tuple[int, int]]:
        """Return the shortest and the longest delay of each bundle that has stored synapses."""
        found = np.full((2, len(bundles)), NO_DELAY)
        for i, bundle in enumerate(bundles):
            every = [rows.delays[:-1] & layout.DELAY for rows in bundle.blocks]
            sized = [delays for delays in every if delays.size]
            found[0, i] = min((int(delays.min()) for delays in sized), default=NO_DELAY)
            found[1, i] = -max((int(delays.max()) for delays in sized), default=-NO_DELAY)
        if self.peers is not None:
            found = self.peers.least(found)
        return {
            bundle: (int(low), -int(high))
            for bundle, low, high in zip(bundles, *found, strict=True)
            if low < NO_DELAY
        }

    def _require_memory(
        self,
        bundles: list[Bundle],
        counted: Mapping[Projection, Counted],
        short: Mapping[Bundle, WordBits],
    ) -> None:
        """Raise OutOfMemoryError unless the rows fit."""
        size = scratch = 0
        for bundle in bundles:
            if bundle.kind == layout.PROCEDURAL:
                continue
            n = sum(int(counted[p][0].sum()) for p in bundle.projections)
            width = bundle.width
            if bundle.kind == layout.PLASTIC:
                width = int(bundle.projections[0].learned_bytes())
            if bundle in short:
                size += n * (4 + width) + 5 * self.sizes[bundle.source]
                scratch = max(scratch, 4 * n, 8 * self.sizes[bundle.source])
                continue
            size += n * (2 + width) + 8 * self.sizes[bundle.source] * self.blocks.count
            scratch = max(scratch, 2 * n)
        if size + scratch > available_memory():
            # Rows that were kept can be drawn again.
            self._drawing.kept.clear()
            self._drawing.own.clear()
        if size + scratch > available_memory():
            raise OutOfMemoryError(
                f"the synapses need {size / 1e9:,.2f} GB and {scratch / 1e9:,.2f} GB to build them "
                f"({shortage()}); use fewer; synapses that do not learn take less with one weight "
                "for all of a projection, or procedural=True"
            )

    def _procedural(self, p: Projection) -> Procedural:
        """Return what is needed to draw a projection's rows again."""
        try_functions(p)
        index = np.full(self.sizes[p.source.population.number], -1, np.int32)
        index[p.source.ids] = np.arange(p.source.size)
        twin = None
        if p.apart:
            twin = np.full(index.size, -1, np.int32)
            twin[p.target.ids] = np.arange(p.target.size)
        return Procedural(self._drawing.recipe(p), index, twin, self._drawing.degrees(p))

    def _short(self, bundles: list[Bundle]) -> dict[Bundle, WordBits]:
        """Return the bundles whose rows are short, and how their words are used."""
        if self._dense:
            return {}
        divided = self.peers is not None
        found = {bundle: short_bits(bundle, self.sizes, self.blocks, divided) for bundle in bundles}
        return {bundle: bits for bundle, bits in found.items() if bits is not None}

    def _fill_short(
        self, bundle: Bundle, counted: Mapping[Projection, Counted], bits: WordBits
    ) -> None:
        """Fill a bundle's short rows."""
        drawing = self._drawing
        fillings = []
        for p in bundle.projections:
            counts, degrees, _ = counted[p]
            recipe = drawing.recipe(p)
            if p.rule.listed is not None:
                pairs = (*drawing.pairs(p, *p.rule.listed),
                         *drawing.pair_values(recipe, *p.rule.listed))  # fmt: skip
                fillings.append(Filling(p, counts, degrees, (), (), pairs))
                continue
            drawn = (*drawing.drawn(p, recipe), recipe.values_loop())
            fillings.append(Filling(p, counts, degrees, drawn, drawing.rows(p)))
        keys = drawing.key0, drawing.key1
        bundle.blocks.append(
            fill_short_rows(bundle, fillings, self.blocks, bits, keys, drawing.run)
        )
        for p in bundle.projections:
            drawing.forget(p)
            drawing.advance(0.8 * p.expected)
