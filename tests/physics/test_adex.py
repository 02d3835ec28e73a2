"""AdEx: the published firing patterns, their limit for small steps, rheobase."""

import functools
import math

import numpy as np
import pytest

from spikecuda import GPUNeuronPool
from spikecuda.inputs.stimulus import Constant

# Naud et al. (2008) Biol Cybern 99:335, table 1, in the values that give its figures (adapted by
# P. Mueller), as printed in brian-team/brian2,
# examples/frompapers/Naud_et_al_2008_adex_firing_patterns.py; and Brette & Gerstner (2005) J
# Neurophysiol 94:3637 with the two variants of examples/frompapers/Brette_Gerstner_2005.py.
# Parameters in the order of NAMES, current (pA), length (ms).
NAMES = ("c_m", "g_l", "e_l", "v_t", "delta_t", "a", "tau_w", "b", "v_reset")
PATTERNS = {
    "tonic spiking": ((200, 10, -70, -50, 2, 2, 30, 0, -58), 500, 600),
    "adaptation": ((200, 12, -70, -50, 2, 2, 300, 60, -58), 500, 600),
    "initial burst": ((130, 18, -58, -50, 2, 4, 150, 120, -50), 400, 600),
    "regular bursting": ((200, 10, -58, -50, 2, 2, 120, 100, -46), 210, 600),
    "delayed accelerating": ((200, 12, -70, -50, 2, -10, 300, 0, -58), 300, 600),
    "delayed regular bursting": ((100, 10, -65, -50, 2, -10, 90, 30, -47), 110, 600),
    "transient spiking": ((100, 10, -65, -50, 2, 10, 90, 100, -47), 180, 600),
    "irregular spiking": ((100, 12, -60, -50, 2, -11, 130, 30, -48), 160, 600),
    "regular spiking, 2005": ((281, 30, -70.6, -50.4, 2, 4, 144, 80.5, -70.6), 1000, 200),
    "bursting, 2005": ((281, 30, -70.6, -50.4, 2, 4, 20, 500, -45.4), 1000, 200),
    "fast spiking, 2005": ((281, 30, -70.6, -50.4, 2, 2 * 281 / 144, 144, 0, -70.6), 1000, 200),
}
# The first spikes by Euler at dt = 0.1 ms, how many there are, and the same by LSODA (rtol = atol =
# 1e-9, spike at 0 mV).
RECORDED = {
    "tonic spiking": (
        [14.5, 23.8, 33.2, 42.8, 52.5, 62.3], 60,
        [14.223, 23.152, 32.242, 41.458, 50.769, 60.152, 69.588, 79.065], 62,
    ),
    "adaptation": (
        [15.2, 26.8, 41.5, 61.5, 91.3, 139.3], 12,
        [14.904, 26.172, 40.548, 60.158, 89.581, 137.325, 205.03, 279.827], 12,
    ),
    "initial burst": (
        [5.8, 9.6, 17.3, 72.3, 136.6, 200.8], 12,
        [5.464, 8.883, 16.202, 70.949, 135.068, 199.018, 262.97, 326.922], 12,
    ),
    "regular bursting": (
        [16.5, 19.8, 25.4, 157.3, 163.1, 296.4], 11,
        [16.158, 19.076, 24.198, 155.956, 161.31, 294.503, 299.854, 433.03], 11,
    ),
    "regular spiking, 2005": (
        [], None, [11.792, 25.376, 41.196, 59.776, 81.644, 107.146, 136.174, 168.071], 8,
    ),
}  # fmt: skip


def spike_times(pattern, target, scheme, dt, substeps=1, precision="float64"):
    """Return the spike times from rest at a constant current."""
    values, current, duration = PATTERNS[pattern]
    params = {**dict(zip(NAMES, map(float, values), strict=True)), "v_peak": 0.0}
    pool = GPUNeuronPool(
        1, "adex", precision=precision, dt=dt, params=params, scheme=scheme, substeps=substeps,
        initial={"v": params["e_l"], "w": 0.0}, **target,
    )  # fmt: skip
    with pool:
        return pool.run(duration=float(duration), input=Constant(float(current))).spikes.time


