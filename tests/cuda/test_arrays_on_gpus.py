"""Arrays of other libraries on a GPU, in and out, without a copy and in the order of streams."""

import numpy as np
import pytest
from foreign import WithDLPack, WithInterface

from spikecuda import Constant, GPUNeuronPool, Noise, PerStep, emu
from spikecuda.devices import dlpack
from spikecuda.errors import NumericalError, SpikecudaError

N = 97
KINDS = pytest.mark.parametrize("kind", [WithInterface, WithDLPack])
CURRENT = np.linspace(200, 900, N).astype(np.float32)


@pytest.fixture(autouse=True)
def short_windows(monkeypatch):
    monkeypatch.setattr("spikecuda.runtime.run.WINDOW_STEPS", 8)


def outcome(pool, *inputs):
    found = []
    for drive in inputs:
        spikes = pool.run(steps=27, input=drive).spikes
        found += [spikes.step.tobytes(), spikes.neuron.tobytes()]
    return found, {name: pool.state[name].tobytes() for name in pool.state}


def on_cpu(*inputs):
    with GPUNeuronPool(N, device="cpu", seed=7) as pool:
        return outcome(pool, *inputs)


@KINDS
def test_constant_currents_are_read_where_they_lie(fake_gpu, kind):
    fake = fake_gpu(mode="race")
    expected = on_cpu(CURRENT, CURRENT[::-1], CURRENT)
    with GPUNeuronPool(N, device="cuda:0", seed=7) as pool:
        one, other = kind(fake.gpus[0], CURRENT), kind(fake.gpus[0], CURRENT[::-1])
        assert outcome(pool, one, Constant(other), one) == expected
        assert "bias" not in pool.device.held()
        words = [w.value for c in fake.named("launch") for w in c.arguments["kernel_args"]]
        assert one.memory.pointer in words and other.memory.pointer in words


@KINDS
def test_currents_per_step_are_read_where_they_lie(fake_gpu, kind):
    fake = fake_gpu(mode="race")
    rows = np.random.default_rng(0).uniform(200, 900, (27, N)).astype(np.float32)
    expected = on_cpu(rows, [PerStep(rows), Noise(100.0)])
    with GPUNeuronPool(N, device="cuda:0", seed=7) as pool:
        array = kind(fake.gpus[0], rows)
        assert outcome(pool, array, [PerStep(array), Noise(100.0)]) == expected
        assert "drive" not in pool.device.held()
        moved = sum(c.arguments["ByteCount"] for c in fake.named("cuMemcpyHtoDAsync"))
        assert moved < rows.nbytes


def busy(fake, values):
    """Return a stream in which a kernel is yet to write an array, and the memory."""
    gpu = fake.gpus[0]
    fake.core.Device(0).set_current()
    stream = fake.core.Device(0).create_stream()
    array = np.zeros_like(values)
    return gpu, stream, array


@KINDS
def test_the_producers_stream_is_waited_for(fake_gpu, kind):
    fake = fake_gpu(mode="race")
    expected = on_cpu(CURRENT)
    with GPUNeuronPool(N, device="cuda:0", seed=7) as pool:
        gpu, stream, array = busy(fake, CURRENT)
        foreign = kind(gpu, array, stream)
        foreign.memory.copy_from_host(CURRENT, stream.emu)  # under way when the pool gets it
        assert outcome(pool, foreign) == expected
        if kind is WithDLPack:
            assert set(foreign.asked) == {int(pool.device.stream.core.handle)}


@KINDS
def test_a_producer_that_is_not_waited_for_is_a_race(fake_gpu, kind):
    fake = fake_gpu(mode="race")
    with GPUNeuronPool(N, device="cuda:0", seed=7) as pool:
        gpu, stream, array = busy(fake, CURRENT)
        foreign = kind(gpu, array)  # hides its stream
        foreign.memory.copy_from_host(CURRENT, stream.emu)
        with pytest.raises(emu.StreamRace):
            pool.run(steps=5, input=foreign)


@KINDS
def test_state_is_set_from_the_gpu(fake_gpu, kind):
    fake = fake_gpu(mode="race")
    start = np.linspace(-70, -55, N).astype(np.float32)
    with GPUNeuronPool(N, device="cuda:0") as pool:
        gpu, stream, array = busy(fake, start)
        foreign = kind(gpu, array, stream)
        foreign.memory.copy_from_host(start, stream.emu)
        fake.forget()
        pool.state["v"] = foreign
        np.testing.assert_array_equal(pool.state["v"], start)
        assert len(fake.named("cuMemcpyDtoDAsync")) == 1 and not fake.named("cuMemcpyHtoDAsync")
        for bad, words in [
            (kind(gpu, start.astype(np.float64)), "must be float32, shape"),
            (kind(gpu, start[:-1]), r"got float32, shape \(96,\)"),
        ]:
            with pytest.raises(SpikecudaError, match=words):
                pool.state["v"] = bad


