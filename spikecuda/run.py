"""Runs: populations go through time together, window by window, their devices side by side."""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from spikecuda.backends.base import Device, Kernel
from spikecuda.crew import Crew
from spikecuda.drive import Drive
from spikecuda.errors import OutOfMemoryError
from spikecuda.host import available_memory
from spikecuda.interrupt import held_interrupt
from spikecuda.partition import WINDOW_STEPS_MIN
from spikecuda.partition_run import PartitionRun
from spikecuda.population import AFTER_FAILURE, Population, RunResult, reported
from spikecuda.spikes import Drain, SpikeList, Spikes, merged

# Launches of more steps than this would not be faster.
WINDOW_STEPS = 1024
# Inputs and traces of a window may take this many times as much as its spike bits.
INPUT_FACTOR = 16


@dataclass(frozen=True)
class Request:
    """What is asked of a population.

    Attributes:
        population: which.
        drive: its input.
        keep_spikes: whether spikes are listed, or only counted.
        traced: states that are recorded.
    """

    population: Population
    drive: Drive
    keep_spikes: bool
    traced: tuple[str, ...]


def run(
    requests: Sequence[Request], total: int, crew: Crew, report: Callable[[int], None]
) -> list[RunResult]:
    """Advance populations by ``total`` steps, all at the same pace.

    Whatever ends the run early, all neurons are at the step that ``Population.steps`` says,
    except after the failure of a device: then ``Population.failed`` says so.

    Args:
        requests: the populations, all at the same step, and what is asked of each.
        total: number of steps.
        crew: works for the devices.
        report: told how many steps are done, at the end of each window.
    """
    members = [_Member(request, total) for request in requests]
    start = members[0].population.steps
    if total:
        window = _window(requests, total)
        _require_memory(requests, window, total)
        for member in members:
            member.build()
        begin = time.perf_counter()
        try:
            for member in members:
                member.open(start, total, window)
            with held_interrupt() as release:
                for done in range(0, total, window):
                    _advance(members, min(window, total - done), crew)
                    begin = _account(members, begin)
                    report(min(done + window, total))
                    release()
        except BaseException:
            with contextlib.suppress(Exception):  # what went wrong first is what to tell
                _close(members)
            raise
        _close(members)
        if total > 1 or (start + total) % 64 == 0:
            crew.together([_checks(members, device) for device in _devices(members)])
        _account(members, begin)
    return [member.result(start, total) for member in members]


class _Member:
    """One population's part of a run."""

    def __init__(self, request: Request, total: int) -> None:
        self.request, self.population = request, request.population
        plan = self.population.plan
        shape = (total, plan.count)
        self.traces = {name: np.empty(shape, plan.precision.real) for name in request.traced}
        self.runs: list[PartitionRun] = []
        self.total = 0
        # Seconds in kernels during the last window, by device.
        self.spent: dict[Device, float] = {}
        self._kernels: list[Kernel] = []
        self._drains: list[Drain] = []
        self._lists: list[SpikeList] = []
        self._done = 0

    def build(self) -> None:
        """Compile what the run needs; never part of its time."""
        spec = self.population.plan.spec(self.request.drive.spec, self.request.traced)
        self._kernels = [part.device.kernel(spec) for part in self.population.partitions]
        self.population.partitions[0].device.build_host_loops()

    def open(self, start: int, total: int, window: int) -> None:
        """Allocate what the run needs."""
        request = self.request
        for part, kernel in zip(self.population.partitions, self._kernels, strict=True):
            with reported(part.device, start):
                self.runs.append(
                    PartitionRun(part, kernel, request.drive, start, total, window, request.traced)
                )
            self._drains.append(Drain(part.words, part.first, request.keep_spikes))

    def advance(self, device: Device, steps: int) -> None:
        """Run a window of the partitions on a device and take what they give."""
        self.spent[device] = 0.0
        for run, drain in zip(self.runs, self._drains, strict=True):
            if run.device is not device:
                continue
            run.feed(steps)
            begin = time.perf_counter()
            run.launch(steps)
            self.spent[device] += time.perf_counter() - begin
            drain.take(
                run.bits(steps), self.population.steps, steps, device.threads, device.together
            )
            columns = slice(drain.first, drain.first + run.partition.count)
            for name, trace in self.traces.items():
                trace[self._done : self._done + steps, columns] = run.trace(name, steps)

    def collect(self, steps: int) -> None:
        """Take a window's results, when all devices are done with it."""
        if len(self._drains) == 1:
            self._lists += self._drains[0].window
        else:
            lists = [joined(drain.window) for drain in self._drains if drain.window]
            self._lists += [merged(lists)] if lists else []
        total = sum(drain.total for drain in self._drains)
        self.population.spikes += total - self.total
        self.total = total
        self.population.steps += steps
        self._done += steps

    def result(self, start: int, total: int) -> RunResult:
        """Return what was recorded."""
        dt = self.population.plan.dt
        spikes = Spikes(*joined(self._lists), dt) if self.request.keep_spikes else None
        return RunResult(spikes, self.traces, total, start, dt, self.total)


