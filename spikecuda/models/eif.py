"""Exponential integrate-and-fire: the user's view."""

import numpy as np

from spikecuda.kernels.models import eif
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter, State

X_MAX = 80.0
# The square of e^40 fits in float32.
X_TOP = 40.0


class EIF(Model):
    """Exponential integrate-and-fire neuron.

    ``c_m dv/dt = -g_l (v - e_l) + g_l delta_t exp((v - v_t) / delta_t) + current``; a spike when
    v >= v_peak; v is then held at v_reset for t_ref.

    Schemes: ``euler`` (order 1; one exponential a step), ``heun`` (order 2 between spikes, order 1
    in spike times; two) and ``upstroke`` (order 2, spike times included: the peak is found within
    the step, and the rest of the step starts from the reset; with t_ref > 0 the refractory period
    ends on the grid, as in NEST).

    Source: Fourcaud-Trocmé et al. (2003) J Neurosci 23:11628; default values: their fit of the
    Wang-Buzsáki neuron (time constant 10 ms), for a membrane of 200 pF; the cut v_peak is ours.
    """

    name = "eif"
    source = "Fourcaud-Trocmé et al. (2003) J Neurosci 23:11628"
    refractory = True
    requires = (("v_reset", "<", "v_peak"), ("v_t", "<", "v_peak"))

    v = State(
        "mV",
        initial="e_l",
        origin="e_l",
        span=lambda v_t, e_l: np.maximum(np.abs(v_t - e_l), 1.0),
        doc="membrane potential",
    )
    c_m = Parameter(200.0, "pF", "membrane capacitance", above=0.0)
    g_l = Parameter(20.0, "nS", "leak conductance", above=0.0)
    e_l = Parameter(-65.0, "mV", "leak reversal potential")
    v_t = Parameter(-59.9, "mV", "threshold of the exponential")
    delta_t = Parameter(3.48, "mV", "slope factor", above=0.0)
    v_reset = Parameter(-68.0, "mV", "potential after a spike")
    v_peak = Parameter(-30.0, "mV", "potential at which the upstroke counts as a spike")
    t_ref = Parameter(1.7, "ms", "absolute refractory period", at_least=0.0)

    schemes = {
        "euler": eif.step_euler, "heun": eif.step_heun, "upstroke": eif.step_upstroke,
    }  # fmt: skip
    crossing = {"upstroke": eif.crossing_upstroke}
    resume = {"upstroke": eif.resume_upstroke}
    threshold = eif.threshold
    reset = eif.reset

    def derive(c_m, g_l, e_l, v_t, delta_t, v_reset, v_peak, dt):
        """Return the constants of the schemes, in the notation of the kernel."""
        h_c = dt / c_m
        return {
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
        }
