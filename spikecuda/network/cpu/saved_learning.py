"""What synapses that learn on the CPU look back on, told to other engines and taken from them."""

from collections.abc import Callable, Sequence

import numpy as np

from spikecuda.kernels.network import layout
from spikecuda.network.cpu.history import History, Seen
from spikecuda.network.cpu.learning import Learning
from spikecuda.network.cpu.modulation import Modulation
from spikecuda.network.run.moving import (
    SOURCE,
    TARGET,
    HistoryKey,
    Marks,
    ModulatorLevel,
    Moving,
    SpikeHistory,
    history_keys,
    last_needed,
)
from spikecuda.network.synapses.learned import RuleLoops
from spikecuda.network.synapses.modulated import modulated, saved_boundary
from spikecuda.network.synapses.store import Bundle, Wiring

COLUMNS = {SOURCE: layout.LEARNING_PRE, TARGET: layout.LEARNING_POST}
LEVELS = (layout.MODULATION_LEVEL, layout.MODULATION_SUM, layout.MODULATION_FACTOR)


def tell_learning(learning: Learning, wiring: Wiring, clock: int, waiting: set[int]) -> Moving:
    """Return histories, marks and what belongs to them.

    Args:
        learning: of an engine; swept, where spikes wait.
        wiring: its synapses.
        clock: steps done.
        waiting: numbers of the bundles where spikes wait.
    """
    result, limit = Moving(clock), last_needed(clock, wiring)
    result.own = sorted(wiring.bundles.index(bundle) for bundle in learning.own)
    for key, bundle, b in _histories(wiring, result.own):
        history = _history(learning, bundle, b, key[1])
        if key[1] == TARGET or b == 0:
            first = history.first if key[1] == TARGET else 0
            result.histories.setdefault(key, []).append((first, _spikes(history).recent(limit)))
    for number, bundle in enumerate(wiring.bundles):
        if bundle.kind != layout.PLASTIC:
            continue
        row, p = learning.row(bundle, 0), bundle.projections[0]
        flown = int(row[layout.LEARNING_FLOWN])
        if p.modulator is not None and number not in waiting:
            flown = saved_boundary(modulated(p).epoch, clock)
        result.marks[number] = Marks(
            number in waiting, int(row[layout.LEARNING_MARK]), int(row[layout.LEARNING_SINCE]),
            int(row[layout.LEARNING_SWEPT]), flown, bool(row[layout.LEARNING_FROZEN]),
        )  # fmt: skip
        for b in range(wiring.blocks.count):
            seen = _history(learning, bundle, b, TARGET).seen
            if seen is not None:
                first = _history(learning, bundle, b, TARGET).first
                result.seen.setdefault(number, []).append((first, _tell_seen(seen, clock)))
        level = learning.block(0).modulations.get(bundle)
        if level is not None:
            level.reach(clock)
            RuleLoops(bundle).loops.fill(level.at, clock - 1)
            # What waits begins where rows were swept to, and may share the level.
            begin = level.base if waiting else result.marks[number].flown
            result.levels[number] = _tell_level(level, begin)
    return result


def take_learning(learning: Learning, wiring: Wiring, moving: Moving) -> None:
    """Take over what ``tell_learning`` of another engine returned, about the whole network."""
    learning.part([wiring.bundles[number] for number in moving.own])
    for key, bundle, b in _histories(wiring, moving.own):
        if key in moving.histories:
            history = _history(learning, bundle, b, key[1])
            ((_, spikes),) = moving.histories[key]
            first = history.first if key[1] == TARGET else 0
            _put_spikes(history, spikes.part(first, first + history.count))
    for number, marks in moving.marks.items():
        bundle = wiring.bundles[number]
        for b in range(wiring.blocks.count):
            row = learning.row(bundle, b)
            row[layout.LEARNING_SINCE] = marks.since
            row[layout.LEARNING_MARK] = marks.mark if marks.waits else moving.clock - 1
            row[layout.LEARNING_SWEPT] = marks.swept if marks.waits else layout.NEVER
            row[layout.LEARNING_FLOWN] = row[layout.LEARNING_BOUNDARY] = marks.flown
            row[layout.LEARNING_FROZEN] = marks.frozen
            history = _history(learning, bundle, b, TARGET)
            if history.seen is not None and number in moving.seen:
                ((_, ring),) = moving.seen[number]
                part = ring[:, :, history.first : history.first + history.count]
                _put_seen(history.seen, part, moving.clock)
            level = learning.block(b).modulations.get(bundle)
            if level is not None and number in moving.levels:
                fill = RuleLoops(bundle).loops.fill
                _put_level(level, moving.levels[number], moving.clock, fill)
    learning.lengthen()


def _histories(wiring: Wiring, own: Sequence[int]) -> list[tuple[HistoryKey, Bundle, int]]:
    """Return each history once for each block, with a bundle that has it."""
    return [
        (key, wiring.bundles[key[0]], b)
        for key in dict.fromkeys(history_keys(wiring, own).values())
        for b in range(wiring.blocks.count)
    ]


