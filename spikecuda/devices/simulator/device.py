"""Numba's CUDA simulator: a kernel's Python source, thread by thread.

Slow (about 0.5 ms a thread) and without warp operations; for debugging a kernel with Python's own
tools.  ``cuda-emu`` runs the compiled code instead.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spikecuda.devices.grid import grid
from spikecuda.devices.host_device import HostMemoryDevice, ranged
from spikecuda.devices.kinds import SIMULATED
from spikecuda.devices.memory import Buffer
from spikecuda.devices.work import Kernel
from spikecuda.errors import DeviceError
from spikecuda.kernels.routines import Spec
from spikecuda.kernels.spec import KernelSpec

BLOCK = 32


class CudaSimDevice(HostMemoryDevice):
    """The CUDA simulator of numba-cuda; set NUMBA_ENABLE_CUDASIM=1 before Python starts."""

    kind = SIMULATED

    def __init__(self, block: int = BLOCK) -> None:
        super().__init__()
        if os.environ.get("NUMBA_ENABLE_CUDASIM", "0") != "1":
            raise DeviceError(
                "device 'cuda-sim' needs the environment variable NUMBA_ENABLE_CUDASIM=1 (got "
                f"{os.environ.get('NUMBA_ENABLE_CUDASIM')!r}); set it before Python starts, or use "
                "'cuda-emu'"
            )
        self.name = "cuda-sim"
        self.description = "numba-cuda's simulator"
        self.block = block

    def _prepare(
        self, kernel: Kernel, arguments: Sequence[Any], batches: Sequence[tuple[int, int]]
    ) -> list[Callable[[], None]]:
        """Return one launch a range."""

        def node(mine: list[Any], blocks: int) -> Callable[[], None]:
            def run() -> None:
                with np.errstate(over="ignore"):  # words wrap around on purpose
                    kernel.function[blocks, self.block](*mine)

            return run

        ready = ranged(kernel, arguments, batches)
        return [
            node(mine, grid(last - first, self.block))
            for mine, (first, last) in zip(ready, batches, strict=True)
        ]

    def _advance(self, clock: Buffer, steps: int) -> Callable[[], None]:
        from numba import cuda

        from spikecuda.kernels.cpu_loops.clock import advance_clock

        data = clock.data
        return lambda: cuda.jit(advance_clock)[1, 1](data, np.int64(steps))

    def preferred_batch(self, count: int, spec: KernelSpec) -> int:
        """Return the whole population."""
        return count

    def _build(self, spec: Spec) -> Kernel:
        from numba import cuda

        from spikecuda.kernels.compile.render import load

        function = getattr(load(spec, "cudasim"), spec.name)
        return Kernel(spec, cuda.jit(function), 0.0, needs_cleared_bits=True)