@functools.cache
def exact_times(pattern, h=0.1):
    """Return the spike times of the equations by Runge and Kutta's method, in plain Python.

    A step is h of arc length, dt (1 + |dv/dt|) = h, so that it is as fine in the upstroke as
    anywhere; the last one has v as its variable and ends at 0 mV (Henon 1982, Physica D 5:412).
    """
    values, current, duration = PATTERNS[pattern]
    c_m, g_l, e_l, v_t, delta_t, a, tau_w, b, v_reset = values

    def slope(v, w):
        upstroke = g_l * delta_t * math.exp((v - v_t) / delta_t)
        return (g_l * (e_l - v) + upstroke - w + current) / c_m, (a * (v - e_l) - w) / tau_w

    def by_arc(v, w):
        v_slope, w_slope = slope(v, w)
        speed = 1 + abs(v_slope)
        return v_slope / speed, w_slope / speed, 1 / speed

    def by_v(v, w):
        v_slope, w_slope = slope(v, w)
        return 1.0, w_slope / v_slope, 1 / v_slope

    def step(f, y, h):
        k1 = f(y[0], y[1])
        k2 = f(y[0] + h / 2 * k1[0], y[1] + h / 2 * k1[1])
        k3 = f(y[0] + h / 2 * k2[0], y[1] + h / 2 * k2[1])
        k4 = f(y[0] + h * k3[0], y[1] + h * k3[1])
        slopes = zip(y, k1, k2, k3, k4, strict=True)
        return [x + h / 6 * (p + 2 * q + 2 * r + s) for x, p, q, r, s in slopes]

    y, times = [e_l, 0.0, 0.0], []
    while y[2] < duration:
        further = step(by_arc, y, h)
        if further[0] >= 0.0:
            _, w, t = step(by_v, y, -y[0])
            times.append(t)
            further = [v_reset, w + b, t]
        y = further
    return np.array([t for t in times if t <= duration])


@pytest.mark.parametrize("pattern", RECORDED)
def test_the_reference_is_the_recorded_one(pattern):
    """Half the step moves no spike by 1e-5 ms, so that the records' last digit is the limit."""
    times = exact_times(pattern)
    np.testing.assert_allclose(times, exact_times(pattern, 0.05), rtol=0, atol=1e-5)
    expected, number = RECORDED[pattern][2:]
    assert len(times) == number
    np.testing.assert_allclose(times[: len(expected)], expected, rtol=0, atol=0.00051)


