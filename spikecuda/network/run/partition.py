"""The interface of a network's partitions.

A partition owns its neurons and the synapses onto them.  It runs a window, at most the shortest
delay, by itself; what its neurons sent in it then goes to all other partitions, before any of it
can arrive: see ``exchange``.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spikecuda.devices.base import Device
from spikecuda.network.model.trace import Trace
from spikecuda.network.run.moving import Moving
from spikecuda.network.run.window import ResolvedInputs
from spikecuda.network.synapses.blocks import Share
from spikecuda.network.synapses.store import Rows

STEP_BITS = 32
NUMBER = (1 << STEP_BITS) - 1
# Spikes of a neuron in a second, Hz, before a run has told how many there are.
RATE = 10.0


@dataclass(frozen=True, eq=False)
class RunRequest:
    """What a run asks of its partitions.

    Attributes:
        start: number of its first step.
        steps: number of steps.
        window: steps of a window; it divides ``align``.
        align: windows end at its multiples, so that samples can be taken; 0: anywhere.
        drives: the input of each population.
        traces: variables to record.
        out: where they are stored, arrays (samples, neurons).
        external: given spikes of the whole run, sorted.
        rate: spikes per second of a neuron, as far as known; results do not depend on it.
        single: whether no lists of other partitions come between the windows: there are no others,
            or they are on devices that reach each other.
    """

    start: int
    steps: int
    window: int
    align: int
    drives: ResolvedInputs
    traces: Sequence[Trace]
    out: list[np.ndarray]
    external: np.ndarray
    rate: float
    single: bool

    def windows(self, now: int, steps: int) -> list[int]:
        """Return the lengths of the windows of some steps from ``now`` on."""
        result = []
        while steps:
            result.append(self.next_window(now, steps))
            now, steps = now + result[-1], steps - result[-1]
        return result

    def next_window(self, now: int, steps: int) -> int:
        """Return the length of the first of these."""
        k = min(self.window, steps)
        return min(k, self.align - now % self.align) if self.align else k


class NetworkPartition(ABC):
    """Neurons on one device and the synapses onto them.

    Attributes:
        device: where it is; several partitions may be on one.
        share: its neurons.
    """

    device: Device
    share: Share

    @property
    def name(self) -> str:
        """Name of the device."""
        return self.device.name

    @property
    @abstractmethod
    def events(self) -> int:
        """Synaptic events since the last reset, counted when a spike is sent.

        Each synapse of a neuron that spiked is one, whether it has delivered its weight yet or not:
        that can be counted alike everywhere.  Between runs nothing is left to be counted.
        """

    @property
    def compile_seconds(self) -> float:
        """Time that its device spent on compiling."""
        return 0.0

    @property
    @abstractmethod
    def settled(self) -> int:
        """The first step whose spikes are not known yet."""

    @property
    @abstractmethod
    def most_steps(self) -> int:
        """The most steps of one call of ``advance`` within the run that has begun."""

    @abstractmethod
    def begin(self, request: RunRequest) -> None:
        """Prepare a run: compile, allocate, take the state of the neurons over."""

    @abstractmethod
    def advance(self, steps: int, external: np.ndarray) -> np.ndarray:
        """Advance by some steps; deliver own spikes.

        Args:
            steps: a window, or where there is no other partition up to ``most_steps``.
            external: given spikes of these steps, sorted.

        Returns:
            The spikes of the partition's neurons, sorted.  Where there is no other partition they
            may be those of an earlier call; ``rest`` returns what is missing.
        """

    def rest(self) -> np.ndarray:
        """Wait for what is under way; return the spikes that ``advance`` has not returned."""
        return np.empty(0, np.int64)

    @abstractmethod
    def receive(self, spikes: np.ndarray) -> None:
        """Take the sorted spikes that the other partitions sent in the last window."""

    @abstractmethod
    def end(self) -> None:
        """End a run: hand the state of the neurons back."""

    @abstractmethod
    def reset(self) -> None:
        """Forget what is under way; the clock is at 0."""

    @abstractmethod
    def extend(self, first: Mapping[int, int], numbers: int) -> None:
        """Take notice of another source, and of its rows in the wiring.

        Args:
            first: number of the first neuron of each population, sources included.
            numbers: one more than the largest number.
        """

    @abstractmethod
    def retune(self, population: int | None = None) -> None:
        """Take notice of changed parameters, or other seeds, of a population or of all."""

    @abstractmethod
    def rewire(self) -> None:
        """Take changed weights over from the wiring."""

    def learned(
        self, number: int, rows: tuple[int, int] | None = None
    ) -> list[dict[str, np.ndarray]]:
        """Return what the synapses of a bundle have learned up to now, by block, in new arrays.

        Args:
            number: of the bundle.
            rows: the first source whose synapses are returned, and the end; None: all.
        """
        raise NotImplementedError(f"synapses on {self.name} do not learn")

    def raw_learned(self, number: int) -> list[dict[str, np.ndarray]]:
        """Return the same of all rows, with variables as their last event left them."""
        raise NotImplementedError(f"synapses on {self.name} do not learn")

    @abstractmethod
    def capture(self, waiting: set[int]) -> Moving:
        """Return what moves in the partition, without spikes and seconds; between runs.

        Args:
            waiting: numbers of the bundles whose spikes wait, see ``moving``.
        """

    @abstractmethod
    def resume(self, moving: Moving, events: int) -> None:
        """Take over what moves in the whole network; the partition is as it was built.

        Args:
            moving: all of it.
            events: synaptic events that count as the partition's.
        """

    def settle(self, number: int, rows: Sequence[Rows], learns: bool) -> None:
        """Write what a bundle has learned up to now into its rows, which can be changed then.

        Devices have sent what is under way already.

        Args:
            number: of the bundle.
            rows: of the bundle in the partition's blocks.
            learns: whether its synapses learn.
        """
        if not learns:
            return
        for stored, values in zip(rows, self.learned(number), strict=True):
            assert stored.weights is not None
            stored.weights[:] = values["w"]
            for name, array in stored.variables.items():
                array[:] = values[name]
        self.mark(number)

    def mark(self, number: int) -> None:
        """Let all events up to now count as done in a bundle's weights, which were set."""
        raise NotImplementedError(f"synapses on {self.name} do not learn")

    def rewrite(self, number: int) -> None:
        """Take other weights in the rows of a bundle that learns over from the wiring."""
        self.rewire()

    def rerule(self, number: int) -> None:
        """Take notice of other parameters of the rule of a bundle that is settled."""
        raise NotImplementedError(f"synapses on {self.name} have no rules")

    def wrong(self) -> dict[int, int]:
        """Return what could not be used of rules' results since the last time.

        Rows that a function of the distance could not draw are told each time.

        Returns:
            By the bundle's number: bits of ``learn_spec``.
        """
        return {}

    def level(self, number: int, value: float | None = None) -> float:
        """Return the level of a bundle's modulator as of now; see ``Engine``."""
        raise NotImplementedError(f"synapses on {self.name} have no modulators")

    def freeze(self, number: int, frozen: bool) -> None:
        """Let a bundle's weights stay as they are, or learn again from now on."""
        raise NotImplementedError(f"synapses on {self.name} do not learn")

    @abstractmethod
    def held(self) -> dict[str, int]:
        """Return the bytes held, by what holds them."""

    @abstractmethod
    def close(self) -> None:
        """Give everything back; closing twice does nothing."""
