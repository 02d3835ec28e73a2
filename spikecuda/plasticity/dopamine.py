"""STDP that dopamine gates."""

from spikecuda.kernels.plasticity import dopamine
from spikecuda.models.parameter import Parameter
from spikecuda.plasticity.base import SynapseRule
from spikecuda.plasticity.parts import Modulator, PostTrace, PreTrace, Variable


class DopamineSTDP(SynapseRule):
    """STDP of an eligibility, which dopamine turns into changes of the weight.

    At a spike of the target ``c += a_plus x``, at a spike of the source ``c -= a_minus y``.
    Between events ``dw/dt = c (n - b)``, exactly; c decays with tau_c.  Each spike of the
    modulator, ``connect(..., modulator=...)``, adds ``1 / tau_n`` to n, which decays with tau_n.
    The weight is held within its bounds at the spikes of the synapse.  The amplitudes are in the
    receptor's unit.

    Sources: Izhikevich (2007) Cereb Cortex 17:2443; Potjans, Morrison & Diesmann (2010) Front
    Comput Neurosci 4:141.
    """

    name = "dopamine_stdp"
    source = "Izhikevich (2007) Cereb Cortex 17:2443"

    tau_plus = Parameter(20.0, "ms", "time constant of x", above=0.0)
    tau_minus = Parameter(20.0, "ms", "time constant of y", above=0.0)
    a_plus = Parameter(1.0, "", "gain of eligibility at a spike of the target", at_least=0.0)
    a_minus = Parameter(1.5, "", "loss of eligibility at a spike of the source", at_least=0.0)
    tau_c = Parameter(1000.0, "ms", "time constant of the eligibility", above=0.0)
    tau_n = Parameter(200.0, "ms", "time constant of dopamine", above=0.0)
    b = Parameter(0.0, "1/ms", "level of dopamine without effect", at_least=0.0)

    x = PreTrace("tau_plus", doc="trace of the source's spikes")
    y = PostTrace("tau_minus", doc="trace of the target's spikes")
    c = Variable(decay="tau_c", doc="eligibility")
    n = Modulator("tau_n", eligibility="c", baseline="b", doc="level of dopamine")

    on_post = dopamine.eligible_post
    on_pre = dopamine.eligible_pre
