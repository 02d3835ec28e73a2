"""Order of every scheme, resets included, and AdEx and EIF beside NEST, spike by spike.

``docs/models.md`` has the orders that are measured here.  Without a reset they are in
``test_convergence.py``.
"""

import exact_spikes
import numpy as np
import pytest
import test_hh_traub

from spikecuda import GPUNeuronPool
from spikecuda.models import find

DURATION = 40.0
STEPS = (0.1, 0.05, 0.025, 0.0125, 0.00625)
NO_PERIOD = {"t_ref": 0.0}
# Model, scheme, the equations, the currents, parameters; the order of spike times, resets included.
ORDERS = {
    "adex euler": ("adex", "euler", exact_spikes.adex, (900.0, 2500.0), {}, 1),
    "adex heun": ("adex", "heun", exact_spikes.adex, (900.0, 2500.0), {}, 1),
    "adex upstroke": ("adex", "upstroke", exact_spikes.adex, (900.0, 2500.0), {}, 2),
    "eif euler": ("eif", "euler", exact_spikes.adex, (200.0, 1000.0), NO_PERIOD, 1),
    "eif heun": ("eif", "heun", exact_spikes.adex, (200.0, 1000.0), NO_PERIOD, 1),
    "eif upstroke": ("eif", "upstroke", exact_spikes.adex, (200.0, 1000.0), NO_PERIOD, 2),
    "lif exact": ("lif", "exact", exact_spikes.lif, (200.0, 500.0), NO_PERIOD, 1),
    "lif_cond exponential": (
        "lif_cond", "exponential", exact_spikes.lif, (200.0, 500.0), NO_PERIOD, 1,
    ),
    "qif exact": ("qif", "exact", exact_spikes.qif, (200.0, 800.0), NO_PERIOD, 1),
    "glif3 exact": ("glif3", "exact", exact_spikes.glif3, (500.0, 900.0), NO_PERIOD, 1),
    "glif3 mean_current": (
        "glif3", "mean_current", exact_spikes.glif3, (500.0, 900.0), NO_PERIOD, 1,
    ),
    "hh_traub strang": ("hh_traub", "strang", exact_spikes.hh_traub, (300.0, 900.0), {}, 2),
    "izhikevich half_steps": (
        "izhikevich", "half_steps", exact_spikes.izhikevich, (12.0, 30.0), {}, 1,
    ),
    "izhikevich semi_implicit_euler": (
        "izhikevich", "semi_implicit_euler", exact_spikes.izhikevich, (12.0, 30.0), {}, 1,
    ),
    "izhikevich forward_euler": (
        "izhikevich", "forward_euler", exact_spikes.izhikevich, (12.0, 30.0), {}, 1,
    ),
}  # fmt: skip

