"""The CUDA adapter against a recorded fake of the driver, whose kernels run as PTX."""

import ctypes
import threading

import numpy as np
import pytest

from spikecuda import GPUNeuronPool
from spikecuda.common.distributions import Uniform
from spikecuda.errors import DeviceError, OutOfMemoryError
from spikecuda.inputs.stimulus import Noise, PerStep

N = 97


@pytest.fixture(autouse=True)
def short_windows(monkeypatch):
    """Let runs of some ten steps have several windows, so that graphs are replayed."""
    monkeypatch.setattr("spikecuda.runtime.run.WINDOW_STEPS", 8)


def clock_of(pool):
    return pool.population.partitions[0].arguments()["_clock"]


def current(model="lif"):
    low, high = {"lif": (200, 900), "adex": (500, 2500)}[model]
    return np.linspace(low, high, N)


def simulate(device, model="lif", precision="float32", *, splits=(27,), block=None, drive=None,
             record=("spikes",), **options):  # fmt: skip
    """Return spikes and end state as bytes."""
    start = {"v": Uniform(-70.0, -49.9)}
    with GPUNeuronPool(
        N, model, precision=precision, device=device, seed=7, initial=start, **options
    ) as pool:
        if block:
            pool.device.block = block
        spikes = []
        for steps in splits:
            given = current(model) if drive is None else drive(steps)
            result = pool.run(steps=steps, input=given, record=record)
            spikes.append((result.spikes.step.tobytes(), result.spikes.neuron.tobytes()))
            spikes += [trace.tobytes() for trace in result.traces.values()]
        assert pool.metrics().spikes > 0
        return spikes, {name: pool.state[name].tobytes() for name in pool.state}


@pytest.mark.parametrize("mode", ["fast", "check"])
def test_pool_has_the_bits_of_the_cpu(fake_gpu, mode):
    fake_gpu(mode=mode)
    assert simulate("cuda:0") == simulate("cpu")


def test_float16_with_noise_and_traces_has_the_bits_of_the_cpu(fake_gpu):
    """Dither words for each window, per-step currents, noise, traces: every kind of buffer."""
    fake_gpu()

    def drive(steps):
        rng = np.random.default_rng(steps)
        return [PerStep(rng.uniform(300, 2500, (steps, N))), Noise(np.linspace(0, 300, N))]

    case = {"model": "adex", "precision": "float16", "drive": drive, "record": ("spikes", "v"),
            "splits": (19, 8)}  # fmt: skip
    assert simulate("cuda:0", **case) == simulate("cpu", **case)


@pytest.mark.parametrize("variation", [
    {"splits": (1, 7, 19)}, {"batch_size": 40}, {"block": 32}, {"block": 256},
])  # fmt: skip
def test_launches_do_not_change_the_bits(fake_gpu, variation):
    fake = fake_gpu()
    expected = simulate("cpu", splits=variation.get("splits", (27,)))
    assert simulate("cuda:0", **variation) == expected
    threads = {call.arguments["config"].block for call in fake.named("launch")}
    assert threads == {(variation.get("block", 128), 1, 1), (32, 1, 1)}


def test_launches_say_what_they_should(fake_gpu):
    fake = fake_gpu()
    simulate("cuda:0", splits=(3,), batch_size=64, block=32)
    updates, (clock,) = fake.named("launch")[:-1], fake.named("launch")[-1:]
    assert [c.arguments["config"].grid[0] for c in updates] == [2, 2]
    assert clock.arguments["config"].grid[0] == 1
    words = [[v.value for v in c.arguments["kernel_args"]] for c in updates]
    # The last are _first, _last, _count, _steps, _identity and the seed's two keys.
    assert [w[-7:] for w in words] == [[0, 64, N, 3, 0, 7, 0], [64, 97, N, 3, 0, 7, 0]]
    kinds = {type(v) for v in updates[0].arguments["kernel_args"]}
    assert kinds == {ctypes.c_int16, ctypes.c_int64, ctypes.c_uint32, ctypes.c_float}


def test_an_array_is_seven_words(fake_gpu):
    fake_gpu()
    from spikecuda.devices.cuda.device import array

    with GPUNeuronPool(N, device="cuda:0") as pool:
        buffer = pool.population.partitions[0].state["v"]
        words = array(buffer)
        assert [w.value for w in words] == [0, 0, N, 4, buffer.data.handle, N, 4]
        assert {type(w) for w in words} == {ctypes.c_int64}


