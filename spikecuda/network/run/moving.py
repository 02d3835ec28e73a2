"""What moves in a network: spikes under way, histories, marks; in the order of its neurons.

An engine tells what it has, and takes what another one told, whatever devices and partitions either
has.  Neurons are numbered within their populations; bundles of rows by their place in the wiring,
which follows from the network's description alone.

Synapses that learn are told in one of two forms.  Where all that a spike meets is known when it is
sent, as GPUs need it, all spikes so far have acted on the weights, and what is still to arrive is
known.  Elsewhere (axonal delays) only what has arrived has acted, and spikes ``wait``: they are
found in the histories of their sources.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from spikecuda.errors import SpikecudaError
from spikecuda.kernels.network import layout
from spikecuda.network.run.device_histories import require_known
from spikecuda.network.run.seen import seen_later
from spikecuda.network.synapses.learned import constants_of
from spikecuda.network.synapses.store import Bundle, Wiring

SOURCE, TARGET = "source", "target"
# A history: the number of the first bundle that has it, and what its neurons are to synapses.
HistoryKey = tuple[int, str]


@dataclass(frozen=True, eq=False)
class Arrivals:
    """What arrives in later steps, summed up; sorted by step, population, port, neuron.

    Attributes:
        step: int64, in which it arrives; all arrays are of one length.
        population, port, neuron: int32, where.
        amount: int32, in units of the port's fixed-point scale; not 0.
    """

    step: np.ndarray
    population: np.ndarray
    port: np.ndarray
    neuron: np.ndarray
    amount: np.ndarray

    @classmethod
    def summed(cls, parts: Iterable[Sequence[np.ndarray]]) -> "Arrivals":
        """Return the sum of some, each arrays in the order of the attributes."""
        kinds = (np.int64, np.int32, np.int32, np.int32, np.int32)
        lists = [[np.empty(0, kind)] for kind in kinds]
        for part in parts:
            for found, values, kind in zip(lists, part, kinds, strict=True):
                found.append(np.asarray(values).astype(kind))
        step, population, port, neuron, amount = (np.concatenate(found) for found in lists)
        if not step.size:
            return cls(step, population, port, neuron, amount)
        place = (population.astype(np.int64) << 40) | (port.astype(np.int64) << 32) | neuron
        order = np.lexsort((place, step))
        step, place = step[order], place[order]
        new = np.append(True, (step[1:] != step[:-1]) | (place[1:] != place[:-1]))
        first = np.flatnonzero(new)
        sums = np.add.reduceat(amount[order].astype(np.int64), first)
        there = first[sums != 0]
        at = order[there]
        return cls(
            step[there], population[at], port[at], neuron[at], sums[sums != 0].astype(np.int32)
        )

    def arrays(self) -> tuple[np.ndarray, ...]:
        """Return the arrays, in the order of the attributes."""
        return self.step, self.population, self.port, self.neuron, self.amount

    def part(self, mask: np.ndarray) -> "Arrivals":
        """Return some of them."""
        return Arrivals(*(array[mask] for array in self.arrays()))


@dataclass(frozen=True, eq=False)
class SpikeHistory:
    """The recent spikes of some neurons, neuron by neuron, the newest first.

    Attributes:
        counts: int32 (neurons,), spikes of each.
        steps: int32 (spikes,).
        values: reals (spikes, values), what traces were after each.
    """

    counts: np.ndarray
    steps: np.ndarray
    values: np.ndarray

    def part(self, first: int, last: int) -> "SpikeHistory":
        """Return the spikes of the neurons from ``first`` up to ``last``."""
        ends = np.append(0, np.cumsum(self.counts, dtype=np.int64))
        a, z = int(ends[first]), int(ends[last])
        return SpikeHistory(self.counts[first:last], self.steps[a:z], self.values[a:z])

    def ranks(self) -> tuple[np.ndarray, np.ndarray]:
        """Return of each spike its neuron, and how many of the neuron's are newer."""
        neuron = np.repeat(np.arange(self.counts.size), self.counts)
        first = np.cumsum(self.counts, dtype=np.int64) - self.counts
        return neuron, np.arange(self.steps.size) - first[neuron]

    def recent(self, limit: int) -> "SpikeHistory":
        """Return the spikes after step ``limit``, and each neuron's newest one up to it."""
        if not self.steps.size:
            return self
        _, rank = self.ranks()
        before = np.append(layout.NEVER, self.steps[:-1])
        kept = (rank == 0) | (before > limit)
        neuron, _ = self.ranks()
        counts = np.bincount(neuron[kept], minlength=self.counts.size).astype(np.int32)
        return SpikeHistory(counts, self.steps[kept], self.values[kept])

    @classmethod
    def joined(cls, size: int, parts: Sequence[tuple[int, "SpikeHistory"]]) -> "SpikeHistory":
        """Return the history of ``size`` neurons, of parts that begin at given neurons."""
        parts = sorted(parts, key=lambda part: part[0])
        counts = np.zeros(size, np.int32)
        for first, part in parts:
            counts[first : first + part.counts.size] = part.counts
        return cls(
            counts,
            np.concatenate([part.steps for _, part in parts]),
            np.concatenate([part.values for _, part in parts]),
        )


