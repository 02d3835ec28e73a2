"""Run a network on the CPU: tables for the native loops, and what they ask of the host."""

import functools
import math
import operator
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.aligned_memory import aligned_zeros
from spikecuda.common.device_threads import DeviceThreads
from spikecuda.common.exclusive_use import ExclusiveUse
from spikecuda.common.host_memory import available_memory
from spikecuda.common.interrupt import held_interrupt
from spikecuda.errors import SpikecudaError
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.kernels.network import layout
from spikecuda.kernels.spec import SPIKE_BITS, KernelSpec
from spikecuda.network.cpu.calendar import Calendar
from spikecuda.network.cpu.input_rows import Rows, fill_rows, input_rows
from spikecuda.network.cpu.row_tables import RowTables
from spikecuda.network.cpu.trace_table import trace_table
from spikecuda.network.memory import require_arrivals
from spikecuda.network.model.trace import Trace
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.trace import Recorded, sample_arrays
from spikecuda.network.run.window import ResolvedInputs, chunk_steps, most_spikes, window_steps
from spikecuda.network.synapses.store import Wiring

# A kernel takes several steps at once where the accumulator's slots stay in the cache.
FUSED_BYTES = 128 << 10
# The host is asked for progress and Ctrl-C about so often.
SECONDS_PER_CALL = 0.1
RECORD_SIZE = 1 << 16
NO_TRACES = np.zeros((0, layout.TRACE), np.int64)


@dataclass(frozen=True, eq=False)
class CpuRun:
    """What a run holds.

    Attributes:
        drives, specs: input and kernel of each population.
        spikes: numbers of the populations whose spikes are recorded.
        rows: input that changes from step to step: by (population, name), or (-1 - part, name).
        parts, traces: tables for the loops.
        out: where samples of the traces go.
        align: windows end at its multiples; 0: anywhere.
        start: number of the first step.
        chunk: the most steps of a call.
        keep: what the tables point into.
    """

    drives: ResolvedInputs
    spikes: list[int]
    specs: list[KernelSpec]
    rows: Rows
    parts: np.ndarray
    traces: np.ndarray
    out: list[np.ndarray]
    align: int
    start: int
    chunk: int
    keep: list[Any]


