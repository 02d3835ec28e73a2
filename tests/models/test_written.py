"""Built-in models written in the language: each against its published formulas.

What makes kernels of equations is proven in ``test_equations`` and ``test_draws``; here every model
runs on the CPU in one precision, and some as compiled PTX.  The references are NumPy and SciPy.
NEST's spikes are of NEST 3.10.0 with the same parameters, input from 0 ms and dt 0.1.
"""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spikecuda import GPUNeuronPool, Poisson
from spikecuda.kernels.reference import noise
from spikecuda.models import find
from spikecuda.models.registry import WRITTEN

SEED, DT = 7, 0.1


def run(name, device, current, steps, dt=DT, **options):
    """Return the steps in which neurons spike (steps, n), and the states at the end."""
    n = len(current)
    given = Poisson(400.0, 0.4) if name == "intfire1" else np.asarray(current, float)
    with GPUNeuronPool(n, name, device=device, dt=dt, seed=SEED, **options) as pool:
        spikes = pool.run(steps=steps, input=given).spikes
        raster = np.zeros((steps, n), bool)
        raster[spikes.step, spikes.neuron] = True
        return raster, {s: np.asarray(pool.state[s], float) for s in find(name).states}


def times(raster, dt=DT):
    return [np.round(dt * (np.flatnonzero(column) + 1), 3).tolist() for column in raster.T]


def perfect(current, steps, p):
    v, out = np.zeros(len(current)), []
    for _ in range(steps):
        v = v + DT * current / 200.0
        out.append(v > 20.0)
        v = np.where(out[-1], p.get("subtract", 0.0) * (v - 20.0), v)
    return np.array(out), {"v": v}


def leaky(current, steps, p):
    v, out = np.zeros(len(current)), []
    for _ in range(steps):
        v = v + DT / 20.0 * (20.0 / 200.0 * current - v)
        out.append(v > 20.0)
        v = np.where(out[-1], p["subtract"] * (v - 20.0), v)
    return np.array(out), {"v": v}


def int_fire(current, steps, p):
    ids = np.arange(len(current))
    counts = noise.poisson_counts(noise.uniforms(SEED, 0, 0, steps, ids), 400.0 * DT * 1e-3)
    m, free, out = np.zeros(ids.size), np.zeros(ids.size, int), []
    for k in range(steps):
        m = np.where(free <= k, m * np.exp(-DT / 10.0) + 0.4 * counts[k], 0.0)
        out.append(m > 1.0)
        free, m = np.where(out[-1], k + 1 + 50, free), np.where(out[-1], 0.0, m)
    return np.array(out), {"m": m}


def gif(current, steps, p):
    """Pozzorini et al. (2015): eta and gamma are sums of two exponentials each."""
    ids = np.arange(len(current))
    chance = noise.draws(SEED, "u", 0, 0, steps, ids)
    v, eta, gamma = np.full(ids.size, -70.0), np.zeros((2, ids.size)), np.zeros((2, ids.size))
    tau_eta, tau_gamma = np.array([[15.0], [60.0]]), np.array([[110.0], [5.0]])
    held, out = np.zeros(ids.size, int), []
    for k in range(steps):
        goal = -70.0 + (current - eta.sum(axis=0)) / 4.0
        v = np.where(held > 0, -55.0, goal + (v - goal) * np.exp(-DT * 4.0 / 80.0))
        rate = 1e-3 * np.exp((v + 35.0 - gamma.sum(axis=0)) / 0.5)
        out.append((chance[k] <= 1.0 - np.exp(-rate * DT)) & (held == 0))
        eta, gamma = eta * np.exp(-DT / tau_eta), gamma * np.exp(-DT / tau_gamma)
        eta = eta + out[-1] * np.array([[20.0], [-5.0]])
        gamma = gamma + out[-1] * np.array([[10.0], [60.0]])
        v, held = np.where(out[-1], -55.0, v), np.where(out[-1], 40, np.maximum(held - 1, 0))
    return np.array(out), {"v": v, "sfa_1": gamma[0], "stc_2": eta[1]}


