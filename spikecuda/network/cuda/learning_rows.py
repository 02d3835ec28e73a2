"""Rows of synapses that learn, and the histories they learn from, as CUDA devices need them.

Rows stay in the order in which they were built, so that weights are read back as they are.  All
that learns by one rule is in one table, whatever its populations and its constants.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from spikecuda.errors import SpikecudaError
from spikecuda.kernels.learn_spec import BRIAN, LearnSpec
from spikecuda.kernels.network import layout
from spikecuda.kernels.network import learn_tables as tables
from spikecuda.network.cuda.modulators import Modulators
from spikecuda.network.cuda.row_tables import MAX_SYNAPSES, Pair, Target
from spikecuda.network.run.device_histories import Lines, deltas, lines_of, require_known
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.seen import seen_later
from spikecuda.network.synapses.blocks import GRAIN
from spikecuda.network.synapses.learned import constants_of, synapse_keys
from spikecuda.network.synapses.store import Bundle, Rows, Wiring

# Synapses of a unit, which some lanes take together.
UNIT = 64


@dataclass(eq=False)
class LearningRows:
    """What learns by one rule in a partition.

    Attributes:
        spec: of the rule's kernels.
        pairs: bundles in blocks, in the order of ``arrays["pairs"]``.
        first_synapse: int64, of each pair, and the end.
        arrays: by the kernels' argument name, without the underscore.
        lines: of the histories, whose start values are ``starts``: "pre" and "post", 32 neurons at
            a time.
        lengths: int64, synapses of each number's row.
        most: the most pairs of a population.
        longest: the most units of a row.
        given: whether there are sources that are no neurons.
        held: of each pair, the first line of its sources' and its targets' history, and how many.
        modulators: their number, and what is on the device of them in the beginning.
    """

    spec: LearnSpec
    pairs: list[Pair]
    first_synapse: np.ndarray
    lines: Lines
    starts: dict[str, list[np.ndarray]]
    lengths: np.ndarray
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    most: int = 1
    longest: int = 1
    given: bool = False
    held: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: {"pre": [], "post": []})
    modulators: Modulators | None = None

    @property
    def synapses(self) -> int:
        """How many there are."""
        return int(self.first_synapse[-1])

    @property
    def units(self) -> int:
        """How many there are."""
        return int(self.arrays["delays"].size)


def learning_rows(
    wiring: Wiring, target: Target, neurons: Sequence[Neurons], window: int
) -> Iterator[LearningRows]:
    """Yield what learns in a partition, rule by rule.

    Args:
        wiring: the synapses.
        target: the partition.
        neurons: of all populations, in the order of their numbers.
        window: the most steps of a window.

    Raises:
        SpikecudaError: a spike of a target would count before it is known.
    """
    found: dict[LearnSpec, list[list[Pair]]] = {}
    for bundle in sorted(wiring.bundles, key=lambda bundle: bundle.source):
        if not bundle.ruled:
            continue
        spec, _ = constants_of(bundle)
        for b in target.share.blocks:
            size = bundle.blocks[b].targets.size
            lists = found.setdefault(spec, [[]]) if size or _may_grow(wiring, bundle, b) else []
            if lists and _synapses(lists[-1]) + size > MAX_SYNAPSES:
                lists.append([])
            if lists:
                lists[-1].append((bundle, b))
    for spec, lists in found.items():
        for pairs in lists:
            yield make_rows(spec, pairs, wiring, target, neurons, window)


def make_rows(
    spec: LearnSpec,
    pairs: list[Pair],
    wiring: Wiring,
    target: Target,
    neurons: Sequence[Neurons],
    window: int,
    weights: Sequence[dict[str, np.ndarray] | None] = (),
    least: Lines | None = None,
    own: Mapping[Bundle, int] | None = None,
) -> LearningRows:
    """Return what learns by one rule in a partition; see ``learning_rows``.

    Args:
        weights: weights ("w") and variables of each pair, where they are not those of the wiring.
        least: the form that lines have already, at least.
        own: bundles that share their histories with no other that has not the same number.
    """
    return _Making(spec, pairs, wiring, target, neurons, window, weights, least, own or {}).made


class _Making:
    """The making of one rule's tables.

    Args:
        spec: of the rule's kernels.
        pairs: bundles in blocks, by source population.
        wiring, target, neurons, window: see ``learning_rows``.
    """

    def __init__(
        self,
        spec: LearnSpec,
        pairs: list[Pair],
        wiring: Wiring,
        target: Target,
        neurons: Sequence[Neurons],
        window: int,
        weights: Sequence[dict[str, np.ndarray] | None],
        least: Lines | None,
        own: Mapping[Bundle, int],
    ) -> None:
        self.given = list(weights) or [None] * len(pairs)
        self.spec, self.pairs, self.wiring, self.target = spec, pairs, wiring, target
        self.neurons, self.own = neurons, own
        self.lines = lines_of(spec, [bundle for bundle, _ in pairs], wiring, neurons, window)
        if least is not None:
            self.lines = self.lines.at_least(least)
        self.late, self.learns = int(spec.timing == BRIAN), spec.rule.learns
        self.reals = len(spec.rule.constant_names) + 1
        self.kept: list[list[int]] = []
        self.listed: list[list[int]] = []
        self.populations: list[int] = []  # of ``listed``
        self._released: list[tuple[int, int, int]] = []
        self.made = self._make()

    def _make(self) -> LearningRows:
        for bundle, _ in self.pairs:
            if self.learns:
                require_known(bundle)
        sizes = [bundle.blocks[b].targets.size for bundle, b in self.pairs]
        spec, words = self.spec, self.target.numbers // GRAIN
        made = LearningRows(
            spec, self.pairs, np.concatenate([[0], np.cumsum(sizes)]), self.lines,
            {"pre": [], "post": []}, np.zeros(self.target.numbers, np.int64),
        )  # fmt: skip
        self._rows(made)
        table = np.zeros((len(self.pairs), tables.PAIR), np.int32)
        reals = np.zeros((len(self.pairs), self.reals), spec.real)
        table[:, tables.PAIR_ROWS] = self._row_starts
        if not self.learns:
            # A place may lie before all of them, as an unsigned number.
            released = np.array(self._released, np.int64).astype(np.int32)
            table[:, [tables.PAIR_CONSTANT, tables.PAIR_VALUE, tables.PAIR_PLACE]] = released
        for i, (bundle, b) in enumerate(self.pairs):
            p = bundle.projections[0]
            assert p.plasticity is not None
            number = p.target.population.number
            exponent = self.wiring.exponent[number, p.port]
            reals[i, :-1] = constants_of(bundle)[1]
            reals[i, -1] = p.plasticity.sign * 2.0**exponent if self.learns else 1.0
            table[i, tables.PAIR_FIRST] = self.target.first[bundle.source]
            table[i, tables.PAIR_SOURCES] = bundle.blocks[b].rows.size - 1
            table[i, tables.PAIR_CELL] = self.target.base((bundle, b))
            table[i, tables.PAIR_SLOPE], table[i, tables.PAIR_SHIFT] = p.behind()
            table[i, tables.PAIR_MARK] = layout.NEVER
            table[i, tables.PAIR_SINCE] = layout.NEVER
            blocks = self.wiring.blocks
            table[i, tables.PAIR_NEURON] = blocks.starts[number, b] - blocks.offsets[number, b]
            table[i, [tables.PAIR_KEY0, tables.PAIR_KEY1]] = keys_of(bundle)
        self._histories(made, table)
        made.arrays |= {
            "pairs": table.reshape(-1), "reals": reals.reshape(-1),
            "kept": np.array(self.kept, np.int32).reshape(-1),
            "listed": np.array(self.listed, np.int32).reshape(-1),
            "over": np.zeros(len(self.pairs), np.int32),
            "pairs_of": self._by_words([bundle.source for bundle, _ in self.pairs], words),
            "listed_of": self._by_words(self.populations, words),
        }  # fmt: skip
        if spec.rule.target_states:
            later = [seen_later(bundle.projections[0]) for bundle, _ in self.pairs]
            made.arrays["later"] = np.array(later, np.int32).reshape(-1)
        if spec.rule.modulator is not None:
            made.modulators = Modulators([b.projections[0] for b, _ in self.pairs], self.target)
            table[:, tables.PAIR_MODULATOR] = made.modulators.of
        sources = [bundle.source for bundle, _ in self.pairs]
        made.most = max(sources.count(source) for source in set(sources))
        made.given = max(sources) >= len(self.neurons)
        return made

    def _rows(self, made: LearningRows) -> None:
        """Join the pairs' rows, one after the other, cut into units."""
        rows_of, starts, delays, self._row_starts = [], [], [], []
        units = done = 0
        for (bundle, b), first in zip(self.pairs, made.first_synapse, strict=False):
            rows = bundle.blocks[b]
            row, start, delay = units_of(rows)
            number = self.target.first[bundle.source]
            ends = rows.starts[rows.rows].astype(np.int64)
            made.lengths[number : number + ends.size - 1] += np.diff(ends)
            made.longest = max(made.longest, int(np.diff(row).max(initial=0)))
            self._row_starts.append(done)
            rows_of.append(row + units)
            starts.append(start + first)
            delays.append(delay)
            units, done = units + delay.size, done + row.size
        starts.append(made.first_synapse[-1:])
        blocks = [bundle.blocks[b] for bundle, b in self.pairs]
        if self.learns:
            weights = [
                _weights(rows) if own is None else own["w"]
                for rows, own in zip(blocks, self.given, strict=True)
            ]
        else:
            weights = [np.empty(0, np.int32), *self._kept_weights(made)]
        made.arrays |= {
            "rows": np.concatenate(rows_of).astype(np.uint32),
            "starts": np.concatenate(starts).astype(np.uint32),
            "delays": np.concatenate(delays),
            "targets": np.concatenate([rows.targets for rows in blocks]),
            "weights": np.concatenate(weights),
        }  # fmt: skip
        if self.spec.rule.random:
            made.arrays["ordinals"] = np.concatenate([ordinals_of(rows) for rows in blocks])
        for name in self.spec.rule.variables:
            values = [
                rows.variables[name] if own is None else own[name]
                for rows, own in zip(blocks, self.given, strict=True)
            ]
            made.arrays[f"all_v_{name}"] = np.concatenate(values)

    def _kept_weights(self, made: LearningRows) -> Iterator[np.ndarray]:
        """Yield the integer weights of pairs that have some, and note where they are."""
        at = 0
        for first, (bundle, b) in zip(made.first_synapse, self.pairs, strict=False):
            constant = bundle.kind == layout.CONSTANT
            self._released.append((int(constant), bundle.weight, at - int(first)))
            if not constant:
                weights = _weights(bundle.blocks[b])
                at += weights.size
                yield weights.astype(np.int32)

    def _histories(self, made: LearningRows, table: np.ndarray) -> None:
        """Give pairs their histories; those that need the same ones share them."""
        share, spec = self.target.share, self.spec
        lines = {"pre": 0, "post": 0}
        known: dict[tuple[object, ...], int] = {}
        spans: dict[int, list[list[int]]] = {}
        for i, (bundle, b) in enumerate(self.pairs):
            rule, constants = bundle.projections[0].plasticity, constants_of(bundle)[1]
            assert rule is not None
            goal = _target_of(bundle)
            place = int(share.places[goal])
            mine = self.own.get(bundle, -1)
            key: tuple[object, ...] = ("post", goal, constants.tobytes(), mine)
            key += seen_later(bundle.projections[0])
            if self.learns and key not in known:
                known[key] = base = lines["post"]
                spans[base] = self._keep(True, base, goal, 0, i)
                lines["post"] += GRAIN * len(spans[base])
                start = np.zeros(len(spec.target_values), spec.real)
                made.starts["post"] += [start] * len(spans[base])
            if self.learns:
                for chunk in spans[known[key]]:
                    span = deltas(bundle, self.wiring)[1] + self.late
                    chunk[tables.KEPT_SPAN] = max(span, chunk[tables.KEPT_SPAN])
                page = self.target.page((bundle, b))
                table[i, tables.PAIR_POST] = known[key] + page - place
                made.held["post"].append((known[key], GRAIN * len(spans[known[key]])))
                table[i, tables.PAIR_PAGE] = page
            begin = np.array([
                0.0 if name in rule.pre_traces or name == "_factor" else rule.start(name)
                for name in spec.source_values
            ], spec.real)  # fmt: skip
            key = ("pre", bundle.source, constants.tobytes(), begin.tobytes(), mine)
            if key not in known:
                known[key] = base = lines["pre"]
                if bundle.source < len(self.neurons):
                    first = int(share.starts[bundle.source, 0])
                    self._keep(False, base + first, bundle.source, first, i)
                self.listed.append([self.target.first[bundle.source], base, i * self.reals])
                self.populations.append(bundle.source)
                words = -(-int(table[i, tables.PAIR_SOURCES]) // GRAIN)
                lines["pre"] += GRAIN * words
                made.starts["pre"] += [begin] * words
            table[i, tables.PAIR_PRE] = known[key]
            words = -(-int(table[i, tables.PAIR_SOURCES]) // GRAIN)
            made.held["pre"].append((known[key], GRAIN * words))
        for name, line in (("pre", self.lines.source), ("post", self.lines.target)):
            if lines[name] * line.stride > 2**32 - 1:
                raise SpikecudaError(
                    f"the spike histories on a device must have at most {2**32 - 1:,} words (got "
                    f"{lines[name] * line.stride:,}: {lines[name]:,} neurons, {line.depth} spikes "
                    "each); use a refractory period, shorter delays or more devices"
                )

    def _keep(
        self, targets: bool, line: int, population: int, first: int, pair: int
    ) -> list[list[int]]:
        """Note 32 neurons at a time whose spikes are kept; return the notes."""
        share = self.target.share
        words = -(-int(share.counts[population]) // GRAIN)
        word = int(share.places[population]) // GRAIN
        reals = pair * self.reals
        made = [
            [int(targets), line + GRAIN * w, word + w, reals, 0, pair, 0, 0] for w in range(words)
        ]
        self.kept += made
        return made

    def _by_words(self, populations: list[int], words: int) -> np.ndarray:
        """Return, by 32 numbers, where what belongs to their population begins, and how much."""
        result = np.zeros((words, 2), np.int32)
        for population in set(populations):
            first = self.target.first[population] // GRAIN
            after = [n for n in self.target.first.values() if n > self.target.first[population]]
            last = min(after, default=self.target.numbers) // GRAIN
            where = populations.index(population), populations.count(population)
            result[first:last] = where
        return result.reshape(-1)


def keys_of(bundle: Bundle) -> np.ndarray:
    """Return the key of the random numbers of a bundle's synapses, int32 (2,)."""
    return np.array([synapse_keys(bundle.projections[0])], np.int64).view(np.int32)


def ordinals_of(rows: Rows) -> np.ndarray:
    """Return each synapse's number among those of one source, target and delay, uint16."""
    number = np.arange(rows.targets.size)
    new = np.ones(number.size, np.bool_)
    new[1:] = rows.targets[1:] != rows.targets[:-1]
    new[rows.starts[:-1]] = True
    return (number - np.maximum.accumulate(np.where(new, number, 0))).astype(np.uint16)


def units_of(rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows cut into units: first unit of each row and the end, their starts and delays."""
    starts = rows.starts.astype(np.int64)
    lengths = np.diff(starts)
    parts = -(-lengths // UNIT)
    ends = np.concatenate([[0], np.cumsum(parts)])
    within = np.arange(ends[-1]) - np.repeat(ends[:-1], parts)
    delays = np.repeat(rows.delays[:-1] & layout.DELAY, parts).astype(np.uint16)
    return ends[rows.rows], np.repeat(starts[:-1], parts) + UNIT * within, delays


def _weights(rows: Rows) -> np.ndarray:
    assert rows.weights is not None
    return rows.weights


def _may_grow(wiring: Wiring, bundle: Bundle, b: int) -> bool:
    """Tell whether a block without synapses of a bundle can be given some."""
    p = bundle.projections[0]
    first, end = wiring.blocks.starts[p.target.population.number, b : b + 2]
    return p.grows and bool(((p.target.ids >= first) & (p.target.ids < end)).any())


def _synapses(pairs: Sequence[Pair]) -> int:
    return sum(bundle.blocks[b].targets.size for bundle, b in pairs)


def _target_of(bundle: Bundle) -> int:
    return bundle.projections[0].target.population.number
