"""Pixels become neurons as plain loops say; events become spikes of a network's source."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.events import Events, Pixels


def events(n=200, seed=1):
    random = np.random.default_rng(seed)
    return Events(
        random.integers(0, 40, n), random.integers(0, 30, n), random.random(n) < 0.5,
        np.sort(random.uniform(1000.0, 1100.0, n)),
    )  # fmt: skip


@given(
    width=st.integers(1, 45), height=st.integers(1, 35), left=st.integers(0, 20),
    top=st.integers(0, 20), pool=st.integers(1, 9),
    polarity=st.sampled_from(["both", "on", "off", "split"]),
)  # fmt: skip
def test_squares_of_pixels(width, height, left, top, pool, polarity):
    pixels = Pixels(width, height, left, top, pool, polarity)
    squares = [(r, c) for r in range(0, height, pool) for c in range(0, width, pool)]
    some = events()
    counts, found = pixels.neurons(some.x, some.y, some.polarity)
    expected = []
    for x, y, on, kept in zip(some.x, some.y, some.polarity, counts, strict=True):
        c, r = x - left, y - top
        inside = 0 <= c < width and 0 <= r < height
        assert kept == (inside and polarity in ("both", "split", "on" if on else "off"))
        if kept:
            place = squares.index((r // pool * pool, c // pool * pool))
            expected.append(place + (len(squares) if polarity == "split" and not on else 0))
    assert found.tolist() == expected
    assert pixels.size == len(squares) * (1 + (polarity == "split"))


def test_times_of_a_train():
    some, pixels = events(), Pixels(40, 30)
    train = some.train(pixels)
    assert train.times[0] == pytest.approx(1e-9) and train.times.size == 200
    train = some.train(pixels, start=50.0, speed=4.0, origin=1020.0)
    later = some.time[some.time >= 1020.0]
    assert np.allclose(train.times, 50.0 + (later - 1020.0) / 4.0)
    assert events(0).train(pixels).times.size == 0


def test_some_events():
    some = events()
    for which in (slice(5, 50, 3), some.time > 1050.0, [3, -1, 3], 7):
        part = some[which]
        assert isinstance(part, Events) and np.array_equal(
            part.time, np.atleast_1d(some.time[which])
        )
        assert np.array_equal(part.x, np.atleast_1d(some.x[which]))
    for which in ("x", 10**6, np.ones(3, bool), 1.5, None, np.ones((2, 2), int)):
        with pytest.raises(IndexError, match="events are chosen by"):
            some[which]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Pixels(0, 1), SpikecudaValueError, "width must be"),
        (lambda: Pixels(1, 1, polarity="x"), SpikecudaValueError, "polarity must be one of"),
        (lambda: Pixels(1, 1, polarity=[]), SpikecudaValueError, "polarity must be one of"),
        (lambda: Pixels(1, 1, pool=1.5), SpikecudaTypeError, "pool must be"),
        (lambda: events().train(3), SpikecudaTypeError, "pixels must be a Pixels"),
        (lambda: events().train(Pixels(1, 1), start=-1.0), SpikecudaValueError, "start must be"),
        (lambda: events().train(Pixels(1, 1), speed=0.0), SpikecudaValueError, "speed must be"),
        (lambda: events().train(Pixels(1, 1), origin=np.inf), SpikecudaValueError, "origin must"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
