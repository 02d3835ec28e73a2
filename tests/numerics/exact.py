"""Exact arithmetic for the tests: round a rational number to float32 or float64."""

import math
from fractions import Fraction

import numpy as np

# bits of the significand, exponent of the smallest subnormal, largest finite value
FORMATS = {
    np.float32: (24, -149, Fraction(float(np.finfo(np.float32).max))),
    np.float64: (53, -1074, Fraction(float(np.finfo(np.float64).max))),
}


def spacing_exponent(value, real):
    """Return e such that numbers of type ``real`` near ``value`` (a Fraction) are 2^e apart."""
    bits, smallest, _ = FORMATS[real]
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    if Fraction(2) ** exponent > value:
        exponent -= 1
    return max(exponent + 1 - bits, smallest)


def rounded(value, real):
    """Return the number of type ``real`` nearest to a Fraction, ties to even."""
    if value == 0:
        return real(0)
    magnitude, sign = abs(value), (1 if value > 0 else -1)
    unit = Fraction(2) ** spacing_exponent(magnitude, real)
    result = round(magnitude / unit) * unit
    largest = FORMATS[real][2]
    if result > largest:
        return real(sign * math.inf)
    return real(sign * float(result))


def rounded_root(value, real):
    """Return the number of type ``real`` nearest to the square root of a positive Fraction."""
    estimate = Fraction(math.isqrt(value.numerator << 400)) / (
        Fraction(2) ** 200 * Fraction(math.isqrt(value.denominator << 400), 2**200)
    )
    unit = Fraction(2) ** spacing_exponent(estimate, real)
    count = estimate // unit
    # The root of a number of that type is never half way between two: compare squares.
    if (count + Fraction(1, 2)) ** 2 * unit**2 < value:
        count += 1
    return real(float(count * unit))
