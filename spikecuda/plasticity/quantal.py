"""Synapses with several sites, each of which releases and recovers at random."""

from spikecuda.errors import SpikecudaValueError
from spikecuda.kernels.plasticity import quantal
from spikecuda.models.parameter import Parameter
from spikecuda.plasticity.base import SynapseRule
from spikecuda.plasticity.parts import PreTrace, Variable


class QuantalRelease(SynapseRule):
    """Short-term plasticity of single vesicles: each site of a synapse is full, or empty.

    At a spike of the source, an empty site is full again with probability
    ``1 - exp(-h / tau_rec)``, h being the time since the last spike.  Then each full site releases,
    and is empty, with probability u: ``u = U + u' (1 - U) exp(-h / tau_fac)``, u' being that of the
    last spike.  The weight is that of all sites together: it is sent times the part of them that
    releases, and does not change.  ``w_max`` is the largest weight.  The mean over many synapses is
    that of ``TsodyksMarkram``; with one site, a synapse sends all or nothing.

    Both numbers are drawn from one random number of the synapse.  ``values("empty")`` and
    ``values("released")`` are those after the last spike.

    Source: Fuhrmann et al. (2002) J Neurophysiol 87:140; Loebel et al. (2009) Front Comput Neurosci
    3:27.
    """

    name = "quantal_release"
    source = "Fuhrmann, Segev, Markram & Tsodyks (2002) J Neurophysiol 87:140"

    sites = Parameter(5.0, "", "sites of release, whole", at_least=1.0, at_most=quantal.MOST)
    U = Parameter(0.5, "", "probability that a site at rest releases", at_least=0.0, at_most=1.0)
    tau_rec = Parameter(800.0, "ms", "time constant of recovery", above=0.0)
    tau_fac = Parameter(0.0, "ms", "time constant of facilitation; 0: none", at_least=0.0)
    x = PreTrace("tau_rec", to_one=True)
    u = Variable(0.0, decay="tau_fac", doc="probability of release at the last spike")
    empty = Variable(0.0, doc="sites that are empty since the last spike")
    released = Variable(0.0, doc="sites that released at the last spike")

    on_pre = quantal.on_pre
    transmit = quantal.part

    def check(self) -> None:
        """Refuse a part of a site."""
        if self.params["sites"] % 1:
            raise SpikecudaValueError(
                f"sites must be a whole number (got {self.params['sites']!r}); use "
                f"{round(self.params['sites'])}"
            )
