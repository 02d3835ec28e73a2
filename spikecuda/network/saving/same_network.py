"""Whether all processes of an MPI job describe the same network, as a file would."""

from typing import Any

import numpy as np

from spikecuda.common.checksum import checksum
from spikecuda.errors import SpikecudaTypeError
from spikecuda.network.ranks.ranks import BUILD, READ, all_ranks
from spikecuda.network.saving.description import CLASSES, Teller
from spikecuda.saving.codec import Encoder
from spikecuda.saving.neurons import seeds_tree


class _Summary(Encoder):
    """Makes trees to be compared: arrays, and what a file cannot hold, are checksums."""

    def tree(self, what: str, value: Any) -> Any:
        try:
            return super().tree(what, value)
        except SpikecudaTypeError:
            return checksum(value)

    def _array(self, array: np.ndarray) -> Any:
        return checksum(array)


def require_same_network(net: Any) -> None:
    """Raise unless all processes describe the same network, before it is built.

    Raises:
        SpikecudaValueError: what differs, between which ranks.
        DeviceError: there is no MPI.
    """
    ranks = all_ranks()
    ranks.doing = BUILD
    told = Teller(net, _Summary(net.dt, CLASSES)).tree()
    found: dict[str, Any] = {
        "dt": net.dt, "seed": net.seed, "seeds or trial": seeds_tree(net.seed, net._seeds),
        "precision": net.precision, "kind of speeds": net.speeds and isinstance(net.speeds, str),
    }  # fmt: skip
    names = _names(net)
    for what, parts in told.items():
        named: dict[str, Any] = parts if isinstance(parts, dict) else {}
        if isinstance(parts, list):  # several may have one name
            for i, part in enumerate(parts):
                named.setdefault(names[what][i] if what in names else str(i), []).append(part)
        found[what] = named
    ranks.require_alike("network", found)
    ranks.doing = READ


def _names(net: Any) -> dict[str, list[str]]:
    """Return what the parts of a description are called that are no populations."""
    return {
        "trains": [g.source.name or _target(g.projection) for g in net._trains.given],
        "projections": [p.name for p in net._projections],
        "couplings": [c.name for c in net._couplings],
        "drives": [drive._whose for drive in net.drives],
        "variables": [f"{name}, {variable}" for name, variable in net._recorders.variables],
        "records": [r.projection.name for r in net._synapse_recorders.records],
        "upkeep": [f"{p.name}, {kind}" for p, kind in net._upkeep],
    }


def _target(projection: Any) -> str:
    return str(projection.target.population.name)
