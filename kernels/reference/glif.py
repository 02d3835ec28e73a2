"""Oracle of the generalised leaky integrate-and-fire neurons, GLIF1 to GLIF5.

Source: Teeter et al. (2018) Nat Commun 9:709, methods:
``c_m v' = -g_l (v - e_l) + i_1 + i_2 + I``, ``i_j' = -k_j i_j``, ``theta_s' = -b_s theta_s``,
``theta_v' = a_v (v - e_l) - b_v theta_v``; a spike when v >= v_th + theta_s + theta_v; then
``v = e_l + f_v (v - e_l) + dv``, ``i_j = r_j i_j e^(-k_j t_ref) + di_j``,
``theta_s = theta_s e^(-b_s t_ref) + dtheta_s``, all of which stay for t_ref.
All five are computed as GLIF5: what a level lacks is zero, and a fixed reset to v_reset is
f_v = 0 with dv = v_reset - e_l.  Units: ms, mV, pF, nS, pA.
"""

import math

import numpy as np
from numba import njit

from spikecuda.kernels.reference import loop

STATES = ("v", "theta_s", "i_1", "i_2", "theta_v")
PARAMETERS = (
    "c_m", "g_l", "e_l", "v_th", "t_ref", "f_v", "dv", "b_s", "dtheta_s",
    "k_1", "k_2", "r_1", "r_2", "di_1", "di_2", "a_v", "b_v",
)  # fmt: skip
TERMS = 40


@njit
def _derivative(y, p):
    """Return the derivative of the states' departures from rest, linear in them."""
    v, theta_s, i_1, i_2, theta_v = y[0], y[1], y[2], y[3], y[4]
    c_m, g_l, b_s, k_1, k_2, a_v, b_v = p[0], p[1], p[7], p[9], p[10], p[15], p[16]
    dv = (-g_l * v + i_1 + i_2) / c_m
    return np.array([dv, -b_s * theta_s, -k_1 * i_1, -k_2 * i_2, a_v * v - b_v * theta_v])


@njit
def _integrate(y, p, current, g, g_e, h):
    """Sum the Taylor series of the solution: each term is the derivative of the last."""
    y[0] -= p[2]
    term = y.copy()
    for k in range(1, TERMS):
        slope = _derivative(term, p)
        if k == 1:
            slope[0] += current / p[0]
        term = slope * (h / k)
        y += term
    y[0] += p[2]


@njit
def _integrate_mean(y, p, current, g, g_e, h):
    """The same with each after-spike current held at its mean over the step, GLIF3 alone."""
    first, second = y[2], y[3]
    for k, i in ((p[9], first), (p[10], second)):
        current += i if k == 0.0 else -i * math.expm1(-k * h) / (k * h)
    y[2], y[3] = 0.0, 0.0
    _integrate(y, p, current, g, g_e, h)
    y[2], y[3] = first * math.exp(-p[9] * h), second * math.exp(-p[10] * h)


@njit
def _crossed(y, before, p):
    return y[0] >= p[3] + y[1] + y[4]


@njit
def _reset(y, p):
    e_l, t_ref, f_v, dv, b_s, dtheta_s = p[2], p[4], p[5], p[6], p[7], p[8]
    y[0] = e_l + f_v * (y[0] - e_l) + dv
    y[1] = y[1] * math.exp(-b_s * t_ref) + dtheta_s
    y[2] = p[11] * y[2] * math.exp(-p[9] * t_ref) + p[13]
    y[3] = p[12] * y[3] * math.exp(-p[10] * t_ref) + p[14]


def simulate(state, params, current, pulses=None, dt=0.1, scheme="exact", substeps=1):
    """Simulate; see the package's docstring, and ``loop.simulate`` for the arguments."""
    full = {**dict.fromkeys(PARAMETERS, 0.0), **params}
    if "v_reset" in params:
        full["dv"] = np.asarray(params["v_reset"], np.float64) - params["e_l"]
    integrate = {"exact": _integrate, "mean_current": _integrate_mean}[scheme]
    return loop.simulate(
        (integrate, _crossed, _reset), loop.FREEZE, STATES, PARAMETERS,
        {**dict.fromkeys(STATES, 0.0), **state}, full, current, pulses, dt, substeps,
    )  # fmt: skip
