"""The emulated device: allocations, copies, streams, launches, arguments and their errors."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from numba import cuda, float32

from spikecuda import emu
from spikecuda.errors import ClosedError, OutOfMemoryError, SpikecudaValueError

from .ptxlib import module


def double(x):
    i = cuda.grid(1)
    if i < x.size:
        x[i] *= float32(2)


SIGNATURE = "void(f4[::1])"


@pytest.fixture(scope="module")
def kernel():
    return emu.compile(double, SIGNATURE, (9, 0))


def test_arrays_come_and_go(kernel):
    device = emu.Device(mode="check")
    x = device.to_device(np.arange(10, dtype=np.float32))
    assert (x.shape, x.dtype, x.size, x.nbytes, len(x)) == ((10,), np.float32, 10, 40, 10)
    assert x.pointer % 256 == 0
    device.launch(kernel, 1, 32, x, stream=device.stream())
    assert np.array_equal(x.copy_to_host(), 2 * np.arange(10))
    out = np.empty(10, np.float32)
    assert x.copy_to_host(out) is out
    y = device.empty((2, 5), np.float32)
    y.copy_from(x)
    assert y.copy_to_host()[1, 0] == 10
    assert device.allocated == 80
    x.free()
    y.free()
    assert device.allocated == 0
    with pytest.raises(ClosedError, match="freed already"):
        x.free()


def test_copies_carry_what_was_never_written(kernel):
    device = emu.Device(mode="check")
    x, y = device.empty(8), device.empty(8)
    x[:4].fill(1)
    y.copy_from(x)
    device.launch(kernel, 1, 4, y[:4])
    with pytest.raises(emu.UninitialisedRead):
        device.launch(kernel, 1, 8, y)
    x[4:].copy_from_host(np.ones(4, np.float32))
    y.copy_from(x)
    device.launch(kernel, 1, 8, y)
    assert (y.copy_to_host() == 2).all()


def test_copies_between_devices_of_different_modes(kernel):
    checked, fast = emu.Device(mode="check"), emu.Device(mode="fast")
    source = fast.to_device(np.ones(8, np.float32))
    target = checked.empty(8)
    target.copy_from(source)
    checked.launch(kernel, 1, 8, target)
    assert (target.copy_to_host() == 2).all()


def test_strided_views_mark_only_their_elements(kernel):
    device = emu.Device(mode="check")
    x = device.empty((4, 4))
    x[:, :2].fill(1)
    flat = x.view(np.uint32)
    assert flat.dtype == np.uint32
    with pytest.raises(emu.UninitialisedRead) as caught:
        device.launch(kernel, 1, 4, x[0])
    assert caught.value.address == x.pointer + 8
    with pytest.raises(SpikecudaValueError, match="slices"):
        x[0, 0]


def test_memory_limit_and_shapes():
    device = emu.Device(memory=1000)
    device.empty(200)
    with pytest.raises(OutOfMemoryError, match=r"needs 400 bytes .got 200"):
        device.empty(100)
    with pytest.raises(SpikecudaValueError, match=r"shape \(200,\)"):
        emu.Device().empty(200).copy_from_host(np.zeros(3))
    with pytest.raises(SpikecudaValueError, match="8 bytes"):
        emu.Device().empty(2).copy_from(emu.Device().empty(3))


def test_closed_device_refuses(kernel):
    with emu.Device() as device:
        device.zeros(4)
    with pytest.raises(ClosedError):
        device.zeros(4)
    with pytest.raises(ClosedError):
        device.launch(kernel, 1, 1, np.zeros(1, np.float32))


def test_streams_and_events_keep_order():
    device = emu.Device()
    stream = device.stream()
    first, last = stream.record(), device.event()
    stream.wait(first)
    last.record(stream)
    stream.synchronize()
    device.synchronize()
    last.synchronize()
    assert last.query()
    assert first.elapsed_ms(last) >= 0
    with pytest.raises(SpikecudaValueError, match="recorded"):
        device.event().elapsed_ms(last)


@pytest.mark.parametrize("mode", ["slow", "Check"])
def test_unknown_mode(mode):
    with pytest.raises(SpikecudaValueError, match="mode must be one of fast, check, race"):
        emu.Device(mode=mode)


def test_unknown_architecture():
    with pytest.raises(emu.LaunchError, match=r"cc must be one of 7.5"):
        emu.Device(cc=(6, 1))
    with pytest.raises(emu.LaunchError, match=r"cc must be one of 7.5"):
        emu.compile_ptx(double, SIGNATURE, (3, 5))


@pytest.mark.parametrize(
    ("grid", "block", "message"),
    [
        (0, 32, "grid.x must be 1 to"),
        (1, 0, "block.x"),
        (1, 1025, "block.x"),
        ((1, 70000), 1, "grid.y"),
        (1, (32, 32, 2), "at most 1024 threads"),
        (1, (1, 1, 65), "block.z"),
        ((1, 1, 1, 1), 1, "1 to 3 dimensions"),
    ],
)
def test_launch_limits(kernel, grid, block, message):
    with pytest.raises(emu.LaunchError, match=message):
        kernel[grid, block](np.zeros(1, np.float32))


def test_launch_configuration_and_shared_memory(kernel):
    with pytest.raises(emu.LaunchError, match="a launch needs"):
        kernel[1](np.zeros(1, np.float32))
    for shared in (-1, 300_000):
        with pytest.raises(emu.LaunchError, match="shared memory must be"):
            kernel[1, 1, None, shared](np.zeros(1, np.float32))


def test_limits_that_the_ptx_states():
    text = module("ret;").replace(".visible .entry k()", ".visible .entry k() .maxntid 64, 1, 1")
    emu.PTXKernel(text)[1, 64]()
    with pytest.raises(emu.LaunchError, match="at most 64 threads as the kernel"):
        emu.PTXKernel(text)[1, 65]()
    text = text.replace(".maxntid 64, 1, 1", ".reqntid 32")
    emu.PTXKernel(text)[1, 32]()
    with pytest.raises(emu.LaunchError, match="block must be"):
        emu.PTXKernel(text)[1, 64]()


def test_argument_errors(kernel):
    with pytest.raises(emu.LaunchError, match=r"takes 1 arguments .got 2"):
        kernel[1, 1](np.zeros(1, np.float32), 3)
    plain = emu.PTXKernel(kernel.ptx)
    with pytest.raises(emu.ArgumentError, match=r"takes 7 fields .got 1"):
        plain[1, 1](3)
    with pytest.raises(emu.ArgumentError, match="must be an array, a number"):
        plain[1, 1]("text")
    with pytest.raises(emu.ArgumentError, match="must hold numbers"):
        plain[1, 1](np.array([None]))


def test_numbers_must_fit_their_parameter():
    body = ".reg .b32 %r; ld.param.u32 %r, [a]; ret;"
    kernel = emu.PTXKernel(module(body, ".param .u32 a, .param .f32 b, .param .u8 c"))
    kernel[1, 1](2**32 - 1, 1.5, 255)
    kernel[1, 1](-(2**31), np.float32(1.5), -128)
    with pytest.raises(emu.ArgumentError, match="parameter a must fit in 4 bytes"):
        kernel[1, 1](2**32, 1.5, 0)
    with pytest.raises(emu.ArgumentError, match="parameter a is an integer"):
        kernel[1, 1](1.5, 1.5, 0)
    with pytest.raises(emu.ArgumentError, match="parameter c"):
        kernel[1, 1](1, 1.5, 300)


def test_choosing_a_kernel_of_several():
    text = module("ret;") + module("trap; ret;", name="other").split(".address_size 64")[1]
    emu.PTXKernel(text, entry="k")[1, 1]()
    with pytest.raises(emu.KernelFault):
        emu.PTXKernel(text, entry="other")[1, 1]()
    with pytest.raises(emu.LaunchError, match=r"entry must be one of \['k', 'other'\]"):
        emu.PTXKernel(text)[1, 1]()
    with pytest.raises(emu.LaunchError, match="got 'third'"):
        emu.PTXKernel(text, entry="third")[1, 1]()


def test_arrays_of_other_devices_and_freed_ones_are_refused(kernel):
    one, other = emu.Device(), emu.Device(ordinal=1)
    x = one.zeros(8)
    with pytest.raises(emu.ArgumentError, match="an array on emulated CUDA device 0"):
        kernel.launch(1, 8, (x,), device=other)
    loose = emu.PTXKernel(kernel.ptx)
    launched = one.launches
    loose[1, 8](x)
    assert one.launches == launched + 1  # runs where its array is
    x.free()
    with pytest.raises(ClosedError, match="was freed"):
        kernel.launch(1, 8, (x,), device=one)
    y = other.zeros(8)
    other.close()
    with pytest.raises(ClosedError):
        loose[1, 8](y)


def test_one_kernel_on_several_devices(kernel):
    for mode in ("fast", "check", "race"):
        bound = kernel.on(emu.Device(mode=mode))
        x = np.ones(8, np.float32)
        bound[1, 8](x)
        assert (x == 2).all()
        assert "double" in bound.name


def test_threads_of_the_host_may_launch_at_once(kernel):
    arrays = [np.ones(5000, np.float32) for _ in range(4)]

    def work(x):
        for _ in range(5):
            kernel.on(emu.Device())[40, 128](x)
            kernel[40, 128](x)

    threads = [threading.Thread(target=work, args=(x,)) for x in arrays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((x == 1024).all() for x in arrays)


def test_a_fault_names_the_kernel_in_two_devices_alike(kernel):
    x = np.zeros(8, np.float32)
    checked = kernel.on(emu.Device(mode="check"))
    with pytest.raises(emu.MemoryFault):
        emu.PTXKernel(kernel.ptx, device=emu.Device(mode="check"))[1, 8](0, 0, 99, 4, 4096, 99, 4)
    checked[1, 8](x)  # a fault of one launch leaves the next alone


def not_compilable(x):
    x[0] = x + "text"


def test_numba_errors_pass_through():
    from numba.core.errors import TypingError

    with pytest.raises(TypingError):
        emu.compile(not_compilable, SIGNATURE, (9, 0))
    with pytest.raises(emu.ArgumentError, match="returns nothing"):
        emu.compile(double, "f4(f4[::1])", (9, 0))


def test_seeds_repeat():
    def order(log, place):
        i = cuda.grid(1)
        log[cuda.atomic.add(place, 0, 1)] = i

    logs = {}
    for seed in (None, 1, 1, 2):
        log, place = np.zeros(256, np.int32), np.zeros(1, np.int32)
        emu.compile(order, device=emu.Device(seed=seed))[4, 64](log, place)
        assert sorted(log) == list(range(256))
        assert seed not in logs or np.array_equal(logs[seed], log)
        logs[seed] = log
    assert np.array_equal(logs[None], np.arange(256))
    assert not np.array_equal(logs[1], logs[2])


def test_line_information_does_not_disturb():
    from numba.core import types
    from numba.cuda.compiler import _compile_pyfunc_with_fixup

    from spikecuda.kernels.compile.offline import without_device

    with without_device((9, 0)):
        array = types.Array(types.float32, 1, "C")
        code, _ = _compile_pyfunc_with_fixup(
            double,
            types.void(array),
            lineinfo=True,
            device=False,
            abi="numba",
            cc=(9, 0),
            lto=False,
        )
        text = code.get_asm_str(cc=(9, 0))
    assert ".loc" in text
    x = np.ones(8, np.float32)
    emu.PTXKernel(text)[1, 8](x)
    assert (x == 2).all()
