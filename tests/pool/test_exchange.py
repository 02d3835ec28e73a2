"""Arrays in host memory, in and out, without a copy; DLPack capsules."""

import importlib.util

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spikecuda import GPUNeuronPool, PerStep
from spikecuda.devices import dlpack
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError
from spikecuda.runtime.partition_run import PartitionRun

N = 500


class Exporter:
    """A NumPy array by this project's capsules."""

    def __init__(self, array):
        self.array = array

    def __dlpack_device__(self):
        return (dlpack.CPU, 0)

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        a = self.array
        return dlpack.export(
            a.ctypes.data, a.shape, a.dtype, (dlpack.CPU, 0), a, max_version and max_version[:2]
        )


ARRAYS = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.int32, np.int64, np.uint16, np.uint32]),
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5),
    elements=st.integers(0, 100),
)


@given(ARRAYS, st.sampled_from([None, (0, 8), (1, 0), (1, 1)]))
def test_capsules_carry_arrays_to_numpy_and_back(array, version):
    """NumPy's own implementation of DLPack is the oracle."""
    alive = len(dlpack._exported)
    found = np.from_dlpack(Exporter(array))
    assert found.ctypes.data == array.ctypes.data and found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)
    assert len(dlpack._exported) == alive + 1
    del found
    assert len(dlpack._exported) == alive
    memory = dlpack.take(array.__dlpack__(max_version=version))
    assert memory.pointer == array.ctypes.data and memory.dtype == array.dtype
    assert memory.shape == array.shape and memory.device == (dlpack.CPU, 0)
    for i, (n, step) in enumerate(zip(array.shape, array.strides, strict=True)):
        assert n == 1 or memory.strides[i] * array.itemsize == step
    # And between this project's own two ends, a capsule that nobody takes included.
    mine = Exporter(array).__dlpack__(max_version=version)
    memory = dlpack.take(mine)
    assert len(dlpack._exported) == alive + 1 and memory.shape == array.shape
    with pytest.raises(SpikecudaTypeError, match="nobody has used"):
        dlpack.take(mine)
    del memory
    assert len(dlpack._exported) == alive
    capsule = Exporter(array).__dlpack__(max_version=version)
    del capsule
    assert len(dlpack._exported) == alive


def test_strides_and_offsets_are_read():
    array = np.arange(60.0).reshape(6, 10)[1:, ::3]
    memory = dlpack.take(array.__dlpack__())
    assert memory.strides == (10, 3) and memory.pointer == array.ctypes.data
    with pytest.raises(SpikecudaValueError, match="plain numbers"):
        dlpack.take(np.zeros(2, np.complex64).__dlpack__())
    with pytest.raises(SpikecudaTypeError, match="must return a capsule"):
        dlpack.take(3)


@pytest.mark.parametrize("device", ["cpu", "cuda-emu"])
def test_state_is_shared_with_numpy(device):
    with GPUNeuronPool(N, device=device) as pool:
        pool.run(steps=10, input=300.0)
        shared = pool.state.share("v")
        view, also = np.asarray(shared), np.from_dlpack(shared)
        assert view.ctypes.data == also.ctypes.data and view.dtype == np.float32
        np.testing.assert_array_equal(view, pool.state["v"])
        pool.run(steps=10, input=300.0)
        np.testing.assert_array_equal(view, pool.state["v"])  # the same memory
        also[:] = -61.0
        assert (pool.state["v"] == -61).all()
        assert not hasattr(shared, "__cuda_array_interface__")
        assert shared.shape == (N,) and len(shared) == N and "host memory" in repr(shared)
        assert np.asarray(shared, dtype=np.float64).dtype == np.float64
        assert np.array(shared, copy=True).ctypes.data != view.ctypes.data
        with pytest.raises(BufferError, match="shared as it is"):
            shared.__dlpack__(copy=True)
    view[:] = 5.0  # still there, and nobody else's
    assert (also == 5).all()


def test_shared_memory_is_never_used_for_anything_else():
    device = CudaEmuDevice()
    with GPUNeuronPool(N, device=device) as pool:
        view = np.asarray(pool.state.share("v"))
        allocated = device.pool.allocated
    assert device.pool.allocated == allocated - 4 * N
    with GPUNeuronPool(N, device=device, initial={"v": -50.5}) as other:
        other.run(steps=3)
        assert (view == -65).all() and (other.state["v"] != -65).all()
    assert device.held() == {}
    device.close()


def test_what_cannot_be_shared_is_refused():
    with GPUNeuronPool(N, device="cpu", precision="float16") as pool:
        with pytest.raises(SpikecudaError, match="stored scaled in float16"):
            pool.state.share("v")
        assert np.asarray(pool.state.share("refrac")).dtype == np.int8
        with pytest.raises(SpikecudaError, match="did you mean 'v'"):
            pool.state.share("vv")


def test_an_out_of_core_pool_shares_host_memory():
    device = CudaEmuDevice()
    with GPUNeuronPool(N, device=device, out_of_core=True, batch_size=64) as pool:
        view = np.asarray(pool.state.share("v"))
        view[:] = np.linspace(-70, -60, N)
        np.testing.assert_array_equal(pool.state["v"], view)
        with GPUNeuronPool(N, device="cpu", initial={"v": np.linspace(-70, -60, N)}) as other:
            for each in (pool, other):
                each.run(steps=30, input=300.0)
            np.testing.assert_array_equal(view, other.state["v"])
    device.close()


@pytest.mark.parametrize("writeable", [True, False])
def test_input_and_traces_are_not_copied_on_the_cpu(monkeypatch, writeable):
    rows = np.random.default_rng(0).uniform(0, 600, (40, N)).astype(np.float32)
    rows.flags.writeable = writeable
    seen = []
    original = PartitionRun.enqueue

    def enqueue(self, slot, steps):
        seen.append({k: slot.values[k].data.ctypes.data for k in ("_step_current", "_trace_v")})
        original(self, slot, steps)

    monkeypatch.setattr(PartitionRun, "enqueue", enqueue)
    with GPUNeuronPool(N, device="cpu", window=16) as pool:
        result = pool.run(steps=40, input=rows, record="v")
        at, out = rows.ctypes.data, result.traces["v"].ctypes.data
        assert [s["_step_current"] - at for s in seen] == [0, 16 * 4 * N, 32 * 4 * N]
        assert [s["_trace_v"] - out for s in seen] == [0, 16 * 4 * N, 32 * 4 * N]
        assert not {"step_current", "trace_v"} & pool.device.held().keys()
        with GPUNeuronPool(N, device="cpu") as other:
            same = other.run(steps=40, input=rows.astype(np.float64), record="v")
            # Another type: converted, window by window.
            assert "step_current" in other.device.held()
        np.testing.assert_array_equal(result.traces["v"], same.traces["v"])


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_arrays_of_other_libraries(library):
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    make = __import__(library + ".numpy", fromlist=["x"]).asarray if library == "jax" else (
        __import__(library).from_numpy
    )  # fmt: skip
    rows = np.random.default_rng(0).uniform(0, 600, (40, N)).astype(np.float32)
    with GPUNeuronPool(N, device="cpu") as pool, GPUNeuronPool(N, device="cpu") as other:
        expected = pool.run(steps=40, input=rows).spikes
        for given in (make(rows), PerStep(make(rows))):
            other.reset()
            found = other.run(steps=40, input=given).spikes
            np.testing.assert_array_equal(found.neuron, expected.neuron)
        other.state["v"] = make(rows[0])
        np.testing.assert_array_equal(other.state["v"], rows[0])
