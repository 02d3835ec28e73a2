"""Kernels that are broken on purpose, and a sound one to compare them with."""

import functools

import numpy as np
from numba import cuda

from spikecuda.inspection import Subject, compiled
from spikecuda.kernels.numerics import fma
from spikecuda.kernels.spec import Argument

ARGUMENTS = (
    Argument("v", "float32", True),
    Argument("a", "float32", False),
    Argument("b", "float32", False),
    Argument("_bits", "uint32", True),
    Argument("_last", "int64", False),
    Argument("_steps", "int64", False),
)


def _thread():
    return np.uint32(
        np.uint32(cuda.blockIdx.x) * np.uint32(cuda.blockDim.x) + np.uint32(cuda.threadIdx.x)
    )


_thread = cuda.jit(device=True, inline="always")(_thread)


def sound(v, a, b, _bits, _last, _steps):
    i = _thread()
    x = v[i]
    for k in range(np.uint32(_steps)):
        x = fma(x, a, b)
        word = cuda.ballot_sync(0xFFFFFFFF, x > b)
        if i & np.uint32(31) == np.uint32(0):
            _bits[np.uint32(np.uint32(i >> np.uint32(5)) + k)] = word
    v[i] = x


def float64_literal(v, a, b, _bits, _last, _steps):
    i = _thread()
    v[i] = v[i] * 0.1


def contracting(v, a, b, _bits, _last, _steps):
    i = _thread()
    v[i] = v[i] * a + b


def many_live_values(v, a, b, _bits, _last, _steps):
    i = np.uint32(64) * _thread()
    held = cuda.local.array(64, np.float32)
    for j in range(64):
        held[j] = v[i + np.uint32(j)]
    for _ in range(np.uint32(_steps)):
        for j in range(64):
            held[j] = fma(held[(j + 7) % 64], held[(j + 21) % 64], held[j])
    for j in range(64):
        v[i + np.uint32(j)] = held[j]


def strided(v, a, b, _bits, _last, _steps):
    i = np.uint32(_thread() * np.uint32(32))
    v[i] = fma(v[i], a, b)


def gathered(v, a, b, _bits, _last, _steps):
    i = _bits[_thread()]
    v[i] = fma(v[i], a, b)


def divergent(v, a, b, _bits, _last, _steps):
    i = np.uint32(0)
    if v[_thread()] > a:
        i = np.uint32(_last)
        _bits[i] = np.uint32(1)
    v[np.uint32(i + np.uint32(1))] = b


def state_in_loop(v, a, b, _bits, _last, _steps):
    i = _thread()
    for k in range(np.uint32(_steps)):
        v[i] = fma(v[i], a, b)
        _bits[np.uint32(i + k)] = np.uint32(k)


def float_sum(v, a, b, _bits, _last, _steps):
    cuda.atomic.add(v, 0, a)


def table_by_word(v, a, b, _bits, _last, _steps):
    i = _thread()
    part = _bits[np.uint32(i >> np.uint32(5))]
    v[np.uint32(np.uint32(part * np.uint32(32)) + i)] = a


def table_by_half_word(v, a, b, _bits, _last, _steps):
    i = _thread()
    part = _bits[np.uint32(i >> np.uint32(4))]
    v[np.uint32(np.uint32(part * np.uint32(32)) + i)] = a


@functools.cache
def build(function, cc, **options) -> Subject:
    return compiled(function, ARGUMENTS, cc, states=("v",), **options)