def test_state_is_shared_by_both_protocols(fake_gpu):
    fake = fake_gpu(mode="race")
    with GPUNeuronPool(N, device="cuda:0") as pool:
        shared = pool.state.share("v")
        buffer = pool.population.partitions[0].state["v"]
        facts = shared.__cuda_array_interface__
        assert facts["data"] == (buffer.data.handle, False) and facts["shape"] == (N,)
        assert facts["typestr"] == "<f4" and facts["version"] == 3 and facts["stream"] is None
        assert shared.__dlpack_device__() == (dlpack.CUDA, 0)
        for version in (None, (1, 0)):
            memory = dlpack.take(shared.__dlpack__(stream=1, max_version=version))
            assert memory.pointer == buffer.data.handle and memory.device == (dlpack.CUDA, 0)
            assert (memory.shape, memory.dtype, memory.read_only) == ((N,), np.float32, False)
        assert "cuda:0" in repr(shared)
        with pytest.raises(SpikecudaError, match=r'use pool.state\["v"\], which copies'):
            np.asarray(shared)
        # Work that was asked for is done when another library gets the array.
        pool.run(steps=5, input=CURRENT)
        pool.reset()
        refrac = pool.state.share("refrac")
        region = pool.population.partitions[0].state["refrac"].data.data.host
        assert refrac.__cuda_array_interface__["typestr"] == "<i2" and not region.any()
        # What another library writes is what the next run goes on from.
        buffer.data.data.view(np.float32).host[:N] = -60.0
        assert (pool.state["v"] == -60).all()
    # What is shared lives for as long as somebody has it; the fake's record does not count.
    fake.forget()
    assert fake.allocated == (4 + 2) * N
    memory = dlpack.take(shared.__dlpack__())
    del shared, refrac, buffer, region
    assert fake.allocated == 4 * N
    del memory
    assert fake.allocated == 0


def test_a_state_of_a_pool_is_an_input_of_another(fake_gpu):
    """Both ways at once, and no byte through the host."""
    fake = fake_gpu(mode="race")
    current = np.linspace(0, 30, N).astype(np.float32)
    expected = None
    for device in ("cpu", "cuda:0"):
        with GPUNeuronPool(N, device=device) as one, GPUNeuronPool(N, device=device) as other:
            one.state["v"] = current
            drive = one.state.share("v") if device == "cuda:0" else one.state["v"]
            fake.forget()
            other.run(steps=20, input=[Constant(drive), PerStep(np.full(20, 280.0))])
            found = other.state["v"].tobytes()
            assert expected is None or found == expected
            expected = found


BAD = [
    ({"strides": (8,)}, lambda a: a, "must be contiguous"),
    ({"mask": 1}, lambda a: a, "must not be masked"),
    ({}, lambda a: a.astype(np.float64), "input on a GPU must be float32"),
    ({}, lambda a: a[:-1], r"input on a GPU must have shape \(97,\)"),
    ({}, lambda a: a.reshape(1, N), r"must have shape \(27, 97\)"),
]


@pytest.mark.parametrize("facts, change, words", BAD, ids=[w for *_, w in BAD])
def test_what_cannot_be_read_in_place_is_refused(fake_gpu, facts, change, words):
    fake = fake_gpu()
    with GPUNeuronPool(N, device="cuda:0") as pool:
        array = WithInterface(fake.gpus[0], change(CURRENT))
        for name, value in facts.items():
            setattr(array, name, value)
        with pytest.raises(SpikecudaError, match=words):
            pool.run(steps=27, input=array)
        assert pool.steps == 0


def test_arrays_elsewhere_are_refused(fake_gpu):
    fake = fake_gpu(capabilities=((9, 0), (9, 0)))
    array = WithDLPack(fake.gpus[1], CURRENT)
    with GPUNeuronPool(N, device="cuda:0") as pool:
        with pytest.raises(SpikecudaError, match=r"must lie on cuda:0 \(got one on cuda:1\)"):
            pool.run(steps=5, input=array)
        mine = WithDLPack(fake.gpus[0], CURRENT)
        for drive, words in [
            ([Constant(mine), Constant(1.0)], "cannot be added to other constant inputs"),
            ([Noise(mine)], "sigma must be in host memory here"),
        ]:
            with pytest.raises(SpikecudaError, match=words):
                pool.run(steps=5, input=drive)
    with GPUNeuronPool(N, device="cpu") as pool:
        with pytest.raises(SpikecudaError, match=r"need a pool on that GPU \(got one on cpu\)"):
            pool.run(steps=5, input=array)
        with pytest.raises(SpikecudaError, match="need a pool on that GPU"):
            pool.state["v"] = array
    with GPUNeuronPool(N, device="cuda:0", out_of_core=True, batch_size=32) as pool:
        with pytest.raises(SpikecudaError, match="needs a pool that fits there"):
            pool.run(steps=5, input=mine)
        with pytest.raises(SpikecudaError, match="lies in host memory"):
            pool.state["v"] = mine


def test_nan_on_the_gpu_does_not_pass_silently(fake_gpu):
    fake = fake_gpu()
    array = WithInterface(fake.gpus[0], np.where(np.arange(N) == 40, np.nan, CURRENT))
    with (
        GPUNeuronPool(N, device="cuda:0") as pool,
        pytest.raises(NumericalError, match="v of neuron 40 is nan"),
    ):
        pool.run(steps=5, input=array)
