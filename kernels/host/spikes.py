"""Turn spike bits into sorted lists."""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic


@intrinsic
def _population_count(typingctx, word):
    if word != types.uint32:
        return None
    return types.uint32(word), lambda context, builder, signature, args: builder.ctpop(args[0])


@intrinsic
def _trailing_zeros(typingctx, word):
    if word != types.uint32:
        return None

    def generate(context, builder, signature, args):
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.uint32(word), generate


@njit("void(uint32[::1], int64, int64, int64, int64[::1])", nogil=True, cache=True)
def count_spikes(bits, words, first, last, counts):
    """Write the number of set bits of each row in [first, last); a row has ``words`` words."""
    for row in range(first, last):
        total = np.uint32(0)
        for j in range(row * words, (row + 1) * words):
            total += np.uint32(_population_count(bits[j]))
        counts[row] = total


@njit(
    "void(uint32[::1], int64, int64, int64, int64[::1], int64, int64, int64[::1], int32[::1])",
    nogil=True,
    cache=True,
)
def list_spikes(bits, words, first, last, offsets, clock, neuron, steps, neurons):
    """Write the (step, neuron) pairs of rows [first, last), sorted, row r from offsets[r] on.

    ``clock`` is the number of row 0's step, ``neuron`` the number of bit 0's neuron.
    """
    for row in range(first, last):
        at = offsets[row]
        for j in range(words):
            word = bits[row * words + j]
            while word != 0:
                steps[at] = clock + row
                neurons[at] = neuron + 32 * j + np.int64(_trailing_zeros(np.uint32(word)))
                at += 1
                word = np.uint32(word & np.uint32(word - np.uint32(1)))
