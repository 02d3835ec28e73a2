"""Run a network over processes of an MPI job, each with partitions on devices of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from spikecuda.network.model.trace import Trace
from spikecuda.network.ranks.exchange import RankExchange
from spikecuda.network.ranks.link import LinkFigures
from spikecuda.network.ranks.ranks import READ, Ranks
from spikecuda.network.ranks.together import Together
from spikecuda.network.run.moving import Moving
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.partition import NUMBER, NetworkPartition, RunRequest
from spikecuda.network.run.partitioned_engine import PartitionedEngine
from spikecuda.network.run.pauses import Pauses
from spikecuda.network.run.trace import Recorded
from spikecuda.network.run.window import ResolvedInputs
from spikecuda.network.synapses.store import Wiring


class RankDeviceEngine(PartitionedEngine):
    """The partitions that one process owns; whatever changes them is called by all processes.

    Args:
        ranks: the processes.
        bounds: int64 (populations, ranks + 1), the first neuron that each owns.
        neurons, first, numbers, wiring, partitions, window, release: see ``Partitions``; the
            wiring has the synapses onto this process' neurons.
    """

    def __init__(
        self,
        ranks: Ranks,
        bounds: np.ndarray,
        neurons: Sequence[Neurons],
        first: Mapping[int, int],
        numbers: int,
        wiring: Wiring,
        partitions: Sequence[NetworkPartition],
        window: int,
        release: Callable[[], None],
    ) -> None:
        self.peers = self.ranks = ranks
        self.neurons, self.wiring = list(neurons), wiring
        self._all = Together(self, ranks, bounds)
        size, dt = sum(n.population.size for n in neurons), neurons[0].population.neurons.dt
        self._swaps = RankExchange(ranks, self._all, size, window, dt)
        # Whose spikes are kept, by number; None: all.
        self._wanted: np.ndarray | None = None
        super().__init__(neurons, first, numbers, wiring, partitions, window, release, self._swaps)
        self._suffix = f" of rank {ranks.rank} of {ranks.count}"
        self._all.add_up(0)
        ranks.doing = READ

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
        """Advance by some steps, as all processes do; see ``Together.run``.

        Raises:
            DeviceError: a device of this process failed; in the others a SpikecudaError says so.
        """
        run = super().run
        counted = pauses.populations if pauses else []
        self._wanted = None if self.gather else self._mask(counted)
        own = self._all.own_traces(traces)

        def here(told: Callable[[int], None]) -> Recorded:
            return run(steps, drives, spikes, own, external, told, pauses)

        return self._all.run(
            here, lambda: super(RankDeviceEngine, self).events, steps, drives, spikes, traces,
            external, report, pauses,
        )  # fmt: skip

    def _most_steps(self, request: RunRequest, done: int) -> int:
        """Return the steps to the next exchange, once all processes are about to take them."""
        return self._all.agree(super()._most_steps(request, done))

    def _mask(self, counted: Sequence[int]) -> np.ndarray:
        """Return whose spikes are kept: of this process' neurons and of some populations."""
        mask = np.zeros(self._numbers, bool)
        for g, first in self.first.items():
            if g < len(self.neurons):
                size = self.neurons[g].population.size
                a, z = (0, size) if g in counted else self.owned(g)
                mask[first + a : first + z] = True
        return mask

    def _kept(self, heard: np.ndarray) -> np.ndarray:
        """Return which spikes are kept: without ``gather`` those of this process alone."""
        return heard if self._wanted is None else heard[self._wanted[heard & NUMBER]]

    def _heard(self, lists: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> np.ndarray:
        """Return the spikes of a window, sorted: those of all processes are recorded."""
        return self._swaps.heard

    def owned(self, number: int) -> tuple[int, int]:
        """Return which neurons of a population are those of this process."""
        return self._all.owned(number)

    def current(self, number: int) -> Neurons:
        """Return a population's neurons with the state that their owners have."""
        return self._all.current(number)

    def reset(self) -> None:
        """Go back to step 0."""
        super().reset()
        self._all.reset()
        self._swaps.clear()

    def capture(self, waiting: set[int]) -> Moving:
        """Return what moves: in rank 0 of all processes, see ``Engine``."""
        moving = super().capture(waiting)
        moving.events = self.events
        return self._all.gather(moving)

    def resume(self, moving: Moving) -> None:
        """Take over what moves of all processes, of which the first one counts the events."""
        super().resume(replace(moving, events=0) if self.ranks.rank else moving)
        self._all.resume(super().events)

    @property
    def events(self) -> int:
        """Synaptic events of all processes since the last reset, as of the end of the last run."""
        return self._all.events

    @property
    def synapse_bytes(self) -> int:
        """Bytes of the rows of all processes, as of the end of the last run."""
        return self._all.nbytes

    @property
    def exchange_seconds(self) -> float:
        """Seconds of waiting for other processes, and exchanging spikes, since the last reset."""
        return self._swaps.figures.seconds

    @property
    def exchanged(self) -> LinkFigures:
        """What was exchanged since the last reset."""
        return self._swaps.figures

    @property
    def device_names(self) -> list[str]:
        """The devices of this process."""
        return [name + self._suffix for name in super().device_names]

    def figures_of(self, device: str) -> tuple[int, int, float]:
        """Return a device's neurons, the bytes held for them, and its seconds at work."""
        return super().figures_of(device.removesuffix(self._suffix))
