"""Spike counts of the problems from plain float64 numpy: what every simulator is checked against.

Written from the equations in ``problems`` and sharing no code with any simulator, ours included.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from problems import DT, INITIAL, PARAMETERS, refractory_steps

Floats = NDArray[np.float64]


def lif_spikes(current: Floats, steps: int) -> int:
    """Spikes of the LIF pool in its first ``steps`` steps."""
    p = PARAMETERS["lif"]
    v = np.full(current.size, INITIAL["lif"]["v"])
    v_inf = p["v_rest"] + current * p["tau_m"] / p["c_m"]
    decay = np.exp(-DT / p["tau_m"])
    refrac = np.zeros(current.size, dtype=np.int64)
    count = 0
    for _ in range(steps):
        active = refrac == 0
        v = np.where(active, v_inf + (v - v_inf) * decay, p["v_reset"])
        refrac[~active] -= 1
        spiked = v >= p["v_th"]
        v[spiked] = p["v_reset"]
        refrac[spiked] = refractory_steps("lif")
        count += int(spiked.sum())
    return count


def adex_spikes(current: Floats, steps: int) -> int:
    """Spikes of the AdEx pool in its first ``steps`` steps."""
    p = PARAMETERS["adex"]
    v = np.full(current.size, INITIAL["adex"]["v"])
    w = np.full(current.size, INITIAL["adex"]["w"])
    count = 0
    for _ in range(steps):
        upswing = p["g_l"] * p["delta_t"] * np.exp((v - p["v_t"]) / p["delta_t"])
        dv = (-p["g_l"] * (v - p["e_l"]) + upswing - w + current) / p["c_m"]
        dw = (p["a"] * (v - p["e_l"]) - w) / p["tau_w"]
        v = v + DT * dv
        w = w + DT * dw
        spiked = v >= p["v_peak"]
        v[spiked] = p["v_reset"]
        w[spiked] += p["b"]
        count += int(spiked.sum())
    return count


def izhikevich_spikes(current: Floats, steps: int) -> int:
    """Spikes of the Izhikevich pool in its first ``steps`` steps."""
    p = PARAMETERS["izhikevich"]
    v = np.full(current.size, INITIAL["izhikevich"]["v"])
    u = np.full(current.size, INITIAL["izhikevich"]["u"])
    count = 0
    for _ in range(steps):
        for _half in range(2):
            v = v + 0.5 * DT * (0.04 * v * v + 5.0 * v + 140.0 - u + current)
        u = u + DT * p["a"] * (p["b"] * v - u)
        spiked = v >= p["v_peak"]
        v[spiked] = p["c"]
        u[spiked] += p["d"]
        count += int(spiked.sum())
    return count


SPIKES: dict[str, Callable[[Floats, int], int]] = {
    "lif": lif_spikes,
    "adex": adex_spikes,
    "izhikevich": izhikevich_spikes,
}
