"""Make the parts of a network again for another one that is described alike."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from spikecuda.common.seed import Seeds
from spikecuda.errors import SpikecudaValueError, shown
from spikecuda.inputs.drive import Drive
from spikecuda.network.model.coupling import Coupling
from spikecuda.network.model.population import Population, View
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.trains import Given, Trains
from spikecuda.runtime.adjust import reseeded


class Twins:
    """The parts of a network that correspond to those of the network that it was made from.

    Args:
        owner: the new network.
        seeds: of it.
    """

    def __init__(self, owner: Any, seeds: Seeds) -> None:
        self._owner, self._seeds = owner, seeds
        self._found: dict[Any, Any] = {}

    def follow(self, first: "Twins") -> None:
        """Let parts of the network that ``first`` was made from stand for those of this one's.

        Args:
            first: of a network of the same structure, whose parts were made in the same order.
        """
        self._found |= dict(zip(first._found, self._found.values(), strict=False))

    def find(self, part: Any) -> Any:
        """Return what corresponds to a population, view, projection or drive.

        Raises:
            SpikecudaValueError: it belongs to neither network.
        """
        if isinstance(part, View) and part.population in self._found:
            return self.view(part)
        try:
            return self._found[part]
        except (KeyError, TypeError):
            raise SpikecudaValueError(
                "part must be a population, view, projection or drive of the network that the "
                "ensemble was made from, of several networks of the first one (got "
                f"{shown(part)}); "
                "parts of a replica need no own()"
            ) from None

    def population(self, number: int, population: Population) -> Population:
        """Return a population, or a source, made again.

        Args:
            number: its number in the new network.
            population: the original.
        """
        spec = population.neuron_spec
        made = Population(
            self._owner, number, population.name, population.size,
            None if spec is None else reseeded(spec, self._seeds, population.name),
            dict(population.receptors), population.at_once, population.space,
            list(population.between),
        )  # fmt: skip
        self._found[population] = made
        return made

    def view(self, view: View) -> View:
        """Return the same neurons of the new network's population."""
        made = copy.copy(view)
        object.__setattr__(made, "population", self._found[view.population])
        return made

    def projection(self, projection: Projection) -> Projection:
        """Return a projection made again."""
        made = copy.copy(projection)
        changed: Mapping[str, Any] = {
            "handle": self._owner, "seed": self._seeds.wiring,
            "source": self.view(projection.source), "target": self.view(projection.target),
            "modulator": None if projection.modulator is None else self.view(projection.modulator),
        }  # fmt: skip
        for name, value in changed.items():
            object.__setattr__(made, name, value)
        self._found[projection] = made
        return made

    def coupling(self, coupling: Coupling) -> Coupling:
        """Return a coupling made again; its pairs are drawn anew."""
        made = copy.copy(coupling)
        pairs = self.projection(coupling.pairs)
        changed: Mapping[str, Any] = {
            "handle": self._owner, "pairs": pairs, "source": pairs.source, "target": pairs.target,
        }  # fmt: skip
        for name, value in changed.items():
            object.__setattr__(made, name, value)
        made._drawn = None
        self._found[coupling] = made
        return made

    def drive(self, drive: Drive, inputs: Any) -> Drive:
        """Return the handle of a drive made again, with inputs."""
        made = Drive(self._owner, drive._whose, inputs)
        self._found[drive] = made
        return made

    def trains(self, trains: Trains) -> Trains:
        """Return given trains made again, as they are now; all is still to be sent."""
        made = Trains(trains.dt)
        for given in trains.given:
            source = self._found.get(given.source)
            if source is None:  # of a drive
                source = self.population(-1, given.source)
            drive = None if given.drive is None else self.drive(given.drive, [given.train])
            row = None if given.projection is None else self.projection(given.projection)
            made.add(
                Given(source, given.train, given.early, row, drive, given.at_once, given.max_weight)
            )
        return made

    def drives(self, entries: Any, into: Any) -> None:
        """Add drives made again.

        Args:
            entries: of the original network.
            into: the new network's drives.
        """
        for entry in entries:
            # Inputs keep what they have worked out for a run: each network has its own.
            inputs = [replace(term) for term in entry.inputs]
            into.add(self.drive(entry.drive, ()), self.view(entry.view), inputs, entry.receptor)
