"""The excitatory neuron of the example ``diehl2015``."""

import numpy as np

from spikecuda.kernels.language import exp, fma
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter, State


class AdaptiveThreshold(Model):
    """Leaky integrate-and-fire with conductances, and a threshold that each spike raises.

    ``c_m dv/dt = -g_l (v - e_l) - sum_k g_k (v - e_k) + current``, ``tau_theta dtheta/dt =
    -theta``; a spike when ``v >= v_th + theta - theta_start``, which adds ``theta_plus`` to theta.

    A step takes 5e-8 of theta, less than float32 resolves.  What rounding leaves is kept in
    ``lost`` and taken later (Kahan 1965, Commun ACM 8:40), so theta decays as it should.
    """

    name = "adaptive_threshold"
    source = "Diehl & Cook (2015) Front Comput Neurosci 9:99"
    refractory = True
    requires = (("v_reset", "<", "v_th"),)

    v = State("mV", "e_l", "e_l", 15.0, "membrane potential")
    theta = State("mV", "theta_start", "theta_start", 20.0, "rise of the threshold")
    lost = State("mV", 0.0, 0.0, 1.0, "what theta still has to lose")
    c_m = Parameter(100.0, "pF", "membrane capacitance", above=0.0)
    g_l = Parameter(1.0, "nS", "leak conductance", above=0.0)
    e_l = Parameter(-65.0, "mV", "leak reversal potential")
    v_reset = Parameter(-65.0, "mV", "potential after a spike")
    v_th = Parameter(-52.0, "mV", "threshold at the start")
    t_ref = Parameter(5.0, "ms", "absolute refractory period", at_least=0.0)
    theta_start = Parameter(20.0, "mV", "theta at the start", at_least=0.0)
    theta_plus = Parameter(0.05, "mV", "rise at each spike", at_least=0.0)
    tau_theta = Parameter(1e7, "ms", "time constant of theta", above=0.0)

    def derive(c_m, g_l, e_l, tau_theta, dt):
        """Return the constants of the step: those of ``lif_cond``, and the part theta loses."""
        return {"i_l": g_l * e_l, "h_c": dt / c_m, "fade": -np.expm1(-dt / tau_theta)}

    def step(v, theta, lost, current, g_syn, g_e_syn, g_l, i_l, h_c, fade):
        """Relax the membrane and theta for one step."""
        g = g_l + g_syn
        v_inf = (i_l + g_e_syn + current) / g
        less = fma(fade, theta, lost)
        left = theta - less
        return fma(v - v_inf, exp(-(h_c * g)), v_inf), left, less - (theta - left)

    def threshold(v, theta, v_th, theta_start):
        """Tell whether the neuron spikes."""
        return v - v_th >= theta - theta_start

    def reset(v_reset, theta, lost, theta_plus):
        """Return the states after a spike."""
        return v_reset, theta + theta_plus, lost
