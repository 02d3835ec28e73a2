"""Everything of a network that stays on a CUDA device: state, rows, accumulators, lists."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from spikecuda.devices.base import Device
from spikecuda.devices.memory import Buffer
from spikecuda.errors import OutOfMemoryError, SpikecudaError
from spikecuda.kernels.spec import seen_argument
from spikecuda.network.cuda.learning import Learning
from spikecuda.network.cuda.learning_rows import learning_rows, make_rows
from spikecuda.network.cuda.procedural_rows import ProceduralRows, procedural
from spikecuda.network.cuda.replicas import ALONE, Replicas, first_of
from spikecuda.network.cuda.row_tables import RowTable, Target, join
from spikecuda.network.cuda.window_buffers import SpikeList
from spikecuda.network.memory import require_arrivals
from spikecuda.network.model.coupling import CoupledRows
from spikecuda.network.run.device_histories import lines_of
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.partition import RATE
from spikecuda.network.run.seen import seen_states, start_of
from spikecuda.network.run.window import most_spikes, ring_steps
from spikecuda.network.synapses.blocks import GRAIN, Share
from spikecuda.network.synapses.store import Bundle, Wiring

# Windows between two drains of a list of spikes, and the bytes that the list may take for it.
WINDOWS, LIST_BYTES = 254, 32 << 20
# Kernels count cells in 31 bits.
MOST_CELLS = 2**31 - 1


class Resident:
    """A partition's neurons and the synapses onto them, on a device that runs CUDA kernels.

    A neuron's place on the device is its place in the share; cells of the accumulator are places,
    port by port, slot by slot.

    Args:
        device: where.
        share: which neurons; its blocks are pages.
        neurons: of all populations, in the order of their numbers.
        wiring: the synapses.
        first: number of the first neuron of each population, sources included.
        numbers: one more than the largest number.
        window: the most steps of a window.
        replicas: networks of one structure that the neurons are of, one after the other.
        whole: whether lists have the spikes of all partitions, not of this one only.

    Attributes:
        ports: receptors of the population that has most.
        ring: steps that the accumulators hold.
        states: the neurons' state, an element for each place, by name.
        row_tables: the rows, and their arrays on the device.
        drawn: the procedural projections, and their arrays on the device.
        learning: what learns, rule by rule.
        coupled: the rows of couplings, in their order.
        seen: what rules see of their targets, and the rings of it: see ``seen_values``.
        lengths: stored synapses of each neuron, by number.
        sources: which numbers are no neurons'.
        windows: how many a list of spikes holds for certain.
        worst: the most spikes of a window.
    """

    def __init__(
        self,
        device: Device,
        share: Share,
        neurons: Sequence[Neurons],
        wiring: Wiring,
        first: Mapping[int, int],
        numbers: int,
        window: int,
        replicas: Replicas = ALONE,
        whole: bool = False,
    ) -> None:
        self.device, self.share, self.neurons, self.wiring = device, share, neurons, wiring
        self.replicas, self._whole = replicas, whole
        self.first, self.numbers, self.window = first, numbers, window
        self.ports = max((len(n.population.ports) for n in neurons), default=0)
        self.ring = ring_steps(wiring.longest, window)
        self._bound()
        self.states: dict[str, Buffer] = {}
        self.row_tables: list[tuple[RowTable, dict[str, Buffer]]] = []
        self.drawn: list[tuple[ProceduralRows, dict[str, Buffer]]] = []
        self.learning: list[Learning] = []
        # Bundles whose rule has changed: their histories are their own, whatever others are like.
        self.own: dict[Bundle, int] = {}
        self.coupled: list[dict[str, Buffer]] = []
        self.seen = seen_states(wiring, window)
        self._seen: dict[str, Buffer] = {}
        self.lengths = np.zeros(numbers, np.int64)
        self._number_sources()
        self._held: list[Buffer] = []
        self._lists: list[SpikeList] = []
        try:
            self._allocate()
            self.rewire()
        except BaseException:
            self.close()
            raise

    def upload_state(self) -> None:
        """Copy the neurons' state from the host."""
        for name, buffer in self.states.items():
            parts = {g: n.state[name] for g, n in enumerate(self.neurons) if name in n.state}
            self.device.write(buffer, self.gather(parts, buffer.dtype))

    def download_state(self) -> None:
        """Copy the neurons' state to the host."""
        for name, buffer in self.states.items():
            values = self.device.read(buffer)
            for g, n in enumerate(self.neurons):
                if name in n.state:
                    part, place = slice(*self.share.starts[g]), self.share.places[g]
                    n.state[name][part] = values[place : place + self.share.counts[g]]

    def clear(self) -> None:
        """Forget what is under way."""
        self.device.clear(self.cells)
        self.device.clear(self.events_drawn)
        for name, buffer in self._seen.items():
            self.device.write(buffer, self._start_ring(name))

    def seen_values(self) -> dict[str, Any]:
        """Return the arguments of kernels that say what rules see of their targets."""
        return {
            **{seen_argument(name): buffer for name, buffer in self._seen.items()},
            "_seen_ring": np.int64(self.seen.steps - 1), "_seen_stride": np.int64(self.share.size),
        }  # fmt: skip

    def seen_ring(self, name: str) -> Buffer:
        """Return the ring of a state that rules see: (``seen.steps``, ``share.size``)."""
        return self._seen[name]

    def extend(self, first: Mapping[int, int], numbers: int) -> None:
        """Take rows of another source; see ``NetworkPartition.extend``."""
        self.first, self.numbers = dict(first), numbers
        self.lengths = np.zeros(numbers, np.int64)
        self._number_sources()
        for i in range(len(self.learning)):  # tables by number become longer
            self._remake(i, None)
        self.rewire()

    def _number_sources(self) -> None:
        self.sources = np.ones(self.numbers, np.bool_)
        for g, n in enumerate(self.neurons):
            self.sources[self.first[g] : self.first[g] + n.population.size] = False

    def retune(self) -> None:
        """Take notice of changed parameters: neurons may spike more often."""
        for i, learning in enumerate(self.learning):
            learning.rekey()
            rows, bundles = learning.rows, [bundle for bundle, _ in learning.rows.pairs]
            need = lines_of(rows.spec, bundles, self.wiring, self.neurons, self.window)
            if not rows.lines.holds(need):
                self._remake(i, None)
        before = self.worst, self.windows
        self._bound()
        if (self.worst, self.windows) != before:
            lists, self._lists = self._lists, []
            for made in lists:
                for staging in (made.clock, made.mark, made.spikes):
                    self.device.unstage(staging)
                    self.free(staging.buffer)

    def rewire(self) -> None:
        """Take the rows over from the wiring, but for those that learn: see ``Learning.mark``."""
        for _, old in self.row_tables:
            for buffer in old.values():
                self.free(buffer)
        self.row_tables = []
        for learning in list(self.learning):
            if not learning.rows.spec.rule.learns:
                self.rewrite(learning.rows.pairs[0][0])
        self.lengths[:] = 0
        for learning in self.learning:
            self.lengths += learning.rows.lengths
        wiring = first_of(self.wiring, self.first, self.replicas)
        for row_table in join(wiring or self.wiring, self._target(shared=wiring is not None)):
            # Rows of the first replica are those of all.
            repeated = self.lengths.size // row_table.lengths.size
            self.lengths += np.tile(row_table.lengths, repeated)
            arrays: dict[str, Buffer] = {}
            # Noted first: what fails halfway is freed by the next try.
            self.row_tables.append((row_table.without_arrays(), arrays))
            for name, values in row_table.arrays.items():
                arrays[name] = self.put(name, values)

    def rewrite(self, bundle: Bundle) -> None:
        """Take the rows of a bundle that has a rule over from the wiring."""
        for i, learning in enumerate(self.learning):
            if not any(own is bundle for own, _ in learning.rows.pairs):
                continue
            if learning.fits(bundle):
                learning.rewrite(bundle)
                continue
            # Synapses have gone and others grown: all is made anew but for histories.
            self._remake(i, bundle)

    def rerule(self, bundle: Bundle) -> None:
        """Take other parameters of a bundle's rule; its histories are its own from now on."""
        self.own[bundle] = max(self.own.values(), default=-1) + 1
        for i, learning in enumerate(self.learning):
            if any(own is bundle for own, _ in learning.rows.pairs):
                self._remake(i, None)

    def part(self, bundles: Sequence[Bundle]) -> None:
        """Give bundles histories of their own, before there is anything in them."""
        if bundles:
            self.own = {bundle: number for number, bundle in enumerate(bundles)}
            for i in range(len(self.learning)):
                self._remake(i, None)

    def _remake(self, i: int, bundle: Bundle | None) -> None:
        """Make the tables of a rule anew; weights of other bundles than one are the device's."""
        learning = self.learning[i]
        rows = make_rows(
            learning.rows.spec, learning.rows.pairs, self.wiring, self._target(), self.neurons,
            self.window, learning.kept_weights(bundle), learning.rows.lines, self.own,
        )  # fmt: skip
        try:
            made = learning.replaced(rows)
        except OutOfMemoryError:
            if bundle is not None:
                raise
            # As many synapses as before fit where those were.
            made = learning.replaced(rows, early=True)
        self.lengths += rows.lengths
        self.lengths[: learning.rows.lengths.size] -= learning.rows.lengths
        self.learning[i] = made

    def held(self) -> dict[str, int]:
        """Return the bytes on the device, by what holds them."""
        result: dict[str, int] = {}
        for buffer in self._held:
            result[buffer.name] = result.get(buffer.name, 0) + buffer.nbytes
        return result

    def close(self) -> None:
        """Give all buffers back."""
        with contextlib.ExitStack() as stack:
            for buffer in list(self._held):
                stack.callback(self.free, buffer)
            for made in self._lists:
                for staging in (made.clock, made.mark, made.spikes):
                    stack.callback(self.device.unstage, staging)
        self._lists = []

    def spike_list(self, number: int) -> SpikeList:
        """Return one of the lists of spikes; they stay for later runs."""
        while len(self._lists) <= number:
            sizes = {"clock": 4, "mark": 4, "spike list": self.windows * self.worst}
            staged = [
                self.device.stage(self.allocate(name, size, np.int64))
                for name, size in sizes.items()
            ]
            self._lists.append(SpikeList(*staged))
        return self._lists[number]

    def gather(self, parts: Mapping[int, np.ndarray], dtype: Any) -> np.ndarray:
        """Return values of some populations, (neurons,) each, at their places on the device."""
        result = np.zeros(self.share.size, dtype)
        for g, values in parts.items():
            place = self.share.places[g]
            result[place : place + self.share.counts[g]] = values[slice(*self.share.starts[g])]
        return result

    def allocate(self, name: str, size: int, dtype: Any) -> Buffer:
        """Return a new zeroed buffer that stays until it is freed."""
        buffer = self.device.allocate(name, size, dtype)
        self._held.append(buffer)
        return buffer

    def put(self, name: str, values: np.ndarray) -> Buffer:
        """Return a new buffer with these values."""
        buffer = self.allocate(name, values.size, values.dtype)
        try:
            if values.size:
                self.device.write(buffer, values)
        except BaseException:
            self.free(buffer)
            raise
        return buffer

    def free(self, buffer: Buffer) -> None:
        """Give a buffer back."""
        if buffer in self._held:
            self._held.remove(buffer)
            self.device.free(buffer)

    def _bound(self) -> None:
        """Settle how many spikes a window may have, and how many windows a list of spikes holds."""
        self.worst = sum(
            int(n.population.size if self._whole else count) * most_spikes(n, self.window)
            for count, n in zip(self.share.counts, self.neurons, strict=True)
        )
        self.windows = max(1, min(WINDOWS, LIST_BYTES // 8 // max(self.worst, 1)))

    def _allocate(self) -> None:
        """Allocate what stays for as long as the network."""
        share, size = self.share, self.share.size
        cells = self.ring * self.ports * size
        if cells > MOST_CELLS:
            raise SpikecudaError(
                f"the accumulators on {self.device.name} must have at most {MOST_CELLS:,} cells "
                f"(got {cells:,}: {size:,} neurons, {self.ports} receptors, {self.ring:,} steps "
                "for the longest delay); use shorter delays, a larger dt, fewer receptors or more "
                "devices"
            )
        require_arrivals(cells, self.ring, self.device.available_memory(), self.device.name)
        for n, count in zip(self.neurons, share.counts, strict=True):
            for name, state in n.state.items():
                if count and name not in self.states:
                    self.states[name] = self.allocate(name.strip("_"), size, state.dtype)
        if self.seen.names and self.seen.steps * size > MOST_CELLS:
            raise SpikecudaError(
                f"the states that rules see must be at most {MOST_CELLS:,} on {self.device.name} "
                f"(got {self.seen.steps * size:,}: {self.seen.steps:,} steps of {size:,} neurons); "
                "use shorter delays, a larger dt or more devices"
            )
        self.cells = self.allocate("accumulators", cells, np.int32)
        self.bits = self.allocate("spike bits", self.window * (size // GRAIN), np.uint32)
        self.spike_list(0)
        words, valid = words_of(share, self.first)
        # Synapses of procedural rows are counted where they are drawn.
        self.events_drawn = self.allocate("events", 1, np.int64)
        wiring = first_of(self.wiring, self.first, self.replicas)
        for drawn in procedural(wiring or self.wiring, self._target(shared=wiring is not None)):
            arrays = {name: self.put(name, values) for name, values in drawn.arrays.items()}
            self.drawn.append((replace(drawn, arrays={}), arrays))
        for name in self.seen.names:
            self._seen[name] = self.put("states seen", self._start_ring(name))
        for rows in learning_rows(self.wiring, self._target(), self.neurons, self.window):
            self.learning.append(Learning(self.device, rows, self.put, self.free))
        for coupled in self.wiring.coupled:
            self.coupled.append(self._put_coupled(coupled))
        self.numbers_of_words, self.valid = self.put("numbers", words), self.put("valid", valid)

    def _put_coupled(self, rows: CoupledRows) -> dict[str, Buffer]:
        """Return the arrays of what neurons receive of a coupling, by the kernel's names."""
        real = self.neurons[0].population.neurons.precision.real
        weights = np.empty(0, real) if rows.weights is None else rows.weights
        return {
            "_starts": self.put("couplings", rows.starts),
            "_sources": self.put("couplings", rows.sources),
            "_weights": self.put("couplings", weights),
        }

    def _start_ring(self, name: str) -> np.ndarray:
        """Return what a state was before the first step, for each step of its ring."""
        starts = {
            g: start_of(self.neurons[g], name) for g, names in self.seen.of.items() if name in names
        }
        dtype = next(self.neurons[g].state[name].dtype for g in starts)
        return np.tile(self.gather(starts, dtype), self.seen.steps)

    def _target(self, shared: bool = False) -> Target:
        """Return what rows are made for; ``shared``: all replicas take those of the first one."""
        dt = self.neurons[0].population.neurons.dt
        cells = self.ports * self.share.size
        numbers = self.replicas.numbers if shared else self.numbers
        return Target(
            self.share, self.first, numbers, cells, RATE * dt * 1e-3, self.replicas, shared
        )


def words_of(share: Share, first: Mapping[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return what the words of spike bits are of a partition's neurons.

    Args:
        share: the neurons.
        first: number of the first neuron of each population.

    Returns:
        The number of each word's first neuron, int32, and which of its bits are neurons, uint32.
    """
    size = share.size // GRAIN
    numbers, valid = np.zeros(size, np.int32), np.zeros(size, np.uint32)
    for g, count in enumerate(share.counts):
        lanes = np.arange(-(-count // GRAIN)) * GRAIN
        at = share.places[g] // GRAIN
        numbers[at : at + lanes.size] = first[g] + share.starts[g, 0] + lanes
        left = np.minimum(count - lanes, GRAIN)
        valid[at : at + lanes.size] = (1 << left.astype(np.uint64)) - 1
    return numbers, valid
