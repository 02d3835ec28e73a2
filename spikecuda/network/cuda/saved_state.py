"""What moves in a partition on a CUDA device, told to other engines and taken from them."""

from collections.abc import Sequence

import numpy as np

from spikecuda.kernels.network import layout
from spikecuda.kernels.network import learn_tables as tables
from spikecuda.network.cuda.learning import Learning
from spikecuda.network.cuda.resident import Resident
from spikecuda.network.cuda.saved_learning import (
    flown_of,
    take_levels,
    take_seen,
    tell_levels,
    tell_seen,
)
from spikecuda.network.run.device_histories import Line
from spikecuda.network.run.moving import (
    SOURCE,
    TARGET,
    HistoryKey,
    Marks,
    Moving,
    SpikeHistory,
    history_keys,
    last_needed,
)
from spikecuda.network.synapses.blocks import MAX_BLOCK


def tell(resident: Resident, clock: int) -> Moving:
    """Return what moves; state and spikes are counted elsewhere."""
    result = Moving(clock)
    share, device = resident.share, resident.device
    cells = np.asarray(device.read(resident.cells))
    where = np.flatnonzero(cells)
    stride = resident.ports * share.size
    if where.size:
        slot, rest = where // stride, where % stride
        step = clock + ((slot - clock) & (resident.ring - 1))
        port, place = rest // share.size, rest % share.size
        there = np.flatnonzero(share.counts > 0)
        places = share.places
        population = there[np.searchsorted(places[there], place, side="right") - 1]
        neuron = place - places[population] + share.starts[population, 0]
        result.arrivals.append((step, population, port, neuron, cells[where]))
    limit = last_needed(clock, resident.wiring)
    result.own = sorted(resident.wiring.bundles.index(bundle) for bundle in resident.own)
    for learning in resident.learning:
        lines = learning.rows.lines
        words = {role: np.asarray(device.read(learning.arrays[name])) for role, name in NAMES}
        for key, role, base, first, count in _histories(resident, learning, result.own):
            line = lines.source if role == SOURCE else lines.target
            part = words[role].reshape(-1, line.stride)[base : base + count]
            spikes = _spikes(part, line, learning.rows.spec.real).recent(limit)
            result.histories.setdefault(key, []).append((first, spikes))
        for pair, (bundle, _) in enumerate(learning.rows.pairs):
            if bundle.kind != layout.PLASTIC:
                continue
            row = learning.pairs[pair]
            result.marks[resident.wiring.bundles.index(bundle)] = Marks(
                False, int(row[tables.PAIR_MARK]), int(row[tables.PAIR_SINCE]), layout.NEVER,
                flown_of(bundle, clock), bool(row[tables.PAIR_FROZEN]),
            )  # fmt: skip
    tell_levels(resident, result)
    tell_seen(resident, result)
    return result


def take(resident: Resident, moving: Moving) -> None:
    """Take over what moves in the whole network, as far as it is the partition's."""
    share, device = resident.share, resident.device
    resident.part([resident.wiring.bundles[number] for number in moving.own])
    arrivals, stride = moving.summed(), resident.ports * share.size
    p = arrivals.population
    here = arrivals.part(
        (arrivals.neuron >= share.starts[p, 0]) & (arrivals.neuron < share.starts[p, 1])
    )
    p = here.population
    place = share.places[p] + here.neuron - share.starts[p, 0]
    slot = here.step & (resident.ring - 1)
    cells = np.zeros(resident.ring * stride, np.int32)
    cells[slot * stride + here.port.astype(np.int64) * share.size + place] = here.amount
    device.write(resident.cells, cells)
    for learning in resident.learning:
        lines = learning.rows.lines
        words = {role: np.array(device.read(learning.arrays[name])) for role, name in NAMES}
        for key, role, base, first, count in _histories(resident, learning, moving.own):
            if key in moving.histories:
                line = lines.source if role == SOURCE else lines.target
                part = words[role].reshape(-1, line.stride)[base : base + count]
                ((_, spikes),) = moving.histories[key]
                _put_spikes(part, line, spikes.part(first, first + count))
        for role, name in NAMES:
            device.write(learning.arrays[name], words[role])
        marked = {
            resident.wiring.bundles[number]: (moving.clock - 1, marks.since, int(marks.frozen))
            for number, marks in moving.marks.items()
        }
        learning.take_marks(marked, moving.clock)
    take_levels(resident, moving)
    take_seen(resident, moving)


NAMES = ((SOURCE, "_pre"), (TARGET, "_post"))


def _histories(
    resident: Resident, learning: Learning, own: Sequence[int]
) -> list[tuple[HistoryKey, str, int, int, int]]:
    """Return what a rule's pairs look back on.

    Returns:
        Of each history: its key, what its neurons are, its first line, the number of its first
        neuron, and how many neurons it has here.
    """
    keys = history_keys(resident.wiring, own)
    share, found = resident.share, {}
    for pair, (bundle, b) in enumerate(learning.rows.pairs):
        number, row = resident.wiring.bundles.index(bundle), learning.pairs[pair]
        line = int(row[tables.PAIR_PRE])
        found[keys[number, SOURCE]] = SOURCE, line, 0, int(row[tables.PAIR_SOURCES])
        if learning.rows.spec.rule.learns:
            goal = bundle.projections[0].target.population.number
            page = (b - share.blocks.start) * MAX_BLOCK
            line = int(row[tables.PAIR_POST]) - page + int(share.places[goal])
            first, count = int(share.starts[goal, 0]), int(share.counts[goal])
            found[keys[number, TARGET]] = TARGET, line, first, count
    return [(key, *about) for key, about in found.items()]


def _spikes(lines: np.ndarray, line: Line, real: str) -> SpikeHistory:
    """Return the spikes in some lines, one row a neuron."""
    entries = lines[:, : line.depth * line.entry].reshape(-1, line.depth, line.entry)
    there = entries[:, :, 0] != layout.NEVER
    values = np.ascontiguousarray(entries[:, :, 1:][there]).reshape(-1).view(real)
    each = 4 * (line.entry - 1) // values.itemsize
    steps = entries[:, :, 0][there]
    counts = np.count_nonzero(there, axis=1).astype(np.int32)
    return SpikeHistory(counts, steps, values.reshape(steps.size, each))


def _put_spikes(lines: np.ndarray, line: Line, spikes: SpikeHistory) -> None:
    """Write spikes into lines that have none."""
    neuron, rank = spikes.ranks()
    some = rank < line.depth
    neuron, rank = neuron[some], rank[some]
    lines[neuron, rank * line.entry] = spikes.steps[some]
    flat = np.ascontiguousarray(spikes.values[some]).reshape(-1).view(np.int32)
    values = flat.reshape(neuron.size, line.entry - 1)
    for word in range(line.entry - 1):
        lines[neuron, rank * line.entry + 1 + word] = values[:, word]
