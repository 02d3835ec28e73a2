"""Triplet STDP."""

from spikecuda.kernels.plasticity import triplet
from spikecuda.models.parameter import Parameter
from spikecuda.plasticity.base import SynapseRule
from spikecuda.plasticity.parts import PostTrace, PreTrace


class TripletSTDP(SynapseRule):
    """STDP of triplets of spikes, all to all; its potentiation grows with the rate.

    At a spike of the target ``w += r1 (a2_plus + a3_plus o2)``, at a spike of the source
    ``w -= o1 (a2_minus + a3_minus r2)``.  r1 and r2 are traces of the source's spikes with time
    constants tau_plus and tau_x, o1 and o2 of the target's with tau_minus and tau_y.  The
    amplitudes are in the receptor's unit.  The defaults were fitted to visual cortex, all to all.

    Source: Pfister & Gerstner (2006) J Neurosci 26:9673, equations 3 and 4, table 4.
    """

    name = "triplet_stdp"
    source = "Pfister & Gerstner (2006) J Neurosci 26:9673"

    tau_plus = Parameter(16.8, "ms", "time constant of r1", above=0.0)
    tau_x = Parameter(101.0, "ms", "time constant of r2", above=0.0)
    tau_minus = Parameter(33.7, "ms", "time constant of o1", above=0.0)
    tau_y = Parameter(125.0, "ms", "time constant of o2", above=0.0)
    a2_plus = Parameter(5e-10, "", "potentiation by a pair", at_least=0.0)
    a3_plus = Parameter(6.2e-3, "", "potentiation by a triplet", at_least=0.0)
    a2_minus = Parameter(7e-3, "", "depression by a pair", at_least=0.0)
    a3_minus = Parameter(2.3e-4, "", "depression by a triplet", at_least=0.0)

    r1 = PreTrace("tau_plus", doc="fast trace of the source's spikes")
    r2 = PreTrace("tau_x", doc="slow trace of the source's spikes")
    o1 = PostTrace("tau_minus", doc="fast trace of the target's spikes")
    o2 = PostTrace("tau_y", doc="slow trace of the target's spikes")

    on_post = triplet.potentiate
    on_pre = triplet.depress