def test_memory_comes_from_the_pool_in_stream_order(fake_gpu):
    fake = fake_gpu()
    with GPUNeuronPool(N, device="cuda:0", params={"tau_m": np.linspace(10, 20, N)}) as pool:
        device = pool.device
        stream, memory = device.stream.core, device.pool.source.pool
        pool.run(steps=3, input=current())
        made = fake.named("DeviceMemoryResource.allocate")
        assert {c.on for c in made} == {memory}
        assert {c.arguments["stream"] for c in made} == {stream}
        zeroed = fake.named("Buffer.fill")[: len(made)]
        assert [c.arguments["value"] for c in zeroed] == [0] * len(made)
        figures = device.memory()
        assert fake.allocated == figures.in_use == figures.allocated
        assert fake.pinned == figures.pinned == N // 32 * 3 * 4 + 3 * 4
        assert memory.reserved >= fake.allocated
    freed = [c for c in fake.named("Buffer.close") if not hasattr(c.on, "array")]
    assert len(freed) == len(made)
    assert {c.arguments["stream"] for c in freed} == {stream}
    assert fake.allocated == fake.pinned == 0 and memory.closed
    streams = [device.stream, device.uploads, device.downloads]
    assert all(s.core.closed for s in streams) and len({s.core for s in streams}) == 3


def test_nothing_is_allocated_between_windows(fake_gpu):
    fake = fake_gpu()
    with GPUNeuronPool(N, device="cuda:0") as pool:

        def mark(done, total):
            fake.calls.append("window")

        pool.run(steps=40, input=current(), progress=mark)
    first = fake.calls.index("window")
    last = len(fake.calls) - 1 - fake.calls[::-1].index("window")
    between = [c.name for c in fake.calls[first:last] if c != "window"]
    assert fake.calls.count("window") == 5
    assert "Graph.launch" in between
    assert not {n for n in between if n.endswith(("allocate", "Buffer.close", "from_cubin"))}


def test_freed_memory_is_kept_for_the_next_run(fake_gpu):
    fake = fake_gpu()
    with GPUNeuronPool(N, device="cuda:0") as pool:
        device = pool.device
        before = device.available_memory()
        buffer = device.allocate("big", 10 << 20, np.uint8)
        assert device.available_memory() <= before - (10 << 20)
        device.free(buffer)
        device.synchronize()
        assert device.memory().buffers["big"].cached == 10 << 20
        assert device.available_memory() >= before - (1 << 20)
        fake.forget()
        again = device.allocate("large", 9 << 20, np.uint8)
        assert not fake.named("DeviceMemoryResource.allocate")
        assert not device.read(again).any()
        device.free(again)
        # The driver's pool keeps it, too.
        assert device.pool.trim() >= 10 << 20 and device.pool.cached == 0
        device.synchronize()
        assert device.pool.source.pool.reserved >= 10 << 20
        assert device.available_memory() >= before - (1 << 20)


def test_a_window_is_captured_once_and_replayed(fake_gpu):
    fake = fake_gpu()
    with GPUNeuronPool(N, device="cuda:0") as pool:
        pool.run(steps=27, input=current())
        launched = pool.device.launches
        builders = [c.on for c in fake.named("GraphBuilder.begin_building")]
        complete = [c.on for c in fake.named("GraphBuilder.complete")]
        assert complete == builders and len(builders) == 2  # one for each window under way
        assert {b.state for b in builders} == {"closed"}
        for builder in builders:  # a window and the clock
            captured = [c for c in fake.named("launch") if c.arguments["stream"] is builder]
            assert len(captured) == 2
        direct = [c for c in fake.named("launch") if c.arguments["stream"] not in builders]
        assert len(direct) == 2  # the rest of 3 steps
        assert len(fake.named("Graph.launch")) == 3
        assert launched == 3 * 2 + 2
        # Loading code is not for a capture.
        names = [c.name for c in fake.calls]
        begun = names.index("GraphBuilder.begin_building")
        assert "ObjectCode.from_cubin" not in names[begun:]
        # A run like it replays what is there.
        fake.forget()
        pool.run(steps=27, input=current()[::-1])
        assert len(fake.named("Graph.launch")) == 3 and len(fake.named("launch")) == 2
        again = {"GraphBuilder.begin_building", "DeviceMemoryResource.allocate"}
        assert not fake.named(*again, "LegacyPinnedMemoryResource.allocate")
        # Another current for all neurons is in the graph: it is captured anew.
        pool.run(steps=16, input=300.0)
        pool.run(steps=16, input=301.0)
        assert len(fake.named("GraphBuilder.begin_building")) == 2
    assert len(fake.named("Graph.close")) == 4


