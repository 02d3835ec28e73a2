"""Build the synapses of a network: count, allocate, fill, sort; in parallel and in place."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from spikecuda.common.host_memory import available_memory, shortage
from spikecuda.common.seed import keys
from spikecuda.common.time_grid import nearest_step, nearest_steps
from spikecuda.errors import OutOfMemoryError, SpikecudaValueError
from spikecuda.kernels.network import draw, layout
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.rules import (
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    FixedTotal,
    OneToOne,
    Pairs,
)
from spikecuda.network.synapses.blocks import Blocks
from spikecuda.network.synapses.fixed_point import check_indegree, exponents
from spikecuda.network.synapses.store import (
    Bundle,
    Procedural,
    Rows,
    Wiring,
    targets_loop,
    values_loop,
)

MAX_ROWS = 2**32 - 1


class Builder:
    """Build the wiring of a network.

    Args:
        projections: in the order of their numbers.
        sizes: neurons of each population.
        blocks: the split.
        dt, seed: of the network.
        threads: how many work at once.
        report: is told (synapses done, synapses expected).
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
    ) -> None:
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        self.projections, self.sizes, self.blocks = list(projections), list(sizes), blocks
        self.dt, self.threads, self.report = dt, threads, report
        self.key0, self.key1 = keys(seed)
        self.loops = load_cpu_loop("network_build")
        self.expected = max(1.0, sum(p.expected for p in projections))
        self.done = 0.0

    def build(self, scale: dict[tuple[int, int], int] | None = None) -> Wiring:
        """Return the wiring.

        Args:
            scale: exponent of each (population, port), if it is known; see ``scales``.

        Raises:
            OutOfMemoryError: it does not fit; raised before the rows are allocated.
            SpikecudaValueError: see ``scales.exponents``.
        """
        with ThreadPoolExecutor(self.threads, thread_name_prefix="spikecuda-build") as executor:
            self._map = lambda f, jobs: [t.result() for t in [executor.submit(f, *j) for j in jobs]]
            scale = exponents(self.projections) if scale is None else scale
            counted = {p: self._count(p) for p in self.projections if not p.procedural}
            bundles = self._bundles(scale)
            synapses = sum(int(counts.sum()) for counts, _, _ in counted.values())
            self._require_memory(bundles, counted)
            for bundle in bundles:
                if bundle.kind == layout.PROCEDURAL:
                    bundle.rule = self._procedural(bundle.projections[0], scale)
                else:
                    self._fill(bundle, scale, counted)
        rows = [(b, r.delays[:-1] & layout.DELAY) for b in bundles for r in b.blocks]
        every = [delays for _, delays in rows if delays.size]
        # Spikes from outside are known before a window begins.
        inner = [
            d
            for b, d in rows
            if d.size and b.projections[0].source.population.neuron_spec is not None
        ]
        shortest = min((int(d.min()) for d in inner), default=0)
        longest = max((int(d.max()) for d in every), default=0)
        drawn = [p for p in self.projections if p.procedural]
        for p in drawn:
            low, high = p.delay_steps()
            shortest = min(shortest or low, low)
            longest = max(longest, high)
            synapses += round(p.expected)
        return Wiring(self.blocks, bundles, scale, shortest, longest, synapses)

    # Counting.

    def _count(self, p: Projection) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return synapses by (block, source) and the sources' degrees, and synapses by target."""
        counts = np.zeros((self.blocks.count, self.sizes[p.source.population.number]), np.int32)
        indegree = np.zeros(self.sizes[p.target.population.number], np.int32)
        starts = self.blocks.starts[p.target.population.number]
        degrees = self._degrees(p)
        jobs: list[Any]
        ints, floats = self._describe(p, None)
        if isinstance(p.rule, Pairs):
            self.loops.count_pairs(*self._pairs(p), starts, counts, indegree)
        else:
            draws, twins = targets_loop(ints), self._twins(p)
            ranges = self._rows(p)
            # Columns are each in one block: their targets differ.
            shared = isinstance(p.rule, FixedInDegree)
            own = [indegree if shared else np.zeros_like(indegree) for _ in ranges]
            jobs = [
                (ints, floats, draws, s0, s1, degrees, twins, *_ids(p), starts,
                 self.key0, self.key1, *self._scratch(p, degrees), counts, mine)
                for (s0, s1), mine in zip(ranges, own, strict=True)
            ]  # fmt: skip
            self._map(self.loops.count_rows, jobs)
            if not shared:
                indegree = sum(own, indegree)
        check_indegree(p, indegree)
        self._advance(0.2 * p.expected)
        return counts, degrees, indegree

    def _degrees(self, p: Projection) -> np.ndarray:
        """Return the synapses of each source of a FixedTotal, dealt out; else nothing."""
        if not isinstance(p.rule, FixedTotal):
            return np.empty(0, np.int32)
        total, n = p.rule.total, p.source.size
        pieces = min(self.threads, max(1, total // 100_000))
        bounds = [total * i // pieces // 4 * 4 for i in range(pieces)] + [total]
        own = [np.zeros(n, np.int32) for _ in range(pieces)]
        jobs = [
            (a, b, p.number, n, self.key0, self.key1, mine)
            for a, b, mine in zip(bounds, bounds[1:], own, strict=False)
        ]
        self._map(self.loops.deal, jobs)
        return np.asarray(sum(own), np.int32)

    def _pairs(self, p: Projection) -> tuple[np.ndarray, np.ndarray]:
        """Return the sources and targets of given pairs, as numbers within the populations."""
        assert isinstance(p.rule, Pairs)
        sources, targets = p.source.ids[p.rule.sources], p.target.ids[p.rule.targets]
        if p.same and not p.autapses:
            different = sources != targets
            sources, targets = sources[different], targets[different]
        return np.ascontiguousarray(sources), np.ascontiguousarray(targets)

    def _twins(self, p: Projection) -> np.ndarray:
        """Return each row's own neuron, as a number within the other view or -1; or nothing."""
        if not p.same or p.autapses:
            return np.empty(0, np.int32)
        own, other = p.source.ids, p.target.ids
        if isinstance(p.rule, FixedInDegree):
            own, other = other, own
        # Views are ascending.
        at = np.minimum(np.searchsorted(other, own), other.size - 1)
        return np.where(other[at] == own, at, -1).astype(np.int32)

    @staticmethod
    def _scratch(p: Projection, degrees: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what a thread needs to draw rows; see ``cpu_loops/network_build.SCRATCH``."""
        columns = isinstance(p.rule, FixedInDegree)
        choices = p.source.size if columns else p.target.size
        longest = 1 if isinstance(p.rule, OneToOne) else choices
        if isinstance(p.rule, FixedInDegree | FixedOutDegree):
            longest = p.rule.degree
        if degrees.size:
            longest = int(degrees.max())
        seen = np.zeros(1 if p.multapses else choices, np.int32)
        return seen, np.empty(6 * (longest + 4), np.int32)

    @staticmethod
    def _drawn(p: Projection) -> bool:
        """Tell whether weights or delays are drawn."""
        return not {p.weight.kind, p.delay.kind} <= {"FIXED", "GIVEN"}

    # Planning.

    def _bundles(self, scale: dict[tuple[int, int], int]) -> list[Bundle]:
        """Return the bundles: projections whose rows can be stored together."""
        bundles: list[Bundle] = []
        for p in self.projections:
            if p.procedural:
                bundles.append(
                    Bundle(p.source.population.number, p.port, layout.PROCEDURAL, 0, [p])
                )
                continue
            if p.weight.kind == "FIXED":
                kind, weight = layout.CONSTANT, self._integer(p, p.weight.a, scale)
            else:
                kind, weight = layout.NARROW if p.weight_bits == 16 else layout.WIDE, 0
            key = (p.source.population.number, p.port, kind, weight)
            for bundle in bundles:
                taken = [q.target.population for q in bundle.projections]
                if key == (  # procedural rows stay alone: their kind differs
                    bundle.source,
                    bundle.port,
                    bundle.kind,
                    bundle.weight,
                ) and (p.target.population not in taken):
                    bundle.projections.append(p)
                    break
            else:
                bundles.append(Bundle(*key, [p]))
        return bundles

    def _integer(self, p: Projection, weight: float, scale: dict[tuple[int, int], int]) -> int:
        return round(math.ldexp(weight, scale[p.target.population.number, p.port]))

    def _describe(
        self, p: Projection, scale: dict[tuple[int, int], int] | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a projection's description for the kernels; without a scale, to count only."""
        ints, floats = np.zeros(draw.PROJECTION, np.int64), np.zeros(16)
        ints[draw.J_RULE] = getattr(draw, p.rule.code)
        ints[draw.J_SOURCES], ints[draw.J_TARGETS] = p.source.size, p.target.size
        if isinstance(p.rule, FixedInDegree | FixedOutDegree):
            ints[draw.J_DEGREE] = p.rule.degree
        if isinstance(p.rule, FixedProbability):
            floats[draw.Q_LOG] = p.rule.inverse_log
        ints[draw.J_NUMBER] = p.number
        ints[draw.J_MULTAPSES], ints[draw.J_AUTAPSES] = p.multapses, p.autapses
        ints[draw.J_MAX_DELAY] = 0x7FFF
        ints[draw.J_MAX_WEIGHT] = 2 ** (p.weight_bits - 1) - 1
        if scale is not None:
            ints[draw.J_WEIGHT] = getattr(draw, p.weight.kind)
            ints[draw.J_DELAY] = getattr(draw, p.delay.kind)
            exponent = scale[p.target.population.number, p.port]
            if p.weight.kind == "FIXED":
                ints[draw.J_FIXED_WEIGHT] = self._integer(p, p.weight.a, scale)
            if p.delay.kind == "FIXED":
                ints[draw.J_FIXED_DELAY] = nearest_step(p.delay.a, self.dt)
            w, d = p.weight, p.delay
            floats[draw.Q_W_A : draw.Q_W_HIGH + 1] = w.a, w.b, w.low, w.high
            floats[draw.Q_D_A : draw.Q_D_HIGH + 1] = d.a, d.b, d.low, d.high
            floats[draw.Q_SCALE], floats[draw.Q_STEPS] = 2.0**exponent, 1.0 / self.dt
        return ints, floats

    def _require_memory(self, bundles: list[Bundle], counted: Mapping[Projection, Any]) -> None:
        """Raise OutOfMemoryError unless the rows fit."""
        size = scratch = 0
        for bundle in bundles:
            if bundle.kind == layout.PROCEDURAL:
                continue
            n = sum(int(counted[p][0].sum()) for p in bundle.projections)
            size += n * (2 + bundle.width) + 8 * self.sizes[bundle.source] * self.blocks.count
            scratch = max(scratch, 2 * n)
        if size + scratch > available_memory():
            raise OutOfMemoryError(
                f"the synapses need {size / 1e9:,.2f} GB and {scratch / 1e9:,.2f} GB to build them "
                f"({shortage()}); use fewer, one weight for "
                "all of a projection, or procedural=True"
            )

    def _procedural(self, p: Projection, scale: dict[tuple[int, int], int]) -> Procedural:
        """Return what is needed to draw a projection's rows again."""
        ints, floats = self._describe(p, scale)
        index = np.full(self.sizes[p.source.population.number], -1, np.int32)
        index[p.source.ids] = np.arange(p.source.size)
        twin = None
        if p.same and not p.autapses:
            twin = np.full(index.size, -1, np.int32)
            twin[p.target.ids] = np.arange(p.target.size)
        return Procedural(ints, floats, index, twin, self._degrees(p))

    # Filling.

    def _fill(
        self, bundle: Bundle, scale: dict[tuple[int, int], int], counted: Mapping[Projection, Any]
    ) -> None:
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
        constant = {nearest_step(p.delay.a, self.dt) for p in bundle.projections}
        delay_width = 2
        if len(constant) == 1 and all(p.delay.kind == "FIXED" for p in bundle.projections):
            delay_width = 0
        elif all(p.delay.most / self.dt < 255 for p in bundle.projections):
            delay_width = 1
        totals = ends[:, -1]
        targets = [np.empty(n, np.uint16) for n in totals]
        kind = {0: None, 2: np.int16, 4: np.int32}[bundle.width]
        weights = [None if kind is None else np.empty(n, kind) for n in totals]
        delays = [np.empty(n * delay_width, np.uint8) for n in totals]
        at = rows[:, :-1].copy()
        places = (
            at, _addresses(targets), _addresses(weights), _addresses(delays), bundle.width,
            delay_width,
        )  # fmt: skip
        for p in bundle.projections:
            self._fill_projection(p, scale, counted[p][1], places)
        delay = constant.pop() if delay_width == 0 else 0
        for b in range(n_blocks):
            bundle.blocks.append(
                self._sort(rows[b], targets[b], weights[b], delays[b], bundle.width, delay_width,
                           delay)
            )  # fmt: skip

    def _fill_projection(
        self, p: Projection, scale: dict[tuple[int, int], int], degrees: np.ndarray, places: Any
    ) -> None:
        number = p.target.population.number
        starts = self.blocks.starts[number]
        cells = self.blocks.offsets[number] - starts[:-1].astype(np.int64)
        ints, floats = self._describe(p, scale)
        if isinstance(p.rule, Pairs):
            sources, targets = self._pairs(p)
            weight, delay = self._pair_values(p, scale, ints, floats, sources.size)
            jobs = [
                (b, sources, targets, weight, delay, starts, cells, *places)
                for b in range(self.blocks.count)
            ]
            self._map(self.loops.fill_pairs, jobs)
        else:
            draws, twins = targets_loop(ints), self._twins(p)
            values_of = values_loop() if self._drawn(p) else 0
            jobs = [
                (ints, floats, draws, s0, s1, degrees, twins, *_ids(p),
                 starts, cells, self.key0, self.key1, *self._scratch(p, degrees), values_of,
                 *places)
                for s0, s1 in self._rows(p)
            ]  # fmt: skip
            self._map(self.loops.fill_rows, jobs)
        self._advance(0.5 * p.expected)

    def _pair_values(
        self,
        p: Projection,
        scale: dict[tuple[int, int], int],
        ints: np.ndarray,
        floats: np.ndarray,
        size: int,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the integer weights and delays of given pairs."""
        weight, delay = np.empty(size, np.int32), np.empty(size, np.int32)
        assert isinstance(p.rule, Pairs)
        number = np.arange(p.rule.sources.size, dtype=np.int32)
        if p.same and not p.autapses:
            number = number[p.source.ids[p.rule.sources] != p.target.ids[p.rule.targets]]
        if self._drawn(p):
            self.loops.draw_pairs(
                ints, floats, values_loop(), number, self.key0, self.key1,
                np.empty(2 * number.size, np.int32), weight, delay,
            )  # fmt: skip
        if p.weight.kind == "FIXED":
            weight[:] = ints[draw.J_FIXED_WEIGHT]
        if p.delay.kind == "FIXED":
            delay[:] = ints[draw.J_FIXED_DELAY]
        if p.weight.given is not None:
            exponent = scale[p.target.population.number, p.port]
            weight = np.rint(p.weight.given[number] * 2.0**exponent).astype(np.int32)
        if p.delay.given is not None:
            delay = nearest_steps(p.delay.given[number], self.dt).astype(np.int32)
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
        if not isinstance(p.rule, FixedInDegree):
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


def _addresses(arrays: Sequence[np.ndarray | None]) -> np.ndarray:
    return np.array([0 if a is None else a.ctypes.data for a in arrays], np.int64)
