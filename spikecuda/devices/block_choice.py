"""Threads per block of an update kernel: as set, as tuned, or from the launch geometry."""

from spikecuda.devices import tuning_cache
from spikecuda.devices.launch_geometry import DEFAULT, geometry
from spikecuda.devices.work import Kernel
from spikecuda.kernels.spec import KernelSpec


class BlockChoice:
    """The part of a CUDA device that chooses blocks.

    Attributes:
        cc: compute capability.
        multiprocessors: of the device.
        description: the hardware, in words.
    """

    cc: tuple[int, int]
    multiprocessors: int
    description: str

    def choose_blocks(self, block: int | None) -> None:
        """Start: every launch has the given block, or chooses its own where that is None."""
        self._told = block
        self._tuned: dict[KernelSpec, int] = {}

    @property
    def block(self) -> int:
        """Threads per block of all kernels of networks; setting it settles all launches."""
        return self._told or DEFAULT

    @block.setter
    def block(self, threads: int) -> None:
        self._told = threads

    def block_for(self, kernel: Kernel, neurons: int) -> int:
        """Return the threads per block of a launch over ``neurons`` neurons."""
        spec = kernel.spec
        if self._told or not isinstance(spec, KernelSpec) or spec.network:
            return self.block
        if spec not in self._tuned:
            self._tuned[spec] = int(tuning_cache.lookup(self.description, spec, "block") or 0)
        shape = (self.cc, self.multiprocessors, kernel.resources["registers"], neurons)
        return geometry(*shape, prefer=self._tuned[spec]).block
