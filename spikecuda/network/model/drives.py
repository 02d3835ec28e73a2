"""The input of the populations of a network; it can be added, changed and removed at any time."""

from dataclasses import dataclass

import numpy as np

from spikecuda.errors import SpikecudaValueError
from spikecuda.inputs.drive import Drive
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.inputs.stimulus import Input, PerStep, as_inputs
from spikecuda.network.model.population import Population, View
from spikecuda.network.model.projection import find_receptor
from spikecuda.runtime.adjust import announce_input
from spikecuda.runtime.resolve_input import require_taken, resolve_input

# An input of a whole population, and the receptor that it arrives at; "": none.
Arrival = tuple[Input, str]
# What a run takes of a population's: its input, and the receptor of each that is spikes.
Resolved = tuple[ResolvedInput, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Entry:
    """A drive, as it was added.

    Attributes:
        drive: the handle.
        view: which neurons.
        receptor: where spikes arrive, as the user said.
        inputs: as they were given; ``arrivals``: the same, of the whole population.
    """

    drive: Drive
    view: View
    receptor: str | None
    inputs: tuple[Input, ...]
    arrivals: list[Arrival]


class Drives:
    """The input of all populations.

    Args:
        dt: of the network, in ms.
    """

    def __init__(self, dt: float) -> None:
        self._dt = dt
        self._given: dict[str, list[Entry]] = {}
        # As runs take them, unless a run's length matters.
        self._resolved: dict[str, Resolved] = {}

    def __len__(self) -> int:
        return sum(len(self.get(population)) for population in self._given)

    def __contains__(self, drive: Drive) -> bool:
        return any(entry.drive is drive for entries in self._given.values() for entry in entries)

    def get(self, population: str) -> list[Arrival]:
        """Return the input of a population by its name."""
        return [arrival for entry in self._given.get(population, ()) for arrival in entry.arrivals]

    def entry(self, drive: Drive) -> Entry:
        """Return a drive as it was added, and changed since."""
        return self._find(drive)[2]

    @property
    def entries(self) -> list[Entry]:
        """All drives, those of a population in the order in which they were added."""
        return [entry for entries in self._given.values() for entry in entries]

    def add(self, drive: Drive, view: View, value: object, receptor: str | None) -> None:
        """Add input of a view, all of it or nothing; see ``Network.drive``."""
        entry = self._entry(drive, view, value, receptor)
        drive.settle(entry.inputs)
        self._given.setdefault(view.population.name, []).append(entry)
        self.forget(view.population.name)

    def change(self, drive: Drive, value: object, built: bool) -> None:
        """Let a drive have another input, or raise and change nothing.

        Args:
            drive: the handle.
            value: the input.
            built: whether kernels are made, so that another structure must be said.
        """
        name, place, before = self._find(drive)
        # What is resolved at once is checked there.
        resolved = name in self._resolved
        entry = self._entry(drive, before.view, value, before.receptor, check=not resolved)
        self._put(name, place, entry, built)
        drive.settle(entry.inputs)

    def remove(self, drive: Drive, built: bool) -> None:
        """Take a drive away."""
        name, place, _ = self._find(drive)
        self._put(name, place, None, built)
        drive.settle(None)

    def forget(self, population: str | None = None) -> None:
        """Resolve input anew for the next run, of a population or of all."""
        for name in [population] if population is not None else list(self._resolved):
            self._resolved.pop(name, None)

    def resolve(
        self, population: Population, total: int, first: int = 0, steps: int | None = None
    ) -> Resolved:
        """Return what a piece of a run takes of a population's input.

        Args:
            population: whose.
            total: steps of the run.
            first: of them, the piece's first one; ``steps``: how many it has; None: all.
        """
        steps = total if steps is None else steps
        if population.name in self._resolved:
            return self._resolved[population.name]
        given = self.get(population.name)
        terms = tuple(term.piece(total, first, steps) for term, _ in given)
        drive = resolve_input(population.neurons, terms, steps)
        result = drive, tuple(name for term, name in given if not term.current)
        if not any(term.of_one_run for term, _ in given):
            self._resolved[population.name] = result
        return result

    def _find(self, drive: Drive) -> tuple[str, int, Entry]:
        return next(
            (name, place, entry)
            for name, entries in self._given.items()
            for place, entry in enumerate(entries)
            if entry.drive is drive
        )

    def _put(self, name: str, place: int, entry: Entry | None, built: bool) -> None:
        """Put an entry in place of another one; None: take that away."""
        entries = self._given[name]
        old, before = entries[place], self._resolved.pop(name, None)
        population = old.view.population
        entries[place : place + 1] = [] if entry is None else [entry]
        if before is None:
            return
        try:
            if not any(term.of_one_run for term, _ in self.get(name)):
                after = self.resolve(population, 1, 0, 1)
                if built and (after[0].spec, after[1]) != (before[0].spec, before[1]):
                    announce_input(name)
        except BaseException:
            entries[place : place + (entry is not None)] = [old]
            self._resolved[name] = before
            raise

    def _entry(
        self, drive: Drive, view: View, value: object, receptor: str | None, check: bool = True
    ) -> Entry:
        """Return an entry for an input; raise for what is no input."""
        terms = as_inputs(value)
        require_taken(view.population.neurons, terms)
        arrivals = [self._checked(view, term, receptor, check) for term in terms]
        return Entry(drive, view, receptor, terms, arrivals)

    def _checked(self, view: View, term: Input, receptor: str | None, check: bool) -> Arrival:
        """Return an input of a view as one of its population, and the receptor it arrives at.

        Args:
            view, term, receptor: as they were given.
            check: whether to check the numbers of what is not checked later.
        """
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
        if steps is not None and (check or not view.whole or term.of_one_run):
            ResolvedInput(term, view.size, self._dt, steps, population.neurons.precision.real)
        kind = population.receptors[name] if name else None
        if kind is not None and kind.positive and np.any(np.less(term.weight, 0)):
            raise SpikecudaValueError(
                f"weight of {name!r} must be >= 0 {kind.unit}, a conductance (got "
                f"{np.min(term.weight):g})"
            )
        return (term if view.whole else term.spread(view.ids, population.size)), name