@dataclass(frozen=True)
class Marks:
    """How far a bundle that learns is.

    Attributes:
        waits: the form, see above.
        mark: all events up to this step are in the weights.
        since: variables have decayed up to this step, or begin there.
        swept: what has arrived up to this step is in the weights, where spikes wait.
        flown: a modulator has acted up to this step, the end of an epoch.
        frozen: whether weights stay as they are.
    """

    waits: bool
    mark: int
    since: int
    swept: int
    flown: int
    frozen: bool


@dataclass(frozen=True, eq=False)
class ModulatorLevel:
    """What a modulator has done so far.

    Attributes:
        base, filled: the first step of the integral, and the last one.
        values: float64 (3,): level, sum and factor after the last one.
        integral: float64, of each step.
        counts: int32, spikes that arrive in the steps after the last one.
    """

    base: int
    filled: int
    values: np.ndarray
    integral: np.ndarray
    counts: np.ndarray


@dataclass(eq=False)
class Moving:
    """All of it.

    Attributes:
        clock: steps done; ``seconds``: wall-clock time of runs; ``events``: synaptic events.
        spikes: int64, of each population, sources included.
        arrivals: what arrives later.
        histories: of neurons whose synapses have a rule: by bundle and role, with the number of the
            first neuron of each part.
        marks: by bundle that learns.
        levels: by bundle with a modulator.
        own: numbers of the bundles that share no history with others.
        seen: by bundle whose rule sees targets' states: the number of the first neuron, and reals
            (steps, states, neurons), the newest step first.
    """

    clock: int
    seconds: float = 0.0
    events: int = 0
    spikes: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    arrivals: list[Sequence[np.ndarray]] = field(default_factory=list)
    histories: dict[HistoryKey, list[tuple[int, SpikeHistory]]] = field(default_factory=dict)
    marks: dict[int, Marks] = field(default_factory=dict)
    levels: dict[int, ModulatorLevel] = field(default_factory=dict)
    own: list[int] = field(default_factory=list)
    seen: dict[int, list[tuple[int, np.ndarray]]] = field(default_factory=dict)

    def summed(self) -> Arrivals:
        """Return what arrives later as one."""
        return Arrivals.summed(self.arrivals)

    def add(self, other: "Moving") -> None:
        """Take what another partition tells."""
        self.events += other.events
        self.arrivals += other.arrivals
        self.own = self.own or other.own
        for key, parts in other.histories.items():
            known = self.histories.setdefault(key, [])
            # All partitions have the same of sources, as far as they have any.
            if key[1] == TARGET or not known:
                known += parts
        for number, marks in other.marks.items():
            self.marks.setdefault(number, marks)
        for number, level in other.levels.items():
            self.levels.setdefault(number, level)
        for number, rings in other.seen.items():
            self.seen.setdefault(number, []).extend(rings)


def waits(bundle: Bundle) -> bool:
    """Tell whether what a spike meets at a bundle's synapses is not known when it is sent."""
    if bundle.kind != layout.PLASTIC:
        return False
    try:
        require_known(bundle)
    except SpikecudaError:
        return True
    return False


def history_keys(wiring: Wiring, own: Sequence[int]) -> dict[HistoryKey, HistoryKey]:
    """Return of each bundle with a rule, and of each role, the history: see ``HistoryKey``.

    Args:
        wiring: the synapses.
        own: numbers of the bundles that share none, since their rules have changed.
    """
    known: dict[tuple[object, ...], HistoryKey] = {}
    result = {}
    for number, bundle in enumerate(wiring.bundles):
        if not bundle.ruled:
            continue
        spec, constants = constants_of(bundle)
        p = bundle.projections[0]
        rule = p.plasticity
        assert rule is not None
        starts = tuple(rule.start(name) for name in rule.source_variables)
        for role in (SOURCE, TARGET) if spec.rule.learns else (SOURCE,):
            population = bundle.source if role == SOURCE else p.target.population.number
            mine = number if number in own else -1
            seen = seen_later(p) if role == TARGET else ()
            key = (role, population, spec, constants.tobytes(), starts, mine, seen)
            result[number, role] = known.setdefault(key, (number, role))
    return result


def last_needed(clock: int, wiring: Wiring) -> int:
    """Return the step up to which only the newest spike of each neuron is needed."""
    return clock - 1 - 2 * wiring.longest - 2
