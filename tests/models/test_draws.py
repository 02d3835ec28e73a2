"""Random numbers in models: their values, and the same bits however a run is made.

Those of networks are in ``test_named_inputs``.
"""

import numpy as np
import pytest

from spikecuda import GPUNeuronPool, Model, Noise, Parameter, State
from spikecuda.errors import ModelError
from spikecuda.kernels.reference import noise
from spikecuda.language import normal, real, uniform
from spikecuda.models.base import Model as Base
from spikecuda.oracle import check_model

STREAM = 1024


class Dice(Model):
    """Shows its random numbers, and spikes with chance p in each step."""

    name = "_dice"
    x = State("", initial=0.0)
    y = State("", initial=0.0)
    z = State("", initial=0.0)
    p = Parameter(0.25, "")

    def step(x, y, z):
        return normal(), uniform(), z

    def threshold(p):
        return uniform() <= p

    def reset(x, y, z):
        return x, y, z + normal()


def run(device="cpu", n=70, runs=(1,) * 13, **options):
    """Return spikes as (step, neuron), and the states after each run."""
    with GPUNeuronPool(n, Dice, device=device, seed=5, precision="float64", **options) as pool:
        spikes, states = [], []
        for steps in runs:
            result = pool.run(steps=steps)
            spikes.append(np.stack([result.spikes.step, result.spikes.neuron]))
            states.append([pool.state[s] for s in ("x", "y", "z")])
        return np.concatenate(spikes, axis=1), np.array(states)


def expected(steps, n, seed=5):
    """The numbers of threshold, reset and step, in this order, one stream each."""
    ids = np.arange(n)
    return [noise.draws(seed, k, i, 0, steps, ids) for i, k in enumerate("unnu")]


def test_values_are_the_oracles():
    spikes, states = run()
    x, y, z = states.transpose(1, 0, 2)
    escape, after, gauss, flat = expected(13, 70)
    np.testing.assert_allclose(x, gauss, atol=4e-6)
    np.testing.assert_allclose(y, flat, atol=2e-7)
    fired = escape <= 0.25
    found = np.zeros_like(fired)
    found[spikes[0], spikes[1]] = True
    np.testing.assert_array_equal(found, fired)
    np.testing.assert_allclose(z, np.cumsum(fired * after, axis=0), atol=3e-5)


def test_bits_over_sizes_splits_threads_and_devices():
    spikes, states = run()
    for found, last in (
        run(runs=(13,), threads=2),
        run(runs=(13,), batch_size=32),
        run("cuda-emu", runs=(6, 7)),
    ):
        np.testing.assert_array_equal(found, spikes)
        np.testing.assert_array_equal(last[-1], states[-1])
    np.testing.assert_array_equal(run(n=5)[1], states[:, :, :5])


class Walk(Model):
    """Sums of the input's noise, and of its own."""

    name = "_walk"
    x = State("", initial=0.0)
    y = State("", initial=0.0)

    def step(x, y, current):
        return current, y + normal()

    def threshold(x):
        return x > real(1e9)

    def reset(x, y):
        return x, y


def test_substeps_draw_anew_and_the_inputs_noise_is_another_stream():
    with GPUNeuronPool(5, Walk, device="cpu", seed=2, substeps=2, dt=1.0) as pool:
        pool.run(steps=9, input=Noise(1.0))
        parts = [noise.draws(2, "n", i, 0, 9, np.arange(5)) for i in range(2)]
        np.testing.assert_allclose(pool.state["y"], sum(p.sum(axis=0) for p in parts), atol=1e-4)
        np.testing.assert_allclose(
            pool.state["x"], noise.normals(2, 0, 8, 1, np.arange(5))[0], atol=1e-4
        )


def test_check_model_knows_what_was_drawn():
    report = check_model(Dice, neurons=60, precisions=("float64",), spread=1.0)
    assert list(report.compared.values()) == [60]
    assert 0 < next(iter(report.spikes.values())) < 60


@pytest.mark.parametrize(
    "body, message",
    [
        ("for _ in range(3):\n            v = v + normal()", "drawn once a step .*before the loop"),
        ("v = normal(v)", "normal takes no arguments"),
        ("uniform = v", None),
    ],
)
def test_where_a_random_number_may_be_drawn(body, message):
    from test_definition import define

    text = f"{body}\n        return v"
    if message is None:
        define(text)
    else:
        with pytest.raises(ModelError, match=message):
            define(text)


def test_a_crossing_draws_nothing():
    with pytest.raises(ModelError, match="is for step, threshold and reset"):

        class _Random(Base):
            v = State("mV")

            def step(v):
                return v

            def threshold(v):
                return v > real(0.0)

            def crossing(v):
                return uniform()

            def reset(v):
                return v
