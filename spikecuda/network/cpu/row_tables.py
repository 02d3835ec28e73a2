"""Tables of addresses by which the CPU's loops find the rows of each population."""

from collections.abc import Sequence

import numpy as np

from spikecuda.common.seed import keys
from spikecuda.kernels.network import layout
from spikecuda.network.cpu.learning import Learning
from spikecuda.network.synapses.learned import RuleLoops
from spikecuda.network.synapses.store import Bundle, Wiring

SEGMENT_MASK = (1 << layout.SEGMENT_BITS) - 1


class RowTables:
    """A table of bundles for each block, sorted by source population.

    Args:
        wiring: the synapses.
        sources: number of populations, those without neurons of their own included.
        learning: what synapses that learn need.
        past: bundles of what was under way when weights changed; no new spike takes them.

    Attributes:
        bundles: int64 (bundles, layout.BUNDLE), one for each block; past ones last.
        first: int32 (sources + 1,): number of each population's first bundle.
        most: the most bundles of a population.
    """

    def __init__(
        self, wiring: Wiring, sources: int, learning: Learning, past: Sequence[Bundle] = ()
    ) -> None:
        self._learning = learning
        self._rules: list[np.ndarray] = []
        self._ordered = ordered = sorted(wiring.bundles, key=lambda b: b.source)
        per_source = np.bincount([b.source for b in ordered], minlength=sources)
        self.first = np.append(0, np.cumsum(per_source)).astype(np.int32)
        self.most = int(per_source.max(initial=0))
        self._stored = len(ordered)
        ordered.extend(past)
        self.bundles = [self._table(wiring, ordered, b) for b in range(wiring.blocks.count)]

    @property
    def stored(self) -> int:
        """Number of the first past bundle."""
        return self._stored

    @property
    def ordered(self) -> list[Bundle]:
        """The bundles by their numbers in the tables."""
        return self._ordered

    def number(self, bundle: Bundle) -> int:
        """Return the number of a bundle in the tables."""
        return self._ordered.index(bundle)

    def still_to_come(self, block: int, cursors: np.ndarray) -> int:
        """Return the synapses of rows that are on their way, from their cursors on.

        Args:
            block: number of the block.
            cursors: of its calendar.
        """
        total = 0
        numbers, segments = cursors >> layout.SEGMENT_BITS, cursors & SEGMENT_MASK
        for number in np.unique(numbers):
            rows, mine = self._ordered[number].blocks[block], segments[numbers == number]
            row = np.searchsorted(rows.rows, mine, side="right") - 1
            ends = rows.starts[rows.rows[row + 1]]
            total += int((ends.astype(np.int64) - rows.starts[mine]).sum())
        return total

    def _table(self, wiring: Wiring, ordered: list[Bundle], b: int) -> np.ndarray:
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        table = np.zeros((len(ordered), layout.BUNDLE), np.int64)
        for row, bundle in zip(table, ordered, strict=True):
            row[layout.BUNDLE_KIND] = bundle.kind
            row[layout.BUNDLE_OFFSET] = bundle.port * wiring.blocks.sizes[b]
            row[layout.BUNDLE_WEIGHT] = bundle.weight
            if bundle.rule is not None:
                row[layout.BUNDLE_RULE] = self._rule(wiring, bundle, b)
                row[layout.BUNDLE_SEND] = load_cpu_loop("network_procedural").send_row
                continue
            if bundle.short:
                row[layout.BUNDLE_KIND] = layout.SHORT
                continue
            rows = bundle.blocks[b]
            if bundle.kind == layout.NARROW:
                row[layout.BUNDLE_TARGETS] = rows.words().ctypes.data
            else:
                row[layout.BUNDLE_TARGETS] = rows.targets.ctypes.data
                if rows.weights is not None:
                    row[layout.BUNDLE_WEIGHTS] = rows.weights.ctypes.data
            row[layout.BUNDLE_HEADS] = rows.heads().ctypes.data
            row[layout.BUNDLE_ROWS] = rows.rows.ctypes.data
            if bundle.ruled:
                row[layout.BUNDLE_KIND] = layout.PLASTIC
                row[layout.BUNDLE_LEARN] = RuleLoops(bundle).loops.learn
                row[layout.BUNDLE_LEARNING] = self._learning.row(bundle, b).ctypes.data
        return table

    def _rule(self, wiring: Wiring, bundle: Bundle, b: int) -> int:
        """Return the address of the description of a procedural bundle for a block."""
        rule, p = bundle.rule, bundle.projections[0]
        assert rule is not None
        blocks, number = wiring.blocks, p.target.population.number
        first, last = np.searchsorted(p.target.ids, blocks.starts[number, b : b + 2])
        longest = rule.longest + 4  # targets are drawn by four
        scratch = np.empty(6 * longest, np.int32)
        seen = np.zeros(1 if p.multapses else p.target.size, np.int32)
        key0, key1 = keys(p.seed)
        table = np.zeros(layout.RULE, np.int64)
        ints, floats = rule.recipe.packed()
        table[layout.RULE_INTS], table[layout.RULE_FLOATS] = ints.ctypes.data, floats.ctypes.data
        table[layout.RULE_INDEX] = rule.index.ctypes.data
        table[layout.RULE_TWIN] = 0 if rule.twin is None else rule.twin.ctypes.data
        table[layout.RULE_DEGREES] = rule.degrees.ctypes.data if rule.degrees.size else 0
        table[layout.RULE_TARGETS] = 0 if p.target.whole else p.target.ids.ctypes.data
        table[layout.RULE_FIRST], table[layout.RULE_LAST] = first, last
        table[layout.RULE_SHIFT] = blocks.offsets[number, b] - blocks.starts[number, b]
        table[layout.RULE_ROW], table[layout.RULE_SCRATCH] = longest, scratch.ctypes.data
        table[layout.RULE_SEEN] = seen.ctypes.data
        table[layout.RULE_KEY0], table[layout.RULE_KEY1] = key0, key1
        table[layout.RULE_DRAW_TARGETS] = rule.recipe.targets_loop()
        table[layout.RULE_DRAW_VALUES] = rule.recipe.values_loop()
        self._rules += [table, ints, floats, scratch, seen]
        return int(table.ctypes.data)
