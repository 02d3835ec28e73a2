"""exp, expm1 and log by range reduction and polynomial, in float32 and float64.

The coefficients come from ``derive.py``.  Accuracy is measured against mpmath in
``tests/numerics``; the bounds asserted there are the ones stated in the docstrings.
"""

import numpy as np
from numba import njit

from spikecuda.kernels.numerics.arithmetic import _div, _fma, _mul, _select, bits_float, float_bits

F, D, I32, L = np.float32, np.float64, np.int32, np.int64

# Adding 1.5 * 2^23 (2^52) leaves the nearest integer in the low bits of the sum.
MAGIC32, MAGIC64 = F(12582912.0), D(6755399441055744.0)
LOG2E32, LOG2E64 = F(1.4426950408889634), D(1.4426950408889634)
# ln 2 in two pieces: the first has so few bits that its product with n is exact.
LN2_HI32, LN2_LO32 = F(0.693359375), F(-2.12194440054690583e-4)
LN2_HI64, LN2_LO64 = (
    D(float.fromhex("0x1.62e42fee00000p-1")),
    D(float.fromhex("0x1.a39ef35793c76p-33")),
)
EXP32_MAX, EXP32_MIN = F(88.37), F(-87.33)
EXP64_MAX, EXP64_MIN = D(709.4), D(-708.3)
SQRT_HALF32, SQRT_HALF64 = I32(0x3F3504F3), L(0x3FE6A09E667F3BCD)
ONE32, ONE64, TWO64, MINUS_HALF32 = F(1.0), D(1.0), D(2.0), F(-0.5)
ZERO32, ZERO64, INF32, INF64, NAN32, NAN64 = F(0), D(0), F(np.inf), D(np.inf), F(np.nan), D(np.nan)
# Subnormal arguments of log are scaled up by a power of two first.
TINY32, GROW32, LOG_GROW32 = F(2.0**-126), F(2.0**25), F(17.328679513998632)
TINY64, GROW64, GROW64_EXPONENT = D(2.0**-1022), D(2.0**54), D(54.0)

E32_4 = F(0.00138146136466152911)
E32_3 = F(0.00836870983304763894)
E32_2 = F(0.04166838735430970836)
E32_1 = F(0.16666520689737034613)
E32_0 = F(0.49999993451737492782)
E64_9 = D(2.5000071881864521817e-8)
E64_8 = D(2.7630234008822135997e-7)
E64_7 = D(2.755758626820445676e-6)
E64_6 = D(2.4801493135926241977e-5)
E64_5 = D(1.9841269506776787854e-4)
E64_4 = D(1.388888894359795643e-3)
E64_3 = D(8.3333333334943349649e-3)
E64_2 = D(4.1666666666530264981e-2)
E64_1 = D(0.16666666666666412771)
E64_0 = D(0.50000000000000106169)
L32_6 = F(0.08700436565659051093)
L32_5 = F(-0.1426748838065905357)
L32_4 = F(0.14914768372645171877)
L32_3 = F(-0.1657758456015182605)
L32_2 = F(0.19963063745576020134)
L32_1 = F(-0.2500133703784422018)
L32_0 = F(0.33333910738426189151)
L64_6 = D(0.14795949810402010957)
L64_5 = D(0.15314050542050902474)
L64_4 = D(0.18183564326455087578)
L64_3 = D(0.22222198573179963383)
L64_2 = D(0.28571428742387633861)
L64_1 = D(0.39999999999414678601)
L64_0 = D(0.66666666666667344121)


@njit(error_model="numpy")
def _exp32_parts(x):
    """Return (z, scale) with e^x = scale + scale z for x clamped to [-87.33, 88.37], |z| < 0.42."""
    x = _select(x > EXP32_MAX, EXP32_MAX, x)
    x = _select(x < EXP32_MIN, EXP32_MIN, x)
    shifted = _fma(x, LOG2E32, MAGIC32)
    n = shifted - MAGIC32
    r = _fma(n, -LN2_HI32, x)
    r = _fma(n, -LN2_LO32, r)
    square = _mul(r, r)
    p = _fma(_fma(E32_4, r, E32_3), square, _fma(E32_2, r, E32_1))
    z = _fma(square, _fma(p, r, E32_0), r)
    return z, bits_float(I32((float_bits(shifted) + I32(127)) << I32(23)))


@njit(error_model="numpy")
def exp32(x):
    """Return e^x in float32 for x clamped to [-87.33, 88.37]; NaN stays NaN; error < 1.1 ulp."""
    z, scale = _exp32_parts(x)
    return _fma(z, scale, scale)


@njit(error_model="numpy")
def expm1_32(x):
    """Return e^x - 1 in float32, for any small x too, x clamped as by exp32; error < 1.5 ulp."""
    z, scale = _exp32_parts(x)
    return _fma(z, scale, scale - ONE32)


