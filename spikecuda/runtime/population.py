"""A population: one neuron spec, split over one or more partitions."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from spikecuda.common.exclusive_use import ExclusiveUse, Unique
from spikecuda.common.seed import Seeds
from spikecuda.devices.base import Device
from spikecuda.errors import (
    ClosedError,
    DeviceError,
    NumericalError,
    OutOfMemoryError,
    SpikecudaError,
    SpikecudaTypeError,
    SpikecudaValueError,
)
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.kernels.spec import KernelSpec
from spikecuda.runtime.adjust import adjusted, announce_kernel, wide_parameters, widened
from spikecuda.runtime.neuron_spec import NeuronSpec
from spikecuda.runtime.paged_partition import partition_of
from spikecuda.runtime.partition_run import PartitionRun
from spikecuda.runtime.pool_partition import PoolPartition
from spikecuda.runtime.result import RunResult
from spikecuda.runtime.window_layout import Layout

AFTER_FAILURE = (
    "; what other devices hold can be read with state.by_device(name); reset() starts again"
)


class Named(Protocol):
    """What has a name: a device, or what works on one."""

    @property
    def name(self) -> str:
        """For messages."""


class Population(Unique):
    """Neurons of one neuron spec on one or more devices.

    Args:
        neuron_spec: what the neurons are.
        places: (device, first neuron, count) of each partition, in the order of the neurons.
        batch_size: neurons per launch; None lets the devices choose.
        window: the most steps of a launch; None uses as many as fit.
        turn: shared with other populations that run together; None makes one.
        out_of_core: whether state stays in host memory, see ``PagedPartition``; None: if it does
            not fit on the device.
        streaming: devices that state streams through, and how many partitions stream through the
            memory of each.

    Attributes:
        steps: steps done since the last reset.
        spikes: spikes since then.
        run_seconds: wall-clock time of runs since then; of runs together, the population's part.
        kernel_seconds: time of its update kernels, on the device that took longest.
        busy: time of its update kernels on each device.
        host_seconds: time that the host worked on its windows, for all devices together.
        windows, launches: windows of its partitions, and kernel launches in them.
        runs: the buffers of the last run, for the next one of the same kind.
        failed: why the population cannot continue before a reset; empty if it can.
        laid_out: kernel, input and buffers' sizes of the last run, for one with the same input.
        fitted: steps of the last run, what was laid out for it, its window, and its layouts.
        partial: what the last run recorded if it broke off with all neurons at one step.
        torn: states that were not written to all partitions, and why.
    """

    def __init__(
        self,
        neuron_spec: NeuronSpec,
        places: Sequence[tuple[Device, int, int]],
        batch_size: int | None = None,
        window: int | None = None,
        turn: ExclusiveUse | None = None,
        out_of_core: bool | None = False,
        streaming: Mapping[Device, int] | None = None,
    ) -> None:
        self.neuron_spec, self.window_limit = neuron_spec, window
        self.turn = turn or ExclusiveUse("pool", [device.turn for device, _, _ in places])
        self.closed, self.failed = False, ""
        self.partial: RunResult | None = None
        self.fitted: tuple[int, list[Any], int, list[list[Layout]]] | None = None
        self.laid_out: tuple[KernelSpec, ResolvedInput, list[Layout]] | None = None
        self.torn: dict[str, str] = {}
        self.steps = self.spikes = self.windows = self.launches = 0
        self.run_seconds = self.kernel_seconds = self.host_seconds = 0.0
        self.busy: dict[Device, float] = {}
        self.partitions: list[PoolPartition] = []
        self.runs: list[PartitionRun] = []
        try:
            for device, first, count in places:
                users = (streaming or {}).get(device, 0)
                with report_failures(device, 0):
                    self.partitions.append(
                        partition_of(
                            neuron_spec, device, first, count, batch_size,
                            True if users else out_of_core, max(1, users),
                        )
                    )  # fmt: skip
            self.reset()
        except BaseException:
            self.close()
            raise

    @property
    def devices(self) -> list[Device]:
        """The devices in use, each once."""
        return list(dict.fromkeys(part.device for part in self.partitions))

    def require_open(self) -> None:
        """Raise ClosedError after ``close``."""
        if self.closed:
            raise ClosedError(f"the {self.turn.what} is closed; make a new one")
        for part in self.partitions:
            if part.device.closed:
                raise ClosedError(
                    f"the device {part.device.name} of the {self.turn.what} was closed; make a new "
                    f"{self.turn.what} on an open device"
                )

    def require_ready(self) -> None:
        """Raise SpikecudaError unless a run can go on from here."""
        self.require_open()
        if self.failed:
            raise SpikecudaError(
                f"the {self.turn.what} cannot go on: {self.failed}; its neurons are not all at the "
                "same step; reset() starts again"
            )
        for name, why in self.torn.items():
            raise SpikecudaError(
                f"the {self.turn.what} cannot go on: state {name} was not written to the end "
                f"({why}); write it again, or reset()"
            )

    def reset(self, seeds: Seeds | None = None) -> None:
        """Go back to step 0: start values, figures cleared.

        Args:
            seeds: of start values and noise from then on; None: as before.
        """
        self.require_open()
        self.failed = self.failed or "a reset did not end"
        if seeds is not None:
            self._take(self.neuron_spec.in_trial(seeds))
        for name in self.neuron_spec.model.states:
            self.write(name, self.neuron_spec.start(name))
        if self.neuron_spec.refractory:
            for part in self.partitions:
                with report_failures(part.device, 0):
                    part.clear("refrac")
        self.steps = self.spikes = self.windows = self.launches = 0
        self.run_seconds = self.kernel_seconds = self.host_seconds = 0.0
        self.busy = {}
        self.torn.clear()
        self.failed = ""

    def write(self, name: str, values: np.ndarray) -> None:
        """Set a state on all partitions, or on none if a value cannot be stored.

        Args:
            name: a state, or "refrac".
            values: float64, shape () or (neuron_spec.count,).
        """
        encoded = [part.encode(name, values) for part in self.partitions]
        with self._whole(name):
            for part, stored in zip(self.partitions, encoded, strict=True):
                with report_failures(part.device, self.steps):
                    part.put(name, stored)

    @property
    def title(self) -> str:
        """What messages call it."""
        return self.neuron_spec.model.name

    def parameters(self) -> Mapping[str, np.ndarray]:
        """Return the parameters by name: float64, shape () or (neuron_spec.count,)."""
        return self.neuron_spec.params

    def adjust(self, given: Mapping[str, Any], ids: np.ndarray | None = None) -> None:
        """Change parameters, all of them or none; see ``Parameters.update``.

        Args:
            given: by name.
            ids: of which neurons; None: all.
        """
        with self.turn.change():
            self.require_open()
            before = self.neuron_spec
            after = adjusted(before, given, ids, built=True)
            wide = widened(before.constants, after.constants)
            changed = [n for n, codec in after.codecs.items() if not codec.same(before.codecs[n])]
            stored = {}
            for name in changed:
                values = [part.read(name).astype(np.float64) for part in self.partitions]
                stored[name] = [
                    part.encode(name, piece, after)
                    for part, piece in zip(self.partitions, values, strict=True)
                ]
            for part in self.partitions:
                part.require_constants(after)
            if wide:
                announce_kernel(self.title, wide_parameters(before, after))
            self._take(after, anew=bool(wide))
            for name, pieces in stored.items():
                with self._whole(name):
                    for part, piece in zip(self.partitions, pieces, strict=True):
                        with report_failures(part.device, self.steps):
                            part.put(name, piece)

    def _take(self, neuron_spec: NeuronSpec, anew: bool = False) -> None:
        """Take other constants or seeds over; ``anew``: the kernel is another one."""
        if anew:
            self.drop_runs()
        self.laid_out = None
        self.neuron_spec = neuron_spec
        try:
            for part in self.partitions:
                with report_failures(part.device, self.steps):
                    part.take_constants(neuron_spec)
            for run in self.runs:
                run.take_constants()
        except BaseException as error:
            self.failed = str(error) or type(error).__name__
            raise

    def take_over(self, name: str, value: Any) -> None:
        """Set a state to another library's array in the memory of the device.

        Args:
            name: a state, or "refrac".
            value: contiguous, shape (neuron_spec.count,), of the type that the device stores.

        Raises:
            SpikecudaValueError, SpikecudaTypeError: it cannot be taken as it is.
        """
        if len(self.partitions) > 1 or name in self.neuron_spec.codecs:
            raise SpikecudaValueError(
                f"{name} must come from host memory where it is in several partitions or float16 "
                "(got an array on a GPU); bring it to the host"
            )
        (part,) = self.partitions
        with report_failures(part.device, self.steps):
            array = part.device.adopt(value)
            dtype = part.state[name].dtype
            if array.shape != (self.neuron_spec.count,) or array.dtype != dtype:
                raise SpikecudaTypeError(
                    f"{name} on a GPU must be {dtype.name}, shape ({self.neuron_spec.count},) (got "
                    f"{array.dtype.name}, shape {array.shape}); convert it there"
                )
            with self._whole(name):
                part.take_over(name, array)

    @contextlib.contextmanager
    def _whole(self, name: str) -> Iterator[None]:
        """Note a state that is written if what is done inside breaks off."""
        try:
            yield
        except BaseException as error:
            self.torn[name] = str(error) or type(error).__name__
            raise
        self.torn.pop(name, None)

    def held(self) -> dict[str, int]:
        """Return the bytes held on all devices, by name of buffer."""
        result: dict[str, int] = {}
        for part in self.partitions:
            for name, size in part.held().items():
                result[name] = result.get(name, 0) + size
        return result

    def held_by_host(self) -> dict[str, int]:
        """Return the bytes of state that stream through devices from host memory, by name."""
        result: dict[str, int] = {}
        for part in self.partitions:
            for name, size in part.held_by_host().items():
                result[name] = result.get(name, 0) + size
        return result

    def close(self) -> None:
        """Give all buffers back; the devices stay open."""
        self.closed = True
        with contextlib.ExitStack() as stack:
            for part in self.partitions:
                stack.callback(part.close)
            stack.callback(self.drop_runs)

    def drop_runs(self) -> None:
        """Give the buffers of the last run back; what is under way ends first."""
        runs, self.runs = self.runs, []
        with contextlib.ExitStack() as stack:
            for run in runs:
                run.partition.clock = None
                stack.callback(run.close)
                stack.callback(run.settle)

    def require_finite(self, part: PoolPartition) -> None:
        """Raise NumericalError if a partition's state is NaN or infinite, naming the neuron."""
        found = part.first_not_finite()
        if found:
            name, where = found
            raise NumericalError(
                f"{name} of neuron {part.first + where} is {part.read(name)[where]} after "
                f"step {self.steps} in {self.neuron_spec.precision.name}; check the input and the "
                "parameters, or use a smaller dt, more substeps or a wider precision; reset() "
                "starts again"
            )


@contextlib.contextmanager
def report_failures(device: Named, step: int, advice: str = "") -> Iterator[None]:
    """Let an error of a device name the device and the step at which it failed.

    Args:
        device: at work inside.
        step: that the device is at.
        advice: what is left and what to do, for the message.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, SpikecudaError) and not isinstance(error, DeviceError | MemoryError):
            raise
        if isinstance(error, OutOfMemoryError) and device.name in str(error):
            raise
        kind = OutOfMemoryError if isinstance(error, MemoryError) else DeviceError
        words = str(error) or type(error).__name__
        raise kind(f"{device.name} failed at step {step:,} ({words}){advice}") from error
