"""Kernels that are broken on purpose: each must be caught, and its repaired twin must pass.

Compiled for one architecture of each of the two NVVM optimisers.
"""

from __future__ import annotations

import numpy as np
import pytest
from numba import cuda, float32, int32

from spikecuda import emu

from .ptxlib import module

ARCHITECTURES = [(9, 0), (10, 0)]
N = 256


@pytest.fixture(params=ARCHITECTURES, ids=["sm90", "sm100"])
def cc(request):
    return request.param


def run(function, cc, mode, *arguments, grid=1, block=N, seed=None, shared=0):
    device = emu.Device(cc=cc, mode=mode, seed=seed)
    kernel = emu.compile(function, device=device)
    kernel[grid, block, None, shared](*arguments)


# -- a missing barrier ------------------------------------------------------------------------


def reverse_without_barrier(x):
    tile = cuda.shared.array(N, float32)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    x[t] = tile[N - 1 - t]


def reverse_with_barrier(x):
    tile = cuda.shared.array(N, float32)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    cuda.syncthreads()
    x[t] = tile[N - 1 - t]


def tree_without_inner_barrier(x, out):
    tile = cuda.shared.array(N, float32)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    cuda.syncthreads()
    width = N // 2
    while width > 0:
        if t < width:
            tile[t] += tile[t + width]
        width //= 2
    if t == 0:
        out[0] = tile[0]


def test_missing_barrier_is_an_uninitialised_read_or_a_race(cc):
    x = np.arange(N, dtype=np.float32)
    with pytest.raises(emu.UninitialisedRead, match="never written"):
        run(reverse_without_barrier, cc, "check", x.copy())
    y = x.copy()
    run(reverse_with_barrier, cc, "race", y)
    assert np.array_equal(y, x[::-1])


def test_missing_barrier_in_a_tree_is_a_race(cc):
    x = np.ones(N, np.float32)
    with pytest.raises(emu.DataRace, match="without synchronisation") as caught:
        run(tree_without_inner_barrier, cc, "race", x, np.zeros(1, np.float32))
    assert "shared memory" in str(caught.value)
    assert caught.value.line > 0
    assert "shared" in caught.value.source


def test_missing_barrier_shows_in_fast_mode_when_the_order_is_shuffled(cc):
    x = np.ones(N, np.float32)
    results = set()
    for seed in range(6):
        out = np.zeros(1, np.float32)
        run(tree_without_inner_barrier, cc, "fast", x, out, seed=seed)
        results.add(float(out[0]))
    assert results != {float(N)}


# -- an off-by-one bound ----------------------------------------------------------------------


def store_beyond_the_end(x):
    i = cuda.grid(1)
    if i <= x.size:
        x[i] = 1.0


def store_within(x):
    i = cuda.grid(1)
    if i < x.size:
        x[i] = 1.0


def load_before_the_start(x, y):
    i = cuda.threadIdx.x
    y[i] = x[np.uint64(i) - np.uint64(1)]


def beyond_a_shared_tile(x):
    tile = cuda.shared.array(N, float32)
    t = cuda.threadIdx.x
    tile[t + 1] = x[t]
    cuda.syncthreads()
    x[t] = tile[t]


def test_store_behind_the_end_names_the_place(cc):
    x = np.zeros(100, np.float32)
    with pytest.raises(emu.MemoryFault, match="outside all registered memory") as caught:
        run(store_beyond_the_end, cc, "check", x, block=128)
    fault = caught.value
    assert fault.thread == (100, 0, 0)
    assert fault.block == (0, 0, 0)
    assert fault.address == x.ctypes.data + 400
    assert "st.global" in fault.source
    assert "store_beyond_the_end" in fault.kernel
    assert "0 bytes behind the end of array 1" in str(fault)
    run(store_within, cc, "check", x, block=128)
    assert (x == 1).all()


def test_load_before_the_start(cc):
    x = np.zeros(32, np.float32)
    with pytest.raises(emu.MemoryFault, match="4 bytes further") as caught:
        run(load_before_the_start, cc, "check", x, np.zeros(32, np.float32), block=32)
    assert caught.value.address == x.ctypes.data - 4


def test_store_behind_a_shared_tile(cc):
    with pytest.raises(emu.MemoryFault, match="behind a shared variable") as caught:
        run(beyond_a_shared_tile, cc, "check", np.zeros(N, np.float32))
    assert caught.value.thread == (N - 1, 0, 0)


def test_dynamic_shared_memory_ends_where_the_launch_says(cc):
    def fill(x):
        tile = cuda.shared.array(0, float32)
        t = cuda.threadIdx.x
        tile[t] = x[t]
        cuda.syncthreads()
        x[t] = tile[cuda.blockDim.x - 1 - t]

    x = np.arange(64, dtype=np.float32)
    run(fill, cc, "check", x, block=64, shared=256)
    assert x[0] == 63
    with pytest.raises(emu.MemoryFault):
        run(fill, cc, "check", x, block=64, shared=252)


