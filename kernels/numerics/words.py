"""Bits of a 32-bit word."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


@intrinsic
def population_count(typingctx, word):
    """Return the number of set bits of a uint32."""
    if word != types.uint32:
        return None
    return types.uint32(word), lambda context, builder, signature, args: builder.ctpop(args[0])


@intrinsic
def trailing_zeros(typingctx, word):
    """Return the number of zero bits below the lowest set bit of a uint32 that is not 0."""
    if word != types.uint32:
        return None

    def generate(context, builder, signature, args):
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.uint32(word), generate
