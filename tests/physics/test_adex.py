"""AdEx: published firing patterns, their limit for small steps, rheobase."""

import numpy as np
import pytest

from spikecuda import GPUNeuronPool
from spikecuda.inputs import Constant

# Naud et al. (2008) Biol Cybern 99:335, table 1, as printed in brian-team/brian2,
# examples/frompapers/Naud_et_al_2008_adex_firing_patterns.py: parameters, current (pA), the first
# spikes by Euler at dt = 0.1 ms and their number in 600 ms, and the first spikes by LSODA
# (rtol = atol = 1e-9, spike at 0 mV) and their number.
PATTERNS = {
    "tonic spiking": (
        (200, 10, -70, -50, 2, 2, 30, 0, -58), 500,
        [14.5, 23.8, 33.2, 42.8, 52.5, 62.3], 60,
        [14.223, 23.152, 32.242, 41.458, 50.769, 60.152, 69.588, 79.065], 62,
    ),
    "adaptation": (
        (200, 12, -70, -50, 2, 2, 300, 60, -58), 500,
        [15.2, 26.8, 41.5, 61.5, 91.3, 139.3], 12,
        [14.904, 26.172, 40.548, 60.158, 89.581, 137.325, 205.03, 279.827], 12,
    ),
    "initial burst": (
        (130, 18, -58, -50, 2, 4, 150, 120, -50), 400,
        [5.8, 9.6, 17.3, 72.3, 136.6, 200.8], 12,
        [5.464, 8.883, 16.202, 70.949, 135.068, 199.018, 262.97, 326.922], 12,
    ),
    "regular bursting": (
        (200, 10, -58, -50, 2, 2, 120, 100, -46), 210,
        [16.5, 19.8, 25.4, 157.3, 163.1, 296.4], 11,
        [16.158, 19.076, 24.198, 155.956, 161.31, 294.503, 299.854, 433.03], 11,
    ),
    # Brette & Gerstner (2005) J Neurophysiol 94:3637; 1000 pA for 200 ms; LSODA as above.
    "brette gerstner": (
        (281, 30, -70.6, -50.4, 2, 4, 144, 80.5, -70.6), 1000, [], None,
        [11.792, 25.376, 41.196, 59.776, 81.644, 107.146, 136.174, 168.071], 8,
    ),
}  # fmt: skip
NAMES = ("c_m", "g_l", "e_l", "v_t", "delta_t", "a", "tau_w", "b", "v_reset")


def spike_times(pattern, target, scheme, dt, duration, substeps=1):
    """Return the spike times from rest at a constant current."""
    values, current = PATTERNS[pattern][:2]
    params = {**dict(zip(NAMES, map(float, values), strict=True)), "v_peak": 0.0}
    pool = GPUNeuronPool(
        1, "adex", precision="float64", dt=dt, params=params, scheme=scheme, substeps=substeps,
        initial={"v": params["e_l"], "w": 0.0}, **target,
    )  # fmt: skip
    with pool:
        return pool.run(duration=duration, input=Constant(float(current))).spikes.time


@pytest.mark.parametrize("pattern", [name for name in PATTERNS if PATTERNS[name][2]])
def test_euler_gives_the_recorded_spikes(target, pattern):
    expected, number = PATTERNS[pattern][2:4]
    times = spike_times(pattern, target, "euler", 0.1, 600.0)
    assert len(times) == number
    np.testing.assert_allclose(times[: len(expected)], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_heun_approaches_the_exact_spike_times(target, pattern):
    """Each interval is late by at most one step for the grid and one for the upstroke.

    The end of the upstroke is shorter than any step, so an explicit scheme sees it up to one step
    late; the n-th spike is thus late by at most 2 n dt.  (That is why Heun's method, of order 2
    between spikes, is of order 1 in spike times; it halves Euler's error all the same.)
    """
    expected, number = PATTERNS[pattern][4:]
    duration = 200.0 if pattern == "brette gerstner" else 600.0
    errors = []
    for dt in (0.04, 0.01):
        times = spike_times(pattern, target, "heun", dt, duration)
        assert len(times) == number
        error = times[: len(expected)] - expected
        n = 1 + np.arange(error.size)
        assert (error >= 0).all() and (error <= 2 * n * dt).all()
        errors.append(error[-1])
    assert errors[1] < 0.4 * errors[0]
    euler = spike_times(pattern, target, "euler", 0.01, duration)
    assert errors[1] < 0.5 * (euler[len(expected) - 1] - expected[-1])


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
