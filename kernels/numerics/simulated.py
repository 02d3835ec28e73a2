"""The numerics for the CUDA simulator, where a kernel is plain Python.

Calling an njit function from Python turns a float32 into a Python float; these wrappers give the
result its NumPy type back, so that the simulator computes with the types of the kernel.
"""

import numpy as np

from spikecuda.kernels import numerics

U = np.uint32


def fma(a, b, c):
    """Return ``a * b + c`` in the type of ``a``."""
    return type(a)(numerics.fma(a, b, c))


def mul(a, b):
    """Return ``a * b`` in the type of ``a``."""
    return type(a)(numerics.mul(a, b))


def select(condition, a, b):
    """Return ``a`` or ``b``."""
    return a if condition else b


def flush_tiny(a):
    """Return 0 for a tiny number, else the number, in its type."""
    return type(a)(numerics.flush_tiny(a))


def both(a, b):
    """Return ``a and b``."""
    return bool(a) and bool(b)


def lift_half(a):
    """Return the lifted float32 of a half's bits."""
    return np.float32(numerics.lift_half(a))


def lower_half(a):
    """Return the bits of the half that a lifted float32 stands for."""
    return np.uint16(numerics.lower_half(a))


def round_lifted(a, low_bits):
    """Return the lifted form of a number rounded stochastically to a half."""
    return np.float32(numerics.round_lifted(a, low_bits))


def dither_bits(neuron_word, step_word):
    """Return random bits as uint32."""
    return U(numerics.dither_bits(neuron_word, step_word))


def first_dither(random):
    """Return the bits that round the first of two states."""
    return np.int32(numerics.first_dither(random))


def second_dither(random):
    """Return the bits that round the second of two states."""
    return np.int32(numerics.second_dither(random))


def dither_key(word, key0, key1):
    """Return what makes the neurons' words of a seed."""
    return U(numerics.dither_key(word, key0, key1))


def dither_word(neuron, key):
    """Return the word of a neuron."""
    return U(numerics.dither_word(neuron, key))


def philox(c0, c1, c2, c3, k0, k1):
    """Return four random words."""
    return tuple(U(w) for w in numerics.philox(c0, c1, c2, c3, k0, k1))


def gaussian_pair(first, second):
    """Return two standard normal float32 numbers."""
    a, b = numerics.gaussian_pair(first, second)
    return np.float32(a), np.float32(b)


def uniform_open(word):
    """Return a uniform float32."""
    return np.float32(numerics.uniform_open(word))


def exp32(a):
    """Return e^a as float32."""
    return np.float32(numerics.exp32(a))


def expm1_32(a):
    """Return e^a - 1 as float32."""
    return np.float32(numerics.expm1_32(a))


def poisson_count(uniform, mean, none, some, reciprocals):
    """Return a Poisson count as float32."""
    return np.float32(numerics.poisson_count(uniform, mean, none, some, np.asarray(reciprocals)))
