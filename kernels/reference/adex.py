"""Oracle of the adaptive exponential integrate-and-fire neuron.

Source: Brette & Gerstner (2005) J Neurophysiol 94:3637, equations 1 to 3:
``c_m v' = -g_l (v - e_l) + g_l delta_t e^((v - v_t) / delta_t) - w + I``,
``tau_w w' = a (v - e_l) - w``; at a spike ``v = v_reset`` and ``w = w + b``.
The exponent is capped at ``min((v_peak - v_t) / delta_t, 80)``.  Units: ms, mV, pF, nS, pA.
"""

import math

from numba import njit

from spikecuda.kernels.reference import upstroke
from spikecuda.kernels.reference.arguments import (
    columns,
    counters,
    grid,
    refractory_steps,
    single,
    tables,
)
from spikecuda.kernels.reference.vanishing import remaining

PARAMETERS = (
    "c_m",
    "g_l",
    "e_l",
    "v_t",
    "delta_t",
    "a",
    "tau_w",
    "b",
    "v_reset",
    "v_peak",
)
STATES = ("v", "w")
SCHEMES = ("euler", "heun", "upstroke")
EXPONENT_MAX = 80.0


@njit
def _slopes(v, w, current, c_m, g_l, e_l, v_t, delta_t, a, tau_w, v_peak):
    cap = min((v_peak - v_t) / delta_t, EXPONENT_MAX)
    spike_current = g_l * delta_t * math.exp(min((v - v_t) / delta_t, cap))
    dv = (-g_l * (v - e_l) + spike_current - w + current) / c_m
    dw = (a * (v - e_l) - w) / tau_w
    return dv, dw


@njit
def _integrate(v, w, current, h, heun, c_m, g_l, e_l, v_t, delta_t, a, tau_w, v_peak):
    dv, dw = _slopes(v, w, current, c_m, g_l, e_l, v_t, delta_t, a, tau_w, v_peak)
    if not heun:
        return v + h * dv, w + h * dw
    v_guess = min(v + h * dv, v_peak)
    w_guess = w + h * dw
    dv2, dw2 = _slopes(v_guess, w_guess, current, c_m, g_l, e_l, v_t, delta_t, a, tau_w, v_peak)
    return v + h * 0.5 * (dv + dv2), w + h * 0.5 * (dw + dw2)


@njit
def _run(v, w, refrac, p, n_ref, current, pulses, dt, heun, substeps, traces):
    c_m, g_l, e_l, v_t, delta_t, a, tau_w, b, v_reset, v_peak = p
    trace_v, trace_w, trace_refrac, before_v, before_w, tested, fired = traces
    h = dt / substeps
    for k in range(current.shape[0]):
        for j in range(current.shape[1]):
            held = refrac[j] > 0
            spiked = False
            clamped = held
            v[j], w[j] = remaining(v[j], k), remaining(w[j], k)
            for part in range(substeps):
                before_v[k, part, j], before_w[k, part, j] = v[j], w[j]
                v[j], w[j] = _integrate(
                    v[j], w[j], current[k, j], h, heun, c_m[j], g_l[j], e_l[j], v_t[j],
                    delta_t[j], a[j], tau_w[j], v_peak[j],
                )  # fmt: skip
                if clamped:
                    v[j] = v_reset[j]
                    continue
                if part == substeps - 1:
                    v[j] += pulses[k, j]
                tested[k, part, j] = v[j]
                if v[j] >= v_peak[j]:
                    fired[k, part, j] = spiked = True
                    v[j] = v_reset[j]
                    w[j] += b[j]
                    clamped = n_ref[j] > 0
            if spiked:
                refrac[j] = n_ref[j]
            elif held:
                refrac[j] -= 1
            trace_v[k, j] = v[j]
            trace_w[k, j] = w[j]
            trace_refrac[k, j] = refrac[j]


def simulate(state, params, current, pulses=None, dt=0.1, scheme="euler", substeps=1):
    """Simulate; see the package's docstring.

    Args:
        state: dict with ``v`` (mV), ``w`` (pA) and, if wanted, ``refrac`` (steps).
        params: dict with c_m (pF), g_l (nS), e_l, v_t, delta_t (mV), a (nS), tau_w (ms), b (pA),
            v_reset, v_peak (mV) and, if wanted, t_ref (ms), each scalar or (n,).
        current: (steps, n), pA.
        pulses: (steps, n), mV, or None.
        dt: step, ms.
        scheme: "euler" (both slopes at the old state) or "heun" (explicit trapezoid; the
            predicted v is limited to v_peak), or "upstroke" (see there).
        substeps: parts of a step.
    """
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {SCHEMES} (got {scheme!r})")
    if scheme == "upstroke":
        return upstroke.simulate(state, params, current, pulses, dt, substeps)
    current, pulses = grid(current, pulses)
    steps, count = current.shape
    v, w = columns(state, ("v", "w"), count)
    refrac = counters(state, count)
    traces = tables(STATES, steps, substeps, count)
    p = tuple(columns(params, PARAMETERS, count))
    n_ref = refractory_steps(params, dt, count)
    heun, out = scheme == "heun", tuple(traces.values())
    _run(v, w, refrac, p, n_ref, current, pulses, float(dt), heun, substeps, out)
    return traces["fired"].any(axis=1), traces


def step(state, params, current, pulse=None, dt=0.1, scheme="euler", substeps=1):
    """One step from an arbitrary state; see the package's docstring."""
    return single(simulate, state, params, current, pulse, dt, scheme, substeps)
