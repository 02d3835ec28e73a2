"""Oracle of the quadratic integrate-and-fire neuron, integrated exactly.

Source: Latham et al. (2000) J Neurophysiol 83:808: ``c_m v' = k (v - e_l) (v - v_c) + I`` with
``k = g_l / (v_c - e_l)``, that is ``c_m x' = k x^2 + J`` for the distance x from the middle of
e_l and v_c.  With s = sqrt(|J| / k) and w = sqrt(|J| k) / c_m the solution is, by the addition
theorem of tan or tanh, ``x(h) = (x + s tan(w h)) / (1 - (x / s) tan(w h))`` for J > 0 and
``(x - s tanh(w h)) / (1 - (x / s) tanh(w h))`` for J < 0.  Where the denominator is not positive,
or a step is longer than the whole way, v has passed infinity.  Units: ms, mV, pF, nS, pA.
"""

import math

from numba import njit

from spikecuda.kernels.reference import loop

STATES = ("v",)
PARAMETERS = ("c_m", "g_l", "e_l", "v_c", "v_peak", "v_reset")


@njit
def _integrate(y, p, current, g, g_e, h):
    c_m, g_l, e_l, v_c = p[0], p[1], p[2], p[3]
    k = g_l / (v_c - e_l)
    x = y[0] - (e_l + v_c) / 2.0
    j = current - k * (v_c - e_l) * (v_c - e_l) / 4.0
    s, w = math.sqrt(abs(j) / k), math.sqrt(abs(j) * k) / c_m
    if w * h < 1e-9:
        top, bottom = x + j * h / c_m, 1.0 - k * x * h / c_m
    elif j > 0.0:
        top, bottom = x + s * math.tan(w * h), 1.0 - x / s * math.tan(w * h)
    else:
        top, bottom = x - s * math.tanh(w * h), 1.0 - x / s * math.tanh(w * h)
    y[0] = (e_l + v_c) / 2.0 + top / bottom if bottom > 0.0 else math.inf


@njit
def _crossed(y, before, p):
    return y[0] >= p[4]


@njit
def _reset(y, p):
    y[0] = p[5]


def simulate(state, params, current, pulses=None, dt=0.1, scheme="exact", substeps=1):
    """Simulate; see the package's docstring, and ``loop.simulate`` for the arguments."""
    model = (_integrate, _crossed, _reset)
    return loop.simulate(
        model, loop.CLAMP, STATES, PARAMETERS, state, params, current, pulses, dt, substeps
    )
