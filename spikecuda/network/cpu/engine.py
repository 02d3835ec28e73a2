"""Run a network on the CPU: what the native loops are given, and their requests."""

import functools
import math
import operator
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from spikecuda.common.aligned_memory import aligned_zeros
from spikecuda.common.exclusive_use import ExclusiveUse
from spikecuda.common.finite import FiniteCheck
from spikecuda.common.interrupt import held_interrupt
from spikecuda.errors import SpikecudaError
from spikecuda.kernels.network import layout
from spikecuda.kernels.spec import KernelSpec
from spikecuda.network.cpu.coupling import Couplings
from spikecuda.network.cpu.cpu_run import CpuRun
from spikecuda.network.cpu.input_rows import fill_rows, input_rows
from spikecuda.network.cpu.parts import merge_spikes
from spikecuda.network.cpu.saved_engine import SavedEngine
from spikecuda.network.cpu.trace_table import trace_table
from spikecuda.network.model.trace import Trace
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.pauses import Pauses
from spikecuda.network.run.route import MEMORY, NOWHERE
from spikecuda.network.run.trace import Recorded, cut_samples, sample_arrays
from spikecuda.network.run.window import ResolvedInputs, chunk_steps, require_learning_steps
from spikecuda.network.synapses.peers import Peers
from spikecuda.network.synapses.store import Wiring

# The host is asked for progress and Ctrl-C about so often.
SECONDS_PER_CALL, FIRST_STEPS = 0.1, 64
# What it takes to wake the other threads, in seconds; so many steps of neurons are tried without.
WAKING = 70e-6
ALONE = 30_000
NO_PAUSES = Pauses((), ())
NO_TRACES = np.zeros((0, layout.TRACE), np.int64)


