"""Oracle of the exponential integrate-and-fire neuron.

Source: Fourcaud-Trocmé et al. (2003) J Neurosci 23:11628:
``c_m v' = -g_l (v - e_l) + g_l delta_t e^((v - v_t) / delta_t) + I``; v is held at v_reset for
t_ref after a spike.  The exponent is capped at ``min((v_peak - v_t) / delta_t, 80)``.  Schemes:
"euler", "heun" (explicit trapezoid; the predicted v is limited to v_peak) and "upstroke" (see
there).
Units: ms, mV, pF, nS, pA.
"""

import math

from numba import njit

from spikecuda.kernels.reference import loop, upstroke

STATES = ("v",)
PARAMETERS = ("c_m", "g_l", "e_l", "v_t", "delta_t", "v_peak", "v_reset")


@njit
def _slope(v, p, current):
    c_m, g_l, e_l, v_t, delta_t, v_peak = p[0], p[1], p[2], p[3], p[4], p[5]
    exponent = min(min(v, v_peak) - v_t, 80.0 * delta_t) / delta_t
    return (g_l * (e_l - v) + g_l * delta_t * math.exp(exponent) + current) / c_m


@njit
def _euler(y, p, current, g, g_e, h):
    y[0] += h * _slope(y[0], p, current)


@njit
def _heun(y, p, current, g, g_e, h):
    first = _slope(y[0], p, current)
    guess = min(y[0] + h * first, p[5])
    y[0] += h * (first + _slope(guess, p, current)) / 2.0


@njit
def _crossed(y, before, p):
    return y[0] >= p[5]


@njit
def _reset(y, p):
    y[0] = p[6]


def simulate(state, params, current, pulses=None, dt=0.1, scheme="euler", substeps=1):
    """Simulate; see the package's docstring, and ``loop.simulate`` for the arguments."""
    if scheme == "upstroke":
        return upstroke.simulate(state, params, current, pulses, dt, substeps)
    model = ({"euler": _euler, "heun": _heun}[scheme], _crossed, _reset)
    return loop.simulate(
        model, loop.CLAMP, STATES, PARAMETERS, state, params, current, pulses, dt, substeps
    )
