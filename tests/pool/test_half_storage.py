"""float16 storage of a user's states: which codecs are taken, and overflow on the way."""

import numpy as np
import pytest

from spikecuda import GPUNeuronPool, Model, Parameter, PerStep, SpikecudaError, State
from spikecuda.errors import NumericalError


def adder(origin, span):
    """Return a model whose state x adds up its input, stored with a codec."""

    class Adder(Model):
        x = State("mV", initial=origin, origin=origin, span=span)
        limit = Parameter(1e37, "mV")

        def step(x, current):
            return x + current

        def threshold(x, limit):
            return x >= limit

        def reset(x):
            return x

    return Adder


def pool(model, **options):
    return GPUNeuronPool(64, model, precision="float16", **options)


@pytest.mark.parametrize(
    "origin, span",
    [(0.0, 2.0**-14), (0.0, -(2.0**-14)), (-3.99, 2.0**-14), (1e30, 1e30), (65504.0, -1.0)],
)
def test_the_largest_and_smallest_codecs_hold_their_values(origin, span):
    """Sums of halves that are exact stay exact, at any span, and whatever the window."""
    made = adder(origin, span)
    with pool(made, device="cpu") as one, pool(made, device="cpu", window=1) as many:
        for p in (one, many):
            p.run(steps=40, input=PerStep(np.full(40, np.float32(span * 0.25))))
        expected = np.float64(origin) + np.float64(np.float32(span)) * 10.0
        # An addition is rounded in every step.
        tolerance = 40 * 2.0**-24 * max(abs(origin), abs(span) * 10) + 40 * 2.0**-11 * abs(span)
        assert np.abs(one.state["x"] - expected).max() <= tolerance
        np.testing.assert_array_equal(one.state["x"], many.state["x"])


@pytest.mark.parametrize(
    "origin, span, words",
    [
        (0.0, 2.0**-15, "float16 storage of x needs .* span .* unit in which"),
        (0.0, 0.0, "float16 storage of x needs .* span"),
        (0.0, 1e31, "float16 storage of x needs .* span"),
        (-66.0, 0.001, "float16 storage of x needs an origin within 65504 spans of 0"),
    ],
)
def test_other_codecs_are_refused(origin, span, words):
    with pytest.raises(SpikecudaError, match=words) as caught:
        pool(adder(origin, span))
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("window", [1, 2, None])
@pytest.mark.parametrize("device", ["cpu", "cuda-emu"])
def test_a_state_beyond_65504_spans_is_lost_whatever_the_window(device, sign, window):
    """What memory could not have held must not come back, however long a launch is."""
    there_and_back = PerStep(sign * np.array([70000.0, -70000.0, 0.0]))
    made, options = adder(0.0, 1.0), {"device": device, "window": window}
    with pool(made, **options) as p, pytest.raises(NumericalError, match="inf"):
        p.run(steps=3, input=there_and_back)
    almost = PerStep(sign * np.array([65000.0, -65000.0, 0.0]))
    with pool(made, **options) as p:
        p.run(steps=3, input=almost)
        assert np.abs(p.state["x"]).max() <= 32.0
