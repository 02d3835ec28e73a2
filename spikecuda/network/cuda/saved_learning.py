"""Modulators and states that rules see, on a CUDA device: told to other engines and taken over."""

from collections.abc import Iterator

import numpy as np

from spikecuda.kernels.network import layout
from spikecuda.kernels.network import learn_tables as tables
from spikecuda.network.cuda.learning import Learning
from spikecuda.network.cuda.modulators import Modulators
from spikecuda.network.cuda.resident import Resident
from spikecuda.network.run.moving import ModulatorLevel, Moving
from spikecuda.network.synapses.modulated import modulated, saved_boundary
from spikecuda.network.synapses.store import Bundle

LEVELS = [tables.LEVEL_NOW, tables.LEVEL_SUM, tables.LEVEL_FACTOR]


def flown_of(bundle: Bundle, clock: int) -> int:
    """Return the step up to which a modulator has acted on a bundle's raw weights; 0 without one.

    Args:
        bundle: whose synapses learn.
        clock: steps done.
    """
    p = bundle.projections[0]
    return 0 if p.modulator is None else saved_boundary(modulated(p).epoch, clock)


def tell_levels(resident: Resident, result: Moving) -> None:
    """Note what modulators have done."""
    for learning in resident.learning:
        modulators = learning.rows.modulators
        if modulators is None:
            continue
        found = _Levels(learning, modulators)
        for number, place in _numbered(resident, learning, modulators):
            flown = flown_of(resident.wiring.bundles[number], result.clock)
            result.levels.setdefault(number, found.tell(place, flown))


def take_levels(resident: Resident, moving: Moving) -> None:
    """Take over what modulators have done in the whole network."""
    for learning in resident.learning:
        modulators = learning.rows.modulators
        if modulators is None:
            continue
        found = _Levels(learning, modulators)
        for number, place in _numbered(resident, learning, modulators):
            if number in moving.levels:
                found.take(place, moving.levels[number], moving.marks[number].flown)
        found.write()


def tell_seen(resident: Resident, result: Moving) -> None:
    """Note the states of recent steps that rules see, the newest step first."""
    share, slots = resident.share, resident.seen.steps
    order = (result.clock - 1 - np.arange(slots)) & (slots - 1)
    rings: dict[str, np.ndarray] = {}
    for number, goal, names in _seeing(resident):
        part = slice(share.places[goal], share.places[goal] + share.counts[goal])
        for name in names:
            if name not in rings:
                values = np.asarray(resident.device.read(resident.seen_ring(name)))
                rings[name] = values.reshape(slots, share.size)
        told = np.stack([rings[name][order, part] for name in names], axis=1)
        result.seen[number] = [(int(share.starts[goal, 0]), told)]


def take_seen(resident: Resident, moving: Moving) -> None:
    """Take over the states of recent steps in the whole network."""
    share, slots = resident.share, resident.seen.steps
    rings: dict[str, np.ndarray] = {}
    for number, goal, names in _seeing(resident):
        if number not in moving.seen:
            continue
        ((_, recent),) = moving.seen[number]
        some = min(slots, recent.shape[0])
        order = (moving.clock - 1 - np.arange(some)) & (slots - 1)
        part = slice(share.places[goal], share.places[goal] + share.counts[goal])
        for i, name in enumerate(names):
            if name not in rings:
                rings[name] = np.array(resident.device.read(resident.seen_ring(name)))
            ring = rings[name].reshape(slots, share.size)
            ring[order, part] = recent[:some, i, slice(*share.starts[goal])]
    for name, ring in rings.items():
        resident.device.write(resident.seen_ring(name), ring)


class _Levels:
    """The modulators of a rule, as arrays of the device on the host.

    Args:
        learning: what learns by the rule.
        modulators: of it.
    """

    def __init__(self, learning: Learning, modulators: Modulators) -> None:
        self._learning, names = learning, ("_modulators", "_levels", "_counts", "_integral")
        self._arrays = {n: np.array(learning.device.read(learning.arrays[n])) for n in names}
        self._table = self._arrays["_modulators"].reshape(modulators.count, tables.MODULATOR)
        self._levels = self._arrays["_levels"].reshape(modulators.count, tables.LEVEL)

    def tell(self, place: int, begin: int) -> ModulatorLevel:
        """Return what one has done, its integral from a step on."""
        row = self._table[place]
        filled, ahead = int(row[tables.MODULATOR_FILLED]), int(row[tables.MODULATOR_AHEAD])
        later = filled + 1 + np.arange(ahead)
        return ModulatorLevel(
            begin, filled, self._levels[place, LEVELS],
            self._arrays["_integral"][self._integral(place, begin, filled)],
            self._arrays["_counts"][row[tables.MODULATOR_COUNTS] + (later & ahead)],
        )  # fmt: skip

    def take(self, place: int, saved: ModulatorLevel, flown: int) -> None:
        """Let one have done this; weights have been brought to ``flown``."""
        row = self._table[place]
        row[tables.MODULATOR_FILLED], row[tables.MODULATOR_FLOWN] = saved.filled, flown
        self._levels[place, LEVELS] = saved.values
        first, ahead = int(row[tables.MODULATOR_COUNTS]), int(row[tables.MODULATOR_AHEAD])
        coming = saved.counts[:ahead]
        self._arrays["_counts"][first : first + ahead + 1] = 0
        later = saved.filled + 1 + np.arange(coming.size)
        self._arrays["_counts"][first + (later & ahead)] = coming
        where = self._integral(place, saved.base, saved.filled)
        self._arrays["_integral"][where] = saved.integral

    def write(self) -> None:
        """Write all of it to the device."""
        for name, values in self._arrays.items():
            self._learning.device.write(self._learning.arrays[name], values)

    def _integral(self, place: int, begin: int, filled: int) -> np.ndarray:
        """Return where the integrals of some steps are."""
        row = self._table[place]
        steps = np.arange(begin, filled + 1)
        return int(row[tables.MODULATOR_INTEGRAL]) + (steps & int(row[tables.MODULATOR_WRAP]))


def _numbered(
    resident: Resident, learning: Learning, modulators: Modulators
) -> Iterator[tuple[int, int]]:
    """Yield the number of each bundle of a rule, and the place of its modulator."""
    for (bundle, _), place in zip(learning.rows.pairs, modulators.of, strict=True):
        yield resident.wiring.bundles.index(bundle), place


def _seeing(resident: Resident) -> Iterator[tuple[int, int, list[str]]]:
    """Yield bundles whose rules see neurons of the partition: number, population, states."""
    for number, bundle in enumerate(resident.wiring.bundles):
        p = bundle.projections[0]
        if bundle.kind != layout.PLASTIC or p.plasticity is None:
            continue
        goal, states = p.target.population.number, p.plasticity.target_states.values()
        if states and resident.share.counts[goal]:
            yield number, goal, [seen.state for seen in states]
