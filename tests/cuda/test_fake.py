"""The fake is as strict as it claims to be: each mistake that an adapter can make fails."""

import ctypes

import numpy as np
import pytest
import stubs


def test_signatures_are_read_from_the_wheel():
    folder = stubs.folder()
    assert (folder / "_launcher.pyi").exists()
    assert list(stubs.signature("launch").parameters) == [
        "stream", "config", "kernel", "kernel_args"
    ]  # fmt: skip
    assert stubs.signature("Buffer.fill").parameters["stream"].kind.name == "KEYWORD_ONLY"
    assert "size" in stubs.signature("DeviceMemoryResource.allocate").parameters
    assert next(iter(stubs.signature("ObjectCode.from_cubin").parameters)) == "module"


@pytest.mark.parametrize("name", [
    "Device.name", "Device.properties", "Device.compute_capability", "Stream.handle",
    "Buffer.handle", "Buffer.size", "DeviceMemoryResource.attributes",
    "DeviceMemoryResource.handle", "DeviceProperties.multiprocessor_count",
    "DeviceProperties.clock_rate", "DeviceProperties.memory_clock_rate",
    "DeviceProperties.global_memory_bus_width", "DeviceProperties.l2_cache_size",
    "_MemPoolAttributes.reserved_mem_current", "_MemPoolAttributes.used_mem_current",
])  # fmt: skip
def test_properties_of_the_fake_are_properties_of_cuda_core(name):
    assert stubs.is_property(name)


def test_a_wrong_call_fails(fake_gpu):
    fake = fake_gpu()
    core = fake.core
    with pytest.raises(TypeError, match=r"Device.create_stream.*unexpected keyword.*priority"):
        core.Device(0).create_stream(priority=1)
    with pytest.raises(TypeError, match=r"launch.*missing.*config"):
        core.launch(None)
    device = core.Device(0)
    with pytest.raises(AssertionError, match="not current"):
        device.create_stream()
    device.set_current()
    stream = device.create_stream()
    pool = core.DeviceMemoryResource(0, core.DeviceMemoryResourceOptions(ipc_enabled=False))
    with pytest.raises(TypeError, match=r"allocate.*stream"):
        pool.allocate(10)
    with pytest.raises(TypeError, match="stream must be Stream"):
        pool.allocate(10, stream=stream.emu)
    with pytest.raises(TypeError):
        fake.driver.cuMemcpyHtoDAsync(1, 2, 3)


def test_memory_is_garbage_until_the_stream_has_run(fake_gpu):
    fake = fake_gpu()
    fake.core.Device(0).set_current()
    stream = fake.core.Device(0).create_stream()
    pool = fake.core.DeviceMemoryResource(0, fake.core.DeviceMemoryResourceOptions())
    buffer = pool.allocate(16, stream=stream)
    out = np.zeros(16, np.uint8)
    buffer.fill(0, stream=stream)
    fake.driver.cuMemcpyDtoHAsync(out.ctypes.data, buffer.handle, 16, stream)
    assert buffer.data.host.all() and not out.any()
    stream.sync()
    assert not buffer.data.host.any()
    with pytest.raises(AssertionError, match="outside"):
        fake.driver.cuMemcpyDtoHAsync(out.ctypes.data, buffer.handle, 17, stream)
    pool.close()
    assert pool.reserved > 0 and fake.allocated == 16  # as long as there is a buffer
    fake.forget()  # the record holds it, too
    del buffer
    stream.sync()
    assert pool.reserved == fake.allocated == 0


def test_parameters_of_a_wrong_size_fail(fake_gpu):
    fake = fake_gpu()
    from spikecuda.kernels.compile import cuda as compile_cuda

    compiled = compile_cuda.build_clock((9, 0))
    core = fake.core
    core.Device(0).set_current()
    stream = core.Device(0).create_stream()
    kernel = core.ObjectCode.from_cubin(compiled.cubin, name="x").get_kernel(compiled.entry)
    config = core.LaunchConfig(grid=1, block=32)
    words = [ctypes.c_int64(0)] * 7
    with pytest.raises(AssertionError, match="8 bytes"):
        core.launch(stream, config, kernel, *words, ctypes.c_int32(1))
    with pytest.raises(AssertionError, match="7 for 8"):
        core.launch(stream, config, kernel, *words)
    with pytest.raises(KeyError):
        core.ObjectCode.from_cubin(b"another", name="x")
