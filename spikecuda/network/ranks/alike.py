"""Whether all processes run a network alike."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from spikecuda.common.checksum import checksum
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.network.model.trace import Trace
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.pauses import Pauses
from spikecuda.network.run.window import ResolvedInputs
from spikecuda.network.synapses.store import Wiring

# Elements of an array that are looked at in input, which may be larger than the network.
MOST_INPUT = 1 << 16


class Alike:
    """What processes compare before each run.

    Args:
        neurons: of each population.
        wiring: the synapses.
    """

    def __init__(self, neurons: Sequence[Neurons], wiring: Wiring) -> None:
        self._neurons, self._wiring = neurons, wiring
        self._names = [n.population.name for n in neurons]
        # What was looked at before, by what it is; it stays as it is.
        self._known: dict[tuple[str, int], tuple[Any, int]] = {}

    def of_run(
        self,
        steps: int,
        clock: int,
        drives: ResolvedInputs,
        spikes: Sequence[int],
        traces: Sequence[Trace],
        external: np.ndarray,
        pauses: Pauses | None,
        here: Sequence[int],
    ) -> Mapping[str, Any]:
        """Return what is compared, by what it is; ``here``: populations whose state is here."""
        chores = pauses.chores if pauses else ()
        projections = [p for bundle in self._wiring.bundles for p in bundle.projections]
        kept = self._kept
        names = self._names
        return {
            "duration or time": [steps, clock],
            "recorded spikes": [names[g] for g in spikes],
            "recorded variables": {
                f"{names[t.population]}, {t.name}": [t.every, kept("ids", i, t.ids, checksum)]
                for i, t in enumerate(traces)
            },
            "input": {
                names[g]: [kept("input", g, drive, _of_input), arrivals]
                for g, (drive, arrivals) in enumerate(drives)
            },
            "spike trains": external,
            "parameters": {
                names[g]: [
                    kept("parameters", g, n.constants, checksum), n.population.neurons.noise_seed
                ]
                for g, n in enumerate(self._neurons)
            },
            "state": {names[g]: self._neurons[g].state for g in here},
            "strength of couplings": {
                f"{i}, {c.coupling.name}": c.coupling.strength
                for i, c in enumerate(self._wiring.coupled)
            },
            "rules of synapses": {p.name: [p.plasticity, p.plastic] for p in projections},
            "what is done with weights at intervals": [
                [type(c).__qualname__, c.every, kept("chore", i, getattr(c, "what", c), _of_chore)]
                for i, c in enumerate(chores)
            ],
        }  # fmt: skip

    def _kept(self, what: str, number: int, value: Any, count: Callable[[Any], int]) -> int:
        """Return a checksum, counted unless this very object was looked at before."""
        before = self._known.get((what, number))
        if before is None or before[0] is not value:
            self._known[what, number] = before = value, count(value)
        return before[1]


def _of_chore(what: Any) -> int:
    """Return the checksum of what is done with weights; samples are compared beside it."""
    return 0 if hasattr(what, "act") else checksum(what)


def _of_input(drive: ResolvedInput) -> int:
    """Return the checksum of a population's input, whatever the run that it was resolved for."""
    parts = {name: part for name, part in vars(drive).items() if name != "steps"}
    return checksum(parts, MOST_INPUT)
