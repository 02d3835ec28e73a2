"""The input of the populations of a network; it can be added at any time."""

from collections.abc import Sequence

import numpy as np

from spikecuda.errors import SpikecudaValueError
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.inputs.stimulus import Input, PerStep, as_inputs
from spikecuda.network.model.population import Population, View
from spikecuda.network.model.projection import find_receptor
from spikecuda.runtime.resolve_input import require_taken, resolve_input

# An input of a whole population, and the receptor that it arrives at; "": none.
Drive = tuple[Input, str]
# What a run takes of a population's: its input, and the receptor of each that is spikes.
Resolved = tuple[ResolvedInput, tuple[str, ...]]


class Drives:
    """The input of all populations.

    Args:
        dt: of the network, in ms.
    """

    def __init__(self, dt: float) -> None:
        self._dt = dt
        self._given: dict[str, list[Drive]] = {}
        # As runs take them, unless a run's length matters.
        self._resolved: dict[str, Resolved] = {}

    def __len__(self) -> int:
        return sum(map(len, self._given.values()))

    def get(self, population: str, default: Sequence[Drive] = ()) -> Sequence[Drive]:
        """Return the input of a population by its name."""
        return self._given.get(population, default)

    def add(self, view: View, value: object, receptor: str | None) -> None:
        """Add input of a view, all of it or nothing; see ``Network.drive``."""
        terms = as_inputs(value)
        require_taken(view.population.neurons, terms)
        added = [self._checked(view, term, receptor) for term in terms]
        self._given.setdefault(view.population.name, []).extend(added)
        self._resolved.pop(view.population.name, None)

    def resolve(self, population: Population, steps: int) -> Resolved:
        """Return what a run of so many steps takes of a population's input."""
        known = self._resolved.get(population.name)
        if known is not None and known[0].seed == population.neurons.noise_seed:
            return known
        given = self.get(population.name)
        drive = resolve_input(population.neurons, tuple(term for term, _ in given), steps)
        result = drive, tuple(name for term, name in given if not term.current)
        if not any(term.of_one_run for term, _ in given):
            self._resolved[population.name] = result
        return result

    def _checked(self, view: View, term: Input, receptor: str | None) -> Drive:
        """Return an input of a view as one of its population, and the receptor it arrives at."""
        name, population = "", view.population
        if term.current and receptor is not None:
            raise SpikecudaValueError(
                f"receptor is for spikes (got {type(term).__name__} for {receptor!r}); currents "
                "reach the membrane as they are"
            )
        if not term.current and (population.receptors or receptor is not None):
            name = find_receptor(view, receptor)[0]
        # Checked now, so that the error is at the line that made it; of rows all but their number.
        steps = None if term.of_one_run else 1
        if isinstance(term, PerStep) and isinstance(term.values, np.ndarray):
            steps = len(term.values)
        if steps is not None:
            ResolvedInput(term, view.size, self._dt, steps, population.neurons.precision.real)
        kind = population.receptors[name] if name else None
        if kind is not None and kind.positive and np.any(np.less(term.weight, 0)):
            raise SpikecudaValueError(
                f"weight of {name!r} must be >= 0 {kind.unit}, a conductance (got "
                f"{np.min(term.weight):g})"
            )
        return (term if view.whole else term.spread(view.ids, population.size)), name
