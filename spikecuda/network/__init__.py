"""Networks: populations, projections, inputs, recorders, results."""

import importlib
from typing import TYPE_CHECKING, Any

# Where each public name lives; loaded at first use.
_PUBLIC = {
    "AllToAll": "rules",
    "AlphaConductance": "receptors",
    "AlphaCurrent": "receptors",
    "Delta": "receptors",
    "ExpConductance": "receptors",
    "ExpCurrent": "receptors",
    "FixedInDegree": "rules",
    "FixedOutDegree": "rules",
    "FixedProbability": "rules",
    "FixedTotal": "rules",
    "NMDA": "receptors",
    "Network": "network",
    "NetworkResult": "result",
    "OneToOne": "rules",
    "Pairs": "rules",
    "SpikeTrain": "sources",
    "from_file": "edges",
    "from_matrix": "edges",
}

if TYPE_CHECKING:
    from spikecuda.network.edges import from_file, from_matrix
    from spikecuda.network.network import Network
    from spikecuda.network.receptors import (
        NMDA,
        AlphaConductance,
        AlphaCurrent,
        Delta,
        ExpConductance,
        ExpCurrent,
    )
    from spikecuda.network.result import NetworkResult
    from spikecuda.network.rules import (
        AllToAll,
        FixedInDegree,
        FixedOutDegree,
        FixedProbability,
        FixedTotal,
        OneToOne,
        Pairs,
    )
    from spikecuda.network.sources import SpikeTrain

__all__ = [
    "NMDA",
    "AllToAll",
    "AlphaConductance",
    "AlphaCurrent",
    "Delta",
    "ExpConductance",
    "ExpCurrent",
    "FixedInDegree",
    "FixedOutDegree",
    "FixedProbability",
    "FixedTotal",
    "Network",
    "NetworkResult",
    "OneToOne",
    "Pairs",
    "SpikeTrain",
    "from_file",
    "from_matrix",
]


if not TYPE_CHECKING:  # a type checker would take any name for one of these

    def __getattr__(name: str) -> Any:
        if name in _PUBLIC:
            return getattr(importlib.import_module(f"spikecuda.network.{_PUBLIC[name]}"), name)
        raise AttributeError(f"module 'spikecuda.network' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
