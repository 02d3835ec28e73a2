"""Oracle of the Hodgkin-Huxley neuron with the channels of Traub & Miles.

Source: Brette et al. (2007) J Comput Neurosci 23:349, benchmark 3: with u = v - v_t,
``c_m v' = -g_l (v - e_l) - g_na m^3 h (v - e_na) - g_k n^4 (v - e_k) - g v + g_e + I``,
``x' = a (1 - x) - b x`` for the gates, with
m: a = 0.32 (13 - u) / (e^((13 - u)/4) - 1), b = 0.28 (u - 40) / (e^((u - 40)/5) - 1);
h: a = 0.128 e^((17 - u)/18), b = 4 / (1 + e^((40 - u)/5));
n: a = 0.032 (15 - u) / (e^((15 - u)/5) - 1), b = 0.5 e^((10 - u)/40).
A spike when v rises through v_th, unless within t_ref of the last.

Scheme "strang": v over h/2, gates over h, v over h/2, each y' = b - s y by the approximation
``y + (b - s y) h (1 + z/2) / (1 + z + z^2/2)`` with z = s h.  Units: ms, mV, pF, nS, pA.
"""

import math

from numba import njit

from spikecuda.kernels.reference import loop

STATES = ("v", "m", "h", "n")
PARAMETERS = ("c_m", "g_l", "e_l", "g_na", "e_na", "g_k", "e_k", "v_t", "v_th")


@njit
def _relax(y, source, rate, h):
    z = rate * h
    return y + (source - rate * y) * h * (1.0 + z / 2.0) / (1.0 + z + z * z / 2.0)


@njit
def _ratio(x):
    """Return x / (e^x - 1)."""
    return 1.0 if x == 0.0 else x / math.expm1(x)


@njit
def _gate(x, alpha, beta, h):
    return _relax(x, alpha, alpha + beta, h)


@njit
def _membrane(y, p, current, g, g_e, h):
    c_m, g_l, e_l, g_na, e_na, g_k, e_k = p[0], p[1], p[2], p[3], p[4], p[5], p[6]
    sodium = g_na * y[1] ** 3 * y[2]
    potassium = g_k * y[3] ** 4
    source = g_l * e_l + sodium * e_na + potassium * e_k + g_e + current
    y[0] = _relax(y[0], source / c_m, (g_l + sodium + potassium + g) / c_m, h)


@njit
def _integrate(y, p, current, g, g_e, h):
    _membrane(y, p, current, g, g_e, h / 2.0)
    u = y[0] - p[7]
    y[1] = _gate(y[1], 1.28 * _ratio((13.0 - u) / 4.0), 1.4 * _ratio((u - 40.0) / 5.0), h)
    y[2] = _gate(
        y[2], 0.128 * math.exp((17.0 - u) / 18.0), 4.0 / (1.0 + math.exp((40.0 - u) / 5.0)), h
    )
    y[3] = _gate(y[3], 0.16 * _ratio((15.0 - u) / 5.0), 0.5 * math.exp((10.0 - u) / 40.0), h)
    _membrane(y, p, current, g, g_e, h / 2.0)


@njit
def _crossed(y, before, p):
    return before[0] < p[8] and y[0] >= p[8]


@njit
def _reset(y, p):
    pass


def simulate(
    state, params, current, pulses=None, dt=0.1, scheme="strang", substeps=1, conductance=None
):
    """Simulate; see the package's docstring, and ``loop.simulate`` for the arguments."""
    return loop.simulate(
        (_integrate, _crossed, _reset), loop.SILENT, STATES, PARAMETERS, state, params, current,
        pulses, dt, substeps, conductance,
    )  # fmt: skip
