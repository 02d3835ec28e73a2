"""The buffers that a run needs for its inputs and outputs, and their sizes."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from spikecuda.errors import SpikecudaValueError
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.kernels.spec import DITHER, STEP_CURRENT, KernelSpec, Role
from spikecuda.runtime.pool_partition import PoolPartition


class WindowArray(NamedTuple):
    """An array that each window brings or fills.

    Attributes:
        name: of the kernel's argument; ``role``: what it is.
        size: elements for each step and all neurons that there is room for.
    """

    name: str
    role: Role
    size: int

    def row(self, neurons: int) -> int:
        """Return the elements for each step and so many neurons."""
        if self.role is Role.SPIKE_BITS:
            return (neurons + 31) // 32
        return self.size if self.role is Role.STEP else neurons


@dataclass(frozen=True)
class Layout:
    """Sizes of a run's buffers; runs of one layout can share them.

    Attributes:
        spec: the kernel.
        fixed: arrays that stay the same over the run: name and elements.
        inputs: arrays that each window brings.
        outputs: arrays that each window fills.
        direct: inputs and outputs that are the caller's own arrays, so that nothing is copied.
        paged: arrays with an element for each neuron that come to the device for each window: the
            partition's own and inputs.
        given: arrays of other libraries that lie on the device.
        lent: whether the spike bits are another run's buffer: on a device where a window is
            drained before the next one is computed, all partitions may use the same one.
        span: neurons that the device holds at once.
        window: steps of a launch.
        slots: windows that may be under way at once.
    """

    spec: KernelSpec
    fixed: tuple[tuple[str, int], ...]
    inputs: tuple[WindowArray, ...]
    outputs: tuple[WindowArray, ...]
    direct: frozenset[str]
    paged: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()
    lent: bool = False
    span: int = 0
    window: int = 1
    slots: int = 1

    def per_step(self) -> int:
        """Return the bytes that a step takes besides its row of spikes."""
        types = self.types
        return sum(
            array.size * types[array.name].itemsize
            for array in (*self.inputs, *self.outputs)
            if array.name not in self.direct and array.role is not Role.SPIKE_BITS
        )

    def nbytes(self) -> int:
        """Return the bytes of all buffers."""
        types, rows = self.types, self.window * self.slots
        pages = self.slots * self.span * sum(types[name].itemsize for name in self.paged)
        return (
            pages
            + sum(size * types[name].itemsize for name, size in self.fixed)
            + sum(
                array.size * types[array.name].itemsize * rows
                for array in (*self.inputs, *self.outputs)
                if array.name not in self.direct and not self.borrows(array)
            )
        )

    @property
    def words(self) -> int:
        """Words of a row of spike bits."""
        return next(array.size for array in self.outputs if array.role is Role.SPIKE_BITS)

    def borrows(self, array: WindowArray) -> bool:
        """Tell whether an array is another run's buffer."""
        return self.lent and array.role is Role.SPIKE_BITS

    def lending(self, words: int) -> "Layout":
        """Return the layout of a run whose spike bits have room for rows of others."""
        outputs = (
            array._replace(size=words) if array.role is Role.SPIKE_BITS else array
            for array in self.outputs
        )
        return replace(self, outputs=tuple(outputs))

    @property
    def types(self) -> dict[str, np.dtype]:
        """Element types of the arrays, by name."""
        return {a.name: np.dtype(a.dtype) for a in self.spec.arguments if a.array}


def layout_of(partition: PoolPartition, spec: KernelSpec, drive: ResolvedInput) -> Layout:
    """Return the sizes that a run has on a partition, its window still open.

    Args:
        partition: where.
        spec: the kernel.
        drive: the input, of the whole population.
    """
    n, own = partition.span, partition.arguments()
    fixed, inputs, outputs, paged = [], [], [], list(partition.paged)
    for argument in spec.arguments:
        name = argument.name
        if not argument.array or name in own or name in drive.given:
            continue
        if name in drive.fixed:
            size = np.asarray(drive.fixed[name]).size
            if size != drive.count or name in drive.tables:
                fixed.append((name, size))
            elif partition.paged:
                paged.append(name)
            else:
                fixed.append((name, n))
        elif argument.role is Role.SPIKE_BITS:
            outputs.append(WindowArray(name, argument.role, partition.words))
        elif argument.role is Role.TRACE:
            outputs.append(WindowArray(name, argument.role, n))
        elif argument.role is Role.STEP_CURRENT:
            inputs.append(WindowArray(name, argument.role, n))
        else:
            size = spec.dither_words if name == DITHER else drive.widths.get(name, 1)
            inputs.append(WindowArray(name, argument.role, size))
    if drive.given and partition.paged:
        raise SpikecudaValueError(
            "an input on a GPU needs a pool that fits there (got one out of core); copy it to the "
            "host"
        )
    if STEP_CURRENT in drive.given and n != drive.count:
        raise SpikecudaValueError(
            "a current per step and neuron on a GPU needs all neurons there together (got "
            f"{n:,} of {drive.count:,}); copy it to the host"
        )
    direct: frozenset[str] = frozenset()
    if partition.device.shares_host_memory and n == drive.count:
        names = {array.name for array in outputs if array.role is Role.TRACE}
        direct = frozenset(names | ({STEP_CURRENT} if drive.rows_fit() else set()))
    return Layout(
        spec, tuple(fixed), tuple(inputs), tuple(outputs), direct, tuple(paged),
        frozenset(drive.given), span=partition.span,
    )  # fmt: skip
