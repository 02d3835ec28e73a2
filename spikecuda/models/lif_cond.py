"""Leaky integrate-and-fire with synaptic conductances: the user's view."""

import numpy as np

from spikecuda.kernels.models import lif_cond
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter, State


class LIFCond(Model):
    """Leaky integrate-and-fire neuron with conductance-based synapses.

    ``c_m dv/dt = -g_l (v - e_l) - sum_k g_k (v - e_k) + current``; a spike when v >= v_th; v is
    then held at v_reset for t_ref.  The conductances g_k and reversal potentials e_k are those of
    its receptors; without any it is ``lif`` with tau_m = c_m / g_l.  A step is solved exactly with
    the conductances' means over it: order 2 in changing conductances, exact in constant ones,
    stable for any.

    Source: Brette et al. (2007) J Comput Neurosci 23:349, benchmark 1 ("COBA", after Vogels &
    Abbott 2005), whose neurons the default values are.
    """

    name = "lif_cond"
    source = "Brette et al. (2007) J Comput Neurosci 23:349"
    refractory = True
    requires = (("v_reset", "<", "v_th"),)

    def memory(c_m, g_l):
        """Return the membrane time constant, ms."""
        return c_m / g_l

    v = State(
        "mV",
        initial="e_l",
        origin="e_l",
        span=lambda v_th, e_l: np.maximum(np.abs(v_th - e_l), 1.0),
        doc="membrane potential",
    )
    c_m = Parameter(200.0, "pF", "membrane capacitance", above=0.0)
    g_l = Parameter(10.0, "nS", "leak conductance", above=0.0)
    e_l = Parameter(-60.0, "mV", "leak reversal potential")
    v_reset = Parameter(-60.0, "mV", "potential after a spike")
    v_th = Parameter(-50.0, "mV", "threshold")
    t_ref = Parameter(5.0, "ms", "absolute refractory period", at_least=0.0)

    schemes = {"exponential": lif_cond.step}
    threshold = lif_cond.threshold
    reset = lif_cond.reset

    def derive(c_m, g_l, e_l, dt):
        """Return the constants of the step, in the notation of the kernel."""
        return {"i_l": g_l * e_l, "h_c": dt / c_m}
