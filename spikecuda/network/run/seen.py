"""States of targets that rules of synapses see: which, how many steps later, for how long."""

from dataclasses import dataclass

import numpy as np

from spikecuda.common.time_grid import nearest_step
from spikecuda.network.model.projection import Projection
from spikecuda.network.run.device_histories import deltas
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.synapses.store import Wiring


def seen_later(projection: Projection) -> tuple[int, ...]:
    """Return how many steps later each state of the targets is seen, in the rule's order."""
    rule = projection.plasticity
    assert rule is not None
    return tuple(
        nearest_step(rule.params[seen.later], projection.dt) if seen.later else 0
        for seen in rule.target_states.values()
    )


def start_of(neurons: Neurons, state: str) -> np.ndarray:
    """Return what a state of a population was before the first step, (neurons,)."""
    start = neurons.population.neurons.start(state)
    return np.broadcast_to(start, neurons.state[state].shape)


@dataclass(frozen=True)
class SeenStates:
    """What rules see of their targets on a device.

    Attributes:
        of: the states of each population, by its number, sorted.
        steps: of which they are kept: a power of two.
    """

    of: dict[int, tuple[str, ...]]
    steps: int

    @property
    def names(self) -> tuple[str, ...]:
        """All states, sorted."""
        return tuple(sorted({name for names in self.of.values() for name in names}))


def seen_states(wiring: Wiring, window: int) -> SeenStates:
    """Return what rules see of their targets.

    Args:
        wiring: the synapses.
        window: the most steps of a window.
    """
    found: dict[int, set[str]] = {}
    back = 0
    for bundle in wiring.bundles:
        p = bundle.projections[0]
        if not bundle.ruled or p.plasticity is None or not p.plasticity.target_states:
            continue
        states = {seen.state for seen in p.plasticity.target_states.values()}
        found.setdefault(p.target.population.number, set()).update(states)
        back = max(back, deltas(bundle, wiring)[1] + max(seen_later(p)))
    ordered = {g: tuple(sorted(states)) for g, states in found.items()}
    return SeenStates(ordered, 1 << (back + window + 1).bit_length())
