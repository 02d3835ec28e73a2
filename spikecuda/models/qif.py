"""Quadratic integrate-and-fire: the user's view."""

from spikecuda.kernels.models import qif
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter, State


class QIF(Model):
    """Quadratic integrate-and-fire neuron.

    ``c_m dv/dt = g_l (v - e_l) (v - v_c) / (v_c - e_l) + current``; a spike when v >= v_peak; v is
    then held at v_reset for t_ref.  Near rest it is a leaky membrane with conductance g_l; without
    input it spikes from above v_c; its rheobase is g_l (v_c - e_l) / 4.

    Scheme ``exact``: the solution for an input that is constant over a step, to rounding as long as
    the step is short beside the upstroke (see ``kernels/models/qif.py``); a spike is found even
    where v passes infinity within a step.

    Source: Latham et al. (2000) J Neurophysiol 83:808; default values: the membrane
    of ``lif`` (20 ms, 200 pF, 15 mV from rest to v_c).
    """

    name = "qif"
    source = "Latham et al. (2000) J Neurophysiol 83:808"
    refractory = True
    requires = (("e_l", "<", "v_c"), ("v_reset", "<", "v_peak"))

    v = State(
        "mV",
        initial="e_l",
        origin="e_l",
        span=lambda v_c, e_l: v_c - e_l,
        doc="membrane potential",
    )
    c_m = Parameter(200.0, "pF", "membrane capacitance", above=0.0)
    g_l = Parameter(10.0, "nS", "leak conductance at rest", above=0.0)
    e_l = Parameter(-65.0, "mV", "resting potential")
    v_c = Parameter(-50.0, "mV", "critical potential, from which v rises without input")
    v_reset = Parameter(-65.0, "mV", "potential after a spike")
    v_peak = Parameter(30.0, "mV", "potential at which the upstroke counts as a spike")
    t_ref = Parameter(2.0, "ms", "absolute refractory period", at_least=0.0)

    schemes = {"exact": qif.step}
    threshold = qif.threshold
    reset = qif.reset

    def derive(c_m, g_l, e_l, v_c, dt):
        """Return the constants of the step, in the notation of the kernel."""
        k = g_l / (v_c - e_l)
        h_c = dt / c_m
        return {
            "v_0": 0.5 * (e_l + v_c),
            "j_0": -0.25 * g_l * (v_c - e_l),
            "h_c": h_c,
            "h_k": h_c * k,
            "q_j": h_c * h_c * k,
        }
