"""NMDA receptors that saturate, for each source by itself."""

import math

from spikecuda.kernels.plasticity import saturating
from spikecuda.models.parameter import Parameter
from spikecuda.plasticity.base import SynapseRule
from spikecuda.plasticity.parts import SourceVariable

# Terms of the series of k_0: enough for any alpha tau_rise up to 30, far beyond any receptor.
TERMS = 120


def _jump(alpha: float, tau_rise: float, tau_decay: float) -> dict[str, float]:
    """Return what a spike makes of s: ``k_0 + k_1 s``.

    With x = alpha tau_rise and r = tau_rise / tau_decay, k_0 = x^r gamma(1 - r, x), gamma the lower
    incomplete gamma function: the equation of s integrated over a spike from x = 1 on.
    """
    x, r = alpha * tau_rise, tau_rise / tau_decay
    # x e^-x sum x^n / ((1 - r) (2 - r) ... (n + 1 - r)): all terms are positive.
    total, term = 0.0, 1.0 / (1.0 - r)
    for n in range(TERMS):
        total += term
        term *= x / (n + 2.0 - r)
    return {"k_0": x * math.exp(-x) * total, "k_1": math.exp(-x)}


class SaturatingNMDA(SynapseRule):
    """NMDA receptors of which each source opens a part s, at most about 1 (Brunel & Wang).

    ``ds/dt = alpha x (1 - s) - s / tau_decay`` and ``dx/dt = -x / tau_rise``, where a spike adds 1
    to x.  A spike sends the weight times what it adds to s, all at once.  So the receptor is one
    that jumps and decays with tau_decay: ``NMDA(tau_rise=0.001, tau_decay=tau_decay)``, or an
    ``ExpConductance``.  Exact if x has died away before the next spike.  Weights do not change, so
    there is no ``w_max``.

    Source: Wang (1999) J Neurosci 19:9587; Brunel & Wang (2001) J Comput Neurosci 11:63; the jump
    is that of NEST's ``iaf_bw_2001``.
    """

    name = "saturating_nmda"
    source = "Brunel & Wang (2001) J Comput Neurosci 11:63"

    alpha = Parameter(0.5, "1/ms", "how fast a spike opens receptors", above=0.0, at_most=10.0)
    tau_rise = Parameter(2.0, "ms", "time constant of the rise", above=0.0, at_most=10.0)
    tau_decay = Parameter(100.0, "ms", "time constant of the decay", above=10.0)

    s = SourceVariable(0.0, doc="open receptors after the last spike, as a part of all")

    derive = _jump
    release = saturating.release
