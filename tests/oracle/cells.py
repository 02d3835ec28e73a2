"""Neurons of the newer models in arbitrary states, for their comparison with the oracles."""

import numpy as np
from strategies import Population

# Every parameter: a range, or a range above (below) another one, drawn before it.
MEMBRANE = {"c_m": (50, 400), "g_l": (5, 30), "e_l": (-80, -60)}
THRESHOLD = {"v_th": ("e_l", 8, 25), "t_ref": (0.6, 4)}
RESET_RULES = {"f_v": (0, 0.5), "dv": (0, 20), "b_s": (0.005, 0.1), "dtheta_s": (0, 5)}
CURRENTS = {
    "k_1": (0.002, 0.1), "k_2": (0.05, 1.0), "r_1": (0, 1), "r_2": (0, 1),
    "di_1": (-50, 20), "di_2": (-200, 50),
}  # fmt: skip
EXPONENTIAL = {
    **MEMBRANE, "v_t": ("e_l", 5, 20), "delta_t": (0.8, 4), "v_peak": ("v_t", 10, 50),
    "v_reset": ("v_t", -20, 2), "t_ref": (0.6, 4),
}  # fmt: skip
GLIF = {**MEMBRANE, **THRESHOLD}
RANGES = {
    "adex": {**EXPONENTIAL, "a": (-5, 15), "tau_w": (20, 300), "b": (0, 200)},
    "eif": EXPONENTIAL,
    "qif": {
        **MEMBRANE, "v_c": ("e_l", 8, 25), "v_peak": ("v_c", 20, 80), "v_reset": ("v_c", -25, 4),
        "t_ref": (0.6, 4),
    },
    "lif_cond": {**GLIF, "v_reset": ("e_l", -10, 4)},
    "hh_traub": {
        **MEMBRANE, "g_na": (5e3, 3e4), "e_na": (40, 60), "g_k": (2e3, 1e4), "e_k": (-100, -80),
        "v_t": (-70, -55), "v_th": (-20, 10), "t_ref": (0.6, 4),
    },
    "glif1": {**GLIF, "v_reset": ("e_l", -10, 4)},
    "glif2": {**GLIF, **RESET_RULES},
    "glif3": {**GLIF, **CURRENTS, "v_reset": ("e_l", -10, 4)},
    "glif4": {**GLIF, **RESET_RULES, **CURRENTS},
    "glif5": {**GLIF, **RESET_RULES, **CURRENTS, "a_v": (-0.02, 0.05), "b_v": (0.01, 0.5)},
}  # fmt: skip
STATES = {
    "w": (-100, 300), "m": (0, 1), "h": (0, 1), "n": (0, 1), "theta_s": (0, 5), "theta_v": (-3, 3),
    "i_1": (-100, 50), "i_2": (-200, 50),
}  # fmt: skip


def parameters(model, rng, size):
    """Return random parameters by name, each of a size (None: one number)."""
    p = {}
    for name, (*base, low, high) in RANGES[model.name].items():
        p[name] = rng.uniform(low, high, size) + (p[base[0]] if base else 0.0)
    return p


def population(model, seed, count, steps, dt, pulses):
    """Return a ``Population`` with parameters per neuron, a third of them refractory.

    ``pulses``: whether they get Poisson pulses, one in two steps, of either sign.
    """
    rng = np.random.default_rng(seed)
    p = parameters(model, rng, count)
    top = p.get("v_peak", p.get("v_th"))
    state = {"v": rng.uniform(p["e_l"] - 20, top + 3)}
    for name in model.states:
        if name != "v":
            state[name] = rng.uniform(*STATES[name], count)
    longest = int(np.rint(np.max(p["t_ref"]) / dt))
    state["refrac"] = (rng.random(count) < 1 / 3) * rng.integers(1, longest + 1, count)
    # Around up to three times what takes a passive membrane over the threshold.
    rheobase = p["g_l"] * (p.get("v_th", p.get("v_t", p.get("v_c"))) - p["e_l"])
    if model.name == "hh_traub":
        rheobase = 20.0 * p["g_l"]
    return Population(
        model=model.name, count=count, dt=dt, steps=steps, seed=seed, params=p, state=state,
        current=(rng.uniform(0, 3, count) + rng.uniform(-1, 1, (steps, count))) * rheobase,
        rate=0.5 / (dt * 1e-3) if pulses else None, weight=rng.uniform(-3, 3, count),
    )  # fmt: skip
