"""The neurons of a population on the host: state, constants, and the kernel's arguments."""

import itertools
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spikecuda.common.aligned_memory import aligned_zeros
from spikecuda.common.finite import first_not_finite
from spikecuda.common.seed import keys
from spikecuda.errors import NumericalError, SpikecudaValueError
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.kernels.compile import many
from spikecuda.kernels.spec import CODEC, Argument, KernelSpec
from spikecuda.network.model.population import Population
from spikecuda.network.model.receptor import Receptor
from spikecuda.runtime.adjust import kept, widened
from spikecuda.runtime.neuron_spec import NeuronSpec


@dataclass(frozen=True, eq=False)
class Changed:
    """What other parameters change.

    Attributes:
        constants: all of them, by name.
        states: as stored, where the float16 storage of a state changes.
        wide: constants that are one number for each neuron now, and were not.
    """

    constants: dict[str, Any]
    states: dict[str, np.ndarray]
    wide: list[str]


def cast_constants(neuron_spec: NeuronSpec, receptors: Mapping[str, Receptor]) -> dict[str, Any]:
    """Return the constants of neurons and receptors, in the kernel's types, by kernel name."""
    constants: dict[str, Any] = dict(neuron_spec.constants)
    real = neuron_spec.precision.real
    for name, receptor in receptors.items():
        spec = receptor.spec(name)
        values = receptor.cast_constants(
            name, neuron_spec.model, neuron_spec.params, neuron_spec.dt, real
        )
        for key in spec.rules.constants:
            cast = values[key]
            constants[spec.prefix + key] = cast if cast.ndim else cast[()]
    return constants


