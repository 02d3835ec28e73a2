"""Izhikevich's model: the published panels, spike by spike, and the onset of firing."""

import numpy as np
import pytest

from spikecuda import GPUNeuronPool
from spikecuda.inputs import Constant, PerStep

# Izhikevich (2004) IEEE Trans Neural Netw 15:1063, script figure1.m, from two independent copies of
# it: panel, (a, b, c, d), V0, dt (ms), T (ms), current as a function of t (ms).  Panel G has
# c0 = 108 and c1 = 4.1.  Spike times: forward Euler in float64, k dt of the step that passes 30 mV.
PANELS = {
    "A tonic spiking": (
        (0.02, 0.2, -65, 6), -70, 0.25, 100, lambda t: 14.0 * (t > 10),
        [13.0, 17.0, 31.5, 59.25, 86.75],
    ),
    "B phasic spiking": (
        (0.02, 0.25, -65, 6), -64, 0.25, 200, lambda t: 0.5 * (t > 20),
        [43.75],
    ),
    "C tonic bursting": (
        (0.02, 0.2, -50, 2), -70, 0.25, 220, lambda t: 15.0 * (t > 22),
        [25.0, 26.5, 28.25, 30.0, 32.0, 34.0, 36.25, 38.75, 41.75, 45.5, 80.0, 82.25, 84.75, 87.75,
         91.5, 98.75, 132.75, 135.0, 137.5, 140.5, 144.25, 151.25, 185.5, 187.75, 190.25, 193.25,
         197.0, 204.5],
    ),
    "D phasic bursting": (
        (0.02, 0.25, -55, 0.05), -64, 0.2, 200, lambda t: 0.6 * (t > 20),
        [39.0, 42.8, 47.0, 51.8, 57.6, 67.2],
    ),
    "E mixed mode": (
        (0.02, 0.2, -55, 4), -70, 0.25, 160, lambda t: 10.0 * (t > 16),
        [20.0, 22.75, 27.25, 67.0, 99.25, 131.5],
    ),
    "F spike frequency adaptation": (
        (0.01, 0.2, -65, 8), -70, 0.25, 85, lambda t: 30.0 * (t > 8.5),
        [10.25, 12.25, 15.0, 19.75, 42.5, 71.5],
    ),
    "G class 1 excitable": (
        (0.02, -0.1, -55, 6), -60, 0.25, 300, lambda t: 0.075 * (t - 30) * (t > 30),
        [84.5, 125.0, 155.75, 181.0, 203.5, 223.75, 242.0, 259.25, 275.5, 290.5],
    ),
    "H class 2 excitable": (
        (0.2, 0.26, -65, 0), -64, 0.25, 300, lambda t: -0.5 + 0.015 * (t - 30) * (t > 30),
        [105.75, 126.5, 145.25, 162.25, 178.0, 192.75, 206.75, 220.5, 233.75, 246.5, 258.75, 271.0,
         282.0, 293.0],
    ),
    "I spike latency": (
        (0.02, 0.2, -65, 6), -70, 0.2, 100, lambda t: 7.04 * (t > 10) * (t < 13),
        [26.6],
    ),
    "J subthreshold oscillation": (
        (0.05, 0.26, -60, 0), -62, 0.25, 200, lambda t: 2.0 * (t > 20) * (t < 25),
        [26.5],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PANELS)
def test_published_panel(target, name):
    """Every spike in its step; our spike of step k is at (k + 1) dt, the script's at k dt."""
    (a, b, c, d), v0, dt, length, current, expected = PANELS[name]
    params = {"a": a, "b": b, "c": c, "d": d}
    if name.startswith("G"):
        params.update(c0=108.0, c1=4.1)
    steps = round(length / dt) + 1
    pool = GPUNeuronPool(
        1, "izhikevich", precision="float64", dt=dt, params=params, scheme="euler",
        initial={"v": v0, "u": b * v0}, **target,
    )  # fmt: skip
    with pool:
        spikes = pool.run(steps=steps, input=PerStep(current(np.arange(steps) * dt))).spikes
    np.testing.assert_allclose(spikes.time - dt, expected, rtol=0, atol=1e-9)


# Izhikevich (2003) IEEE Trans Neural Netw 14:1569, figure 2: (a, b, c, d).
CELLS = {
    "RS": (0.02, 0.2, -65, 8),
    "IB": (0.02, 0.2, -55, 4),
    "CH": (0.02, 0.2, -50, 2),
    "FS": (0.1, 0.2, -65, 2),
    "LTS": (0.02, 0.25, -65, 2),
}


def intervals(name, target, precision, current=10.0, duration=1000.0):
    """Return the inter-spike intervals, ms, of one of the cells from rest."""
    a, b, c, d = CELLS[name]
    pool = GPUNeuronPool(
        1, "izhikevich", precision=precision, dt=0.1, params={"a": a, "b": b, "c": c, "d": d},
        initial={"v": -70.0, "u": b * -70.0}, **target,
    )  # fmt: skip
    with pool:
        return np.diff(pool.run(duration=duration, input=Constant(current)).spikes.time)


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
def test_cell_types_of_2003(target, precision):
    """What the paper says of each: adapting, bursting, fast without adaptation."""
    rs, ib, ch, fs, lts = (intervals(name, target, precision) for name in CELLS)
    assert rs[0] < 0.5 * rs[-1] and 20 < rs[-1] < 100
    assert np.abs(np.diff(rs[3:])).max() < 0.1 * rs[-1]
    assert ib[0] < 5 and ib[-1] > 20 and np.abs(np.diff(ib[5:])).max() < 0.2 * ib[-1]
    # Chattering: several short intervals, then a pause, over and over.
    assert 3 <= (ch < 6).sum() / (ch > 15).sum() <= 30 and (ch > 15).sum() >= 5
    assert ((ch < 10) | (ch > 15)).mean() > 0.9
    assert 1000 / fs[-1] > 2.5 * (1000 / rs[-1]) and np.ptp(fs[2:]) < 0.1 * fs[-1]
    assert lts[0] < lts[-1]


def test_onset_of_firing_is_where_the_rest_state_loses_stability(target):
    """Regular spiking: the equilibrium turns unstable where the trace of the Jacobian is zero.

    0.08 v + 5 = a gives v = -62.25 mV and I = b v - 0.04 v^2 - 5 v - 140 = 3.7975.  Started at the
    equilibrium, 0.05 below it nothing happens in 3 s and 0.05 above it the cell fires.  Euler's
    method moves the point by about dt det / (2 * 0.08 (v' slope)): below 0.02 at dt = 0.05.
    """
    a, b = 0.02, 0.2
    for current, fires in ((3.7475, False), (3.8475, True)):
        # 0.04 v^2 + (5 - b) v + 140 + I = 0, the lower root
        v = (-(5 - b) - np.sqrt((5 - b) ** 2 - 0.16 * (140 + current))) / 0.08
        pool = GPUNeuronPool(
            1, "izhikevich", precision="float64", dt=0.05, params={"a": a, "b": b},
            initial={"v": v + 0.01, "u": b * v}, **target,
        )  # fmt: skip
        with pool:
            assert (len(pool.run(duration=3000.0, input=Constant(current)).spikes) > 0) == fires
