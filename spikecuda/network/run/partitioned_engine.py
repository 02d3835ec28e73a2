"""Run a network on devices: partitions advance together and exchange spikes."""

import contextlib
import functools
import math
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from spikecuda.common.interrupt import held_interrupt
from spikecuda.network.model.trace import Trace
from spikecuda.network.run.partition import (
    NUMBER,
    RATE,
    STEP_BITS,
    RunRequest,
)
from spikecuda.network.run.partitions import Partitions
from spikecuda.network.run.pauses import Pauses
from spikecuda.network.run.received import require_spikes
from spikecuda.network.run.trace import Recorded, cut_samples, sample_arrays
from spikecuda.network.run.window import ResolvedInputs


class PartitionedEngine(Partitions):
    """A network's partitions, which advance together and exchange spikes; see ``Partitions``."""

    def run(
        self,
        steps: int,
        drives: ResolvedInputs,
        spikes: Sequence[int],
        traces: Sequence[Trace],
        external: np.ndarray,
        report: Callable[[int], None],
        pauses: Pauses | None = None,
    ) -> Recorded:
        """Advance by some steps; see ``CpuEngine.run``.

        Raises:
            DeviceError: a device failed; once the run has begun to change state, the network goes
                on after ``reset`` only.
        """
        self._require_ready(steps)
        self.require_usable()  # what was settled since the last run
        self._unusable.clear()
        if self._stale:
            self.rewire()
        begin = time.perf_counter()
        self.partial = None
        request = self._request(steps, drives, traces, external)
        pauses, counted = pauses or Pauses((), ()), 0
        found: list[np.ndarray] = []
        before, compiled = self.spikes, self._compiled()
        try:
            self._together([p.begin for p in self.partitions], request, advice="")
            with held_interrupt() as release:
                done = 0
                while done < steps:
                    some = self._most_steps(request, done)
                    some = min(some, steps - done, pauses.left(self.clock))
                    heard = self._advance(request, some)
                    self._counts.add(heard, now=request.single)
                    found.append(self._kept(heard))
                    done += some
                    self.clock += some
                    if pauses.due(self.clock):
                        found += self._pause(request, pauses, found[counted:])
                        counted = len(found)
                    report(done)
                    release()
                with self._whole():
                    found += self._rest()
                    self._together([p.end for p in self.partitions])
                self._note(found[counted:], pauses)
                counted = len(found)
        except BaseException:
            # What went wrong first is what to tell.
            try:
                found += self._end()
                self._note(found[counted:], pauses)
            except Exception as error:
                self._failed = self._failed or str(error) or type(error).__name__
            if not self._failed:
                out = cut_samples(traces, request.out, request.start, self.clock)
                self.partial = self._recorded(found, spikes, out, before)
            raise
        # Devices compile side by side.
        slowest = max(s - compiled[name] for name, s in self._compiled().items())
        self.seconds += time.perf_counter() - begin - slowest
        result = self._recorded(found, spikes, request.out, before)
        try:
            for n in self.neurons:
                n.check()
            self.require_usable()
        except BaseException:
            self.partial = result
            raise
        return result

    # Parts of a run.

    def _request(
        self, steps: int, drives: ResolvedInputs, traces: Sequence[Trace], external: np.ndarray
    ) -> RunRequest:
        align = math.gcd(*(t.every for t in traces)) if traces else 0
        window = self.window
        while align and align % window:
            window -= 1
        out = sample_arrays(traces, self.neurons, self.clock, steps)
        z = np.searchsorted(external[:, 0], self.clock + steps)
        first = np.array([self.first[g] for g in range(len(self.first))], np.int64)
        step, population, neuron = external[:z].T
        given = np.sort((step << STEP_BITS) + first[population] + neuron)
        time_done = self.clock * self.neurons[0].population.neurons.dt * 1e-3
        size = sum(n.population.size for n in self.neurons)
        rate = self.spikes.sum() / (size * time_done) if self.clock else RATE
        return RunRequest(
            self.clock, steps, window, align, drives, traces, out, given, float(rate),
            self._alone or self._linked is not None,
        )  # fmt: skip

    def _pause(
        self, request: RunRequest, pauses: Pauses, found: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        """Do what is due, with all that the devices have on the host; return spikes not yet told.

        Args:
            request: of the run, which goes on.
            pauses: what is due.
            found: spikes since the last pause that are known.
        """
        with self._whole():
            rest = self._rest()
            self._together([p.end for p in self.partitions])
        self._note([*found, *rest], pauses)
        pauses.act(self)
        with self._whole():
            self._together([p.begin for p in self.partitions], request)
        return rest

    def _note(self, found: Sequence[np.ndarray], pauses: Pauses) -> None:
        """Tell what is done at pauses of spikes."""
        if not pauses.populations or not found:
            return
        number = np.concatenate(found) & NUMBER
        for g in pauses.populations:
            mine = number - self.first[g]
            size = self.neurons[g].population.size
            pauses.count(g, mine[(mine >= 0) & (mine < size)])

    def _most_steps(self, request: RunRequest, done: int) -> int:
        """Return the steps to the next exchange, or without one as many as can be had."""
        if self._linked is not None:
            return self._linked.most_steps
        if self._alone:
            return self.partitions[0].most_steps
        return request.next_window(self.clock, request.steps - done)

    def _advance(self, request: RunRequest, steps: int) -> np.ndarray:
        """Advance all partitions; return the spikes, sorted."""
        ends = np.array([self.clock, self.clock + steps]) << STEP_BITS
        a, z = np.searchsorted(request.external, ends)
        # Before the first step of a run there may be what was sent at its start.
        due = request.external[0 if self.clock == request.start else a : z]
        if self._linked is not None:
            with self._whole(), self._timed(self._linked.names()):
                return self._linked.advance(steps, due)
        with self._whole():
            try:
                lists = self._together([p.advance for p in self.partitions], steps, due)
            except BaseException as error:
                self._leave(error)
                raise
            if self._alone:
                return lists[0]
            others = self._exchange.swap(lists)
            if self._foreign:
                last = self.neurons[-1].population
                others = require_spikes(
                    others, len(lists), self.clock, self.clock + steps,
                    self.first[last.number] + last.size,
                )  # fmt: skip
            self._together(
                [functools.partial(p.receive, other)
                 for p, other in zip(self.partitions, others, strict=True)]
            )  # fmt: skip
        return self._heard(lists, others)

    def _leave(self, error: BaseException) -> None:
        """Tell other processes, if there are any, that no spikes of this one come."""
        leave = getattr(self._exchange, "leave", None)
        if self._foreign and leave is not None:
            leave(error)

    def _heard(self, lists: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> np.ndarray:
        """Return the spikes of a window that are recorded here, sorted: those of this process.

        Args:
            lists: of each partition.
            others: what each was told of all others.
        """
        return np.sort(np.concatenate(lists))

    def _kept(self, heard: np.ndarray) -> np.ndarray:
        """Return which of the spikes of a window are kept until the end of the run."""
        return heard

    def _end(self) -> list[np.ndarray]:
        """End a run that broke off on all partitions; return spikes that were under way."""
        with contextlib.ExitStack() as stack:
            for p in self.partitions:
                stack.callback(p.end)
            return [] if self._failed else self._rest()

    def _rest(self) -> list[np.ndarray]:
        """Return the spikes that are still under way, counted."""
        if self._linked is not None:
            with self._timed(self._linked.names()):
                rest = [self._linked.rest()]
        else:
            rest = self._together([p.rest for p in self.partitions])
        self._counts.add(np.concatenate(rest), now=True)
        return rest

    @contextlib.contextmanager
    def _timed(self, devices: Sequence[str]) -> Iterator[None]:
        """Count the time of what is done inside as work of all of some devices."""
        begin = time.perf_counter()
        yield
        for name in devices:
            self._busy[name] += time.perf_counter() - begin

    def _recorded(
        self,
        found: Sequence[np.ndarray],
        spikes: Sequence[int],
        out: list[np.ndarray],
        before: np.ndarray,
    ) -> Recorded:
        """Return the spikes by population."""
        merged = np.concatenate([np.empty(0, np.int64), *found])
        first = np.array([self.first[g] for g in range(len(self.neurons))], np.int64)
        number = merged & NUMBER
        population = np.searchsorted(first, number, side="right") - 1
        steps, neurons = {}, {}
        for g in spikes:
            mine = population == g
            steps[g] = merged[mine] >> STEP_BITS
            neurons[g] = (number[mine] - first[g]).astype(np.int32)
        return Recorded(steps, neurons, out, self.spikes - before)
