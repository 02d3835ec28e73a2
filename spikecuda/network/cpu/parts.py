"""Parts: the neurons of one population in one block, and their spikes of a window."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spikecuda.common.aligned_memory import aligned_zeros
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.kernels.network import layout
from spikecuda.kernels.spec import SPIKE_BITS, KernelSpec
from spikecuda.network.cpu.block_memory import BlockMemory
from spikecuda.network.cpu.input_rows import Places
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.window import ResolvedInputs
from spikecuda.network.synapses.store import Wiring

RECORD_SIZE = 1 << 16


class Parts:
    """The parts of a network on the CPU, and the lists of their spikes.

    Args:
        neurons: of each population, in the order of their numbers.
        sources: number of populations, those without neurons of their own included.
        wiring: the synapses.
        window: the most steps of a window.

    Attributes:
        places: block, population, first neuron and number of neurons of each part.
        counts: spikes of each population since the last reset.
        late: windows that may pass until a run stops for a full buffer.
    """

    def __init__(
        self, neurons: Sequence[Neurons], sources: int, wiring: Wiring, window: int
    ) -> None:
        self.neurons, self.wiring, self.window = neurons, wiring, window
        self.counts = np.zeros(sources, np.int64)
        self.late = 0
        self.places: Places = [
            (b, g, int(first), int(last - first))
            for b in range(wiring.blocks.count)
            for g in range(len(neurons))
            for first, last in [wiring.blocks.starts[g, b : b + 2]]
            if last > first
        ]
        self._bits, self._ids, self._upto, self._states, self._busy = [], [], [], [], []
        for _, _, _, count in self.places:
            capacity = window * count
            self._bits.append(aligned_zeros(window * ((count + 31) // 32), np.uint32))
            self._ids.append(np.empty(2 * capacity, np.int32))
            self._busy.append(np.empty((count + 31) // 32 + 1, np.int32))
            self._upto.append(np.zeros(2 * (window + 1), np.int64))
            # What threads write lies in cache lines of their own.
            self._states.append(aligned_zeros(8, np.int64))
        # Each part's table of arguments, and the arrays that it points into.
        self._tables: list[np.ndarray] = []
        self._kept: list[list[Any]] = [[] for _ in self.places]
        self._records: list[tuple[np.ndarray, np.ndarray] | None] = [None] * len(self.places)

    @property
    def nbytes(self) -> int:
        """Bytes of the lists."""
        lists = (*self._bits, *self._ids, *self._upto, *self._busy)
        return sum(array.nbytes for array in lists)

    def bits(self, i: int) -> np.ndarray:
        """Return the spike bits of a part: those of a window."""
        bits: np.ndarray = self._bits[i]
        return bits

    def clear(self) -> None:
        """Forget all spikes."""
        for state in self._states:
            state[:] = 0
        self.counts[:] = 0

    def drain(self) -> list[tuple[int, tuple[np.ndarray, np.ndarray]]]:
        """Take the recorded spikes out of their buffers; return population, steps and neurons."""
        taken = []
        for i, (_, g, _, _) in enumerate(self.places):
            size, count = (int(x) for x in self._states[i][:2])
            self.counts[g] += count
            self._states[i][:] = 0
            record = self._records[i]
            if record is not None and size:
                taken.append((g, (record[0][:size].copy(), record[1][:size].copy())))
        return taken

    def tabulate(
        self,
        memory: BlockMemory,
        specs: Sequence[KernelSpec],
        entries: Sequence[int],
        drives: ResolvedInputs,
        rows: Mapping[tuple[int, str], Any],
        spikes: Sequence[int],
        keep: list[Any],
    ) -> np.ndarray:
        """Return the table of parts that the loops of a run read.

        Args:
            memory: of the blocks.
            specs, entries: kernel of each population, and its address.
            drives: input of each population.
            rows: input that changes from step to step.
            spikes: numbers of the populations whose spikes are recorded.
            keep: is given the arrays that the table points into.
        """
        from spikecuda.kernels.compile.many import description
        from spikecuda.kernels.compile.render import scratch_bytes

        parts = np.zeros((len(self.places), layout.PART), np.int64)
        self._tables = []
        # The parts of a block run one after the other.
        size = max((scratch_bytes(spec) for spec in specs), default=0)
        scratch = [np.zeros(size // 8 + 1, np.int64) for _ in range(self.wiring.blocks.count)]
        keep += scratch
        for i, (b, g, first, count) in enumerate(self.places):
            values = self._values(memory, i, drives[g][0], rows)
            mine = self._kept[i] = []
            table = self.neurons[g].arguments(specs[g], first, count, values, mine)
            if specs[g].many:
                plan = description(specs[g])
                keep.append(plan)
                table = np.concatenate([[scratch[b].ctypes.data, plan.ctypes.data], table])
            else:
                table = np.append(table, [scratch[b].ctypes.data, 0])
            self._tables.append(table)
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
                size = max(RECORD_SIZE, (3 + self.late) * self.window * count)
                self._records[i] = record = (np.empty(size, np.int64), np.empty(size, np.int32))
                row[layout.PART_RECORD_STEPS] = record[0].ctypes.data
                row[layout.PART_RECORD_IDS] = record[1].ctypes.data
                row[layout.PART_RECORD_SIZE] = size
        return parts

    def update(
        self,
        memory: BlockMemory,
        population: int,
        spec: KernelSpec,
        drive: ResolvedInput,
        rows: Mapping[tuple[int, str], Any],
    ) -> None:
        """Put changed constants and input of a population into the tables of its parts.

        Args:
            memory: of the blocks.
            population: its number.
            spec: its kernel, which is as before.
            drive: its input, without any that changes from step to step.
            rows: input that changes from step to step, as before.
        """
        for i, (_, g, first, count) in enumerate(self.places):
            if g == population:
                keep: list[Any] = []
                values = self._values(memory, i, drive, rows)
                found = self.neurons[g].arguments(spec, first, count, values, keep)
                at = 2 if spec.many else 0
                self._tables[i][at : at + found.size] = found
                self._kept[i] = keep

    def _values(
        self,
        memory: BlockMemory,
        i: int,
        drive: ResolvedInput,
        rows: Mapping[tuple[int, str], Any],
    ) -> dict[str, Any]:
        """Return a part's arguments that are neither state nor constants."""
        b, g, first, count = self.places[i]
        blocks, population = self.wiring.blocks, self.neurons[g].population
        values: dict[str, Any] = {SPIKE_BITS: self._bits[i], **memory.arguments(b)}
        for port, receptor in enumerate(population.ports):
            prefix = receptor.prefix
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


def merge_spikes(lists: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Return all spikes of a population sorted by step, then by neuron.

    Args:
        lists: of each call and part, each sorted: calls in time, and their parts by neuron.
    """
    if not lists:
        return np.empty(0, np.int64), np.empty(0, np.int32)
    if len(lists) == 1:
        return lists[0]
    steps = np.concatenate([s for s, _ in lists])
    neurons = np.concatenate([n for _, n in lists])
    if not (steps[1:] < steps[:-1]).any():
        return steps, neurons  # one part
    # What has one step is in one call, and in the order of its neurons there.
    order = np.argsort(steps, kind="stable")
    return steps[order], neurons[order]
