"""Which models of NEST's synapses SONATA files name, and what those are here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from spikecuda.plasticity.base import SynapseRule
from spikecuda.plasticity.stdp import GutigSTDP
from spikecuda.plasticity.tsodyks import Tsodyks2000, TsodyksMarkram

# Parameters of every synapse; the level of detail is of synapses with compartments.
COMMON = ("receptor_type", "delay", "weight", "sign", "level_of_detail")


@dataclass(frozen=True)
class SynapseKind:
    """A model of NEST's synapses.

    Attributes:
        rule: what it is here; None: weights stay as they are.
        params: by NEST's name: ours, and NEST's default.
        starts: by NEST's name of a variable: the parameter, or the number, that it must start at.
        by_target: whether tau_minus of the target's neurons is a parameter.
    """

    rule: type[SynapseRule] | None
    params: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    starts: Mapping[str, str | float] = field(default_factory=dict)
    by_target: bool = False


STATIC = "static_synapse"
KINDS = {
    STATIC: SynapseKind(None),
    "stdp_synapse": SynapseKind(
        GutigSTDP,
        {
            "tau_plus": ("tau_plus", 20.0), "lambda": ("lam", 0.01), "alpha": ("alpha", 1.0),
            "mu_plus": ("mu_plus", 1.0), "mu_minus": ("mu_minus", 1.0), "Wmax": ("w_max", 100.0),
        },
        by_target=True,
    ),
    "tsodyks_synapse": SynapseKind(
        Tsodyks2000,
        {
            "U": ("U", 0.5), "tau_psc": ("tau_psc", 3.0), "tau_rec": ("tau_rec", 800.0),
            "tau_fac": ("tau_fac", 0.0),
        },
        {"x": 1.0, "y": 0.0, "u": 0.0},
    ),
    "tsodyks2_synapse": SynapseKind(
        TsodyksMarkram,
        {"U": ("U", 0.5), "tau_rec": ("tau_rec", 800.0), "tau_fac": ("tau_fac", 0.0)},
        {"x": 1.0, "u": "U"},
    ),
}  # fmt: skip
