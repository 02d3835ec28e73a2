"""The loop over steps and neurons that the oracles of the newer models share.

A model gives three njit functions of one neuron: ``integrate(y, p, current, g, g_e, h)`` changes
the states y in place over h ms, ``crossed(y, before, p)`` tells whether it spikes, ``reset(y, p)``
changes y after a spike; p are its parameters, g (nS) and g_e (pA) synaptic conductance and
conductance times reversal potential.
"""

import numpy as np
from numba import njit

from spikecuda.kernels.reference.arguments import columns, counters, grid, refractory_steps
from spikecuda.kernels.reference.vanishing import remaining

CLAMP, FREEZE, SILENT = 0, 1, 2


@njit
def _run(
    integrate, crossed, reset, kind, y, refrac, p, n_ref, current, pulses, g, g_e, dt, substeps,
    v_reset, traces,
):  # fmt: skip
    after, counter, before, tested, fired = traces
    h = dt / substeps
    steps, count = current.shape
    for j in range(count):
        mine, constants = y[:, j].copy(), p[:, j].copy()
        for k in range(steps):
            held = refrac[j] > 0
            quiet = held
            spiked = False
            for i in range(mine.size):
                mine[i] = remaining(mine[i], k)
            for part in range(substeps):
                start = mine.copy()
                before[k, part, :, j] = start
                integrate(mine, constants, current[k, j], g[k, j], g_e[k, j], h)
                if quiet and kind == CLAMP:
                    mine[0] = v_reset[j]
                elif quiet and kind == FREEZE:
                    mine[:] = start
                elif part == substeps - 1:
                    mine[0] += pulses[k, j]
                if quiet:
                    continue
                tested[k, part, j] = mine[0]
                if crossed(mine, start, constants):
                    fired[k, part, j] = spiked = True
                    reset(mine, constants)
                    quiet = n_ref[j] > 0
            if spiked:
                refrac[j] = n_ref[j]
            elif held:
                refrac[j] -= 1
            after[k, :, j] = mine
            counter[k, j] = refrac[j]


def simulate(
    model, kind, states, parameters, state, params, current, pulses, dt, substeps, conductance=None
):
    """Run the loop; returns (spikes, traces) as the package's docstring says.

    Args:
        model: (integrate, crossed, reset), njit functions.
        kind: what a refractory neuron does: CLAMP (v, the first state, at the parameter
            ``v_reset``), FREEZE or SILENT.
        states, parameters: names, in the order of y and p.
        state, params: dicts of values by name, each scalar or (n,).
        current, pulses: (steps, n), pA and mV; pulses may be None.
        dt: step, ms.
        substeps: parts of a step.
        conductance: (g, g_e), each (steps, n), nS and pA, or None.
    """
    current, pulses = grid(current, pulses)
    steps, count = current.shape
    g, g_e = (np.zeros_like(current),) * 2 if conductance is None else conductance
    y = np.array(columns(state, states, count))
    p = np.array(columns(params, parameters, count))
    refrac = counters(state, count)
    n_ref = refractory_steps(params, dt, count)
    (v_reset,) = columns({"v_reset": 0.0, **params}, ("v_reset",), count)
    after, counter = np.zeros((steps, len(states), count)), np.zeros((steps, count))
    before = np.zeros((steps, substeps, len(states), count))
    tested = np.full((steps, substeps, count), np.nan)
    fired = np.zeros(tested.shape, np.bool_)
    traces = after, counter, before, tested, fired
    _run(
        *model, kind, y, refrac, p, n_ref, current, pulses, g, g_e, float(dt), substeps, v_reset,
        traces,
    )  # fmt: skip
    named = {name: after[:, i] for i, name in enumerate(states)}
    named |= {f"before_{name}": before[:, :, i] for i, name in enumerate(states)}
    return fired.any(axis=1), named | {"refrac": counter, "tested": tested, "fired": fired}
