"""Oracle of Izhikevich's simple model.

Source: Izhikevich (2003) IEEE Trans Neural Netw 14:1569, equations 1 to 3, and the script printed
there: ``v' = 0.04 v^2 + 5 v + 140 - u + I``, ``u' = a (b v - u)``; at ``v >= 30``: ``v = c`` and
``u = u + d``.  The script takes v in two Euler half steps, then u with the new v ("half_steps");
the script figure1.m of Izhikevich (2004) takes v in one Euler step ("semi_implicit_euler").
"forward_euler" takes both at once.
"""

from numba import njit

from spikecuda.kernels.reference.arguments import columns, grid, single, tables
from spikecuda.kernels.reference.vanishing import remaining

DEFAULTS = {"c0": 140.0, "c1": 5.0, "c2": 0.04, "v_peak": 30.0}
PARAMETERS = ("a", "b", "c", "d", "c0", "c1", "c2", "v_peak")
STATES = ("v", "u")
SCHEMES = ("half_steps", "semi_implicit_euler", "forward_euler")


@njit
def _slope(v, u, current, c0, c1, c2):
    return c2 * v * v + c1 * v + c0 - u + current


@njit
def _integrate(v, u, current, h, scheme, a, b, c0, c1, c2):
    old = v
    if scheme == 0:
        v = v + 0.5 * h * _slope(v, u, current, c0, c1, c2)
        v = v + 0.5 * h * _slope(v, u, current, c0, c1, c2)
    else:
        v = v + h * _slope(v, u, current, c0, c1, c2)
    u = u + h * a * (b * (old if scheme == 2 else v) - u)
    return v, u


@njit
def _run(v, u, p, current, pulses, dt, scheme, substeps, traces):
    a, b, c, d, c0, c1, c2, v_peak = p
    trace_v, trace_u, _, before_v, before_u, tested, fired = traces
    h = dt / substeps
    for k in range(current.shape[0]):
        for j in range(current.shape[1]):
            v[j], u[j] = remaining(v[j], k), remaining(u[j], k)
            for part in range(substeps):
                before_v[k, part, j], before_u[k, part, j] = v[j], u[j]
                v[j], u[j] = _integrate(
                    v[j], u[j], current[k, j], h, scheme, a[j], b[j], c0[j], c1[j], c2[j]
                )
                if part == substeps - 1:
                    v[j] += pulses[k, j]
                tested[k, part, j] = v[j]
                if v[j] >= v_peak[j]:
                    fired[k, part, j] = True
                    v[j] = c[j]
                    u[j] += d[j]
            trace_v[k, j] = v[j]
            trace_u[k, j] = u[j]


def simulate(state, params, current, pulses=None, dt=1.0, scheme="half_steps", substeps=1):
    """Simulate; see the package's docstring.

    Args:
        state: dict with ``v`` and ``u``, each scalar or (n,).
        params: dict with a, b, c, d and, if wanted, c0 = 140, c1 = 5, c2 = 0.04, v_peak = 30.
        current: (steps, n), in the model's unit (mV/ms).
        pulses: (steps, n), mV, or None.
        dt: step, ms.
        scheme: "half_steps" (the paper of 2003), "semi_implicit_euler" (figure1.m of 2004) or
            "forward_euler".
        substeps: parts of a step.
    """
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {SCHEMES} (got {scheme!r})")
    current, pulses = grid(current, pulses)
    steps, count = current.shape
    v, u = columns(state, ("v", "u"), count)
    traces = tables(STATES, steps, substeps, count)
    p = tuple(columns({**DEFAULTS, **params}, PARAMETERS, count))
    number, out = SCHEMES.index(scheme), tuple(traces.values())
    _run(v, u, p, current, pulses, float(dt), number, substeps, out)
    return traces["fired"].any(axis=1), traces


def step(state, params, current, pulse=None, dt=1.0, scheme="half_steps", substeps=1):
    """One step from an arbitrary state; see the package's docstring."""
    return single(simulate, state, params, current, pulse, dt, scheme, substeps)
