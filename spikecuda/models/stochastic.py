"""Neurons that spike by chance: GIF with escape noise, and an inhomogeneous Poisson process."""

import numpy as np

from spikecuda.kernels.language import exp, expm1, fma, real, uniform
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter, State


class GIF(Model):
    """Generalised integrate-and-fire with escape noise, after-spike currents, moving threshold.

    ``c_m dv/dt = -g_l (v - e_l) - stc_1 - stc_2 + current``.  In a step the chance of a spike is
    ``1 - exp(-lambda dt)``, with ``lambda = lambda_0 exp((v - v_t - sfa_1 - sfa_2) / delta_v)``.
    A spike adds q_stc_j to the currents and q_sfa_j to the threshold, which decay, and v is held at
    v_reset for t_ref.

    Scheme ``exact``: v, currents and threshold are exact; the chance is that of v at the end of the
    step, as in NEST's ``gif_psc_exp``, whose default values these are.

    Source: Mensi et al. (2012) J Neurophysiol 107:1756; Pozzorini et al. (2015) PLoS Comput Biol
    11:e1004275, equations 1 to 4.
    """

    name = "gif"
    source = "Pozzorini et al. (2015) PLoS Comput Biol 11:e1004275"
    refractory = True
    v = State("mV", initial="e_l", origin="e_l", span=30.0, doc="membrane potential")
    stc_1 = State("pA", initial=0.0, span=100.0, doc="first after-spike current")
    stc_2 = State("pA", initial=0.0, span=100.0, doc="second after-spike current")
    sfa_1 = State("mV", initial=0.0, span=30.0, doc="first part of the threshold's movement")
    sfa_2 = State("mV", initial=0.0, span=30.0, doc="second part of the threshold's movement")
    c_m = Parameter(80.0, "pF", "membrane capacitance", above=0.0)
    g_l = Parameter(4.0, "nS", "leak conductance", above=0.0)
    e_l = Parameter(-70.0, "mV", "resting potential")
    v_reset = Parameter(-55.0, "mV", "potential after a spike")
    v_t = Parameter(-35.0, "mV", "threshold at rest")
    delta_v = Parameter(0.5, "mV", "how sharp the threshold is", above=0.0)
    lambda_0 = Parameter(1.0, "Hz", "rate of spikes at the threshold", at_least=0.0)
    t_ref = Parameter(4.0, "ms", "refractory period, v held at v_reset", at_least=0.0)
    q_stc_1 = Parameter(0.0, "pA", "jump of the first current")
    q_stc_2 = Parameter(0.0, "pA", "jump of the second current")
    tau_stc_1 = Parameter(10.0, "ms", "time constant of the first current", above=0.0)
    tau_stc_2 = Parameter(100.0, "ms", "time constant of the second current", above=0.0)
    q_sfa_1 = Parameter(0.0, "mV", "jump of the threshold's first part")
    q_sfa_2 = Parameter(0.0, "mV", "jump of the threshold's second part")
    tau_sfa_1 = Parameter(10.0, "ms", "time constant of the first part", above=0.0)
    tau_sfa_2 = Parameter(100.0, "ms", "time constant of the second part", above=0.0)

    def memory(c_m, g_l):
        """Return the membrane's time constant."""
        return c_m / g_l

    def derive(c_m, g_l, e_l, tau_stc_1, tau_stc_2, tau_sfa_1, tau_sfa_2, delta_v, lambda_0, dt):
        """Return the exact propagators of a step."""
        lost = -np.expm1(-dt * g_l / c_m)
        return {
            "keep": np.exp(-dt * g_l / c_m), "gain": lost / g_l, "p_rest": lost * e_l,
            "k_1": np.exp(-dt / tau_stc_1), "k_2": np.exp(-dt / tau_stc_2),
            "s_1": np.exp(-dt / tau_sfa_1), "s_2": np.exp(-dt / tau_sfa_2),
            "sharp": 1.0 / delta_v, "chance": 1e-3 * dt * lambda_0,
        }  # fmt: skip

    def exact(
        v, stc_1, stc_2, sfa_1, sfa_2, current, keep, gain, p_rest, k_1, k_2, s_1, s_2
    ):  # fmt: skip
        """Propagate; the after-spike currents are as at the start of the step."""
        driven = fma(gain, current - stc_1 - stc_2, p_rest)
        return fma(keep, v, driven), k_1 * stc_1, k_2 * stc_2, s_1 * sfa_1, s_2 * sfa_2

    def threshold(v, sfa_1_before, sfa_2_before, v_t, sharp, chance):
        """Draw whether the neuron spikes."""
        above = (v - v_t - sfa_1_before - sfa_2_before) * sharp
        return uniform() <= -expm1(-(chance * exp(min(above, real(80.0)))))

    def reset(
        stc_1, stc_2, sfa_1, sfa_2, v_reset, q_stc_1, q_stc_2, q_sfa_1, q_sfa_2
    ):  # fmt: skip
        """Return the states after a spike."""
        return v_reset, stc_1 + q_stc_1, stc_2 + q_stc_2, sfa_1 + q_sfa_1, sfa_2 + q_sfa_2

    schemes = {"exact": exact}


class PoissonNeuron(Model):
    """Spikes by chance at a rate that follows its input: an inhomogeneous Poisson process.

    ``rate = base + gain current`` (Hz, 0 where that is negative).  In a step the chance of a spike
    is ``1 - exp(-rate dt)``, at most one, and there is none within t_ref of the last one.  The
    state ``rate`` shows the rate of the last step.

    Source: Dayan & Abbott (2001) Theoretical Neuroscience, section 1.4.
    """

    name = "poisson"
    source = "Dayan & Abbott (2001) Theoretical Neuroscience, section 1.4"
    input_unit = "Hz"
    refractory = True
    while_refractory = "silent"
    rate = State("Hz", initial=0.0, span=100.0, doc="rate of the last step")
    base = Parameter(0.0, "Hz", "rate without input")
    gain = Parameter(1.0, "", "rate that a unit of input adds")
    t_ref = Parameter(0.0, "ms", "time after a spike without another", at_least=0.0)

    def step(rate, base, gain, current):
        """Follow the input."""
        return max(fma(gain, current, base), real(0.0))

    def threshold(rate, dt):
        """Draw whether the neuron spikes."""
        return uniform() <= -expm1(rate * dt * real(-0.001))

    def reset(rate):
        """Leave the rate as it is."""
        return rate
