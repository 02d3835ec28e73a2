"""A GPU that is not there."""

import pytest
import stubs

from spikecuda.devices.open import GpuStatus


@pytest.fixture
def fake_gpu(monkeypatch):
    """Return a function that puts a ``Fake`` in the place of cuda.core and the driver."""
    stubs.folder()
    from fake import Fake

    from spikecuda.devices import open as devices
    from spikecuda.devices.cuda import device as cuda
    from spikecuda.devices.cuda import memory as cuda_memory
    from spikecuda.devices.cuda import peers as cuda_peers
    from spikecuda.devices.cuda import stream as cuda_stream
    from spikecuda.kernels.compile import cuda as compile_cuda
    from spikecuda.pool import pool

    def install(**options):
        fake = Fake(**options)
        for module in (cuda, cuda_memory, cuda_stream):
            monkeypatch.setattr(module, "core", fake.core)
            monkeypatch.setattr(module, "driver", fake.driver)
        monkeypatch.setattr(cuda_peers, "driver", fake.driver)
        status = GpuStatus(True, count=len(fake.gpus))
        monkeypatch.setattr(devices, "gpu_status", lambda: status)
        monkeypatch.setattr(pool, "gpu_status", lambda: status)
        for name in ("build", "build_clock"):
            monkeypatch.setattr(compile_cuda, name, remembering(getattr(compile_cuda, name), fake))
        return fake

    def remembering(build, fake):
        def call(*args):
            kernel = build(*args)
            fake.kernels[kernel.cubin] = kernel
            return kernel

        return call

    return install
