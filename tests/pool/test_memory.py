"""Memory: what is allocated when, what is said of it, and that all of it comes back."""

import gc
import os
import subprocess
import sys
import threading
import weakref

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import GPUNeuronPool, MultiGPUNeuronSystem, PerStep
from spikecuda.devices.cpu.device import CpuDevice
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.devices.host_device import HostMemory
from spikecuda.devices.memory import LEAST_FILL, SMALL, MemoryPool
from spikecuda.errors import OutOfMemoryError, SpikecudaError

N = 500


def drive(steps):
    """Every kind of buffer: constants per neuron, a wave, rows."""
    return [PerStep(np.ones((steps, N))), PerStep(np.full(steps, 300.0)), np.linspace(0, 50, N)]


@pytest.mark.parametrize("device, precision", [("cpu", "float16"), ("cuda-emu", "float32")])
def test_nothing_is_allocated_after_the_first_run(device, precision):
    with GPUNeuronPool(
        N, device=device, precision=precision, params={"tau_m": np.linspace(10, 20, N)}
    ) as pool:
        pool.run(steps=40, input=drive(40), record=("spikes", "v"))
        pools = [pool.device.pool, pool.device.pinned]
        before = [(p.allocations, p.allocated, p.in_use) for p in pools]
        held = dict(pool.device.held())
        for _ in range(3):
            pool.run(steps=40, input=drive(40), record=("spikes", "v"))
        assert [(p.allocations, p.allocated, p.in_use) for p in pools] == before
        # Shorter runs take what is there.
        for steps in (20, 30, 40):
            pool.run(steps=steps, input=drive(steps), record=("spikes", "v"))
        assert [(p.allocations, p.allocated) for p in pools] == [b[:2] for b in before]
        pool.run(steps=40, input=drive(40), record=("spikes", "v"))
        assert pool.device.held() == held
    assert pool.device.memory().allocated == pool.device.memory().pinned == 0


def test_nothing_is_allocated_after_the_first_step():
    with GPUNeuronPool(N, device="cpu") as pool:
        pool.step(300.0)
        before = pool.device.pool.allocations, pool.device.memory()
        for current in (300.0, 301.0, 0.0):
            pool.step(current)
        pool.reset()
        pool.step(300.0)
        assert (pool.device.pool.allocations, pool.device.memory().allocated) == (
            before[0], before[1].allocated
        )  # fmt: skip


def test_metrics_tell_memory_by_name_of_buffer():
    with GPUNeuronPool(N, device="cpu") as pool:
        pool.run(steps=100, input=np.full(N, 300.0))
        figures = pool.metrics().memory
        assert figures.in_use == sum(b.in_use for b in figures.buffers.values())
        assert figures.buffers["v"].in_use == figures.buffers["v"].peak == 4 * N
        assert figures.buffers["bias"].in_use == 4 * N
        assert figures.buffers["spike bits"].in_use == 100 * 4 * 16
        assert figures.cached == 0 and figures.allocated == figures.in_use
        pool.run(steps=10, input=300.0)
        after = pool.metrics().memory
        assert after.buffers["bias"].in_use == 0
        assert after.buffers["bias"].peak == after.buffers["bias"].cached == 4 * N
        assert after.peak == figures.in_use and after.cached >= 4 * N
        assert after.allocated == figures.allocated
        assert pool.metrics().as_dict()["memory"]["buffers"]["v"]["in_use"] == 4 * N
    with MultiGPUNeuronSystem(300, devices=["cpu:0", "cuda-emu:0"]) as system:
        system.run(steps=5, input=300.0)
        (name, one), (other, two) = system.memory()
        assert (name, other) == ("cpu:0", "cuda-emu:0")
        assert one.in_use + two.in_use == system.metrics()["total"]["bytes"]
        assert one.pinned == 0 and two.pinned > 0


def test_metrics_tell_windows():
    with GPUNeuronPool(2 * N, device="cuda-emu", window=10, batch_size=512) as pool:
        pool.run(steps=95, input=300.0)
        figures = pool.metrics()
        assert figures.windows == 10 and figures.launches_per_window == 3
        assert 0 < figures.host_microseconds * 10 < 1e6 * figures.run_seconds
        pool.reset()
        assert pool.metrics().windows == 0 and pool.metrics().host_microseconds == 0
    with MultiGPUNeuronSystem(300, 50, ["lif", "adex"], devices=["cpu", "cuda-emu"]) as system:
        system.run(steps=95, input=300.0)
        rows = system.metrics()
        assert rows["total"]["windows"] == rows["lif"]["windows"] + rows["adex"]["windows"] > 0
        assert rows["total"]["launches_per_window"] == 2
        assert rows["total"]["host_microseconds"] > 0


SIZES = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.sampled_from("abc"), st.integers(1, 1 << 19)),
        st.tuples(st.just("give"), st.integers(0, 20), st.just(0)),
        st.tuples(st.just("trim"), st.just(0), st.just(0)),
    ),
    max_size=40,
)


