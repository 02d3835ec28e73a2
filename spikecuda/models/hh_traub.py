"""Hodgkin-Huxley neuron after Traub & Miles: the user's view."""

import numpy as np

from spikecuda.kernels.models import hh_traub
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter, State


def _linoid(x: np.ndarray) -> np.ndarray:
    """Return x / (e^x - 1)."""
    safe = np.where(x == 0.0, 1.0, x)
    return np.where(x == 0.0, 1.0, safe / np.expm1(safe))


def _steady(alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    return alpha / (alpha + beta)


def _m_rest(e_l: np.ndarray, v_t: np.ndarray) -> np.ndarray:
    u = e_l - v_t
    return _steady(1.28 * _linoid((13.0 - u) / 4.0), 1.4 * _linoid((u - 40.0) / 5.0))


def _h_rest(e_l: np.ndarray, v_t: np.ndarray) -> np.ndarray:
    u = e_l - v_t
    return _steady(0.128 * np.exp((17.0 - u) / 18.0), 4.0 / (1.0 + np.exp((40.0 - u) / 5.0)))


def _n_rest(e_l: np.ndarray, v_t: np.ndarray) -> np.ndarray:
    u = e_l - v_t
    return _steady(0.16 * _linoid((15.0 - u) / 5.0), 0.5 * np.exp((10.0 - u) / 40.0))


class HHTraub(Model):
    """Hodgkin-Huxley neuron with the sodium and potassium channels of Traub & Miles.

    ``c_m dv/dt = -g_l (v - e_l) - g_na m^3 h (v - e_na) - g_k n^4 (v - e_k)
    - sum_k g_k (v - e_k) + current``, with the synaptic conductances and reversal potentials of its
    receptors in the last sum.  A spike when v rises through v_th, but not within t_ref of the last
    one; nothing is reset or clamped.  The gates start at their rest for v = e_l.

    Scheme ``strang``: order 2 in v and gates (see ``kernels/models/hh_traub.py``).

    Source: Traub & Miles (1991) Neuronal Networks of the Hippocampus, as modified by Brette et al.
    (2007) J Comput Neurosci 23:349, benchmark 3 ("COBAHH"); default values: as its NEST
    implementation ``hh_cond_exp_traub`` (which marks the peak of a spike, not its rise).
    """

    name = "hh_traub"
    source = "Brette et al. (2007) J Comput Neurosci 23:349"
    refractory = True
    while_refractory = "silent"

    v = State("mV", initial="e_l", origin="e_l", span=20.0, doc="membrane potential")
    m = State("", initial=_m_rest, origin=0.0, span=1.0, doc="activation of sodium")
    h = State("", initial=_h_rest, origin=0.0, span=1.0, doc="inactivation of sodium")
    n = State("", initial=_n_rest, origin=0.0, span=1.0, doc="activation of potassium")
    c_m = Parameter(200.0, "pF", "membrane capacitance", above=0.0)
    g_l = Parameter(10.0, "nS", "leak conductance", above=0.0)
    e_l = Parameter(-60.0, "mV", "leak reversal potential")
    g_na = Parameter(20000.0, "nS", "sodium conductance", at_least=0.0)
    e_na = Parameter(50.0, "mV", "sodium reversal potential")
    g_k = Parameter(6000.0, "nS", "potassium conductance", at_least=0.0)
    e_k = Parameter(-90.0, "mV", "potassium reversal potential")
    v_t = Parameter(-63.0, "mV", "origin of the channels' voltage axis; spikes rise near v_t + 13")
    v_th = Parameter(0.0, "mV", "potential through which a spike rises")
    t_ref = Parameter(2.0, "ms", "time after a spike without another", at_least=0.0)

    schemes = {"strang": hh_traub.step}
    threshold = hh_traub.threshold
    reset = hh_traub.reset

    def derive(c_m, g_l, e_l, dt):
        """Return the constants of the step, in the notation of the kernel."""
        return {"i_l": g_l * e_l, "h_c": 0.5 * dt / c_m}