class CpuEngine:
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
        torn: whether a run was broken off within a step; only ``reset`` helps then.
    """

    turns: tuple[ExclusiveUse, ...] = ()
    state_within_runs = True

    def __init__(
        self, neurons: Sequence[Neurons], sources: int, wiring: Wiring, threads: int
    ) -> None:
        self.neurons, self.wiring, self.threads = list(neurons), wiring, threads
        self.sources = sources
        self.clock, self.seconds, self.compile_seconds = 0, 0.0, 0.0
        self._device_threads = DeviceThreads(threads)
        self.torn = False
        # What the last run held, for runs like it, and the loop that they call.
        self._loop: Any = None
        self._like: CpuRun | None = None
        blocks = wiring.blocks
        workers = min(threads, blocks.count)
        # The numbers of each thread's blocks.
        self._mine = [np.arange(t, blocks.count, workers, dtype=np.int64) for t in range(workers)]
        self.window = window_steps(wiring)
        ports = max((len(n.population.receptors) for n in self.neurons), default=0)
        self._strides = blocks.sizes * ports
        widest = int(self._strides.max(initial=0)) * 4
        self.fused = max(1, min(self.window, FUSED_BYTES // max(widest, 1)))
        slots = self.fused
        if any(bundle.rule is not None for bundle in wiring.bundles):
            # Procedural rows send everything at once.
            slots = wiring.longest + self.window + 1
        ring = 1 << math.ceil(math.log2(slots))
        require_arrivals(ring * int(self._strides.sum()), ring, available_memory(), "the CPU")
        self._cells = [aligned_zeros(ring * int(s), np.int32, lazy=False) for s in self._strides]
        # What threads write lies in cache lines of their own.
        self._clocks = [aligned_zeros(8, np.int64) for _ in range(blocks.count)]
        self._ring = ring
        self._spikes_per_window = [most_spikes(n, self.window) for n in self.neurons]
        self._rows = RowTables(wiring, sources)
        self._make_calendars()
        self._make_lists()

    # What a run needs.

    def run(
        self,
        steps: int,
        drives: ResolvedInputs,
        spikes: Sequence[int],
        traces: Sequence[Trace],
        external: np.ndarray,
        report: Callable[[int], None],
    ) -> Recorded:
        """Advance by some steps.

        Ctrl-C, or an error of ``report``, leaves all neurons at step ``clock``; a second Ctrl-C
        does not wait for that, and only ``reset`` helps then.

        Args:
            steps: how many.
            drives: the input of each population, and the receptor of each of its pulses.
            spikes: numbers of the populations whose spikes are recorded.
            traces: variables to record.
            external: int64 (spikes, 3), sorted by step: step, population, neuron.
            report: is told the steps done.
        """
        run = self.prepare(steps, drives, spikes, traces)
        taken: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {g: [] for g in spikes}
        before = self._counts.copy()
        begin = time.perf_counter()
        done, quantum = 0, min(64, run.chunk)
        try:
            with held_interrupt() as release:
                while done < steps:
                    some = min(quantum, run.chunk, steps - done)
                    called = time.perf_counter()
                    # Before the first step, what was sent at its start: "at the end of step -1".
                    due = external
                    if external.size:
                        ends = [self.clock or -1, self.clock + some]
                        a, z = np.searchsorted(external[:, 0], ends)
                        due = external[a:z]
                    done += self.advance(run, some, due)
                    for g, found in self.drain():
                        taken[g].append(found)
                    spent = time.perf_counter() - called
                    growth = min(4.0, SECONDS_PER_CALL / max(spent, 1e-6))
                    # Bounded: a long run of short calls would outgrow a float.
                    quantum = max(1, min(run.chunk, int(quantum * growth)))
                    report(done)
                    release()
        finally:
            self.seconds += time.perf_counter() - begin
        for n in self.neurons:
            n.check()
        merged = {g: self._merge(lists) for g, lists in taken.items()}
        return Recorded(
            {g: m[0] for g, m in merged.items()}, {g: m[1] for g, m in merged.items()}, run.out,
            self._counts - before,
        )  # fmt: skip

    def prepare(
        self,
        steps: int,
        drives: ResolvedInputs,
        spikes: Sequence[int],
        traces: Sequence[Trace],
        out: list[np.ndarray] | None = None,
    ) -> CpuRun:
        """Return what a run holds; see ``run``.

        Args:
            out: where samples of the traces go; None makes new arrays.
        """
        if self.torn:
            raise SpikecudaError(
                "a run was broken off within a step, or a reset did not end; reset() starts again"
            )
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        if out is None:
            out = sample_arrays(traces, self.neurons, self.clock, steps)
        like = self._like
        if like is None or not self._serves(like, steps, drives, spikes):
            self._like = like = None
            begin = time.perf_counter()
            self._loop = load_cpu_loop("network_run").run_blocks
            specs = [n.spec(*drive) for n, drive in zip(self.neurons, drives, strict=True)]
            entries = [self._entry(spec) for spec in specs]
            self.compile_seconds += time.perf_counter() - begin
            chunk = max(1, min(steps, chunk_steps(drives, self.window)))
            keep: list[Any] = []
            rows = input_rows(self.neurons, self._places, drives, specs, self.clock, chunk)
            parts = self._tabulate_parts(specs, entries, drives, rows, spikes, keep)
            self._like = like = CpuRun(
                drives, list(spikes), specs, rows, parts, NO_TRACES, [], 0, self.clock, chunk, keep
            )
        traced: list[Any] = []
        table, align = NO_TRACES, 0
        if traces:
            table = trace_table(traces, out, self.neurons, self._places, self.clock, traced)
            align = math.gcd(*(t.every for t in traces))
        return CpuRun(
            like.drives, like.spikes, like.specs, like.rows, like.parts, table, out, align,
            self.clock, like.chunk, [like.keep, traced],
        )  # fmt: skip

    def _serves(
        self, like: CpuRun, steps: int, drives: ResolvedInputs, spikes: Sequence[int]
    ) -> bool:
        """Tell whether what an earlier run held, its traces aside, serves for another run."""
        return (
            like.spikes == spikes
            and all(map(operator.is_, like.drives, drives))
            and (steps <= like.chunk or like.chunk >= chunk_steps(drives, self.window))
        )

    def advance(self, run: CpuRun, steps: int, external: np.ndarray) -> int:
        """Advance by up to ``steps`` steps; return how many.

        Args:
            run: what ``prepare`` returned.
            steps: how many, up to ``run.chunk``.
            external: spikes from outside that arrive in these steps or later, as for ``run``.
        """
        fill_rows(
            run.rows, self.neurons, self._places, run.drives, run.specs, self.clock, run.start,
            steps,
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

        self._make_room(self._need + spikes.shape[0] * self._rows.most // layout.CHUNK_CURSORS + 1)
        load_cpu_loop("network_run").file_spikes(self._blocks, np.ascontiguousarray(spikes))

    def drain(self) -> list[tuple[int, tuple[np.ndarray, np.ndarray]]]:
        """Take the recorded spikes out of their buffers; return population, steps and neurons."""
        taken = []
        for i, (_, g, _, _) in enumerate(self._places):
            size, count = (int(x) for x in self._states[i][:2])
            self._counts[g] += count
            self._states[i][:] = 0
            record = self._records[i]
            if record is not None and size:
                taken.append((g, (record[0][:size].copy(), record[1][:size].copy())))
        self.torn = False
        return taken

    def reset(self) -> None:
        """Go back to step 0."""
        self.clock, self.seconds, self.torn = 0, 0.0, True
        for n in self.neurons:
            n.reset()
        for calendar in self._calendars:
            calendar.clear()
        for cells in self._cells:
            cells[:] = 0
        for state in self._states:
            state[:] = 0
        self._counts[:] = 0
        self._busy_seconds = 0.0
        self._tabulate_blocks()
        self.torn = False

    def rewire(self) -> None:
        """Take notice of changed weights."""
        self._like = None
        self._rows = RowTables(self.wiring, self.sources)
        self._tabulate_blocks()

    @property
    def device_names(self) -> list[str]:
        """The processor, for all blocks."""
        return ["cpu"]

    @property
    def partition_count(self) -> int:
        """How many blocks the neurons are split over."""
        return self.wiring.blocks.count

    @property
    def events(self) -> int:
        """Synaptic events since the last reset: synapses of the neurons that spiked.

        The loops count stored rows when they arrive; what is still on its way is looked up.
        """
        arrived = sum(int(c.state[layout.CALENDAR_EVENTS]) for c in self._calendars)
        return arrived + sum(
            self._rows.still_to_come(b, calendar.cursors())
            for b, calendar in enumerate(self._calendars)
        )

    @property
    def spikes(self) -> np.ndarray:
        """Spikes of each population since the last reset, by number."""
        return self._counts

    def figures_of(self, device: str) -> tuple[int, int, float]:
        """Return the processor's neurons, the bytes held for them, and its seconds at work."""
        neurons = sum(n.population.size for n in self.neurons)
        return neurons, sum(self.held_here().values()), self._busy_seconds

    def held(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return the bytes in host memory, by what holds them, and nothing on devices."""
        return self.held_here(), {}

    def held_here(self) -> dict[str, int]:
        """Return the bytes held, by what holds them."""
        return {
            "state": sum(a.nbytes for n in self.neurons for a in n.state.values()),
            "synapses": self.wiring.nbytes,
            "accumulators": sum(c.nbytes for c in self._cells),
            "calendars": sum(c.nbytes for c in self._calendars),
            "spike lists": sum(a.nbytes for a in self._lists),
        }

    def close(self) -> None:
        """End the threads."""
        self._device_threads.close()

    # Tables.

    def _make_calendars(self) -> None:
        longest = self.wiring.longest + self.window + 1
        slots = 1 << math.ceil(math.log2(longest + 1))
        stored = [bundle.source for bundle in self.wiring.bundles if bundle.rule is None]
        per_population = np.bincount(stored, minlength=self.sources)
        cursors = sum(
            n.population.size * int(per_population[n.population.number]) * most
            for n, most in zip(self.neurons, self._spikes_per_window, strict=True)
        )
        self._need = 2 * (cursors // layout.CHUNK_CURSORS + 1) + slots
        self._calendars = [Calendar(slots, 2 * self._need) for _ in range(self.wiring.blocks.count)]

    def _make_lists(self) -> None:
        """Make the lists of a window's spikes of every part, and count the spikes."""
        blocks = self.wiring.blocks
        self._places: list[tuple[int, int, int, int]] = []  # block, population, first, count
        self._lists: list[np.ndarray] = []
        for b in range(blocks.count):
            for g in range(len(self.neurons)):
                first, last = (int(x) for x in blocks.starts[g, b : b + 2])
                if last > first:
                    self._places.append((b, g, first, last - first))
        self._bits, self._ids, self._upto, self._states, self._busy = [], [], [], [], []
        for _, _, _, count in self._places:
            capacity = self.window * count
            self._bits.append(aligned_zeros(self.window * ((count + 31) // 32), np.uint32))
            self._ids.append(np.empty(2 * capacity, np.int32))
            self._busy.append(np.empty((count + 31) // 32 + 1, np.int32))
            self._upto.append(np.zeros(2 * (self.window + 1), np.int64))
            self._states.append(aligned_zeros(8, np.int64))
        self._lists = [*self._bits, *self._ids, *self._upto, *self._busy]
        self._counts = np.zeros(self.sources, np.int64)
        self._busy_seconds = 0.0
        self._records: list[tuple[np.ndarray, np.ndarray] | None] = [None] * len(self._places)
        self._shared = aligned_zeros(layout.SHARED, np.int64)
        self._tabulate_blocks()

    def _tabulate_blocks(self) -> None:
        blocks = self.wiring.blocks
        self._blocks = np.zeros((blocks.count, layout.BLOCK), np.int64)
        for b, row in enumerate(self._blocks):
            calendar = self._calendars[b]
            mine = [i for i, place in enumerate(self._places) if place[0] == b]
            row[layout.BLOCK_STRIDE] = self._strides[b]
            row[layout.BLOCK_RING_MASK] = self._ring - 1
            row[layout.BLOCK_CELLS] = self._cells[b].ctypes.data
            row[layout.BLOCK_HEADS] = calendar.heads.ctypes.data
            row[layout.BLOCK_SLOT_MASK] = calendar.heads.size - 1
            row[layout.BLOCK_CHUNKS] = calendar.chunks.ctypes.data
            row[layout.BLOCK_STATE] = calendar.state.ctypes.data
            row[layout.BLOCK_QUEUE] = calendar.queue.ctypes.data
            row[layout.BLOCK_QUEUE_SIZE] = calendar.queue.size
            row[layout.BLOCK_CLOCK] = self._clocks[b].ctypes.data
            row[layout.BLOCK_FIRST_PART] = min(mine, default=0)
            row[layout.BLOCK_LAST_PART] = max(mine, default=-1) + 1
            row[layout.BLOCK_BUNDLES] = self._rows.bundles[b].ctypes.data
            row[layout.BLOCK_BUNDLES_OF] = self._rows.first.ctypes.data

    def _tabulate_parts(
        self,
        specs: Sequence[KernelSpec],
        entries: Sequence[int],
        drives: ResolvedInputs,
        rows: Mapping[tuple[int, str], Any],
        spikes: Sequence[int],
        keep: list[Any],
    ) -> np.ndarray:
        from spikecuda.kernels.compile.many import description
        from spikecuda.kernels.compile.render import scratch_bytes

        parts = np.zeros((len(self._places), layout.PART), np.int64)
        # The parts of a block run one after the other.
        size = max((scratch_bytes(spec) for spec in specs), default=0)
        scratch = [np.zeros(size // 8 + 1, np.int64) for _ in range(self.wiring.blocks.count)]
        keep += scratch
        for i, (b, g, first, count) in enumerate(self._places):
            values = self._values(b, g, i, specs[g], drives[g][0], rows, first, count)
            table = self.neurons[g].arguments(specs[g], first, count, values, keep)
            if specs[g].many:
                plan = description(specs[g])
                keep.append(plan)
                table = np.concatenate([[scratch[b].ctypes.data, plan.ctypes.data], table])
            else:
                table = np.append(table, [scratch[b].ctypes.data, 0])
            keep.append(table)
            row = parts[i]
            row[layout.PART_ENTRY], row[layout.PART_TABLE] = entries[g], table.ctypes.data
            row[layout.PART_COUNT], row[layout.PART_FIRST] = count, first
            row[layout.PART_POPULATION] = g
            row[layout.PART_BITS] = self._bits[i].ctypes.data
            row[layout.PART_IDS] = self._ids[i].ctypes.data
            row[layout.PART_UPTO] = self._upto[i].ctypes.data
            row[layout.PART_STATE] = self._states[i].ctypes.data
            row[layout.PART_BUSY] = self._busy[i].ctypes.data
            row[layout.PART_CAPACITY] = self.window * count
            self._records[i] = None
            if g in spikes:
                size = max(RECORD_SIZE, 3 * self.window * count)
                self._records[i] = record = (np.empty(size, np.int64), np.empty(size, np.int32))
                row[layout.PART_RECORD_STEPS] = record[0].ctypes.data
                row[layout.PART_RECORD_IDS] = record[1].ctypes.data
                row[layout.PART_RECORD_SIZE] = size
        return parts

    def _values(
        self,
        b: int,
        g: int,
        i: int,
        spec: KernelSpec,
        drive: ResolvedInput,
        rows: Mapping[tuple[int, str], Any],
        first: int,
        count: int,
    ) -> dict[str, Any]:
        """Return a part's arguments that are neither state nor constants."""
        blocks, population = self.wiring.blocks, self.neurons[g].population
        values: dict[str, Any] = {
            SPIKE_BITS: self._bits[i], "_clock": self._clocks[b], "_cells": self._cells[b],
            "_ring": self._ring - 1, "_stride": self._strides[b],
        }  # fmt: skip
        for port, name in enumerate(population.receptors):
            prefix = f"_x_{name}_"
            values[prefix + "first"] = port * blocks.sizes[b] + blocks.offsets[g, b]
            values[prefix + "scale"] = 2.0 ** -self.wiring.exponent.get((g, port), 0)
        for name, fixed in drive.fixed.items():
            array = np.asarray(fixed)
            whole = array.ndim and array.size == drive.count and name not in drive.tables
            values[name] = array[first : first + count] if whole else fixed
        for (at, name), array in rows.items():
            if at in (g, -1 - i):
                values[name] = array
        return values

    # Running.

    def _entry(self, spec: KernelSpec) -> int:
        """Return the address of a kernel."""
        from spikecuda.kernels.compile.cpu import address

        return address(spec)

    def _call(self, run: CpuRun, due: np.ndarray, steps: int) -> int:
        """Run the native loop on all threads; return the steps done."""
        loop = self._loop
        self._shared[:] = 0
        rows = self._rows.most
        need = self._need + due.shape[0] * rows // layout.CHUNK_CURSORS + 1
        self._make_room(need)
        workers = len(self._mine)
        made = [0] * workers

        def work(t: int) -> None:
            made[t] = int(
                loop(self._blocks, self._mine[t], run.parts, run.traces, due, self._shared, workers,
                     self.clock, 0, steps, self.window, self.fused, run.align, need)
            )  # fmt: skip

        begin = time.perf_counter()
        self._device_threads.together([functools.partial(work, t) for t in range(workers)])
        self._busy_seconds += time.perf_counter() - begin
        return made[0]

    def _make_room(self, need: int) -> None:
        """Give calendars that run short more chunks."""
        grown = False
        for calendar in self._calendars:
            if calendar.state[layout.CALENDAR_SPARE] < need:
                calendar.grow(max(need, int(calendar.state[layout.CALENDAR_CHUNKS])))
                grown = True
        if grown:
            self._tabulate_blocks()

    @staticmethod
    def _merge(lists: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
        """Return all spikes of a population sorted by step, then by neuron."""
        if not lists:
            return np.empty(0, np.int64), np.empty(0, np.int32)
        if len(lists) == 1:  # of one part and one call: sorted
            return lists[0]
        steps = np.concatenate([s for s, _ in lists])
        neurons = np.concatenate([n for _, n in lists])
        order = np.lexsort((neurons, steps))
        return steps[order], neurons[order]
