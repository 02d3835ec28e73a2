"""What a run needs besides the partition: buffers for its inputs and outputs, and for how long."""

from dataclasses import dataclass, replace

import numpy as np

from spikecuda.errors import SpikecudaValueError
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.kernels.spec import KernelSpec
from spikecuda.runtime.pool_partition import PoolPartition


@dataclass(frozen=True)
class Layout:
    """Sizes of a run's buffers; runs of one layout can share them.

    Attributes:
        spec: the kernel.
        fixed: arrays that stay the same over the run: name and elements.
        inputs: arrays that each window brings: name and elements a step.
        outputs: arrays that each window fills: name and elements a step.
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
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]
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
            size * types[name].itemsize
            for name, size in (*self.inputs, *self.outputs)
            if name not in self.direct and name != "_bits"
        )

    def nbytes(self) -> int:
        """Return the bytes of all buffers."""
        types, rows = self.types, self.window * self.slots
        pages = self.slots * self.span * sum(types[name].itemsize for name in self.paged)
        return (
            pages
            + sum(size * types[name].itemsize for name, size in self.fixed)
            + sum(
                size * types[name].itemsize * rows
                for name, size in (*self.inputs, *self.outputs)
                if name not in self.direct and not (self.lent and name == "_bits")
            )
        )

    @property
    def words(self) -> int:
        """Words of a row of spike bits."""
        return dict(self.outputs)["_bits"]

    def lending(self, words: int) -> "Layout":
        """Return the layout of a run whose spike bits have room for rows of others."""
        outputs = tuple((name, words if name == "_bits" else size) for name, size in self.outputs)
        return replace(self, outputs=outputs)

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
        elif name == "_bits":
            outputs.append((name, partition.words))
        elif name.startswith("_trace_"):
            outputs.append((name, n))
        elif name == "_dither":
            inputs.append((name, spec.dither_words))
        else:
            inputs.append((name, n if name == "_drive" else 1))
    if drive.given and partition.paged:
        raise SpikecudaValueError(
            "an input on a GPU needs a pool that fits there (got one out of core); copy it to the "
            "host"
        )
    if "_drive" in drive.given and n != drive.count:
        raise SpikecudaValueError(
            "a current per step and neuron on a GPU needs all neurons there together (got "
            f"{n:,} of {drive.count:,}); copy it to the host"
        )
    direct: frozenset[str] = frozenset()
    if partition.device.shares_host_memory and n == drive.count:
        names = {name for name, _ in outputs if name != "_bits"}
        direct = frozenset(names | ({"_drive"} if drive.rows_fit() else set()))
    return Layout(
        spec, tuple(fixed), tuple(inputs), tuple(outputs), direct, tuple(paged),
        frozenset(drive.given), span=partition.span,
    )  # fmt: skip
