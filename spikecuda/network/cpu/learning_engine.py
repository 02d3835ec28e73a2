"""The part of the CPU's engine that keeps synapses, and what they learn, with its tables."""

import contextlib
import functools
from collections.abc import Sequence

import numpy as np

from spikecuda.common.device_threads import DeviceThreads
from spikecuda.kernels.learn_spec import WRONG_PROFILE
from spikecuda.kernels.network import layout
from spikecuda.network.cpu.block_memory import BlockMemory
from spikecuda.network.cpu.learning import Learning
from spikecuda.network.cpu.parts import Parts
from spikecuda.network.cpu.row_tables import RowTables
from spikecuda.network.cpu.short_tables import ShortTables
from spikecuda.network.cpu.under_way import UnderWay
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.window import window_steps
from spikecuda.network.synapses.field import has_failed
from spikecuda.network.synapses.store import Bundle, Wiring
from spikecuda.network.synapses.unusable import UnusableResults


class LearningEngine:
    """A network's synapses on this machine's processor, and the tables that loops find them by.

    Args:
        neurons: of each population, in the order of their numbers.
        sources: number of populations, those without neurons of their own included.
        wiring: the synapses.
        threads: how many work at once.
    """

    def __init__(
        self, neurons: Sequence[Neurons], sources: int, wiring: Wiring, threads: int
    ) -> None:
        self.neurons, self.wiring, self.threads = list(neurons), wiring, threads
        self.sources = sources
        self.clock = 0
        self._device_threads = DeviceThreads(threads)
        self.window = window_steps(wiring)
        self._memory = BlockMemory(self.neurons, sources, wiring, self.window)
        self._parts = Parts(self.neurons, sources, wiring, self.window)
        self._learning = Learning(self.neurons, sources, wiring, self.window)
        self._unusable = UnusableResults()
        self._rows = RowTables(wiring, sources, self._learning)
        self._under_way = UnderWay(self._memory.calendars)
        self._short = ShortTables.of(wiring, sources, threads, self.window)
        self._tabulate()

    def learned(
        self, bundle: Bundle, rows: tuple[int, int] | None = None
    ) -> list[dict[str, np.ndarray]]:
        """Return weights ("w", magnitudes) and variables as of now, by block, in new arrays.

        Args:
            bundle: of the engine's wiring; its synapses learn.
            rows: the first source whose synapses are returned, and the end; None: all.
        """
        return [
            self._learning.learned(bundle, b, self._rows.bundles[b], self.clock, rows)
            for b in range(self.wiring.blocks.count)
        ]

    def settle(self, bundle: Bundle) -> None:
        """Write what was learned up to now into a bundle's rows, which can be changed then.

        Spikes under way arrive with what was sent.
        """
        with contextlib.ExitStack() as stack:
            for b in range(self.wiring.blocks.count):
                block = self._learning.block(b)
                stack.enter_context(block.ahead(bundle, self.clock + self.wiring.longest))
            moved = self._under_way.keep(
                bundle, self._rows.number(bundle), self._rows.stored, self._rows.bundles, self.clock
            )
        if bundle.kind == layout.PLASTIC:
            self._device_threads.together([
                functools.partial(self._learning.settle, bundle, b, self._rows.bundles[b],
                                  self.clock)
                for b in range(self.wiring.blocks.count)
            ])  # fmt: skip
        if moved:
            self._tabulate_rows()

    def rewrite(self, bundle: Bundle) -> None:
        """Take notice of other weights in a bundle's rows, which the loops read where they are."""

    def rerule(self, bundle: Bundle) -> None:
        """Take notice of other parameters of the rule of a bundle that is settled."""
        self._learning.rerule(bundle)
        self._tabulate_rows()

    def wrong(self) -> dict[Bundle, int]:
        """Return what could not be used since the last time, as bits; see ``Partition``."""
        found = self._learning.wrong()
        for bundle in self.wiring.bundles:
            if bundle.rule is not None and has_failed(bundle.projections[0]):
                found[bundle] = WRONG_PROFILE
        return found

    def require_usable(self) -> None:
        """Raise if a result of a rule could not be used; see ``Engine``."""
        self._unusable.require(self.wrong())

    def level(self, bundle: Bundle, value: float | None = None) -> float:
        """Return the level of a bundle's modulator as of now; see ``Engine``."""
        blocks = range(self.wiring.blocks.count)
        return [self._learning.level(bundle, b, self.clock, value) for b in blocks][-1]

    def freeze(self, bundle: Bundle, frozen: bool) -> None:
        """Let a bundle's weights stay as they are, or learn again from now on."""
        self._learning.freeze(bundle, frozen)

    def extend(self, size: int) -> None:
        """Take notice of another source of ``size`` trains, and of its rows in the wiring."""
        self.sources += 1
        self._parts.counts = np.append(self._parts.counts, 0)
        self._learning.extend()
        # Its bundles come before the past ones.
        more = len(self.wiring.bundles) - self._rows.stored
        self._under_way.shift(self._rows.stored, more, self.clock)
        self.rewire()

    def retune(self, population: int | None = None) -> None:
        """Take notice of changed parameters, or other seeds, of a population or of all."""
        self._memory.retune(self.neurons)
        self._learning.retune()
        self._learning.refill()

    def rewire(self) -> None:
        """Take notice of changed weights."""
        self._learning.refill()
        self._tabulate_rows()

    def held_here(self) -> dict[str, int]:
        """Return the bytes held, by what holds them."""
        return {
            "state": sum(n.nbytes for n in self.neurons),
            "synapses": self.wiring.nbytes + self._under_way.nbytes,
            "accumulators": self._memory.accumulator_bytes,
            "calendars": self._memory.calendar_bytes + (self._short.nbytes if self._short else 0),
            "spike lists": self._parts.nbytes,
            "spike histories": self._learning.nbytes,
        }

    def _make_room(self, need: int, external: int, step: int) -> None:
        """Give calendars and histories that run short more space, or shorten histories.

        Args:
            need: chunks of a calendar.
            external: spikes from outside that are to come.
            step: the end of what is to come.
        """
        short = self._learning.lacks(external, step)
        if short:
            self._device_threads.together([functools.partial(self._grow, b, external, step)
                                           for b in short])  # fmt: skip
        if self._memory.make_room(need) or short:
            self._tabulate()

    def _grow(self, b: int, external: int, step: int) -> None:
        """Give a block's histories more space, or shorten them."""
        self._learning.make_room(b, self._rows.bundles[b], self.clock, external, step)

    def _keep_learned(self) -> None:
        """Write weights as of now into the rows; variables that events change start anew."""
        for bundle in self.wiring.bundles:
            if bundle.kind != layout.PLASTIC:
                continue
            rule = bundle.projections[0].plasticity
            assert rule is not None
            for b, rows in enumerate(bundle.blocks):
                self._learning.settle(bundle, b, self._rows.bundles[b], self.clock)
                for name in rule.changing:
                    rows.variables[name][:] = rule.start(name)

    def _tabulate_rows(self) -> None:
        """Make the tables of bundles anew, and that of the blocks."""
        self._rows = RowTables(self.wiring, self.sources, self._learning, self._under_way.bundles)
        if self._short is not None:
            self._short.tabulate(self.wiring, self.sources)
        self._tabulate()

    def _tabulate(self) -> None:
        """Make the table of the blocks anew."""
        self._memory.tabulate(self._rows, self._learning, [b for b, _, _, _ in self._parts.places])
