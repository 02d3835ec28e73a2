"""Philox: the published known answers, and the oracle on arbitrary counters and keys."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikecuda.kernels.numerics import philox
from spikecuda.kernels.numerics.philox import philox_wide, rounds
from spikecuda.kernels.reference import noise

# Source: kat_vectors of the Random123 library (Salmon et al. 2011), philox4x32.
PI = ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0")
ANSWERS = [
    (7, "00000000 " * 4, "00000000 " * 2, "5f6fb709 0d893f64 4f121f81 4f730a48"),
    (7, "ffffffff " * 4, "ffffffff " * 2, "5207ddc2 45165e59 4d8ee751 8c52f662"),
    (7, *PI, "4dfccaba 190a87f0 c47362ba b6b5242a"),
    (10, "00000000 " * 4, "00000000 " * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
]
WORDS = st.integers(0, 2**32 - 1)


def numbers(text):
    """Return the words of a line of hexadecimal numbers."""
    return tuple(int(word, 16) for word in text.split())


def call(function, counter, key):
    """Call an njit generator with Python ints."""
    words = function(*(np.uint32(word) for word in (*counter, *key)))
    return tuple(int(word) for word in words)


@pytest.mark.parametrize(("count", "counter", "key", "answer"), ANSWERS)
def test_known_answers(count, counter, key, answer):
    arguments = numbers(counter), numbers(key)
    assert call(rounds(count), *arguments) == numbers(answer)
    assert noise.philox4x32(*arguments, rounds=count) == numbers(answer)
    if count == 7:
        assert call(philox, *arguments) == numbers(answer)


@given(st.tuples(WORDS, WORDS, WORDS, WORDS), st.tuples(WORDS, WORDS))
def test_equals_the_oracle(counter, key):
    expected = noise.philox4x32(counter, key)
    assert call(philox, counter, key) == expected
    assert call(philox_wide, counter, key) == expected


@given(
    seed=st.integers(0, 2**64 - 1),
    first=st.integers(0, 2**62),
    neurons=st.lists(WORDS, min_size=1, max_size=3),
)
def test_the_oracle_on_arrays_equals_the_oracle_on_integers(seed, first, neurons):
    steps = 5
    grid = noise.words(seed, noise.STREAM_NOISE, first, steps, np.array(neurons))
    for k in range(steps):
        group = first + k >> 2
        for j, neuron in enumerate(neurons):
            counter = (neuron, group & 0xFFFFFFFF, group >> 32, noise.STREAM_NOISE)
            expected = noise.philox4x32(counter, (seed & 0xFFFFFFFF, seed >> 32))
            assert tuple(grid[k, j].tolist()) == expected
