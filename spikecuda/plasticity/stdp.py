"""Pair-based spike-timing-dependent plasticity."""

from typing import Any

from spikecuda.kernels.plasticity import stdp
from spikecuda.models.parameter import Parameter
from spikecuda.plasticity.base import SynapseRule
from spikecuda.plasticity.parts import PostTrace, PreTrace


def _steps(lam: float, alpha: float, w_max: float) -> dict[str, float]:
    """Return the steps of both changes, and what turns a weight into a part of the largest."""
    return {"step_up": lam * w_max, "step_down": alpha * lam * w_max, "per_max": 1.0 / w_max}


class STDP(SynapseRule):
    """Pair STDP of all spikes, additive: a change does not depend on the weight.

    At a spike of the target ``w += lam w_max x``, at a spike of the source ``w -= alpha lam w_max
    y``; x and y are traces with time constants tau_plus and tau_minus.

    Source: Song, Miller & Abbott (2000) Nat Neurosci 3:919.
    """

    name = "stdp"
    source = "Song, Miller & Abbott (2000) Nat Neurosci 3:919"

    tau_plus = Parameter(20.0, "ms", "time constant of potentiation", above=0.0)
    tau_minus = Parameter(20.0, "ms", "time constant of depression", above=0.0)
    lam = Parameter(0.01, "", "step of potentiation, as a part of w_max", at_least=0.0)
    alpha = Parameter(1.0, "", "depression relative to potentiation", at_least=0.0)

    x = PreTrace("tau_plus", doc="trace of the source's spikes")
    y = PostTrace("tau_minus", doc="trace of the target's spikes")

    on_post = stdp.potentiate_additive
    on_pre = stdp.depress_additive
    derive = _steps


class GutigSTDP(SynapseRule):
    """Pair STDP of all spikes with powers of the weight: additive, multiplicative or between.

    At a spike of the target ``w += lam w_max (1 - w / w_max)^mu_plus x``, at a spike of the source
    ``w -= alpha lam w_max (w / w_max)^mu_minus y``.  Exponents of 1, the default, are the
    multiplicative rule, and 0 the additive one; ``STDP`` is that, faster.

    Source: Gütig, Aharonov, Rotter & Sompolinsky (2003) J Neurosci 23:3697.
    """

    name = "gutig_stdp"
    source = "Gütig, Aharonov, Rotter & Sompolinsky (2003) J Neurosci 23:3697"
    both_signs = False

    tau_plus = Parameter(20.0, "ms", "time constant of potentiation", above=0.0)
    tau_minus = Parameter(20.0, "ms", "time constant of depression", above=0.0)
    lam = Parameter(0.01, "", "step of potentiation, as a part of w_max", at_least=0.0)
    alpha = Parameter(1.0, "", "depression relative to potentiation", at_least=0.0)
    mu_plus = Parameter(1.0, "", "exponent of potentiation", at_least=0.0)
    mu_minus = Parameter(1.0, "", "exponent of depression", at_least=0.0)

    x = PreTrace("tau_plus", doc="trace of the source's spikes")
    y = PostTrace("tau_minus", doc="trace of the target's spikes")

    on_post: Any = stdp.potentiate
    on_pre: Any = stdp.depress
    derive = _steps
