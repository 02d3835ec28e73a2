"""Models of one's own that find spikes within a step: ``crossing`` and ``resume``."""

import math

import numpy as np
import pytest

from spikecuda import Constant, GPUNeuronPool, Model, Parameter, Poisson, State
from spikecuda.errors import ModelError
from spikecuda.language import fma, real, select
from spikecuda.oracle import check_model

TAU, GAP, CURRENT = 20.0, 15.0, 40.0


class Linear(Model):
    """Leaky integrate-and-fire in mV and ms, exact between spikes; the crossing by a straight line.

    v relaxes to the current (mV) with tau, from 0 to the threshold.
    """

    name = "_linear"
    refractory = True
    v = State("mV", initial=0.0, span=15.0)
    tau = Parameter(TAU, "ms", above=0.0)
    v_th = Parameter(GAP, "mV")
    v_reset = Parameter(0.0, "mV")
    t_ref = Parameter(0.0, "ms", at_least=0.0)

    def derive(tau, dt):
        return {"keep": np.exp(-dt / tau), "gain": -np.expm1(-dt / tau)}

    def step(v, current, keep, gain):
        return fma(keep, v, gain * current)

    def threshold(v, v_th):
        return v >= v_th

    def crossing(v_before, v, v_th):
        return (v_th - v_before) / (v - v_before)

    def reset(v_reset):
        return v_reset


class Resumed(Linear):
    """The same with the rest of the step by Taylor's series."""

    name = "_resumed"

    def resume(v, current, part, tau, dt):
        way = part * dt / tau
        return fma(way - real(0.5) * way * way, current - v, v)


class Late(Linear):
    """The same without a crossing: the reset acts from the end of the step on."""

    name = "_late"
    crossing = None


class Held(Model):
    """Adds the step that it is refractory in, so that ``refractory`` is seen."""

    name = "_held"
    refractory = True
    while_refractory = "silent"
    x = State("", initial=0.0)
    y = State("", initial=0.0)
    t_ref = Parameter(0.3, "ms")

    def step(x, y, refractory):
        return x + real(1.0), y + select(refractory, real(1.0), real(0.0))

    def threshold(x):
        return x >= real(2.0)

    def reset(x, y):
        return real(-10.0), y


def interval(current=CURRENT):
    """Return the exact interval between spikes."""
    return TAU * np.log(current / (current - GAP))


@pytest.mark.parametrize(("model", "order"), [(Late, 1), (Linear, 2), (Resumed, 2)])
def test_order_of_spike_times(model, order):
    """v 100 ms on, after some spikes, over its slope: how late the resets were, of 30 neurons."""
    current = np.linspace(30.0, 60.0, 200)
    # No spike within 1 ms, so that all agree on their number.
    t = 100.0 % interval(current)
    current = current[(t > 2.0) & (t < interval(current) - 2.0)]
    exact = current * -np.expm1(-(100.0 % interval(current)) / TAU)
    speed = (current - exact) / TAU
    errors = []
    for dt in (0.25, 0.125, 0.0625, 0.03125):
        with GPUNeuronPool(current.size, model, precision="float64", dt=dt) as pool:
            pool.run(duration=100.0, input=current)
            errors.append(np.sqrt(np.mean(((pool.state["v"] - exact) / speed) ** 2)))
    found = -np.polyfit(range(4), np.log2(errors), 1)[0]
    assert abs(found - order) < 0.2, errors


@pytest.mark.parametrize("model", [Linear, Resumed])
def test_every_spike_is_in_the_step_in_which_it_falls(model):
    with GPUNeuronPool(1, model, precision="float64", dt=0.1) as pool:
        steps = pool.run(duration=200.0, input=CURRENT).spikes.step
    exact = interval() * np.arange(1, len(steps) + 1)
    assert np.abs((steps + 0.5) * 0.1 - exact).max() < 0.06


