"""Spikes and states of the equations themselves, by scipy: independent of any scheme and step.

Neurons are integrated by DOP853 with a tolerance of 1e-11.  An exponential upstroke would need
steps without end, so from three slope factors above the threshold on the variable is
``z = exp((v_switch - v) / delta_t)``, which falls from 1 to its value at the peak at nearly a
constant rate, and time and w follow it.
"""

import math

import numpy as np
import test_hh_traub
from scipy.integrate import solve_ivp

METHOD = {"method": "DOP853", "rtol": 1e-11, "atol": 1e-11}


def run(slope, peak, reset, start, duration, upstroke=None, most=None):
    """Return the spike times up to ``duration`` and the state there.

    Args:
        slope: f(y), the derivative of the state, v first.
        peak: v at which a spike is; infinite: there are no resets.
        reset: f(y), the state after a spike.
        start: the state at time 0.
        duration: ms.
        upstroke: (v_switch, delta_t): from there on z is the variable.
        most: stop at this spike, with the state before its reset.
    """
    t, y, spikes = 0.0, np.array(start, float), []
    top = upstroke[0] if upstroke and upstroke[0] < peak else peak
    while True:
        if y[0] < top:
            found = solve_ivp(lambda _, y: slope(y), (t, duration), y, events=_reach(top), **METHOD)
            if found.status != 1:
                return np.array(spikes), found.y[:, -1]
            t, y = float(found.t_events[0][0]), found.y_events[0][0]
        if top < peak:
            before, before_y = t, y
            t, y = _rise(slope, t, y, peak, upstroke)
            if t > duration:
                found = solve_ivp(lambda _, y: slope(y), (before, duration), before_y, **METHOD)
                return np.array(spikes), found.y[:, -1]
        spikes.append(t)
        if len(spikes) == most:
            return np.array(spikes), y
        y = np.array(reset(y), float)


def _reach(top):
    def event(_, y):
        return y[0] - top

    event.terminal, event.direction = True, 1.0
    return event


def _rise(slope, t, y, peak, upstroke):
    """Return time and state at the peak."""
    switch, delta_t = upstroke

    def by_z(s, x):
        z = 1.0 - s
        v = switch - delta_t * math.log(max(z, 1e-300))
        derivative = np.asarray(slope(np.concatenate([[v], x[1:]])))
        fall = z * derivative[0] / delta_t
        return np.concatenate([[1.0], derivative[1:]]) / fall

    ends = [1.0 - math.exp(-(v - switch) / delta_t) for v in (y[0], peak)]
    x = solve_ivp(by_z, ends, np.concatenate([[t], y[1:]]), **METHOD).y[:, -1]
    return x[0], np.concatenate([[peak], x[1:]])


def adex(p, current):
    """Return slope, peak, reset and upstroke of AdEx, or EIF (a = b = 0), for ``run``."""
    a, b, tau_w = p.get("a", 0.0), p.get("b", 0.0), p.get("tau_w", 1.0)

    def slope(y):
        v, w = y
        exponent = min((v - p["v_t"]) / p["delta_t"], 100.0)
        upstroke = p["g_l"] * p["delta_t"] * math.exp(exponent)
        dv = (-p["g_l"] * (v - p["e_l"]) + upstroke - w + current) / p["c_m"]
        return np.array([dv, (a * (v - p["e_l"]) - w) / tau_w])

    def reset(y):
        return p["v_reset"], y[1] + b

    return slope, p["v_peak"], reset, (p["v_t"] + 3 * p["delta_t"], p["delta_t"])


def lif(p, current):
    """Return the same of LIF (also with g_l = c_m / tau_m)."""

    def slope(y):
        return np.array([(p["e_l"] - y[0]) * p["g_l"] / p["c_m"] + current / p["c_m"]])

    return slope, p["v_th"], lambda y: (p["v_reset"],), None


def qif(p, current):
    """Return the same of QIF."""
    k = p["g_l"] / (p["v_c"] - p["e_l"])

    def slope(y):
        return np.array([(k * (y[0] - p["e_l"]) * (y[0] - p["v_c"]) + current) / p["c_m"]])

    return slope, p["v_peak"], lambda y: (p["v_reset"],), None


def izhikevich(p, current):
    """Return the same of Izhikevich's model."""

    def slope(y):
        v, u = y
        dv = p["c2"] * v * v + p["c1"] * v + p["c0"] - u + current
        return np.array([dv, p["a"] * (p["b"] * v - u)])

    return slope, p["v_peak"], lambda y: (p["c"], y[1] + p["d"]), None


def hh_traub(p, current):
    """Return the same of the Hodgkin-Huxley neuron, which has no reset."""
    return lambda y: np.array(test_hh_traub.slope(0.0, y, current)), math.inf, None, None


def glif3(p, current):
    """Return the same of GLIF3 without refractory period."""

    def slope(y):
        v, i_1, i_2 = y
        dv = (-p["g_l"] * (v - p["e_l"]) + i_1 + i_2 + current) / p["c_m"]
        return np.array([dv, -p["k_1"] * i_1, -p["k_2"] * i_2])

    def reset(y):
        return p["v_reset"], p["r_1"] * y[1] + p["di_1"], p["r_2"] * y[2] + p["di_2"]

    return slope, p["v_th"], reset, None