def _history(learning: Learning, bundle: Bundle, b: int, role: str) -> History:
    """Return a bundle's history in a block."""
    address = int(learning.row(bundle, b)[COLUMNS[role]])
    return next(h for h in learning.block(b).histories if h.row.ctypes.data == address)


def _spikes(history: History) -> SpikeHistory:
    """Return all spikes of a history."""
    lines, spill, log, words = history.arrays()
    neurons = np.arange(history.count)
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for k in range(layout.RECENT):
        at = layout.RECENT + k * words
        found.append((neurons, lines[:, k], lines[:, at : at + words]))
    link = spill.astype(np.int64)
    while (link >= 0).any():
        there = np.flatnonzero(link >= 0)
        entries = log[link[there]]
        found.append((there, entries[:, 0], entries[:, 2:]))
        link[there] = entries[:, 1]
    neuron, steps, values = (np.concatenate(parts) for parts in zip(*found, strict=True))
    # Stable: of each neuron, they are in their order already.
    order = np.argsort(neuron, kind="stable")
    order = order[steps[order] != layout.NEVER]
    counts = np.bincount(neuron[order], minlength=history.count).astype(np.int32)
    reals = np.ascontiguousarray(values[order]).reshape(-1).view(history.real)
    each = 4 * words // history.real.itemsize
    return SpikeHistory(counts, steps[order], reals.reshape(order.size, each))


def _put_spikes(history: History, spikes: SpikeHistory) -> None:
    """Let a history have these spikes, and no others."""
    neuron, rank = spikes.ranks()
    old = rank >= layout.RECENT
    history.clear_spikes(int(np.count_nonzero(old)))
    lines, spill, log, words = history.arrays()
    flat = np.ascontiguousarray(spikes.values, history.real).reshape(-1).view(np.int32)
    values = flat.reshape(spikes.steps.size, words)
    for k in range(layout.RECENT):
        mine = rank == k
        lines[neuron[mine], k] = spikes.steps[mine]
        at = layout.RECENT + k * words
        lines[neuron[mine], at : at + words] = values[mine]
    size = int(np.count_nonzero(old))
    log[:size, 0], log[:size, 2:] = spikes.steps[old], values[old]
    owner = neuron[old]
    # The next entry is the neuron's next older spike, if it is the same neuron's.
    log[:size, 1] = np.where(np.append(owner[1:] == owner[:-1], False)[:size],
                             np.arange(1, size + 1), -1)  # fmt: skip
    first = rank[old] == layout.RECENT
    spill[owner[first]] = np.flatnonzero(first)


def _tell_seen(seen: Seen, clock: int) -> np.ndarray:
    """Return the states of recent steps, the newest step first."""
    slots = seen.ring.shape[0]
    return seen.ring[(clock - 1 - np.arange(slots)) & (slots - 1)]


def _put_seen(seen: Seen, recent: np.ndarray, clock: int) -> None:
    slots = seen.ring.shape[0]
    some = min(slots, recent.shape[0])
    seen.ring[(clock - 1 - np.arange(some)) & (slots - 1)] = recent[:some]


def _tell_level(level: Modulation, begin: int) -> ModulatorLevel:
    """Return what a modulator has done, its integral from a step on."""
    table, counts = level.table, level.counts
    base, filled = int(table[layout.MODULATION_BASE]), int(table[layout.MODULATION_FILLED])
    values = table[list(LEVELS)].view(np.float64)
    later = (filled + 1 + np.arange(counts.size - 1)) & (counts.size - 1)
    integral = level.integral[begin - base : filled - base + 1].copy()
    return ModulatorLevel(begin, filled, values, integral, counts[later])


def _put_level(
    level: Modulation, saved: ModulatorLevel, clock: int, fill: Callable[[int, int], int]
) -> None:
    """Take over what a modulator has done; ``fill``: the loop that goes on with it."""
    table, counts = level.table, level.counts
    level.hold(saved.integral, max(1, saved.integral.size))
    table[layout.MODULATION_BASE], table[layout.MODULATION_FILLED] = saved.base, saved.filled
    table[list(LEVELS)] = np.ascontiguousarray(saved.values, np.float64).view(np.int64)
    level.reach(clock)
    counts[:] = 0
    # Spikes may be known for longer than the ring here: up to this step none are to come.
    end = clock - 1 + int(table[layout.MODULATION_DELAY] - table[layout.MODULATION_WINDOW])
    while True:
        filled = int(table[layout.MODULATION_FILLED])
        coming = saved.counts[filled - saved.filled :][: counts.size - 1]
        counts[(filled + 1 + np.arange(coming.size)) & (counts.size - 1)] = coming
        if filled >= end:
            return
        fill(level.at, min(end, filled + counts.size - 1))