def test_batches_run_side_by_side_and_come_together(fake_gpu):
    fake = fake_gpu()
    with GPUNeuronPool(300, device="cuda:0", batch_size=32) as pool:
        pool.run(steps=3, input=300.0)
        main = pool.device.stream.core
        *updates, clock = [c.arguments["stream"] for c in fake.named("launch")]
        assert len(updates) == 10 and clock is main
        assert updates[:4] == updates[4:8] and len(set(updates)) == 4 and updates[0] is main
        waits = [(c.on, c.arguments["event_or_stream"]) for c in fake.named("Stream.wait")]
        assert [w for w in waits if w[0] in updates[1:4]] == [(s, main) for s in updates[1:4]]
        assert [w for w in waits if w[1] in updates[1:4]] == [(main, s) for s in updates[1:4]]
        fake.forget()
        pool.run(steps=24, input=300.0)
        (split, _), (join, _) = fake.named("GraphBuilder.split"), fake.named("GraphBuilder.join")
        assert split.arguments["count"] == 4 and len(join.arguments["graph_builders"]) == 4


def test_a_capture_that_fails_leaves_the_device_usable(fake_gpu):
    fake = fake_gpu()
    with GPUNeuronPool(N, device="cuda:0") as pool:
        pool.run(steps=2, input=current())
        launched = pool.device.launches

        def work():
            pool.device.advance(clock_of(pool), 1)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            pool.device.capture(work)
        assert fake.named("GraphBuilder.close")[-1].on.state == "closed"
        assert pool.device.launches == launched
        assert pool.run(steps=2, input=current()).steps == 2


FAILING = [
    "launch", "Stream.sync", "cuMemcpyHtoDAsync", "cuMemcpyDtoHAsync", "Graph.launch",
    "GraphBuilder.complete", "Buffer.fill", "ObjectCode.get_kernel", "cuMemGetInfo",
    "LegacyPinnedMemoryResource.allocate", "Stream.record", "Stream.wait", "Event.sync",
]  # fmt: skip


@pytest.mark.parametrize("name", FAILING)
def test_a_failing_call_is_a_device_error_and_gives_everything_back(fake_gpu, name):
    fake = fake_gpu()
    pool = GPUNeuronPool(N, device="cuda:0")
    fake.failures[name] = "CUDA_ERROR_ILLEGAL_ADDRESS"
    with pytest.raises(DeviceError, match=r"CUDA_ERROR_ILLEGAL_ADDRESS.* words.*nvidia-smi"):
        pool.run(steps=27, input=current())
    fake.failures.clear()
    pool.close()
    assert fake.allocated == fake.pinned == 0


@pytest.mark.parametrize("name", [
    "Device.create_stream", "DeviceMemoryResource.__init__", "cuMemPoolSetAttribute",
    "DeviceMemoryResource.allocate",
])  # fmt: skip
def test_a_pool_that_cannot_be_built_gives_everything_back(fake_gpu, name):
    fake = fake_gpu()
    fake.failures[name] = "CUDA_ERROR_NOT_PERMITTED"
    with pytest.raises(DeviceError, match="CUDA_ERROR_NOT_PERMITTED"):
        GPUNeuronPool(N, device="cuda:0")
    assert fake.allocated == 0


def test_closing_after_a_fault_reports_it_and_frees(fake_gpu):
    fake = fake_gpu()
    pool = GPUNeuronPool(N, device="cuda:0")
    fake.failures["Stream.sync"] = "CUDA_ERROR_LAUNCH_FAILED"
    with pytest.raises(DeviceError, match="CUDA_ERROR_LAUNCH_FAILED"):
        pool.close()
    assert fake.allocated == 0
    pool.close()


def test_a_pool_larger_than_the_gpu_streams_from_pinned_memory(fake_gpu):
    fake = fake_gpu(total=4 << 20)
    options = {"splits": (5, 22), "params": {"tau_m": np.linspace(10, 20, N)}}
    expected = simulate("cpu", **options)
    assert simulate("cuda:0", batch_size=32, out_of_core=True, **options) == expected
    assert fake.allocated == fake.pinned == 0
    fake.forget()
    with GPUNeuronPool(1_000_000, device="cuda:0") as pool:
        assert "out of core in" in repr(pool)
        assert fake.pinned >= 6_000_000
        pool.run(steps=2, input=300.0)
        copies = fake.named("cuMemcpyHtoDAsync")
        assert {c.arguments["hStream"] for c in copies[1:]} == {pool.device.uploads.core}
    assert fake.allocated == fake.pinned == 0


