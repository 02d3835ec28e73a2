"""Fake code: a cubin, and a kernel that runs as PTX in ``spikecuda.emu``."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np
from fake_base import Gpu, Object, api

from spikecuda import emu

if TYPE_CHECKING:
    from fake import Fake


class ObjectCode(Object):
    """A loaded cubin."""

    def __init__(self, fake: Fake, compiled: Any) -> None:
        gpu = fake.current()
        assert gpu is not None
        super().__init__(fake, gpu)
        self.compiled = compiled

    @api
    def get_kernel(self, name: str) -> Kernel:
        """Return its kernel."""
        assert name == self.compiled.entry, f"the cubin has no {name}"
        return Kernel(self.fake, self.gpu, self.compiled)


class Kernel(Object):
    """A kernel that runs as PTX."""

    def __init__(self, fake: Fake, gpu: Gpu, compiled: Any) -> None:
        super().__init__(fake, gpu)
        assert compiled.cc[0] == gpu.capability[0] and compiled.cc <= gpu.capability
        self.ptx = emu.PTXKernel(compiled.ptx, compiled.entry, device=gpu.memory)

    def launch(self, config: Any, arguments: tuple[Any, ...], stream: Any) -> None:
        """Copy the parameters, as a launch does, and put the kernel in a stream or a graph."""
        from cuda.core._kernel_arg_handler import ParamHolder

        memory = self.gpu.memory
        parameters = self.ptx.program(memory.checked).translation.parameters
        assert len(arguments) == len(parameters), f"{len(arguments)} for {len(parameters)}"
        holder = ParamHolder(arguments)
        addresses = ctypes.cast(holder.ptr, ctypes.POINTER(ctypes.c_void_p))
        values = []
        for i, (name, _, size, kind) in enumerate(parameters):
            given = ctypes.sizeof(arguments[i])
            assert given == size, f"{name} has {size} bytes (got {given})"
            raw = ctypes.string_at(addresses[i], size)
            if kind.startswith("f"):
                values.append(np.frombuffer(raw, f"f{size}")[0])
            else:
                values.append(int.from_bytes(raw, "little"))
        queue = getattr(stream, "stream", stream)
        assert not queue.closed and getattr(stream, "state", "building") == "building"
        memory.launch(self.ptx, config.grid, config.block, *values, stream=queue.emu)
        queue.emu.put("time", self.fake.tick, note=False)
