"""Waveforms and sines: exact values against an oracle in rational arithmetic."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import GPUNeuronPool, Network, Sine, Waveform
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.network import Delta

PASSIVE = {"v_rest": 0.0, "v_reset": -1.0, "v_th": 1e6, "t_ref": 0.0}
# Milliseconds, as they are written.
STEPS = st.sampled_from(["0.1", "0.05", "0.025", "1", "0.3"])
SAMPLING = st.sampled_from(["0.1", "0.2", "0.25", "0.07", "1", "3.3", "0.01"])
STARTS = st.sampled_from(["0", "0.1", "0.25", "2", "7.77"])
CLOCKS = st.sampled_from([0, 1, 7, 99, 12345, 10**8])


def oracle(values, dt, start, interpolation, before, after, t):
    """Return a waveform's value at a rational time."""
    n = len(values)
    place = (t - start) / dt
    if place < 0:
        return values[0] if before == "hold" else before
    if after == "repeat":
        place %= n
    below = math.floor(place)
    if interpolation == "hold":
        if below >= n:
            return values[-1] if after == "hold" else after
        return values[below]
    if place > n - 1 and after != "repeat":
        return values[-1] if after == "hold" else after
    if place == n - 1 and after != "repeat":
        return values[-1]
    part = float(place - below)
    return values[below] + part * (values[(below + 1) % n] - values[below])


@settings(max_examples=150)
@given(
    STEPS, SAMPLING, STARTS, CLOCKS, st.sampled_from(["hold", "linear"]),
    st.sampled_from([0.0, -3.0, "hold"]), st.sampled_from([0.0, 5.0, "hold", "repeat"]),
    st.lists(st.integers(-9, 9), min_size=1, max_size=5),
)  # fmt: skip
def test_values(dt, sampling, start, clock, interpolation, before, after, values):
    wave = Waveform(values, float(sampling), float(start), interpolation, before, after)
    drive = ResolvedInput(wave, 3, float(dt), 40, "float64")
    got = drive.window(clock, 0, 40)["_wave"]
    exact = [
        oracle(values, Fraction(sampling), Fraction(start), interpolation, before, after,
               (clock + k) * Fraction(dt))
        for k in range(40)
    ]  # fmt: skip
    # Times are float64: a line's place is known to the rounding of t / dt.
    slack = 0.0 if interpolation == "hold" else 40 * 2.0**-52 * (clock + 100) + 1e-12
    np.testing.assert_allclose(got, exact, rtol=0, atol=18 * slack)


@settings(max_examples=20)
@given(st.integers(1, 6), st.floats(0.0, 400.0), st.floats(-7.0, 7.0), CLOCKS)
def test_sines(n, frequency, phase, clock):
    for each in ([phase] * n, phase):
        wave = Sine([3.0] * n, frequency, each, 1.5, 1.0, 6.0)
        drive = ResolvedInput(wave, n, 0.1, 100, "float64")
        made = drive.window(clock, 0, 100)
        got = made["_wave"].copy()
        for j in range(drive.spec.gains):
            got += drive.fixed[f"_gain{j}"][0] * made[f"_shape{j}"]
        check_sine(got, frequency, phase, clock)


def check_sine(got, frequency, phase, clock):
    for k in range(0, 100, 7):
        step = clock + k
        cycles = Fraction(step, 10) * Fraction(frequency) / 1000 % 1
        value = 1.5 + 3.0 * math.sin(2 * math.pi * float(cycles) + phase)
        expected = value if 10 <= step < 60 else 0.0
        assert got[k] == pytest.approx(expected, abs=1e-13 + 1e-15 * 20 * (step * frequency / 1e4))


def test_a_membrane_follows_it():
    """A LIF membrane at 0: v_(k+1) = p v_k + r I_k, with the current of the step's start."""
    rng = np.random.default_rng(1)
    columns = rng.normal(0.0, 50.0, (20, 3))
    k = np.arange(100)
    current = np.zeros((100, 3))
    inside = (k * 0.1 >= 2.0 - 1e-9) & (k < 70)
    current[inside] = columns[np.minimum((k[inside] - 20) * 2 // 5, 19)]
    current += 30.0 * np.sin(2 * np.pi * 0.04 * k * 0.1 + np.array([[0.0], [1.0], [2.0]])).T
    keep, gain = math.exp(-0.1 / 20.0), -math.expm1(-0.1 / 20.0) * 20.0 / 100.0
    v, expected = np.zeros(3), []
    for row in current:
        v = keep * v + gain * row
        expected.append(v)
    params = {**PASSIVE, "tau_m": 20.0, "c_m": 100.0}
    # Samples every 0.25 ms from 2 ms on, which end at 7 ms.
    given = Waveform(columns, 0.25, 2.0) + Sine(30.0, 40.0, [0.0, 1.0, 2.0])
    with GPUNeuronPool(
        3, params=params, initial={"v": 0.0}, precision="float64", device="cpu"
    ) as p:
        traces = [p.run(steps=n, input=given, record="v").traces["v"] for n in (1, 29, 70)]
    np.testing.assert_allclose(np.concatenate(traces), expected, atol=1e-12)


def test_a_view_gets_its_part():
    """Waveforms and sines of a view: what its neurons get is what the whole population would."""
    ids, rng = np.array([0, 3, 4]), np.random.default_rng(2)
    columns = rng.normal(0.0, 50.0, (5, 6))
    states = []
    for some in (False, True):
        net = Network(precision="float64", devices="cpu", threads=1)
        a = net.population("a", 6, params=PASSIVE, initial={"v": 0.0}, receptors={"d": Delta()})
        target = a[ids] if some else a
        net.drive(target, Waveform(columns[:, ids] if some else columns, 1.0))
        net.drive(target, Waveform([1.0, 2.0], 0.3, after="repeat", gain=2.0))
        net.drive(target, Sine(3.0, 100.0, 0.5, 1.0))
        net.run(10.0)
        states.append(net["a"].state["v"])
    np.testing.assert_array_equal(states[1][ids], states[0][ids])
    assert not np.delete(states[1], ids).any()


def test_a_function_is_sampled_once():
    calls = []

    def f(t):
        calls.append(t)
        return np.cos(t)

    wave = Waveform.sample(f, 0.5, 1.0, 3.0, interpolation="linear", after="hold")
    np.testing.assert_array_equal(wave.values, np.cos([1.0, 1.5, 2.0, 2.5]))
    assert len(calls) == 1 and wave.start == 1.0 and wave.after == "hold"
    assert Waveform.sample(lambda t: 3.0, 1.0, 0.0, 4.0).values.tolist() == [3.0] * 4
