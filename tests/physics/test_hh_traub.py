"""Hodgkin-Huxley in Traub form: spike times, NEST's too, conductances, wild states."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spikecuda import GPUNeuronPool
from spikecuda.kernels.models import hh_traub
from spikecuda.models import find

P = {name: parameter.default for name, parameter in find("hh_traub").parameters.items()}
# NEST 3.10, hh_cond_exp_traub at its default parameters and 0.025 ms steps, I_e in pA: the peaks.
NEST = {
    150.0: [4.75, 30.4, 56.05, 81.7],
    500.0: [2.6, 14.675, 26.775, 38.85, 50.925, 63.0, 75.075, 87.175, 99.25],
}


def slope(_, y, current, g=0.0, g_e=0.0, p=P):
    """Right-hand side, from the paper."""
    v, m, h, n = y
    i = -p["g_l"] * (v - p["e_l"]) - p["g_na"] * m**3 * h * (v - p["e_na"])
    i += -p["g_k"] * n**4 * (v - p["e_k"]) - g * v + g_e + current
    gates = zip(rates(v - p["v_t"]), y[1:], strict=True)
    return [i / p["c_m"], *(a * (1 - x) - b * x for (a, b), x in gates)]


def rates(u):
    """Return (alpha, beta) of m, h and n."""
    return (
        (0.32 * 4 * ratio((13 - u) / 4), 0.28 * 5 * ratio((u - 40) / 5)),
        (0.128 * math.exp((17 - u) / 18), 4 / (1 + math.exp((40 - u) / 5))),
        (0.032 * 5 * ratio((15 - u) / 5), 0.5 * math.exp((10 - u) / 40)),
    )


def ratio(x):
    return x / math.expm1(x) if x else 1.0


def rest():
    model = find("hh_traub")
    values = model.resolve({}, 1)
    gates = [
        float(s.initial(values["e_l"], values["v_t"]))
        for name, s in model.states.items() if name != "v"
    ]  # fmt: skip
    return [P["e_l"], *gates]


@pytest.mark.parametrize("current", NEST)
def test_spike_times(target, current):
    """Late by the grid and by the square of the step; NEST's peaks follow the rises at once."""

    def rise(t, y, *_):
        return y[0] - P["v_th"]

    rise.direction = 1.0
    exact = solve_ivp(
        slope, (0, 100), rest(), "LSODA", args=(current,), rtol=1e-9, atol=1e-11, events=rise
    ).t_events[0]
    errors = {}
    for dt in (0.05, 0.0125):
        with GPUNeuronPool(1, "hh_traub", precision="float64", dt=dt, **target) as pool:
            times = pool.run(duration=100.0, input=current).spikes.time
        assert len(times) == len(exact) == len(NEST[current])
        errors[dt] = times - exact
        assert (errors[dt] >= 0).all()
    # A sixteenth of the error at a quarter of the step, on top of at most one step of the grid.
    assert (errors[0.0125] <= errors[0.05] / 16 + 2 * 0.0125).all()
    assert errors[0.05].max() < 0.4
    peak = np.array(NEST[current]) - exact
    assert (peak > 0).all() and (peak < 0.15).all()


def test_rest_is_at_rest():
    """The gates' start values are where their derivatives vanish."""
    assert np.abs(slope(0.0, rest(), 0.0)[1:]).max() < 1e-15


def test_order_in_changing_conductances():
    """Order 2 with the conductance of the middle of each step, by the plain Python function."""
    tau, weight, reversal, duration = 2.0, 40.0, 0.0, 2.0

    def right(t, y):
        g = weight * math.exp(-t / tau)
        return slope(t, y, 50.0, g, g * reversal)

    start = [-68.0, *rest()[1:]]
    exact = solve_ivp(right, (0, duration), start, "DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
    fixed = [P[name] for name in ("g_na", "e_na", "g_k", "e_k", "v_t")]
    errors = []
    for dt in (0.025, 0.0125, 0.00625):
        y = start
        for k in range(round(duration / dt)):
            g = weight * math.exp(-(k + 0.5) * dt / tau)
            y = hh_traub.step(
                *y, 50.0, g, g * reversal, P["g_l"], P["g_l"] * P["e_l"], *fixed,
                0.5 * dt / P["c_m"], dt,
            )  # fmt: skip
        errors.append(np.abs(np.array(y) - exact))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (orders > 1.85).all() and (orders < 2.15).all(), orders


def test_any_state_stays_finite_and_gates_within_their_range(target):
    n = 64
    rng = np.random.default_rng(1)
    with GPUNeuronPool(n, "hh_traub", precision="float32", dt=2.0, **target) as pool:
        pool.state["v"] = np.linspace(-5000.0, 5000.0, n)
        for gate in "mhn":
            pool.state[gate] = rng.integers(0, 2, n)
        for _ in range(20):
            pool.run(steps=1, input=np.linspace(-1e4, 1e4, n))
            for gate in "mhn":
                assert (pool.state[gate] >= 0).all() and (pool.state[gate] <= 1).all()
            assert (np.abs(pool.state["v"]) < 6000).all()


def test_rates_where_their_formula_is_zero_over_zero(target):
    """A membrane too large to move, at v_t + 13, 15 and 40 mV: the limit of x / (e^x - 1) is 1."""
    v = np.array([-50.0, -48.0, -23.0])
    gates = {"m": 0.25, "h": 0.5, "n": 0.125}
    with GPUNeuronPool(
        3, "hh_traub", precision="float64", params={"c_m": 1e30}, **target
    ) as pool:  # fmt: skip
        pool.state["v"] = v
        for name, value in gates.items():
            pool.state[name] = value
        pool.run(steps=1, input=np.zeros(3))
        assert (pool.state["v"] == v).all()
        for j in range(3):
            for (a, b), (name, x) in zip(rates(v[j] - P["v_t"]), gates.items(), strict=True):
                z = (a + b) * pool.dt
                exact = x + (a - (a + b) * x) * pool.dt * (1 + z / 2) / (1 + z + z * z / 2)
                # A dozen roundings, and 5 ulp of exp and expm1.
                assert abs(pool.state[name][j] - exact) < 20 * 2.0**-53 * exact
