"""The synapses of a network on the CPU that learn: histories, tables, sweeps, weights as of now."""

from collections.abc import Sequence

import numpy as np

from spikecuda.common.aligned_memory import aligned_zeros
from spikecuda.kernels.network import layout
from spikecuda.network.cpu.history import History, Seen
from spikecuda.network.cpu.learning_block import LearningBlock
from spikecuda.network.cpu.modulation import Modulation
from spikecuda.network.cpu.roles import MODULATOR, SOURCE, TARGET, population_of, roles
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.seen import seen_later, start_of
from spikecuda.network.run.window import most_spikes
from spikecuda.network.synapses.learned import (
    RuleLoops,
    batch_bytes,
    constants_of,
    settle_in_place,
    settle_rows,
    synapse_keys,
)
from spikecuda.network.synapses.modulated import modulated
from spikecuda.network.synapses.store import Bundle, Wiring

# A log that is full is made longer up to so many bytes for each synapse; then rows are swept.
LOG_BYTES = 0.2
# Entries that a log may have in any case.
LEAST = 1 << 14


class Learning:
    """All of it.

    Args:
        neurons: of each population, in the order of their numbers.
        sources: number of populations, those without neurons of their own included.
        wiring: the synapses.
        window: the most steps of a window.
    """

    def __init__(
        self, neurons: Sequence[Neurons], sources: int, wiring: Wiring, window: int
    ) -> None:
        self._neurons, self._sources, self._wiring = list(neurons), sources, wiring
        self._window = window
        self.bundles = [b for b in wiring.bundles if b.ruled]
        self._dt = self._neurons[0].population.neurons.dt if self._neurons else 0.0
        self._kept: list[np.ndarray] = []
        # Bundles whose rule has changed: their histories are their own, whatever others are like.
        self._own: dict[Bundle, int] = {}
        self._blocks = [self._block(b) for b in range(wiring.blocks.count)]

    @property
    def nbytes(self) -> int:
        """Bytes of the histories."""
        total = 0
        for block in self._blocks:
            total += sum(h.nbytes for h in block.histories)
            total += sum(m.nbytes for m in set(block.modulations.values()))
        return total

    def block(self, b: int) -> LearningBlock:
        """Return what a block's synapses learn from; see ``saved_learning``."""
        return self._blocks[b]

    def row(self, bundle: Bundle, b: int) -> np.ndarray:
        """Return what a block's loops find a bundle's learning by."""
        return self._blocks[b].learning[bundle]

    def tabulate(self, table: np.ndarray) -> None:
        """Write where histories are into the table of the blocks."""
        for row, block in zip(table, self._blocks, strict=True):
            sources = int(block.sources_of[-1])
            row[layout.BLOCK_SOURCE_HISTORIES] = block.table.ctypes.data
            row[layout.BLOCK_TARGET_HISTORIES] = block.table.ctypes.data + (
                8 * layout.HISTORY * sources
            )
            row[layout.BLOCK_SOURCE_HISTORIES_OF] = block.sources_of.ctypes.data
            row[layout.BLOCK_TARGET_HISTORIES_OF] = block.targets_of.ctypes.data
            row[layout.BLOCK_HISTORY_COUNT] = block.table.shape[0]
            row[layout.BLOCK_PENDING] = block.pending.ctypes.data

    def lacks(self, more: int, step: int) -> list[int]:
        """Return the blocks whose histories may be too short.

        Args:
            more: spikes from outside that are to come, beside those of two windows.
            step: up to which modulators act.
        """
        return [
            b for b, block in enumerate(self._blocks)
            if any(h.lacks(more) for h in block.histories)
            or any(m.lacks(step) for m in block.modulations.values())
        ]  # fmt: skip

    def make_room(self, b: int, table: np.ndarray, clock: int, more: int, step: int) -> None:
        """Make a block's histories longer, or sweep its rows and shorten them.

        Args:
            b: number of the block.
            table: of its bundles.
            clock: steps done.
            more, step: as for ``lacks``.
        """
        block = self._blocks[b]
        full = any(
            h.lacks(more) and 2 * h.capacity > limit
            for h, limit in zip(block.histories, block.limit, strict=True)
        )
        if full or any(m.lacks(step) and m.long(step) for m in block.modulations.values()):
            self.sweep(b, table, clock)
        for h in block.histories:
            while h.lacks(more):
                h.grow(2 * h.capacity)
        for m in block.modulations.values():
            m.reach(step)
        self._list(block)

    def sweep(self, b: int, table: np.ndarray, clock: int) -> None:
        """Let all that has arrived act on a block's weights, and drop what is not needed then."""
        block, goal = self._blocks[b], clock - 1
        last = goal - 2 * self._wiring.longest - 2
        for bundle in block.modulations:
            block.reach(bundle, clock)
        for bundle, row in block.learning.items():
            done = int(row[layout.LEARNING_SWEPT])
            at = table[self._ordered.index(bundle)].ctypes.data
            if bundle in block.modulations:
                boundary = block.modulations[bundle].boundary(last)
                row[layout.LEARNING_BOUNDARY] = boundary
                # Also where nothing learns at present: what is before will be dropped.
                RuleLoops(bundle).loops.fill(block.modulations[bundle].at, boundary)
            if bundle.kind == layout.PLASTIC and not row[layout.LEARNING_FROZEN]:
                rows = bundle.blocks[b].rows.size - 1
                RuleLoops(bundle).loops.sweep(at, 0, rows, done, goal)
            row[layout.LEARNING_SWEPT] = goal
            row[layout.LEARNING_FLOWN] = row[layout.LEARNING_BOUNDARY]
        for m in set(block.modulations.values()):
            m.drop(m.boundary(last))
        for h in block.histories:
            h.prune(last)

    def learned(
        self,
        bundle: Bundle,
        b: int,
        table: np.ndarray,
        clock: int,
        rows: tuple[int, int] | None,
        raw: bool = False,
    ) -> dict[str, np.ndarray]:
        """Return a block's weights ("w") and variables of a bundle as of now, in new arrays."""
        self._blocks[b].reach(bundle, clock)
        at = table[self._ordered.index(bundle)].ctypes.data
        return settle_rows(bundle, b, at, clock, rows, raw)

    def settle(self, bundle: Bundle, b: int, table: np.ndarray, clock: int) -> None:
        """Write a block's weights and variables of a bundle as of now into its rows."""
        self._blocks[b].reach(bundle, clock)
        at = table[self._ordered.index(bundle)].ctypes.data
        settle_in_place(bundle, b, at, clock)
        row = self._blocks[b].learning[bundle]
        row[layout.LEARNING_MARK] = row[layout.LEARNING_SINCE] = clock - 1

    def extend(self) -> None:
        """Take notice of another source, whose synapses do not learn."""
        self._sources += 1
        for block in self._blocks:
            block.sources_of = np.append(block.sources_of, block.sources_of[-1])
            block.targets_of = np.append(block.targets_of, block.targets_of[-1])

    def retune(self) -> None:
        """Take notice of changed parameters: neurons may spike more often."""
        for block in self._blocks:
            for h, population in zip(block.histories, block.populations, strict=True):
                h.expect(self._need(population, h.count))

    def lengthen(self) -> None:
        """Take notice of histories that were made longer elsewhere."""
        for block in self._blocks:
            self._list(block)

    def refill(self) -> None:
        """Take notice of rows that have other arrays."""
        self._kept.clear()
        for b, block in enumerate(self._blocks):
            for bundle, row in block.learning.items():
                self._fill(bundle, b, row)

    def wrong(self) -> dict[Bundle, int]:
        """Return what could not be used of rules' results since the last time, as bits."""
        found: dict[Bundle, int] = {}
        for bundle in self.bundles:
            bits = 0
            for block in self._blocks:
                row = block.learning[bundle]
                bits |= int(row[layout.LEARNING_OVER])
                row[layout.LEARNING_OVER] = 0
                history = block.kept[bundle, SOURCE]
                assert isinstance(history, History)
                bits |= history.wrong()
            if bits:
                found[bundle] = bits
        return found

    def rerule(self, bundle: Bundle) -> None:
        """Take notice of other parameters of a bundle's rule; its synapses are settled."""
        self._own[bundle] = max(self._own.values(), default=-1) + 1
        kept, self._kept = self._kept, []
        try:
            made = [self._block(b) for b in range(self._wiring.blocks.count)]
        except BaseException:
            self._kept = kept  # what the tables point to
            raise
        for block, old in zip(made, self._blocks, strict=True):
            for key, part in block.kept.items():
                part.take(old.kept[key])  # type: ignore[arg-type]
            for own, row in block.learning.items():
                for column in (
                    layout.LEARNING_SWEPT, layout.LEARNING_MARK, layout.LEARNING_FROZEN,
                    layout.LEARNING_OVER, layout.LEARNING_FLOWN, layout.LEARNING_BOUNDARY,
                    layout.LEARNING_SINCE,
                ):  # fmt: skip
                    row[column] = old.learning[own][column]
            self._list(block)
        self._blocks = made

    @property
    def own(self) -> list[Bundle]:
        """The bundles whose histories are their own, as their rules have changed."""
        return list(self._own)

    def part(self, bundles: Sequence[Bundle]) -> None:
        """Give bundles histories of their own, before there is anything in them."""
        if bundles:
            self._own = {bundle: number for number, bundle in enumerate(bundles)}
            self._kept.clear()
            self._blocks = [self._block(b) for b in range(self._wiring.blocks.count)]

    def level(self, bundle: Bundle, b: int, clock: int, value: float | None) -> float:
        """Return the level of a bundle's modulator in a block now, set if ``value`` is one."""
        self._blocks[b].reach(bundle, clock)
        modulation = self._blocks[b].modulations[bundle]
        RuleLoops(bundle).loops.fill(modulation.at, clock - 1)
        if value is not None:
            modulation.level = value
        return modulation.level

    def freeze(self, bundle: Bundle, frozen: bool) -> None:
        """Let a bundle's weights stay as they are, or learn again."""
        for block in self._blocks:
            block.learning[bundle][layout.LEARNING_FROZEN] = frozen

    def clear(self) -> None:
        """Forget all spikes."""
        for block in self._blocks:
            for h in block.histories:
                h.clear()
            for m in block.modulations.values():
                m.clear()
            for row in block.learning.values():
                for column in (
                    layout.LEARNING_SWEPT, layout.LEARNING_MARK, layout.LEARNING_SINCE
                ):  # fmt: skip
                    row[column] = layout.NEVER
                row[layout.LEARNING_FLOWN] = row[layout.LEARNING_BOUNDARY] = 0
                row[layout.LEARNING_OVER] = 0

    @property
    def _ordered(self) -> list[Bundle]:
        """The bundles in the order of the tables of bundles."""
        return sorted(self._wiring.bundles, key=lambda bundle: bundle.source)

    def _block(self, b: int) -> LearningBlock:
        """Return the histories and the tables of a block."""
        known: dict[tuple[object, ...], int] = {}
        wanted: list[tuple[bool, int, str, Bundle]] = []
        for bundle in self.bundles:
            for role in roles(bundle):
                key = self._key(bundle, role)
                if key not in known:
                    known[key] = -1
                    wanted.append((role == TARGET, population_of(bundle, role), role, bundle))
        wanted.sort(key=lambda w: w[:2])
        table = np.zeros((len(wanted), layout.HISTORY), np.int64)
        histories: list[History] = []
        places: dict[int, History] = {}
        limit = []
        modulations: dict[int, Modulation] = {}
        for i, (_, population, role, bundle) in enumerate(wanted):
            known[self._key(bundle, role)] = i
            if role == MODULATOR:
                push = RuleLoops(bundle).loops.push_modulator
                modulations[i] = Modulation(bundle.projections[0], push, self._window, table[i])
                continue
            places[i] = self._history(b, bundle, role == TARGET, population, table[i])
            histories.append(places[i])
            size = sum(
                x.blocks[b].targets.size for x in self.bundles
                if role in roles(x) and self._key(x, role) == self._key(bundle, role)
            )  # fmt: skip
            limit.append(max(LEAST, int(LOG_BYTES * size) // (4 * histories[-1].entry)))
        sources_of, targets_of = (
            np.searchsorted(
                [p for t, p, _, _ in wanted if t == target], np.arange(self._sources + 1)
            )
            for target in (False, True)
        )
        block = LearningBlock(
            table, histories, sources_of.astype(np.int32), targets_of.astype(np.int32), {},
            np.empty(0, np.int64), np.empty(2 * layout.LEARNING_TILE, np.int32),
            np.zeros(1 + len(self.bundles), np.int64), [], limit,
            [population for _, population, role, _ in wanted if role != MODULATOR], {}, {},
        )  # fmt: skip
        columns = {SOURCE: layout.LEARNING_PRE, TARGET: layout.LEARNING_POST}
        for bundle in self.bundles:
            row = np.zeros(layout.LEARNING, np.int64)
            block.learning[bundle] = row
            for role in roles(bundle):
                place = known[self._key(bundle, role)]
                if role == MODULATOR:
                    block.modulations[bundle] = block.kept[bundle, role] = modulations[place]
                    row[layout.LEARNING_MODULATION] = modulations[place].at
                else:
                    row[columns[role]] = table[place].ctypes.data
                    block.kept[bundle, role] = places[place]
            row[layout.LEARNING_SWEPT] = row[layout.LEARNING_MARK] = layout.NEVER
            row[layout.LEARNING_SINCE] = layout.NEVER
            block.batches.append(aligned_zeros(batch_bytes(bundle), np.uint8))
            row[layout.LEARNING_BATCH] = block.batches[-1].ctypes.data
            row[layout.LEARNING_PENDING] = block.pending.ctypes.data
            row[layout.LEARNING_FINISH] = RuleLoops(bundle).loops.finish
            self._fill(bundle, b, row)
        self._list(block)
        return block

    def _key(self, bundle: Bundle, role: str) -> tuple[object, ...]:
        """Return what two bundles that share a history have in common."""
        spec, constants = constants_of(bundle)
        p = bundle.projections[0]
        more: tuple[object, ...] = (self._own.get(bundle, -1),)
        if role == MODULATOR:
            more += modulated(p).key
        elif role == TARGET:
            more += seen_later(p)
        return role, population_of(bundle, role), spec, constants.tobytes(), more

    def _history(
        self, b: int, bundle: Bundle, target: bool, population: int, row: np.ndarray
    ) -> History:
        spec, constants = constants_of(bundle)
        rule, loops = bundle.projections[0].plasticity, RuleLoops(bundle).loops
        assert rule is not None
        if target:
            first, last = (int(x) for x in self._wiring.blocks.starts[population, b : b + 2])
            start = np.zeros(len(spec.target_values))
        else:
            first, last = 0, bundle.blocks[b].rows.size - 1
            start = np.array([
                0.0 if name in rule.pre_traces or name == "_factor" else rule.start(name)
                for name in spec.source_values
            ])  # fmt: skip
        need = self._need(population, last - first)
        push = loops.push_target if target else loops.push_source
        seen = None
        if target and rule.target_states:
            seen = self._seen(bundle, first, last)
            if rule.watches:  # a neuron can have an event in each step
                push, need = 0, 2 * (last - first) * self._window
        return History(spec, target, first, last - first, constants, start, need, push, row, seen)

    def _seen(self, bundle: Bundle, first: int, last: int) -> Seen:
        """Return what a bundle's rule sees of its targets, those from ``first`` to ``last``."""
        p = bundle.projections[0]
        rule, neurons = p.plasticity, self._neurons[p.target.population.number]
        assert rule is not None
        part = slice(first, last)
        names = [seen.state for seen in rule.target_states.values()]
        states = [neurons.state[name][part] for name in names]

        def initial() -> list[np.ndarray]:
            return [start_of(neurons, name)[part] for name in names]

        steps = 2 * (self._wiring.longest + self._window) + 2
        return Seen(states, initial, seen_later(p), steps, RuleLoops(bundle).loops.watch)

    def _need(self, population: int, count: int) -> int:
        """Return the spikes that some neurons of a population can have in two windows."""
        if population >= len(self._neurons):
            return 0
        return 2 * count * most_spikes(self._neurons[population], self._window)

    def _fill(self, bundle: Bundle, b: int, row: np.ndarray) -> None:
        """Write where things are into the row of a bundle's learning."""
        p, rows, blocks = bundle.projections[0], bundle.blocks[b], self._wiring.blocks
        _, constants = constants_of(bundle)
        rule = p.plasticity
        assert rule is not None and rows.sources is not None
        number = p.target.population.number
        scale = rule.sign * 2.0 ** self._wiring.exponent[number, p.port]
        addresses = np.array([rows.variables[n].ctypes.data for n in rule.variables], np.int64)
        self._kept += [constants, addresses]
        row[layout.LEARNING_SOURCES] = rows.sources.ctypes.data
        row[layout.LEARNING_FIRST] = blocks.offsets[number, b]
        row[layout.LEARNING_SLOPE], row[layout.LEARNING_SHIFT] = p.behind()
        row[layout.LEARNING_CONSTANTS] = constants.ctypes.data
        row[layout.LEARNING_VARIABLES] = addresses.ctypes.data
        row[layout.LEARNING_SCALE] = np.float64(scale).view(np.int64)
        row[layout.LEARNING_KIND] = bundle.kind
        row[layout.LEARNING_KEYS] = synapse_keys(p)
        row[layout.LEARNING_NEURON] = blocks.starts[number, b]

    def _list(self, block: LearningBlock) -> None:
        """Give a block lists that hold all entries of a neuron."""
        longest = max((h.capacity for h in block.histories), default=0) + layout.RECENT + 1
        if block.scratch.size < longest:
            block.scratch = np.empty(longest, np.int64)
        for row in block.learning.values():
            row[layout.LEARNING_SCRATCH] = block.scratch.ctypes.data
            row[layout.LEARNING_SENT] = block.sent.ctypes.data
