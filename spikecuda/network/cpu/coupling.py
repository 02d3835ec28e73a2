"""What couples neurons by their states on the CPU: buffers, and the tables that the loop reads."""

import struct
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from spikecuda.common.aligned_memory import aligned_zeros
from spikecuda.kernels import couple_routines
from spikecuda.kernels.network import coupling as tables
from spikecuda.network.cpu.block_memory import BlockMemory
from spikecuda.network.cpu.parts import Parts
from spikecuda.network.model.coupling import CoupledRows, CoupledValue, jumps
from spikecuda.network.run.neurons import Neurons


class SharedValues(Protocol):
    """Other processes that have a part of each population, whose values are exchanged.

    Attributes:
        ranks: how many processes there are.
    """

    ranks: int

    def row(self, number: int, values: np.ndarray, keep: list[Any]) -> np.ndarray:
        """Return the row by which values of a population are exchanged, see ``tables.SEND``.

        Args:
            number: of the population.
            values: of all its neurons; those of this process are there, others are received.
            keep: is given what the row points to.
        """


# A population, and what is read of it.
Key = tuple[int, Any]


class Couplings:
    """The couplings of a network on the CPU.

    Args:
        coupled: the rows of all couplings.
        neurons: of each population.
        memory: of the blocks.
        parts: of the blocks.
        splits: the numbers of each thread's blocks, for each number of threads.
        shared: what the threads share.
    """

    def __init__(
        self,
        coupled: Sequence[CoupledRows],
        neurons: Sequence[Neurons],
        memory: BlockMemory,
        parts: Parts,
        splits: Sequence[Sequence[np.ndarray]],
        shared: np.ndarray,
    ) -> None:
        self._coupled, self._neurons, self._memory = list(coupled), list(neurons), memory
        self._parts, self._splits, self._shared = parts, list(splits), shared
        self._real = np.dtype(neurons[0].population.neurons.precision.real)
        self._values: dict[Key, CoupledValue] = {}
        for rows in self._coupled:
            self._values |= {(g, value.given): value for g, value in rows.reads()}
        # Values at the start of a step, and of those that are iterated at its end and their mean.
        self._begin = {key: self._array(key[0]) for key in self._values}
        iterated = [rows for rows in self._coupled if rows.coupling.iterated]
        again = {(g, value.given): None for r in iterated for g, value in r.reads()}
        self._end = {key: self._array(key[0]) for key in again}
        self._mean = {key: self._array(key[0]) for key in again}
        self._decoded: dict[tuple[int, str], np.ndarray] = {}
        self._given: dict[tuple[int, str], np.ndarray] = {}
        self._kept: list[Any] = []
        self._threads: list[list[np.ndarray]] = []
        self._functions: dict[Any, int] = {}
        self._backup = self._backups() if iterated else []
        self._shared_with: SharedValues | None = None
        self.tabulate()

    def share(self, among: "SharedValues") -> None:
        """Let values of neurons of other processes come from there in each step."""
        self._shared_with = among
        self.tabulate()

    @property
    def nbytes(self) -> int:
        """Bytes of the buffers."""
        each = (self._begin, self._end, self._mean, self._decoded, self._given)
        held = sum(array.nbytes for arrays in each for array in arrays.values())
        return held + sum(copy.nbytes for _, _, copy in self._backup)

    def bind(self, table: np.ndarray, parts: np.ndarray, split: Sequence[np.ndarray]) -> None:
        """Let blocks find their threads' tables.

        Args:
            table: of the blocks.
            parts: of a run.
            split: one of those that were given.
        """
        number = next(i for i, known in enumerate(self._splits) if known is split)
        for mine, thread in zip(split, self._threads[number], strict=True):
            thread[1 + tables.COUPLED_PARTS] = parts.ctypes.data
            table[mine, tables.BLOCK_COUPLED] = thread.ctypes.data

    def tabulate(self) -> None:
        """Make the tables, for the parameters of now."""
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        self._kept, self._threads = [], []
        for key, value in self._values.items():
            self._settle(key[0], value)
        entry = load_cpu_loop("network_coupled").couple
        self._threads = [
            [self._thread(entry, mine, len(split)) for mine in split] for split in self._splits
        ]
        if self._shared_with is not None:
            self._tabulate_shared(self._shared_with)

    # Parts of the tables.

    def _tabulate_shared(self, among: "SharedValues") -> None:
        """Let the first thread of each split exchange values with other processes."""
        rows = [
            among.row(key[0], array, self._kept)
            for arrays in (self._begin, self._mean) for key, array in arrays.items()
        ]  # fmt: skip
        table = np.array(rows, np.int64)
        self._kept.append(table)
        for threads in self._threads:
            for number, thread in enumerate(threads):
                row = thread[1:]
                row[tables.COUPLED_RANKS] = among.ranks
                row[tables.COUPLED_SENDS] = table.ctypes.data
                if number == 0:
                    row[tables.COUPLED_SENT] = len(self._begin)
                    row[tables.COUPLED_SENT_AGAIN] = len(self._mean)

    def _thread(self, entry: int, mine: np.ndarray, threads: int) -> np.ndarray:
        """Return a thread's table, after the address of what reads it.

        Args:
            entry: the address.
            mine: numbers of its blocks.
            threads: how many there are.
        """
        blocks = set(mine.tolist())
        places = [i for i, place in enumerate(self._parts.places) if place[0] in blocks]
        thread = np.zeros(1 + tables.COUPLED, np.int64)
        thread[0] = entry
        row = thread[1:]
        row[tables.COUPLED_SHARED] = self._shared.ctypes.data
        row[tables.COUPLED_THREADS] = threads
        self._put(row, tables.COUPLED_BEGIN, self._items(places, self._begin))
        self._put(row, tables.COUPLED_GATHER, self._gathers(places, {}))
        row[tables.COUPLED_TWICE] = bool(self._end)
        if self._end:
            ends = self._items(places, self._end) + self._means(places)
            self._put(row, tables.COUPLED_END, ends)
            self._put(row, tables.COUPLED_AGAIN, self._gathers(places, self._mean))
            self._put(row, tables.COUPLED_KEEP, self._keeps(places, blocks))
            numbers = np.array(places, np.int64)
            self._kept.append(numbers)
            row[tables.COUPLED_MINE] = numbers.ctypes.data
            row[tables.COUPLED_COUNT] = numbers.size
        return thread

    def _array(self, g: int) -> np.ndarray:
        return aligned_zeros(self._neurons[g].population.size, self._real)

    def _put(self, row: np.ndarray, at: int, listed: list[np.ndarray]) -> None:
        """Put the address of a list of rows, and how many they are, into a thread's table."""
        table = np.array(listed, np.int64)
        self._kept.append(table)
        row[at], row[at + 1] = table.ctypes.data, len(listed)

    def _settle(self, g: int, value: CoupledValue) -> None:
        """Make what a value takes that is no state in its own type."""
        spec = self._neurons[g].population.neurons
        for name in value.takes:
            if name in spec.model.states:
                if spec.precision.half:
                    self._decoded.setdefault((g, name), self._array(g))
            else:
                array = self._given.setdefault((g, name), self._array(g))
                array[:] = spec.params[name]

    def _items(self, places: Sequence[int], to: dict[Key, np.ndarray]) -> list[np.ndarray]:
        """Return the items that write values of some parts."""
        items = []
        for i in places:
            _, g, first, count = self._parts.places[i]
            spec = self._neurons[g].population.neurons
            decoded = set()
            for (owner, given), out in to.items():
                if owner != g:
                    continue
                value = self._values[owner, given]
                sources = []
                for name in value.takes:
                    array = self._given.get((g, name))
                    if name in spec.model.states:
                        array = self._neurons[g].state[name]
                        if spec.precision.half:
                            stored, array = array, self._decoded[g, name]
                            if name not in decoded:
                                items.append(_decode(stored[first:], array[first:], count,
                                                     spec.codecs[name]))  # fmt: skip
                            decoded.add(name)
                    assert array is not None
                    sources.append(array[first : first + count])
                end = out[first : first + count]
                item = np.zeros(tables.ITEM, np.int64)
                if value.source is None:
                    item[: tables.ITEM_A] = (
                        tables.COPY, sources[0].ctypes.data, end.ctypes.data, end.nbytes
                    )  # fmt: skip
                else:
                    table = np.array([a.ctypes.data for a in (end, *sources)], np.int64)
                    self._kept.append(table)
                    function = self._function(value)
                    item[: tables.ITEM_A] = tables.CALL, table.ctypes.data, function, count
                items.append(item)
        return items

    def _function(self, value: CoupledValue) -> int:
        """Return the address of a user's function."""
        from spikecuda.kernels.compile.cpu import profile_address

        spec = couple_routines.value_loop(value.text, value.takes, self._real.name)
        if spec not in self._functions:
            self._functions[spec] = profile_address(spec)
        return self._functions[spec]

    def _means(self, places: Sequence[int]) -> list[np.ndarray]:
        """Return the items that write the mean of values at both ends of a step."""
        kind = tables.MEAN4 if self._real.itemsize == 4 else tables.MEAN8
        items = []
        for i in places:
            _, g, first, count = self._parts.places[i]
            for key, end in self._end.items():
                if key[0] == g:
                    addresses = [a[first:].ctypes.data for a in (end, self._mean[key])]
                    item = np.zeros(tables.ITEM, np.int64)
                    item[: tables.ITEM_A] = kind, *addresses, count
                    item[tables.ITEM_A] = self._begin[key][first:].ctypes.data
                    if jumps(self._neurons[g].population.neurons.model):
                        item[tables.ITEM_B] = self._parts.bits(i).ctypes.data
                    items.append(item)
        return items

    def _gathers(self, places: Sequence[int], other: dict[Key, np.ndarray]) -> list[np.ndarray]:
        """Return what some parts receive; ``other``: values to be read in place of the first."""
        gathers = []
        for i in places:
            _, g, first, count = self._parts.places[i]
            before = set()
            for rows in self._coupled:
                if rows.target != g:
                    continue
                coupling = rows.coupling
                read = other if coupling.iterated and other else self._begin
                values = [read[owner, value.given] for owner, value in rows.reads()]
                out = self._neurons[g].state[f"_x_{rows.receptor}_i"][first:]
                row = np.zeros(tables.GATHER, np.int64)
                row[tables.GATHER_STARTS] = rows.starts[first:].ctypes.data
                row[tables.GATHER_SOURCES] = rows.sources.ctypes.data
                row[tables.GATHER_WEIGHTS] = 0 if rows.weights is None else rows.weights.ctypes.data
                row[tables.GATHER_WEIGHT] = _bits(rows.weight)
                row[tables.GATHER_STRENGTH] = _bits(coupling.strength)
                row[tables.GATHER_TO], row[tables.GATHER_COUNT] = out.ctypes.data, count
                if coupling.value.sides:
                    self._pair(row, coupling.value, values, first)
                else:
                    row[tables.GATHER_VALUES] = values[0].ctypes.data
                    row[tables.GATHER_WIDTH] = self._real.itemsize
                if coupling.difference:
                    row[tables.GATHER_OWN] = values[1][first:].ctypes.data
                row[tables.GATHER_ADD] = rows.receptor in before
                before.add(rows.receptor)
                gathers.append(row)
        return gathers

    def _pair(
        self, row: np.ndarray, value: CoupledValue, values: Sequence[np.ndarray], first: int
    ) -> None:
        """Let a user's function of both neurons work a sum out.

        Args:
            row: of the gather.
            value: the function.
            values: what it takes, of whole populations.
            first: number of the part's first neuron.
        """
        from spikecuda.kernels.compile.cpu import profile_address

        spec = couple_routines.pairs_loop(value.text, value.sides, self._real.name)
        if spec not in self._functions:
            self._functions[spec] = profile_address(spec)
        own = [
            (array if side == "pre" else array[first:]).ctypes.data
            for array, side in zip(values, value.sides, strict=True)
        ]
        given = np.array(own, np.int64)
        self._kept.append(given)
        row[tables.GATHER_FUNCTION] = self._functions[spec]
        row[tables.GATHER_ARGUMENTS] = given.ctypes.data

    def _backups(self) -> list[tuple[int, str, np.ndarray]]:
        """Return room for what a step begins with: by part and state, or block and cells."""
        rooms = [
            (i, name, np.empty_like(state[first : first + count]))
            for i, (_, g, first, count) in enumerate(self._parts.places)
            for name, state in self._neurons[g].state.items()
        ]
        for b in range(self._memory.table.shape[0]):
            cells, slots = self._memory.cells(b)
            if cells.size:
                rooms.append((b, "", np.empty(cells.size // slots, np.int32)))
        return rooms

    def _keeps(self, places: Sequence[int], blocks: set[int]) -> list[np.ndarray]:
        """Return what a thread keeps of the start of an iterated step."""
        rows = []
        for number, name, copy in self._backup:
            row = np.zeros(tables.KEEP, np.int64)
            row[tables.KEEP_BYTES], row[tables.KEEP_AT] = copy.nbytes, copy.ctypes.data
            if name:
                if number not in places:
                    continue
                _, g, first, _ = self._parts.places[number]
                row[tables.KEEP_FROM] = self._neurons[g].state[name][first:].ctypes.data
            else:
                if number not in blocks:
                    continue
                cells, slots = self._memory.cells(number)
                row[tables.KEEP_FROM], row[tables.KEEP_MASK] = cells.ctypes.data, slots - 1
                row[tables.KEEP_SLOT] = copy.nbytes
            rows.append(row)
        return rows


def _decode(stored: np.ndarray, to: np.ndarray, count: int, codec: Any) -> np.ndarray:
    """Return the item that turns a float16 state into numbers."""
    item = np.zeros(tables.ITEM, np.int64)
    item[: tables.ITEM_A] = tables.DECODE, stored.ctypes.data, to.ctypes.data, count
    item[tables.ITEM_A], item[tables.ITEM_B] = _bits(codec.origin), _bits(codec.unit)
    return item


def _bits(value: float) -> int:
    """Return the bits of a float64 as an int64."""
    return int(struct.unpack("=q", struct.pack("=d", value))[0])