@pytest.mark.parametrize("pattern", [name for name in RECORDED if RECORDED[name][0]])
def test_euler_gives_the_recorded_spikes(target, pattern):
    expected, number = RECORDED[pattern][:2]
    times = spike_times(pattern, target, "euler", 0.1)
    assert len(times) == number
    np.testing.assert_allclose(times[: len(expected)], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("pattern", [name for name in PATTERNS if name != "irregular spiking"])
def test_heun_approaches_the_exact_spike_times(target, pattern):
    """Each interval is late by at most one step for the grid and one for the upstroke.

    The end of the upstroke is shorter than any step, so an explicit scheme sees it up to one step
    late; the n-th spike is thus late by at most 2 n dt.  (That is why Heun's method, of order 2
    between spikes, is of order 1 in spike times; it halves Euler's error all the same.)  In
    delayed regular bursting a late spike makes the next burst early, since a longer burst leaves
    less of the negative w that started it: its errors have either sign, and still follow dt.
    """
    expected = exact_times(pattern)
    errors = []
    for dt in (0.04, 0.01):
        times = spike_times(pattern, target, "heun", dt)
        assert len(times) == len(expected)
        error = times - expected
        n = 1 + np.arange(error.size)
        if pattern != "delayed regular bursting":
            assert (error >= 0).all() and (error <= 2 * n * dt).all()
        errors.append(abs(error[-1]))
    assert errors[1] < 0.4 * errors[0]
    euler = spike_times(pattern, target, "euler", 0.01)
    assert len(expected) == 1 or errors[1] < 0.5 * abs(euler[len(expected) - 1] - expected[-1])


def test_irregular_spiking_is_exact_until_chaos(target):
    """The first burst, four spikes, is late by at most 2 n dt; then the number is compared.

    The dynamics are chaotic: the reference with half its step, 1e-8 ms off at first, is 0.03 ms off
    at the end.
    """
    expected = exact_times("irregular spiking")
    for dt in (0.04, 0.01):
        times = spike_times("irregular spiking", target, "heun", dt)
        error = times[:4] - expected[:4]
        assert (error >= 0).all() and (error <= 2 * (1 + np.arange(4)) * dt).all()
        assert abs(len(times) - len(expected)) <= 1


def shows(pattern, times):
    """Tell whether spike times (ms) have what the papers say of a pattern."""
    gaps = np.diff(times)
    return {
        "tonic spiking": lambda: gaps.min() > 0.9 * gaps[-1] and np.ptp(gaps[20:]) < 0.21,
        # From 10 ms to a steady interval of many times that.
        "adaptation": lambda: (np.diff(gaps) > -0.21).all() and gaps[-1] > 5 * gaps[0],
        # Three spikes, then single ones.
        "initial burst": lambda: (gaps[:2] < 9).all() and (gaps[2:] > 40).all(),
        # Pairs after a first burst of three, evenly spaced.
        "regular bursting": lambda: (
            (gaps[:2] < 9).all() and (gaps[2::2] > 120).all() and (gaps[3::2] < 9).all()
        ),
        # A while without a spike (12 ms would be the membrane's), then faster and faster.
        "delayed accelerating": lambda: (
            times[0] > 30 and (np.diff(gaps) < 0.11).all() and gaps[-1] < 0.6 * gaps[0]
        ),
        # Silent for 50 ms, then bursts of four for ever.
        "delayed regular bursting": lambda: (
            times[0] > 50
            and (gaps[3::4] > 40).all()
            and (np.delete(gaps, slice(3, None, 4)) < 12).all()
        ),
        # It stops though the current does not.
        "transient spiking": lambda: 1 <= len(times) < 4 and times[-1] < 100,
        # No two of the later intervals alike, without end.
        "irregular spiking": lambda: times[-1] > 550 and gaps[10:].std() > 0.4 * gaps[10:].mean(),
        "regular spiking, 2005": lambda: (np.diff(gaps) > 0).all() and gaps[-1] > 2 * gaps[0],
        "bursting, 2005": lambda: (gaps[2::2] > 30).all() and (gaps[3::2] < 3).all(),
        # No spike-triggered adaptation: nearly the same interval throughout.
        "fast spiking, 2005": lambda: len(times) >= 15 and gaps[-1] < 1.1 * gaps[0],
    }[pattern]()


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_pattern_shows_what_the_papers_say(target, pattern, precision):
    assert shows(pattern, spike_times(pattern, target, "euler", 0.1, precision=precision))


@pytest.mark.parametrize("pattern", ["regular bursting", "irregular spiking"])
def test_an_emulated_device_gives_the_same_spikes(target, pattern):
    found = spike_times(pattern, {"device": "cuda-emu"}, "euler", 0.1)
    np.testing.assert_array_equal(found, spike_times(pattern, target, "euler", 0.1))


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
def test_rheobase(target, precision):
    """Without adaptation the rheobase is g_l (v_t - e_l - delta_t).

    Source: Touboul & Brette (2008) Biol Cybern 99:319 (saddle-node, a = 0).  1 % below it no neuron
    fires in 2 s; 2 % above it all do: the passage takes about pi / sqrt(k * excess) =
    pi sqrt(2 c_m^2 delta_t / (g_l 0.02 I)), 0.2 s.
    """
    n, g_l, e_l, v_t, delta_t = 20, 10.0, -70.0, -50.0, 2.0
    rheobase = g_l * (v_t - e_l - delta_t)
    params = {"c_m": 200.0, "g_l": g_l, "e_l": e_l, "v_t": v_t, "delta_t": delta_t, "a": 0.0,
              "b": 0.0, "tau_w": 100.0, "v_reset": -70.0}  # fmt: skip
    current = rheobase * np.where(np.arange(n) < n // 2, 0.99, 1.02)
    pool = GPUNeuronPool(n, "adex", precision=precision, params=params, **target)
    with pool:
        counts = pool.run(duration=2000.0, input=Constant(current)).spikes.counts(n)
    assert (counts[: n // 2] == 0).all() and (counts[n // 2 :] > 3).all()


def test_rate_grows_with_current_and_adaptation_lowers_it(target):
    n = 40
    current = np.linspace(300, 1500, n)
    counts = {}
    for b in (0.0, 80.5):
        pool = GPUNeuronPool(
            n, "adex", precision="float64", params={"b": b}, **target
        )  # fmt: skip
        with pool:
            counts[b] = pool.run(duration=1000.0, input=Constant(current)).spikes.counts(n)
        assert (np.diff(counts[b]) >= 0).all() and counts[b][0] == 0 and counts[b][-1] > 30
    assert (counts[80.5] <= counts[0.0]).all() and counts[80.5][-1] < 0.5 * counts[0.0][-1]
