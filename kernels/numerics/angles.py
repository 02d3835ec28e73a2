"""Sine and cosine in float64, for functions of the distance: the same bits on every target.

An angle is reduced by a multiple of pi / 2 in three pieces of 33 bits (Cody & Waite 1980), whose
products with up to 2^20 quarters are exact.  The polynomials are those of fdlibm's ``k_sin.c`` and
``k_cos.c`` (Sun Microsystems 1993).  Accuracy is measured against mpmath in ``tests/numerics``.
"""

import numpy as np
from numba import njit

from spikecuda.kernels.numerics.arithmetic import _fma, _mul, _select, float_bits

D, L = np.float64, np.int64

# The largest angle, in radians.
LARGEST = D(2.0**20)
MAGIC, QUARTERS = D(6755399441055744.0), D(0.6366197723675814)
QUARTER_1, QUARTER_2, QUARTER_3 = (
    D(float.fromhex("0x1.921fb54400000p+0")), D(float.fromhex("0x1.0b4611a600000p-34")),
    D(float.fromhex("0x1.3198a2e037073p-69")),
)  # fmt: skip
HALF, ONE, ZERO, NAN = D(0.5), D(1.0), D(0.0), D(np.nan)
S_1, S_2, S_3, S_4, S_5, S_6 = (
    D(-1.66666666666666324348e-01), D(8.33333333332248946124e-03), D(-1.98412698298579493134e-04),
    D(2.75573137070700676789e-06), D(-2.50507602534068634195e-08), D(1.58969099521155010221e-10),
)  # fmt: skip
C_1, C_2, C_3, C_4, C_5, C_6 = (
    D(4.16666666666666019037e-02), D(-1.38888888888741095749e-03), D(2.48015872894767294178e-05),
    D(-2.75573143513906633035e-07), D(2.08757232129817482790e-09), D(-1.13596475577881948265e-11),
)  # fmt: skip


@njit(error_model="numpy")
def _both(x):
    """Return quarters, and sine and cosine of what is left of an angle."""
    shifted = _fma(x, QUARTERS, MAGIC)
    n = shifted - MAGIC
    r = _fma(n, -QUARTER_1, x)
    r = _fma(n, -QUARTER_2, r)
    r = _fma(n, -QUARTER_3, r)
    z = _mul(r, r)
    p = _fma(_fma(_fma(_fma(_fma(S_6, z, S_5), z, S_4), z, S_3), z, S_2), z, S_1)
    sine = _fma(_mul(z, r), p, r)
    p = _fma(_fma(_fma(_fma(_fma(C_6, z, C_5), z, C_4), z, C_3), z, C_2), z, C_1)
    half = _mul(HALF, z)
    start = ONE - half
    cosine = start + _fma(_mul(z, z), p, (ONE - start) - half)
    return float_bits(shifted), sine, cosine


@njit(error_model="numpy")
def _known(x, value):
    """Return a value; NaN for an angle that is too large, infinite or NaN."""
    return _select((x <= LARGEST) & (x >= -LARGEST), value, NAN)


@njit(error_model="numpy")
def sin64(x):
    """Return sin(x), x in radians, with an error < 2 ulp; NaN beyond 2^20."""
    quarters, sine, cosine = _both(x)
    value = _select((quarters & L(1)) == L(0), sine, cosine)
    return _known(x, _select((quarters & L(2)) == L(0), value, -value))


@njit(error_model="numpy")
def cos64(x):
    """Return cos(x), x in radians, with an error < 2 ulp; NaN beyond 2^20."""
    quarters, sine, cosine = _both(x)
    value = _select((quarters & L(1)) == L(0), cosine, sine)
    return _known(x, _select(((quarters + L(1)) & L(2)) == L(0), value, -value))
