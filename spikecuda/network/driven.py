"""The input of a network: sources and drives, added, changed and taken away."""

from abc import abstractmethod
from typing import Any

from spikecuda.common.arguments import as_count
from spikecuda.common.exclusive_use import changes
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.inputs.drive import Drive
from spikecuda.inputs.input import Input
from spikecuda.network.described import HIDDEN, Described
from spikecuda.network.model.population import Population, View, as_view
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.rules import AllToAll, OneToOne
from spikecuda.network.model.spike_train import SpikeTrain
from spikecuda.network.model.trains import Given, silent
from spikecuda.runtime.neuron_spec import MAX_NEURONS

# Identities of sources in space: no population's is so large.
SOURCES = 1 << 40


class DrivenNetwork(Described):
    """The part of a network that is about its input."""

    @abstractmethod
    def _wire(self, given: Given) -> None:
        """Add the synapses of a train's drive to the network that is built."""

    @property
    def _rows_stay(self) -> bool:
        """Whether rows of a drive that is removed can no longer be taken away."""
        return self.built

    @property
    @abstractmethod
    def _clock(self) -> int:
        """Steps done since the last reset."""

    @changes
    def source(
        self,
        name: str,
        n: int,
        train: SpikeTrain,
        *,
        at_once: int | None = None,
        positions: Any = None,
    ) -> Population:
        """Add a source of ``n`` given spike trains, which can be connected like a population.

        ``net[name].train = SpikeTrain(...)`` gives it other spikes between runs.

        Args:
            name: an identifier that no other population of the network has.
            n: number of trains.
            train: the spikes; if it has no ``neurons``, all trains have these spikes.
            at_once: the most spikes of a train in one step that later trains may have; None: as
                many as ``train`` has.
            positions: where the trains come from, as for ``population``.

        Returns:
            The source, also available as ``net[name]``.

        Raises:
            SpikecudaError: the network is built or closed.
            SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
        """
        self._require_unbuilt("add sources")
        if not isinstance(train, SpikeTrain):
            raise SpikecudaTypeError(f"train must be a SpikeTrain (got {train!r:.80})")
        size = as_count("n", n, 1, MAX_NEURONS)
        most = self._most_at_once(train, size, at_once)
        space = self._place(positions, size, SOURCES + len(self._named))
        name = self._new_name(name)
        population = Population(self, -1, name, size, at_once=most, space=space)
        self._trains.add(Given(population, train, 0, at_once=at_once))
        self._named[name] = population
        return population

    @changes
    @out_of_memory("an input", "use one number for all neurons")
    def drive(
        self,
        target: Population | View | str,
        input: object,
        receptor: str | None = None,
        *,
        at_once: int | None = None,
        max_weight: float | None = None,
    ) -> Drive:
        """Add input to a population: currents, noise, Poisson pulses or given trains.

        Several inputs add up.  Input can be added at any time, also after the build, and acts from
        the next step on.  ``reset`` keeps all input.

        Args:
            target: population, view or name.
            input: as for ``GPUNeuronPool.run``: a number, an array (neurons,), or an ``Input``; or
                a ``SpikeTrain``.
            receptor: where spikes arrive, with weights in its unit.  None uses the only receptor,
                or for Poisson input the membrane (mV) of a population without receptors.
            at_once: for a ``SpikeTrain``: the most spikes in one step that later ones may have.
            max_weight: for a ``SpikeTrain``: the largest size of later weights.

        Returns:
            A ``Drive``, whose attributes are the input's numbers, to read and to change.

        Raises:
            SpikecudaError: the network is closed.
            SpikecudaValueError, SpikecudaTypeError: an argument cannot be used, or a ``SpikeTrain``
                after the build does not fit into the receptor's fixed-point scale.
        """
        self._require_open()
        view = as_view("target", target, self._named)
        view.population.require_neurons()
        drive = Drive(self, view.population.name, ())
        if isinstance(input, SpikeTrain):
            self._drive_train(drive, view, input, receptor, at_once, max_weight)
            self._handles.append(drive)
            return drive
        for name, value in (("at_once", at_once), ("max_weight", max_weight)):
            if value is not None:
                raise SpikecudaValueError(
                    f"{name} is for a SpikeTrain (got {value!r} for {shown(input)}); leave it out"
                )
        self._drives.add(drive, view, input, receptor)
        self._handles.append(drive)
        return drive

    @property
    def drives(self) -> tuple[Drive, ...]:
        """The handles of all input, in the order of ``drive``, without those removed."""
        return tuple(self._handles)

    @changes
    def change_drive(self, drive: Drive, value: object) -> None:
        """Let a drive have another input from the next step on; see ``Drive``."""
        self._require_open()
        if drive in self._drives:
            if isinstance(value, SpikeTrain):
                raise SpikecudaTypeError(
                    "a drive stays what it was added as (got a SpikeTrain for "
                    f"{shown(drive.input)}); remove() it and add another"
                )
            self._drives.change(drive, value, self.built)
            return
        given = self._trains.of_drive(drive)
        if isinstance(value, list) and len(value) == 1:
            (value,) = value
        train = self._trains.require(given, value, self.built)
        projection = given.projection
        assert projection is not None
        if train.weight != given.train.weight:
            if self.built:
                projection.weights = train.weight
            else:
                self._replace_projection(given, self._row(
                    given.source, projection.target, train, projection.receptor,
                    given.max_weight,
                ))  # fmt: skip
        self._trains.replace(given, train, self._clock, self.built)
        drive.settle([train])

    @changes
    def remove_drive(self, drive: Drive) -> None:
        """Take a drive away; see ``Drive``."""
        self._require_open()
        if drive in self._drives:
            self._drives.remove(drive, self.built)
            self._handles.remove(drive)
            return
        given = self._trains.of_drive(drive)
        if self._rows_stay:  # and nobody sends into them
            self._trains.replace(given, silent(given.train), self._clock)
        else:
            assert given.projection is not None
            self._wired.remove(given.projection)
            self._trains.drop(given)
        given.drive = None
        drive.settle(None)
        self._handles.remove(drive)

    def inputs_of(self, population: Population) -> list[tuple[Input, str]]:
        """Return the inputs of a population, each with the receptor it arrives at; "": none.

        Given trains are not among them.
        """
        return self._drives.get(population.name)

    def train_of(self, source: Population) -> SpikeTrain:
        """Return the spikes of a source; see ``Population.train``."""
        return self._trains.of_source(source).train

    @changes
    def replace_train(self, source: Population, value: object) -> None:
        """Give a source other spikes from the next step on; see ``Population.train``."""
        self._require_open()
        given = self._trains.of_source(source)
        train = self._trains.require(given, value, self.built)
        self._trains.replace(given, train, self._clock, self.built)

    # Parts of it.

    def _drive_train(
        self,
        drive: Drive,
        view: View,
        train: SpikeTrain,
        receptor: str | None,
        at_once: int | None,
        max_weight: float | None,
    ) -> None:
        """Let given spikes arrive: a hidden source with a row for each train."""
        size = 1 if train.neurons is None else view.size
        source = Population(self, -1, "", size, at_once=self._most_at_once(train, size, at_once))
        projection = self._row(source, view, train, receptor, max_weight)
        since = self._clock, None
        given = Given(source, train, 1, projection, drive, at_once, max_weight, since)
        if self.built:
            self._wire(given)
        self._trains.add(given)
        self._wired.append(projection)
        drive.settle([train])

    def _row(
        self,
        source: Population,
        view: View,
        train: SpikeTrain,
        receptor: str | None,
        max_weight: float | None,
    ) -> Projection:
        """Return the projection of a train's drive."""
        rule = AllToAll() if train.neurons is None else OneToOne()
        return Projection(
            self, self.dt, self._seeds.wiring, HIDDEN, View(source), view, rule, train.weight,
            self.dt, receptor, max_weight=max_weight,
        )  # fmt: skip

    def _replace_projection(self, given: Given, projection: Projection) -> None:
        assert given.projection is not None
        self._wired[self._wired.index(given.projection)] = projection
        given.projection = projection

    def _most_at_once(self, train: SpikeTrain, size: int, at_once: Any) -> int:
        """Return how many spikes of a train may come in one step."""
        most = train.most_at_once(self.dt, size)
        given = most if at_once is None else as_count("at_once", at_once, 1, 2**20)
        if given < most:
            raise SpikecudaValueError(
                f"at_once must be at least {most}, the spikes that a train has in one step (got "
                f"{given}); give more, or leave it out"
            )
        return given
