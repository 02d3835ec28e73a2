"""Izhikevich's model: the cells of 2003 and the onset of firing."""

import numpy as np
import pytest

from spikecuda import GPUNeuronPool
from spikecuda.errors import SpikecudaValueError
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


# NEST 3.10.0, model izhikevich from V_m = -65, U_m = -65 b: the steps at whose end it spikes, and
# for the last cell how many in 1 s.  consistent_integration is forward Euler, without it NEST does
# as the program of 2003 does.  (a, b, c, d), current, dt, then the steps.
NEST = {
    "forward_euler": [
        ("RS", 10.0, 0.1, [34, 271, 722, 1173, 1624, 2075, 2526, 2977, 3428, 3879, 4330, 4781]),
        ("TC", 5.0, 1.0, [6, 12, 19, 26, 34, 42, 51, 61, 72, 83, 94, 105]),
    ],
    "half_steps": [
        ("RS", 10.0, 0.1, [33, 270, 721, 1172, 1623, 2074, 2525, 2977, 3429, 3881, 4333, 4785]),
        ("TC", 5.0, 1.0, [5, 11, 19, 35, 52, 72, 88, 103, 141, 156, 172, 222]),
    ],
}
NEST_CELLS = {"RS": {"b": 0.2, "d": 8.0}, "TC": {"b": 0.25, "d": 0.05}}


def steps_of(target, scheme, cell, current, dt, duration):
    """Return the steps at whose end a cell spikes."""
    with GPUNeuronPool(
        1, "izhikevich", precision="float64", dt=dt, scheme=scheme, params=NEST_CELLS[cell],
        **target,
    ) as pool:  # fmt: skip
        return (pool.run(duration=duration, input=current).spikes.step + 1).tolist()


@pytest.mark.parametrize("scheme", NEST)
def test_spikes_are_those_of_nest(target, scheme):
    for cell, current, dt, expected in NEST[scheme]:
        found = steps_of(target, scheme, cell, current, dt, 500.0)
        assert found[: len(expected)] == expected


def test_u_with_the_new_v_is_another_scheme(target):
    """Thalamo-cortical cell in 1 ms steps for a second: 93 spikes by forward Euler, in NEST too."""
    numbers = {
        scheme: len(steps_of(target, scheme, "TC", 5.0, 1.0, 1000.0))
        for scheme in ("forward_euler", "semi_implicit_euler")
    }
    assert numbers == {"forward_euler": 93, "semi_implicit_euler": 49}
    assert steps_of(target, "semi_implicit_euler", "RS", 10.0, 0.1, 100.0) == [34, 274, 727]


def test_the_name_that_said_too_much_is_refused():
    """What was called euler is not forward Euler: the error says what either is called."""
    with pytest.raises(SpikecudaValueError) as caught:
        GPUNeuronPool(1, "izhikevich", scheme="euler")
    for word in ("(got 'euler')", "semi_implicit_euler", "forward_euler", "with the new v"):
        assert word in str(caught.value)
