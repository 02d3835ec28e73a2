"""float16 storage of a user's states: which codecs are taken, and overflow on the way."""

import numpy as np
import pytest

from spikecuda import GPUNeuronPool, Model, Parameter, PerStep, SpikecudaError, State
from spikecuda.errors import NumericalError
from spikecuda.language import real


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
    """Sums that halves can hold, from an origin of 0 exactly, and whatever the window."""
    made = adder(origin, span)
    with pool(made, device="cpu") as one, pool(made, device="cpu", window=1) as many:
        for p in (one, many):
            p.run(steps=40, input=PerStep(np.full(40, np.float32(span * 0.25))))
        expected = np.float64(origin) + np.float64(np.float32(span)) * 10.0
        # Beside an origin an addition and the codec are rounded, 5 u a step of terms up to
        # |origin| + 10.75 |span|, and what then is no half moves by less than a spacing, 2^-7.
        error = 5 * 2.0**-24 * (abs(origin) + 10.75 * abs(span)) + 2.0**-7 * abs(span)
        assert np.abs(one.state["x"] - expected).max() <= (40 * error if origin else 0.0)
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


@pytest.mark.parametrize("origin", [0.0, -1.0])
def test_a_slow_decay_stops_near_its_origin(origin):
    """At T / 2^25 spans for a time constant of T steps: smaller changes are lost (decision 4).

    Above, rounding keeps changes right on average.  The spacing of halves there is 2^-22 spans;
    ``keep`` in float32 moves the place by less (2^-25 T of it).  Beside an origin of 1, float32
    itself loses changes below 2^-25.
    """
    steps = 10_000

    class Decay(Model):
        x = State("mV", initial=origin + 0.01, origin=origin, span=1.0)
        rest = Parameter(origin, "mV")

        def derive(rest):
            return {"keep": np.exp(-1.0 / steps)}

        def step(x, rest, keep):
            return rest + (x - rest) * keep

        def threshold(x, rest):
            return x > rest + real(1)

        def reset(x):
            return x

    with pool(Decay, device="cpu") as p:
        p.run(steps=20 * steps, record=None)
        assert np.abs(p.state["x"] - origin).max() <= steps * 2.0**-25 + 2 * 2.0**-22
