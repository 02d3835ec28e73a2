"""Scalar maths that gives the same bits on the CPU and in a CUDA kernel.

Everything here compiles through ``numba.njit`` for both targets.  No libm, no libdevice, no
fastmath; each product that feeds a sum is one explicit ``fma`` or a product that no compiler may
contract.  Importing this package imports numba.
"""

from spikecuda.kernels.numerics.arithmetic import (
    absolute,
    both,
    count_down,
    div,
    either,
    fma,
    maximum,
    minimum,
    mul,
    negation,
    select,
    sqrt,
)
from spikecuda.kernels.numerics.elementary import (
    exp32,
    exp64,
    expm1_32,
    expm1_64,
    log32,
    log64,
    pow32,
    pow64,
)
from spikecuda.kernels.numerics.half import (
    dither_bits,
    dither_key,
    dither_word,
    first_dither,
    lift_half,
    lower_half,
    round_lifted,
    second_dither,
)
from spikecuda.kernels.numerics.philox import philox
from spikecuda.kernels.numerics.tiny import flush_tiny
from spikecuda.kernels.numerics.variates import gaussian_pair, poisson_count, uniform_open

__all__ = [
    "absolute",
    "both",
    "count_down",
    "dither_bits",
    "dither_key",
    "dither_word",
    "div",
    "either",
    "exp32",
    "exp64",
    "expm1_32",
    "expm1_64",
    "first_dither",
    "flush_tiny",
    "fma",
    "gaussian_pair",
    "lift_half",
    "log32",
    "log64",
    "lower_half",
    "maximum",
    "minimum",
    "mul",
    "negation",
    "philox",
    "poisson_count",
    "pow32",
    "pow64",
    "round_lifted",
    "second_dither",
    "select",
    "sqrt",
    "uniform_open",
]
