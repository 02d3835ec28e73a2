"""What differs between the replicas of an ensemble, as the user gives it: numbers and seeds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.seed import Seeds, as_seed, as_trial
from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.inputs.drive import Drive
from spikecuda.network.ensemble.replica import Replica
from spikecuda.network.model.population import Population, View, as_view
from spikecuda.network.network import Network

SEEDS = ("seed", "wiring_seed", "start_seed", "noise_seed")


@dataclass(frozen=True, eq=False)
class Given:
    """What parameters of a population, or arguments of a drive, are in each replica.

    Attributes:
        target: neurons of the first replica, or the network's drive.
        values: by name: one value for each replica.
    """

    target: Drive | View
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
    result: list[Given] = []
    for key, given in params.items():
        target: Drive | View
        if isinstance(key, Drive):
            replica.own(key)  # which raises for those of other networks
            target, whose, neurons = key, repr(key), None
        elif isinstance(key, str | Population | View):
            target = as_view_of(key, replica)
            whose, neurons = f'params["{target.population.name}"]', target.size
            _require_once(target, result)
        else:
            raise SpikecudaTypeError(
                "keys of params must be names of populations, populations, views of them, or "
                f"drives (got {shown(key)})"
            )
        if not isinstance(given, Mapping):
            raise SpikecudaTypeError(f"{whose} must be a dict of name: values (got {shown(given)})")
        values = {
            name: _of_each(f"{whose}[{name!r}]", value, size, neurons)
            for name, value in given.items()
        }
        result.append(Given(target, values))
    return result


def _require_once(view: View, others: Sequence[Given]) -> None:
    """Raise if neurons are among those that have values already."""
    for other in others:
        theirs = other.target
        same = isinstance(theirs, View) and theirs.population is view.population
        if same and np.intersect1d(theirs.ids, view.ids).size:
            raise SpikecudaValueError(
                f"neurons of {view.population.name} must be under one key of params (got several "
                "keys with the same ones); join their dicts"
            )


def as_view_of(target: object, replica: Replica) -> View:
    """Return neurons of a replica.

    Args:
        target: name of a population; a population or view of any replica of its ensemble, or of the
            network that the ensemble was made from.
        replica: of which.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: it is something else.
    """
    if isinstance(target, Population | View):
        population = target.population if isinstance(target, View) else target
        handle = population.handle
        if not isinstance(handle, Replica) or handle.turn is not replica.turn:
            target = replica.own(target)
        elif handle is not replica:
            own = replica[population.name]
            target = View(own, target.ids) if isinstance(target, View) else own
    return as_view("population", target, replica.populations)


def give(values: Sequence[Given], replicas: Sequence[Replica]) -> None:
    """Give replicas their values; if one refuses its own, all are as they were."""
    done: list[tuple[Any, dict[str, Any]]] = []
    try:
        for given in values:
            for i, replica in enumerate(replicas):
                own: Any
                whole: Any
                if isinstance(given.target, Drive):
                    own = whole = replica.own(given.target)
                    before = {name: getattr(own, name) for name in given.values}
                else:
                    population = replica[given.target.population.name]
                    own = whole = population.params
                    if not given.target.whole:
                        own = population[given.target.ids].params
                    before = {name: whole[name] for name in given.values}
                try:
                    own.update(**given.of(i))
                except SpikecudaError as error:
                    raise type(error)(f"replica {i}: {error}") from error
                done.append((whole, before))
    except BaseException:
        for whole, before in reversed(done):
            whole.update(**before)
        raise


def _of_each(what: str, value: Any, size: int, neurons: int | None) -> list[Any]:
    """Return one value for each replica.

    Args:
        what: it is, for messages.
        value: one for all; or shape (size,), or (size, neurons).
        size: number of replicas.
        neurons: whose parameter it is; None: an argument of a drive, which may be anything, and
            each replica's an array of another length.
    """
    foreign = hasattr(value, "__array__") and not isinstance(value, np.ndarray | np.generic)
    if foreign and not hasattr(value, "__cuda_array_interface__"):
        value = np.asarray(value)  # such as a column of a DataFrame
    listed = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    if not listed and not isinstance(value, np.ndarray):
        return [value] * size
    if isinstance(value, np.ndarray) and not value.ndim:
        return [value] * size
    if neurons is None:
        if len(value) != size:
            raise SpikecudaValueError(
                f"{what} must be one value for all replicas, or an array or list of {size:,}, one "
                f"for each replica (got {len(value):,})"
            )
        return [_array(f"{what}[{i}]", each) for i, each in enumerate(value)]
    array = _array(what, value)
    if (
        array.ndim not in (1, 2)
        or array.shape[0] != size
        or array.shape[1:] not in ((), (neurons,))
    ):
        raise SpikecudaValueError(
            f"{what} must be one number, one for each of the {size:,} replicas, shape ({size:,},), "
            f"or one for each of their neurons, shape ({size:,}, {neurons:,}) (got shape "
            f"{array.shape})"
        )
    return list(array)


def _array(what: str, value: Any) -> Any:
    """Return lists as an array; anything else as it is."""
    if not isinstance(value, list | tuple | range):
        return value
    try:
        return np.asarray(value)
    except ValueError:
        raise SpikecudaValueError(
            f"{what} must be an array, or lists of one length (got {shown(value)}); fill the "
            "shorter ones up, spike times with np.inf"
        ) from None


def as_all_seeds(
    seeds: object, trials: object, networks: Sequence[Network]
) -> list[tuple[int, Seeds]]:
    """Return the seed of each replica, and its seeds.

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
    each = {name: _numbers("seeds", value, size, as_seed, name) for name, value in given.items()}
    listed = None if trials is None else as_trials("trials", trials, size)

    def pick(name: str, i: int, own: int) -> int:
        found = each.get(name) or each.get("seed")
        return own if found is None else found[i]

    result = []
    for i, network in enumerate(networks):
        own = network._seeds
        result.append((pick("seed", i, network.seed), Seeds(
            pick("wiring_seed", i, own.wiring), pick("start_seed", i, own.start),
            pick("noise_seed", i, own.noise), own.trial if listed is None else listed[i],
        )))  # fmt: skip
    return result


def as_trials(what: str, trials: object, size: int) -> list[int]:
    """Return the trial of each replica.

    Args:
        what: the argument's name.
        trials: one for all, or one for each.
        size: number of replicas.
    """
    return _numbers(what, trials, size, lambda value, name: as_trial(value), "trial")


def _numbers(
    what: str, value: object, size: int, check: Callable[[object, str], int], name: str
) -> list[int]:
    """Return one checked number for each replica; an error names the replica, if it has its own."""
    if isinstance(value, np.ndarray) and not value.ndim:
        value = value[()]
    if isinstance(value, str | bytes) or (isinstance(value, np.ndarray) and value.ndim > 1):
        raise SpikecudaTypeError(f"{what} must be whole numbers (got {shown(value)})")
    if not isinstance(value, range | list | tuple | np.ndarray):
        return [check(value, name)] * size
    if len(value) != size:
        raise SpikecudaValueError(
            f"{what} must be one number, or one for each of the {size:,} replicas (got "
            f"{len(value):,})"
        )
    result = []
    for i, each in enumerate(value):
        try:
            result.append(check(each, name))
        except SpikecudaError as error:
            raise type(error)(f"replica {i}: {error}") from error
    return result
