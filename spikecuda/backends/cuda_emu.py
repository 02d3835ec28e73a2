"""An emulated CUDA device: the PTX that a GPU would run, run on the CPU."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spikecuda.backends.base import Buffer, ImmediateDevice, Kernel
from spikecuda.host import available_memory
from spikecuda.kernels.routines import Spec
from spikecuda.launch import grid

BLOCK = 128


class CudaEmuDevice(ImmediateDevice):
    """A CUDA device that exists in software only.

    Args:
        number: as in "cuda-emu:1"; devices of different numbers share nothing.
        cc: compute capability that kernels are compiled for.
        block: threads per block.
        mode: "fast", "check" or "race", see ``spikecuda.emu``.
        seed: shuffles the order of blocks and warps; None keeps it.
    """

    def __init__(
        self,
        number: int = 0,
        cc: tuple[int, int] = (9, 0),
        block: int = BLOCK,
        mode: str = "fast",
        seed: int | None = None,
    ) -> None:
        super().__init__()
        from spikecuda import emu

        self.name = f"cuda-emu:{number}"
        self.cc, self.block = cc, block
        self.speed = 0.02  # 25 ns a thread and step beside 0.5 ns an update on a core
        self.description = f"emulated CUDA device, compute capability {cc[0]}.{cc[1]}"
        self._device = emu.Device(cc=cc, mode=mode, seed=seed)
        self._clock_kernel: Any = None

    def write(self, buffer: Buffer, values: np.ndarray) -> None:
        """Copy host values to the start of a buffer."""
        buffer.data[: values.size].copy_from_host(np.ascontiguousarray(values, buffer.dtype))

    def read(self, buffer: Buffer, size: int | None = None) -> np.ndarray:
        """Return a copy of the first ``size`` elements."""
        part = buffer.data if size is None else buffer.data[:size]
        return np.asarray(part.copy_to_host())

    def _prepare(
        self, kernel: Kernel, arguments: Sequence[Any], batches: Sequence[tuple[int, int]]
    ) -> list[Callable[[], None]]:
        """Return one launch a range, as a GPU would get it."""

        def node(mine: list[Any], blocks: int) -> Callable[[], None]:
            return lambda: self._device.launch(kernel.function, blocks, self.block, *mine)

        ranged = self._ranged(kernel, arguments, batches)
        return [
            node(mine, grid(last - first, self.block))
            for mine, (first, last) in zip(ranged, batches, strict=True)
        ]

    def _zero(self, buffer: Buffer) -> None:
        buffer.data.fill(0)

    def _advance(self, clock: Buffer, steps: int) -> Callable[[], None]:
        from spikecuda import emu
        from spikecuda.kernels.compile_cuda import build_clock

        if self._clock_kernel is None:
            compiled = build_clock(self.cc)
            self._clock_kernel = emu.PTXKernel(compiled.ptx, compiled.entry, device=self._device)
        kernel, data = self._clock_kernel, clock.data
        return lambda: self._device.launch(kernel, 1, 32, data, np.int64(steps))

    def available_memory(self) -> int:
        """Return the memory that is free on this machine."""
        return available_memory()

    def preferred_batch(self, count: int) -> int:
        """Return the whole population."""
        return count

    def _build(self, spec: Spec) -> Kernel:
        from spikecuda import emu
        from spikecuda.kernels.compile_cpu import signature
        from spikecuda.kernels.compile_cuda import build

        compiled = build(spec, self.cc)
        function = emu.PTXKernel(
            compiled.ptx, compiled.entry, device=self._device, types=signature(spec)
        )
        return Kernel(spec, function, 0.0, resources={"registers": compiled.resources.registers})

    def _allocate(self, size: int, dtype: np.dtype) -> Any:
        return self._device.zeros(max(size, 1), dtype)

    def _free(self, buffer: Buffer) -> None:
        buffer.data.free()