def joined(lists: Sequence[SpikeList]) -> SpikeList:
    """Return lists that follow each other in time as one."""
    if not lists:
        return np.empty(0, np.int64), np.empty(0, np.int32)
    if len(lists) == 1:
        return lists[0]
    step, neuron = (np.concatenate(parts) for parts in zip(*lists, strict=True))
    return step, neuron


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


def _advance(members: Sequence[_Member], steps: int, crew: Crew) -> None:
    """Run a window on all devices, side by side; they end at the same step."""
    at = members[0].population.steps

    def work(device: Device) -> Callable[[], None]:
        def job() -> None:
            with reported(device, at, AFTER_FAILURE):
                for member in members:
                    member.advance(device, steps)

        return job

    try:
        crew.together([work(device) for device in _devices(members)])
        for member in members:
            member.collect(steps)
    except BaseException as error:
        for member in members:
            member.population.failed = str(error) or type(error).__name__
        raise


def _account(members: Sequence[_Member], begin: float) -> float:
    """Share the wall-clock time since ``begin`` out by the kernels' times; return the time now."""
    now = time.perf_counter()
    spent = [sum(member.spent.values()) for member in members]
    for member, mine in zip(members, spent, strict=True):
        share = mine / sum(spent) if sum(spent) else 1.0 / len(members)
        member.population.run_seconds += share * (now - begin)
        member.population.kernel_seconds += max(member.spent.values(), default=0.0)
        busy = member.population.busy
        member.population.busy = {
            device: busy.get(device, 0.0) + member.spent.get(device, 0.0)
            for device in member.population.devices
        }
        member.spent = {}
    return now


def _checks(members: Sequence[_Member], device: Device) -> Callable[[], None]:
    """Return what raises NumericalError unless all state on a device is finite."""

    def job() -> None:
        for member in members:
            for part in member.population.partitions:
                if part.device is device:
                    with reported(device, member.population.steps):
                        member.population.require_finite(part)

    return job


def _close(members: Sequence[_Member]) -> None:
    """Give back what only the run needs."""
    with contextlib.ExitStack() as stack:
        for member in members:
            for run in member.runs:
                stack.callback(run.close)


def _devices(members: Sequence[_Member]) -> list[Device]:
    """Return the devices in use, each once."""
    return list(dict.fromkeys(d for member in members for d in member.population.devices))


def _window(requests: Sequence[Request], total: int) -> int:
    """Return the steps of a window: what suits the memory that is fullest."""
    found = [r.population.window_limit or total for r in requests]
    rows: dict[str, tuple[int, int, int]] = {}
    for r in requests:
        for part in r.population.partitions:
            row, step, limit = rows.get(part.device.home, (0, 0, part.device.window_bytes))
            step += part.step_bytes(r.drive, len(r.traced))
            limit = min(limit, part.device.window_bytes)
            rows[part.device.home] = (row + part.row_bytes, step, limit)
    return min(*found, *(window_steps(total, *row) for row in rows.values()))


def _require_memory(requests: Sequence[Request], window: int, total: int) -> None:
    """Raise OutOfMemoryError unless the run fits, spike lists excepted."""
    what = f"a run of {total:,} steps"
    need: dict[str, int] = {"host": 0}
    devices: dict[str, Device] = {}
    for r in requests:
        item = np.dtype(r.population.plan.precision.real).itemsize
        need["host"] += total * r.population.plan.count * len(r.traced) * item
        for part in r.population.partitions:
            home = part.device.home
            devices.setdefault(home, part.device)
            need[home] = need.get(home, 0) + part.run_bytes(window, r.drive, len(r.traced))
    for home, size in need.items():
        if home in devices:
            devices[home].require(size, what)
        elif size > available_memory():
            raise OutOfMemoryError(
                f"{what} needs {size:,} bytes of host memory for its traces (available: "
                f"{available_memory():,}); record fewer states or run in parts"
            )