def _varying(constants: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of constants that are one number for each neuron."""
    return frozenset(name for name, value in constants.items() if np.ndim(value))


class Neurons:
    """State and constants of a population, in the kernel's types.

    Args:
        population: the population.
        own: the first neuron that is advanced here, and the end; None: all are.  Memory for the
            state of others is taken when it is brought here.

    Attributes:
        own: the first of its own neurons, and the end.
        partial: whether ``own`` was passed.
        state: arrays (neurons,) by name, as stored: the model's states, ``refrac``, and the
            receptors' states under their kernel names.
        constants: by name: a NumPy scalar, or an array (neurons,).
        public: the name that users know each receptor state by -> its kernel name.
    """

    def __init__(self, population: Population, own: tuple[int, int] | None = None) -> None:
        self.population, neuron_spec = population, population.neurons
        self.state: dict[str, np.ndarray] = {}
        self.constants = cast_constants(neuron_spec, population.receptors)
        self.public: dict[str, str] = {}
        self._varying = _varying(self.constants)
        # What a kernel's structure is worked out from once serves for every run.
        self._specs: dict[Any, KernelSpec] = {}
        self._orders: dict[KernelSpec, tuple[Argument, ...]] = {}
        n = neuron_spec.count
        self.own, self.partial = own or (0, n), own is not None
        lazy = self.own != (0, n)
        for name in neuron_spec.model.states:
            self.state[name] = aligned_zeros(n, neuron_spec.precision.storage, lazy=lazy)
        if neuron_spec.refractory:
            self.state["refrac"] = aligned_zeros(n, neuron_spec.spec().refrac, lazy=lazy)
        real = np.dtype(neuron_spec.precision.real)
        for spec in population.ports:
            for part in spec.rules.states:
                self.state[spec.prefix + part] = aligned_zeros(n, real, lazy=lazy)
                if not spec.of:
                    self.public[f"{part}_{spec.name}"] = spec.prefix + part
        self.reset()

    def prepare(self, neuron_spec: NeuronSpec, receptors: Mapping[str, Receptor]) -> "Changed":
        """Return what other parameters change; nothing is changed yet.

        Raises:
            SpikecudaValueError: a constant, or a state in other float16 storage, does not fit.
        """
        constants = cast_constants(neuron_spec, receptors)
        wide = widened(self.constants, constants)
        for name, value in constants.items():
            if kept(self.constants[name], value):
                constants[name] = np.full(neuron_spec.count, value)
        before, states = self.population.neurons, {}
        for name, codec in neuron_spec.codecs.items():
            if not codec.same(before.codecs[name]):
                states[name] = codec.encode(before.codecs[name].decode(self.state[name]))
                if ((states[name] & 0x7C00) == 0x7C00).any():
                    raise SpikecudaValueError(
                        f"{name} does not fit in float16 with these parameters, which scale it; "
                        "use float32"
                    )
        return Changed(constants, states, wide)

    def take(self, changed: "Changed") -> None:
        """Take over what ``prepare`` returned."""
        self.constants = changed.constants
        self._varying = _varying(changed.constants)
        for name, values in changed.states.items():
            self.state[name][:] = values

    def spec(self, drive: ResolvedInput, arrivals: tuple[str, ...]) -> KernelSpec:
        """Return the population's kernel for a drive; ``arrivals``: the receptor of each pulse."""
        key = drive.spec, arrivals, self._varying
        found = self._specs.get(key)
        if found is None:
            inputs = replace(drive.spec, receptors=arrivals)
            receptors = self.population.ports
            spec = self.population.neurons.spec(inputs)
            found = replace(spec, varying=self._varying, receptors=receptors)
            self._specs[key] = found
        return found

    @property
    def nbytes(self) -> int:
        """Bytes of the state of the own neurons."""
        return (self.own[1] - self.own[0]) * sum(a.itemsize for a in self.state.values())

    def reset(self) -> None:
        """Set the start values of the own neurons."""
        neuron_spec = self.population.neurons
        for name in self.state:
            if name in neuron_spec.model.states:
                self.write(name, neuron_spec.start(name, self.own), self.own)
            else:
                self.state[name][slice(*self.own)] = 0

    def write(self, name: str, values: np.ndarray, part: tuple[int, int] | None = None) -> None:
        """Set a state from float64 values of shape () or (neurons,).

        Args:
            name: of the state.
            values: what it is to be.
            part: the first neuron that is set, and the end; None: all are.

        Raises:
            SpikecudaValueError: the precision cannot hold them.
        """
        key = self.public.get(name, name)
        codec = self.population.neurons.codecs.get(key)
        stored = self.state[key][slice(*(part or (0, None)))]
        spread = np.broadcast_to(values, stored.shape)
        if key == "refrac":
            limit = np.iinfo(stored.dtype).max
            if np.any((spread < 0) | (spread > limit) | (spread != np.floor(spread))):
                raise SpikecudaValueError(
                    f"refrac must be whole steps from 0 to {limit} (got {spread.ravel()[:3]}...)"
                )
            cast = spread.astype(stored.dtype)
        elif codec:
            cast = codec.encode(spread)
            if ((cast & 0x7C00) == 0x7C00).any():
                raise SpikecudaValueError(f"{name} does not fit in float16; use float32")
        else:
            with np.errstate(over="ignore"):
                cast = spread.astype(stored.dtype)
            if not np.isfinite(cast).all():
                raise SpikecudaValueError(
                    f"{name} must be finite and fit in {stored.dtype} (got {spread.ravel()[:3]}); "
                    "use a wider precision"
                )
        stored[:] = cast

    def read(self, name: str) -> np.ndarray:
        """Return a copy of a state in physical units."""
        key = self.public.get(name, name)
        stored = self.state[key]
        if key == "refrac":
            return stored.astype(np.int32)
        codec = self.population.neurons.codecs.get(key)
        return codec.decode(stored) if codec else stored.copy()

    def names(self) -> list[str]:
        """Return the names of all states, as users know them."""
        own = [name for name in self.state if not name.startswith("_x_")]
        return [*own, *self.public]

    @property
    def values(self) -> list[np.ndarray]:
        """The states of the own neurons that must be finite, as stored."""
        here = slice(*self.own)
        return [stored[here] for name, stored in self.state.items() if name != "refrac"]

    def check(self) -> None:
        """Raise NumericalError if a state of an own neuron is NaN or infinite."""
        inverse = {kernel: public for public, kernel in self.public.items()}
        for key, stored in self.state.items():
            if key == "refrac":
                continue
            where = first_not_finite(stored[slice(*self.own)])
            if where >= 0:
                which = f"{self.own[0] + where} of {self.population.name}"
                raise NumericalError(
                    f"{inverse.get(key, key)} of neuron {which} "
                    "became NaN or infinite; use a smaller dt or more substeps, or check the "
                    "input's size"
                )

    def arguments(
        self, spec: KernelSpec, first: int, count: int, values: Mapping[str, Any], keep: list[Any]
    ) -> np.ndarray:
        """Return the table of arguments of a kernel for neurons [first, first + count).

        A kernel of many receptors has its arguments in another order, see ``compile.many``.

        Args:
            values: arguments that are neither state nor constants, by name.
            keep: where arrays that the table points into are put, so that they stay alive.
        """
        neuron_spec = self.population.neurons
        part = slice(first, first + count)
        known: dict[str, Any] = {name: array[part] for name, array in self.state.items()}
        for name, value in self.constants.items():
            known[name] = value[part] if np.ndim(value) else value
        for name, codec in neuron_spec.codecs.items():
            for piece in CODEC:
                known[f"_{name}_{piece}"] = getattr(codec, piece)
        known["_count"] = known["_last"] = np.int64(count)
        known["_first"] = known["_steps"] = np.int64(0)
        known["_identity"] = np.uint32(neuron_spec.identity + first)
        known["_key0"], known["_key1"] = keys(neuron_spec.noise_seed)
        known.update(values)
        arguments = self._orders.get(spec)
        if arguments is None:
            arguments = spec.arguments
            if spec.many:
                arguments = tuple(itertools.chain(*many.arguments(spec)))
            self._orders[spec] = arguments
        table = np.zeros(2 * len(arguments), np.int64)
        memory = table.data
        for i, argument in enumerate(arguments):
            value = known[argument.name]
            if argument.array:
                array = np.ascontiguousarray(value, argument.dtype)
                keep.append(array)
                table[2 * i] = array.__array_interface__["data"][0]
                table[2 * i + 1] = array.size
            elif argument.dtype.startswith("float"):
                struct.pack_into("=d", memory, 16 * i, value)
            else:
                table[2 * i] = int(value)
        return table
