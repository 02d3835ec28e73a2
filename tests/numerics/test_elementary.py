"""exp, expm1 and log: error in units in the last place (ulp), edges, infinities and NaN.

The float32 functions are compared with NumPy's float64 ones, whose error of at most one float64
ulp is 2^-29 of a float32 ulp; the float64 functions with mpmath at 120 bits.  A scan of all float32
arguments (not part of the tests: 3 minutes) found 1.014 ulp for exp, at x = 37.77864, and 1.160 ulp
for log, at x = 0.7884763; a scan of those from 0.3 to 1.2, where expm1 is worst, 1.429 ulp, at
0.3781071.
"""

import math

import mpmath
import numpy as np
import pytest
from numba import njit

from spikecuda.kernels.numerics import exp32, exp64, expm1_32, expm1_64, log32, log64

EXP_ULP, LOG_ULP = 1.1, 1.2
EXPM1_32_ULP, EXPM1_64_ULP = 1.5, 2.5
SEED = 20110


@njit
def _map(function, x, out):
    for j in range(x.size):
        out[j] = function(x[j])


def apply(function, x):
    """Call a scalar function on each element."""
    out = np.empty_like(x)
    _map(function, x, out)
    return out


def error32(function, exact, x):
    """Return the error in float32 ulp for each argument."""
    truth = exact(x.astype(np.float64))
    ulp = np.spacing(np.abs(truth).astype(np.float32)).astype(np.float64)
    return np.abs(apply(function, x).astype(np.float64) - truth) / ulp


def error64(function, exact, x):
    """Return the error in float64 ulp for each argument."""
    errors = []
    with mpmath.workprec(120):
        for argument, value in zip(x.tolist(), apply(function, x).tolist(), strict=True):
            truth = exact(mpmath.mpf(argument))
            errors.append(float(abs(value - truth) / np.spacing(abs(float(truth)))))
    return np.array(errors)


def every_binade(real, integer, count, lowest, highest):
    """Return positive numbers with random significands whose exponents are spread evenly."""
    rng = np.random.default_rng(SEED)
    ends = np.array([lowest, highest], real).view(integer)
    return rng.integers(ends[0], ends[1], count, dtype=integer, endpoint=True).view(real)


def breakpoints(real):
    """Arguments of exp beside which the nearest multiple of ln 2 changes."""
    edges = (np.arange(-125, 127) + 0.5) * math.log(2)
    edges = edges.astype(real)
    below, above = edges, edges
    near = [edges]
    for _ in range(3):
        below, above = np.nextafter(below, real(-1e9)), np.nextafter(above, real(1e9))
        near += [below, above]
    return np.concatenate(near)


def test_exp32_error():
    rng = np.random.default_rng(SEED)
    tiny = every_binade(np.float32, np.uint32, 400_000, 1e-40, 87.0)
    x = np.concatenate(
        [
            rng.uniform(-87.33, 88.37, 2_000_000).astype(np.float32),
            tiny,
            -tiny,
            breakpoints(np.float32),
            np.array([-87.33, 88.37, 0.0, -0.0], np.float32),
        ]
    )
    assert error32(exp32, np.exp, x).max() < EXP_ULP


def test_expm1_32_error():
    rng = np.random.default_rng(SEED)
    tiny = every_binade(np.float32, np.uint32, 100_000, 1e-45, 87.0)
    near = rng.uniform(-1.2, 1.2, 500_000).astype(np.float32)
    x = np.concatenate([near, tiny, -tiny, breakpoints(np.float32)])
    assert error32(expm1_32, np.expm1, x).max() < EXPM1_32_ULP


def test_log32_error():
    x = np.concatenate(
        [
            every_binade(np.float32, np.uint32, 1_000_000, 1e-45, 3.4e38),
            every_binade(np.float32, np.uint32, 1_000_000, 0.4, 2.5),
        ]
    )
    assert error32(log32, np.log, x[x != 1]).max() < LOG_ULP


def test_exp64_error():
    rng = np.random.default_rng(SEED)
    tiny = every_binade(np.float64, np.uint64, 2_000, 1e-300, 700.0)
    x = np.concatenate(
        [rng.uniform(-708.3, 709.4, 8_000), tiny, -tiny, breakpoints(np.float64), [-708.3, 709.4]]
    )
    assert error64(exp64, mpmath.exp, x).max() < EXP_ULP


def test_expm1_64_error():
    rng = np.random.default_rng(SEED)
    tiny = every_binade(np.float64, np.uint64, 500, 1e-300, 700.0)
    near = rng.uniform(0.34, 0.4, 1_000)
    x = np.concatenate([rng.uniform(-1.2, 1.2, 2_000), near, tiny, -tiny, breakpoints(np.float64)])
    assert error64(expm1_64, mpmath.expm1, x).max() < EXPM1_64_ULP


@pytest.mark.parametrize(
    ("function", "real"), [(expm1_32, np.float32), (expm1_64, np.float64)], ids=["32", "64"]
)
def test_expm1_at_its_edges(function, real):
    assert function(real(0.0)) == 0 and function(real(-np.inf)) == -1
    assert np.isfinite(function(real(np.inf))) and np.isnan(function(real(np.nan)))
    smallest = np.nextafter(real(0), real(1))
    assert function(smallest) == smallest and function(-smallest) == -smallest


def test_log64_error():
    x = np.concatenate(
        [
            every_binade(np.float64, np.uint64, 6_000, 5e-324, 1.7e308),
            every_binade(np.float64, np.uint64, 6_000, 0.4, 2.5),
        ]
    )
    assert error64(log64, mpmath.log, x[x != 1]).max() < LOG_ULP


@pytest.mark.parametrize(
    ("function", "real"), [(exp32, np.float32), (exp64, np.float64)], ids=["32", "64"]
)
def test_exp_outside_its_range_is_the_value_at_the_border(function, real):
    low, high = (-87.33, 88.37) if real is np.float32 else (-708.3, 709.4)
    for x in (high, 1e4, np.inf):
        assert function(real(x)) == function(real(high))
    for x in (low, -1e4, -np.inf):
        assert function(real(x)) == function(real(low))
    assert np.isfinite(function(real(np.inf))) and function(real(-np.inf)) > 0
    assert np.isnan(function(real(np.nan)))
    assert function(real(0.0)) == 1 and function(real(-0.0)) == 1


@pytest.mark.parametrize(
    ("function", "real"), [(log32, np.float32), (log64, np.float64)], ids=["32", "64"]
)
def test_log_outside_its_domain(function, real):
    for x in (0.0, -0.0, -1.0, -np.inf, np.nan):
        assert np.isnan(function(real(x)))
    assert function(real(np.inf)) == np.inf
    assert function(real(1.0)) == 0


def test_exp_is_monotone_across_breakpoints():
    """A step down where the reduction changes would let a smaller v give a larger current."""
    for function, real in ((exp32, np.float32), (exp64, np.float64)):
        x = np.sort(breakpoints(real))
        y = apply(function, x)
        assert (np.diff(y) >= -np.spacing(y[1:])).all()
