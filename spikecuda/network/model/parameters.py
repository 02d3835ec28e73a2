"""The parameters of a population's neurons and receptors, and how they change."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from spikecuda.common.arguments import is_name
from spikecuda.common.arrays import take_reals
from spikecuda.common.distributions import Distribution
from spikecuda.common.fixed import Fixed
from spikecuda.common.named import Named
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.network.model.handle import Handle
from spikecuda.network.model.receptor import Receptor
from spikecuda.runtime.adjust import adjusted
from spikecuda.runtime.neuron_spec import NeuronSpec


class Owner(Protocol):
    """The population that has them; see ``Population``."""

    handle: Handle
    name: str
    size: int
    receptors: Mapping[str, Receptor]

    def require_neurons(self) -> NeuronSpec:
        """Return what the neurons are; raise for a source, which has none."""


class PopulationParameters:
    """How ``Parameters`` reads and changes a population's, and those of its receptors.

    Args:
        population: the population.
    """

    def __init__(self, population: Owner) -> None:
        population.require_neurons()
        self._population = population

    @property
    def title(self) -> str:
        """What messages call it."""
        return self._population.name

    def parameters(self) -> Mapping[str, np.ndarray]:
        """Return all of them by name: float64, shape () or (neurons,)."""
        p = self._population
        own = {
            f"{item}_{port}": np.asarray(getattr(receptor, item))
            for port, receptor in p.receptors.items()
            for item in receptor.fields()
        }
        params = p.require_neurons().params
        return {**params, **{name: value for name, value in own.items() if name not in params}}

    def adjust(self, given: Mapping[str, Any], ids: np.ndarray | None) -> None:
        """Change some of them together; see ``Parameters.update``."""
        p, params = self._population, {}
        receptors = dict(p.receptors)
        for name, value in given.items():
            if name in p.require_neurons().params:
                params[name] = value
                continue
            port, item = next(
                (port, item)
                for port, receptor in receptors.items()
                for item in receptor.fields()
                if f"{item}_{port}" == name
            )
            changed = _spread(name, getattr(receptors[port], item), value, ids, p.size)
            receptors[port] = replace(receptors[port], **{item: changed})
            receptors[port].require_size(port, p.size)
        neuron_spec = p.require_neurons()
        if params:
            neuron_spec = adjusted(neuron_spec, params, ids, p.handle.built)
        p.handle.adjust(p, neuron_spec, receptors)


def wide_receptors(before: Mapping[str, Receptor], after: Mapping[str, Receptor]) -> list[str]:
    """Return the receptors' parameters that were one number and are one for each neuron."""
    return [
        f"{item}_{name}"
        for name, receptor in after.items()
        for item in receptor.fields()
        if np.ndim(getattr(receptor, item)) > np.ndim(getattr(before[name], item))
    ]


def _spread(name: str, before: Any, value: Any, ids: np.ndarray | None, count: int) -> Any:
    """Return a receptor's parameter when some neurons, or all (None), have another value."""
    if isinstance(value, Distribution):
        raise SpikecudaTypeError(
            f"{name} must be one number or one per neuron (got {value!r:.80}); draw it with NumPy"
        )
    if ids is None or (ids.size == count and np.ndim(value) == 0):
        return value
    given = take_reals(name, value, "a number or one per neuron")
    if given.shape not in ((), ids.shape):
        raise SpikecudaValueError(
            f"{name} must be one number or one per neuron, shape {ids.shape} (got shape "
            f"{given.shape})"
        )
    result = np.array(np.broadcast_to(before, count), np.float64)
    result[ids] = given
    return result


class Ports(Named[Receptor], Fixed):
    """The receptors of a population by name.

    ``receptors["exc"] = ExpCurrent(tau=3.0)`` gives the receptor other parameters; its kind stays.

    Args:
        population: whose.
        receptors: by name, in the order of their ports.
    """

    def __init__(self, population: Owner, receptors: Mapping[str, Receptor]) -> None:
        self._population, self._receptors = population, dict(receptors)
        self._fix()

    def settle(self, receptors: Mapping[str, Receptor]) -> None:
        """Take receptors with other parameters."""
        self._receptors = dict(receptors)

    def __getitem__(self, name: str) -> Receptor:
        return self._receptors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._receptors)

    def __len__(self) -> int:
        return len(self._receptors)

    def __repr__(self) -> str:
        return repr(self._receptors)

    def __setitem__(self, name: str, value: Receptor) -> None:
        p = self._population
        if not is_name(name, self._receptors):
            raise SpikecudaTypeError(
                f"a population's receptors are settled by net.population(..., receptors=...); "
                f"{p.name} has {', '.join(self) or 'none'} (got {name!r})"
            )
        before = self._receptors[name]
        if type(value) is not type(before):
            raise SpikecudaTypeError(
                f"receptor {name!r} of {p.name} is of kind {type(before).__name__}, and another "
                f"kind needs another kernel and state (got {value!r:.80}); give "
                "net.population(..., receptors=...) what it needs"
            )
        value.require_size(name, p.size)
        p.handle.adjust(p, p.require_neurons(), {**p.receptors, name: value})

    def __delitem__(self, name: str) -> None:
        raise SpikecudaTypeError(f"a receptor cannot be deleted (got {name!r})")
