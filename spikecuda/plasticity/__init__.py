"""Synapses that learn: rules for ``Network.connect(..., plasticity=...)``."""

from typing import TYPE_CHECKING

from spikecuda.common.first_use import at_first_use

# Where each public name lives; loaded at first use.
_PUBLIC = {
    "DiehlCookSTDP": "diehl_cook",
    "DopamineSTDP": "dopamine",
    "GutigSTDP": "stdp",
    "Modulator": "parts",
    "NearestSTDP": "nearest",
    "PostTrace": "parts",
    "PowerLawSTDP": "power_law",
    "PreTrace": "parts",
    "QuantalRelease": "quantal",
    "SourceVariable": "parts",
    "SynapseParameter": "parts",
    "TargetState": "parts",
    "ClopathSTDP": "clopath",
    "STDP": "stdp",
    "SaturatingNMDA": "saturating",
    "StochasticRelease": "stochastic",
    "SynapseRule": "base",
    "TripletSTDP": "triplet",
    "Tsodyks2000": "tsodyks",
    "TsodyksMarkram": "tsodyks",
    "Variable": "parts",
    "VogelsSTDP": "vogels",
}

if TYPE_CHECKING:
    from spikecuda.plasticity.base import SynapseRule
    from spikecuda.plasticity.clopath import ClopathSTDP
    from spikecuda.plasticity.diehl_cook import DiehlCookSTDP
    from spikecuda.plasticity.dopamine import DopamineSTDP
    from spikecuda.plasticity.nearest import NearestSTDP
    from spikecuda.plasticity.parts import (
        Modulator,
        PostTrace,
        PreTrace,
        SourceVariable,
        SynapseParameter,
        TargetState,
        Variable,
    )
    from spikecuda.plasticity.power_law import PowerLawSTDP
    from spikecuda.plasticity.quantal import QuantalRelease
    from spikecuda.plasticity.saturating import SaturatingNMDA
    from spikecuda.plasticity.stdp import STDP, GutigSTDP
    from spikecuda.plasticity.stochastic import StochasticRelease
    from spikecuda.plasticity.triplet import TripletSTDP
    from spikecuda.plasticity.tsodyks import Tsodyks2000, TsodyksMarkram
    from spikecuda.plasticity.vogels import VogelsSTDP

__all__ = [
    "STDP",
    "ClopathSTDP",
    "DiehlCookSTDP",
    "DopamineSTDP",
    "GutigSTDP",
    "Modulator",
    "NearestSTDP",
    "PostTrace",
    "PowerLawSTDP",
    "PreTrace",
    "QuantalRelease",
    "SaturatingNMDA",
    "SourceVariable",
    "StochasticRelease",
    "SynapseParameter",
    "SynapseRule",
    "TargetState",
    "TripletSTDP",
    "Tsodyks2000",
    "TsodyksMarkram",
    "Variable",
    "VogelsSTDP",
]

if not TYPE_CHECKING:  # a type checker would take any name for one of these
    __getattr__ = at_first_use(__name__, _PUBLIC)


def __dir__() -> list[str]:
    return sorted(__all__)
