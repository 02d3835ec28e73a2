"""Loops over a chunk of neurons that the CPU driver runs beside the model's own."""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from spikecuda.kernels.numerics.arithmetic import _fma, _mul, _select, bits_float, float_bits
from spikecuda.kernels.numerics.elementary import exp32, expm1_32
from spikecuda.kernels.numerics.half import (
    dither_bits,
    dither_word,
    first_dither,
    lift_half,
    lower_half,
    round_lifted,
    second_dither,
)
from spikecuda.kernels.numerics.inner import inner
from spikecuda.kernels.numerics.philox import philox_wide
from spikecuda.kernels.numerics.tiny import flush_row
from spikecuda.kernels.numerics.variates import ONE, ZERO, gaussian_pair, uniform_open

U = np.uint32

__all__ = [
    "count_each",
    "count_means",
    "count_shared",
    "decode_row",
    "flag",
    "flush_row",
    "normal_lanes",
    "normal_rows",
    "pack_words",
    "round_one",
    "round_two",
    "store_one",
    "store_two",
    "uniform_lanes",
    "uniform_rows",
    "word_row",
]


@intrinsic
def _flag(typingctx, condition):
    if condition != types.boolean:
        return None

    def generate(context, builder, signature, args):
        return builder.sext(args[0], ir.IntType(8))

    return types.uint8(condition), generate


