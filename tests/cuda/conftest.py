"""A GPU that is not there."""

import pytest
import stubs

from spikecuda.devices import GpuStatus


@pytest.fixture
def fake_gpu(monkeypatch):
    """Return a function that puts a ``Fake`` in the place of cuda.core and the driver."""
    stubs.folder()
    from fake import Fake

    from spikecuda import devices, pool
    from spikecuda.backends import cuda, cuda_memory, cuda_stream
    from spikecuda.kernels import compile_cuda

    def install(**options):
        fake = Fake(**options)
        for module in (cuda, cuda_memory, cuda_stream):
            monkeypatch.setattr(module, "core", fake.core)
            monkeypatch.setattr(module, "driver", fake.driver)
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
