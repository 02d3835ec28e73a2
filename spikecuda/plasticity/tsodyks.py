"""Short-term plasticity."""

from spikecuda.errors import SpikecudaValueError
from spikecuda.kernels.plasticity import tsodyks
from spikecuda.models.parameter import Parameter
from spikecuda.plasticity.base import SynapseRule
from spikecuda.plasticity.parts import SourceVariable

U = Parameter(0.5, "", "part of the resources that a spike after rest releases", above=0.0,
              at_most=1.0)  # fmt: skip


def _gain(tau_psc: float, tau_rec: float) -> dict[str, float]:
    """Return how inactive resources follow from active ones."""
    return {"gain": tau_rec / (tau_rec - tau_psc)}


class TsodyksMarkram(SynapseRule):
    """Depression and facilitation: a spike sends a part ``u r`` of the weight.

    r is what has recovered since the source's last spikes, with time constant tau_rec, and u the
    part of it that is released, which grows by U (1 - u) at each spike and falls with tau_fac.
    Weights do not change, so there is no ``w_max``; u and r belong to the source, and a synapse is
    as large as one without a rule.  The first spike sends U times the weight.

    Source: Maass & Markram (2002) Neural Networks 15:155, equations 2 and 3.
    """

    name = "tsodyks_markram"
    source = "Maass & Markram (2002) Neural Networks 15:155"

    U = U
    tau_rec = Parameter(800.0, "ms", "time constant of recovery", above=0.0)
    tau_fac = Parameter(0.0, "ms", "time constant of facilitation; 0: none", at_least=0.0)

    u = SourceVariable("U", doc="part of the resources that the last spike released")
    r = SourceVariable(1.0, doc="resources before the last spike, as a part of all")

    release = tsodyks.markram


class Tsodyks2000(SynapseRule):
    """Depression and facilitation with recovered, active and inactive resources.

    A spike sends a part ``u r`` of the weight.  r, what is recovered, becomes active, then
    inactive with time constant tau_psc, and recovers with tau_rec.  u starts at 0, grows by
    ``U (1 - u)`` at each spike and falls with tau_fac.  Weights do not change, so there is no
    ``w_max``.  Give the receptor tau_psc, too: the active part is the published current.

    Raises:
        SpikecudaValueError: tau_psc and tau_rec are equal; the solution divides by the difference.

    Source: Tsodyks, Uziel & Markram (2000) J Neurosci 20:RC50, equations 3 and 4.
    """

    name = "tsodyks_2000"
    source = "Tsodyks, Uziel & Markram (2000) J Neurosci 20:RC50"

    U = U
    tau_psc = Parameter(3.0, "ms", "time constant of the active resources", above=0.0)
    tau_rec = Parameter(800.0, "ms", "time constant of recovery", above=0.0)
    tau_fac = Parameter(0.0, "ms", "time constant of facilitation; 0: none", at_least=0.0)

    u = SourceVariable(0.0, doc="part of the resources that the last spike released")
    r = SourceVariable(1.0, doc="recovered resources after the last spike, as a part of all")
    a = SourceVariable(0.0, doc="active resources after the last spike")

    release = tsodyks.three_states
    derive = _gain

    def check(self) -> None:
        """Refuse equal time constants."""
        psc, rec = self.params["tau_psc"], self.params["tau_rec"]
        if psc == rec:
            raise SpikecudaValueError(
                f"tau_psc must differ from tau_rec, by whose difference it divides (got {psc:g} ms "
                "for both); change one a little"
            )
