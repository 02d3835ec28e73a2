"""The partitions of a network on devices, between runs: what they have is read and changed."""

import contextlib
import functools
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from spikecuda.common.device_threads import DeviceThreads
from spikecuda.common.exclusive_use import ExclusiveUse
from spikecuda.devices.kinds import CPU
from spikecuda.errors import SpikecudaError
from spikecuda.kernels.network import layout
from spikecuda.network.run.exchange import LocalSpikeExchange, SpikeExchange
from spikecuda.network.run.moving import Moving
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.partition import NetworkPartition
from spikecuda.network.run.route import NOWHERE, Linked
from spikecuda.network.run.spike_counts import SpikeCounts
from spikecuda.network.run.trace import Recorded
from spikecuda.network.run.window import require_learning_steps
from spikecuda.network.synapses.peers import Peers
from spikecuda.network.synapses.store import Bundle, Wiring
from spikecuda.network.synapses.unusable import UnusableResults
from spikecuda.runtime.population import report_failures

# The step of a spike has 31 bits.
MOST_STEPS = 2**31 - 1
AFTER_FAILURE = "; the network goes on after reset() only"


class Partitions:
    """A network's neurons and synapses on devices, which ``PartitionedEngine`` runs.

    Args:
        neurons: of each population, in the order of their numbers.
        first: number of the first neuron of each population, sources included.
        numbers: one more than the largest number.
        wiring: the synapses.
        partitions: who owns the neurons, all of them together.
        window: steps between two exchanges of spikes, at most the shortest delay.
        release: closes the devices that were opened for the network.
        exchange: how spikes get to the partitions of other processes; None: there are none.
        linked: the partitions, if they advance without the host; None: they do not.

    Attributes:
        clock: steps done since the last reset.
        seconds: wall-clock time of runs.
        state_within_runs: whether the neurons' state can be read between the windows of a run.
        partial: what the last run recorded if it broke off with all neurons at step ``clock``.
        placed: how neurons were dealt out, in words; "" if evenly.
        gather: see ``Engine``.
        route: how spikes get from partition to partition.
    """

    turns: tuple[ExclusiveUse, ...] = ()
    state_within_runs = False
    placed = ""
    gather = True
    route = NOWHERE
    peers: Peers | None = None

    def __init__(
        self,
        neurons: Sequence[Neurons],
        first: Mapping[int, int],
        numbers: int,
        wiring: Wiring,
        partitions: Sequence[NetworkPartition],
        window: int,
        release: Callable[[], None] = lambda: None,
        exchange: SpikeExchange | None = None,
        linked: Linked | None = None,
    ) -> None:
        self.neurons, self.first, self.wiring = list(neurons), dict(first), wiring
        self._numbers = numbers
        self.partitions, self.window = list(partitions), window
        self.threads = len(self.partitions)
        self.clock, self.seconds = 0, 0.0
        self._exchange = exchange or LocalSpikeExchange()
        self._foreign = exchange is not None
        # A partition that has nobody to exchange spikes with need not stop after each window.
        self._alone = exchange is None and len(self.partitions) == 1
        self._linked = linked
        self._device_threads = DeviceThreads(len(self.partitions))
        self._release = release
        firsts = [self.first[g] for g in range(len(self.first))]
        self._counts = SpikeCounts(np.array(firsts, np.int64))
        self._busy = {p.name: 0.0 for p in self.partitions}
        self._failed, self._stale = "", False
        self._unusable = UnusableResults()
        self.partial: Recorded | None = None

    def reset(self) -> None:
        """Go back to step 0."""
        self.clock, self.seconds = 0, 0.0
        with self._whole():
            self._counts.clear()
            self._busy = {p.name: 0.0 for p in self.partitions}
            for n in self.neurons:
                n.reset()
            for p in self.partitions:
                with report_failures(p, 0):
                    p.reset()
        self._unusable.clear()
        self._failed = ""

    def current(self, number: int) -> Neurons:
        """Return a population's neurons with the state that they have now."""
        return self.neurons[number]

    def owned(self, number: int) -> tuple[int, int]:
        """Return which neurons of a population are those of this process: all that it knows."""
        return 0, self.neurons[number].population.size

    def extend(self, size: int) -> None:
        """Take notice of another source of ``size`` trains, and of its rows in the wiring."""
        first = self._numbers
        self._numbers += -(-size // 32) * 32
        self.first[len(self.first)] = first
        self._counts.extend(first)
        with self._whole():
            for p in self.partitions:
                with report_failures(p, self.clock):
                    p.extend(self.first, self._numbers)

    def retune(self, population: int | None = None) -> None:
        """Take notice of changed parameters, or other seeds, of a population or of all."""
        with self._whole():
            for p in self.partitions:
                with report_failures(p, self.clock):
                    p.retune(population)

    def rewire(self) -> None:
        """Take changed weights over from the wiring; what fails is done before the next run."""
        self._stale = True
        for p in self.partitions:
            with report_failures(p, self.clock):
                p.rewire()
        self._stale = False

    def recouple(self) -> None:
        """Take notice of other strengths of couplings: each run asks for them."""

    def learned(
        self, bundle: Bundle, rows: tuple[int, int] | None = None
    ) -> list[dict[str, np.ndarray]]:
        """Return weights ("w", magnitudes) and variables as of now, by block; see ``Engine``."""
        number = self.wiring.bundles.index(bundle)
        return [block for p in self.partitions for block in p.learned(number, rows)]

    def require_usable(self) -> None:
        """Raise if a result of a rule could not be used on any partition; see ``Engine``."""
        found: dict[int, int] = {}
        for p in self.partitions:
            for number, bits in p.wrong().items():
                found[number] = found.get(number, 0) | bits
        self._unusable.require({self.wiring.bundles[n]: found[n] for n in sorted(found)})

    def raw_learned(self, bundle: Bundle) -> list[dict[str, np.ndarray]]:
        """Return the same, with variables as their last event left them; see ``Engine``."""
        number = self.wiring.bundles.index(bundle)
        return [block for p in self.partitions for block in p.raw_learned(number)]

    def capture(self, waiting: set[int]) -> Moving:
        """Return what moves; see ``Engine``."""
        self._require_ready(0)
        moving = Moving(self.clock, self.seconds, spikes=self.spikes)
        for p in self.partitions:
            with report_failures(p, self.clock):
                moving.add(p.capture(waiting))
        return moving

    def resume(self, moving: Moving) -> None:
        """Take over what moves; see ``Engine``."""
        self.clock, self.seconds = moving.clock, moving.seconds
        with self._whole():
            self._counts.take(moving.spikes)
            for i, p in enumerate(self.partitions):
                with report_failures(p, self.clock):
                    p.resume(moving, moving.events if i == 0 else 0)

    def settle(self, bundle: Bundle) -> None:
        """Write what was learned up to now into a bundle's rows; see ``Engine``."""
        number = self.wiring.bundles.index(bundle)
        for p in self.partitions:
            mine = [bundle.blocks[b] for b in p.share.blocks] if bundle.blocks else []
            p.settle(number, mine, bundle.kind == layout.PLASTIC)

    def rewrite(self, bundle: Bundle) -> None:
        """Take notice of other weights in the rows of a bundle that learns; see ``Engine``."""
        number = self.wiring.bundles.index(bundle)
        for p in self.partitions:
            with report_failures(p, self.clock):
                p.rewrite(number)

    def rerule(self, bundle: Bundle) -> None:
        """Take notice of other parameters of a bundle's rule; see ``Engine``."""
        number = self.wiring.bundles.index(bundle)
        with self._whole():
            for p in self.partitions:
                with report_failures(p, self.clock):
                    p.rerule(number)

    def level(self, bundle: Bundle, value: float | None = None) -> float:
        """Return the level of a bundle's modulator as of now; see ``Engine``."""
        number = self.wiring.bundles.index(bundle)
        levels = []
        with contextlib.nullcontext() if value is None else self._whole():
            for p in self.partitions:
                with report_failures(p, self.clock):
                    level = p.level(number, value)
                # One that has no neurons has no modulators.
                levels += [level] if p.share.size else []
        return levels[0]

    def freeze(self, bundle: Bundle, frozen: bool) -> None:
        """Let a bundle's weights stay as they are, or learn again from now on."""
        for p in self.partitions:
            p.freeze(self.wiring.bundles.index(bundle), frozen)

    @property
    def failed(self) -> bool:
        """Whether neurons are not all at the same step; only ``reset`` helps then."""
        return bool(self._failed)

    @property
    def compile_seconds(self) -> float:
        """Time spent on compiling kernels."""
        return sum(self._compiled().values())

    @property
    def device_names(self) -> list[str]:
        """The device of each partition."""
        return [p.name for p in self.partitions]

    @property
    def partition_count(self) -> int:
        """How many partitions there are."""
        return len(self.partitions)

    @property
    def events(self) -> int:
        """Synaptic events since the last reset: synapses of the neurons that spiked."""
        return sum(p.events for p in self.partitions)

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
        return self._counts.total()

    def figures_of(self, device: str) -> tuple[int, int, float]:
        """Return a device's neurons, the bytes held for them, and its seconds at work."""
        mine = [p for p in self.partitions if p.name == device]
        neurons = sum(int(p.share.counts.sum()) for p in mine)
        return neurons, sum(sum(p.held().values()) for p in mine), self._busy.get(device, 0.0)

    def held(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return the bytes in host memory and on devices, by what holds them."""
        host = {
            "neurons": sum(a.nbytes for n in self.neurons for a in n.state.values()),
            "synapses": self.wiring.nbytes,
        }
        devices: dict[str, int] = {}
        for p in self.partitions:
            there = host if p.device.kind == CPU else devices
            for name, size in p.held().items():
                there[f"{name} on {p.name}"] = there.get(f"{name} on {p.name}", 0) + size
        return host, devices

    def close(self) -> None:
        """Give everything back."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._release)
            stack.callback(self._device_threads.close)
            for p in self.partitions:
                stack.callback(p.close)

    # For runs, too.

    def _compiled(self) -> dict[str, float]:
        """Return the seconds that each device has spent on compiling."""
        return {p.name: p.compile_seconds for p in self.partitions}

    @contextlib.contextmanager
    def _whole(self) -> Iterator[None]:
        """Let the network go on after ``reset`` only if what is done inside breaks off."""
        try:
            yield
        except BaseException as error:
            self._failed = str(error) or type(error).__name__
            raise

    def _together(
        self, calls: Sequence[Callable[..., Any]], *arguments: Any, advice: str = AFTER_FAILURE
    ) -> list[Any]:
        """Call a function for each partition, devices side by side; return the results.

        Raises:
            DeviceError: names the device that failed, and the step.
        """
        results: list[Any] = [None] * len(calls)

        def work(mine: Sequence[int]) -> None:
            for i in mine:
                p = self.partitions[i]
                begin = time.perf_counter()
                with report_failures(p, p.settled, advice):
                    results[i] = calls[i](*arguments)
                self._busy[p.name] += time.perf_counter() - begin

        places: dict[Hashable, list[int]] = {}
        for i, p in enumerate(self.partitions):
            places.setdefault(p.device.driven_by, []).append(i)
        self._device_threads.together([functools.partial(work, mine) for mine in places.values()])
        return results

    def _require_ready(self, steps: int) -> None:
        if self._failed:
            raise SpikecudaError(
                f"the network cannot go on: {self._failed}; its neurons are not all at the same "
                "step; reset() starts again"
            )
        require_learning_steps(self.wiring, self.clock + steps)
        if self.clock + steps > MOST_STEPS:
            raise SpikecudaError(
                f"a run on devices ends at step {MOST_STEPS:,} at the latest (got "
                f"{self.clock + steps:,}); reset(), or run on the CPU"
            )