class CpuEngine(SavedEngine):
    """A network's neurons and synapses on this machine's processor.

    Args:
        neurons: of each population, in the order of their numbers.
        sources: number of populations, those without neurons of their own included.
        wiring: the synapses.
        threads: how many work at once.

    Attributes:
        clock: steps done since the last reset.
        seconds: wall-clock time of runs.
        compile_seconds: time spent on compiling.
        state_within_runs: whether the neurons' state can be read between the windows of a run.
        partial: what the last run recorded if it broke off between two steps.
        placed: how neurons were dealt out, in words; "" if evenly.
        gather: see ``Engine``.
        route: how spikes get from thread to thread.
        torn: whether a run was broken off within a step; only ``reset`` helps then.
    """

    turns: tuple[ExclusiveUse, ...] = ()
    state_within_runs = True
    placed = ""
    gather = True
    peers: Peers | None = None

    def __init__(
        self, neurons: Sequence[Neurons], sources: int, wiring: Wiring, threads: int
    ) -> None:
        super().__init__(neurons, sources, wiring, threads)
        self.compile_seconds = 0.0
        self.torn = False
        self.partial: Recorded | None = None
        self.route = MEMORY if threads > 1 else NOWHERE
        self._finite = FiniteCheck([values for n in self.neurons for values in n.values])
        # What the last run held, for runs like it, and the loop that they call.
        self._loop: Any = None
        self._like: CpuRun | None = None
        # Populations with other parameters, or seeds, than it has.
        self._stale: set[int] = set()
        # Seconds of a step in the last call; 0: there was none.
        self._pace = 0.0
        blocks = wiring.blocks
        workers = min(threads, blocks.count)
        # The numbers of each thread's blocks.
        self._mine = [np.arange(t, blocks.count, workers, dtype=np.int64) for t in range(workers)]
        self._alone = [np.arange(blocks.count, dtype=np.int64)]
        # The time of a step on one thread, when last measured.
        self._step_seconds = 0.0
        self._size = sum(n.population.size for n in self.neurons)
        self._shared = aligned_zeros(layout.SHARED, np.int64)
        # The table by which other processes are reached; 0: there are none.
        self._link_address = 0
        self._busy_seconds = 0.0
        self._couplings: Couplings | None = None
        if wiring.coupled:
            self._couplings = Couplings(
                wiring.coupled,
                self.neurons,
                self._memory,
                self._parts,
                [self._alone, self._mine],
                self._shared,
            )

    # What a run needs.

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
        """Advance by some steps.

        Ctrl-C, or an error of ``report``, leaves all neurons at step ``clock``; a second Ctrl-C
        does not wait for that, and only ``reset`` helps then.

        Args:
            steps: how many.
            drives: the input of each population, and the receptor of each of its pulses.
            spikes: numbers of the populations whose spikes are recorded.
            traces: variables to record.
            external: int64 (spikes, 3), sorted by step: step, population, neuron; those that are
                still to be sent.
            report: is told the steps done.
            pauses: what is done at given steps.
        """
        pauses = pauses or NO_PAUSES
        recorded = [*spikes, *(g for g in pauses.populations if g not in spikes)]
        self.require_usable()  # what was settled since the last run
        self._unusable.clear()
        run = self.prepare(steps, drives, recorded, traces)
        taken: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {g: [] for g in spikes}
        before = self._parts.counts.copy()
        begin = time.perf_counter()
        # As many steps as fit into a call, by the pace of the last one: a short piece is one call.
        known = SECONDS_PER_CALL / self._pace if self._pace else FIRST_STEPS
        done, quantum = 0, max(1, min(run.chunk, int(known)))
        self.partial = None
        try:
            with held_interrupt() as release:
                while done < steps:
                    some = min(quantum, run.chunk, steps - done)
                    if pauses.chores:
                        some = min(some, pauses.left(self.clock))
                    called = time.perf_counter()
                    due = external
                    if external.size:
                        due = external[: np.searchsorted(external[:, 0], self.clock + some)]
                    done += self.advance(run, some, due)
                    if external.size:
                        external = external[np.searchsorted(external[:, 0], self.clock) :]
                    for g, found in self.drain():
                        pauses.count(g, found[1])
                        if g in taken:
                            taken[g].append(found)
                    spent = time.perf_counter() - called
                    self._pace = spent / some
                    growth = min(4.0, SECONDS_PER_CALL / max(spent, 1e-6))
                    # Bounded: a long run of short calls would outgrow a float.
                    quantum = max(1, min(run.chunk, int(quantum * growth)))
                    if pauses.chores and pauses.due(self.clock):
                        pauses.act(self)
                    report(done)
                    release()
            if not self._finite.passes():
                for n in self.neurons:
                    n.check()
            self.require_usable()
        except BaseException:
            if not self.torn:
                out = cut_samples(traces, run.out, run.start, self.clock)
                self.partial = self._recorded(taken, out, before)
            raise
        finally:
            self.seconds += time.perf_counter() - begin
        return self._recorded(taken, run.out, before)

    def _recorded(
        self,
        taken: Mapping[int, list[tuple[np.ndarray, np.ndarray]]],
        out: list[np.ndarray],
        before: np.ndarray,
    ) -> Recorded:
        """Return what was recorded: spikes of each call, samples, spikes counted before."""
        merged = {g: merge_spikes(lists) for g, lists in taken.items()}
        return Recorded(
            {g: m[0] for g, m in merged.items()}, {g: m[1] for g, m in merged.items()}, out,
            self._parts.counts - before,
        )  # fmt: skip

    def prepare(
        self,
        steps: int,
        drives: ResolvedInputs,
        spikes: Sequence[int],
        traces: Sequence[Trace],
        out: list[np.ndarray] | None = None,
        start: int | None = None,
    ) -> CpuRun:
        """Return what a run holds; see ``run``.

        Args:
            out: where samples of the traces go; None makes new arrays.
            start: number of the run's first step, if some of them are done; None: now.
        """
        start = self.clock if start is None else start
        require_learning_steps(self.wiring, start + steps)
        if self.torn:
            raise SpikecudaError(
                "a run was broken off within a step, or a reset did not end; reset() starts again"
            )
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        if out is None:
            out = sample_arrays(traces, self.neurons, self.clock, steps)
        like = self._like
        if like is None or not self._serve(like, steps, drives, spikes):
            self._like = like = None
            begin = time.perf_counter()
            self._loop = load_cpu_loop("network_run").run_blocks
            specs = [n.spec(*drive) for n, drive in zip(self.neurons, drives, strict=True)]
            entries = [self._entry(spec) for spec in specs]
            self.compile_seconds += time.perf_counter() - begin
            chunk = max(1, min(steps, chunk_steps(drives, self.window)))
            keep: list[Any] = []
            rows = input_rows(self.neurons, self._parts.places, drives, specs, self.clock, chunk)
            parts = self._parts.tabulate(self._memory, specs, entries, drives, rows, spikes, keep)
            self._stale.clear()
            self._like = like = CpuRun(
                list(drives),
                list(spikes),
                specs,
                rows,
                parts,
                NO_TRACES,
                [],
                0,
                self.clock,
                chunk,
                keep,
            )
        if not traces:
            like.start = start
            return like
        traced: list[Any] = []
        table = trace_table(traces, out, self.neurons, self._parts.places, start, traced)
        align = math.gcd(*(t.every for t in traces))
        return CpuRun(
            like.drives, like.spikes, like.specs, like.rows, like.parts, table, out, align,
            start, like.chunk, [like.keep, traced],
        )  # fmt: skip

    def _serve(
        self, like: CpuRun, steps: int, drives: ResolvedInputs, spikes: Sequence[int]
    ) -> bool:
        """Let what an earlier run held, its traces aside, serve for another run, if it can.

        Of populations whose parameters or input have changed, numbers are put in their places.
        """
        if like.spikes != spikes or not (
            steps <= like.chunk or like.chunk >= chunk_steps(drives, self.window)
        ):
            return False
        changed = self._stale
        if not all(map(operator.is_, like.drives, drives)):
            changed = changed | {
                g for g, pair in enumerate(zip(like.drives, drives, strict=True))
                if pair[0] is not pair[1]
            }  # fmt: skip
        if not changed:
            return True
        for g in changed:
            drive = drives[g][0]
            if self.neurons[g].spec(*drives[g]) is not like.specs[g] or drive.bytes_per_step():
                return False
        for g in changed:
            self._parts.update(self._memory, g, like.specs[g], drives[g][0], like.rows)
            like.drives[g] = drives[g]
        self._stale.clear()
        return True

    def advance(self, run: CpuRun, steps: int, external: np.ndarray) -> int:
        """Advance by up to ``steps`` steps; return how many.

        Args:
            run: what ``prepare`` returned.
            steps: how many, up to ``run.chunk``.
            external: spikes from outside that arrive in these steps or later, as for ``run``.
        """
        fill_rows(
            run.rows, self.neurons, self._parts.places, run.drives, run.specs, self.clock,
            run.start, steps, self._device_threads.together, len(self._mine),
        )  # fmt: skip
        self.torn = True
        made = self._call(run, np.ascontiguousarray(external), steps)
        self.clock += made
        return made

    def file(self, spikes: np.ndarray) -> None:
        """Put the rows of spikes from outside on their way, before anything that comes later.

        Args:
            spikes: int64 (spikes, 3): step, population, neuron; they arrive after the clock.
        """
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        need = spikes.shape[0] * self._rows.most // layout.CHUNK_CURSORS + 1
        self._make_room(self._memory.need + need, spikes.shape[0], self.clock)
        load_cpu_loop("network_run").file_spikes(self._memory.table, np.ascontiguousarray(spikes))

    def drain(self) -> list[tuple[int, tuple[np.ndarray, np.ndarray]]]:
        """Take the recorded spikes out of their buffers; return population, steps and neurons."""
        taken = self._parts.drain()
        self.torn = False
        return taken

    def reset(self) -> None:
        """Go back to step 0."""
        self.torn = True
        self._keep_learned()  # as of the step that the clock tells
        self.clock, self.seconds = 0, 0.0
        for n in self.neurons:
            n.reset()
        self._memory.clear()
        self._learning.clear()
        self._unusable.clear()
        self._under_way.clear()
        self._tabulate_rows()
        self._parts.clear()
        self._busy_seconds = 0.0
        self._tabulate()
        self.torn = False

    def current(self, number: int) -> Neurons:
        """Return a population's neurons with the state that they have now."""
        return self.neurons[number]

    def extend(self, size: int) -> None:
        """Take notice of another source of ``size`` trains, and of its rows in the wiring."""
        self._like = None  # a receptor may have a scale now
        super().extend(size)

    def retune(self, population: int | None = None) -> None:
        """Take notice of changed parameters, or other seeds, of a population or of all."""
        every = range(len(self.neurons))
        self._stale |= set(every) if population is None else {population}
        super().retune(population)
        if self._couplings is not None:
            self._couplings.tabulate()

    def recouple(self) -> None:
        """Take notice of other strengths of couplings."""
        if self._couplings is not None:
            self._couplings.tabulate()

    def owned(self, number: int) -> tuple[int, int]:
        """Return which neurons of a population are those of this process: all."""
        return 0, self.neurons[number].population.size

    @property
    def device_names(self) -> list[str]:
        """The processor, for all blocks."""
        return ["cpu"]

    @property
    def partition_count(self) -> int:
        """How many blocks the neurons are split over."""
        return self.wiring.blocks.count

    @property
    def synapse_bytes(self) -> int:
        """Bytes of the rows of all synapses."""
        return self.wiring.nbytes

    @property
    def exchange_seconds(self) -> float:
        """Seconds of waiting for other processes: there are none."""
        return 0.0

    @property
    def spikes(self) -> np.ndarray:
        """Spikes of each population since the last reset, by number."""
        return self._parts.counts

    def figures_of(self, device: str) -> tuple[int, int, float]:
        """Return the processor's neurons, the bytes held for them, and its seconds at work."""
        return self._size, sum(self.held_here().values()), self._busy_seconds

    def held_here(self) -> dict[str, int]:
        """Return the bytes held, by what holds them."""
        held = super().held_here()
        if self._couplings is not None:
            held["couplings"] = self._couplings.nbytes
        return held

    def held(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return the bytes in host memory, by what holds them, and nothing on devices."""
        return self.held_here(), {}

    def close(self) -> None:
        """End the threads."""
        self._device_threads.close()

    # Running.

    def _entry(self, spec: KernelSpec) -> int:
        """Return the address of a kernel."""
        from spikecuda.kernels.compile.cpu import address

        return address(spec)

    def _call(self, run: CpuRun, due: np.ndarray, steps: int) -> int:
        """Run the native loop, on all threads unless it is over sooner; return the steps done."""
        loop = self._loop
        self._shared[:] = 0
        self._shared[layout.THREADS_LINK] = self._link_address
        self._shared[layout.THREADS_SHORT] = self._short.address if self._short else 0
        self._shared[layout.THREADS_LATE] = self._parts.late
        rows = self._rows.most
        need = self._memory.need + due.shape[0] * rows // layout.CHUNK_CURSORS + 1
        self._make_room(need, due.shape[0], self.clock + steps)
        alone = steps * self._size <= ALONE and steps * self._step_seconds <= 2 * WAKING
        mine = self._alone if alone else self._mine
        if self._couplings is not None:
            self._couplings.bind(self._memory.table, run.parts, mine)
        made = [0] * len(mine)

        def work(t: int) -> None:
            made[t] = int(
                loop(self._memory.table, mine[t], run.parts, run.traces, due, self._shared,
                     len(mine), self.clock, 0, steps, self.window, self._memory.fused, run.align,
                     need)
            )  # fmt: skip

        begin = time.perf_counter()
        if len(mine) == 1:
            work(0)
        else:
            jobs = [functools.partial(work, t) for t in range(len(mine))]
            self._device_threads.together(jobs, here=True)
        seconds = time.perf_counter() - begin
        self._busy_seconds += seconds
        # A piece that took too long alone, or was disturbed, is tried alone again some calls later.
        self._step_seconds = seconds / max(made[0], 1) if alone else 0.9 * self._step_seconds
        return made[0]