def test_access_after_free(cc):
    device = emu.Device(cc=cc, mode="check")
    kernel = emu.compile(store_within, device=device)
    array = device.zeros(32)
    kernel[1, 32](array)
    array.free()
    stale = emu.PTXKernel(kernel.specialise("void(f4[::1])", cc).ptx, device=device)
    fields = (0, 0, 32, 4, array.pointer, 32, 4)
    with pytest.raises(emu.MemoryFault):
        stale[1, 32](*fields)


def test_read_only_array(cc):
    x = np.zeros(32, np.float32)
    writable = emu.compile(store_within, "void(f4[::1])", cc, device=emu.Device(cc, "check"))
    x.flags.writeable = False
    with pytest.raises(emu.MemoryFault, match="read-only"):
        writable[1, 32](x)


# -- a race on a counter ----------------------------------------------------------------------


def count_without_atomics(x, counter):
    i = cuda.grid(1)
    if x[i] > 0:
        counter[0] += 1


def count_with_atomics(x, counter):
    i = cuda.grid(1)
    if x[i] > 0:
        cuda.atomic.add(counter, 0, 1)


def count_and_read(x, counter, out):
    i = cuda.grid(1)
    cuda.atomic.add(counter, 0, 1)
    out[i] = counter[0]


@pytest.mark.parametrize(("grid", "block"), [(1, N), (N, 1), (4, 32)])
def test_race_on_a_counter(cc, grid, block):
    x = np.ones(N, np.float32)
    with pytest.raises(emu.DataRace) as caught:
        run(count_without_atomics, cc, "race", x, np.zeros(1, np.int32), grid=grid, block=block)
    assert "block" in str(caught.value)
    counter = np.zeros(1, np.int32)
    run(count_with_atomics, cc, "race", x, counter, grid=grid, block=block)
    assert counter[0] == grid * block


def test_plain_read_of_a_counter_that_others_add_to(cc):
    with pytest.raises(emu.DataRace, match="use an atomic operation in both"):
        x, out = np.ones(N, np.float32), np.zeros(N, np.int32)
        run(count_and_read, cc, "race", x, np.zeros(1, np.int32), out)


def test_a_second_launch_is_ordered_after_the_first(cc):
    device = emu.Device(cc=cc, mode="race")
    kernel = emu.compile(store_within, device=device)
    array = device.zeros(64)
    kernel[2, 32](array)
    kernel[4, 16](array)
    assert device.launches == 2


# -- an uninitialised read --------------------------------------------------------------------


def add_one(x):
    i = cuda.grid(1)
    x[i] += 1.0


def test_uninitialised_global_memory(cc):
    device = emu.Device(cc=cc, mode="check")
    kernel = emu.compile(add_one, device=device)
    array = device.empty(64)
    array[:32].fill(0)
    kernel[1, 32](array)
    with pytest.raises(emu.UninitialisedRead) as caught:
        kernel[1, 64](array)
    assert caught.value.thread == (32, 0, 0)
    assert caught.value.address == array.pointer + 128
    array.fill(0)
    kernel[1, 64](array)
    assert (array.copy_to_host() == 1).all()


def test_uninitialised_local_memory():
    """In PTX, as Numba sets local arrays to zero; each thread starts with unwritten ones."""
    text = module(
        """
  .local .align 4 .b8 mine[16];
  .reg .b32 %r<4>;
  .reg .b64 %d<4>;
  .reg .pred %p;
  mov.u32 %r0, %tid.x;
  mov.u64 %d0, mine;
  mul.wide.u32 %d1, %r0, 4;
  add.s64 %d0, %d0, %d1;
  setp.ge.u32 %p, %r0, 3;
  @!%p st.local.u32 [%d0], %r0;
  ld.local.u32 %r1, [%d0];
  ret;
""",
    )
    device = emu.Device(mode="check")
    kernel = emu.PTXKernel(text, device=device)
    kernel[1, 3]()
    with pytest.raises(emu.UninitialisedRead) as caught:
        kernel[1, 4]()
    assert caught.value.thread == (3, 0, 0)
    with pytest.raises(emu.MemoryFault):
        emu.PTXKernel(
            text.replace("setp.ge.u32 %p, %r0, 3", "setp.ge.u32 %p, %r0, 9"), device=device
        )[1, 5]()


def test_shared_memory_does_not_survive_a_block(cc):
    def leave(x):
        tile = cuda.shared.array(32, float32)
        t = cuda.threadIdx.x
        if cuda.blockIdx.x == 0:
            tile[t] = x[t]
        cuda.syncthreads()
        x[t] = tile[31 - t]

    run(leave, cc, "check", np.zeros(32, np.float32), block=32)
    with pytest.raises(emu.UninitialisedRead) as caught:
        run(leave, cc, "check", np.zeros(32, np.float32), grid=2, block=32)
    assert caught.value.block == (1, 0, 0)


# -- a divergent barrier ----------------------------------------------------------------------


def return_before_the_barrier(x):
    t = cuda.grid(1)
    if t >= x.size:
        return
    x[t] += 1.0
    cuda.syncthreads()
    x[t] += 1.0


def barrier_in_one_branch(x):
    t = cuda.threadIdx.x
    if x[t] > 0:
        x[t] = 2.0
        cuda.syncthreads()
    x[t] += 1.0


