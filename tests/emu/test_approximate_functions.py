"""The approximate functions against mpmath: within the accuracy that ``approx.ACCURACY`` states."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest

from spikecuda.emu.translate.approx import ACCURACY

from . import reference as ref
from .ptxlib import compare, evaluate, float_bits, float_edges, random_floats

mpmath.mp.prec = 200

FUNCTIONS = {
    "ex2": lambda x: mpmath.power(2, x),
    "lg2": lambda x: mpmath.log(x, 2),
    "rcp": lambda x: 1 / x,
    "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    "sqrt": mpmath.sqrt,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tanh": mpmath.tanh,
}
INF, NAN, ZERO, ONE = 0x7F800000, 0x7FFFFFFF, 0, 0x3F800000
MINUS = 0x80000000
SPECIAL = {
    "ex2": {INF: INF, MINUS | INF: 0, ZERO: ONE, MINUS: ONE},
    "lg2": {INF: INF, MINUS | INF: NAN, ZERO: MINUS | INF, MINUS: MINUS | INF, MINUS | ONE: NAN},
    "rcp": {INF: 0, MINUS | INF: MINUS, ZERO: INF, MINUS: MINUS | INF},
    "rsqrt": {INF: 0, MINUS | INF: NAN, ZERO: INF, MINUS: MINUS | INF, MINUS | ONE: NAN},
    "sqrt": {INF: INF, MINUS | INF: NAN, ZERO: 0, MINUS: MINUS, MINUS | ONE: NAN},
    "sin": {INF: NAN, MINUS | INF: NAN, ZERO: 0, MINUS: MINUS},
    "cos": {INF: NAN, MINUS | INF: NAN, ZERO: ONE, MINUS: ONE},
    "tanh": {INF: ONE, MINUS | INF: MINUS | ONE, ZERO: 0, MINUS: MINUS},
}


def arguments(name):
    """Finite arguments inside the function's domain that don't overflow its result."""
    values = [v for v in float_edges("f32") + random_floats("f32", 150, 3) if (v & INF) != INF]
    values = [v for v in values if v & 0x7FFFFFFF]
    if name in ("lg2", "rsqrt", "sqrt"):
        values = [v & 0x7FFFFFFF for v in values]
    if name in ("sin", "cos"):
        values = [v for v in values if abs(ref.decode(v, "f32")[1]) < 10**6]
    if name == "ex2":
        values = [v for v in values if abs(ref.decode(v, "f32")[1]) < 127]
    return values


def ulps(bits, exact, fmt):
    """Distance of a result from the true value, in units of the last place of the true value."""
    exponent_bits, mantissa_bits = ref.FORMATS[fmt]
    if exact == 0:
        assert ref.decode(bits, fmt)[1] == 0
        return 0
    bias = (1 << (exponent_bits - 1)) - 1
    exponent = max(int(mpmath.floor(mpmath.log(abs(exact), 2))), 1 - bias)
    number = ref.decode(bits, fmt)[1]
    error = abs(mpmath.mpf(number.numerator) / number.denominator - exact)
    return error / mpmath.power(2, exponent - mantissa_bits)


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_singles_are_as_accurate_as_stated(name):
    values = arguments(name)
    (got,) = evaluate(f"{name}.approx.f32 d0, a;", [(32, values)], [32])
    allowed = ACCURACY[f"{name}.approx.f32"].here
    worst = 0
    for bits, result in zip(values, got, strict=True):
        number = ref.decode(bits, "f32")[1]
        exact = FUNCTIONS[name](mpmath.mpf(number.numerator) / number.denominator)
        if abs(exact) >= mpmath.mpf(2) ** 128:
            assert result & 0x7FFFFFFF == INF
            continue
        worst = max(worst, ulps(result, exact, "f32"))
    assert worst <= allowed


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_special_values(name):
    cases = {**SPECIAL[name], NAN: NAN, 0x7F800001: NAN}
    (got,) = evaluate(f"{name}.approx.f32 d0, a;", [(32, list(cases))], [32])
    compare(got, list(cases.values()), 32, [list(cases)], name)


@pytest.mark.parametrize("name", ["ex2", "lg2", "rcp", "rsqrt", "sqrt", "sin", "cos"])
def test_flushing(name):
    """A subnormal operand counts as zero, a subnormal result becomes zero."""
    subnormals = [1, 0x7FFFFF, MINUS | 1]
    zeros = [v & MINUS for v in subnormals]
    line = f"{name}.approx.ftz.f32 d0, a;"
    (got,) = evaluate(line, [(32, subnormals)], [32])
    (expected,) = evaluate(line, [(32, zeros)], [32])
    assert got == expected
    if name == "ex2":
        assert evaluate(line, [(32, [float_bits(-140.0)])], [32]) == [[0]]
        plain = evaluate("ex2.approx.f32 d0, a;", [(32, [float_bits(-140.0)])], [32])
        assert plain == [[1 << 9]]


@pytest.mark.parametrize("form", ["approx", "full"])
def test_division(form):
    edges = [float_bits(2.0**126), float_bits(-(2.0**126)), 0x7E800001, 0xFF7FFFFF, 0x7F7FFFFF, INF]
    a = [*random_floats("f32", 300, 4), *(INF, ONE, MINUS, NAN, 0x7F7FFFFF, MINUS | ONE) * 6]
    b = [*random_floats("f32", 300, 5), *(v for v in edges for _ in range(6))]

    def quotient(x, y):
        if form == "approx" and abs(y[1] if y and y[1] != "inf" else 0) > 2**126:
            return ref.multiply(x, (y[0], Fraction(0)))  # documented: 0, or NaN for infinity
        return ref.divide(x, y)

    expected = [
        ref.encode(quotient(ref.decode(x, "f32"), ref.decode(y, "f32")), "f32")
        for x, y in zip(a, b, strict=True)
    ]
    (got,) = evaluate(f"div.{form}.f32 d0, a, b;", [(32, a), (32, b)], [32])
    compare(got, expected, 32, [a, b], form)  # rounded to nearest: 0.5 ulp, inside the statement
    assert ACCURACY[f"div.{form}.f32"].here >= Fraction(1, 2)


@pytest.mark.parametrize("name", ["ex2", "tanh"])
def test_halves(name):
    values = [v for v in range(0, 1 << 16, 23) if (v & 0x7C00) != 0x7C00]
    values = [v for v in values if abs(ref.decode(v, "f16")[1]) < 15 and v & 0x7FFF]
    (got,) = evaluate(f"{name}.approx.f16 d0, a;", [(16, values)], [16])
    allowed = ACCURACY[f"{name}.approx.f16"].here
    for bits, result in zip(values, got, strict=True):
        number = ref.decode(bits, "f16")[1]
        exact = FUNCTIONS[name](mpmath.mpf(number.numerator) / number.denominator)
        assert ulps(result, exact, "f16") <= allowed, hex(bits)
    pair = [v << 16 | w for v, w in zip(values, values[::-1], strict=True)]
    (both,) = evaluate(f"{name}.approx.f16x2 d0, a;", [(32, pair)], [32])
    assert both == [v << 16 | w for v, w in zip(got, got[::-1], strict=True)]


@pytest.mark.parametrize("name", ["rcp", "rsqrt"])
def test_coarse_doubles_use_and_give_the_upper_half(name):
    values = [v & (2**63 - 1) for v in random_floats("f64", 200, 6)]
    values = [v for v in values if (v >> 52) not in (0, 0x7FF) and (v >> 52) < 0x7F0]
    noise = [v | 0xFFFFFFFF for v in values]
    line = f"{name}.approx.ftz.f64 d0, a;"
    (got,) = evaluate(line, [(64, values)], [64])
    (other,) = evaluate(line, [(64, noise)], [64])
    assert got == other
    allowed = ACCURACY[f"{name}.approx.ftz.f64"].here
    for bits, result in zip(values, got, strict=True):
        assert result & 0xFFFFFFFF == 0
        number = ref.decode(bits & ~0xFFFFFFFF, "f64")[1]
        exact = FUNCTIONS[name](mpmath.mpf(number.numerator) / number.denominator)
        assert ulps(result, exact, "f64") <= allowed
    cases = [0, 1, 1 << 63, 0x7FF0000000000000, 0x7FF8000000000000, 0x7FEFFFFFFFFFFFFF]
    (got,) = evaluate(line, [(64, cases)], [64])
    inf, nan = 0x7FF0000000000000, 0x7FFFFFFF00000000
    last = 0 if name == "rcp" else got[-1]
    assert got == [inf, inf, inf | 1 << 63, 0, nan, last]


def test_rsqrt_of_doubles():
    values = [v & (2**63 - 1) for v in random_floats("f64", 200, 7)]
    values = [v for v in values if (v >> 52) not in (0, 0x7FF)]
    (got,) = evaluate("rsqrt.approx.f64 d0, a;", [(64, values)], [64])
    for bits, result in zip(values, got, strict=True):
        number = ref.decode(bits, "f64")[1]
        exact = 1 / mpmath.sqrt(mpmath.mpf(number.numerator) / number.denominator)
        assert ulps(result, exact, "f64") <= ACCURACY["rsqrt.approx.f64"].here
