"""A population: one plan, split over one or more partitions, and its runs."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np

from spikecuda.backends.base import Device, Kernel
from spikecuda.drive import Drive
from spikecuda.errors import (
    ClosedError,
    DeviceError,
    NumericalError,
    OutOfMemoryError,
    SpikecudaError,
)
from spikecuda.host import available_memory
from spikecuda.partition import Partition
from spikecuda.partition_run import PartitionRun
from spikecuda.plan import Plan
from spikecuda.spikes import Drain, Spikes


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a run recorded.

    Attributes:
        spikes: the spikes, or None if they were not recorded.
        traces: state variables after every step, by name: arrays (steps, num_neurons).
        steps: number of steps of the run.
        start: number of the first step.
        dt: length of a step in ms.
        num_spikes: spikes of the run, recorded or not.
    """

    spikes: Spikes | None
    traces: dict[str, np.ndarray]
    steps: int
    start: int
    dt: float
    num_spikes: int

    @property
    def time(self) -> np.ndarray:
        """Times of the traces' rows in ms: the ends of the steps."""
        return (np.arange(self.start, self.start + self.steps) + 1) * self.dt


class Population:
    """Neurons of one plan on one or more devices.

    Args:
        plan: what the neurons are.
        places: (device, first neuron, count) of each partition, in the order of the neurons.
        batch_size: neurons per launch; None lets the devices choose.
        window: the most steps a launch takes; None takes what fits.

    Attributes:
        steps: steps done since the last reset.
        spikes: spikes since then.
        run_seconds: wall-clock time of runs since then.
        kernel_seconds: the part of it spent in update kernels.
    """

    def __init__(
        self,
        plan: Plan,
        places: Sequence[tuple[Device, int, int]],
        batch_size: int | None = None,
        window: int | None = None,
    ) -> None:
        self.plan, self.window_limit = plan, window
        self.closed = False
        self.partitions: list[Partition] = []
        self._executor: ThreadPoolExecutor | None = None
        try:
            for device, first, count in places:
                self.partitions.append(Partition(plan, device, first, count, batch_size))
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
            raise ClosedError("the pool is closed; make a new one")

    def reset(self) -> None:
        """Go back to step 0: start values, figures cleared."""
        self.require_open()
        for name in self.plan.model.states:
            self.write(name, self.plan.start(name))
        if self.plan.refractory:
            for part in self.partitions:
                part.device.clear(part.state["refrac"])
        self.steps = self.spikes = 0
        self.run_seconds = self.kernel_seconds = 0.0

    def write(self, name: str, values: np.ndarray) -> None:
        """Set a state on all partitions, or on none if a value cannot be stored.

        Args:
            name: a state, or "refrac".
            values: float64, shape () or (plan.count,).
        """
        encoded = [part.encode(name, values) for part in self.partitions]
        for part, stored in zip(self.partitions, encoded, strict=True):
            part.device.write(part.state[name], stored)

    def run(
        self,
        total: int,
        drive: Drive,
        keep_spikes: bool,
        traced: tuple[str, ...],
        report: Callable[[int], None],
    ) -> RunResult:
        """Advance by ``total`` steps; see ``GPUNeuronPool.run``."""
        drain = Drain(keep_spikes)
        kernels: list[Kernel] = []
        window = 1
        if total:
            window = self._window(total, drive, len(traced))
            self._require_memory(window, total, drive, len(traced))
            spec = self.plan.spec(drive.spec, traced)
            kernels = [part.device.kernel(spec) for part in self.partitions]
            self.partitions[0].device.build_host_loops()
        begin = time.perf_counter()
        shape = (total, self.plan.count)
        traces = {name: np.empty(shape, self.plan.precision.real) for name in traced}
        runs: list[PartitionRun] = []
        start, done = self.steps, 0
        try:
            for part, kernel in zip(self.partitions, kernels, strict=False):
                runs.append(PartitionRun(part, kernel, drive, start, total, window, traced))
            while done < total:
                k = min(window, total - done)
                self._advance(runs, k)
                bits = [(r.bits(k), r.partition.words, r.partition.first) for r in runs]
                before = drain.total
                drain.take(bits, self.steps, k)
                for name in traced:
                    for r in runs:
                        columns = slice(r.partition.first, r.partition.first + r.partition.count)
                        traces[name][done : done + k, columns] = r.trace(name, k)
                done += k
                self.steps += k
                self.spikes += drain.total - before
                self.run_seconds += time.perf_counter() - begin
                begin = time.perf_counter()
                report(done)
        finally:
            for r in runs:
                r.close()
        if total > 1 or (total and self.steps % 64 == 0):
            self._check()
        self.run_seconds += time.perf_counter() - begin
        spikes = drain.spikes(self.plan.dt) if keep_spikes else None
        return RunResult(spikes, traces, total, start, self.plan.dt, drain.total)

    def held(self) -> dict[str, int]:
        """Return the bytes held on all devices, by name of buffer."""
        result: dict[str, int] = {}
        for part in self.partitions:
            for name, size in part.held().items():
                result[name] = result.get(name, 0) + size
        return result

    def close(self) -> None:
        """Give all buffers and threads back; the devices stay open."""
        self.closed = True
        for part in self.partitions:
            part.close()
        if self._executor is not None:
            self._executor.shutdown()
            self._executor = None

    def _advance(self, runs: Sequence[PartitionRun], steps: int) -> None:
        """Run a window on all partitions, devices side by side."""
        started = time.perf_counter()
        spent: list[float] = []

        def work(mine: Sequence[PartitionRun]) -> None:
            try:
                for r in mine:
                    r.feed(steps)
                    launched = time.perf_counter()
                    r.launch(steps)
                    spent.append(time.perf_counter() - launched)
            except SpikecudaError:
                raise
            except Exception as error:
                raise DeviceError(
                    f"{mine[0].device.name} failed at step {self.steps} ({error}); the states of "
                    "other devices can be read; reset() starts again"
                ) from error

        groups = [[r for r in runs if r.device is d] for d in self.devices]
        if len(groups) == 1:
            work(groups[0])
            self.kernel_seconds += sum(spent)
            return
        if self._executor is None:
            self._executor = ThreadPoolExecutor(len(groups), thread_name_prefix="spikecuda-device")
        tasks = [self._executor.submit(work, group) for group in groups]
        try:
            for task in tasks:
                task.result()
        finally:
            # Ctrl-C, too, leaves every partition at the same step.
            wait(tasks)
        self.kernel_seconds += time.perf_counter() - started

    def _window(self, total: int, drive: Drive, traced: int) -> int:
        """Return how many steps one launch takes."""
        window = min(part.window(total, drive, traced) for part in self.partitions)
        return min(window, self.window_limit or window)

    def _require_memory(self, window: int, total: int, drive: Drive, traced: int) -> None:
        """Raise OutOfMemoryError unless the run fits, spike lists excepted."""
        what = f"a run of {total:,} steps"
        traces = total * self.plan.count * traced * np.dtype(self.plan.precision.real).itemsize
        on_host = [p for p in self.partitions if p.device.name.startswith("cpu")]
        for part in self.partitions:
            size = part.run_bytes(window, drive, traced)
            part.device.require(size + (traces if part in on_host else 0), what)
        if not on_host and traces > available_memory():
            raise OutOfMemoryError(
                f"{what} needs {traces:,} bytes of host memory for its traces (available: "
                f"{available_memory():,}); record fewer states or run in parts"
            )

    def _check(self) -> None:
        """Raise NumericalError if a state is NaN or infinite, naming the neuron."""
        for part in self.partitions:
            found = part.first_not_finite()
            if found:
                name, where = found
                raise NumericalError(
                    f"{name} of neuron {part.first + where} is {part.read(name)[where]} after "
                    f"step {self.steps} in {self.plan.precision.name}; check the input and the "
                    "parameters, or use a smaller dt, more substeps or a wider precision; reset() "
                    "starts again"
                )
