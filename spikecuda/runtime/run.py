"""Runs: populations advance together, window by window, with their devices side by side."""

import contextlib
import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spikecuda.common.arguments import same
from spikecuda.common.device_threads import DeviceThreads
from spikecuda.common.interrupt import held_interrupt
from spikecuda.devices.base import Device
from spikecuda.devices.memory import Buffer
from spikecuda.devices.work import Kernel
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.runtime.paged_run import run_of
from spikecuda.runtime.partition_run import PartitionRun
from spikecuda.runtime.pool_partition import INPUT_FACTOR, WINDOW_STEPS_MIN
from spikecuda.runtime.population import AFTER_FAILURE, Population, report_failures
from spikecuda.runtime.result import RunResult
from spikecuda.runtime.run_memory import require_memory
from spikecuda.runtime.spikes import SpikeList, Spikes, join_spikes, merge_spikes
from spikecuda.runtime.window_layout import Layout, layout_of

# Launches of more steps than this would not be faster.
WINDOW_STEPS = 1024
# Seconds between two updates of the figures of a run that is going on.
TELL_EVERY = 0.01


@dataclass(frozen=True)
class Request:
    """What a run asks of a population.

    Attributes:
        population: the population.
        drive: its input.
        keep_spikes: whether spikes are listed, or only counted.
        traced: states that are recorded.
    """

    population: Population
    drive: ResolvedInput
    keep_spikes: bool
    traced: tuple[str, ...]


def run(
    requests: Sequence[Request],
    total: int,
    device_threads: DeviceThreads,
    report: Callable[[int], None],
) -> list[RunResult]:
    """Advance populations by ``total`` steps, all at the same pace.

    Whatever ends the run early, all neurons are at the step that ``Population.steps`` says,
    except after the failure of a device: then ``Population.failed`` says so.

    Args:
        requests: the populations, all at the same step, and what is asked of each.
        total: number of steps.
        device_threads: works for the devices.
        report: told how many steps are done, at the end of each window.
    """
    members = [_Member(request, total) for request in requests]
    for member in members:
        member.population.partial = None
    start = members[0].population.steps
    if total:
        devices = list(dict.fromkeys(d for member in members for d in member.population.devices))
        window = _fit(members, total)
        if any(member.outgrown for member in members):  # what is lent goes with its lender
            for member in members:
                member.population.drop_runs()
        if any(member.trace_bytes or not member.runs for member in members):
            require_memory(members, total)
        for member in members:
            member.build()
        begin = time.perf_counter()
        try:
            lent: dict[Device, Buffer] = {}
            for member in members:
                member.open(start, total, lent)
            with held_interrupt() as release:
                submitted = done = 0
                while done < total:
                    steps = min(window, total - submitted)
                    _advance(members, devices, steps, device_threads)
                    submitted += steps
                    if time.perf_counter() - begin > TELL_EVERY:
                        begin = _account(members, begin)
                    before, done = done, min(member.done for member in members)
                    try:
                        if done > before:
                            report(done)
                        release()
                    except BaseException:
                        while min(member.done for member in members) < submitted:
                            _advance(
                                members, devices, 0, device_threads
                            )  # counts what is under way, too
                        raise
        except BaseException:
            _keep(members, start)
            for member in members:
                with contextlib.suppress(Exception):  # what went wrong first is what to tell
                    member.population.drop_runs()
            raise
        finally:
            for member in members:
                member.count()
        if total > 1 or (start + total) % 64 == 0:
            try:
                device_threads.together([_checks(members, device) for device in devices])
            except BaseException:
                _keep(members, start)
                raise
        _account(members, begin)
    else:
        for member in members:
            member.record()
    return [member.result(start, total) for member in members]


