"""Integrate-and-fire neurons with adaptation: of conductances, and of the threshold."""

import numpy as np

from spikecuda.kernels.language import fma
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter, State


class IAFAdapting(Model):
    """Integrate-and-fire with spike-frequency adaptation and a relative refractory period.

    ``c_m dv/dt = -g_l (v - e_l) - g_sfa (v - e_sfa) - g_rr (v - e_rr) - sum_k g_k (v - e_k) +
    current``; both conductances jump at a spike, by q_sfa and q_rr, and decay.

    Source: Muller, Buesing, Schemmel & Meier (2007) Neural Comput 19:2958, section 2; default
    values: as in NEST's ``iaf_cond_exp_sfa_rr``.
    """

    name = "iaf_sfa_rr"
    source = "Muller et al. (2007) Neural Comput 19:2958"
    schemes = ("rk4", "heun", "exponential_euler", "euler", "heun_crossing")
    refractory = True
    v = State("mV", initial="e_l", origin="e_l", span=15.0, doc="membrane potential")
    g_sfa = State("nS", initial=0.0, span=50.0, doc="conductance of adaptation")
    g_rr = State("nS", initial=0.0, span=3000.0, doc="conductance after a spike")
    c_m = Parameter(289.5, "pF", "membrane capacitance", above=0.0)
    g_l = Parameter(28.95, "nS", "leak conductance", above=0.0)
    e_l = Parameter(-70.0, "mV", "leak reversal potential")
    v_th = Parameter(-57.0, "mV", "threshold")
    v_reset = Parameter(-70.0, "mV", "potential after a spike")
    t_ref = Parameter(0.5, "ms", "refractory period, v held at v_reset", at_least=0.0)
    q_sfa = Parameter(14.48, "nS", "jump of adaptation at a spike", at_least=0.0)
    tau_sfa = Parameter(110.0, "ms", "time constant of adaptation", above=0.0)
    e_sfa = Parameter(-70.0, "mV", "reversal potential of adaptation")
    q_rr = Parameter(3214.0, "nS", "jump of the conductance after a spike", at_least=0.0)
    tau_rr = Parameter(1.97, "ms", "time constant of the relative refractory period", above=0.0)
    e_rr = Parameter(-70.0, "mV", "reversal potential of the relative refractory period")
    requires = (("v_reset", "<", "v_th"),)

    def dv(v, g_sfa, g_rr, current, g_syn, g_e_syn, c_m, g_l, e_l, e_sfa, e_rr):
        """Equation 1."""
        spiked = g_sfa * (v - e_sfa) + g_rr * (v - e_rr)
        return (current + g_e_syn - g_syn * v - g_l * (v - e_l) - spiked) / c_m

    def dg_sfa(g_sfa, tau_sfa):
        """Decay."""
        return -g_sfa / tau_sfa

    def dg_rr(g_rr, tau_rr):
        """Decay."""
        return -g_rr / tau_rr

    def threshold(v, v_th):
        """Tell whether the neuron spikes."""
        return v >= v_th

    def reset(g_sfa, g_rr, v_reset, q_sfa, q_rr):
        """Return the states after a spike."""
        return v_reset, g_sfa + q_sfa, g_rr + q_rr


class MAT2(Model):
    """A leaky integrator that is never reset, with a threshold that jumps at spikes.

    A spike when ``v >= omega + theta_1 + theta_2``, but not within t_ref of the last one; the two
    parts then jump by alpha_1 and alpha_2, and decay.

    Scheme ``exact``: like NEST's ``mat2_psc_exp``, whose default values these are.

    Source: Kobayashi, Tsubo & Shinomoto (2009) Front Comput Neurosci 3:9, equations 1 to 4.
    """

    name = "mat2"
    source = "Kobayashi et al. (2009) Front Comput Neurosci 3:9"
    refractory = True
    while_refractory = "silent"
    memory = "tau_m"
    v = State("mV", initial="e_l", origin="e_l", span=20.0, doc="membrane potential")
    theta_1 = State("mV", initial=0.0, span=40.0, doc="fast part of the threshold")
    theta_2 = State("mV", initial=0.0, span=20.0, doc="slow part of the threshold")
    tau_m = Parameter(5.0, "ms", "membrane time constant", above=0.0)
    c_m = Parameter(100.0, "pF", "membrane capacitance", above=0.0)
    e_l = Parameter(-70.0, "mV", "resting potential")
    omega = Parameter(-51.0, "mV", "threshold at rest")
    alpha_1 = Parameter(37.0, "mV", "jump of the fast part")
    alpha_2 = Parameter(2.0, "mV", "jump of the slow part")
    tau_1 = Parameter(10.0, "ms", "time constant of the fast part", above=0.0)
    tau_2 = Parameter(200.0, "ms", "time constant of the slow part", above=0.0)
    t_ref = Parameter(2.0, "ms", "time after a spike without another", at_least=0.0)

    def derive(tau_m, c_m, e_l, tau_1, tau_2, dt):
        """Return the exact propagators of a step."""
        keep, lost = np.exp(-dt / tau_m), -np.expm1(-dt / tau_m)
        return {
            "keep": keep, "gain": lost * tau_m / c_m, "p_rest": lost * e_l,
            "keep_1": np.exp(-dt / tau_1), "keep_2": np.exp(-dt / tau_2),
        }  # fmt: skip

    def exact(v, theta_1, theta_2, current, keep, gain, p_rest, keep_1, keep_2):
        """Propagate."""
        return fma(keep, v, fma(gain, current, p_rest)), keep_1 * theta_1, keep_2 * theta_2

    def threshold(v, theta_1, theta_2, omega):
        """Tell whether the neuron spikes."""
        return v >= omega + theta_1 + theta_2

    def reset(v, theta_1, theta_2, alpha_1, alpha_2):
        """Raise the threshold."""
        return v, theta_1 + alpha_1, theta_2 + alpha_2

    schemes = {"exact": exact}
