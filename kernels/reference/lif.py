"""Oracle of the leaky integrate-and-fire neuron, integrated exactly.

Source: Rotter & Diesmann (1999) Biol Cybern 81:381, section 3.1.2: for current constant over a
step of h ms, ``tau_m v' = -(v - v_rest) + (tau_m / c_m) I`` has the solution
``v(t + h) = v_rest + (v - v_rest) e^(-h/tau_m) + (tau_m / c_m) (1 - e^(-h/tau_m)) I``.
Units: ms, mV, pF, pA.
"""

import math

from numba import njit

from spikecuda.kernels.reference.arguments import (
    columns,
    counters,
    grid,
    refractory_steps,
    single,
    tables,
)
from spikecuda.kernels.reference.vanishing import remaining

PARAMETERS = ("tau_m", "c_m", "v_rest", "v_reset", "v_th")
STATES = ("v",)
SCHEMES = ("exact",)


@njit
def _integrate(v, current, h, tau_m, c_m, v_rest):
    decay = math.exp(-h / tau_m)
    gain = -math.expm1(-h / tau_m) * tau_m / c_m
    return v_rest + (v - v_rest) * decay + gain * current


@njit
def _run(v, refrac, p, n_ref, current, pulses, dt, substeps, traces):
    tau_m, c_m, v_rest, v_reset, v_th = p
    trace_v, trace_refrac, before_v, tested, fired = traces
    for k in range(current.shape[0]):
        for j in range(current.shape[1]):
            held = refrac[j] > 0
            spiked = False
            clamped = held
            v[j] = remaining(v[j], k)
            for part in range(substeps):
                before_v[k, part, j] = v[j]
                v[j] = _integrate(v[j], current[k, j], dt / substeps, tau_m[j], c_m[j], v_rest[j])
                if clamped:
                    v[j] = v_reset[j]
                    continue
                if part == substeps - 1:
                    v[j] += pulses[k, j]
                tested[k, part, j] = v[j]
                if v[j] >= v_th[j]:
                    fired[k, part, j] = spiked = True
                    v[j] = v_reset[j]
                    clamped = n_ref[j] > 0
            if spiked:
                refrac[j] = n_ref[j]
            elif held:
                refrac[j] -= 1
            trace_v[k, j] = v[j]
            trace_refrac[k, j] = refrac[j]


def simulate(state, params, current, pulses=None, dt=0.1, scheme="exact", substeps=1):
    """Simulate; see the package's docstring.

    Args:
        state: dict with ``v`` (mV) and, if wanted, ``refrac`` (steps), each scalar or (n,).
        params: dict with tau_m (ms), c_m (pF), v_rest, v_reset, v_th (mV) and, if wanted, t_ref
            (ms), each scalar or (n,).
        current: (steps, n), pA.
        pulses: (steps, n), mV, or None.
        dt: step, ms.
        scheme: "exact".
        substeps: parts of a step.
    """
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {SCHEMES} (got {scheme!r})")
    current, pulses = grid(current, pulses)
    steps, count = current.shape
    (v,) = columns(state, ("v",), count)
    refrac = counters(state, count)
    traces = tables(STATES, steps, substeps, count)
    p = tuple(columns(params, PARAMETERS, count))
    n_ref = refractory_steps(params, dt, count)
    _run(v, refrac, p, n_ref, current, pulses, float(dt), substeps, tuple(traces.values()))
    return traces["fired"].any(axis=1), traces


def step(state, params, current, pulse=None, dt=0.1, scheme="exact", substeps=1):
    """One step from an arbitrary state; see the package's docstring."""
    return single(simulate, state, params, current, pulse, dt, scheme, substeps)