def poisson(current, steps, p):
    chance = noise.draws(SEED, "u", 0, 0, steps, np.arange(len(current)))
    rate = np.maximum(p["base"] + 2.0 * current, 0.0)
    return chance <= 1.0 - np.exp(-rate * DT * 1e-3), {"rate": rate}


LOOPS = {
    "if": (perfect, np.linspace(53.0, 907.0, 9), 600, {"subtract": 1.0}),
    "lif_euler": (leaky, np.linspace(150.0, 900.0, 9), 600, {"subtract": 0.5}),
    "intfire1": (int_fire, np.zeros(9), 600, {}),
    "gif": (gif, np.linspace(100.0, 400.0, 40), 1500, {
        "q_stc_1": 20.0, "q_stc_2": -5.0, "tau_stc_1": 15.0, "tau_stc_2": 60.0,
        "q_sfa_1": 10.0, "q_sfa_2": 60.0, "tau_sfa_1": 110.0, "tau_sfa_2": 5.0,
    }),
    "poisson": (poisson, np.linspace(-50.0, 200.0, 40), 600, {"gain": 2.0, "base": 10.0}),
}  # fmt: skip


def squid(_, y, i):
    v, m, h, n = y
    a_n, a_m = 0.01 * (v + 55.0) / (1 - np.exp(-(v + 55.0) / 10)), (v + 40.0) / 10
    a_m = a_m / (1 - np.exp(-a_m))
    return (
        (i - 12000 * m**3 * h * (v - 50) - 3600 * n**4 * (v + 77) - 30 * (v + 54.402)) / 100,
        a_m * (1 - m) - 4 * np.exp(-(v + 65) / 18) * m,
        0.07 * np.exp(-(v + 65) / 20) * (1 - h) - h / (1 + np.exp(-(v + 35) / 10)),
        a_n * (1 - n) - 0.125 * np.exp(-(v + 65) / 80) * n,
    )


def wang_buzsaki(_, y, i):
    v, h, n = y
    a_m = -0.1 * (v + 35) / (np.exp(-0.1 * (v + 35)) - 1)
    m = a_m / (a_m + 4 * np.exp(-(v + 60) / 18))
    a_n = -0.01 * (v + 34) / (np.exp(-0.1 * (v + 34)) - 1)
    sodium, potassium = 35 * m**3 * h * (v - 55), 9 * n**4 * (v + 90)
    return (
        0.01 * i - sodium - potassium - 0.1 * (v + 65),
        5 * (0.07 * np.exp(-(v + 58) / 20) * (1 - h) - h / (np.exp(-0.1 * (v + 28)) + 1)),
        5 * (a_n * (1 - n) - 0.125 * np.exp(-(v + 44) / 80) * n),
    )


def fitzhugh(_, y, i):
    return y[0] - y[0] ** 3 / 3 - y[1] + i, 0.08 * (y[0] + 0.7 - 0.8 * y[1])


def hindmarsh(_, y, i):
    a, b, c = y
    return b - a**3 + 3 * a**2 - c + i, 1 - 5 * a**2 - b, 0.005 * (4 * (a + 1.6) - c)


# Right-hand side, where a spike is, currents, ms, the step, steps that a spike may be off.
SMOOTH = {
    "hh_squid": (squid, 0.0, (700.0, 1000.0), 40.0, 0.05, 1),
    "wang_buzsaki": (wang_buzsaki, 0.0, (50.0, 100.0), 60.0, 0.025, 2),
    "fitzhugh_nagumo": (fitzhugh, 1.0, (0.4, 0.6, 1.0), 150.0, 0.1, 1),
    "hindmarsh_rose": (hindmarsh, 1.0, (1.5, 2.5), 150.0, 0.05, 1),
}
NEST = {
    "iaf_sfa_rr": ((400.0, 500.0, 700.0), [
        [28.3], [14.0, 68.6, 174.8], [7.8, 25.8, 50.7, 96.3, 148.7],
    ]),
    "mat2": ((400.0, 500.0, 700.0), [
        [15.0, 153.7], [7.2, 29.2, 56.5, 89.3, 129.7, 178.9],
        [4.0, 15.0, 29.0, 44.2, 60.6, 78.1, 96.8, 116.8, 137.9, 160.2, 183.6],
    ]),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOPS)
