"""A partition of a network on the CPU, beside partitions on other devices."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from spikecuda.devices.base import Device
from spikecuda.network.cpu.cpu_run import CpuRun
from spikecuda.network.cpu.engine import CpuEngine
from spikecuda.network.run.moving import Moving
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.partition import NUMBER, STEP_BITS, NetworkPartition, RunRequest
from spikecuda.network.synapses.blocks import Blocks, Share
from spikecuda.network.synapses.store import Rows, Wiring


class CpuPartition(NetworkPartition):
    """Neurons on the processor, and the synapses onto them: an engine for some of the blocks.

    Args:
        device: the processor; it says how many threads work at once.
        share: which neurons.
        neurons: of all populations, in the order of their numbers.
        wiring: the synapses of the whole network.
        first: number of the first neuron of each population, sources included.
    """

    def __init__(
        self,
        device: Device,
        share: Share,
        neurons: Sequence[Neurons],
        wiring: Wiring,
        first: Mapping[int, int],
    ) -> None:
        self.device, self.share, self.wiring = device, share, wiring
        self.first = np.array([first[g] for g in range(len(first))], np.int64)
        self.neurons = list(neurons)
        self._engine = CpuEngine(neurons, len(first), restrict(wiring, share), device.threads)
        self._run: CpuRun | None = None
        # What others sent, to be filed before the next window.
        self._waiting = np.empty((0, 3), np.int64)

    @property
    def compile_seconds(self) -> float:
        """Time spent on compiling."""
        return self._engine.compile_seconds

    @property
    def events(self) -> int:
        """Synaptic events delivered since the last reset."""
        return self._engine.events

    @property
    def settled(self) -> int:
        """The first step whose spikes are not known yet."""
        return self._engine.clock

    @property
    def most_steps(self) -> int:
        """The most steps of one call of ``advance``."""
        assert self._run is not None
        return self._run.chunk

    def begin(self, request: RunRequest) -> None:
        """Prepare a run."""
        every = range(len(self.neurons))
        self._run = self._engine.prepare(
            request.steps, request.drives, every, request.traces, request.out, request.start
        )

    def advance(self, steps: int, external: np.ndarray) -> np.ndarray:
        """Advance by some steps; return the spikes, sorted."""
        assert self._run is not None
        due, found = np.concatenate([self._waiting, self._rows(external)]), []
        self._waiting = due[:0]
        while steps:
            # An engine stops early when a buffer is full; what it has filed is not filed again.
            made = self._engine.advance(self._run, steps, due)
            for g, (step, neuron) in self._engine.drain():
                found.append((step << STEP_BITS) + self.first[g] + neuron)
            due = due[due[:, 0] >= self._engine.clock]
            steps -= made
        return np.sort(np.concatenate([np.empty(0, np.int64), *found]))

    def receive(self, spikes: np.ndarray) -> None:
        """Take what the other partitions sent in the last window; it is filed in the next one."""
        self._waiting = self._rows(spikes)

    def end(self) -> None:
        """End a run; state is the host's own, and what others sent is on its way."""
        if self._run is not None:
            self._file()
        self._run = None

    def reset(self) -> None:
        """Forget what is under way."""
        self._waiting = self._waiting[:0]
        self._engine.reset()

    def extend(self, first: Mapping[int, int], numbers: int) -> None:
        """Take notice of another source: the numbers of the first neurons, and one more than all.

        Args:
            first: number of the first neuron of each population.
            numbers: one more than the largest number.
        """
        self.first = np.array([first[g] for g in range(len(first))], np.int64)
        mine, a, z = self._engine.wiring, self.share.blocks.start, self.share.blocks.stop
        for bundle in self.wiring.bundles[len(mine.bundles) :]:
            mine.bundles.append(replace(bundle, blocks=bundle.blocks[a:z]))
        mine.longest, mine.synapses = self.wiring.longest, self.wiring.synapses
        self._engine.extend(0)

    def retune(self, population: int | None = None) -> None:
        """Take notice of changed parameters, or other seeds, of a population or of all."""
        self._engine.retune(population)

    def rewire(self) -> None:
        """Take changed weights over."""
        for mine, whole in zip(self._engine.wiring.bundles, self.wiring.bundles, strict=True):
            mine.kind, mine.weight = whole.kind, whole.weight
        self._engine.rewire()

    def learned(
        self, number: int, rows: tuple[int, int] | None = None
    ) -> list[dict[str, np.ndarray]]:
        """Return what the synapses of a bundle have learned up to now, by block."""
        self._file()
        return self._engine.learned(self._engine.wiring.bundles[number], rows)

    def raw_learned(self, number: int) -> list[dict[str, np.ndarray]]:
        """Return the same, with variables as their last event left them."""
        self._file()
        return self._engine.raw_learned(self._engine.wiring.bundles[number])

    def capture(self, waiting: set[int]) -> Moving:
        """Return what moves in the partition."""
        self._file()
        return self._engine.capture(waiting)

    def resume(self, moving: Moving, events: int) -> None:
        """Take over what moves in the whole network."""
        self._engine.resume(moving, events)

    def _file(self) -> None:
        """Put what others sent on its way."""
        if self._waiting.size and not self._engine.torn:
            self._engine.file(self._waiting)
            self._waiting = self._waiting[:0]

    def settle(self, number: int, rows: Sequence[Rows], learns: bool) -> None:
        """Write what a bundle has learned up to now into its rows; keep what is under way."""
        self._engine.settle(self._engine.wiring.bundles[number])

    def rewrite(self, number: int) -> None:
        """Take other weights in a bundle's rows over: they are where they were."""

    def rerule(self, number: int) -> None:
        """Take notice of other parameters of a bundle's rule."""
        self._engine.rerule(self._engine.wiring.bundles[number])

    def wrong(self) -> dict[int, int]:
        """Return what could not be used of rules' results since the last time: see the base."""
        bundles = self._engine.wiring.bundles
        return {bundles.index(bundle): bits for bundle, bits in self._engine.wrong().items()}

    def level(self, number: int, value: float | None = None) -> float:
        """Return the level of a bundle's modulator as of now; see ``Engine``."""
        self._file()
        return self._engine.level(self._engine.wiring.bundles[number], value)

    def freeze(self, number: int, frozen: bool) -> None:
        """Let a bundle's weights stay as they are, or learn again."""
        self._engine.freeze(self._engine.wiring.bundles[number], frozen)

    def held(self) -> dict[str, int]:
        """Return the bytes held beside neurons and synapses."""
        shared = ("state", "synapses")
        return {name: size for name, size in self._engine.held_here().items() if name not in shared}

    def close(self) -> None:
        """End the threads."""
        self._engine.close()

    def _rows(self, spikes: np.ndarray) -> np.ndarray:
        """Return spikes as the engine wants them: step, population, neuron."""
        number = spikes & NUMBER
        population = np.searchsorted(self.first, number, side="right") - 1
        neuron = number - self.first[population]
        return np.stack([spikes >> STEP_BITS, population, neuron], axis=1)


def restrict(wiring: Wiring, share: Share) -> Wiring:
    """Return the part of a wiring that belongs to a partition; the rows are the same arrays."""
    a, z = share.blocks.start, share.blocks.stop
    whole = wiring.blocks
    blocks = Blocks(
        z - a, np.ascontiguousarray(whole.starts[:, a : z + 1]), whole.offsets[:, a:z],
        whole.sizes[a:z],
    )  # fmt: skip
    bundles = [replace(bundle, blocks=bundle.blocks[a:z]) for bundle in wiring.bundles]
    return replace(wiring, blocks=blocks, bundles=bundles)
