"""Pools larger than their device: state streams through it in pages, with the same bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import Constant, GPUNeuronPool, Noise, PerStep, Poisson, Uniform, emu
from spikecuda.devices.emulated.device import CudaEmuDevice, EmuStream
from spikecuda.errors import OutOfMemoryError, SpikecudaError, SpikecudaValueError
from spikecuda.runtime.paged_partition import PagedPartition


def run(device, count, precision="float32", parts=(40,), full=True, **options):
    """Return spikes, traces and state of runs with every kind of input, as bytes."""
    per_neuron = np.linspace(0.0, 1.0, count)
    with GPUNeuronPool(
        count, "lif", precision=precision, device=device, seed=3,
        params={"tau_m": 15.0 + 5.0 * per_neuron}, initial={"v": Uniform(-66.0, -50.0)}, **options,
    ) as pool:  # fmt: skip
        found = []
        for steps in parts:
            drive = [Constant(250.0 + 150.0 * per_neuron)]
            if full:
                rows = np.random.default_rng(steps).uniform(0, 30, (steps, count))
                drive += [Noise(60.0 * per_neuron), Poisson(200.0, per_neuron), PerStep(rows),
                          PerStep(rows[:, 0])]  # fmt: skip
            record = ("spikes", "v") if full else "spikes"
            result = pool.run(steps=steps, input=drive, record=record)
            found += [result.spikes.step.tobytes(), result.spikes.neuron.tobytes()]
            found += [trace.tobytes() for trace in result.traces.values()]
        found += [pool.state[name].tobytes() for name in pool.state]
        assert pool.metrics().spikes > 0 or count < 100
        return found, pool.population.partitions[0]


@pytest.mark.parametrize("precision", ["float16", "float32"])
@pytest.mark.parametrize("mode, seed", [("fast", None), ("fast", 1), ("race", 2)])
def test_the_bits_are_those_of_a_pool_that_fits(precision, mode, seed):
    expected, _ = run("cpu", 300, precision, parts=(7, 33))
    device = CudaEmuDevice(mode=mode, seed=seed)
    found, part = run(
        device, 300, precision, parts=(7, 33), batch_size=64, out_of_core=True, window=16
    )
    assert isinstance(part, PagedPartition) and len(part.pages) == 5
    assert found == expected
    assert device.held() == {} and device.memory().pinned > 0
    device.close()


@pytest.fixture(scope="module")
def shared():
    device = CudaEmuDevice()
    yield device
    device.close()


@settings(max_examples=15)
@given(
    count=st.integers(1, 700), page=st.integers(1, 700), window=st.integers(1, 20),
    parts=st.lists(st.integers(1, 20), min_size=1, max_size=3),
)  # fmt: skip
def test_any_pages_and_windows_give_the_same_bits(shared, count, page, window, parts):
    options = {"full": False, "parts": (sum(parts) + 100,)}
    expected, _ = run("cpu", count, **options)
    options["parts"] = (*parts, 100)
    found, _ = run(
        shared, count, out_of_core=True, batch_size=min(page, count), window=window, **options
    )
    joined = [b"".join(found[i : 2 * len(parts) + 2 : 2]) for i in (0, 1)]
    assert joined + found[2 * len(parts) + 2 :] == expected


def test_what_does_not_fit_streams_and_says_so():
    device = CudaEmuDevice(memory=400_000)
    expected, _ = run("cpu", 50_000, full=False)
    found, part = run(device, 50_000, full=False)  # 12 bytes a neuron and step
    assert isinstance(part, PagedPartition) and len(part.pages) > 2
    assert found == expected
    assert device.pool.peak <= 400_000
    with GPUNeuronPool(50_000, device=device) as pool:
        (part,) = pool.population.partitions
        assert f"out of core in {len(part.pages)} pages of {part.span:,} neurons" in repr(pool)
        pool.run(steps=3, input=300.0)
        figures = pool.metrics()
        assert figures.host_bytes == {"v": 200_000, "refrac": 100_000}
        assert figures.device_bytes["v"] == 2 * 4 * part.span
        assert figures.launches_per_window == len(part.pages) + 1
        assert figures.memory.pinned >= 400_000
        pool.state["v"] = np.linspace(-70, -60, 50_000)
        np.testing.assert_array_equal(
            pool.state["v"], np.linspace(-70, -60, 50_000).astype(np.float32)
        )
        pool.reset()
        assert (pool.state["v"] == pool.state["v"][0]).all()
    with GPUNeuronPool(1000, device=device) as pool:
        assert "out of core" not in repr(pool)
    device.close()


def test_streaming_can_be_refused_and_has_its_limits(monkeypatch):
    device = CudaEmuDevice(memory=400_000)
    with pytest.raises(
        OutOfMemoryError, match=r"a pool of 50,000 neurons needs 400 KB on cuda-emu"
    ):
        GPUNeuronPool(50_000, device=device, out_of_core=False)
    with pytest.raises(
        SpikecudaValueError, match="out_of_core needs a device with memory of its own"
    ):
        GPUNeuronPool(100, device="cpu", out_of_core=True)
    with pytest.raises(SpikecudaError, match="out_of_core must be True, False or None"):
        GPUNeuronPool(100, device="cpu", out_of_core="yes")
    monkeypatch.setattr("spikecuda.devices.host_device.available_memory", lambda: 100_000)
    with pytest.raises(OutOfMemoryError, match=r"50,000 neurons out of core need 300 KB of host"):
        GPUNeuronPool(50_000, device=device)
    tiny = CudaEmuDevice(memory=1000)
    with pytest.raises(OutOfMemoryError, match="a page of 32 neurons needs"):
        GPUNeuronPool(10_000, device=tiny)
    for each in (device, tiny):
        assert each.held() == {} and each.memory().allocated == 0
        each.close()


def test_pages_overlap():
    """While a page computes, the next one is on its way to the device."""
    device = CudaEmuDevice()
    order = []
    original = emu.Stream.put

    def put(self, name, *args, **options):
        order.append((self.name, name))
        return original(self, name, *args, **options)

    wait = emu.Event.synchronize

    def synchronize(self):
        order.append(("host", "wait"))
        wait(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(emu.Stream, "put", put)
        patch.setattr(emu.Event, "synchronize", synchronize)
        run(device, 256, full=False, batch_size=64, out_of_core=True, window=40)
    device.close()
    waits = [i for i, entry in enumerate(order) if entry == ("host", "wait")]
    kernels = [i for i, (_, name) in enumerate(order) if "lif_update" in name]
    assert len(waits) == len(kernels) == 4
    # Two pages are under way before the host waits for the first, and one whenever it waits.
    assert [sum(k < w for k in kernels) for w in waits] == [2, 3, 4, 4]


def no_upload_wait(patch, device):
    patch.setattr(device.stream, "wait", lambda event: None)


def no_download_wait(patch, device):
    patch.setattr(device.downloads, "wait", lambda event: None)


def no_host_wait(patch, device):
    def record(event=None):
        found = EmuStream.record(device.stream, event)
        found.synchronize = lambda: None
        return found

    patch.setattr(device.stream, "record", record)


@pytest.mark.parametrize("remove", [no_upload_wait, no_download_wait, no_host_wait])
def test_a_missing_dependency_is_found_as_a_race(monkeypatch, remove):
    device = CudaEmuDevice(mode="race")
    remove(monkeypatch, device)
    with pytest.raises(emu.StreamRace):
        run(device, 256, full=False, batch_size=64, out_of_core=True, window=10)
