"""Numba kernels as any user writes them, on the PTX of several architectures and in every mode."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import cuda, float32, int32, uint32

from spikecuda import emu

BOTH = [(9, 0), (10, 0)]  # one for each of the two NVVM optimisers
TILE = 16


def block_sum(x, out):
    """Sum of an array: shuffles within a warp, one partial sum of each warp in shared memory."""
    partial = cuda.shared.array(32, float32)
    i = cuda.grid(1)
    t = cuda.threadIdx.x
    value = float32(0)
    while i < x.size:
        value += x[i]
        i += cuda.gridsize(1)
    for step in (16, 8, 4, 2, 1):
        value += cuda.shfl_down_sync(0xFFFFFFFF, value, step)
    if t % 32 == 0:
        partial[t // 32] = value
    cuda.syncthreads()
    if t < 32:
        value = float32(0)
        if t < (cuda.blockDim.x + 31) // 32:
            value = partial[t]
        for step in (16, 8, 4, 2, 1):
            value += cuda.shfl_down_sync(0xFFFFFFFF, value, step)
        if t == 0:
            cuda.atomic.add(out, 0, value)


def tiled_product(a, b, c):
    """Matrix product through square tiles; any shape."""
    left = cuda.shared.array((TILE, TILE), float32)
    right = cuda.shared.array((TILE, TILE), float32)
    column, row = cuda.grid(2)
    x, y = cuda.threadIdx.x, cuda.threadIdx.y
    total = float32(0)
    for start in range(0, a.shape[1], TILE):
        left[y, x] = 0
        right[y, x] = 0
        if row < a.shape[0] and start + x < a.shape[1]:
            left[y, x] = a[row, start + x]
        if column < b.shape[1] and start + y < b.shape[0]:
            right[y, x] = b[start + y, column]
        cuda.syncthreads()
        for k in range(TILE):
            total += left[y, k] * right[k, x]
        cuda.syncthreads()
    if row < c.shape[0] and column < c.shape[1]:
        c[row, column] = total


def histogram(x, counts):
    """Counts of bytes: a histogram of each block in shared memory, then added up."""
    mine = cuda.shared.array(256, int32)
    t = cuda.threadIdx.x
    for k in range(t, 256, cuda.blockDim.x):
        mine[k] = 0
    cuda.syncthreads()
    i = cuda.grid(1)
    while i < x.size:
        cuda.atomic.add(mine, x[i], 1)
        i += cuda.gridsize(1)
    cuda.syncthreads()
    for k in range(t, 256, cuda.blockDim.x):
        cuda.atomic.add(counts, k, mine[k])


def inclusive_scan(x, out):
    """Prefix sums of one block, doubling the reach in each round, in dynamic shared memory."""
    pair = cuda.shared.array(0, int32)
    n = x.size
    t = cuda.threadIdx.x
    pair[t] = x[t]
    cuda.syncthreads()
    now, reach = 0, 1
    while reach < n:
        value = pair[now * n + t]
        if t >= reach:
            value += pair[now * n + t - reach]
        now = 1 - now
        pair[now * n + t] = value
        reach *= 2
        cuda.syncthreads()
    out[t] = pair[now * n + t]


def integrate_and_ballot(v, current, spikes, decay, n):
    """Leaky integrate-and-fire; one word of spikes for each warp."""
    i = cuda.grid(1)
    fired = False
    if i < n:
        x = v[i] * decay + current[i]
        fired = x >= float32(1)
        v[i] = float32(0) if fired else x
    word = cuda.ballot_sync(0xFFFFFFFF, fired)
    if i < n and cuda.laneid == 0:
        spikes[i >> 5] = word


@cuda.jit(device=True)
def squared(x):
    return x * x


@cuda.jit
def with_device_function(x, out):
    i = cuda.grid(1)
    if i < x.size:
        out[i] = math.sqrt(squared(x[i]) + squared(float32(2)))


@pytest.mark.parametrize("cc", BOTH)
@pytest.mark.parametrize("mode", ["fast", "check", "race"])
def test_reduction(cc, mode):
    x = np.arange(1000, dtype=np.float32)
    for seed in (None, 1):
        out = np.zeros(1, np.float32)
        kernel = emu.compile(block_sum, device=emu.Device(cc=cc, mode=mode, seed=seed))
        kernel[3, 96](x, out)
        # every partial sum is an integer below 2**24, so no order of adding rounds
        assert out[0] == x.sum(dtype=np.float64)


@pytest.mark.parametrize("cc", BOTH)
@pytest.mark.parametrize("mode", ["fast", "check", "race"])
def test_tiled_matrix_product(cc, mode):
    random = np.random.default_rng(0)
    a = random.integers(-8, 8, (37, 29)).astype(np.float32)
    b = random.integers(-8, 8, (29, 41)).astype(np.float32)
    c = np.full((37, 41), np.nan, np.float32)
    kernel = emu.compile(tiled_product, device=emu.Device(cc=cc, mode=mode))
    kernel[(3, 3), (TILE, TILE)](a, b, c)
    assert np.array_equal(c, a @ b)  # small integers: exact in any order


@pytest.mark.parametrize("cc", BOTH)
@pytest.mark.parametrize("mode", ["fast", "check", "race"])
def test_histogram(cc, mode):
    x = np.random.default_rng(1).integers(0, 256, 3000).astype(np.uint8)
    counts = np.zeros(256, np.int32)
    emu.compile(histogram, device=emu.Device(cc=cc, mode=mode, seed=2))[4, 64](x, counts)
    assert np.array_equal(counts, np.bincount(x, minlength=256))


@pytest.mark.parametrize("cc", BOTH)
@pytest.mark.parametrize("mode", ["fast", "check", "race"])
@pytest.mark.parametrize("n", [1, 31, 200])
def test_scan(cc, mode, n):
    x = np.random.default_rng(n).integers(-9, 9, n).astype(np.int32)
    out = np.zeros(n, np.int32)
    kernel = emu.compile(inclusive_scan, device=emu.Device(cc=cc, mode=mode))
    kernel[1, n, None, 8 * n](x, out)
    assert np.array_equal(out, np.cumsum(x))


@pytest.mark.parametrize("cc", emu.ARCHITECTURES)
def test_neurons_with_a_ballot_on_every_architecture(cc):
    n = 1000
    random = np.random.default_rng(3)
    v = random.random(n, dtype=np.float32)
    current = random.random(n, dtype=np.float32)
    x = v * np.float32(0.9)
    fused = (v.astype(np.float64) * np.float64(np.float32(0.9)) + current).astype(np.float32)
    expected = [np.where(y >= 1, np.float32(0), y) for y in (x + current, fused)]
    signature = "void(f4[::1], f4[::1], u4[::1], f4, u4)"
    for mode in ("fast", "check"):
        kernel = emu.compile(integrate_and_ballot, signature, device=emu.Device(cc=cc, mode=mode))
        got, spikes = v.copy(), np.zeros(32, np.uint32)
        kernel[8, 128](got, current, spikes, 0.9, n)
        # NVVM may or may not fuse the product and the sum
        assert any(np.array_equal(got, e) for e in expected)
        words = np.packbits(got == 0, bitorder="little")
        padded = np.zeros(128, np.uint8)
        padded[: len(words)] = words
        assert np.array_equal(spikes, padded.view(np.uint32))


@pytest.mark.parametrize("cc", BOTH)
def test_device_functions_and_mathematics(cc):
    x = np.linspace(0.1, 20, 100, dtype=np.float32)
    out = np.zeros(100, np.float32)
    emu.compile(with_device_function, device=emu.Device(cc=cc))[4, 32](x, out)
    # a square, a sum and a root, each within half an ulp: 2 ulp together
    np.testing.assert_allclose(out, np.sqrt(x.astype(np.float64) ** 2 + 4), rtol=2 * 2.0**-24 * 2)


def elementary(x, scale, out):
    i = cuda.grid(1)
    if i < x.size:
        a = x[i]
        out[i, 0] = math.exp(a)
        out[i, 1] = math.log(a)
        out[i, 2] = math.sin(a)
        out[i, 3] = math.cos(a * scale)
        out[i, 4] = math.tanh(a)
        out[i, 5] = a**2.5
        out[i, 6] = math.erf(a)
        out[i, 7] = math.atan2(a, 1 + a)


@pytest.mark.parametrize("cc", BOTH)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_libdevice_functions(cc, kind):
    """NVIDIA states at most 4 ulp for these; the slow paths of sin and cos are calls."""
    x = np.linspace(0.01, 30, 200).astype(kind)
    out = np.zeros((200, 8), kind)
    emu.compile(elementary, device=emu.Device(cc=cc))[7, 32](x, kind(1000), out)
    with np.errstate(over="ignore"):
        a = x.astype(np.float64)
        erf = np.array([math.erf(v) for v in a])
        cos = np.cos((x * kind(1000)).astype(float))
        exact = [np.exp(a), np.log(a), np.sin(a), cos, np.tanh(a), a**2.5, erf]
        exact.append(np.arctan2(a, 1 + a))
    eps = np.finfo(kind).eps
    for column, values in enumerate(exact):
        # where log, sin and cos pass through zero the argument's own rounding counts
        np.testing.assert_allclose(out[:, column], values, rtol=4 * eps, atol=4 * eps)


def half_precision(x, y):
    i = cuda.grid(1)
    if i < x.size:
        y[i] = cuda.fp16.hfma(x[i], x[i], x[i])


@pytest.mark.parametrize("cc", BOTH)
def test_halves(cc):
    x = np.linspace(-3, 3, 64).astype(np.float16)
    y = np.zeros(64, np.float16)
    emu.compile(half_precision, device=emu.Device(cc=cc))[2, 32](x, y)
    exact = x.astype(np.float64) ** 2 + x.astype(np.float64)  # exact in a double
    assert np.array_equal(y, exact.astype(np.float16))


def everything(a, number, flag, small, pair, z, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = a[i, 1] + number + small + pair[0] * pair[1] + z.real * z.imag
        if flag:
            out[i] += 1000


@pytest.mark.parametrize("cc", BOTH)
def test_arguments_of_every_kind(cc):
    a = np.arange(12, dtype=np.float64).reshape(4, 3)[:, ::-1]  # strides of its own
    out = np.zeros(4)
    kernel = emu.compile(everything, device=emu.Device(cc=cc, mode="check"))
    kernel[1, 4](a, 2.5, True, np.int8(-3), (np.float32(2), 4), 3 + 5j, out)
    assert np.array_equal(out, a[:, 1] + 2.5 - 3 + 8 + 15 + 1000)


def warp_functions(x, out):
    i = cuda.grid(1)
    a = uint32(x[i])
    out[i, 0] = cuda.popc(a)
    out[i, 1] = cuda.clz(a)
    out[i, 2] = cuda.brev(a)
    out[i, 3] = cuda.ffs(a)
    out[i, 4] = cuda.match_any_sync(0xFFFFFFFF, a)
    out[i, 5] = cuda.syncthreads_count(int32(a > 3))
    out[i, 6] = cuda.all_sync(0xFFFFFFFF, a > 1)
    out[i, 7] = cuda.shfl_xor_sync(0xFFFFFFFF, int32(a), 5)


@pytest.mark.parametrize("cc", BOTH)
def test_intrinsics(cc):
    x = np.arange(32, dtype=np.uint32) // 3
    out = np.zeros((32, 8), np.uint32)
    emu.compile(warp_functions, device=emu.Device(cc=cc, mode="race"))[1, 32](x, out)
    for i, a in enumerate(int(v) for v in x):
        same = sum(1 << k for k, v in enumerate(x) if v == a)
        reverse = int(f"{a:032b}"[::-1], 2)
        first = (a & -a).bit_length()
        count = int((x > 3).sum())
        expected = [a.bit_count(), 32 - a.bit_length(), reverse, first, same, count, 0, x[i ^ 5]]
        assert out[i].tolist() == expected