# NEST 3.10.0 (PyPI), aeif_psc_exp from V_m = E_L and w = 0 with a constant I_e, dt 0.1 ms,
# gsl_error_tol 1e-6 (the same at 1e-10); EIF is the same with a = b = 0.  Model, what differs from
# our default parameters, pA, the steps at whose end the first spikes (up to 12, 600 ms) fall.
NEST = [
    ("adex", {}, 700.0, [
        247, 633, 1425, 2665, 3945, 5225,
    ]),
    ("adex", {}, 1000.0, [
        118, 254, 412, 598, 817, 1072, 1362, 1681, 2020, 2369, 2724, 3083,
    ]),
    ("adex", {}, 1500.0, [
        67, 139, 216, 299, 388, 485, 589, 701, 822, 951, 1087, 1231,
    ]),
    ("adex", {}, 2500.0, [
        37, 75, 115, 156, 198, 242, 288, 336, 385, 437, 490, 545,
    ]),
    ("adex", {"t_ref": 2.0}, 1000.0, [
        118, 274, 452, 655, 888, 1154, 1450, 1771, 2110, 2461, 2818, 3178,
    ]),
    ("adex", {"t_ref": 5.0}, 1000.0, [
        118, 304, 510, 740, 996, 1278, 1586, 1914, 2258, 2612, 2972, 3336,
    ]),
    ("adex", {"t_ref": 2.0}, 2500.0, [
        37, 95, 155, 216, 279, 343, 409, 476, 545, 616, 688, 762,
    ]),
    ("adex", {"delta_t": 0.5, "v_peak": -40.0}, 1000.0, [
        100, 216, 351, 514, 710, 947, 1227, 1544, 1884, 2235, 2590, 2948,
    ]),
    ("adex", {"v_peak": -40.0}, 1000.0, [
        118, 253, 411, 596, 814, 1069, 1359, 1677, 2015, 2365, 2720, 3078,
    ]),
    ("adex", {"v_reset": -46.0, "b": 100.0}, 800.0, [
        178, 189, 201, 216, 233, 255, 298, 2376, 2391, 2408, 2430, 2477,
    ]),
    ("adex", {"v_reset": -47.4}, 800.0, [
        178, 199, 225, 257, 304, 1561, 1599, 1680, 3066, 3105, 3185, 4571,
    ]),
    (
        "adex",
        {"c_m": 200.0, "g_l": 10.0, "e_l": -70.0, "v_t": -50.0, "a": 2.0, "tau_w": 30.0, "b":
        0.0, "v_reset": -58.0},
        500.0, [
        143, 232, 323, 415, 508, 602, 696, 791, 886, 981, 1077, 1172,
    ]),
    (
        "adex",
        {"c_m": 130.0, "g_l": 18.0, "e_l": -58.0, "v_t": -50.0, "a": 4.0, "tau_w": 150.0, "b":
        120.0, "v_reset": -50.0},
        400.0, [
        55, 89, 163, 710, 1351, 1991, 2630, 3270, 3909, 4549, 5188, 5828,
    ]),
    (
        "adex",
        {"c_m": 200.0, "g_l": 12.0, "e_l": -70.0, "v_t": -50.0, "a": -10.0, "tau_w": 300.0, "b":
        0.0, "v_reset": -58.0},
        300.0, [
        336, 542, 733, 912, 1083, 1246, 1403, 1554, 1701, 1845, 1985, 2121,
    ]),
    ("eif", {}, 100.0, [
        262, 584, 906, 1228, 1550, 1872, 2194, 2516, 2838, 3160, 3482, 3804,
    ]),
    ("eif", {}, 300.0, [
        91, 217, 343, 469, 595, 721, 847, 973, 1099, 1225, 1351, 1477,
    ]),
    ("eif", {}, 1000.0, [
        33, 88, 143, 198, 253, 308, 363, 418, 473, 528, 583, 638,
    ]),
    ("eif", {"t_ref": 0.0}, 100.0, [
        262, 566, 870, 1175, 1479, 1783, 2087, 2392, 2696, 3000, 3305, 3609,
    ]),
    ("eif", {"t_ref": 0.0}, 300.0, [
        91, 200, 308, 417, 525, 634, 742, 851, 959, 1068, 1176, 1285,
    ]),
    ("eif", {"t_ref": 0.0}, 1000.0, [
        33, 71, 109, 146, 184, 222, 260, 298, 336, 374, 412, 450,
    ]),
]  # fmt: skip


def parameters(name, changed):
    """Return all parameters of a model as floats; LIF under the names of ``exact_spikes.lif``."""
    p = {k: float(v.default) for k, v in find(name).parameters.items()} | changed
    if name == "lif":
        p |= {"g_l": p["c_m"] / p["tau_m"], "e_l": p["v_rest"]}
    return p


def start_of(name, p):
    """Return the state that a pool starts from."""
    if name == "hh_traub":
        return test_hh_traub.rest()
    if name == "izhikevich":
        return [p["c"], p["b"] * p["c"]]
    return [p["e_l"], *[0.0] * (len(find(name).states) - 1 + (name == "eif"))]


