"""float16 as storage: uint16 in memory on both targets, float32 in registers.

Source of the method: Connolly, Higham, Mary (2021) SIAM J Sci Comput 43:A566 (stochastic
rounding); why it is needed at small time steps is in docs/decisions/0004.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from spikecuda.kernels.numerics.arithmetic import bits_float, float_bits, is_cuda
from spikecuda.kernels.numerics.philox import philox

I32, U = np.int32, np.uint32
# An odd constant with well-spread bits: 2^32 over the golden ratio.
SPREAD = U(0x9E3779B9)
LOW_BITS = I32(0x1FFF)


@intrinsic
def _half_to_float(typingctx, a):
    if a != types.uint16:
        return None

    def generate(context, builder, signature, args):
        return builder.fpext(builder.bitcast(args[0], ir.HalfType()), ir.FloatType())

    return types.float32(a), generate


@intrinsic
def _float_to_half(typingctx, a):
    if a != types.float32:
        return None

    def generate(context, builder, signature, args):
        return builder.bitcast(builder.fptrunc(args[0], ir.HalfType()), ir.IntType(16))

    return types.uint16(a), generate


@intrinsic
def _unless_nan(typingctx, a, rounded):
    """Return ``rounded``, or ``a`` where it is a NaN that rounding would lose.

    A GPU's NaN, 0x7fffffff, would wrap around to zero.  A CPU's arithmetic makes 0xffc00000, and
    passes on what a half can hold, up to 0xffffe000: neither wraps, so nothing is compared there
    (6 to 12 % of a float16 step).
    """
    if a != types.float32 or rounded != a:
        return None

    def generate(context, builder, signature, args):
        if not is_cuda(context):
            return args[1]
        return builder.select(builder.fcmp_ordered("==", args[0], args[0]), args[1], args[0])

    return a(a, rounded), generate


@njit(error_model="numpy")
def half_to_float(a):
    """Return the float32 value of a half given by its bits (uint16)."""
    return _half_to_float(a)


@njit(error_model="numpy")
def store_half(a):
    """Return the bits (uint16) of a float32 rounded to the nearest half, ties to even."""
    return _float_to_half(a)


@njit(error_model="numpy")
def dither_bits(neuron_word, step_word):
    """Return 32 random bits (int32) for one neuron and step from a uint32 word for each.

    ``step_word`` is a Philox output, so for any one neuron the results of different steps are
    independent and uniform (the product with an odd number permutes the words); the product also
    decorrelates neurons.  A tenth of the cost of a Philox word for every neuron and step
    (docs/decisions/0004).
    """
    return I32(U((neuron_word ^ step_word) * SPREAD))


@njit(error_model="numpy")
def round_half(a, low_bits):
    """Return the bits (uint16) of a float32 rounded stochastically to a half.

    Args:
        a: float32.
        low_bits: int32 in [0, 8192), uniform; a carry out of the 13 bits that a half does not
            keep happens with the probability that makes the rounding unbiased.  Below 2^-14,
            where halves are evenly spaced, the result is rounded to nearest.
    """
    bits = I32(float_bits(a) + low_bits) & ~LOW_BITS
    return _float_to_half(_unless_nan(a, bits_float(I32(bits))))


@njit(error_model="numpy")
def dither_word(neuron, word, stream, key0, key1):
    """Return the uint32 word number ``word`` of a neuron, the same for every step."""
    return philox(neuron, U(0), U(word), stream, key0, key1)[0]