@settings(max_examples=150)
@given(SIZES)
def test_the_pool_keeps_its_books(actions):
    class Counting(HostMemory):
        live = 0

        def allocate(self, size):
            Counting.live += size
            return super().allocate(size)

        def release(self, raw):
            Counting.live -= raw.size

    pool, held, most = MemoryPool(Counting()), [], 0
    for action, which, size in actions:
        if action == "take":
            cached = [b.capacity for b in pool._cached]
            fits = [c for c in cached if size <= c <= max(size / LEAST_FILL, SMALL)]
            allocations = pool.allocations
            buffer, used = pool.take(which, size, np.uint8)
            assert used == bool(fits) and pool.allocations == allocations + (not fits)
            assert buffer.data.size == size and buffer.data.ctypes.data % 64 == 0
            buffer.data[:] = len(held)
            held.append((buffer, buffer.data, len(held)))
        elif action == "give" and held:
            buffer, _, _ = held.pop(which % len(held))
            pool.give(buffer)
            pool.give(buffer)
        elif action == "trim":
            pool.trim()
        most = max(most, sum(data.size for _, data, _ in held))
        assert all((data == value).all() for _, data, value in held)  # nothing overlaps
        assert pool.in_use == sum(data.size for _, data, _ in held) == sum(pool.held().values())
        assert pool.peak == most
        assert pool.allocated == Counting.live
        assert pool.cached == sum(f.cached for f in pool.figures().values())
        assert pool.allocated >= pool.in_use + 0
        # Of each name, no more is kept than was once held.
        for figures in pool.figures().values():
            assert figures.in_use <= figures.peak
    pool.close()
    assert pool.allocated == pool.in_use == pool.cached == Counting.live == 0
    Counting.live = 0


def test_the_cache_is_given_back_before_memory_is_short():
    device = CudaEmuDevice(memory=1 << 20)
    for name in "abcd":
        device.free(device.allocate(name, 200_000, np.uint8))
    assert device.pool.cached == 200_000  # one block served all four
    big = device.allocate("big", 900_000, np.uint8)
    assert device.pool.cached == 0
    with pytest.raises(OutOfMemoryError, match=r"more needs 200 KB on cuda-emu:0"):
        device.allocate("more", 200_000, np.uint8)
    device.free(big)
    assert device.available_memory() == 1 << 20
    device.close()


def test_a_name_that_outgrows_its_cache_gives_it_back():
    device = CpuDevice(1)
    for size in range(1, 50):
        device.free(device.allocate("growing", size << 17, np.uint8))
    assert device.pool.cached <= 2 * (50 << 17)
    device.close()


def test_a_pool_that_is_forgotten_gives_its_memory_back_at_once():
    gc.collect()
    gc.disable()
    try:
        pool = GPUNeuronPool(N, device="cpu")
        pool.run(steps=3000, input=300.0)
        device, state = weakref.ref(pool.device), weakref.ref(pool.population)
        del pool
        assert device() is None and state() is None
    finally:
        gc.enable()


def leak(cycle, times, rounds):
    """Return by how many bytes a process grows over ``rounds`` rounds, the first one excepted."""
    process, grown = psutil.Process(), []
    for _ in range(rounds):
        for _ in range(times):
            cycle()
        gc.collect()
        grown.append(process.memory_info().rss)
    return grown[-1] - grown[1]


def test_thousands_of_pools_leave_nothing_behind():
    """20 kB of state and 20 kB of spike bits a pool: 40 MB would be lost in a thousand cycles."""
    threads, files = threading.active_count(), psutil.Process().num_fds()

    def cycle():
        with GPUNeuronPool(2500, device="cpu", threads=1) as pool:
            pool.run(steps=64, input=300.0)

    grown = leak(cycle, 500, 4)
    assert grown < 4e6  # a tenth
    assert threading.active_count() == threads and psutil.Process().num_fds() == files


@pytest.mark.parametrize("devices", [["cpu:0", "cpu:1"], ["cuda-emu:0", "cuda-emu:1"]])
def test_systems_leave_nothing_behind(devices):
    threads = threading.active_count()
    opened = [CudaEmuDevice(i) for i in range(2)] if devices[0] == "cuda-emu:0" else devices

    def cycle():
        with MultiGPUNeuronSystem(3000, 1000, ["lif"], devices=opened) as system:
            system.run(steps=4, input=300.0)

    grown = leak(cycle, 30, 4)
    assert grown < 4e6 and threading.active_count() == threads
    for device in opened:
        if isinstance(device, CudaEmuDevice):
            assert device.held() == {}
            device.close()
            assert device._device.allocated == 0


def test_failed_runs_leave_nothing_behind(monkeypatch):
    with GPUNeuronPool(2500, device="cpu", threads=1) as pool:
        pool.run(steps=64, input=300.0)
        before = pool.device.memory().allocated

        def cycle():
            def stop(done, total):
                raise RuntimeError("enough")

            with pytest.raises(RuntimeError):
                pool.run(steps=64, input=drive_of(2500), progress=stop)
            with pytest.raises(SpikecudaError):
                pool.run(steps=64, input=np.full(2500, np.nan))
            pool.reset()
            pool.run(steps=64, input=300.0)

        assert leak(cycle, 50, 3) < 4e6
        assert pool.device.memory().allocated <= 2 * before


def drive_of(count):
    return np.full(count, 300.0)


@pytest.mark.parametrize("device", ["cpu", "cuda-emu"])
def test_what_is_open_is_given_back_when_python_ends(device):
    code = f"""
import atexit
import spikecuda
from spikecuda import GPUNeuronPool

pool = GPUNeuronPool(100, device={device!r})
device = pool.device

@atexit.register
def told():  # runs before what was registered before it
    from spikecuda.devices.base import close_all
    assert device.held()
    close_all()
    print("held", device.held(), device.memory().allocated, device.memory().pinned)

pool.run(steps=3000, input=300.0)
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ)
    )
    assert run.stdout.split() == ["held", "{}", "0", "0"], run.stderr
    assert not run.stderr
