"""Populations, views and assemblies: parameters and start values, until a network needs them."""

from typing import Any

import numpy as np
from pyNN import common
from pyNN.errors import InvalidParameterValueError, NonExistentParameterError
from pyNN.parameters import ArrayParameter, LazyArray, ParameterSpace
from pyNN.parameters import simplify as simplified

from spikecuda.pynn import simulator
from spikecuda.pynn.cells_of import numbers, whole
from spikecuda.pynn.recording import Recorder
from spikecuda.pynn.standardmodels.base import NotAvailableError
from spikecuda.pynn.standardmodels.receptors import flat
from spikecuda.pynn.trains import Trains


class Assembly(common.Assembly):
    __doc__ = common.Assembly.__doc__
    _simulator = simulator


class _Cells:
    """What populations and views share: both keep what they have in the whole population."""

    _simulator = simulator
    _assembly_class = Assembly
    celltype: Any

    def _get_view(self, selector: Any, label: str | None = None) -> "PopulationView":
        return PopulationView(self, selector, label)

    def _get_parameters(self, *names: str) -> ParameterSpace:
        owner, ids = whole(self), numbers(self)
        found = {}
        for name in names or tuple(owner.parameters):
            value = simplified(owner.parameters[name][ids])
            kind = type(value) if isinstance(value, ArrayParameter) else None
            found[name] = LazyArray(value, shape=(ids.size,), dtype=kind)
        return ParameterSpace(found, shape=(ids.size,))

    _get_native_parameters = _get_parameters

    def _set_parameters(self, parameter_space: ParameterSpace) -> None:
        owner, ids = whole(self), numbers(self)
        names = ", ".join(parameter_space.keys())
        try:
            parameter_space.shape = (ids.size,)
            parameter_space.evaluate(simplify=False)
            given = flat(parameter_space)
        except (TypeError, ValueError) as error:
            raise InvalidParameterValueError(f"{names} cannot have this value: {error}") from error
        changed = {}
        for name, value in given.items():
            if name not in owner.parameters:
                raise NonExistentParameterError(name, type(self.celltype), owner.parameters)
            changed[name] = owner.parameters[name].copy()
            changed[name][ids] = value
        if not changed:
            raise InvalidParameterValueError(f"{names} cannot be a dict with nothing in it")
        owner.change(changed)

    def _set_initial_value_array(self, variable: str, initial_values: LazyArray) -> None:
        owner, ids = whole(self), numbers(self)
        values = np.broadcast_to(initial_values.evaluate(simplify=False), (ids.size,))
        owner.begin(variable, ids, np.asarray(values, np.float64))


class PopulationView(_Cells, common.PopulationView):
    __doc__ = common.PopulationView.__doc__

    @property
    def initial_values(self) -> dict[str, LazyArray]:
        """Start values of the neurons of the view."""
        ids = numbers(self)
        found = whole(self).start_values
        return {name: LazyArray(values[ids]) for name, values in found.items()}


class Population(_Cells, common.Population):
    __doc__ = common.Population.__doc__
    _recorder_class = Recorder

    def __init__(self, *args: Any, **parameters: Any) -> None:
        state = simulator.state
        recorders, populations = set(state.recorders), list(state.populations)
        try:
            super().__init__(*args, **parameters)
        except BaseException:  # nothing of it is left
            state.recorders, state.populations = recorders, populations
            raise

    def _create_cells(self) -> None:
        state = simulator.state
        if not hasattr(self.celltype, "trains") and not hasattr(self.celltype, "native"):
            raise NotAvailableError(
                f"{type(self.celltype).__name__} is a cell type of another backend (got it for "
                f"{self.label}); import cell types from spikecuda.pynn"
            )
        if self.size < 1:
            raise InvalidParameterValueError(
                f"size of {self.label} must be >= 1 (got {self.size}); leave it out if it is empty"
            )
        state.extend("a population")
        ids = range(state.id_counter, state.id_counter + self.size)
        state.id_counter += self.size
        self.all_cells = np.array([simulator.ID(i) for i in ids], simulator.ID)
        self._mask_local = np.ones(self.size, bool)
        for cell in self.all_cells:
            cell.parent = self
        space = self.celltype.native_parameters
        space.shape = (self.size,)
        for part in [space, *(v for v in space._parameters.values() if hasattr(v, "items"))]:
            part.shape = (self.size,)
        space.evaluate(simplify=False)
        self.parameters = {n: _spread(v, self.size) for n, v in flat(space).items()}
        self.start_values: dict[str, np.ndarray] = {}
        if self.drawn:
            self.new_trains()
        self.number = len(state.populations)
        state.populations.append(self)

    @property
    def drawn(self) -> bool:
        """Whether it is a population of spike sources."""
        return hasattr(self.celltype, "trains")

    @property
    def values(self) -> dict[str, Any]:
        """Parameters in PyNN's units: one value, or an array where they differ."""
        return {name: simplified(value) for name, value in self.parameters.items()}

    def new_trains(self) -> Trains:
        """Return the spikes of its sources from time 0 on."""
        state, number = simulator.state, len(simulator.state.populations)
        number = getattr(self, "number", number)

        def generators(*numbers: int) -> np.random.Generator:
            return state.generator("trains", number, *numbers)

        trains = self.celltype.trains(self.size, state.dt, generators)
        trains.take(self.parameters, state.step)
        return trains

    def change(self, changed: dict[str, np.ndarray]) -> None:
        """Have other parameters, all neurons' by name; a refused change changes nothing."""
        before = self.parameters
        self.parameters = {**before, **changed}
        try:
            network = simulator.state.settle()
            if network is not None:
                network.change(self)
            elif self.drawn:
                self.new_trains()
        except BaseException:
            self.parameters = before
            raise

    def begin(self, variable: str, ids: np.ndarray, values: np.ndarray) -> None:
        """Have other start values, which are the state now if the network has run.

        Raises:
            NotAvailableError: there is no such variable.
        """
        variables = getattr(self.celltype, "variables", {})
        if variable not in {**variables, **self.celltype.default_initial_values}:
            raise NotAvailableError(
                f"{variable} of {self.label} has no start value (got {np.ravel(values)[0]:g}); "
                f"{type(self.celltype).__name__} has {', '.join(variables) or 'none'}"
            )
        whole = self.start_values.get(variable)
        whole = np.zeros(self.size) if whole is None else whole.copy()
        whole[ids] = values
        self.start_values[variable] = whole
        network = simulator.state.settle()
        if network is not None:
            network.set_state(self, variable, ids, values)

    def _set_cell_initial_value(self, id: Any, variable: str, value: Any) -> None:
        self.begin(variable, np.array([self.id_to_index(id)]), np.array([value], np.float64))
        self.initial_values[variable] = LazyArray(self.start_values[variable])


def _spread(value: Any, size: int) -> np.ndarray:
    """Return an array with one value for each neuron, of numbers or of sequences."""
    spread = np.broadcast_to(np.asarray(value, object), (size,))
    return np.array(spread if isinstance(spread[0], ArrayParameter) else spread.astype(float))
