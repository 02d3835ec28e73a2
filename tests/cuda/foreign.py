"""Arrays of other libraries in a fake GPU's memory."""

import numpy as np

from spikecuda.devices import dlpack


class ForeignArray:
    """What CuPy, PyTorch and JAX have in common: memory, a stream, one protocol or both."""

    def __init__(self, gpu, values, stream=None):
        values = np.ascontiguousarray(values)
        self.memory = gpu.memory.to_device(values)
        self.gpu, self.stream = gpu, stream
        self.shape, self.dtype = values.shape, values.dtype

    @property
    def host(self):
        return self.memory.host


class WithInterface(ForeignArray):
    """Like CuPy's and Numba's arrays."""

    strides = None
    mask = None

    @property
    def __cuda_array_interface__(self):
        facts = {
            "shape": self.shape, "typestr": self.dtype.str, "version": 3,
            "data": (self.memory.pointer, False), "strides": self.strides,
            "stream": None if self.stream is None else int(self.stream),
        }  # fmt: skip
        return facts if self.mask is None else facts | {"mask": self.mask}


class WithDLPack(ForeignArray):
    """Like PyTorch's and JAX's arrays: lets the consumer's stream wait."""

    asked = ()

    def __dlpack_device__(self):
        return (dlpack.CUDA, self.gpu.number)

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        self.asked += (stream,)
        if self.stream is not None:
            self.gpu.streams[stream].wait(self.stream)
        return dlpack.export(
            self.memory.pointer, self.shape, self.dtype, self.__dlpack_device__(), self, max_version
        )
