"""The basic operations are correctly rounded, on random bits and where rounding is hard."""

import math
from fractions import Fraction

import numpy as np
import pytest
from exact import rounded, rounded_root
from hypothesis import assume, given
from hypothesis import strategies as st

from spikecuda.kernels import numerics

REALS = {np.float32: 32, np.float64: 64}
BOTH = pytest.mark.parametrize("real", REALS, ids=["float32", "float64"])


def numbers(real):
    """Finite numbers of all sizes, subnormals and both zeros among them."""
    return st.floats(width=REALS[real], allow_nan=False, allow_infinity=False).map(real)


def bits(value):
    """Return the bits, so that -0 differs from 0."""
    return value.tobytes()


@BOTH
@given(data=st.data())
def test_mul_and_div_are_correctly_rounded(real, data):
    a, b = data.draw(numbers(real)), data.draw(numbers(real))
    product = rounded(Fraction(float(a)) * Fraction(float(b)), real)
    assert real(numerics.mul(a, b)) == product
    assume(b != 0)
    quotient = rounded(Fraction(float(a)) / Fraction(float(b)), real)
    assert real(numerics.div(a, b)) == quotient


@BOTH
@given(data=st.data())
def test_fma_is_rounded_once(real, data):
    a, b = data.draw(numbers(real)), data.draw(numbers(real))
    exact = Fraction(float(a)) * Fraction(float(b))
    # Half of the time c nearly cancels the product, where a second rounding would show.
    near = rounded(-exact, real)
    c = data.draw(st.one_of(numbers(real), st.just(near if np.isfinite(near) else real(1))))
    assert real(numerics.fma(a, b, c)) == rounded(exact + Fraction(float(c)), real)


@BOTH
@given(data=st.data())
def test_sqrt_is_correctly_rounded(real, data):
    a = abs(data.draw(numbers(real)))
    expected = rounded_root(Fraction(float(a)), real) if a > 0 else real(0)
    assert real(numerics.sqrt(a)) == expected


@BOTH
def test_special_values(real):
    inf, nan, zero = real(np.inf), real(np.nan), real(0)
    assert math.isnan(numerics.mul(inf, zero)) and math.isnan(numerics.div(zero, zero))
    assert numerics.div(real(1), zero) == inf and numerics.div(real(-1), zero) == -inf
    assert math.isnan(numerics.fma(inf, zero, real(1))) and math.isnan(numerics.sqrt(real(-1)))
    assert numerics.sqrt(inf) == inf
    assert math.isnan(numerics.fma(real(1), real(1), nan))


@BOTH
@given(data=st.data())
def test_minimum_maximum_absolute_select(real, data):
    a, b = data.draw(numbers(real)), data.draw(numbers(real))
    assert real(numerics.minimum(a, b)) == min(a, b)
    assert real(numerics.maximum(a, b)) == max(a, b)
    assert real(numerics.absolute(a)) == abs(a)
    assert bits(real(numerics.select(a < b, a, b))) == bits(a if a < b else b)


@BOTH
def test_nan_in_minimum_and_maximum_gives_the_second_argument(real):
    nan, one = real(np.nan), real(1)
    assert numerics.minimum(nan, one) == one and numerics.maximum(nan, one) == one
    assert math.isnan(numerics.minimum(one, nan)) and math.isnan(numerics.maximum(one, nan))
    assert math.isnan(numerics.absolute(nan))


@pytest.mark.parametrize("a", [False, True])
@pytest.mark.parametrize("b", [False, True])
def test_booleans(a, b):
    assert numerics.both(a, b) == (a and b)
    assert numerics.either(a, b) == (a or b)
    assert numerics.negation(a) == (not a)
