"""Pair STDP with a power law."""

from spikecuda.kernels.plasticity import power_law
from spikecuda.models.parameter import Parameter
from spikecuda.plasticity.base import SynapseRule
from spikecuda.plasticity.parts import PostTrace, PreTrace


def _steps(lam: float, alpha: float, mu: float, w_0: float) -> dict[str, float]:
    """Return the steps of both changes."""
    return {"step_up": lam * w_0 ** (1.0 - mu), "part_down": alpha * lam}


class PowerLawSTDP(SynapseRule):
    """Pair STDP of all spikes whose potentiation grows with a power of the weight.

    At a spike of the target ``w += lam w_0^(1 - mu) w^mu x``, at a spike of the source
    ``w -= alpha lam w y``.  The rule has no upper bound.  ``w_max`` is a limit: a weight above it
    is not clipped, and a run in which one is sent raises.  Leave room, say five times the start
    weight: the scale of what is sent follows from it.

    Source: Morrison, Aertsen & Diesmann (2007) Neural Comput 19:1437, equation 6.
    """

    name = "power_law_stdp"
    source = "Morrison, Aertsen & Diesmann (2007) Neural Comput 19:1437"
    bounded = False
    both_signs = False

    tau_plus = Parameter(20.0, "ms", "time constant of potentiation", above=0.0)
    tau_minus = Parameter(20.0, "ms", "time constant of depression", above=0.0)
    lam = Parameter(0.1, "", "step of potentiation, as a part of w_0", at_least=0.0)
    alpha = Parameter(0.11, "", "depression relative to potentiation", at_least=0.0)
    mu = Parameter(0.4, "", "exponent of potentiation", at_least=0.0)
    w_0 = Parameter(1.0, "", "reference weight in the receptor's unit, a magnitude", above=0.0)

    x = PreTrace("tau_plus", doc="trace of the source's spikes")
    y = PostTrace("tau_minus", doc="trace of the target's spikes")

    on_post = power_law.potentiate
    on_pre = power_law.depress
    derive = _steps