def ballot_in_one_branch(x):
    t = cuda.threadIdx.x
    if x[t] > 0:
        x[t] = cuda.ballot_sync(0xFFFFFFFF, x[t] > 1)
    else:
        cuda.syncwarp()


def ballot_of_all(x):
    t = cuda.threadIdx.x
    x[t] = cuda.ballot_sync(0xFFFFFFFF, x[t] > 1)


@pytest.mark.parametrize("mode", ["fast", "check", "race"])
def test_divergent_barrier_is_reported_in_every_mode(cc, mode):
    with pytest.raises(emu.DivergentBarrier, match="28 threads that have ended") as caught:
        run(return_before_the_barrier, cc, mode, np.zeros(100, np.float32), block=128)
    assert "bar" in caught.value.source
    x = np.zeros(128, np.float32)
    run(return_before_the_barrier, cc, mode, x, block=128)
    assert (x == 2).all()
    x[5] = 1
    with pytest.raises(emu.DivergentBarrier):
        run(barrier_in_one_branch, cc, mode, np.array([1, 0] * 32, np.float32), block=64)


@pytest.mark.parametrize("mode", ["fast", "check"])
def test_divergent_warp_operation(cc, mode):
    x = np.zeros(32, np.float32)
    x[3] = 2
    with pytest.raises(emu.DivergentBarrier, match="lanes 0x") as caught:
        run(ballot_in_one_branch, cc, mode, x, block=32)
    assert caught.value.thread in ((0, 0, 0), (3, 0, 0))
    x[:] = 0
    x[3] = 2
    run(ballot_of_all, cc, mode, x, block=32)
    assert (x == 8).all()


def test_exited_lanes_do_not_hold_up_a_ballot(cc):
    def leave_early(x, out):
        t = cuda.threadIdx.x
        if t >= 20:
            return
        out[t] = cuda.ballot_sync(0xFFFFFFFF, x[t] > 0)

    x, out = np.ones(32, np.float32), np.zeros(32, np.uint32)
    run(leave_early, cc, "check", x, out, block=32)
    assert (out[:20] == (1 << 20) - 1).all()


def test_shuffle_from_a_lane_that_does_not_exist(cc):
    def down(x):
        t = cuda.threadIdx.x
        x[t] = cuda.shfl_down_sync(0xFFFFFFFF, x[t], 8)

    x = np.arange(64, dtype=np.int32)
    run(down, cc, "fast", x, block=64)
    assert x[0] == 8 and x[31] == 31
    with pytest.raises(emu.UndefinedResult, match="does not take part"):
        run(down, cc, "fast", np.zeros(64, np.int32), block=48)


# -- what else is undefined -------------------------------------------------------------------


def test_endless_loop_is_reported():
    def spin(x):
        while x[0] == 0:
            x[1] += 1

    device = emu.Device(mode="check", max_branches=1000)
    with pytest.raises(emu.KernelFault, match="endless loop"):
        emu.compile(spin, device=device)[1, 1](np.zeros(2, np.int32))


def test_warp_barriers_order_memory_and_ballots_do_not():
    def exchange(x, flag):
        tile = cuda.shared.array(32, int32)
        t = cuda.threadIdx.x
        tile[t] = x[t]
        if flag:
            cuda.syncwarp()
        else:
            cuda.ballot_sync(0xFFFFFFFF, True)
        x[t] = tile[31 - t]

    x = np.arange(32, dtype=np.int32)
    run(exchange, (9, 0), "race", x, True, block=32)
    assert np.array_equal(x, np.arange(32)[::-1])
    with pytest.raises(emu.DataRace):
        run(exchange, (9, 0), "race", x, False, block=32)


def test_many_readers_then_a_writer_race():
    """The reader that is furthest away is remembered, whoever read last."""

    def read_then_write(x, out, writer):
        i = cuda.grid(1)
        value = x[0]
        if i == writer:
            x[0] = 1.0
        out[i] = value

    for writer in (0, 31, 63):
        with pytest.raises(emu.DataRace):
            x, out = np.zeros(1, np.float32), np.zeros(64, np.float32)
            run(read_then_write, (9, 0), "race", x, out, writer, grid=2, block=32)
    x, out = np.zeros(1, np.float32), np.zeros(64, np.float32)
    run(read_then_write, (9, 0), "race", x, out, 99, grid=2, block=32)


def test_a_reader_of_another_warp_is_not_forgotten():
    """Thread 0 waits for its own warp only: the other warp's reads race with its write."""

    def read_then_write(x, out):
        t = cuda.threadIdx.x
        out[t] = x[0]
        cuda.syncwarp()
        if t == 0:
            x[0] = 1.0
        cuda.syncthreads()

    x, out = np.zeros(1, np.float32), np.zeros(64, np.float32)
    run(read_then_write, (9, 0), "race", x, out, block=32)
    with pytest.raises(emu.DataRace) as caught:
        run(read_then_write, (9, 0), "race", x, out, block=64)
    assert caught.value.thread == (0, 0, 0)
