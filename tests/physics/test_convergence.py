"""Order of every integrator, measured against a solution with 1e-12 relative tolerance."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spikecuda import GPUNeuronPool
from spikecuda.inputs.stimulus import Constant

STEPS = (0.4, 0.2, 0.1, 0.05, 0.025)
DURATION = 24.0

ADEX = {"c_m": 281.0, "g_l": 30.0, "e_l": -70.6, "v_t": -50.4, "delta_t": 2.0, "a": 4.0,
        "tau_w": 144.0, "b": 80.5, "v_reset": -70.6, "v_peak": 0.0}  # fmt: skip
EIF = {"c_m": 200.0, "g_l": 20.0, "e_l": -65.0, "v_t": -59.9, "delta_t": 3.48, "v_peak": -30.0}
IZHIKEVICH = {"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0}


def adex(_, y, current, p=ADEX):
    v, w = y
    exponential = p["g_l"] * p["delta_t"] * np.exp((v - p["v_t"]) / p["delta_t"])
    return (
        (-p["g_l"] * (v - p["e_l"]) + exponential - w + current) / p["c_m"],
        (p["a"] * (v - p["e_l"]) - w) / p["tau_w"],
    )


def izhikevich(_, y, current, p=IZHIKEVICH):
    v, u = y
    return 0.04 * v * v + 5 * v + 140 - u + current, p["a"] * (p["b"] * v - u)


def eif(_, y, current, p=EIF):
    exponential = p["g_l"] * p["delta_t"] * np.exp((y[0] - p["v_t"]) / p["delta_t"])
    return ((-p["g_l"] * (y[0] - p["e_l"]) + exponential + current) / p["c_m"],)


# model, scheme, parameters, right-hand side, start, current, lowest and highest order accepted:
# the order is the limit for small steps, so the measured one is a little off.
CASES = {
    "adex euler": ("adex", "euler", ADEX, adex, {"v": -72.0, "w": 30.0}, 550.0, 0.95, 1.05),
    "adex heun": ("adex", "heun", ADEX, adex, {"v": -72.0, "w": 30.0}, 550.0, 1.9, 2.1),
    "adex upstroke": ("adex", "upstroke", ADEX, adex, {"v": -72.0, "w": 30.0}, 550.0, 1.9, 2.1),
    "eif euler": ("eif", "euler", EIF, eif, {"v": -75.0}, 20.0, 0.95, 1.05),
    "eif heun": ("eif", "heun", EIF, eif, {"v": -75.0}, 20.0, 1.9, 2.1),
    "eif upstroke": ("eif", "upstroke", EIF, eif, {"v": -75.0}, 20.0, 1.9, 2.1),
    "izhikevich half_steps": (
        "izhikevich", "half_steps", IZHIKEVICH, izhikevich, {"v": -75.0, "u": -12.0}, 3.0, 0.9, 1.1,
    ),
    "izhikevich semi_implicit_euler": (
        "izhikevich", "semi_implicit_euler", IZHIKEVICH, izhikevich, {"v": -75.0, "u": -12.0}, 3.0,
        0.9, 1.1,
    ),
    "izhikevich forward_euler": (
        "izhikevich", "forward_euler", IZHIKEVICH, izhikevich, {"v": -75.0, "u": -12.0}, 3.0,
        0.9, 1.1,
    ),
}  # fmt: skip


def end_state(model, scheme, params, start, current, dt, target, substeps=1, precision="float64"):
    pool = GPUNeuronPool(
        1, model, precision=precision, dt=dt, params=params, scheme=scheme, substeps=substeps,
        initial=start, **target,
    )  # fmt: skip
    with pool:
        result = pool.run(duration=DURATION, input=Constant(current))
        assert len(result.spikes) == 0
        return np.array([pool.state[name][0] for name in start])


@pytest.mark.parametrize("case", CASES)
def test_order(target, case):
    model, scheme, params, slope, start, current, low, high = CASES[case]
    exact = solve_ivp(
        slope,
        (0, DURATION),
        list(start.values()),
        "DOP853",
        args=(current,),
        rtol=1e-12,
        atol=1e-12,
    ).y[:, -1]
    errors = np.array(
        [
            np.abs(end_state(model, scheme, params, start, current, dt, target) - exact)
            for dt in STEPS
        ]
    )
    orders = np.log2(errors[:-1] / errors[1:])
    assert (errors[-1] > 1e-11).all(), "too small to measure an order"
    # The two smallest steps, both variables.
    assert (orders[-2:] > low).all() and (orders[-2:] < high).all(), orders


def test_substeps_are_smaller_steps(target):
    """4 substeps of a step of 0.4 ms end where steps of 0.1 ms do, bit for bit."""
    start, current = {"v": -72.0, "w": 30.0}, 550.0
    coarse = end_state("adex", "heun", ADEX, start, current, 0.4, target, substeps=4)
    fine = end_state("adex", "heun", ADEX, start, current, 0.1, target)
    np.testing.assert_array_equal(coarse, fine)


@pytest.mark.parametrize("dt", [0.01, 0.1, 1.0, 3.0])
def test_lif_is_exact_at_any_step(target, dt):
    """Only rounding: each step adds at most 10 roundings of numbers up to 75 mV, decaying."""
    p = {"tau_m": 20.0, "c_m": 200.0, "v_rest": -65.0, "v_th": -50.0, "v_reset": -65.0}
    start, current = -75.0, 140.0
    got = end_state("lif", "exact", p, {"v": start}, current, dt, target)[0]
    goal = p["v_rest"] + current * p["tau_m"] / p["c_m"]
    exact = goal + (start - goal) * np.exp(-DURATION / p["tau_m"])
    steps = min(DURATION, p["tau_m"]) / dt
    assert abs(got - exact) < 10 * 2.0**-53 * 75 * max(steps, 1)