def exact_ends(case):
    """Return currents, exact states after DURATION and the slopes of v there, after some spikes.

    Only neurons whose last spike is at least 2 ms ago, so that no scheme disagrees on their number,
    and whose v moves by more than 0.1 mV / ms, so that an error of it is one of time.
    """
    name, _, equations, (low, high), changed, _ = ORDERS[case]
    p = parameters(name, changed)
    result = []
    # Without resets errors do not depend on where in its step a spike falls.
    for current in np.linspace(low, high, 8 if name == "hh_traub" else 24):
        slope, peak, reset, upstroke = equations(p, current)
        spikes, end = exact_spikes.run(slope, peak, reset, start_of(name, p), DURATION, upstroke)
        speed = slope(end)[0]
        later, _ = exact_spikes.run(slope, peak, reset, end, 2.0, upstroke)
        calm = not len(later) and len(spikes) >= 2 and DURATION - spikes[-1] > 2.0
        # Without a reset there is no spike to be too near to.
        calm = calm or peak == np.inf
        if calm and abs(speed) > 0.1:
            result.append((current, end, speed))
    return result


@pytest.mark.parametrize("case", ORDERS)
def test_order_of_spike_times(target, case):
    """An error of v some spikes later, over the slope of v, is how late the reset was in all.

    The root mean square over neurons: where a spike falls within its step is as good as random,
    and what a scheme of order 1 is late by follows that.
    """
    name, scheme, *_, changed, order = ORDERS[case]
    ends = exact_ends(case)
    assert len(ends) >= 4
    currents = np.array([current for current, _, _ in ends])
    errors = []
    for dt in STEPS:
        with GPUNeuronPool(
            len(ends), name, precision="float64", dt=dt, params=changed, scheme=scheme, **target
        ) as pool:
            pool.run(duration=DURATION, input=currents)
            off = [
                abs(v - end[0]) / abs(speed)
                for v, (_, end, speed) in zip(pool.state["v"], ends, strict=True)
            ]
        errors.append(np.sqrt(np.square(off).mean()))
    # Without the first, which is coarse for the Hodgkin-Huxley neuron.
    found = -np.polyfit(np.arange(len(STEPS) - 1), np.log2(errors[1:]), 1)[0]
    print(case, len(ends), "order", round(found, 2), "error", errors)
    assert abs(found - order) < 0.25, errors


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("case", range(len(NEST)))
def test_upstroke_has_the_spikes_of_nest(target, case, precision):
    """Within a step of 0.1 ms, with and without a refractory period, in bursts, for a low peak."""
    model, changed, current, expected = NEST[case]
    with GPUNeuronPool(
        1, model, precision=precision, dt=0.1, params=changed, scheme="upstroke", **target
    ) as pool:
        steps = pool.run(steps=expected[-1] + 1, input=current).spikes.step + 1
    assert len(steps) == len(expected)
    assert np.abs(steps - np.array(expected)).max() <= 1
    assert (steps != np.array(expected)).mean() < 0.5


def test_most_spikes_of_upstroke_are_nests_to_the_step(target):
    """Where a spike falls near the border of a step, rounding and errors of 1e-4 ms decide."""
    same = total = 0
    for model, changed, current, expected in NEST:
        with GPUNeuronPool(
            1, model, precision="float64", dt=0.1, params=changed, scheme="upstroke", **target
        ) as pool:
            steps = pool.run(steps=expected[-1] + 1, input=current).spikes.step + 1
        same += int((steps == np.array(expected)).sum())
        total += len(expected)
    assert total == 234 and same >= total - 4, same


@pytest.mark.parametrize("dt", [0.1, 0.025])
def test_a_spike_is_reported_at_the_end_of_its_step(target, dt):
    """The seventeenth spike of AdEx at 1000 pA, too: the equations' own time, rounded up."""
    p = parameters("adex", {})
    slope, peak, reset, upstroke = exact_spikes.adex(p, 1000.0)
    exact, _ = exact_spikes.run(slope, peak, reset, start_of("adex", p), 500.0, upstroke)
    with GPUNeuronPool(1, "adex", precision="float64", dt=dt, scheme="upstroke", **target) as pool:
        times = pool.run(duration=500.0, input=1000.0).spikes.time
    assert len(exact) >= 17
    late = times[:17] - exact[:17]
    assert (late > -1e-3).all() and (late < dt + 1e-3).all()


