"""What is known of NaN and infinity from a function's text."""

import pytest

from spikecuda.kernels.language.check import read
from spikecuda.kernels.language.special import makes_infinity, passes_nan
from spikecuda.language import exp, real, select


def plus(w, x):
    """Sum."""
    return w + x, x


def hidden(w, x):
    y = x
    if x > real(1.0):
        y = w
        y *= x
    else:
        y = -w
    return y


def lost(w, x):
    y = w * x
    if x > real(1.0):
        y = x
    return y


def chosen(w, x):
    return w if x > w else select(x > real(0.0), w, w + x)


def other(w, x):
    return x if x > w else w


def least(w, x):
    return min(w, x)


def quotient(w, x):
    return w / x


def power(w, x):
    return w + exp(x)


def grown(w, x):
    y = w
    y += x
    return y


@pytest.mark.parametrize(
    ("function", "passes", "infinite"),
    [
        (plus, True, False), (hidden, True, False), (lost, False, False), (chosen, True, False),
        (other, False, False), (least, False, False), (quotient, True, True), (power, True, True),
        (grown, True, False),
    ],
)  # fmt: skip
def test_what_a_function_does_with_them(function, passes, infinite):
    source = read(function, "rule")
    assert passes_nan(source, "w") is passes and makes_infinity(source) is infinite
