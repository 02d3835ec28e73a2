"""STDP of Diehl and Cook's network."""

from spikecuda.kernels.plasticity import diehl_cook
from spikecuda.models.parameter import Parameter
from spikecuda.plasticity.base import SynapseRule
from spikecuda.plasticity.parts import PostTrace, PreTrace


class DiehlCookSTDP(SynapseRule):
    """Triplet STDP with traces that a spike sets to 1, of a network that learns digits.

    At a spike of the target ``w += eta_post x o2``, at a spike of the source ``w -= eta_pre o1``.
    The steps are in the receptor's unit; the published w_max is 1.  In that work the incoming
    weights of each neuron are scaled to a sum between images: ``projection.normalise``.

    Source: Diehl & Cook (2015) Front Comput Neurosci 9:99, and the code published with it.
    """

    name = "diehl_cook_stdp"
    source = "Diehl & Cook (2015) Front Comput Neurosci 9:99"

    tau_pre = Parameter(20.0, "ms", "time constant of x", above=0.0)
    tau_post_1 = Parameter(20.0, "ms", "time constant of o1", above=0.0)
    tau_post_2 = Parameter(40.0, "ms", "time constant of o2", above=0.0)
    eta_pre = Parameter(1e-4, "", "step of depression", at_least=0.0)
    eta_post = Parameter(0.01, "", "step of potentiation", at_least=0.0)

    x = PreTrace("tau_pre", to_one=True, doc="trace of the source's last spike")
    o1 = PostTrace("tau_post_1", to_one=True, doc="fast trace of the target's last spike")
    o2 = PostTrace("tau_post_2", to_one=True, doc="slow trace of the target's last spike")

    on_post = diehl_cook.potentiate
    on_pre = diehl_cook.depress
