"""Hodgkin-Huxley neurons from their equations: the squid axon and Wang & Buzsaki's interneuron."""

from spikecuda.kernels.language import exp, expm1, real
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter, State


class HHSquid(Model):
    """The squid giant axon of Hodgkin & Huxley, for a membrane of 10^-4 square centimetres.

    ``c_m dv/dt = -g_na m^3 h (v - e_na) - g_k n^4 (v - e_k) - g_l (v - e_l) - sum_k g_k (v - e_k) +
    current``, the axis of v so that rest is at -65 mV.  A spike when v rises through v_th, but not
    within t_ref of the last one; nothing is reset.

    Schemes ``strang`` and ``exponential_euler`` are stable at any step; ``rk4`` up to 0.05 ms.

    Source: Hodgkin & Huxley (1952) J Physiol 117:500, equations 12 to 26; default values: as in
    NEST's ``hh_psc_alpha`` (which marks the peak of a spike, not its rise).
    """

    name = "hh_squid"
    source = "Hodgkin & Huxley (1952) J Physiol 117:500"
    schemes = ("strang", "rk4", "heun", "exponential_euler", "euler")
    refractory = True
    while_refractory = "silent"
    v = State("mV", initial=-65.0, origin=-65.0, span=50.0, doc="membrane potential")
    m = State("", initial=0.05293248525724958, origin=0.0, span=1.0, doc="activation of sodium")
    h = State("", initial=0.5961207535084603, origin=0.0, span=1.0, doc="inactivation of sodium")
    n = State("", initial=0.3176769140606974, origin=0.0, span=1.0, doc="activation of potassium")
    c_m = Parameter(100.0, "pF", "membrane capacitance", above=0.0)
    g_na = Parameter(12000.0, "nS", "sodium conductance", at_least=0.0)
    e_na = Parameter(50.0, "mV", "sodium reversal potential")
    g_k = Parameter(3600.0, "nS", "potassium conductance", at_least=0.0)
    e_k = Parameter(-77.0, "mV", "potassium reversal potential")
    g_l = Parameter(30.0, "nS", "leak conductance", above=0.0)
    e_l = Parameter(-54.402, "mV", "leak reversal potential")
    v_th = Parameter(0.0, "mV", "potential through which a spike rises")
    t_ref = Parameter(2.0, "ms", "time after a spike without another", at_least=0.0)

    def dv(v, m, h, n, current, g_syn, g_e_syn, c_m, g_na, e_na, g_k, e_k, g_l, e_l):
        """Equation 26."""
        sodium = g_na * (m * m * m * h) * (v - e_na)
        potassium = g_k * (n * n * n * n) * (v - e_k)
        return (current + g_e_syn - g_syn * v - g_l * (v - e_l) - sodium - potassium) / c_m

    def dm(v, m):
        """Equations 15, 20 and 21."""
        x = real(-0.1) * (v + real(40.0))
        alpha = x / expm1(x) if x != real(0.0) else real(1.0)
        beta = real(4.0) * exp((v + real(65.0)) * real(-0.05555555555555556))
        return alpha * (real(1.0) - m) - beta * m

    def dh(v, h):
        """Equations 16, 23 and 24."""
        alpha = real(0.07) * exp(real(-0.05) * (v + real(65.0)))
        return alpha * (real(1.0) - h) - h / (real(1.0) + exp(real(-0.1) * (v + real(35.0))))

    def dn(v, n):
        """Equations 7, 12 and 13."""
        x = real(-0.1) * (v + real(55.0))
        alpha = real(0.1) * (x / expm1(x) if x != real(0.0) else real(1.0))
        return alpha * (real(1.0) - n) - real(0.125) * exp(real(-0.0125) * (v + real(65.0))) * n

    def threshold(v, v_before, v_th):
        """Tell whether the membrane potential has risen through the threshold."""
        return v >= v_th and v_before < v_th

    def reset(v, m, h, n):
        """Leave everything as it is: the channels end the spike."""
        return v, m, h, n


class WangBuzsaki(Model):
    """The fast-spiking interneuron of Wang & Buzsaki, for 10^-4 square centimetres.

    Sodium activates at once.  ``c_m dv/dt = -g_na m_inf(v)^3 h (v - e_na) - g_k n^4 (v - e_k) - g_l
    (v - e_l) - sum_k g_k (v - e_k) + current``.  A spike when v rises through v_th, but not within
    t_ref of the last one; nothing is reset.

    Source: Wang & Buzsaki (1996) J Neurosci 16:6402, equations 1 to 3.
    """

    name = "wang_buzsaki"
    source = "Wang & Buzsaki (1996) J Neurosci 16:6402"
    schemes = ("strang", "rk4", "heun", "exponential_euler", "euler")
    refractory = True
    while_refractory = "silent"
    v = State("mV", initial="e_l", origin="e_l", span=50.0, doc="membrane potential")
    h = State("", initial=0.7808, origin=0.0, span=1.0, doc="inactivation of sodium")
    n = State("", initial=0.0891, origin=0.0, span=1.0, doc="activation of potassium")
    c_m = Parameter(100.0, "pF", "membrane capacitance", above=0.0)
    g_na = Parameter(3500.0, "nS", "sodium conductance", at_least=0.0)
    e_na = Parameter(55.0, "mV", "sodium reversal potential")
    g_k = Parameter(900.0, "nS", "potassium conductance", at_least=0.0)
    e_k = Parameter(-90.0, "mV", "potassium reversal potential")
    g_l = Parameter(10.0, "nS", "leak conductance", above=0.0)
    e_l = Parameter(-65.0, "mV", "leak reversal potential")
    phi = Parameter(5.0, "", "how fast the gates are", above=0.0)
    v_th = Parameter(0.0, "mV", "potential through which a spike rises")
    t_ref = Parameter(2.0, "ms", "time after a spike without another", at_least=0.0)

    def dv(v, h, n, current, g_syn, g_e_syn, c_m, g_na, e_na, g_k, e_k, g_l, e_l):
        """Equation 1."""
        x = real(-0.1) * (v + real(35.0))
        alpha = x / expm1(x) if x != real(0.0) else real(1.0)
        beta = real(4.0) * exp((v + real(60.0)) * real(-0.05555555555555556))
        m = alpha / (alpha + beta)
        sodium = g_na * (m * m * m * h) * (v - e_na)
        potassium = g_k * (n * n * n * n) * (v - e_k)
        return (current + g_e_syn - g_syn * v - g_l * (v - e_l) - sodium - potassium) / c_m

    def dh(v, h, phi):
        """Equation 2."""
        alpha = real(0.07) * exp(real(-0.05) * (v + real(58.0)))
        beta = real(1.0) / (real(1.0) + exp(real(-0.1) * (v + real(28.0))))
        return phi * (alpha * (real(1.0) - h) - beta * h)

    def dn(v, n, phi):
        """Equation 3."""
        x = real(-0.1) * (v + real(34.0))
        alpha = real(0.1) * (x / expm1(x) if x != real(0.0) else real(1.0))
        beta = real(0.125) * exp(real(-0.0125) * (v + real(44.0)))
        return phi * (alpha * (real(1.0) - n) - beta * n)

    def threshold(v, v_before, v_th):
        """Tell whether the membrane potential has risen through the threshold."""
        return v >= v_th and v_before < v_th

    def reset(v, h, n):
        """Leave everything as it is: the channels end the spike."""
        return v, h, n
