"""Plasticity of inhibitory synapses."""

from spikecuda.kernels.plasticity import vogels
from spikecuda.models.parameter import Parameter
from spikecuda.plasticity.base import SynapseRule
from spikecuda.plasticity.parts import PostTrace, PreTrace


def _loss(eta: float, alpha: float) -> dict[str, float]:
    """Return what a spike of the source costs."""
    return {"loss": eta * alpha}


class VogelsSTDP(SynapseRule):
    """Symmetric STDP of inhibitory synapses, which balances their targets' excitation.

    At a spike of the target ``w += eta x``, at a spike of the source ``w += eta (y - alpha)``.
    Targets go to the rate ``alpha / (2 tau)``.  eta is in the receptor's unit.  Give a negative
    ``w_max``, unless the receptor is a conductance.

    Source: Vogels, Sprekeler, Zenke, Clopath & Gerstner (2011) Science 334:1569.
    """

    name = "vogels_stdp"
    source = "Vogels, Sprekeler, Zenke, Clopath & Gerstner (2011) Science 334:1569"

    tau = Parameter(20.0, "ms", "time constant of both traces", above=0.0)
    alpha = Parameter(0.12, "", "loss at each spike of the source, in units of eta", at_least=0.0)
    eta = Parameter(0.001, "", "learning rate", at_least=0.0)

    x = PreTrace("tau", doc="trace of the source's spikes")
    y = PostTrace("tau", doc="trace of the target's spikes")

    on_post = vogels.potentiate
    on_pre = vogels.change
    derive = _loss
