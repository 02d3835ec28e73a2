"""What moves in a network, as arrays of a file and back; see ``network.run.moving``."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spikecuda.common.npz import FormatError
from spikecuda.network.model.projection import Projection
from spikecuda.network.run.moving import (
    SOURCE,
    TARGET,
    Arrivals,
    Marks,
    ModulatorLevel,
    Moving,
    SpikeHistory,
)
from spikecuda.network.synapses.store import Wiring
from spikecuda.saving.save_file import Saved

ARRIVALS = (
    ("step", "i8"), ("population", "i4"), ("port", "i4"), ("neuron", "i4"), ("amount", "i4"),
)  # fmt: skip
REALS = "f4 f8"


def moving_tree(
    moving: Moving, wiring: Wiring, sizes: Sequence[int], state: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Return what moves as a tree; its arrays go to ``state``.

    Args:
        moving: of a whole network.
        wiring: its synapses.
        sizes: neurons of each population, sources included.
        state: arrays by name.
    """
    arrivals = moving.summed()
    for (name, _), array in zip(ARRIVALS, arrivals.arrays(), strict=True):
        state[f"arrivals/{name}"] = array
    state["spikes"] = moving.spikes.astype(np.int64)
    for (number, role), parts in moving.histories.items():
        spikes = SpikeHistory.joined(sizes[_neurons(wiring, number, role)], parts)
        for name in ("counts", "steps", "values"):
            state[f"history/{number}/{role}/{name}"] = getattr(spikes, name)
    for number, level in moving.levels.items():
        for name in ("values", "integral", "counts"):
            state[f"level/{number}/{name}"] = getattr(level, name)
    for number, rings in moving.seen.items():
        ordered = sorted(rings, key=lambda part: part[0])
        # Each ring is as long as its device needs it, and so long is enough for all.
        steps = min(ring.shape[0] for _, ring in ordered)
        state[f"seen/{number}"] = np.concatenate([ring[:steps] for _, ring in ordered], axis=2)
    return {
        "clock": moving.clock,
        "seconds": moving.seconds,
        "events": int(moving.events),
        "histories": [list(key) for key in moving.histories],
        "marks": [[number, *vars(marks).values()] for number, marks in moving.marks.items()],
        "levels": [[n, level.base, level.filled] for n, level in moving.levels.items()],
        "seen": list(moving.seen),
        "own": list(moving.own),
    }


def moving_of(tree: dict[str, Any], saved: Saved) -> Moving:
    """Return what moves of ``moving_tree``, all that can be checked without the synapses."""
    columns = [saved.take(f"arrivals/{name}", kind, 1) for name, kind in ARRIVALS]
    if len({column.size for column in columns}) > 1:
        raise FormatError("its arrivals are not of one length")
    moving = Moving(
        int(tree["clock"]), float(tree["seconds"]), int(tree["events"]),
        saved.take("spikes", "i8", 1), [columns],
    )  # fmt: skip
    for number, role in tree["histories"]:
        key = f"history/{number}/{role}/"
        counts, steps = saved.take(f"{key}counts", "i4", 1), saved.take(f"{key}steps", "i4", 1)
        values = saved.take(f"{key}values", REALS, 2, steps.size)
        if (counts < 0).any() or int(counts.sum(dtype=np.int64)) != steps.size:
            raise FormatError(f"array {key}counts must add up to {steps.size:,}")
        moving.histories[int(number), str(role)] = [(0, SpikeHistory(counts, steps, values))]
    for number, *marks in tree["marks"]:
        moving.marks[int(number)] = Marks(*marks)
    for number, base, filled in tree["levels"]:
        integral = saved.take(f"level/{number}/integral", "f8", 1, filled - base + 1)
        values = saved.take(f"level/{number}/values", "f8", 1, 3)
        counts = saved.take(f"level/{number}/counts", "i4", 1)
        moving.levels[int(number)] = ModulatorLevel(
            int(base), int(filled), values, integral, counts
        )
    moving.own = [int(number) for number in tree["own"]]
    for number in tree["seen"]:
        moving.seen[int(number)] = [(0, saved.take(f"seen/{number}", REALS, 3))]
    return moving


def require_fitting(moving: Moving, wiring: Wiring, sizes: Sequence[int]) -> None:
    """Raise FormatError unless what moves fits the synapses that were built.

    Args:
        moving: what ``moving_of`` returned.
        wiring: the synapses.
        sizes: neurons of each population, sources included.
    """
    arrivals: Arrivals = moving.summed()
    if moving.spikes.size != len(sizes):
        raise FormatError(f"array 'spikes' must have {len(sizes)} rows")
    if arrivals.step.size:
        late = arrivals.step - moving.clock
        known = (arrivals.population >= 0) & (arrivals.population < len(sizes))
        most = np.array(sizes)[np.where(known, arrivals.population, 0)]
        inside = known & (late >= 0) & (late < max(1, wiring.longest))
        inside &= (arrivals.neuron >= 0) & (arrivals.neuron < most)
        ports = {port for _, port in wiring.exponent}
        inside &= np.isin(arrivals.port, list(ports))
        if not inside.all():
            raise FormatError("array 'arrivals/step' has what no run can have sent")
    for (number, role), ((_, spikes),) in moving.histories.items():
        size = sizes[_neurons(wiring, number, role)]
        newest = int(spikes.steps.max(initial=-1))
        if spikes.counts.size != size or newest > moving.clock:
            raise FormatError(f"array 'history/{number}/{role}/counts' must have {size:,} rows")
    for number, level in moving.levels.items():
        p, marks = _learning(wiring, number), moving.marks.get(number)
        ready = p.modulator is not None and marks is not None and 0 <= level.base <= marks.flown
        newest = moving.clock + p.modulator_delay
        if not (ready and level.base - 1 <= level.filled < newest and level.counts.size):
            raise FormatError(f"array 'level/{number}/integral' is of other steps than its run")
    for number, ((_, ring),) in moving.seen.items():
        rule, size = _learning(wiring, number).plasticity, sizes[_neurons(wiring, number, TARGET)]
        states = 0 if rule is None else len(rule.target_states)
        if ring.shape[1:] != (states, size):
            raise FormatError(f"array 'seen/{number}' must be of {states} x {size:,} values")


def _learning(wiring: Wiring, number: int) -> Projection:
    """Return the projection of a bundle that learns."""
    if not 0 <= number < len(wiring.bundles):
        raise FormatError(f"it has what bundle {number} learns from")
    return wiring.bundles[number].projections[0]


def _neurons(wiring: Wiring, number: int, role: str) -> int:
    """Return the number of the population that a history is of."""
    if not 0 <= number < len(wiring.bundles):
        raise FormatError(f"it has a history of bundle {number}")
    bundle = wiring.bundles[number]
    goal = bundle.projections[0].target.population.number
    return bundle.source if role == SOURCE else goal
