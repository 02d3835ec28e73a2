"""A population of a network, and views of part of it."""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikecuda.common.arguments import is_name
from spikecuda.common.arrays import WHOLE, view_array, whole_numbers
from spikecuda.common.distributions import Distribution
from spikecuda.common.fixed import Fixed
from spikecuda.common.given_copy import give_copy
from spikecuda.common.named import Named
from spikecuda.common.notebook import facts_html
from spikecuda.errors import (
    SpikecudaAttributeError,
    SpikecudaKeyError,
    SpikecudaTypeError,
    SpikecudaValueError,
    nearest,
)
from spikecuda.kernels.receptors import ReceptorSpec, between, jumps
from spikecuda.network.model.coupled import Coupled
from spikecuda.network.model.handle import Handle
from spikecuda.network.model.parameters import PopulationParameters, Ports
from spikecuda.network.model.receptor import Receptor
from spikecuda.runtime.neuron_spec import NeuronSpec
from spikecuda.runtime.parameters import Parameters
from spikecuda.space.positions import Placed


@dataclass(eq=False)
class Population(Fixed):
    """A population: neurons of one model with the same receptors, or a source of spike trains.

    ``population[:100]``, ``population[[3, 17]]`` and ``population[mask]`` are views of it.

    Attributes:
        handle: reads and writes its state.
        number: its number in the network.
        name: its name in the network.
        size: number of neurons, or of trains.
        neuron_spec: model, parameters, start values; None for a source.
        receptors: by name, in the order of their ports.
        between: names of receptors that spikes reach between steps, too; their ports come after.
        at_once: the most spikes of one neuron, or train, in one step.
        space: where its neurons or trains are; None: they have no positions.
    """

    handle: Handle
    number: int
    name: str
    size: int
    neuron_spec: NeuronSpec | None = None
    receptors: Mapping[str, Receptor] = field(default_factory=dict)
    at_once: int = 1
    space: Placed | None = None
    between: list[str] = field(default_factory=list)
    _ports: dict[int, tuple[ReceptorSpec, ...]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.receptors = Ports(self, self.receptors)
        self._fix()

    def place(self, number: int) -> None:
        """Give it another place in the network: a source's is known when the network is built."""
        object.__setattr__(self, "number", number)

    def widen(self, at_once: int) -> None:
        """Let trains have so many spikes in one step: for the network alone, before the build."""
        object.__setattr__(self, "at_once", at_once)

    @property
    def train(self) -> Any:
        """The spikes of a source, a ``SpikeTrain``; another one can be assigned between runs.

        Spikes that were sent and have not arrived yet still do.
        """
        self._require_source()
        return self.handle.train_of(self)

    @train.setter
    def train(self, value: object) -> None:
        self._require_source()
        self.handle.replace_train(self, value)

    def _require_source(self) -> None:
        if self.neuron_spec is not None:
            raise SpikecudaAttributeError(
                f"{self.name} has no train: it has neurons; net.drive({self.name!r}, "
                "SpikeTrain(...)) lets spikes arrive there"
            )

    @property
    def ports(self) -> tuple[ReceptorSpec, ...]:
        """Where spikes arrive: each receptor, then those of ``between`` once more."""
        made = self._ports.get(len(self.between))
        if made is None:
            known = {name: receptor.spec(name) for name, receptor in self.receptors.items()}
            late = (between(known[name], self._loses(known[name])) for name in self.between)
            made = self._ports[len(self.between)] = (*known.values(), *late)
        return made

    def _loses(self, receptor: ReceptorSpec) -> bool:
        """Tell whether what arrives at a receptor between steps is lost at times."""
        model = self.neurons.model
        state = model.arrivals.get(receptor.name, model.pulse)
        return jumps(receptor.kind) and (model.guards(state) or model.resets(state))

    def port_between(self, receptor: str) -> int:
        """Return the port of what arrives at a receptor between steps, a new one if need be."""
        neurons, kind = self.neurons, self.receptors[receptor].kind
        state = neurons.model.arrivals.get(receptor, neurons.model.pulse)
        if jumps(kind) and neurons.model.forgets(state, neurons.scheme):
            raise SpikecudaValueError(
                f"order must be 'nest' for {self.name}: a step of {neurons.model.name} sets "
                f"{state}, whatever has arrived before it (got 'brian', which a delay of 0 needs); "
                "use a delay of at least dt"
            )
        if receptor not in self.between:
            self.between.append(receptor)
        return len(self.receptors) + self.between.index(receptor)

    def settle(self, neuron_spec: NeuronSpec, receptors: Mapping[str, Receptor]) -> None:
        """Take other parameters: for the network alone, which tells its engine, too."""
        object.__setattr__(self, "neuron_spec", neuron_spec)
        assert isinstance(self.receptors, Ports)
        self.receptors.settle(receptors)

    @property
    def params(self) -> Parameters:
        """The parameters of its neurons and receptors by name, to read and to change.

        See ``Parameters``.  A receptor ``exc`` has the parameter ``tau_exc``, unless the
        model has a parameter of that name.  ``population[:100].params`` are
        those of some neurons.
        """
        return Parameters(PopulationParameters(self))

    @property
    def placed(self) -> Placed:
        """Where its neurons or trains are; raises if they have no positions."""
        if self.space is None:
            raise SpikecudaValueError(
                f"{self.name} has no positions; give it some: positions=Grid((100, 100)) of "
                "spikecuda.space, or an array (neurons, axes)"
            )
        return self.space

    @property
    def positions(self) -> np.ndarray:
        """Coordinates, read-only float64 (neurons, axes), in the unit of length."""
        return self.placed.coordinates

    @property
    def neurons(self) -> NeuronSpec:
        """The neuron spec; raises for a source, which has no neurons."""
        return self.require_neurons()

    def require_neurons(self) -> NeuronSpec:
        """Return what the neurons are; raise for a source, which has none."""
        if self.neuron_spec is None:
            raise SpikecudaValueError(
                f"{self.name} is a source of spike trains and has no neurons; name a population"
            )
        return self.neuron_spec

    @functools.cached_property
    def _numbers(self) -> np.ndarray:
        """The numbers of all its neurons, which nobody changes."""
        return np.arange(self.size, dtype=np.int32)

    @property
    def state(self) -> "PopulationState":
        """State variables by name, to read and write; receptors' are ``i_exc`` or ``g_exc``."""
        return PopulationState(self)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, which: object) -> "View":
        return View(self, which)

    def _what(self) -> str:
        return self.name

    def _remedy(self, name: str) -> str:
        if self.neuron_spec is None:
            return "; a source is settled by net.source(...)"
        if name in self.neuron_spec.model.parameters:
            return f'; use net["{self.name}"].params["{name}"] = value'
        if name in self.neuron_spec.model.states:
            return f'; use net["{self.name}"].state["{name}"] = value'
        return "; a population is settled by net.population(...)"

    def __repr__(self) -> str:
        if self.neuron_spec is None:
            return f"<{self.name}: source of {self.size:,} spike trains>"
        ports = ", ".join(f"{name}: {r}" for name, r in self.receptors.items()) or "none"
        model = self.neuron_spec.model.name
        return f"<{self.name}: {self.size:,} {model} neurons; receptors: {ports}>"

    def _repr_html_(self) -> str:
        rows = [(f"receptor {name}", receptor) for name, receptor in self.receptors.items()]
        if self.neuron_spec is not None:
            kind = ("neurons", f"{self.size:,} {self.neuron_spec.model.name}")
        else:
            kind = ("spike trains", f"{self.size:,}")
        return facts_html(self.name, [kind, *rows])