def test_the_next_reset_starts_from_the_crossing():
    """One step by hand: half of it to the threshold, half of it on from the reset."""
    with GPUNeuronPool(1, Linear, precision="float64", dt=0.1, initial={"v": 14.9}) as pool:
        full = 14.9 * math.exp(-0.1 / TAU) - math.expm1(-0.1 / TAU) * 41.0
        part = (15.0 - 14.9) / (full - 14.9)
        assert 0.7 < part < 0.8
        assert pool.run(steps=1, input=41.0).num_spikes == 1
        rest = (1 - part) * -math.expm1(-0.1 / TAU) * 41.0
        np.testing.assert_allclose(pool.state["v"][0], rest, rtol=1e-12)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_refractory_period_clamps_from_the_crossing_on(precision):
    with GPUNeuronPool(
        1, Linear, precision=precision, dt=0.1, initial={"v": 14.9}, params={"t_ref": 0.3}
    ) as pool:
        found = []
        for _ in range(5):
            pool.run(steps=1, input=50.0)
            found.append((float(pool.state["v"][0]), int(pool.state["refrac"][0])))
        assert found[:4] == [(0.0, 3), (0.0, 2), (0.0, 1), (0.0, 0)]
        assert found[4][0] > 0.0


def test_a_pulse_after_a_spike_waits_for_the_next_step():
    """Two spikes of one step would be reported as one: the second is in the next step."""
    with GPUNeuronPool(1, Linear, precision="float64", dt=0.1, initial={"v": 14.9}) as pool:
        # About 50 pulses of 1 mV in each step.
        result = pool.run(steps=2, input=Constant(50.0) + Poisson(rate=5e5, weight=1.0))
        assert result.spikes.step.tolist() == [0, 1]


@pytest.mark.parametrize("model", [Linear, Resumed, Late])
@pytest.mark.parametrize("device", ["cpu", "cuda-emu"])
def test_kernels_agree_with_the_models_own_functions(model, device):
    report = check_model(
        model, neurons=80, current=(0.0, 3000.0), spread=10.0, devices=(device,), seed=3
    )
    assert all(count > 50 for count in report.compared.values())
    assert sum(report.spikes.values()) > 10


@pytest.mark.parametrize("options", [{"threads": 2}, {"batch_size": 7}, {"device": "cuda-emu"}])
@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
def test_the_same_bits(options, precision):
    ends = []
    for more, parts in (({}, (120,)), (options, (1, 50, 69))):
        with GPUNeuronPool(70, Linear, precision=precision, seed=4, **more) as pool:
            current = np.linspace(0.0, 400.0, 70)
            spikes = [pool.run(steps=n, input=current).spikes.neuron for n in parts]
            ends.append((np.concatenate(spikes).tobytes(), pool.state["v"].tobytes()))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("device", ["cpu", "cuda-emu"])
def test_a_step_can_ask_whether_the_neuron_is_refractory(device):
    """A spike in step 1, then three steps in which the step sees ``refractory``."""
    with GPUNeuronPool(1, Held, precision="float64", dt=0.1, device=device) as pool:
        found = []
        for _ in range(7):
            pool.run(steps=1)
            found.append(int(pool.state["y"][0]))
    assert found == [0, 0, 1, 2, 3, 3, 3]


def test_errors_say_what_is_missing():
    def two(v, v_before):
        return v, v_before

    def resume(v, part):
        return v * part

    def unknown(v, v_old):
        return v - v_old

    for members, message in (
        ({"crossing": two}, "must return one number, a part of the step"),
        ({"crossing": unknown}, "unknown argument 'v_old'"),
        ({"crossing": {"stepp": Linear.crossing}}, "must name schemes"),
        ({"crossing": None, "resume": resume}, "resume is for schemes with crossing"),
    ):
        with pytest.raises(ModelError, match=message):
            type("Bad", (Linear,), {"name": "_bad", **members})
