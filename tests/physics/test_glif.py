"""GLIF1 to GLIF5: NEST's spikes, and the propagators of the linear system, degenerate ones too."""

import numpy as np
import pytest
from scipy.linalg import expm

from spikecuda import GPUNeuronPool
from spikecuda.models import find

# NEST 3.10, glif_psc with its default parameters and the mechanisms of each level, 0.05 ms steps,
# a step_current_generator of 400 pA from 0.05 ms with a delay of 0.05 ms, so that the current acts
# from 0.1 ms on; spike times from a spike_recorder, 200 ms.
NEST_START, STEP = 0.1, 0.05
NEST = {
    "glif1": [6.5 + 10.15 * k for k in range(20)],
    "glif2": [
        6.5, 11.6, 16.85, 22.2, 27.7, 33.3, 39.0, 44.8, 50.7, 56.7, 62.8, 69.0, 75.3, 81.65, 88.1,
        94.6, 101.15, 107.8, 114.5, 121.25, 128.05, 134.9, 141.8, 148.75, 155.7, 162.7, 169.75,
        176.8, 183.9, 191.05, 198.2,
    ],
    "glif3": [6.5, 22.6, 40.65, 59.35, 78.65, 98.55, 119.05, 140.1, 161.75, 184.0],
    "glif4": [6.5, 18.95, 35.7, 53.2, 71.6, 90.9, 111.05, 132.1, 154.0, 176.7],
    "glif5": [6.7, 20.35, 38.3, 57.15, 77.05, 97.95, 119.85, 142.75, 166.6, 191.35],
}  # fmt: skip


@pytest.mark.parametrize("name", ["glif2", "glif3", "glif5"])
def test_spikes_are_those_of_nest(target, name):
    """To the step, but for where NEST resets to: it takes f_v of v before the last step, not after.

    That v is lower by a step's rise, so that NEST starts each interval lower by f_v of that, and
    ends it later by at most f_v steps.
    """
    with GPUNeuronPool(1, name, precision="float64", dt=STEP, **target) as pool:
        times = pool.run(duration=200.0, input=400.0).spikes.time
        late = np.array(NEST[name]) - NEST_START - times
        fraction = float(pool.params.get("f_v", 0.0))
    steps = np.rint(late / STEP)
    np.testing.assert_allclose(late, steps * STEP, atol=1e-9)
    assert (steps >= 0).all() and (steps <= np.ceil(fraction * np.arange(steps.size))).all()


CELLS = {
    "apart": {"c_m": 60.0, "g_l": 9.0, "k_1": 0.003, "k_2": 0.1, "a_v": 0.005, "b_v": 0.09},
    # All rates 0.1 / ms: the textbook formulas divide by zero.
    "equal": {"c_m": 60.0, "g_l": 6.0, "k_1": 0.1, "k_2": 0.1, "a_v": -0.02, "b_v": 0.1},
    "no decay": {"c_m": 60.0, "g_l": 6.0, "k_1": 0.0, "k_2": 30.0, "a_v": 0.05, "b_v": 0.0},
}


@pytest.mark.parametrize("dt", [1e-3, 0.1, 2.0])
@pytest.mark.parametrize("cell", CELLS)
def test_propagators_are_the_matrix_exponential(cell, dt):
    """Of the linear system of (v - e_l, i_1, i_2, theta_v, current), by scipy."""
    model, p = find("glif5"), CELLS[cell]
    matrix = np.zeros((5, 5))
    matrix[0] = np.array([-p["g_l"], 1, 1, 0, 1]) / p["c_m"]
    matrix[1, 1], matrix[2, 2] = -p["k_1"], -p["k_2"]
    matrix[3, 0], matrix[3, 3] = p["a_v"], -p["b_v"]
    exact = expm(matrix * dt)
    c = model.constants(model.resolve(p, 1), dt)
    mine = np.array([
        [c["p_v"], c["p_1"], c["p_2"], 0, c["p_i"]],
        [0, c["d_1"], 0, 0, 0],
        [0, 0, c["d_2"], 0, 0],
        [c["q_v"], c["q_1"], c["q_2"], c["q_theta"], c["q_i"]],
        [0, 0, 0, 0, 1],
    ])  # fmt: skip
    # A dozen roundings each; scipy's are relative to the largest entry, 1.
    np.testing.assert_allclose(mine, exact, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(c["p_rest"], -np.expm1(-dt * p["g_l"] / p["c_m"]) * c["e_l"])
    np.testing.assert_allclose(c["q_rest"], -c["q_v"] * c["e_l"])


def test_nothing_moves_while_refractory(target):
    """All states are where the reset left them, for t_ref, and then go on."""
    with GPUNeuronPool(1, "glif5", precision="float64", dt=STEP, **target) as pool:
        names = list(pool.model.states)
        spike = int(pool.run(duration=20.0, input=400.0).spikes.step[0])
    with GPUNeuronPool(1, "glif5", precision="float64", dt=STEP, **target) as pool:
        pool.run(steps=spike + 1, input=400.0)
        after = {name: pool.state[name][0] for name in names}
        held = int(np.rint(float(pool.params["t_ref"]) / STEP))
        assert pool.state["refrac"][0] == held
        pool.run(steps=held, input=400.0)
        assert {name: pool.state[name][0] for name in names} == after
        pool.run(steps=1, input=400.0)
        assert all(pool.state[name][0] != after[name] for name in names)
