"""Build the synapses of a network: count, allocate, fill, sort; in parallel and in place."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np

from spikecuda.common.host_memory import available_memory, shortage
from spikecuda.common.seed import keys
from spikecuda.common.time_grid import nearest_step, nearest_steps
from spikecuda.errors import OutOfMemoryError, SpikecudaValueError
from spikecuda.kernels.network import draw, layout
from spikecuda.kernels.network.rules import COLUMNS
from spikecuda.network.model.distance_rules import require_degrees
from spikecuda.network.model.population import Population
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.blocks import Blocks
from spikecuda.network.synapses.field import require_numbers, try_functions
from spikecuda.network.synapses.fixed_point import FixedPoint, check_indegree, choose_fixed_point
from spikecuda.network.synapses.kept_rows import KeptRows
from spikecuda.network.synapses.learned import segment_sources, start_learning
from spikecuda.network.synapses.peers import Peers
from spikecuda.network.synapses.row_layout import short_bits
from spikecuda.network.synapses.row_recipe import RowRecipe, row_scratch, row_twins
from spikecuda.network.synapses.short_build import Filling, fill_short_rows
from spikecuda.network.synapses.short_rows import WordBits
from spikecuda.network.synapses.store import Bundle, Procedural, Rows, Wiring, side_by_side

MAX_ROWS = 2**32 - 1
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
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        self.peers, self._dense = peers, dense
        self.projections, self.sizes, self.blocks = list(projections), list(sizes), blocks
        self.dt, self.threads, self.report, self.rows = dt, threads, report, rows
        self.key0, self.key1 = keys(seed)
        self.loops = load_cpu_loop("network_build")
        self.expected = max(1.0, sum(p.expected for p in projections))
        self.done = 0.0
        self._kept: dict[Projection, KeptRows] = {}

    def build(self, fixed_point: FixedPoint | None = None) -> Wiring:
        """Return the wiring.

        Args:
            fixed_point: the scales, if they are known.

        Raises:
            OutOfMemoryError: it does not fit; raised before the rows are allocated.
            SpikecudaValueError: weights that cannot be kept; see ``fixed_point``.
        """
        self.fixed_point = fixed_point or choose_fixed_point(self.projections)
        self.fixed_point.require_kept()
        with ThreadPoolExecutor(self.threads, thread_name_prefix="spikecuda-build") as executor:
            self._map = lambda f, jobs: [t.result() for t in [executor.submit(f, *j) for j in jobs]]
            bundles = self._bundles()
            short = self._short(bundles)
            together = {p for bundle in short for p in bundle.projections}
            counted = {
                p: self._count(p, p in together) for p in self.projections if not p.procedural
            }
            synapses = sum(int(counts.sum()) for counts, _, _ in counted.values())
            self._require_memory(bundles, counted, short)
            for bundle in bundles:
                if bundle.kind == layout.PROCEDURAL:
                    bundle.rule = self._procedural(bundle.projections[0])
                elif bundle in short:
                    self._fill_short(bundle, counted, short[bundle])
                else:
                    self._fill(bundle, counted)
                    if bundle.kind == layout.PLASTIC:
                        start_learning(bundle, self._exponent(bundle.projections[0]))
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
        self.fixed_point = fixed_point
        bundles = self._bundles()
        with ThreadPoolExecutor(self.threads, thread_name_prefix="spikecuda-build") as executor:
            self._map = lambda f, jobs: [t.result() for t in [executor.submit(f, *j) for j in jobs]]
            for number, bundle in enumerate(bundles):
                if bundle.kind == layout.PROCEDURAL:
                    bundle.rule = self._procedural(bundle.projections[0])
                else:
                    known.fill(number, bundle)
        self._advance(self.expected)
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
        return Wiring(self.blocks, bundles, self.fixed_point, shortest, longest, synapses, horizon)

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

    # Counting.

    def _count(
        self, p: Projection, together: bool = False
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return synapses by (block, source) and the sources' degrees, and synapses by target.

        Args:
            p: the projection.
            together: its rows are short: all blocks are one, but for columns, of which each
                thread's are counted apart.
        """
        starts = self.blocks.starts[p.target.population.number]
        apart = len(self._rows(p)) if together and p.rule.order == COLUMNS else 1
        if together:
            starts = np.ascontiguousarray(starts[[0, -1]])
        count = apart if together else self.blocks.count
        counts = np.zeros((count, self.sizes[p.source.population.number]), np.int32)
        indegree = np.zeros(self.sizes[p.target.population.number], np.int32)
        degrees = self._degrees(p)
        jobs: list[Any]
        recipe = RowRecipe(p)
        if p.rule.listed is not None:
            self.loops.count_pairs(*self._pairs(p, *p.rule.listed), starts, counts, indegree)
        else:
            dear = p.rule.near is not None and self.rows is None
            if dear and 8.0 * p.expected < available_memory():
                own = np.searchsorted(p.target.ids, starts[[0, -1]]).tolist()
                self._kept[p] = KeptRows(p, self._ranges, self._map, self.key0, self.key1, own)
            ints, floats, draws = self._drawn(p, recipe)
            twins, ranges = row_twins(p), self._rows(p)
            # Columns are each in one block: their targets differ.
            shared = p.rule.order == COLUMNS
            own = [indegree if shared else np.zeros_like(indegree) for _ in ranges]
            jobs = [
                (ints, floats, draws, s0, s1, degrees, twins, *_ids(p), starts,
                 self.key0, self.key1, *row_scratch(p, degrees),
                 counts[i : i + 1] if apart > 1 else counts, mine)
                for i, ((s0, s1), mine) in enumerate(zip(ranges, own, strict=True))
            ]  # fmt: skip
            self._map(self.loops.count_rows, jobs)
            if not shared:
                indegree = sum(own, indegree)
        require_numbers(p)
        check_indegree(p, indegree)
        if p.rule.near is not None and (self.peers is None or self.peers.complete):
            by_target = p.rule.order == COLUMNS
            found = indegree[p.target.ids] if by_target else counts.sum(0)[p.source.ids]
            if self.peers is not None:
                found = self.peers.sums(found.astype(np.int64))
            require_degrees(p.rule, p.name, found)
        self._advance(0.2 * p.expected)
        return counts, degrees, indegree

    def _drawn(self, p: Projection, recipe: RowRecipe) -> tuple[np.ndarray, np.ndarray, int]:
        """Return what a projection's rows are drawn from, and the address of the loop.

        Rows by distance are dear to draw: where memory allows, they are kept from the first time.
        """
        ints, floats = recipe.packed()
        if p not in self._kept:
            return ints, floats, recipe.targets_loop()
        ints[draw.J_KEPT] = self._kept[p].address
        return ints, floats, self._kept[p].loop

    def _degrees(self, p: Projection) -> np.ndarray:
        """Return the synapses of each source, where they are dealt out; else nothing."""
        total, n = p.rule.dealt, p.source.size
        if total is None:
            return np.empty(0, np.int32)
        first, last = (0, total) if self.peers is None else self.peers.part(total)
        pieces = min(self.threads, max(1, (last - first) // 100_000))
        bounds = [first + (last - first) * i // pieces // 4 * 4 for i in range(pieces)] + [last]
        own = [np.zeros(n, np.int32) for _ in range(pieces)]
        jobs = [
            (a, b, p.number, n, self.key0, self.key1, mine)
            for a, b, mine in zip(bounds, bounds[1:], own, strict=False)
        ]
        self._map(self.loops.deal, jobs)
        dealt = np.asarray(sum(own), np.int32)
        if self.peers is None or not self.peers.complete:
            return dealt
        return self.peers.sums(dealt.astype(np.int64)).astype(np.int32)

    def _pairs(
        self, p: Projection, sources: np.ndarray, targets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return listed pairs as numbers within the populations, without forbidden ones."""
        sources, targets = p.source.ids[sources], p.target.ids[targets]
        if p.apart:
            different = sources != targets
            sources, targets = sources[different], targets[different]
        return np.ascontiguousarray(sources), np.ascontiguousarray(targets)

    # Planning.

    def _bundles(self) -> list[Bundle]:
        """Return the bundles: projections whose rows can be stored together."""
        bundles: list[Bundle] = []
        # Those that others may join, and their targets; rows of other kinds stay alone.
        open_ones: dict[tuple[int, int, int, int], list[tuple[Bundle, set[Population]]]] = {}
        for p in self.projections:
            if p.procedural:
                bundles.append(
                    Bundle(p.source.population.number, p.port, layout.PROCEDURAL, 0, [p])
                )
                continue
            if p.learns:
                bundles.append(Bundle(p.source.population.number, p.port, layout.PLASTIC, 0, [p]))
                continue
            if p.weight.kind == "FIXED":
                kind, weight = layout.CONSTANT, self._recipe(p).fixed_weight
            else:
                narrow = self.fixed_point.bits[p] == 16 and p.plasticity is None
                kind, weight = layout.NARROW if narrow else layout.WIDE, 0
            key = (p.source.population.number, p.port, kind, weight)
            if p.plasticity is not None:
                bundles.append(Bundle(*key, [p], released=True))
                continue
            for bundle, taken in open_ones.setdefault(key, []):
                if p.target.population not in taken:
                    bundle.projections.append(p)
                    taken.add(p.target.population)
                    break
            else:
                bundles.append(Bundle(*key, [p]))
                open_ones[key].append((bundles[-1], {p.target.population}))
        return bundles

    def _recipe(self, p: Projection) -> RowRecipe:
        """Return what a projection's rows are drawn from."""
        bits = 32 if p.plasticity is not None else self.fixed_point.bits[p]
        return RowRecipe(p, self._exponent(p), bits)

    def _exponent(self, p: Projection) -> int:
        """Return the exponent of a projection's fixed-point scale."""
        return self.fixed_point.exponent[p.target.population.number, p.port]

    def _require_memory(
        self,
        bundles: list[Bundle],
        counted: Mapping[Projection, Any],
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
            self._kept.clear()
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
        return Procedural(self._recipe(p), index, twin, self._degrees(p))

    def _short(self, bundles: list[Bundle]) -> dict[Bundle, WordBits]:
        """Return the bundles whose rows are short, and how their words are used."""
        if self._dense:
            return {}
        divided = self.peers is not None
        found = {bundle: short_bits(bundle, self.sizes, self.blocks, divided) for bundle in bundles}
        return {bundle: bits for bundle, bits in found.items() if bits is not None}

    # Filling.

    def _fill_short(
        self, bundle: Bundle, counted: Mapping[Projection, Any], bits: WordBits
    ) -> None:
        """Fill a bundle's short rows."""
        fillings = []
        for p in bundle.projections:
            counts, degrees, _ = counted[p]
            recipe = self._recipe(p)
            if p.rule.listed is not None:
                pairs = (*self._pairs(p, *p.rule.listed),
                         *self._pair_values(recipe, *p.rule.listed))  # fmt: skip
                fillings.append(Filling(p, counts, degrees, (), (), pairs))
                continue
            drawn = (*self._drawn(p, recipe), recipe.values_loop())
            fillings.append(Filling(p, counts, degrees, drawn, self._rows(p)))
        keys = self.key0, self.key1
        bundle.blocks.append(fill_short_rows(bundle, fillings, self.blocks, bits, keys, self._map))
        for p in bundle.projections:
            self._kept.pop(p, None)
            self._advance(0.8 * p.expected)

    def _fill(self, bundle: Bundle, counted: Mapping[Projection, Any]) -> None:
        """Fill and sort a bundle's rows in every block."""
        counts = sum(counted[p][0].astype(np.int64) for p in bundle.projections)
        n_blocks, n_sources = counts.shape
        ends = np.zeros((n_blocks, n_sources + 1), np.int64)
        np.cumsum(counts, axis=1, out=ends[:, 1:])
        if ends.max() > MAX_ROWS:
            raise SpikecudaValueError(
                f"a population may have {MAX_ROWS:,} synapses to a block (got {ends.max():,}); use "
                "more threads, which makes smaller blocks"
            )
        rows = ends.astype(np.uint32)
        constant = {nearest_step(p.delay.a, self.dt) + p.late for p in bundle.projections}
        delay_width = 2
        if len(constant) == 1 and all(p.delay.kind == "FIXED" for p in bundle.projections):
            delay_width = 0
        elif all(p.delay.most / self.dt + p.late < 255 for p in bundle.projections):
            delay_width = 1
        totals = ends[:, -1]
        targets, weights = _room(totals, bundle.width)
        delays = [np.empty(n * delay_width, np.uint8) for n in totals]
        at = rows[:, :-1].copy()
        places = (
            at, _addresses(targets), _addresses(weights), _addresses(delays), bundle.width,
            delay_width,
        )  # fmt: skip
        for p in bundle.projections:
            self._fill_projection(p, counted[p][1], places)
        delay = constant.pop() if delay_width == 0 else 0
        for b in range(n_blocks):
            bundle.blocks.append(
                self._sort(rows[b], targets[b], weights[b], delays[b], bundle.width, delay_width,
                           delay)
            )  # fmt: skip

    def _fill_projection(self, p: Projection, degrees: np.ndarray, places: Any) -> None:
        number = p.target.population.number
        starts = self.blocks.starts[number]
        cells = self.blocks.offsets[number] - starts[:-1].astype(np.int64)
        recipe = self._recipe(p)
        if p.rule.listed is not None:
            sources, targets = self._pairs(p, *p.rule.listed)
            weight, delay = self._pair_values(recipe, *p.rule.listed)
            jobs = [
                (b, sources, targets, weight, delay, starts, cells, *places)
                for b in range(self.blocks.count)
            ]
            self._map(self.loops.fill_pairs, jobs)
        else:
            ints, floats, draws = self._drawn(p, recipe)
            twins, values_of = row_twins(p), recipe.values_loop()
            jobs = [
                (ints, floats, draws, s0, s1, degrees, twins, *_ids(p),
                 starts, cells, self.key0, self.key1, *row_scratch(p, degrees), values_of,
                 *places)
                for s0, s1 in self._rows(p)
            ]  # fmt: skip
            self._map(self.loops.fill_rows, jobs)
            self._kept.pop(p, None)
            require_numbers(p)
        self._advance(0.5 * p.expected)

    def _pair_values(
        self, recipe: RowRecipe, sources: np.ndarray, targets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the integer weights and delays of listed pairs, without forbidden ones."""
        p = recipe.projection
        number = np.arange(sources.size, dtype=np.int32)
        if p.apart:
            number = number[p.source.ids[sources] != p.target.ids[targets]]
        weight = np.full(number.size, recipe.fixed_weight, np.int32)
        delay = np.full(number.size, recipe.fixed_delay, np.int32)
        if recipe.drawn:
            self.loops.draw_pairs(
                *recipe.packed(), recipe.values_loop(), number, self.key0, self.key1,
                np.empty(2 * number.size, np.int32), weight, delay,
            )  # fmt: skip
        if p.weight.given is not None:
            assert recipe.exponent is not None
            # Weights that learn are not rounded: see ``learned.start_learning``.
            units = np.rint(p.weight.given[number] * 2.0**recipe.exponent)
            weight = number if p.learns else units.astype(np.int32)
        if p.delay.given is not None:
            delay = nearest_steps(p.delay.given[number], self.dt).astype(np.int32) + p.late
        return weight, delay

    def _sort(
        self,
        rows: np.ndarray,
        targets: np.ndarray,
        weights: np.ndarray | None,
        delays: np.ndarray,
        width: int,
        delay_width: int,
        delay: int,
    ) -> Rows:
        """Sort the rows of a block and find their segments."""
        n = rows.size - 1
        jobs, results = [], []
        longest = int(np.diff(rows).max(initial=0))
        for s0, s1 in self._ranges(n, rows):
            # A row has at most as many segments as synapses, and as there are delays.
            size = int(rows[s1]) - int(rows[s0])
            most = size if delay_width else int(np.count_nonzero(np.diff(rows[s0 : s1 + 1])))
            starts, out = np.empty(most, np.uint32), np.empty(most, np.uint16)
            jobs.append(
                (s0, s1, rows, targets.ctypes.data, 0 if weights is None else weights.ctypes.data,
                 delays.ctypes.data, width, delay_width, delay, *_sorting(longest), starts, out)
            )  # fmt: skip
            results.append((starts, out))
        segments = np.zeros(n + 1, np.uint32)
        made = self._map(self.loops.sort_rows, [(*job, segments) for job in jobs])
        starts = np.concatenate([s[:m] for (s, _), m in zip(results, made, strict=True)])
        kinds = np.concatenate([d[:m] for (_, d), m in zip(results, made, strict=True)])
        first = np.zeros(n + 1, np.uint32)
        np.cumsum(segments[:-1], out=first[1:])
        self._advance(0.3 * targets.size)
        end = np.array([targets.size], np.uint32)
        return Rows(
            targets, weights, np.concatenate([starts, end]), np.append(kinds, np.uint16(0)), first
        )

    # Sharing out.

    def _ranges(self, size: int, ends: np.ndarray | None = None) -> list[tuple[int, int]]:
        """Return ranges of sources for the threads, of equal numbers of synapses if known."""
        pieces = min(self.threads, max(1, size // 64))
        if ends is None:
            bounds = [size * i // pieces for i in range(pieces + 1)]
        else:
            goals = [int(ends[-1]) * i // pieces for i in range(1, pieces)]
            bounds = [0, *np.searchsorted(ends[:-1], goals).tolist(), size]
        return list(itertools.pairwise(bounds))

    def _rows(self, p: Projection) -> list[tuple[int, int]]:
        """Return the ranges of rows for the threads; of columns, those of each block."""
        if self.rows is not None:
            return [self.rows]
        if p.rule.order != COLUMNS:
            return self._ranges(p.source.size)
        # One thread writes a block's rows.
        bounds = np.searchsorted(p.target.ids, self.blocks.starts[p.target.population.number])
        return [(int(a), int(b)) for a, b in itertools.pairwise(bounds)]

    def _advance(self, synapses: float) -> None:
        self.done += synapses
        self.report(min(self.done, self.expected), self.expected)


def _sorting(longest: int) -> tuple[np.ndarray, ...]:
    """Return scratch for sorting rows; see ``cpu_loops/network_build.sort_rows``."""
    keys, keys2 = np.empty(longest, np.uint32), np.empty(longest, np.uint32)
    values, values2 = np.zeros(longest, np.int32), np.empty(longest, np.int32)
    return keys, values, keys2, values2, np.empty((4, 256), np.int64)


def _ids(p: Projection) -> tuple[np.ndarray, np.ndarray]:
    """Return the neurons of both views, as compiled loops take them."""
    return p.source.kernel_ids, p.target.kernel_ids


def _room(totals: np.ndarray, width: int) -> tuple[list[np.ndarray], Sequence[np.ndarray | None]]:
    """Return room for the targets and the weights of each block's synapses."""
    if width == 2:
        pairs = [side_by_side(int(n)) for n in totals]
        return [targets for targets, _ in pairs], [weights for _, weights in pairs]
    weights = [np.empty(n, np.int32) if width else None for n in totals]
    return [np.empty(n, np.uint16) for n in totals], weights


def _addresses(arrays: Sequence[np.ndarray | None]) -> np.ndarray:
    return np.array([0 if a is None else a.ctypes.data for a in arrays], np.int64)
