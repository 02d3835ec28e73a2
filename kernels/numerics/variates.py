"""Random variates from uint32 words, in float32 for every precision.

The noise that a neuron receives is thus the same for float16, float32 and float64 pools, so that
their spikes can be compared one by one.
"""

import numpy as np
from numba import njit

from spikecuda.kernels.numerics.arithmetic import (
    _fma,
    _mul,
    _select,
    _sqrt,
    bits_float,
    float_bits,
)
from spikecuda.kernels.numerics.elementary import log32_normal

F, I32, U = np.float32, np.int32, np.uint32
TWO_31, TWO_32 = F(2.0**-31), F(2.0**-32)
MINUS_TWO, ONE, ZERO = F(-2.0), F(1.0), F(0.0)
QUARTER_TURN = F(0.7853981633974483 * 2.0**-31)
S_2, S_1, S_0 = F(-1.9517298943902062e-4), F(8.332178145844094e-3), F(-0.16666654943695951)
C_2, C_1, C_0 = F(2.4438451667465064e-5), F(-1.3887367516446045e-3), F(4.1666646866457727e-2)
MINUS_HALF = F(-0.5)


@njit(error_model="numpy")
def uniform_open(word):
    """Return a float32 in [2^-32, 1] from a uint32: about ``(word >> 1) / 2^31 + 2^-32``.

    The integer is rounded to float32 first, so the result may be one ulp off that number.
    """
    return _fma(F(I32(word >> U(1))), TWO_31, TWO_32)


@njit(error_model="numpy")
def gaussian_pair(first, second):
    """Return two independent standard normal float32 numbers from two uint32 words.

    Radius ``sqrt(-2 log u)`` with u from ``uniform_open(first)``; angle ``second * 2 pi / 2^32``,
    whose top two bits choose the quadrant.  Largest value: 6.66.
    Source: Box & Muller (1958) Ann Math Statist 29:610.
    """
    radius = _sqrt(_mul(MINUS_TWO, log32_normal(uniform_open(first))))
    x = _mul(F(I32(second << U(2))), QUARTER_TURN)
    z = _mul(x, x)
    sine = _fma(_mul(x, z), _fma(_fma(S_2, z, S_1), z, S_0), x)
    cosine = _fma(_mul(z, z), _fma(_fma(C_2, z, C_1), z, C_0), _fma(z, MINUS_HALF, ONE))
    quadrant = I32(second >> U(30))
    odd = (quadrant & I32(1)) != I32(0)
    a = _select(odd, sine, cosine)
    b = _select(odd, cosine, sine)
    a = bits_float(I32(float_bits(a) ^ I32(((quadrant + I32(1)) & I32(2)) << I32(30))))
    b = bits_float(I32(float_bits(b) ^ I32((quadrant & I32(2)) << I32(30))))
    return _mul(radius, a), _mul(radius, b)


@njit(error_model="numpy")
def poisson_count(uniform, mean, none, some, reciprocals):
    """Return a Poisson count as float32 by inversion of its distribution function.

    Args:
        uniform: float32 from ``uniform_open``.
        mean: float32, the mean number of events, lambda.
        none: float32, the probability of no event, exp(-lambda).
        some: float32, the probability of any event, 1 - exp(-lambda), computed without
            cancellation: a small rate keeps its relative accuracy.
        reciprocals: float32 array, ``reciprocals[k] = 1 / (k + 1)``; its length bounds the count.

    The number of k >= 0 with ``uniform <= P(count > k)``.
    Source: Devroye (1986) Non-Uniform Random Variate Generation, section X.3.3.
    """
    survival = some
    mass = none
    count = ZERO
    k = U(0)
    while k < U(reciprocals.size):
        count = count + _select(uniform <= survival, ONE, ZERO)
        mass = _mul(_mul(mass, mean), reciprocals[k])
        survival = survival - mass
        k = U(k + U(1))
    return count
