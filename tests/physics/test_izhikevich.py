"""Izhikevich's model: the cells of 2003 and the onset of firing."""

import numpy as np
import pytest

from spikecuda import GPUNeuronPool
from spikecuda.inputs.stimulus import Constant

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
