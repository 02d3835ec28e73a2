"""What the rows of a build are drawn from, and the threads that draw them."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

from spikecuda.common.seed import keys
from spikecuda.common.time_grid import nearest_steps
from spikecuda.kernels.network import draw
from spikecuda.kernels.network.rules import COLUMNS
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.blocks import Blocks
from spikecuda.network.synapses.bundles import recipe_of
from spikecuda.network.synapses.fixed_point import FixedPoint
from spikecuda.network.synapses.kept_rows import KeptRows
from spikecuda.network.synapses.own_rows import OwnRows, drawn_whole, own_loop
from spikecuda.network.synapses.peers import Peers
from spikecuda.network.synapses.row_recipe import RowRecipe


class Drawing:
    """Draws of a build: counted and filled with the same numbers.

    Args:
        sizes: neurons of each population.
        blocks: the split.
        dt, seed: of the network.
        threads: how many work at once.
        expected: synapses of all projections.
        report: is told (synapses done, synapses expected).
        rows: the first row of each projection that is made, and the end; None: all.
        peers: the processes that have the other blocks, where these are not all.

    Attributes:
        fixed_point: the scales of the weights; before rows are filled, they are to be set.
        kept, own: rows, and own parts of rows, that were kept when they were counted.
    """

    fixed_point: FixedPoint

    def __init__(
        self,
        sizes: Sequence[int],
        blocks: Blocks,
        dt: float,
        seed: int,
        threads: int,
        expected: float,
        report: Callable[[float, float], None],
        rows: tuple[int, int] | None = None,
        peers: Peers | None = None,
    ) -> None:
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        self.sizes, self.blocks, self.dt, self.peers = list(sizes), blocks, dt, peers
        self.threads, self.only = threads, rows
        self._expected, self._report, self._done = max(1.0, expected), report, 0.0
        self.key0, self.key1 = keys(seed)
        self.loops = load_cpu_loop("network_build")
        self.kept: dict[Projection, KeptRows] = {}
        self.own: dict[Projection, OwnRows] = {}
        self._executor: ThreadPoolExecutor | None = None

    @contextmanager
    def working(self) -> Iterator[None]:
        """Have threads for ``run`` in the block."""
        with ThreadPoolExecutor(self.threads, thread_name_prefix="spikecuda-build") as executor:
            self._executor = executor
            try:
                yield
            finally:
                self._executor = None

    def advance(self, synapses: float) -> None:
        """Report that so many synapses more are done."""
        self._done += synapses
        self._report(min(self._done, self._expected), self._expected)

    def run(self, function: Callable[..., Any], jobs: Sequence[Any]) -> list[Any]:
        """Call a function with each of several tuples of arguments, in parallel."""
        assert self._executor is not None
        return [t.result() for t in [self._executor.submit(function, *job) for job in jobs]]

    def recipe(self, p: Projection) -> RowRecipe:
        """Return what a projection's rows are drawn from."""
        return recipe_of(p, self.fixed_point)

    def exponent(self, p: Projection) -> int:
        """Return the exponent of a projection's fixed-point scale."""
        return self.fixed_point.exponent[p.target.population.number, p.port]

    def drawn(self, p: Projection, recipe: RowRecipe) -> tuple[np.ndarray, np.ndarray, int]:
        """Return what a projection's rows are drawn from, and the address of the loop.

        Rows by distance are dear to draw: where memory allows, they are kept from the first time.
        So are own parts of rows that must be drawn as a whole.
        """
        ints, floats = recipe.packed()
        if p in self.own:
            self.own[p].put(ints)
        elif self.in_part(p) and p.multapses:
            ints[draw.J_OWN] = own_loop("draw_own")
        if p not in self.kept:
            return ints, floats, recipe.targets_loop()
        ints[draw.J_KEPT] = self.kept[p].address
        return ints, floats, self.kept[p].loop

    def own_targets(self, p: Projection) -> tuple[int, int]:
        """Return which targets of a projection's view are in the blocks: the first, and the end."""
        starts = self.blocks.starts[p.target.population.number]
        first, last = np.searchsorted(p.target.ids, starts[[0, -1]]).tolist()
        return first, last

    def in_part(self, p: Projection) -> bool:
        """Tell whether rows are drawn as a whole, and only a part of them is here."""
        return drawn_whole(p) and self.own_targets(p) != (0, p.target.size)

    def forget(self, p: Projection) -> None:
        """Give the memory of kept rows back."""
        self.kept.pop(p, None)
        self.own.pop(p, None)

    def degrees(self, p: Projection) -> np.ndarray:
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
        self.run(self.loops.deal, jobs)
        dealt = np.asarray(sum(own), np.int32)
        if self.peers is None or not self.peers.complete:
            return dealt
        return self.peers.sums(dealt.astype(np.int64)).astype(np.int32)

    def pairs(
        self, p: Projection, sources: np.ndarray, targets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return listed pairs as numbers within the populations, without forbidden ones."""
        sources, targets = p.source.ids[sources], p.target.ids[targets]
        if p.apart:
            different = sources != targets
            sources, targets = sources[different], targets[different]
        return np.ascontiguousarray(sources), np.ascontiguousarray(targets)

    def pair_values(
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

    def ranges(self, size: int, ends: np.ndarray | None = None) -> list[tuple[int, int]]:
        """Return ranges of sources for the threads, of equal numbers of synapses if known."""
        pieces = min(self.threads, max(1, size // 64))
        if ends is None:
            bounds = [size * i // pieces for i in range(pieces + 1)]
        else:
            goals = [int(ends[-1]) * i // pieces for i in range(1, pieces)]
            bounds = [0, *np.searchsorted(ends[:-1], goals).tolist(), size]
        return list(itertools.pairwise(bounds))

    def rows(self, p: Projection) -> list[tuple[int, int]]:
        """Return the ranges of rows for the threads; of columns, those of each block."""
        if self.only is not None:
            return [self.only]
        if p.rule.order != COLUMNS:
            return self.ranges(p.source.size)
        # One thread writes a block's rows.
        bounds = np.searchsorted(p.target.ids, self.blocks.starts[p.target.population.number])
        return [(int(a), int(b)) for a, b in itertools.pairwise(bounds)]


def kernel_ids(p: Projection) -> tuple[np.ndarray, np.ndarray]:
    """Return the neurons of both views, as compiled loops take them."""
    return p.source.kernel_ids, p.target.kernel_ids
