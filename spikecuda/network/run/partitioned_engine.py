"""Run a network on devices: partitions advance together and exchange spikes."""

import contextlib
import functools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from spikecuda.common.device_threads import DeviceThreads
from spikecuda.common.exclusive_use import ExclusiveUse
from spikecuda.common.interrupt import held_interrupt
from spikecuda.devices.kinds import CPU
from spikecuda.errors import SpikecudaError
from spikecuda.kernels.network import layout
from spikecuda.network.model.trace import Trace
from spikecuda.network.run.moving import Moving
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.partition import (
    NUMBER,
    RATE,
    STEP_BITS,
    LocalSpikeExchange,
    NetworkPartition,
    RunRequest,
    SpikeExchange,
)
from spikecuda.network.run.pauses import Pauses
from spikecuda.network.run.received import require_spikes
from spikecuda.network.run.spike_counts import SpikeCounts
from spikecuda.network.run.trace import Recorded, cut_samples, sample_arrays
from spikecuda.network.run.window import ResolvedInputs, require_learning_steps
from spikecuda.network.synapses.peers import Peers
from spikecuda.network.synapses.store import Bundle, Wiring
from spikecuda.network.synapses.unusable import UnusableResults
from spikecuda.runtime.population import report_failures

# The step of a spike has 31 bits.
MOST_STEPS = 2**31 - 1
AFTER_FAILURE = "; the network goes on after reset() only"