@njit(error_model="numpy")
def _exp64_parts(x):
    """Return (z, scale) with e^x = scale + scale z for x clamped to [-708.3, 709.4], |z| < 0.42."""
    x = _select(x > EXP64_MAX, EXP64_MAX, x)
    x = _select(x < EXP64_MIN, EXP64_MIN, x)
    shifted = _fma(x, LOG2E64, MAGIC64)
    n = shifted - MAGIC64
    r = _fma(n, -LN2_HI64, x)
    r = _fma(n, -LN2_LO64, r)
    square = _mul(r, r)
    p = _fma(_fma(E64_9, r, E64_8), square, _fma(E64_7, r, E64_6))
    p = _fma(p, square, _fma(E64_5, r, E64_4))
    p = _fma(p, square, _fma(E64_3, r, E64_2))
    p = _fma(p, square, _fma(E64_1, r, E64_0))
    z = _fma(square, p, r)
    return z, bits_float((float_bits(shifted) + L(1023)) << L(52))


@njit(error_model="numpy")
def exp64(x):
    """Return e^x in float64 for x clamped to [-708.3, 709.4]; NaN stays NaN; error < 1.1 ulp."""
    z, scale = _exp64_parts(x)
    return _fma(z, scale, scale)


@njit(error_model="numpy")
def expm1_64(x):
    """Return e^x - 1 in float64, for any small x too, x clamped as by exp64; error < 2.5 ulp."""
    z, scale = _exp64_parts(x)
    return _fma(z, scale, scale - ONE64)


@njit(error_model="numpy")
def log32_normal(x):
    """Return log(x) for a normal, positive, finite float32; anything else gives nonsense."""
    bits = I32(float_bits(x) - SQRT_HALF32)
    exponent = F(I32(bits >> I32(23)))
    f = bits_float(I32((bits & I32(0x7FFFFF)) + SQRT_HALF32)) - ONE32
    p = _fma(L32_6, f, L32_5)
    p = _fma(p, f, L32_4)
    p = _fma(p, f, L32_3)
    p = _fma(p, f, L32_2)
    p = _fma(p, f, L32_1)
    p = _fma(p, f, L32_0)
    square = _mul(f, f)
    tail = _fma(_mul(square, f), p, _mul(exponent, LN2_LO32))
    tail = _fma(square, MINUS_HALF32, tail)
    return _fma(exponent, LN2_HI32, f + tail)


@njit(error_model="numpy")
def log32(x):
    """Return log(x) in float32: NaN for x <= 0 and NaN, inf for inf; error < 1.2 ulp."""
    small = x < TINY32
    y = _select(small, _mul(x, GROW32), x)
    result = log32_normal(y)
    result = _select(small, result - LOG_GROW32, result)
    return _select(x > ZERO32, _select(x < INF32, result, x), NAN32)


@njit(error_model="numpy")
def log64(x):
    """Return log(x) in float64: NaN for x <= 0 and NaN, infinity for infinity; error < 1 ulp."""
    small = x < TINY64
    bits = float_bits(_select(small, _mul(x, GROW64), x)) - SQRT_HALF64
    # The exponent becomes a double without a 64-bit conversion: add it to the bits of MAGIC64.
    exponent = bits_float(float_bits(MAGIC64) + (bits >> L(52))) - MAGIC64
    exponent = _select(small, exponent - GROW64_EXPONENT, exponent)
    f = bits_float((bits & L(0xFFFFFFFFFFFFF)) + SQRT_HALF64) - ONE64
    s = _div(f, TWO64 + f)
    z = _mul(s, s)
    p = _fma(L64_6, z, L64_5)
    p = _fma(p, z, L64_4)
    p = _fma(p, z, L64_3)
    p = _fma(p, z, L64_2)
    p = _fma(p, z, L64_1)
    p = _fma(p, z, L64_0)
    # log(1 + f) = f - s (f - s^2 p), with s = f / (2 + f)
    tail = _fma(s, _fma(z, p, -f), _mul(exponent, LN2_LO64))
    result = _fma(exponent, LN2_HI64, f + tail)
    return _select(x > ZERO64, _select(x < INF64, result, x), NAN64)


@njit(error_model="numpy")
def pow32(a, b):
    """Return a^b in float32 for a >= 0, with 0^0 = 1; NaN for a < 0.

    It is exp(b log(a)): the error is below 2 + |b log(a)| ulp.
    """
    result = exp32(_mul(b, log32(a)))
    result = _select(a == ZERO32, _select(b > ZERO32, ZERO32, INF32), result)
    return _select(a < ZERO32, NAN32, _select(b == ZERO32, ONE32, result))


@njit(error_model="numpy")
def pow64(a, b):
    """Return a^b in float64 for a >= 0, with 0^0 = 1; NaN for a < 0.

    It is exp(b log(a)): the error is below 2 + |b log(a)| ulp.
    """
    result = exp64(_mul(b, log64(a)))
    result = _select(a == ZERO64, _select(b > ZERO64, ZERO64, INF64), result)
    return _select(a < ZERO64, NAN64, _select(b == ZERO64, ONE64, result))
