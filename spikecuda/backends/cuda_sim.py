"""Numba's CUDA simulator: a kernel's Python source, thread by thread.

Slow (about 0.5 ms a thread) and without warp operations; for debugging a kernel with Python's own
tools.  ``cuda-emu`` runs the compiled code instead.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spikecuda.backends.base import Buffer, ImmediateDevice, Kernel
from spikecuda.errors import DeviceError
from spikecuda.host import available_memory
from spikecuda.kernels.spec import KernelSpec
from spikecuda.launch import grid

BLOCK = 32


class CudaSimDevice(ImmediateDevice):
    """The CUDA simulator of numba-cuda; set NUMBA_ENABLE_CUDASIM=1 before Python starts."""

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

    def write(self, buffer: Buffer, values: np.ndarray) -> None:
        """Copy host values to the start of a buffer."""
        buffer.data[: values.size] = values

    def read(self, buffer: Buffer, size: int | None = None) -> np.ndarray:
        """Return a view of the first ``size`` elements."""
        return np.asarray(buffer.data[:size])

    def _prepare(
        self, kernel: Kernel, arguments: Sequence[Any], batches: Sequence[tuple[int, int]]
    ) -> list[Callable[[], None]]:
        """Return one launch a range."""
        values = [a.data if isinstance(a, Buffer) else a for a in arguments]
        names = [a.name for a in kernel.spec.arguments]
        first_at, last_at = names.index("_first"), names.index("_last")

        def node(first: int, last: int) -> Callable[[], None]:
            mine = list(values)
            mine[first_at], mine[last_at] = np.int64(first), np.int64(last)
            blocks = grid(last - first, self.block)

            def run() -> None:
                with np.errstate(over="ignore"):  # words wrap around on purpose
                    kernel.function[blocks, self.block](*mine)

            return run

        return [node(first, last) for first, last in batches]

    def _zero(self, buffer: Buffer) -> None:
        buffer.data[:] = 0

    def _advance(self, clock: Buffer, steps: int) -> Callable[[], None]:
        from numba import cuda

        from spikecuda.kernels.host.clock import advance_clock

        data = clock.data
        return lambda: cuda.jit(advance_clock)[1, 1](data, np.int64(steps))

    def available_memory(self) -> int:
        """Return the memory that is free on this machine."""
        return available_memory()

    def preferred_batch(self, count: int) -> int:
        """Return the whole population."""
        return count

    def _build(self, spec: KernelSpec) -> Kernel:
        from numba import cuda

        from spikecuda.kernels.render import load

        function = getattr(load(spec, "cudasim"), spec.name)
        return Kernel(spec, cuda.jit(function), 0.0, needs_cleared_bits=True)

    def _allocate(self, size: int, dtype: np.dtype) -> Any:
        return np.zeros(size, dtype)

    def _free(self, buffer: Buffer) -> None:
        pass
