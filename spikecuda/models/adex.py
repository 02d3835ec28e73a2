"""Adaptive exponential integrate-and-fire: the user's view."""

import numpy as np

from spikecuda.kernels.models import adex
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter, State

X_MAX = 80.0
# The square of e^40 fits in float32.
X_TOP = 40.0


class AdEx(Model):
    """Adaptive exponential integrate-and-fire neuron.

    ``c_m dv/dt = -g_l (v - e_l) + g_l delta_t exp((v - v_t) / delta_t) - w + current`` and
    ``tau_w dw/dt = a (v - e_l) - w``; at v >= v_peak: v <- v_reset, w <- w + b.  With t_ref > 0, v
    is held at v_reset for t_ref while w goes on.

    Schemes: ``euler`` (order 1; one exponential a step), ``heun`` (order 2 between spikes, order 1
    in spike times; two) and ``upstroke`` (order 2, spike times included: the peak is found within
    the step, and the rest of the step starts from the reset; with t_ref > 0 the refractory period
    ends on the grid, as in NEST).

    Source: Brette & Gerstner (2005) J Neurophysiol 94:3637, equations 1 to 3 and the regular
    spiking cell of figure 2 (default values).
    """

    name = "adex"
    source = "Brette & Gerstner (2005) J Neurophysiol 94:3637"
    refractory = True
    requires = (("v_reset", "<", "v_peak"), ("v_t", "<", "v_peak"))

    v = State(
        "mV",
        initial="e_l",
        origin="e_l",
        span=lambda v_t, e_l: np.maximum(np.abs(v_t - e_l), 1.0),
        doc="membrane potential",
    )
    w = State("pA", initial=0.0, span=100.0, doc="adaptation current")
    c_m = Parameter(281.0, "pF", "membrane capacitance", above=0.0)
    g_l = Parameter(30.0, "nS", "leak conductance", above=0.0)
    e_l = Parameter(-70.6, "mV", "leak reversal potential")
    v_t = Parameter(-50.4, "mV", "threshold of the exponential")
    delta_t = Parameter(2.0, "mV", "slope factor", above=0.0)
    a = Parameter(4.0, "nS", "subthreshold adaptation")
    tau_w = Parameter(144.0, "ms", "adaptation time constant", above=0.0)
    b = Parameter(80.5, "pA", "spike-triggered adaptation")
    v_reset = Parameter(-70.6, "mV", "potential after a spike")
    v_peak = Parameter(0.0, "mV", "potential at which the upstroke counts as a spike")
    t_ref = Parameter(0.0, "ms", "absolute refractory period", at_least=0.0)

    schemes = {
        "euler": adex.step_euler, "heun": adex.step_heun, "upstroke": adex.step_upstroke,
    }  # fmt: skip
    crossing = {"upstroke": adex.crossing_upstroke}
    resume = {"upstroke": adex.resume_upstroke}
    threshold = adex.threshold
    reset = adex.reset

    def derive(c_m, g_l, e_l, v_t, delta_t, tau_w, v_reset, v_peak, dt):
        """Return the constants of the step, in the notation of the kernel."""
        h_c = dt / c_m
        return {
            "g_exp": g_l * delta_t,
            "k_v": 1.0 - h_c * g_l,
            "k_l": h_c * g_l,
            "k_0": h_c * g_l * e_l,
            "k_e": h_c * g_l * delta_t,
            "k_reset": h_c * g_l * delta_t * np.exp(np.minimum((v_reset - v_t) / delta_t, X_TOP)),
            "x_v": 1.0 / delta_t,
            "x_t": -v_t / delta_t,
            "x_top": np.minimum((v_peak - v_t) / delta_t, X_TOP),
            "at_peak": np.exp(-(v_peak - v_t) / delta_t),
            "x_cap": np.minimum((v_peak - v_t) / delta_t, X_MAX),
            "h_c": h_c,
            "h_w": dt / tau_w,
        }
