"""Floating point from its definition: exact rationals, rounded once, without LLVM or NumPy.

A value is ``None`` (NaN), ``(sign, "inf")`` or ``(sign, Fraction)``; sign is 0 or 1 and matters for
zeros.  Formats are the IEEE 754 binary interchange formats.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

FORMATS = {"f16": (5, 10), "f32": (8, 23), "f64": (11, 52)}
WIDTH = {"f16": 16, "f32": 32, "f64": 64}
CANONICAL = {"f16": 0x7FFF, "f32": 0x7FFFFFFF, "f64": 0xFFF8000000000000}
MODES = ("rn", "rz", "rm", "rp")


def decode(bits, fmt):
    exponent_bits, mantissa_bits = FORMATS[fmt]
    bits = int(bits)
    sign = bits >> (exponent_bits + mantissa_bits) & 1
    exponent = bits >> mantissa_bits & ((1 << exponent_bits) - 1)
    mantissa = bits & ((1 << mantissa_bits) - 1)
    bias = (1 << (exponent_bits - 1)) - 1
    if exponent == (1 << exponent_bits) - 1:
        return None if mantissa else (sign, "inf")
    if exponent == 0:
        size = Fraction(mantissa) * Fraction(2) ** (1 - bias - mantissa_bits)
    else:
        size = Fraction(mantissa + (1 << mantissa_bits)) * Fraction(2) ** (
            exponent - bias - mantissa_bits
        )
    return (sign, -size if sign else size)


def is_nan(bits, fmt):
    return decode(bits, fmt) is None


def log2_floor(size):
    e = size.numerator.bit_length() - size.denominator.bit_length()
    return e if Fraction(2) ** e <= size else e - 1


def encode(value, fmt, mode="rn"):
    """The bits of a value rounded to a format."""
    exponent_bits, mantissa_bits = FORMATS[fmt]
    bias = (1 << (exponent_bits - 1)) - 1
    if value is None:
        return CANONICAL[fmt]
    sign, number = value
    top = sign << (exponent_bits + mantissa_bits)
    infinite = ((1 << exponent_bits) - 1) << mantissa_bits
    if number == "inf":
        return top | infinite
    size = abs(number)
    if size == 0:
        return top
    e = max(log2_floor(size), 1 - bias)
    quantum = Fraction(2) ** (e - mantissa_bits)
    n = int(size / quantum)
    rest = size / quantum - n
    if mode == "rn":
        up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and n & 1)
    elif mode == "rz":
        up = False
    else:
        up = rest > 0 and (mode == "rm") == bool(sign)
    n += bool(up)
    # n counts quanta: subnormal below 2**mantissa_bits, and 2**(mantissa_bits+1) carries over
    if n >= 1 << (mantissa_bits + 1):
        n >>= 1
        e += 1
    if e > bias:
        to_inf = mode == "rn" or (mode == "rm" and sign) or (mode == "rp" and not sign)
        return top | (infinite if to_inf else infinite - 1)
    if n < 1 << mantissa_bits:
        return top | n
    return top | (e + bias) << mantissa_bits | (n - (1 << mantissa_bits))


def flush(value, fmt):
    """A subnormal as a zero of its sign."""
    if value is None or value[1] == "inf":
        return value
    sign, number = value
    exponent_bits, _ = FORMATS[fmt]
    bias = (1 << (exponent_bits - 1)) - 1
    return (sign, Fraction(0)) if abs(number) < Fraction(2) ** (1 - bias) else value


def flush_bits(bits, fmt):
    exponent_bits, mantissa_bits = FORMATS[fmt]
    if bits >> mantissa_bits & ((1 << exponent_bits) - 1) == 0:
        return bits & (1 << (exponent_bits + mantissa_bits))
    return bits


def negate(x):
    if x is None:
        return None
    sign, number = x
    return (1 - sign, number if number == "inf" else -number)


def add(x, y, mode="rn"):
    if x is None or y is None:
        return None
    if x[1] == "inf" or y[1] == "inf":
        if x[1] == "inf" and y[1] == "inf" and x[0] != y[0]:
            return None
        return x if x[1] == "inf" else y
    total = x[1] + y[1]
    if total == 0:
        if x[0] == y[0]:
            return (x[0], total)
        return (int(mode == "rm"), total)
    return (int(total < 0), total)


def multiply(x, y):
    if x is None or y is None:
        return None
    sign = x[0] ^ y[0]
    if x[1] == "inf" or y[1] == "inf":
        if x[1] == 0 or y[1] == 0:
            return None
        return (sign, "inf")
    return (sign, x[1] * y[1])


def divide(x, y):
    if x is None or y is None:
        return None
    sign = x[0] ^ y[0]
    if x[1] == "inf":
        return None if y[1] == "inf" else (sign, "inf")
    if y[1] == "inf":
        return (sign, Fraction(0))
    if y[1] == 0:
        return None if x[1] == 0 else (sign, "inf")
    return (sign, x[1] / y[1])


def fma(x, y, z, mode="rn"):
    product = multiply(x, y)
    if product is None or z is None:
        return None
    return add(product, z, mode)


def square_root(x):
    """A rational so close to the root that it rounds as the root does (both are above or equal)."""
    if x is None:
        return None
    sign, number = x
    if number == "inf":
        return None if sign else x
    if number == 0:
        return x
    if sign:
        return None
    shift = 2400  # far more bits than any format has
    scaled = number * (1 << shift)
    root = isqrt(int(scaled))
    exact = Fraction(root * root) == scaled
    result = Fraction(root, 1 << (shift // 2))
    return (0, result if exact else result + Fraction(1, 1 << (shift // 2 + 2)))


def minimum(x, y, which="min", propagate=False):
    """-0 is less than +0; a NaN loses against a number unless it propagates."""
    if x is None or y is None:
        return None if propagate or (x is None and y is None) else (y if x is None else x)

    def key(v):
        if v[1] == "inf":
            return (-1 if v[0] else 1, 0, 0)
        return (0, v[1], -v[0])

    return min(x, y, key=key) if which == "min" else max(x, y, key=key)


def to_integral(x, how):
    """Round to an integer (a Fraction with denominator 1), keeping the sign of a zero."""
    if x is None or x[1] == "inf":
        return x
    sign, number = x
    floor = number.numerator // number.denominator
    rest = number - floor
    if how == "rmi":
        n = floor
    elif how == "rpi":
        n = floor + (rest > 0)
    elif how == "rzi":
        n = floor + (1 if number < 0 and rest > 0 else 0)
    else:
        n = floor + (rest > Fraction(1, 2) or (rest == Fraction(1, 2) and floor % 2 == 1))
    return (sign, Fraction(int(n)))


def to_integer(x, how, low, high, nan):
    """A float as an integer: rounded, then clamped."""
    if x is None:
        return nan
    if x[1] == "inf":
        return low if x[0] else high
    return min(max(int(to_integral(x, how)[1]), low), high)


def saturate(x):
    """Clamp to [0, 1]; NaN is +0."""
    zero = (0, Fraction(0))
    if x is None or x[0] or x[1] == 0:
        return zero
    if x[1] == "inf" or x[1] > 1:
        return (0, Fraction(1))
    return x


def exact(integer):
    return (int(integer < 0), Fraction(integer))


def signed(value, width):
    value &= (1 << width) - 1
    return value - (1 << width) if value >> (width - 1) else value