def test_what_does_not_fit_is_refused_before_it_is_allocated(fake_gpu):
    fake = fake_gpu(total=64 << 20)
    with pytest.raises(OutOfMemoryError, match=r"a pool of 50,000,000 neurons needs .*on cuda:0"):
        GPUNeuronPool(50_000_000, device="cuda:0", out_of_core=False)
    assert not fake.named("DeviceMemoryResource.allocate")


def test_memory_that_runs_out_after_all_is_out_of_memory(fake_gpu):
    fake = fake_gpu()
    fake.failures["DeviceMemoryResource.allocate"] = "CUDA_ERROR_OUT_OF_MEMORY"
    with pytest.raises(OutOfMemoryError, match=r"CUDA_ERROR_OUT_OF_MEMORY.*fewer neurons"):
        GPUNeuronPool(N, device="cuda:0")


@pytest.mark.parametrize("have, runs", [
    ((7, 5), (7, 5)), ((8, 0), (8, 0)), ((8, 7), (8, 6)), ((8, 9), (8, 9)), ((9, 0), (9, 0)),
    ((10, 3), (10, 0)), ((12, 1), (12, 0)),
])  # fmt: skip
def test_the_newest_architecture_that_a_gpu_runs_is_taken(fake_gpu, have, runs):
    fake_gpu(capabilities=(have,))
    with GPUNeuronPool(N, device="cuda:0") as pool:
        assert pool.device.cc == runs
        assert f"compute capability {have[0]}.{have[1]}" in pool.device.description


@pytest.mark.parametrize("have", [(6, 1), (7, 0), (11, 0), (13, 0)])
def test_an_unknown_architecture_is_refused(fake_gpu, have):
    fake = fake_gpu(capabilities=(have,))
    with pytest.raises(
        DeviceError, match=rf"{have[0]}\.{have[1]} is not supported.*run on the CPU"
    ):
        GPUNeuronPool(N, device="cuda:0")
    assert not fake.named("Device.create_stream")


def test_a_pool_can_be_used_from_another_thread(fake_gpu):
    fake_gpu()
    with GPUNeuronPool(N, device="cuda:0", seed=7) as pool:
        done = []
        work = threading.Thread(target=lambda: done.append(pool.run(steps=27, input=current())))
        work.start()
        work.join()
        with GPUNeuronPool(N, device="cpu", seed=7) as other:
            expected = other.run(steps=27, input=current()).spikes
        np.testing.assert_array_equal(done[0].spikes.neuron, expected.neuron)


def test_two_gpus_in_one_thread(fake_gpu):
    fake = fake_gpu(capabilities=((9, 0), (9, 0)))
    with GPUNeuronPool(N, device="cuda:0") as a, GPUNeuronPool(N, device="cuda:1") as b:
        for pool in (a, b, a):
            pool.run(steps=20, input=current())
        np.testing.assert_array_equal(a.state["v"].shape, b.state["v"].shape)
        assert all(gpu.memory.allocated for gpu in fake.gpus)
        assert b.device.name == "cuda:1"
    with pytest.raises(DeviceError, match=r"cuda:2.*has 2 GPU"):
        GPUNeuronPool(N, device="cuda:2")


def test_events_time_the_device(fake_gpu):
    fake_gpu()
    with GPUNeuronPool(N, device="cuda:0") as pool:
        stream = pool.device.stream
        start = stream.record()
        pool.device.advance(clock_of(pool), 3)
        end = stream.record()
        end.synchronize()
        assert start.seconds_until(end) == pytest.approx(2e-6)
        other = pool.device.new_stream()
        other.wait(stream.record())
        other.synchronize()
        assert pool.device.read(clock_of(pool))[0] == 3


def test_figures_have_units(fake_gpu):
    fake_gpu()
    with GPUNeuronPool(N, device="cuda:0") as pool:
        figures = pool.device.figures()
    assert figures == pytest.approx(
        {"multiprocessors": 132, "clock": 1980.0, "bandwidth": 3352.32, "l2": 52.4288}
    )