class PartitionedEngine:
    """A network's neurons and synapses on devices.

    Args:
        neurons: of each population, in the order of their numbers.
        first: number of the first neuron of each population, sources included.
        numbers: one more than the largest number.
        wiring: the synapses.
        partitions: who owns the neurons, all of them together.
        window: steps between two exchanges of spikes, at most the shortest delay.
        release: closes the devices that were opened for the network.
        exchange: how spikes get to the partitions of other processes; None: there are none.

    Attributes:
        clock: steps done since the last reset.
        seconds: wall-clock time of runs.
        state_within_runs: whether the neurons' state can be read between the windows of a run.
        partial: what the last run recorded if it broke off with all neurons at step ``clock``.
    """

    turns: tuple[ExclusiveUse, ...] = ()
    state_within_runs = False
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
        self._device_threads = DeviceThreads(len(self.partitions))
        self._release = release
        firsts = [self.first[g] for g in range(len(self.first))]
        self._counts = SpikeCounts(np.array(firsts, np.int64))
        self._busy = dict.fromkeys(self.device_names, 0.0)
        self._failed, self._stale = "", False
        self._unusable = UnusableResults()
        self.partial: Recorded | None = None

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
        """Advance by some steps; see ``CpuEngine.run``.

        Raises:
            DeviceError: a device failed; once the run has begun to change state, the network goes
                on after ``reset`` only.
        """
        self._require_ready(steps)
        self.require_usable()  # what was settled since the last run
        self._unusable.clear()
        if self._stale:
            self.rewire()
        begin = time.perf_counter()
        self.partial = None
        request = self._request(steps, drives, traces, external)
        pauses, counted = pauses or Pauses((), ()), 0
        found: list[np.ndarray] = []
        before, compiled = self.spikes, self.compile_seconds
        try:
            self._together([p.begin for p in self.partitions], request, advice="")
            with held_interrupt() as release:
                done = 0
                while done < steps:
                    some = self._most_steps(request, done)
                    some = min(some, steps - done, pauses.left(self.clock))
                    found.append(self._advance(request, some))
                    self._counts.add(found[-1], now=self._alone)
                    done += some
                    self.clock += some
                    if pauses.due(self.clock):
                        found += self._pause(request, pauses, found[counted:])
                        counted = len(found)
                    report(done)
                    release()
                with self._whole():
                    found += self._rest()
                    self._together([p.end for p in self.partitions])
                self._note(found[counted:], pauses)
                counted = len(found)
        except BaseException:
            # What went wrong first is what to tell.
            try:
                found += self._end()
                self._note(found[counted:], pauses)
            except Exception as error:
                self._failed = self._failed or str(error) or type(error).__name__
            if not self._failed:
                out = cut_samples(traces, request.out, request.start, self.clock)
                self.partial = self._recorded(found, spikes, out, before)
            raise
        self.seconds += time.perf_counter() - begin - (self.compile_seconds - compiled)
        result = self._recorded(found, spikes, request.out, before)
        try:
            for n in self.neurons:
                n.check()
            self.require_usable()
        except BaseException:
            self.partial = result
            raise
        return result

    def reset(self) -> None:
        """Go back to step 0."""
        self.clock, self.seconds = 0, 0.0
        with self._whole():
            self._counts.clear()
            self._busy = dict.fromkeys(self.device_names, 0.0)
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
        found = 0.0
        with contextlib.nullcontext() if value is None else self._whole():
            for p in self.partitions:
                with report_failures(p, self.clock):
                    found = p.level(number, value)
        return found

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
        return sum({p.name: p.compile_seconds for p in self.partitions}.values())

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

    # Parts of a run.

    def _request(
        self, steps: int, drives: ResolvedInputs, traces: Sequence[Trace], external: np.ndarray
    ) -> RunRequest:
        align = math.gcd(*(t.every for t in traces)) if traces else 0
        window = self.window
        while align and align % window:
            window -= 1
        out = sample_arrays(traces, self.neurons, self.clock, steps)
        z = np.searchsorted(external[:, 0], self.clock + steps)
        first = np.array([self.first[g] for g in range(len(self.first))], np.int64)
        step, population, neuron = external[:z].T
        given = np.sort((step << STEP_BITS) + first[population] + neuron)
        time_done = self.clock * self.neurons[0].population.neurons.dt * 1e-3
        size = sum(n.population.size for n in self.neurons)
        rate = self.spikes.sum() / (size * time_done) if self.clock else RATE
        return RunRequest(
            self.clock, steps, window, align, drives, traces, out, given, float(rate),
            self._alone,
        )  # fmt: skip

    def _pause(
        self, request: RunRequest, pauses: Pauses, found: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        """Do what is due, with all that the devices have on the host; return spikes not yet told.

        Args:
            request: of the run, which goes on.
            pauses: what is due.
            found: spikes since the last pause that are known.
        """
        with self._whole():
            rest = self._rest()
            self._together([p.end for p in self.partitions])
        self._note([*found, *rest], pauses)
        pauses.act(self)
        with self._whole():
            self._together([p.begin for p in self.partitions], request)
        return rest

    def _note(self, found: Sequence[np.ndarray], pauses: Pauses) -> None:
        """Tell what is done at pauses of spikes."""
        if not pauses.populations or not found:
            return
        number = np.concatenate(found) & NUMBER
        for g in pauses.populations:
            mine = number - self.first[g]
            size = self.neurons[g].population.size
            pauses.count(g, mine[(mine >= 0) & (mine < size)])

    def _most_steps(self, request: RunRequest, done: int) -> int:
        """Return the steps to the next exchange, or without one as many as can be had."""
        if self._alone:
            return self.partitions[0].most_steps
        return request.windows(self.clock, request.steps - done)[0]

    def _advance(self, request: RunRequest, steps: int) -> np.ndarray:
        """Advance all partitions; return the spikes, sorted."""
        ends = np.array([self.clock, self.clock + steps]) << STEP_BITS
        a, z = np.searchsorted(request.external, ends)
        # Before the first step of a run there may be what was sent at its start.
        due = request.external[0 if self.clock == request.start else a : z]
        with self._whole():
            lists = self._together([p.advance for p in self.partitions], steps, due)
            if self._alone:
                return lists[0]
            others = self._exchange.swap(lists)
            if self._foreign:
                last = self.neurons[-1].population
                others = require_spikes(
                    others, len(lists), self.clock, self.clock + steps,
                    self.first[last.number] + last.size,
                )  # fmt: skip
            self._together(
                [functools.partial(p.receive, other)
                 for p, other in zip(self.partitions, others, strict=True)]
            )  # fmt: skip
        return np.sort(np.concatenate(lists))

    @contextlib.contextmanager
    def _whole(self) -> Iterator[None]:
        """Let the network go on after ``reset`` only if what is done inside breaks off."""
        try:
            yield
        except BaseException as error:
            self._failed = str(error) or type(error).__name__
            raise

    def _end(self) -> list[np.ndarray]:
        """End a run that broke off on all partitions; return spikes that were under way."""
        with contextlib.ExitStack() as stack:
            for p in self.partitions:
                stack.callback(p.end)
            return [] if self._failed else self._rest()

    def _rest(self) -> list[np.ndarray]:
        """Return the spikes that are still under way, counted."""
        rest = self._together([p.rest for p in self.partitions])
        self._counts.add(np.concatenate(rest), now=True)
        return rest

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

        places: dict[str, list[int]] = {}
        for i, p in enumerate(self.partitions):
            places.setdefault(p.name, []).append(i)
        self._device_threads.together([functools.partial(work, mine) for mine in places.values()])
        return results

    def _recorded(
        self,
        found: Sequence[np.ndarray],
        spikes: Sequence[int],
        out: list[np.ndarray],
        before: np.ndarray,
    ) -> Recorded:
        """Return the spikes by population."""
        merged = np.concatenate([np.empty(0, np.int64), *found])
        first = np.array([self.first[g] for g in range(len(self.neurons))], np.int64)
        number = merged & NUMBER
        population = np.searchsorted(first, number, side="right") - 1
        steps, neurons = {}, {}
        for g in spikes:
            mine = population == g
            steps[g] = merged[mine] >> STEP_BITS
            neurons[g] = (number[mine] - first[g]).astype(np.int32)
        return Recorded(steps, neurons, out, self.spikes - before)

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
