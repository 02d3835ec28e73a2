"""Exponential integrate-and-fire: the user's view."""

import numpy as np

from spikecuda.kernels.models import eif
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter, State

X_MAX = 80.0


class EIF(Model):
    """Exponential integrate-and-fire neuron.

    ``c_m dv/dt = -g_l (v - e_l) + g_l delta_t exp((v - v_t) / delta_t) + current``; a spike when
    v >= v_peak; v is then held at v_reset for t_ref.

    Schemes: ``euler`` (order 1, one exponential a step) and ``heun`` (order 2, two).

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

    schemes = {"euler": eif.step_euler, "heun": eif.step_heun}
    threshold = eif.threshold
    reset = eif.reset

    def derive(c_m, g_l, e_l, v_t, delta_t, v_peak, dt):
        """Return the constants of both schemes, in the notation of the kernel."""
        h_c = dt / c_m
        return {
            "k_v": 1.0 - h_c * g_l,
            "k_l": h_c * g_l,
            "k_0": h_c * g_l * e_l,
            "k_e": h_c * g_l * delta_t,
            "x_v": 1.0 / delta_t,
            "x_t": -v_t / delta_t,
            "x_cap": np.minimum((v_peak - v_t) / delta_t, X_MAX),
            "h_c": h_c,
        }