class PopulationState(Named[np.ndarray], Fixed):
    """The state of a population, by name, as for ``GPUNeuronPool.state``.

    ``net["E"].state["v"]`` is a read-only copy, shape (neurons,).  ``net["E"].state["v"] = value``
    sets one number, one per neuron, or a distribution.  To change some of them, change a copy and
    assign it.  A receptor ``exc`` has the state ``i_exc`` (pA) or ``g_exc`` (nS).
    """

    def __init__(self, population: Population) -> None:
        self._population = population
        population.require_neurons()
        self._neurons = population.handle.neurons_of(population)
        self._fix()

    def __repr__(self) -> str:
        names = ", ".join(self)
        return f"<state of {self._population.size:,} neurons of {self._population.name}: {names}>"

    def _repr_html_(self) -> str:
        shape = f"{self._population.size:,} values"
        return facts_html(f"state of {self._population.name}", [(name, shape) for name in self])

    def __iter__(self) -> Iterator[str]:
        return iter(self._neurons.names())

    def __len__(self) -> int:
        return len(self._neurons.names())

    def __getitem__(self, name: str) -> np.ndarray:
        with self._population.handle.turn.use():
            self._current()
            values = np.asarray(self._neurons.read(self._known(name)))
        return give_copy(values)

    def __setitem__(self, name: str, value: object) -> None:
        with self._population.handle.turn.change():
            self._current()
            self._set(name, value)

    def _current(self) -> None:
        """Raise unless the network is open and its state on the host."""
        self._population.handle.neurons_of(self._population)

    def _set(self, name: str, value: object) -> None:
        self._known(name)
        neuron_spec = self._population.neurons
        own = name in neuron_spec.model.states or name == "refrac"
        receptor = None if own else self._population.receptors.get(name[2:])
        if isinstance(receptor, Coupled):
            raise SpikecudaValueError(
                f"{name} follows from what {self._population.name} is coupled to, before each step "
                "(got an assignment); set the states that are read, or drive the population"
            )
        if not own and isinstance(value, Distribution):
            raise SpikecudaValueError(
                f"{name} of a receptor takes numbers (got {type(value).__name__}); draw them first"
            )
        self._neurons.write(name, neuron_spec.values(name, value))

    def _what(self) -> str:
        return "state"

    def _remedy(self, name: str) -> str:
        return f'; use state["{name}"] = value' if name in self else ""

    def _known(self, name: str) -> str:
        if not is_name(name, self._neurons.names()):
            known = self._neurons.names()
            raise SpikecudaKeyError(
                f"the population has no state {name!r}{nearest(str(name), known)}; it has "
                f"{', '.join(known)}"
            )
        return name


