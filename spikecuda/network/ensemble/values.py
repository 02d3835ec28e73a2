"""What differs between the replicas of an ensemble, as the user gives it: numbers and seeds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.distributions import Distribution
from spikecuda.common.seed import Seeds, as_seed, as_trial
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.inputs.drive import Drive
from spikecuda.network.ensemble.replica import Replica
from spikecuda.network.model.population import find_population
from spikecuda.network.network import Network

SEEDS = ("seed", "wiring_seed", "start_seed", "noise_seed")


@dataclass(frozen=True, eq=False)
class Given:
    """What parameters of a population, or arguments of a drive, are in each replica.

    Attributes:
        target: name of the population, or the network's drive.
        values: by name: one value for each replica.
    """

    target: str | Drive
    values: dict[str, list[Any]]

    def of(self, replica: int) -> dict[str, Any]:
        """Return those of a replica."""
        return {name: values[replica] for name, values in self.values.items()}


def as_given(params: object, size: int, replica: Replica) -> list[Given]:
    """Return what differs between replicas, checked as far as its form goes.

    Args:
        params: by population or drive, then by name: see ``Ensemble``.
        size: number of replicas.
        replica: one of them.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: it has another form.
    """
    if params is None:
        return []
    if not isinstance(params, Mapping):
        raise SpikecudaTypeError(
            'params must be a dict such as {"E": {"tau_m": [10.0, 20.0]}} (got '
            f"{shown(params)})"
        )
    result = []
    for target, given in params.items():
        if isinstance(target, Drive):
            replica.own(target)  # which raises for those of other networks
            whose, neurons = repr(target), None
        else:
            population = find_population(replica.populations, target)
            whose, neurons = f'params["{population.name}"]', population.size
        if not isinstance(given, Mapping):
            raise SpikecudaTypeError(f"{whose} must be a dict of name: values (got {shown(given)})")
        values = {
            name: _of_each(f"{whose}[{name!r}]", value, size, neurons)
            for name, value in given.items()
        }
        result.append(Given(target, values))
    return result


def _of_each(what: str, value: Any, size: int, neurons: int | None) -> list[Any]:
    """Return one value for each replica.

    Args:
        what: it is, for messages.
        value: one for all; or shape (size,), or (size, neurons).
        size: number of replicas.
        neurons: of the population; None: of a drive, whose arrays may have any second length.
    """
    if isinstance(value, Distribution):
        return [value] * size
    others = isinstance(value, Sequence) and not isinstance(value, str)
    if neurons is None and not isinstance(value, np.ndarray) and not others and np.ndim(value) == 0:
        return [value] * size
    if neurons is None and others and any(np.ndim(v) == 0 and not _number(v) for v in value):
        array = np.empty(len(value), object)
        array[:] = list(value)
    else:
        array = np.asarray(value)
    if array.ndim == 0:
        return [value] * size
    shape: tuple[int, ...] = array.shape
    whole = len(shape) == 2 and neurons in (None, shape[1])
    fits = shape[0] == size and (len(shape) == 1 or whole)
    if not fits:
        each = "n" if neurons is None else f"{neurons:,}"
        raise SpikecudaValueError(
            f"{what} must be one number, one for each of the {size:,} replicas, shape ({size:,},), "
            f"or one for each of their neurons, shape ({size:,}, {each}) (got shape {array.shape})"
        )
    return list(array)


def _number(value: object) -> bool:
    return isinstance(value, int | float | np.number)


def as_all_seeds(seeds: object, trials: object, networks: Sequence[Network]) -> list[Seeds]:
    """Return the seeds of each replica.

    Args:
        seeds: one seed for each replica; or by "wiring_seed", "start_seed", "noise_seed", or "seed"
            for all three, one number or one for each replica; None: those of the networks.
        trials: the trial of each replica, likewise.
        networks: that the replicas are made from.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: it has another form.
    """
    size = len(networks)
    given = seeds if isinstance(seeds, Mapping) else {} if seeds is None else {"seed": seeds}
    for name in given:
        if name not in SEEDS:
            raise SpikecudaValueError(f"seeds must be by {', '.join(SEEDS)} (got {shown(name)})")
    each = {
        name: [as_seed(s, name) for s in _listed("seeds", value, size)]
        for name, value in given.items()
    }
    known = [network._seeds for network in networks]
    listed = None if trials is None else [as_trial(t) for t in _listed("trials", trials, size)]

    def pick(name: str, i: int, own: int) -> int:
        found = each.get(name) or each.get("seed")
        return own if found is None else found[i]

    return [
        Seeds(
            pick("wiring_seed", i, own.wiring), pick("start_seed", i, own.start),
            pick("noise_seed", i, own.noise), own.trial if listed is None else listed[i],
        )
        for i, own in enumerate(known)
    ]  # fmt: skip


def _listed(what: str, value: object, size: int) -> Iterator[object]:
    """Yield one number for each replica."""
    if isinstance(value, np.ndarray) and not value.ndim:
        value = value[()]
    if isinstance(value, str | bytes) or (isinstance(value, np.ndarray) and value.ndim > 1):
        raise SpikecudaTypeError(f"{what} must be whole numbers (got {shown(value)})")
    if isinstance(value, range | list | tuple | np.ndarray):
        if len(value) != size:
            raise SpikecudaValueError(
                f"{what} must be one number, or one for each of the {size:,} replicas (got "
                f"{len(value):,})"
            )
        yield from value
        return
    for _ in range(size):
        yield value
