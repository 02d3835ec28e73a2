"""Projections: the arrays of their connections, in PyNN's units."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from pyNN import common
from pyNN.errors import ConnectionError
from pyNN.space import Space

from spikecuda.pynn import simulator
from spikecuda.pynn.standardmodels.base import NotAvailableError
from spikecuda.pynn.standardmodels.synapses import StaticSynapse


class Connection(common.Connection):
    """One connection of a projection; its attributes can be read and assigned.

    Args:
        projection: whose connection.
        number: of the connection.
    """

    _projection: "Projection"
    _number: int

    def __init__(self, projection: "Projection", number: int) -> None:
        object.__setattr__(self, "_projection", projection)
        object.__setattr__(self, "_number", number)

    @property
    def presynaptic_index(self) -> int:
        """Number of the neuron that it comes from, within ``pre``."""
        return int(self._projection.sources[self._number])

    @property
    def postsynaptic_index(self) -> int:
        """Number of the neuron that it goes to, within ``post``."""
        return int(self._projection.targets[self._number])

    @property
    def presynaptic_cell(self) -> Any:
        """The neuron that it comes from."""
        return self._projection.pre[self.presynaptic_index]

    @property
    def postsynaptic_cell(self) -> Any:
        """The neuron that it goes to."""
        return self._projection.post[self.postsynaptic_index]

    def as_tuple(self, *names: str) -> tuple[Any, ...]:
        """Return some attributes."""
        return tuple(getattr(self, name) for name in names)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._projection.attributes:
            raise AttributeError(name)
        return float(self._projection.column(name)[self._number])

    def __setattr__(self, name: str, value: float) -> None:
        if name not in self._projection.attributes:
            known = ", ".join(self._projection.attributes)
            raise AttributeError(f"a connection has {known} to assign (got {name!r})")
        column = self._projection.column(name).copy()
        column[self._number] = value
        self._projection.change({name: column})


class Projection(common.Projection):
    __doc__ = common.Projection.__doc__
    _simulator = simulator
    _static_synapse_class = StaticSynapse

    def __init__(
        self,
        presynaptic_population: Any,
        postsynaptic_population: Any,
        connector: Any,
        synapse_type: Any = None,
        source: Any = None,
        receptor_type: str | None = None,
        space: Any = None,
        label: str | None = None,
    ) -> None:
        common.Projection.__init__(
            self, presynaptic_population, postsynaptic_population, connector, synapse_type, source,
            receptor_type, space or Space(), label,
        )  # fmt: skip
        if not hasattr(self.synapse_type, "rule"):
            raise NotAvailableError(
                f"{type(self.synapse_type).__name__} is a synapse type of another backend (got it "
                f"for {self.label}); import synapse types from spikecuda.pynn"
            )
        state = simulator.state
        state.extend("a projection")
        self.attributes: dict[str, Any] = {}
        self._made: list[tuple[np.ndarray, int, dict[str, Any]]] = []
        connector.connect(self)
        self._collect()
        self._require_delays(self.attributes.get("delay", np.inf))
        state.projections.append(self)

    def __len__(self) -> int:
        return int(self.sources.size)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [Connection(self, k) for k in range(*i.indices(len(self)))]
        if not -len(self) <= i < len(self):
            raise IndexError(f"connection {i} of {len(self)}")
        return Connection(self, int(i) % len(self))

    @property
    def connections(self) -> Iterator[Connection]:
        """The connections, one after the other."""
        return (Connection(self, i) for i in range(len(self)))

    @property
    def shortest(self) -> float:
        """The shortest delay, ms."""
        return float(np.min(self.attributes.get("delay", np.inf)))

    @property
    def longest(self) -> float:
        """The longest delay, ms."""
        return float(np.max(self.attributes.get("delay", 0.0)))

    def column(self, name: str) -> np.ndarray:
        """Return an attribute of all connections, in PyNN's unit."""
        if name == "weight":
            self.pull()
        return np.broadcast_to(self.attributes[name], (len(self),))

    def pull(self) -> None:
        """Read the weights that synapses have learned."""
        network = simulator.state.network
        if network is not None and getattr(self.synapse_type, "learns", False):
            self.attributes["weight"] = network.weights(self, self.attributes["weight"])

    def restore(self) -> None:
        """Have the weights again that were set, not learned."""
        self.attributes["weight"] = self._given_weights

    def change(self, changed: dict[str, Any]) -> None:
        """Have other attributes of all connections; a refused change changes nothing."""
        before = self.attributes
        self._require_delays(changed.get("delay", np.inf))
        self.attributes = {**before, **changed}
        try:
            network = simulator.state.settle()
            if network is not None:
                network.change_synapses(self, list(changed))
        except BaseException:
            self.attributes = before
            raise
        if "weight" in changed:
            self._given_weights = self.attributes["weight"]

    def _convergent_connect(
        self,
        presynaptic_indices: Any,
        postsynaptic_index: int,
        location_selector: Any = None,
        **connection_parameters: Any,
    ) -> None:
        if location_selector is not None:
            raise NotAvailableError(
                "location_selector is for neurons with compartments, which do not exist here (got "
                f"{location_selector!r:.80}); leave it out"
            )
        sources = np.atleast_1d(np.asarray(presynaptic_indices, np.int64))
        self._made.append((sources, int(postsynaptic_index), connection_parameters))

    def _collect(self) -> None:
        """Make arrays of what the connector has made."""
        empty = [np.empty(0, np.int64)]
        counts = [sources.size for sources, _, _ in self._made]
        self.sources = np.concatenate(empty + [sources for sources, _, _ in self._made])
        self.targets = np.repeat(np.array([t for _, t, _ in self._made], np.int64), counts)
        self.attributes = {}
        for name, lazy in self.synapse_type.native_parameters.items():
            parts = [p[name] for _, _, p in self._made]
            if not parts:
                value = lazy.base_value
                self.attributes[name] = float(value) if isinstance(value, int | float) else np.nan
            elif all(np.ndim(p) == 0 and p == parts[0] for p in parts):
                self.attributes[name] = float(parts[0])
            else:
                spread = [np.broadcast_to(p, (n,)) for p, n in zip(parts, counts, strict=True)]
                self.attributes[name] = np.concatenate(spread).astype(np.float64)
        self._made = []
        self._given_weights = self.attributes["weight"]

    def _require_delays(self, delays: Any) -> None:
        """Raise ConnectionError for delays that are too short."""
        least = simulator.state.shortest_allowed
        if len(self) and np.min(delays) < least * (1.0 - 1e-9):
            raise ConnectionError(
                f"Delay ({np.min(delays):g}) must be at least min_delay = {least:g} ms"
            )

    def _set_attributes(self, parameter_space: Any) -> None:
        parameter_space.evaluate(simplify=True)
        changed: dict[str, Any] = {}
        for name, value in parameter_space.as_dict().items():
            flat = value[self.sources, self.targets] if np.ndim(value) == 2 else value
            changed[name] = flat if np.ndim(flat) else float(flat)
        self.change(changed)

    def _set_initial_value_array(self, variable: str, initial_values: Any) -> None:
        values = initial_values.evaluate(simplify=True)
        if not self.synapse_type.at_rest(variable, values, self.attributes):
            raise NotAvailableError(
                f"synapses start at rest (got {np.ravel(values)[0]:g} as an initial value of "
                f"{variable}); leave it out"
            )

    def _get_attributes_as_list(self, names: Any) -> list[tuple[float, ...]]:
        own = {"presynaptic_index": self.sources, "postsynaptic_index": self.targets}
        columns = [own[n] if n in own else self.column(n) for n in names]
        return [tuple(row) for row in np.array(columns, np.float64).T.tolist()]

    def _get_attributes_as_arrays(
        self, names: Any, multiple_synapses: str = "sum"
    ) -> list[np.ndarray]:
        combine: Callable[[Any, Any], Any] = self.MULTI_SYNAPSE_OPERATIONS[multiple_synapses]
        place = self.sources * self.post.size + self.targets
        repeated = np.unique(place).size < place.size
        found = []
        for name in names:
            values = np.full(self.shape, np.nan)
            column = self.column(name)
            if not repeated:
                values[self.sources, self.targets] = column
            else:
                for i, j, value in zip(self.sources, self.targets, column, strict=True):
                    old = values[i, j]
                    values[i, j] = value if np.isnan(old) else combine(old, value)
            found.append(values)
        return found
