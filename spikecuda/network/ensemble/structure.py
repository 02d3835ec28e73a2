"""Whether networks can be replicas of one ensemble, and whether they have the same synapses."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.inputs.drive import Drive
from spikecuda.network.model.coupling import Coupling
from spikecuda.network.model.population import Population, View
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.trains import Given
from spikecuda.network.network import Network

# What of a projection decides on its synapses, beside its views and the seed.
SYNAPSES = (
    "number", "rule", "weight", "delay", "receptor", "autapses", "multapses", "procedural",
    "weight_bits", "plasticity", "dendritic", "max_weight", "max_indegree", "modulator_delay",
    "near", "order",
)  # fmt: skip


def as_networks(network: object, size: int | None) -> list[Network]:
    """Return the network that each replica is made from.

    Args:
        network: one for all, or a sequence with one for each.
        size: number of replicas, or None where the sequence says it.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: something else, or networks of other structure.
        SpikecudaError: a network's synapses are no longer what it was told.
    """
    if isinstance(network, Network):
        if size is None:
            raise SpikecudaValueError(
                "size must be given with one network: the number of replicas (got None)"
            )
        networks = [network] * size
    elif isinstance(network, Sequence) and network and all(isinstance(n, Network) for n in network):
        networks = list(network)
        if size is not None and size != len(networks):
            raise SpikecudaValueError(
                f"size must be the number of networks, {len(networks):,}, or be left out (got "
                f"{size:,})"
            )
    else:
        raise SpikecudaTypeError(
            f"network must be a Network, or a list of them (got {shown(network)})"
        )
    for i, each in enumerate(dict.fromkeys(networks)):
        _require_told(each)
        if each is not networks[0]:
            _require_alike(networks[0], each, i)
    return networks


def _require_told(network: Network) -> None:
    """Raise unless a network's synapses are what it was told."""
    network._require_open()
    if not network._populations():
        raise SpikecudaError(
            "an ensemble needs a network with neurons (got one without a population); "
            "net.population(...) adds one"
        )
    if network._exchange is not None or network._route is not None:
        raise SpikecudaError(
            "a network of an ensemble is on one device, and exchanges no spikes (got one with "
            "exchange=); leave exchange out"
        )
    if network.settled_weights:
        which = next((p.name for p in network.projections if p.learns), "")
        got = (
            f"that was built, and whose synapses {which} learn"
            if which
            else "whose weights were assigned"
        )
        raise SpikecudaError(
            "an ensemble is made from what a network was told, with the weights of its connect() "
            f"(got one {got}); make the ensemble before that, or assign weights of its replicas"
        )


def _require_alike(first: Network, other: Network, number: int) -> None:
    """Raise unless two networks differ only in numbers."""
    for (what, mine), (_, theirs) in zip(_outline(first), _outline(other), strict=False):
        if mine != theirs:
            raise SpikecudaValueError(
                f"networks of an ensemble must have one structure: {what} of network {number} is "
                f"{theirs} (got {mine} in network 0); make an ensemble of those that are alike"
            )


def _outline(network: Network) -> Iterator[tuple[str, Any]]:
    """Yield what networks of one structure have in common."""
    yield "dt", f"{network.dt:g} ms"
    yield "precision", network.precision
    yield "the list of populations", _names(network.populations)
    for name, population in network.populations.items():
        yield name, _of_population(population)
    yield "the list of projections", _names(p.name for p in network.wired)
    for p in network.wired:
        kind = "" if p.plasticity is None else f", {type(p.plasticity).__name__}"
        yield f"the projection {p.name}", f"{type(p.rule).__name__}{kind}"
        yield f"procedural= of {p.name}", p.procedural
    yield "the list of couplings", _names(c.name for c in network.couplings)
    for c in network.couplings:
        yield f"the coupling {c.name}", _of_coupling(c)
    drives = [(e.view.population.name, type(t).__name__, e.receptor or "")
              for e in network._drives.entries for t in e.inputs]  # fmt: skip
    yield "the list of drives", _names(" ".join(filter(None, d)) for d in drives)
    yield "the order of drives", _names(map(_of_drive, network.drives))
    yield "the list of spike trains", _names(map(_of_train, network._trains.given))
    wanted = network._recorders.wanted(network._populations())[0]
    yield "what is recorded", _names(f"{what} of {name}" for name, what in wanted)


def _of_population(population: Population) -> str:
    spec = population.neuron_spec
    if spec is None:
        return f"{population.size:,} spike trains"
    ports = _names(f"{name}: {type(r).__name__}" for name, r in population.receptors.items())
    if population.between:
        ports += f", between steps at {_names(population.between)}"
    return (
        f"{population.size:,} {spec.model.name} neurons, scheme {spec.scheme}, {spec.substeps} "
        f"substeps, receptors {ports}"
    )


def _of_coupling(coupling: Coupling) -> str:
    value = coupling.value.given if coupling.value.source is None else coupling.value.text
    kind = (name for name in ("difference", "symmetric", "iterated") if getattr(coupling, name))
    return f"{type(coupling.rule).__name__}, {' '.join(kind) or 'plain'}, of {value}"


def _of_drive(drive: Drive) -> str:
    return f"{' and '.join(type(term).__name__ for term in drive.inputs)} of {drive._whose}"


def _of_train(given: Given) -> str:
    row = given.projection
    name = given.source.name if row is None else f"neurons of {row.target.population.name}"
    return f"{given.source.size:,} of {name}"


def _names(names: Any) -> str:
    return ", ".join(names) or "none"


def same_wiring(first: Network, other: Network) -> bool:
    """Tell whether two networks of one structure have the same synapses if seeds are the same."""
    pairs = zip(first.couplings, other.couplings, strict=True)
    return all(_same_projection(a.pairs, b.pairs) for a, b in pairs) and all(
        _same_projection(p, q) for p, q in zip(first.wired, other.wired, strict=True)
    )


def _same_projection(p: Projection, q: Projection) -> bool:
    views = [(p.source, q.source), (p.target, q.target), (p.modulator, q.modulator)]
    return all(_same_view(a, b) for a, b in views) and all(
        _same(getattr(p, name), getattr(q, name)) for name in SYNAPSES
    )


def _same_view(a: View | None, b: View | None) -> bool:
    if a is None or b is None:
        return a is b
    same = a.population.size == b.population.size and a.population.at_once == b.population.at_once
    return same and np.array_equal(a.ids, b.ids)


def _same(a: Any, b: Any) -> bool:
    """Tell whether rules, weights or delays are the same, arrays compared element by element."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(_same, a, b))
    if hasattr(a, "__dict__"):
        mine, theirs = _facts(a), _facts(b)
        return mine.keys() == theirs.keys() and all(_same(mine[k], theirs[k]) for k in mine)
    return bool(a == b)


def _facts(thing: Any) -> dict[str, Any]:
    """Return what an object is, without what it has worked out meanwhile."""
    made = {f.name for f in fields(thing) if not f.compare} if is_dataclass(thing) else set()
    return {name: value for name, value in vars(thing).items() if name not in made}
