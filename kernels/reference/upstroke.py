"""Oracle of the scheme ``upstroke`` of ``adex`` and ``eif``, which finds a spike within its step.

With ``c_m v' = l(v, w) + g_l delta_t e^((v - v_t) / delta_t)``, ``l = -g_l (v - e_l) - w + I`` and
synaptic conductances, and d = h l / c_m at the start of the step, y = d / delta_t:

- growth ``K = (h g_l / c_m) e^((v + d / 2 - v_t) / delta_t)``: the exponential adds ``-delta_t
  ln(1 - G)`` to v, ``G = K (1 + y^2 / 24 - leak (e + y) / 6)``, e the lesser of K and 1, leak = h
  (g_l + g) / c_m; from G = 1 on v has passed infinity;
- its mean over the step is ``m = delta_t ((p (7 - p) + 4 q ln q) / 6 - e y / 12)``, p = 1 - q, q
  what is left of 1 at the end, not less than at v_peak;
- v changes by ``d - leak (d / 2 + m) - (h / c_m) dw / 2`` besides, with dw = h w' at the start,
  and w by ``dw + (h / tau_w) (a (d / 2 + m) - dw / 2)``;
- a step that ends at v_peak or above crosses it after the part ``r (6 + u) / (6 + 4 u)`` of it,
  u = y r and r = (e^(y / 2) - q_p) / (K + y q_p), where q_p = e^((v + d / 2 -
  v_peak) / delta_t) and e^(y / 2) its series to third order;
- there w is that part of the way on, and the reset acts; the rest of the step is Taylor's series
  to second order, v at most at v_peak and the growth of its slope at most the slope; with a
  refractory period of at least a step v is clamped instead.

A pulse arrives at the end of the step; what it lifts over v_peak is reset there, but not a neuron
that has spiked in this step.
"""

import math

import numpy as np
from numba import njit

from spikecuda.kernels.reference.arguments import columns, counters, grid, refractory_steps, tables
from spikecuda.kernels.reference.vanishing import remaining

PARAMETERS = ("c_m", "g_l", "e_l", "v_t", "delta_t", "a", "tau_w", "b", "v_reset", "v_peak")


@njit
def _drift(v, w, current, g, g_e, h, p):
    c_m, g_l, e_l = p[0], p[1], p[2]
    return h * (-g_l * (v - e_l) - g * v + g_e - w + current) / c_m


@njit
def _exponential(v, p):
    v_t, delta_t, v_peak = p[3], p[4], p[9]
    return math.exp(min((v - v_t) / delta_t, (v_peak - v_t) / delta_t, 40.0))


@njit
def _whole(v, w, current, g, g_e, h, p, held):
    """Return the states after a step without a reset."""
    c_m, g_l, e_l, v_t, delta_t, a, tau_w, v_peak = p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[9]
    d = _drift(v, w, current, g, g_e, h, p)
    dw = h * (a * (v - e_l) - w) / tau_w
    top = _exponential(v + d / 2.0, p)
    y, leak = d / delta_t, h * (g_l + g) / c_m
    growth = h * g_l / c_m * top
    early = min(growth, 1.0)
    left = 1.0 - growth * (1.0 + y * y / 24.0 - leak * (early + y) / 6.0)
    logarithm = math.log(max(left, 1e-30))
    q = max(left, top * math.exp(-(v_peak - v_t) / delta_t))
    log_q = max(logarithm, (v - v_peak) / delta_t)
    mean = delta_t * (((1.0 - q) * (6.0 + q) + 4.0 * q * log_q) / 6.0 - early * y / 12.0)
    moved = d / 2.0 + mean
    change = d - leak * moved - h / c_m * dw / 2.0
    v_next = v + change - delta_t * logarithm if left > 0.0 else math.inf
    return v_next, w + dw + h / tau_w * ((0.0 if held else a * moved) - dw / 2.0)


@njit
def _crossing(v, w, current, g, g_e, h, p):
    """Return the part of the step after which v is at v_peak."""
    c_m, g_l, v_t, delta_t, v_peak = p[0], p[1], p[3], p[4], p[9]
    d = _drift(v, w, current, g, g_e, h, p)
    y = d / delta_t
    top = _exponential(v + d / 2.0, p)
    q = top * math.exp(-(v_peak - v_t) / delta_t)
    way = 1.0 + y / 2.0 + y * y / 8.0 + y**3 / 48.0 - q
    speed = max(h * g_l / c_m * top + y * q, 1e-15)
    bottom = max(speed * (6.0 * speed + 4.0 * y * way), 1e-30)
    return min(max(way * (6.0 * speed + y * way) / bottom, 0.0), 1.0)


