"""float16 as storage: uint16 in memory on both targets, float32 in registers.

Between the steps of a launch a stored number is held as a *lifted* one: the float32 that is 2^112
times the half.  65536, the first number that is too large for a half, becomes 2^128, the first
that is too large for a float32, so that arithmetic overflows where a half would; and rounding
takes four operations, of which none is a conversion (docs/decisions/0004).

Source of the method: Connolly, Higham, Mary (2021) SIAM J Sci Comput 43:A566 (stochastic
rounding); why it is needed at small time steps is in docs/decisions/0004.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from spikecuda.kernels.numerics.arithmetic import _mul, bits_float, float_bits, is_cuda

I32, U = np.int32, np.uint32
LOW_BITS = I32(0x1FFF)
LIFT, LOWER = np.float32(2.0**112), np.float32(2.0**-112)
# A float32 from 0.5 to 1 is a multiple of 2^-24, like the halves below 2^-14: adding and taking
# away such a number rounds to that grid.  The codec's ``shift`` contains it.
GRID = np.float32(0.75 * 2.0**112)


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
def dither_bits(neuron_word, step_word):
    """Return 32 random bits (uint32) for one neuron and step from an odd uint32 word for each.

    A step's word is a Philox output with its lowest bit set.  The product with an odd number
    permutes the odd numbers, so for any one neuron the upper 31 bits of different steps are
    independent and uniform.  A tenth of the cost of a Philox word for every neuron and step
    (docs/decisions/0004).
    """
    return U(neuron_word * step_word)


@njit(error_model="numpy")
def first_dither(random):
    """Return the 13 bits (int32) of random bits that round the first of two states."""
    return I32(random >> U(19))


@njit(error_model="numpy")
def second_dither(random):
    """Return the 13 bits (int32) of random bits that round the second of two states."""
    return I32((random >> U(6)) & U(LOW_BITS))


@njit(error_model="numpy")
def lift_half(a):
    """Return the lifted float32 of a half given by its bits (uint16); exact."""
    return _mul(_half_to_float(a), LIFT)


@njit(error_model="numpy")
def lower_half(a):
    """Return the bits (uint16) of the half that a lifted float32 stands for, as rounded below."""
    return _float_to_half(_mul(a, LOWER))


@njit(error_model="numpy")
def round_lifted(a, low_bits):
    """Return the lifted form of a number rounded stochastically to a half.

    Args:
        a: float32, the number times 2^112, plus ``GRID``.
        low_bits: int32 in [0, 8192), uniform; a carry out of the 13 bits that a half does not
            keep happens with the probability that makes the rounding unbiased.  Below 2^-14,
            where halves are evenly spaced, the result is rounded to nearest: a multiple of 2^-24
            there has none of the 13 bits.
    """
    on_grid = np.float32(a - GRID)
    bits = I32(float_bits(on_grid) + low_bits) & ~LOW_BITS
    return _unless_nan(on_grid, bits_float(I32(bits)))


@njit(error_model="numpy")
def _mix(word):
    """Return a permutation of the 32-bit words in which each bit depends on all: ``lowbias32``.

    Source: C. Wellons (2018), "Prospecting for hash functions"; bias of its avalanche 0.17 %.
    """
    word = U(word ^ (word >> U(16)))
    word = U(word * U(0x7FEB352D))
    word = U(word ^ (word >> U(15)))
    word = U(word * U(0x846CA68B))
    return U(word ^ (word >> U(16)))


@njit(error_model="numpy")
def dither_key(word, key0, key1):
    """Return what makes the neurons' words number ``word`` of a seed: a uint32."""
    return _mix(U(key0 ^ _mix(U(key1 ^ _mix(U(word))))))


@njit(error_model="numpy")
def dither_word(neuron, key):
    """Return the odd uint32 word of a neuron, the same for every step.

    A hash, not Philox: in a network a launch may be one step, and draws the words anew.
    """
    return U(_mix(U(neuron ^ key)) | U(1))
