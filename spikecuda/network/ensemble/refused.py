"""What networks have, and an ensemble of them has not."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from spikecuda.errors import (
    SpikecudaAttributeError,
    SpikecudaError,
    SpikecudaTypeError,
    nearest,
    shown,
)
from spikecuda.network.ensemble.replica import Replica
from spikecuda.network.network import Network

TAKEN = ("duration", "progress", "every", "call", "until")
# By name: what is to be done instead.
REMEDIES = {
    "realtime": "run one Network with realtime=True, for replicas together are no system in time",
    "save_every": "save the results of pieces in call=",
    "save_to": "save the results of pieces in call=",
    "gather": "leave it out: each replica has its whole result",
}


def refuse_options(options: Mapping[str, object], size: int) -> NoReturn:
    """Raise SpikecudaTypeError for what a run of an ensemble does not take.

    Args:
        options: what was passed beside what it takes.
        size: replicas of the ensemble.
    """
    name, value = next(iter(options.items()))
    if name in REMEDIES:
        raise SpikecudaTypeError(
            f"{name} is for a run of one network (got {name}={shown(value)} for an ensemble of "
            f"{size:,}); {REMEDIES[name]}"
        )
    raise SpikecudaTypeError(
        f"a run of an ensemble takes {', '.join(TAKEN)} (got {name}={shown(value)})"
        f"{nearest(name, list(TAKEN))}"
    )


class NetworkOnly:
    """What is refused of an ensemble by name, with what there is instead."""

    _replicas: Sequence[Replica]

    def view(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: a page shows one network, and replicas run together.

        Raises:
            SpikecudaError: always; it says what can be viewed.
        """
        raise SpikecudaError(
            f"an ensemble has no view (got one of {len(self._replicas)} replicas); "
            "result[k].view() shows what replica k did, and net.view() the network that it was "
            "made from"
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"an Ensemble has no attribute {name!r}")
        if name in ("save", "load"):
            raise SpikecudaAttributeError(
                f"ensembles are not saved (got {name}); save ensemble.result[i], or the network "
                "that the ensemble was made from"
            )
        if hasattr(Network, name) or name in vars(self._replicas[0]):
            raise SpikecudaAttributeError(
                f"an ensemble has no {name} (got ensemble.{name}); ensemble[i].{name} is that of a "
                "replica, and what is alike in all is told to the network before"
            )
        raise SpikecudaAttributeError(
            f"an ensemble has no attribute {name!r}{nearest(name, dir(type(self)))}"
        )