class View(Fixed):
    """Some neurons of a population, in ascending order, each once.

    Args:
        population: the population.
        which: a slice, an array of numbers, or a mask of booleans.

    Attributes:
        ids: numbers of the neurons within the population, an int32 array, read-only.
        kernel_ids: the same, as the writable type that compiled loops expect; they only read it.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: ``which`` is empty, not ascending, out of range, or
            of another type.
    """

    def __init__(self, population: Population, which: object = slice(None)) -> None:
        self.population = population
        if isinstance(which, View):
            raise SpikecudaTypeError("a view is taken of a population (got a view)")
        every = population._numbers
        if isinstance(which, slice) and which == slice(None) and population.size:
            self._take(every)  # all views of a whole population share them
            return
        try:
            if isinstance(which, slice):
                index: Any = which
            else:
                need = "a slice, numbers or a mask"
                index = np.atleast_1d(view_array("which", which, need, WHOLE + "b"))
                if index.dtype.kind != "b":
                    index = whole_numbers("which", index, need)
            ids = every[index]
        except (IndexError, TypeError, ValueError) as error:
            raise SpikecudaValueError(
                f"{population.name} has the neurons 0 to {population.size - 1:,} ({error}); take a "
                "slice, numbers or a mask"
            ) from None
        if ids.size == 0 or np.any(ids[1:] <= ids[:-1]):
            raise SpikecudaValueError(
                f"a view of {population.name} needs at least one neuron, each once and ascending "
                f"(got {np.array2string(ids, threshold=8, edgeitems=4)})"
            )
        self._take(np.array(ids, order="C"))

    def _take(self, ids: np.ndarray) -> None:
        """Take numbers of neurons, which nobody changes."""
        self.kernel_ids: np.ndarray = ids
        self.ids: np.ndarray = ids[:]
        self.ids.flags.writeable = False
        self._fix()

    @property
    def params(self) -> Parameters:
        """The parameters of these neurons by name, to read and to change: see ``Parameters``."""
        return Parameters(PopulationParameters(self.population), self.ids)

    @property
    def positions(self) -> np.ndarray:
        """Coordinates of its neurons, read-only float64 (neurons, axes), in the unit of length."""
        found = self.population.positions[self.ids]
        found.flags.writeable = False
        return found

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(self.ids.size)

    @property
    def whole(self) -> bool:
        """Whether it is the whole population."""
        return self.size == self.population.size

    def __len__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        return f"<{self.size:,} of the {self.population.size:,} neurons of {self.population.name}>"


def find_population(populations: Mapping[str, Population], name: object) -> Population:
    """Return a population of a network by its name."""
    if not isinstance(name, str) or name not in populations:
        known = list(populations)
        raise SpikecudaValueError(
            f"the network has no population {name!r}{nearest(str(name), known)}; it has "
            f"{', '.join(known) or 'none'}"
        )
    return populations[name]


def as_view(what: str, value: object, populations: Mapping[str, Population]) -> View:
    """Return a view from itself, a population, or a population's name.

    Args:
        what: the argument's name, for errors.
        value: what the user gave.
        populations: of the network, by name.
    """
    if isinstance(value, str):
        value = find_population(populations, value)
    if isinstance(value, Population):
        value = View(value)
    if not isinstance(value, View):
        train = hasattr(value, "times") and hasattr(value, "neurons")
        remedy = "; net.source(name, n, train) gives a train a name" if train else ""
        raise SpikecudaTypeError(
            f"{what} must be a population of the network, a view of one, or its name (got "
            f"{value!r:.80}){remedy}"
        )
    if populations.get(value.population.name) is not value.population:
        raise SpikecudaValueError(f"{what} belongs to another network (got {value!r})")
    return value