class _Member:
    """One population's part of a run.

    Attributes:
        layouts: what the run needs on each partition.
        traces: recorded states by name, arrays (steps, neurons).
        done: steps whose results are on the host.
    """

    def __init__(self, request: Request, total: int) -> None:
        self.request, self.population = request, request.population
        neuron_spec = self.population.neuron_spec
        self.total = self.done = 0
        self.traces: dict[str, np.ndarray] = {}
        self._shape = (total, neuron_spec.count)
        self._spec = neuron_spec.spec(request.drive.spec, request.traced)
        self.layouts = self._layouts()
        self._kernels: list[Kernel] = []
        self._lists: list[SpikeList] = []
        self._kernel_seconds: dict[Device, float] = {}

    def _layouts(self) -> list[Layout]:
        """Return what the run needs on each partition, its window still open."""
        population, drive = self.population, self.request.drive
        known = population.laid_out
        if known is None or known[0] is not self._spec or known[1] is not drive:
            found = [layout_of(part, self._spec, drive) for part in population.partitions]
            population.laid_out = known = self._spec, drive, found
        return list(known[2])

    @property
    def runs(self) -> list[PartitionRun]:
        """The partitions' runs."""
        return self.population.runs

    @property
    def outgrown(self) -> bool:
        """Whether there are no buffers of a run like this one."""
        return [run.layout for run in self.runs] != self.layouts

    @property
    def trace_bytes(self) -> int:
        """Bytes of the recorded states."""
        item = np.dtype(self.population.neuron_spec.precision.real).itemsize
        return self._shape[0] * self._shape[1] * len(self.request.traced) * item

    def fit(self, window: int, total: int) -> None:
        """Settle the window."""
        self.layouts = [
            replace(layout, window=window, slots=part.slots(-(-total // window)))
            for part, layout in zip(self.population.partitions, self.layouts, strict=True)
        ]

    def build(self) -> None:
        """Compile what the run needs; never part of its time."""
        if not self.runs:
            parts = self.population.partitions
            self._kernels = [part.device.kernel(self._spec) for part in parts]
            parts[0].device.build_host_loops(self.population.neuron_spec.precision, len(parts))

    def open(self, start: int, total: int, lent: dict[Device, Buffer]) -> None:
        """Allocate what the run needs, and give it its input.

        Args:
            start: number of the first step.
            total: steps of the run.
            lent: spike bits that runs on a device lend each other; the first one adds its own.
        """
        request, parts = self.request, self.population.partitions
        self.record()
        if not self.runs:
            for part, kernel, layout in zip(parts, self._kernels, self.layouts, strict=True):
                with report_failures(part.device, start):
                    self.runs.append(run_of(part, kernel, layout, lent.get(part.device)))
                lent.setdefault(part.device, self.runs[-1].bits)
        for run in self.runs:
            with report_failures(run.device, start):
                run.begin(request.drive, start, total, self.traces, request.keep_spikes)

    def record(self) -> None:
        """Make room for the recorded states."""
        real = self.population.neuron_spec.precision.real
        self.traces = {name: np.empty(self._shape, real) for name in self.request.traced}

    def advance(self, device: Device, steps: int) -> None:
        """Start a window of the partitions on a device, and take the results that are due.

        Args:
            device: which.
            steps: of the window; 0 only takes results.
        """
        mine = [run for run in self.runs if run.device is device]
        for run in mine:
            if steps:
                run.submit(steps)
            if run.due and device.shares_host_memory:  # the next one's spike bits go there, too
                run.collect()
        for run in mine:
            if run.due or (run.in_flight and not steps):
                run.collect()

    def collect(self, steps: int) -> None:
        """Note a window, and take the results that all devices have by now."""
        self.population.steps += steps
        drains = [run.drain for run in self.runs]
        while all(drain.windows for drain in drains):
            lists = [join_spikes(w) for w in (drain.windows.popleft() for drain in drains) if w]
            self._lists += [merge_spikes(lists)] if lists else []
        total = sum(drain.total for drain in drains)
        self.population.spikes += total - self.total
        self.total = total
        self.done = min(run.collected for run in self.runs)

    def spent(self) -> dict[Device, float]:
        """Return the seconds in kernels since the last call, by device."""
        found: dict[Device, float] = {}
        for run in self.runs:
            found[run.device] = found.get(run.device, 0.0) + run.kernel_seconds
        before, self._kernel_seconds = self._kernel_seconds, found
        return {device: seconds - before.get(device, 0.0) for device, seconds in found.items()}

    def count(self) -> None:
        """Move the run's figures to the population's."""
        for run in self.runs:
            self.population.windows += run.windows
            self.population.launches += run.launches
            self.population.host_seconds += run.host_seconds
            run.windows = run.launches = 0
            run.host_seconds = 0.0

    def result(self, start: int, steps: int) -> RunResult:
        """Return what was recorded in the run's first steps, which are all that were done."""
        dt = self.population.neuron_spec.dt
        spikes = Spikes(*join_spikes(self._lists), dt) if self.request.keep_spikes else None
        traces = {name: rows[:steps] for name, rows in self.traces.items()}
        count = self.population.neuron_spec.count
        return RunResult(spikes, traces, steps, start, dt, self.total, count)


def window_steps(total: int, row_bytes: int, step_bytes: int, limit: int) -> int:
    """Return how many steps one launch takes.

    Args:
        total: steps of the run.
        row_bytes: of the spike bits of a step, in one memory.
        step_bytes: of input and traces of a step.
        limit: bytes of spike bits that a launch may fill.
    """
    fits = max(WINDOW_STEPS_MIN, limit // row_bytes)
    if step_bytes > row_bytes:
        fits = min(fits, max(1, INPUT_FACTOR * limit // step_bytes))
    return min(total, fits, WINDOW_STEPS)


def _advance(
    members: Sequence[_Member], devices: Sequence[Device], steps: int, device_threads: DeviceThreads
) -> None:
    """Run a window on all devices, side by side; they end at the same step."""
    at = members[0].population.steps

    def work(device: Device) -> None:
        try:
            for member in members:
                member.advance(device, steps)
        except Exception:
            with report_failures(device, at, AFTER_FAILURE):
                raise

    try:
        device_threads.together([functools.partial(work, device) for device in devices])
        for member in members:
            member.collect(steps)
    except BaseException as error:
        for member in members:
            member.population.failed = str(error) or type(error).__name__
        raise


def _keep(members: Sequence[_Member], start: int) -> None:
    """Keep what a run that breaks off recorded, if all neurons are at the same step."""
    done = members[0].population.steps - start
    whole = all(
        member.done == done and member.population.steps - start == done for member in members
    )
    if whole and not any(member.population.failed for member in members):
        for member in members:
            member.population.partial = member.result(start, done)


def _account(members: Sequence[_Member], begin: float) -> float:
    """Share the wall-clock time since ``begin`` out by the kernels' times; return the time now."""
    now = time.perf_counter()
    spent = [member.spent() for member in members]
    whole = sum(sum(mine.values()) for mine in spent)
    for member, mine in zip(members, spent, strict=True):
        share = sum(mine.values()) / whole if whole else 1.0 / len(members)
        member.population.run_seconds += share * (now - begin)
        member.population.kernel_seconds += max(mine.values(), default=0.0)
        busy = member.population.busy
        for device, seconds in mine.items():
            busy[device] = busy.get(device, 0.0) + seconds
    return now


def _checks(members: Sequence[_Member], device: Device) -> Callable[[], None]:
    """Return what raises NumericalError unless all state on a device is finite."""

    def job() -> None:
        for member in members:
            for part in member.population.partitions:
                if part.device is device:
                    with report_failures(device, member.population.steps):
                        member.population.require_finite(part)

    return job


def _fit(members: Sequence[_Member], total: int) -> int:
    """Settle the window and the layouts; those of the last run serve for one like it."""
    keeper = members[0].population
    laid_out = [member.population.laid_out for member in members]
    known = keeper.fitted
    if known is not None and known[0] == total and same(known[1], laid_out):
        for member, layouts in zip(members, known[3], strict=True):
            member.layouts = list(layouts)
        return known[2]
    window = _window(members, total)
    for member in members:
        member.fit(window, total)
    _lend(members)
    keeper.fitted = total, laid_out, window, [list(member.layouts) for member in members]
    return window


def _window(members: Sequence[_Member], total: int) -> int:
    """Return the steps of a window: what suits the memory that is fullest."""
    found = [member.population.window_limit or total for member in members]
    rows: dict[str, tuple[int, int, int]] = {}
    widest: dict[Device, int] = {}
    for member in members:
        for part, layout in zip(member.population.partitions, member.layouts, strict=True):
            device, most, more = part.device, part.window_bytes, part.row_bytes
            if device.shares_host_memory:  # see _lend
                before = widest.get(device, 0)
                widest[device] = max(before, more)
                more = widest[device] - before
            row, step, limit = rows.get(device.home, (0, 0, most))
            rows[device.home] = (row + more, step + layout.per_step(), min(limit, most))
    return min(*found, *(window_steps(total, *row) for row in rows.values()))


def _lend(members: Sequence[_Member]) -> None:
    """Let partitions have their spike bits in one place where a window is drained at once.

    Three types share a cache then as one does, and their windows are as long as its windows.
    """
    shared: dict[Device, list[tuple[_Member, int]]] = {}
    for member in members:
        for i, part in enumerate(member.population.partitions):
            if part.device.shares_host_memory:
                shared.setdefault(part.device, []).append((member, i))
    for users in shared.values():
        words = max(member.layouts[i].words for member, i in users)
        for member, i in users:
            layout = member.layouts[i]
            first = (member, i) == users[0]
            member.layouts[i] = layout.lending(words) if first else replace(layout, lent=True)