@intrinsic
def _load_mask(typingctx, array, index):
    """Return the highest bits of 32 bytes of a uint8 array, from ``index`` on, as a uint32."""
    if getattr(array, "dtype", None) != types.uint8:
        return None

    def generate(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        vector = ir.VectorType(ir.IntType(8), 32)
        pointer = builder.bitcast(builder.gep(data, [args[1]]), vector.as_pointer())
        value = builder.load(pointer, align=1)
        return builder.bitcast(
            builder.icmp_signed("<", value, ir.Constant(vector, None)), ir.IntType(32)
        )

    return types.uint32(array, types.intp), generate


@inner
def flag(condition):
    """Return 255 for True and 0 for False, as uint8: a comparison's mask, narrowed."""
    return _flag(condition)


@inner
def pack_words(flags, words):
    """Write flags, a byte of 255 or 0 a neuron, as bits: neuron ``32 j + b`` is bit b of word j."""
    for j in range(words.size):
        words[j] = _load_mask(flags, 32 * j)


@inner
def word_row(neuron, key, out):
    """Write the random word of each neuron; ``neuron`` is the first one's number."""
    for j in range(out.size):
        out[j] = dither_word(U(neuron + U(j)), key)


@inner
def normal_rows(neuron, low, high, stream, key0, key1, row0, row1, row2, row3):
    """Write standard normal numbers for the four steps of a group (low, high = its number)."""
    for j in range(row0.size):
        a, b, c, d = philox_wide(U(neuron + U(j)), low, high, stream, key0, key1)
        row0[j], row1[j] = gaussian_pair(a, b)
        row2[j], row3[j] = gaussian_pair(c, d)


@inner
def uniform_rows(neuron, low, high, stream, key0, key1, row0, row1, row2, row3):
    """Write uniform numbers in (0, 1] for the four steps of a group."""
    for j in range(row0.size):
        a, b, c, d = philox_wide(U(neuron + U(j)), low, high, stream, key0, key1)
        row0[j] = uniform_open(a)
        row1[j] = uniform_open(b)
        row2[j] = uniform_open(c)
        row3[j] = uniform_open(d)


@inner
def normal_lanes(quad, low, high, stream, key0, key1, out):
    """Write standard normal numbers of one step (low, high): a block of words for four neurons.

    ``quad`` is a quarter of the first neuron's number; the size of ``out`` is a multiple of 4.
    """
    for j in range(out.size // 4):
        a, b, c, d = philox_wide(U(quad + U(j)), low, high, stream, key0, key1)
        out[4 * j], out[4 * j + 1] = gaussian_pair(a, b)
        out[4 * j + 2], out[4 * j + 3] = gaussian_pair(c, d)


@inner
def uniform_lanes(quad, low, high, stream, key0, key1, out):
    """Write uniform numbers in (0, 1] of one step, likewise."""
    for j in range(out.size // 4):
        a, b, c, d = philox_wide(U(quad + U(j)), low, high, stream, key0, key1)
        out[4 * j] = uniform_open(a)
        out[4 * j + 1] = uniform_open(b)
        out[4 * j + 2] = uniform_open(c)
        out[4 * j + 3] = uniform_open(d)


@inner
def _four(u, a, b, c, d):
    # One more where the condition holds, else what it was: one masked addition each.
    count = _select(u <= a, ONE, ZERO)
    count = _select(u <= b, count + ONE, count)
    count = _select(u <= c, count + ONE, count)
    return _select(u <= d, count + ONE, count)


@inner
def _first_levels(uniform, a, b, c, d, out):
    for j in range(out.size):
        out[j] = _four(uniform[j], a, b, c, d)


@inner
def _more_levels(uniform, a, b, c, d, out):
    for j in range(out.size):
        out[j] = out[j] + _four(uniform[j], a, b, c, d)


@inner
def _least(values):
    # Positive floats are ordered like their bits, and integers have a vector minimum.
    least = float_bits(ONE)
    for j in range(values.size):
        least = min(least, float_bits(values[j]))
    return bits_float(least)


@inner
def count_shared(uniform, survival, out):
    """Write Poisson counts; ``survival[k]`` = P(count > k), the same for all neurons.

    Four levels a pass; levels that no neuron of the chunk reaches are left out.
    """
    least, size = _least(uniform), survival.size
    for k in range(0, size, 4):
        if survival[k] < least and k > 0:
            break
        b = survival[k + 1] if k + 1 < size else ZERO
        c = survival[k + 2] if k + 2 < size else ZERO
        d = survival[k + 3] if k + 3 < size else ZERO
        if k == 0:
            _first_levels(uniform, survival[0], b, c, d, out)
        else:
            _more_levels(uniform, survival[k], b, c, d, out)


@inner
def _count_mass(uniform, mean, reciprocal, mass, survival, out):
    for j in range(out.size):
        out[j] = out[j] + _select(uniform[j] <= survival[j], ONE, ZERO)
        mass[j] = _mul(_mul(mass[j], mean[j]), reciprocal)
        survival[j] = survival[j] - mass[j]


@inner
def count_each(uniform, mean, none, some, reciprocals, mass, survival, out):
    """Write Poisson counts, each neuron with its own mean: ``poisson_count`` over a chunk."""
    for j in range(out.size):
        out[j] = ZERO
        mass[j] = none[j]
        survival[j] = some[j]
    for k in range(reciprocals.size):
        _count_mass(uniform, mean, reciprocals[k], mass, survival, out)


@inner
def count_means(uniform, mean, reciprocals, mass, survival, out):
    """Write Poisson counts from means alone, which differ from step to step and neuron to neuron.

    ``poisson_count`` with P(0) and P(any) in float32 from the mean.
    """
    for j in range(out.size):
        out[j] = ZERO
        mass[j] = exp32(-mean[j])
        survival[j] = -expm1_32(-mean[j])
    for k in range(reciprocals.size):
        _count_mass(uniform, mean, reciprocals[k], mass, survival, out)


@inner
def decode_row(stored, origin, unit, out):
    """Write the float32 values of states stored as float16 (uint16)."""
    for j in range(out.size):
        out[j] = _fma(lift_half(stored[j]), unit, origin)


# Rounding is a loop of its own, after the model's: with both in one, half as many neurons are
# under way in a processor at once, and AVX2 runs out of registers (docs/decisions/0004).


@inner
def round_one(words, step_word, a, origin, unit, gain, shift):
    """Round the float32 values of a state to those that float16 can hold, in place."""
    for j in range(words.size):
        random = dither_bits(words[j], step_word)
        lifted = round_lifted(_fma(a[j], gain, shift), first_dither(random))
        a[j] = _fma(lifted, unit, origin)


@inner
def round_two(words, step_word, a, origin, unit, gain, shift, b, origin2, unit2, gain2, shift2):
    """Round two states likewise, with one random word."""
    for j in range(words.size):
        random = dither_bits(words[j], step_word)
        lifted = round_lifted(_fma(a[j], gain, shift), first_dither(random))
        a[j] = _fma(lifted, unit, origin)
        lifted = round_lifted(_fma(b[j], gain2, shift2), second_dither(random))
        b[j] = _fma(lifted, unit2, origin2)


@inner
def store_one(words, step_word, a, gain, shift, out):
    """Write a state as float16 (uint16), rounded as by ``round_one``."""
    for j in range(words.size):
        random = dither_bits(words[j], step_word)
        out[j] = lower_half(round_lifted(_fma(a[j], gain, shift), first_dither(random)))


@inner
def store_two(words, step_word, a, gain, shift, out, b, gain2, shift2, out2):
    """Write two states likewise, with one random word."""
    for j in range(words.size):
        random = dither_bits(words[j], step_word)
        out[j] = lower_half(round_lifted(_fma(a[j], gain, shift), first_dither(random)))
        out2[j] = lower_half(round_lifted(_fma(b[j], gain2, shift2), second_dither(random)))
