"""Checksums tell values apart, and are the same for the same values in other objects."""

import functools

import numpy as np
import pytest

from spikecuda.common.checksum import checksum
from spikecuda.inputs.stimulus import Noise


def closed_over(x):
    return lambda t: t + x


def power(t, exponent=2):
    return t**exponent


PAIRS = [
    (1, 2),
    (1, 1.0),
    ("a", b"a"),
    ([1, 2], [1, [2]]),
    ({"a": 1}, {"b": 1}),
    (np.arange(3), np.arange(3.0)),
    (np.zeros((2, 3)), np.zeros((3, 2))),
    (Noise(300.0), Noise(301.0)),
    (closed_over(1.0), closed_over(2.0)),
    (functools.partial(power, exponent=2), functools.partial(power, exponent=3)),
    (float, int),
    (None, 0),
]


@pytest.mark.parametrize("number", range(len(PAIRS)))
def test_values_are_told_apart(number):
    one, other = PAIRS[number]
    assert checksum(one) != checksum(other)


def test_equal_values_have_one_checksum():
    for make in (
        lambda: np.linspace(0.0, 1.0, 7),
        lambda: np.arange(12).reshape(3, 4)[:, ::2],
        lambda: {"x": [Noise(300.0), ("a", None, 1.5)]},
        lambda: {"b", "a", "c"},
        lambda: closed_over(3.0),
        object,  # only its type counts, not its address
    ):
        assert checksum(make()) == checksum(make())


def test_large_arrays_are_sampled():
    values = np.zeros(1000)
    before = checksum(values, most=10)
    values[1] = 1.0
    assert checksum(values, most=10) == before and checksum(values) != before
    values[0] = 1.0
    assert checksum(values, most=10) != before


def test_what_refers_to_itself_ends():
    loop = []
    loop.append(loop)
    assert isinstance(checksum(loop), int)