@pytest.mark.parametrize("model, period", [("adex", 2.0), ("eif", 1.7)])
def test_a_refractory_period_ends_on_the_grid(target, model, period):
    """From the crossing to the end of its step, and t_ref more: NEST's rule, of order 1."""
    dt, current = 0.1, 1000.0
    p = parameters(model, {"t_ref": period})
    slope, peak, reset, upstroke = exact_spikes.adex(p, current)
    with GPUNeuronPool(
        1, model, precision="float64", dt=dt, params={"t_ref": period}, scheme="upstroke", **target
    ) as pool:
        times = pool.run(duration=60.0, input=current).spikes.time
    state, t = np.array(start_of(model, p)), 0.0
    for found in times[:10]:
        (spike,), at = exact_spikes.run(slope, peak, reset, state, 60.0, upstroke, most=1)
        t += spike
        assert -1e-3 < found - t < dt + 1e-3
        # w at the spike, then t_ref from the end of the step with v at v_reset.
        w = at[1] + p.get("b", 0.0)
        held = found + period - t
        goal = p.get("a", 0.0) * (p["v_reset"] - p["e_l"])
        w = goal + (w - goal) * np.exp(-held / p.get("tau_w", 1.0))
        state, t = np.array([p["v_reset"], w]), found + period


def test_upstroke_gives_the_same_bits_on_an_emulated_device(target):
    """Spikes and state, reset within the step included, from several windows."""
    ends = []
    for options in (target, {"device": "cuda-emu"}):
        with GPUNeuronPool(40, "adex", scheme="upstroke", **options) as pool:
            current = np.linspace(500.0, 4000.0, 40)
            steps = [pool.run(steps=n, input=current).spikes.step.tobytes() for n in (37, 200)]
            ends.append((steps, pool.state["v"].tobytes(), pool.state["w"].tobytes()))
    assert ends[0] == ends[1]


def test_a_pulse_can_make_the_spike(target):
    """A pulse arrives at the end of the step: v at v_peak there is a spike of that step."""
    from spikecuda import Poisson

    with GPUNeuronPool(
        1, "adex", precision="float64", scheme="upstroke", initial={"v": -60.0}, **target
    ) as pool:
        # About ten pulses a step: at least one for certain.
        result = pool.run(steps=1, input=Poisson(rate=1e5, weight=100.0))
        assert len(result.spikes) == 1
        assert pool.state["v"][0] == -70.6


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_wild_cells_stay_finite(target, precision):
    """Slope factors down to 0.01 mV, resets deep in the upstroke, currents up to 1e5 pA.

    In 5 ms such a current moves v by at most 1e5 pA * 5 ms / 10 pF = 5e4 mV, and a w that follows
    with 50 nS and 10 ms is below 50 nS * 5e4 mV.
    """
    rng, n = np.random.default_rng(5), 2000

    def spread(low, high):
        return np.exp(rng.uniform(np.log(low), np.log(high), n))

    v_t = rng.uniform(-80.0, -30.0, n)
    params = {
        "c_m": spread(10, 1000), "g_l": spread(0.5, 100), "e_l": rng.uniform(-90, -40, n),
        "v_t": v_t, "delta_t": spread(0.01, 20), "a": rng.uniform(-20, 50, n),
        "tau_w": spread(10, 500), "b": rng.uniform(0, 500, n), "v_peak": v_t + spread(0.01, 200),
    }  # fmt: skip
    params["v_reset"] = params["v_peak"] - spread(0.01, 100)
    current = rng.choice([-1.0, 1.0], n) * spread(1, 1e5)
    with GPUNeuronPool(
        n, "adex", precision=precision, dt=0.1, scheme="upstroke", params=params, **target
    ) as pool:
        pool.state["v"] = rng.uniform(-200.0, 100.0, n)
        pool.state["w"] = rng.uniform(-1e3, 1e3, n)
        result = pool.run(steps=50, input=current)
        assert len(result.spikes) > n
        assert np.abs(pool.state["v"]).max() < 6e4
        assert np.abs(pool.state["w"]).max() < 3e6
        assert (pool.state["v"] <= params["v_peak"] + 1e-3).mean() > 0.99