def test_step_by_step(name):
    reference, current, steps, params = LOOPS[name]
    expected, states = reference(current, steps, params)
    raster, found = both(name, current, steps, params=params)
    assert expected.sum() > 20
    np.testing.assert_array_equal(raster, expected)
    for state, values in states.items():
        np.testing.assert_allclose(found[state], values, rtol=2e-5, atol=2e-4, err_msg=state)


@pytest.mark.parametrize("name", SMOOTH)
def test_equations(name):
    slope, level, currents, duration, dt, off = SMOOTH[name]
    raster, _ = both(name, currents, round(duration / dt), dt)
    model = find(name)
    start = [float(s.initial) if s.initial != "e_l" else -65.0 for s in model.states.values()]

    def rises(_, y, i):
        return y[0] - level

    rises.direction = 1.0
    for found, current in zip(times(raster, dt), currents, strict=True):
        exact = solve_ivp(
            slope, (0.0, duration), start, "DOP853", args=(current,), events=rises, rtol=1e-9,
            atol=1e-9,
        ).t_events[0]  # fmt: skip
        assert len(found) == len(exact) >= 2
        np.testing.assert_allclose(found, exact + dt / 2, rtol=0, atol=(off + 0.5) * dt)


@pytest.mark.parametrize("name", NEST)
def test_spikes_are_nests(name):
    currents, expected = NEST[name]
    raster, _ = both(name, currents, 2000, precision="float64")
    assert times(raster) == expected


def test_exponential_euler_is_brian2s():
    """v of ``hh_squid`` after 2000 steps of Brian2 2.11.0, method exponential_euler."""
    _, states = run(
        "hh_squid", "cpu", (700.0, 1000.0), 2000, 0.02, precision="float64",
        scheme="exponential_euler",
    )  # fmt: skip
    np.testing.assert_allclose(states["v"], [-75.24291279501071, -65.78515105780329], rtol=1e-11)
    np.testing.assert_allclose(states["m"], [0.028539420054612626, 0.0455796119272627], rtol=1e-11)


# Spikes of 2000 neurons in bins of 50 ms, ``gif_psc_exp`` with the parameters in ``LOOPS``.
NEST_GIF = {
    150.0: [1, 1631, 367, 9, 84, 453, 768, 558, 152, 173],
    200.0: [2000, 2000, 2000, 1952, 74, 1974, 2000, 966, 1038, 1996],
}


@pytest.mark.parametrize("current", NEST_GIF)
def test_gif_spikes_as_often_as_nests(current):
    raster, _ = run("gif", "cpu", np.full(2000, current), 5000, params=LOOPS["gif"][3])
    counts = raster.reshape(10, 500, 2000).sum(axis=(1, 2))
    expected = np.array(NEST_GIF[current])
    # Both are drawn: 5 standard deviations of a difference of two binomial numbers, or less.
    chance = np.minimum(expected / 2000.0, 1.0)
    spread = np.sqrt(2 * 2000 * np.maximum(chance * (1 - chance), 0.001))
    assert (np.abs(counts - expected) < 5 * spread).all(), counts


# Those that clamp, freeze, silence and draw; what else makes kernels is proven for the language.
EMULATED = ("intfire1", "hh_squid", "gif", "iaf_sfa_rr")


def both(name, current, steps, dt=DT, **options):
    """Run on the CPU, and a part of it on the emulated GPU with the same bits."""
    raster, states = run(name, "cpu", current, steps, dt, **options)
    if name not in EMULATED:
        return raster, states
    part = min(steps, 300)
    short = run(name, "cpu", current, part, dt, **options)
    emulated = run(name, "cuda-emu", current, part, dt, **options)
    np.testing.assert_array_equal(emulated[0], short[0])
    for state, values in short[1].items():
        np.testing.assert_array_equal(emulated[1][state], values)
    return raster, states


def test_every_written_model_is_here():
    assert sorted(WRITTEN) == sorted({**LOOPS, **SMOOTH, **NEST})