@njit
def _rest(v, w, current, g, g_e, h, p, held, part):
    """Return the states a part of a step after the reset."""
    c_m, g_l, e_l, v_t, delta_t, a, tau_w, v_peak = p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[9]
    kick = h * g_l * delta_t / c_m * math.exp(min((v - v_t) / delta_t, 40.0))
    dv = _drift(v, w, current, g, g_e, h, p) + kick
    dw = h * (a * (v - e_l) - w) / tau_w
    ddv = (min(kick / delta_t, 1.0) - h * (g_l + g) / c_m) * dv - h / c_m * dw
    v_next = min(v + part * dv + part * part / 2.0 * ddv, v_peak)
    moved = 0.0 if held else v_next - v
    return v_next, w + part * dw + part * h / tau_w * (a * moved - part * dw) / 2.0


@njit
def _run(v, w, refrac, p, n_ref, current, pulses, g, g_e, dt, substeps, traces):
    trace_v, trace_w, trace_refrac, before_v, before_w, tested, fired = traces
    h = dt / substeps
    for k in range(current.shape[0]):
        for j in range(current.shape[1]):
            held, spiked = refrac[j] > 0, False
            quiet, own = held, p[:, j].copy()
            b, v_reset, v_peak = own[7], own[8], own[9]
            v[j], w[j] = remaining(v[j], k), remaining(w[j], k)
            for part in range(substeps):
                x, y = v[j], w[j]
                before_v[k, part, j], before_w[k, part, j] = x, y
                i, gs, ge = current[k, j], g[k, j], g_e[k, j]
                v[j], w[j] = _whole(x, y, i, gs, ge, h, own, quiet)
                if quiet:
                    v[j] = v_reset
                    continue
                tested[k, part, j] = v[j]
                within = v[j] >= v_peak
                if within:
                    theta = _crossing(x, y, i, gs, ge, h, own)
                    jumped = y + theta * (w[j] - y) + b
                    stays = n_ref[j] > 0
                    v[j], w[j] = _rest(v_reset, jumped, i, gs, ge, h, own, stays, 1.0 - theta)
                    if stays:
                        v[j] = v_reset
                if part == substeps - 1 and not (within and n_ref[j] > 0):
                    v[j] += pulses[k, j]
                    if not within:
                        tested[k, part, j] = v[j]
                        if v[j] >= v_peak:
                            within = True
                            v[j] = v_reset
                            w[j] += b
                if within:
                    fired[k, part, j] = spiked = True
                    quiet = n_ref[j] > 0
            if spiked:
                refrac[j] = n_ref[j]
            elif held:
                refrac[j] -= 1
            trace_v[k, j], trace_w[k, j], trace_refrac[k, j] = v[j], w[j], refrac[j]


def simulate(state, params, current, pulses=None, dt=0.1, substeps=1, conductance=None):
    """Simulate; see the package's docstring.

    Args:
        state: dict with ``v`` (mV), ``w`` (pA, for AdEx) and, if wanted, ``refrac`` (steps).
        params: those of ``adex``, or of ``eif``, which is the same with a, b and w zero.
        current, pulses: (steps, n), pA and mV; pulses may be None.
        dt: step, ms.
        substeps: parts of a step.
        conductance: (g, g_e), each (steps, n), nS and pA, or None.
    """
    current, pulses = grid(current, pulses)
    steps, count = current.shape
    g, g_e = (np.zeros_like(current),) * 2 if conductance is None else conductance
    v, w = columns({"w": 0.0, **state}, ("v", "w"), count)
    refrac = counters(state, count)
    traces = tables(("v", "w"), steps, substeps, count)
    p = np.array(columns({"a": 0.0, "b": 0.0, "tau_w": 1.0, **params}, PARAMETERS, count))
    n_ref = refractory_steps(params, dt, count)
    out = tuple(traces.values())
    _run(v, w, refrac, p, n_ref, current, pulses, g, g_e, float(dt), substeps, out)
    return traces["fired"].any(axis=1), traces
