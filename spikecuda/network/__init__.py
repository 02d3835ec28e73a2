"""Networks: populations, projections, inputs, recorders, results."""

from typing import TYPE_CHECKING

from spikecuda.common.first_use import at_first_use

# Where each public name lives; loaded at first use.
_PUBLIC = {
    "AllToAll": "model.rules",
    "AlphaConductance": "model.receptors",
    "AlphaCurrent": "model.receptors",
    "BetaConductance": "model.receptors",
    "BetaCurrent": "model.receptors",
    "Coupled": "model.coupled",
    "Delta": "model.receptors",
    "Ensemble": "ensemble.ensemble",
    "EnsembleResult": "ensemble.result",
    "DistanceInDegree": "model.distance_rules",
    "DistanceOutDegree": "model.distance_rules",
    "DistanceProbability": "model.distance_rules",
    "ExpConductance": "model.receptors",
    "ExpCurrent": "model.receptors",
    "FixedInDegree": "model.rules",
    "FixedOutDegree": "model.rules",
    "FixedProbability": "model.rules",
    "FixedTotal": "model.rules",
    "NMDA": "model.receptors",
    "Network": "network",
    "NetworkResult": "results.result",
    "OneToOne": "model.rules",
    "Pairs": "model.rules",
    "SpikeTrain": "model.spike_train",
    "from_edges": "model.edge_lists",
    "from_file": "model.edges",
    "from_matrix": "model.edges",
}

if TYPE_CHECKING:
    from spikecuda.network.ensemble.ensemble import Ensemble
    from spikecuda.network.ensemble.result import EnsembleResult
    from spikecuda.network.model.coupled import Coupled
    from spikecuda.network.model.distance_rules import (
        DistanceInDegree,
        DistanceOutDegree,
        DistanceProbability,
    )
    from spikecuda.network.model.edge_lists import from_edges
    from spikecuda.network.model.edges import from_file, from_matrix
    from spikecuda.network.model.receptors import (
        NMDA,
        AlphaConductance,
        AlphaCurrent,
        BetaConductance,
        BetaCurrent,
        Delta,
        ExpConductance,
        ExpCurrent,
    )
    from spikecuda.network.model.rules import (
        AllToAll,
        FixedInDegree,
        FixedOutDegree,
        FixedProbability,
        FixedTotal,
        OneToOne,
        Pairs,
    )
    from spikecuda.network.model.spike_train import SpikeTrain
    from spikecuda.network.network import Network
    from spikecuda.network.results.result import NetworkResult

__all__ = [
    "NMDA",
    "AllToAll",
    "AlphaConductance",
    "AlphaCurrent",
    "BetaConductance",
    "BetaCurrent",
    "Coupled",
    "Delta",
    "DistanceInDegree",
    "DistanceOutDegree",
    "DistanceProbability",
    "Ensemble",
    "EnsembleResult",
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
    "from_edges",
    "from_file",
    "from_matrix",
]


if not TYPE_CHECKING:  # a type checker would take any name for one of these
    __getattr__ = at_first_use(__name__, _PUBLIC)


def __dir__() -> list[str]:
    return sorted(__all__)
