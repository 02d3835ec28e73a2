"""Replicas on this machine's processor: one after the other on each of some threads."""

from collections import deque
from collections.abc import Callable, Sequence

from spikecuda.common.device_threads import DeviceThreads
from spikecuda.common.exclusive_use import ExclusiveUse
from spikecuda.common.seed import Seeds
from spikecuda.network.cpu.engine import CpuEngine
from spikecuda.network.ensemble.group import BrokenOff
from spikecuda.network.ensemble.replica import Replica
from spikecuda.network.results.result import NetworkResult
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.synapses.store import Wiring


class CpuReplicas:
    """Replicas that have an engine each, and threads that take one replica after the other.

    No thread waits for another one before all replicas are at the end of a slice of the run, and
    what a replica needs stays in the cache of the core that advances it.

    Args:
        replicas: which.
        wirings: the synapses of each.
        threads: how many work at once.

    Attributes:
        replicas, turns, whole, clock, threads, device_name: see ``Group``.
        engines: of the replicas.
    """

    turns: tuple[ExclusiveUse, ...] = ()
    whole = False
    device_name = "cpu"

    def __init__(
        self, replicas: Sequence[Replica], wirings: Sequence[Wiring], threads: int
    ) -> None:
        self.replicas, self.threads = list(replicas), threads
        self._device_threads = DeviceThreads(threads, "spikecuda-replica")
        made = []
        for replica, wiring in zip(replicas, wirings, strict=True):
            description = replica._describe()
            neurons = [Neurons(population) for population in description.populations]
            made.append(CpuEngine(neurons, len(description.sizes), wiring, 1))
        self.engines: Sequence[CpuEngine] = made

    @property
    def clock(self) -> int:
        """Steps done since the last reset; -1 if that differs between replicas."""
        clocks = {-1 if engine.torn else engine.clock for engine in self.engines}
        return clocks.pop() if len(clocks) == 1 else -1

    def engine_of(self, place: int) -> CpuEngine:
        """Return the engine of a replica by its place among these."""
        return self.engines[place]

    def advance(
        self, first: int, steps: int, total: int, report: Callable[[int], None]
    ) -> list[NetworkResult]:
        """Advance all replicas by a slice of a run; see ``Group``."""
        self._compile(first, steps, total)
        results: list[NetworkResult | None] = [None] * len(self.replicas)
        errors: dict[int, BaseException] = {}
        waiting = deque(range(len(self.replicas)))

        def work() -> None:
            while waiting:
                try:
                    place = waiting.popleft()
                except IndexError:  # another thread took the last one
                    return
                replica = self.replicas[place]
                try:
                    results[place] = replica.advance(first, steps, total)
                except BaseException as error:
                    errors[place], results[place] = error, replica._result
                    if not isinstance(error, Exception):
                        waiting.clear()

        self._device_threads.together([work] * min(self.threads, len(self.replicas)))
        if errors:
            found = [result for result in results if result is not None]
            complete = self.clock >= 0 and len(found) == len(results)
            place = min(errors)
            raise BrokenOff(
                self.replicas[place].index, errors[place], found if complete else None
            ) from errors[place]
        report(steps)
        return [result for result in results if result is not None]

    def restart(self, seeds: Sequence[Seeds]) -> None:
        """Go back to step 0, each replica with its seeds."""
        for replica, engine, own in zip(self.replicas, self.engines, seeds, strict=True):
            if replica.draws_learning:
                engine.reset()  # what was learned in this trial is learned with its numbers
            replica.restart(own)
            engine.retune()
            engine.reset()

    def close(self) -> None:
        """End the threads."""
        self._device_threads.close()
        for engine in self.engines:
            engine.close()

    def _compile(self, first: int, steps: int, total: int) -> None:
        """Compile what the run needs: by one thread, which the others would wait for anyway."""
        from spikecuda.kernels.compile.cpu import address, load_cpu_loop

        load_cpu_loop("network_run").build("run_blocks")
        seen = set()
        for replica, engine in zip(self.replicas, self.engines, strict=True):
            for population, neurons in zip(replica._populations(), engine.neurons, strict=True):
                spec = neurons.spec(*replica._drives.resolve(population, total, first, steps))
                if spec not in seen:
                    seen.add(spec)
                    address(spec)
