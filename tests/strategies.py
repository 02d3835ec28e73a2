"""Hypothesis strategies: populations of neurons in arbitrary states, with input.

Hypothesis chooses sizes, steps and the seed of the numbers, so that arrays of any size cost one
draw; the ranges cover resting, spiking and clamped neurons.
"""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

# One neuron; across a word of 32; across a chunk of 1024; several chunks.
SIZES = (1, 2, 31, 32, 33, 100, 1023, 1024, 1025, 2080)
MODELS = ("lif", "adex", "izhikevich")
# AdEx's ``upstroke`` is compared in oracle/test_newer_models.py.
SCHEMES = {
    "lif": ("exact",), "adex": ("euler", "heun"),
    "izhikevich": ("half_steps", "semi_implicit_euler", "forward_euler"),
}  # fmt: skip
PRECISIONS = ("float16", "float32", "float64")
ONE_STEP = st.just(1)


@dataclass
class Population:
    """Neurons, their state and what drives them.

    Attributes:
        params: by name, scalar or (n,).
        state: by name, (n,); ``refrac`` among them where the model has it.
        current: (steps, n).
        rate, weight: of a Poisson input, each a number or (n,), or None.
    """

    model: str
    count: int
    dt: float
    steps: int
    seed: int
    params: dict
    state: dict
    current: np.ndarray
    rate: object = None
    weight: object = None


def _lif(rng, size):
    v_rest = rng.uniform(-80, -60, size)
    v_th = v_rest + rng.uniform(5, 30, size)
    return {
        "tau_m": rng.uniform(5, 50, size),
        "c_m": rng.uniform(50, 500, size),
        "v_rest": v_rest,
        "v_th": v_th,
        "v_reset": v_rest + rng.uniform(-10, 4, size),
        "t_ref": rng.uniform(0.6, 5, size),
    }


def _adex(rng, size):
    e_l = rng.uniform(-75, -58, size)
    v_t = e_l + rng.uniform(8, 25, size)
    return {
        "c_m": rng.uniform(100, 300, size),
        "g_l": rng.uniform(5, 30, size),
        "e_l": e_l,
        "v_t": v_t,
        "delta_t": rng.uniform(0.8, 4, size),
        "a": rng.uniform(-5, 15, size),
        "tau_w": rng.uniform(20, 300, size),
        "b": rng.uniform(0, 200, size),
        "v_reset": v_t + rng.uniform(-25, 4, size),
        "v_peak": v_t + rng.uniform(10, 50, size),
        "t_ref": rng.uniform(0.6, 5, size),
    }


def _izhikevich(rng, size):
    return {
        "a": rng.uniform(0.01, 0.2, size),
        "b": rng.uniform(-0.1, 0.3, size),
        "c": rng.uniform(-65, -45, size),
        "d": rng.uniform(0, 8, size),
        "c0": rng.uniform(130, 150, size),
        "c1": rng.uniform(4.8, 5.2, size),
        "c2": rng.uniform(0.035, 0.045, size),
        "v_peak": rng.uniform(25, 35, size),
    }


def _start(model, p, rng, count, dt):
    """Return a state: from far below rest to above the threshold, a third of them clamped."""
    low, high = {
        "lif": lambda: (p["v_rest"] - 30, p["v_th"] + 3),
        "adex": lambda: (p["e_l"] - 30, p["v_peak"] + 3),
        "izhikevich": lambda: (-90, p["v_peak"] + 3),
    }[model]()
    state = {"v": np.broadcast_to(low + (high - low) * rng.random(count), count).copy()}
    if model == "adex":
        state["w"] = rng.uniform(-200, 1000, count)
    if model == "izhikevich":
        state["u"] = rng.uniform(-25, 20, count)
    else:
        longest = int(np.rint(np.max(p["t_ref"]) / dt))
        if longest:
            clamped = rng.random(count) < 1 / 3
            state["refrac"] = clamped * rng.integers(1, longest + 1, count)
    return state


def _current(model, p, rng, shape):
    """Return currents from inhibition to well above rheobase, changing from step to step."""
    if model == "lif":
        rheobase = (p["v_th"] - p["v_rest"]) * p["c_m"] / p["tau_m"]
        return rng.uniform(-2, 4, shape) * rheobase
    if model == "adex":
        return rng.uniform(-500, 2000, shape)
    return rng.uniform(-10, 40, shape)


@st.composite
def populations(
    draw, model, per_neuron=False, refractory=True, pulses=None, steps=ONE_STEP, sizes=SIZES
):
    """A ``Population``.

    Args:
        model: its name.
        per_neuron: whether all parameters differ between neurons.
        refractory: False sets t_ref to 0.
        pulses: None, or which of ("rate", "weight") are per neuron, as a tuple of names.
        steps: strategy for the number of steps.
        sizes: numbers of neurons to choose from.
    """
    count, seed = draw(st.sampled_from(sizes)), draw(st.integers(0, 2**32 - 1))
    dt = draw(st.sampled_from((0.05, 0.1, 0.25, 0.5)))
    length = draw(steps)
    rng = np.random.default_rng(seed)
    size = count if per_neuron else None
    make = {"lif": _lif, "adex": _adex, "izhikevich": _izhikevich}[model]
    p = make(rng, size)
    if model != "izhikevich" and not refractory:
        p["t_ref"] = 0.0
    population = Population(
        model=model,
        count=count,
        dt=dt,
        steps=length,
        seed=draw(st.integers(0, 2**64 - 1)),
        params=p,
        state=_start(model, p, rng, count, dt),
        current=_current(model, p, rng, (length, count)),
    )
    if pulses is not None:
        # On average 0.02 to 2 events a step, each of either sign.
        mean = draw(st.floats(0.02, 2.0))
        population.rate = mean / (dt * 1e-3)
        if "rate" in pulses:
            population.rate = population.rate * rng.uniform(0.5, 1.5, count)
        population.weight = rng.uniform(-5, 5, count if "weight" in pulses else None)
    return population
