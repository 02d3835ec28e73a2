"""Exponential and quadratic integrate-and-fire: times of passage, and rheobase."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from spikecuda import GPUNeuronPool
from spikecuda.models import find

QIF = {"c_m": 200.0, "g_l": 10.0, "e_l": -65.0, "v_c": -50.0, "v_peak": 30.0, "v_reset": -70.0,
       "t_ref": 2.0}  # fmt: skip
QIF_RHEOBASE = QIF["g_l"] * (QIF["v_c"] - QIF["e_l"]) / 4


def passage(start, current, p=QIF):
    """Return the time from a potential to v_peak: the integral of dv over dv/dt, an arctangent."""
    k = p["g_l"] / (p["v_c"] - p["e_l"])
    middle = (p["e_l"] + p["v_c"]) / 2
    excess = current - QIF_RHEOBASE
    root = math.sqrt(k / excess)
    angle = math.atan(root * (p["v_peak"] - middle)) - math.atan(root * (start - middle))
    return p["c_m"] / math.sqrt(k * excess) * angle


@pytest.mark.parametrize("dt", [0.1, 0.5])
def test_qif_spikes_at_the_first_step_after_the_exact_time(target, dt):
    n = 40
    current = QIF_RHEOBASE * np.concatenate([[-5.0, 0.0, 0.99], np.linspace(1.1, 20.0, n - 3)])
    pool = GPUNeuronPool(n, "qif", precision="float64", dt=dt, params=QIF, **target)
    with pool:
        spikes = pool.run(duration=1000.0, input=current).spikes
    for j in range(n):
        steps = spikes.step[spikes.neuron == j]
        if current[j] < QIF_RHEOBASE:
            assert steps.size == 0
            continue
        first, again = (passage(v, current[j]) / dt for v in (QIF["e_l"], QIF["v_reset"]))
        assert min(first % 1, -first % 1, again % 1, -again % 1) > 1e-6, "too near to the grid"
        assert steps.size > 1 and steps[0] + 1 == math.ceil(first)
        assert (np.diff(steps) == round(QIF["t_ref"] / dt) + math.ceil(again)).all()


def test_qif_from_minus_to_plus_infinity_has_the_square_root_law(target):
    """Rate sqrt(k (I - rheobase)) / (pi c), k = g_l / (v_c - e_l); each interval up to a step late.

    Source: Ermentrout & Kopell (1986) SIAM J Appl Math 46:233 (the theta neuron).  From -1e6 to
    1e6 mV instead of infinity it is 2 c / (k 1e6) = 0.0006 ms shorter.
    """
    n, dt, k = 30, 0.05, QIF["g_l"] / (QIF["v_c"] - QIF["e_l"])
    excess = np.geomspace(0.5, 500.0, n)
    params = {**QIF, "v_peak": 1e6, "v_reset": -1e6, "t_ref": 0.0}
    pool = GPUNeuronPool(
        n, "qif", precision="float64", dt=dt, params=params, initial={"v": -1e6}, **target
    )
    with pool:
        spikes = pool.run(duration=3000.0, input=QIF_RHEOBASE + excess).spikes
    for j in range(n):
        intervals = np.diff(np.concatenate([[0.0], spikes.time[spikes.neuron == j]]))
        exact = math.pi * QIF["c_m"] / math.sqrt(k * excess[j])
        assert intervals.size >= 2
        assert (intervals > exact - 0.001).all() and (intervals < exact + dt + 1e-9).all()


def test_qif_passes_infinity_within_a_step(target):
    """At 10 ms steps and 20 rheobases the way from -20 mV to infinity is shorter than a step."""
    current = 20 * QIF_RHEOBASE
    assert passage(-20.0, current, {**QIF, "v_peak": 1e9}) < 10.0
    with GPUNeuronPool(1, "qif", precision="float64", dt=10.0, params=QIF, **target) as pool:
        pool.state["v"] = -20.0
        assert pool.run(steps=1, input=np.full(1, current)).num_spikes == 1


def eif_passage(start, current):
    """Return the time from a potential to v_peak, by quadrature."""
    p = {name: parameter.default for name, parameter in find("eif").parameters.items()}

    def slowness(v):
        upstroke = p["g_l"] * p["delta_t"] * math.exp((v - p["v_t"]) / p["delta_t"])
        return p["c_m"] / (p["g_l"] * (p["e_l"] - v) + upstroke + current)

    return quad(slowness, start, p["v_peak"], epsabs=1e-10, limit=200)[0]


def test_eif_rheobase_and_intervals(target):
    """Rheobase g_l (v_t - e_l - delta_t); each interval late by at most 2 steps.

    One step is the grid's, one the explicit scheme's in the upstroke (tests/physics/test_adex.py).
    """
    p = {name: parameter.default for name, parameter in find("eif").parameters.items()}
    rheobase = p["g_l"] * (p["v_t"] - p["e_l"] - p["delta_t"])
    currents = rheobase * np.array([0.99, 2.0, 4.0, 10.0])
    dt = 0.01
    with GPUNeuronPool(
        4, "eif", precision="float64", dt=dt, scheme="heun", **target
    ) as pool:  # fmt: skip
        spikes = pool.run(duration=300.0, input=currents).spikes
    assert (spikes.neuron != 0).all()
    for j, current in enumerate(currents[1:], 1):
        times = spikes.time[spikes.neuron == j]
        late = np.diff(times) - p["t_ref"] - eif_passage(p["v_reset"], current)
        assert times.size > 3 and (late > 0).all() and (late < 2 * dt).all()
