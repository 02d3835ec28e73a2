"""The interface of engines, which advance a network in time."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from spikecuda.common.exclusive_use import ExclusiveUse
from spikecuda.network.model.trace import Trace
from spikecuda.network.run.moving import Moving
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.pauses import Pauses
from spikecuda.network.run.route import Route
from spikecuda.network.run.trace import Recorded
from spikecuda.network.run.window import ResolvedInputs
from spikecuda.network.synapses.peers import Peers
from spikecuda.network.synapses.store import Bundle, Wiring


class Engine(Protocol):
    """A built network that advances in time.

    Attributes:
        neurons: of each population, in the order of their numbers.
        wiring: the synapses.
        window: steps between two exchanges of spikes.
        threads: how many work at once.
        clock: steps done since the last reset.
        seconds: wall-clock time of runs.
        turns: of the devices that it uses.
        state_within_runs: whether the neurons' state can be read between the windows of a run.
        partial: what the last run recorded if it broke off with all neurons at step ``clock``.
        peers: the processes that the synapses are divided over; None: this one has all of them.
        placed: how neurons were dealt out to devices and processes, in words; "" if evenly.
        gather: whether runs return what the neurons of all processes did; else of this one's.
    """

    neurons: list[Neurons]
    wiring: Wiring
    window: int
    threads: int
    clock: int
    seconds: float
    turns: tuple[ExclusiveUse, ...]
    state_within_runs: bool
    partial: Recorded | None
    peers: Peers | None
    placed: str
    gather: bool

    @property
    def route(self) -> Route:
        """How spikes get from partition to partition."""

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

        Args:
            steps: how many.
            drives: the input of each population, and the receptor of each of its pulses.
            spikes: numbers of the populations whose spikes are recorded.
            traces: variables to record.
            external: int64 (spikes, 3), sorted by step: step, population, neuron; those that are
                still to be sent, also in steps before the run's.
            report: is told the steps done.
            pauses: what is done at given steps; it can read and change what is learned.
        """

    def current(self, number: int) -> Neurons:
        """Return the neurons of a population, by number, with the state that they have now."""

    def reset(self) -> None:
        """Go back to step 0."""

    def rewire(self) -> None:
        """Take notice of changed weights."""

    def recouple(self) -> None:
        """Take notice of other strengths of couplings."""

    def learned(
        self, bundle: Bundle, rows: tuple[int, int] | None = None
    ) -> list[dict[str, np.ndarray]]:
        """Return weights ("w", magnitudes) and variables as of now, by block, in new arrays.

        Args:
            bundle: its synapses learn.
            rows: the first source whose synapses are returned, and the end; None: all.
        """

    def require_usable(self) -> None:
        """Raise if a result of a rule could not be used since this was asked last.

        What was told since the last run began is not told again.

        Raises:
            NumericalError: a result was NaN or infinite.
            SpikecudaError: a rule without an upper bound made a weight larger than its ``w_max``.
        """

    def raw_learned(self, bundle: Bundle) -> list[dict[str, np.ndarray]]:
        """Return the same of all rows, with variables as their last event left them."""

    def capture(self, waiting: set[int]) -> Moving:
        """Return what moves, whatever the devices are; between runs.

        Args:
            waiting: numbers of the bundles whose spikes wait, see ``moving``; their rows are as of
                the last arrival then.
        """

    def resume(self, moving: Moving) -> None:
        """Take over what moves; the engine is as it was built, with rows that were saved."""

    def settle(self, bundle: Bundle) -> None:
        """Write what was learned up to now into a bundle's rows, which can be changed then.

        Spikes under way arrive with what was sent.  ``rewire`` follows once rows were changed.
        """

    def rewrite(self, bundle: Bundle) -> None:
        """Take notice of other weights in the rows of a bundle that learns and is settled."""

    def rerule(self, bundle: Bundle) -> None:
        """Take notice of other parameters of the rule of a bundle that is settled."""

    def level(self, bundle: Bundle, value: float | None = None) -> float:
        """Return the level of a bundle's modulator as of now; ``value``: which it has from now on.

        It is set only where no spike of the modulator can be under way.
        """

    def freeze(self, bundle: Bundle, frozen: bool) -> None:
        """Let a bundle's weights stay as they are, or learn again from now on."""

    def extend(self, size: int) -> None:
        """Take notice of another source of ``size`` trains, and of its rows in the wiring."""

    def retune(self, population: int | None = None) -> None:
        """Take notice of changed parameters, or other seeds, of a population or of all."""

    def owned(self, number: int) -> tuple[int, int]:
        """Return the first neuron of a population, by number, of this process, and the end."""

    @property
    def device_names(self) -> list[str]:
        """The device of each partition; ["cpu"] where the CPU runs all of them."""

    @property
    def partition_count(self) -> int:
        """How many partitions or blocks the neurons are split over."""

    @property
    def compile_seconds(self) -> float:
        """Time spent on compiling."""

    @property
    def events(self) -> int:
        """Synaptic events since the last reset: synapses of the neurons that spiked."""

    @property
    def synapse_bytes(self) -> int:
        """Bytes of the rows of all synapses."""

    @property
    def exchange_seconds(self) -> float:
        """Seconds since the last reset of waiting for other processes, and exchanging spikes."""

    @property
    def spikes(self) -> np.ndarray:
        """Spikes of each population since the last reset, by number; any thread may read them."""

    def held(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return the bytes in host memory and in devices' memory, by what holds them."""

    def figures_of(self, device: str) -> tuple[int, int, float]:
        """Return a device's neurons, the bytes held for them, and its seconds at work.

        Args:
            device: one of ``device_names``.
        """

    def close(self) -> None:
        """Give everything back."""
