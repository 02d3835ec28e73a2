"""The benchmark problems, defined once: parameters, initial states, inputs.

Every script of this folder imports this module, in whatever environment it runs, so it needs numpy
and the standard library only. Units are ms, mV, pA, nS and pF; with them pA / pF = mV / ms, so the
equations need no conversion factors.

The discretisation that every simulator is asked for, one step of ``DT`` ms, neuron by neuron:

- ``lif``: v <- v_inf + (v - v_inf) exp(-dt / tau_m), v_inf = v_rest + I tau_m / c_m, unless the
  neuron is refractory, when v stays at v_reset. Spike where v >= v_th after the update; then v is
  v_reset and stays there for the next t_ref / dt steps.
- ``adex`` (Brette & Gerstner 2005, eqs. 1 to 3): forward Euler, both derivatives from the old
  state. Spike where v >= v_peak; then v is v_reset and w grows by b.
- ``izhikevich`` (2003, eqs. 1 to 3, with the half steps of its listing): v in two steps of dt / 2,
  then u with the new v. Spike where v >= v_peak; then v is c and u grows by d.
"""

import numpy as np
from numpy.typing import NDArray

DT = 0.1
"""Time step, ms."""

DEFAULT_N = 100_000
"""Neurons in a pool: 400 kB a float32 variable, out of L2 and inside most L3 caches."""

DEFAULT_SEED = 1

PARAMETERS: dict[str, dict[str, float]] = {
    "lif": {
        "tau_m": 20.0,
        "c_m": 200.0,
        "v_rest": -65.0,
        "v_reset": -65.0,
        "v_th": -50.0,
        "t_ref": 2.0,
    },
    "adex": {
        "c_m": 281.0,
        "g_l": 30.0,
        "e_l": -70.6,
        "v_t": -50.4,
        "delta_t": 2.0,
        "a": 4.0,
        "tau_w": 144.0,
        "b": 80.5,
        "v_reset": -70.6,
        "v_peak": 0.0,
        "t_ref": 0.0,
    },
    "izhikevich": {
        "a": 0.02,
        "b": 0.2,
        "c": -65.0,
        "d": 8.0,
        "v_peak": 30.0,
    },
}
"""Parameters by model, under spikecuda's names."""

MODELS = tuple(PARAMETERS)

INITIAL: dict[str, dict[str, float]] = {
    "lif": {"v": -65.0},
    "adex": {"v": -70.6, "w": 0.0},
    "izhikevich": {"v": -65.0, "u": -13.0},
}
"""State before the first step."""

INPUT_RANGE: dict[str, tuple[float, float]] = {
    "lif": (100.0, 250.0),  # rheobase 150 pA: a third of the neurons stays silent
    "adex": (500.0, 1000.0),
    "izhikevich": (0.0, 15.0),  # the paper's dimensionless input
}
"""Bounds of the constant input, drawn uniformly once per neuron (pA; none for izhikevich)."""


def draw_input(model: str, n: int, seed: int = DEFAULT_SEED) -> NDArray[np.float64]:
    """The constant input of each neuron: the same array in every simulator."""
    low, high = INPUT_RANGE[model]
    return np.random.default_rng(seed).uniform(low, high, size=n)


def refractory_steps(model: str) -> int:
    """Steps that a neuron sits out after a spike."""
    return round(PARAMETERS[model].get("t_ref", 0.0) / DT)
