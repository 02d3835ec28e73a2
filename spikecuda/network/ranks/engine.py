"""Run a network over the processes of an MPI job: each advances its neurons, all in step."""

from collections.abc import Callable, Sequence

import numpy as np

from spikecuda.network.cpu.cpu_run import CpuRun
from spikecuda.network.cpu.engine import CpuEngine
from spikecuda.network.model.trace import Trace
from spikecuda.network.ranks.coupled import CoupledValues
from spikecuda.network.ranks.link import Link, LinkFigures
from spikecuda.network.ranks.ranks import READ, Ranks
from spikecuda.network.ranks.together import Together
from spikecuda.network.run.moving import Moving
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.pauses import Pauses
from spikecuda.network.run.route import MPI
from spikecuda.network.run.trace import Recorded
from spikecuda.network.run.window import ResolvedInputs, most_spikes
from spikecuda.network.synapses.store import Wiring


class RankEngine(CpuEngine):
    """The part of a network that one process owns; whatever changes it is called by all of them.

    Args:
        neurons: of each population; states of neurons that others own are as they were last
            brought here.
        sources: number of populations, those without neurons of their own included.
        wiring: the synapses onto the process' neurons.
        threads: how many work at once.
        ranks: the processes.
        bounds: int64 (populations, ranks + 1), the first neuron that each owns.
        apart: no spike reaches another process within so many steps.
    """

    def __init__(
        self,
        neurons: Sequence[Neurons],
        sources: int,
        wiring: Wiring,
        threads: int,
        ranks: Ranks,
        bounds: np.ndarray,
        apart: int = 1,
    ) -> None:
        super().__init__(neurons, sources, wiring, threads)
        self.peers = self.ranks = ranks
        self.route = MPI
        self._all = Together(self, ranks, bounds)
        own = bounds[:, ranks.rank + 1] - bounds[:, ranks.rank]
        rhythm = max(apart, self.window)
        most = sum(int(n) * most_spikes(g, rhythm) for n, g in zip(own, neurons, strict=True))
        size, dt = sum(n.population.size for n in neurons), neurons[0].population.neurons.dt
        self._link = Link(ranks, size, most, len(self._parts.places), self.window, rhythm, dt)
        self._parts.late = -(-rhythm // self.window) - 1
        self._memory.kept = rhythm
        self._memory.retune(self.neurons)
        self._link_address = self._link.address
        if self._couplings is not None:
            self._couplings.share(CoupledValues(ranks, bounds))
        self._counted = np.zeros(sources, np.int64)
        # Without ``gather``: the populations whose spikes all processes have to know.
        self._joined: set[int] = set()
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
        """Advance by some steps, as all processes do; see ``Together.run``."""
        run = super().run
        self._joined = set(pauses.populations) if pauses else set()
        own = self._all.own_traces(traces)

        def here(told: Callable[[int], None]) -> Recorded:
            return run(steps, drives, spikes, own, external, told, pauses)

        self.ranks.watch.windows = lambda: self._link.figures.windows
        try:
            return self._all.run(
                here, lambda: super(RankEngine, self).events, steps, drives, spikes, traces,
                external, report, pauses,
            )  # fmt: skip
        finally:
            self.ranks.watch.windows = None

    def advance(self, run: CpuRun, steps: int, external: np.ndarray) -> int:
        """Advance by up to ``steps`` steps, as all processes agree; return how many."""
        steps = self._all.agree(steps)
        self._link.begin(steps)
        return super().advance(run, steps, external)

    def drain(self) -> list[tuple[int, tuple[np.ndarray, np.ndarray]]]:
        """Take the recorded spikes of all processes; return population, steps and neurons.

        Without ``gather``, those of this process, but for populations that are counted.
        """
        before = self._counted
        found, own = super().drain(), []
        if not self.gather:
            own = [each for each in found if each[0] not in self._joined]
            found = [each for each in found if each[0] in self._joined]
        message = [self._parts.counts - before]
        for g, (step, neuron) in found:
            message += [np.array([g, step.size]), step, neuron.astype(np.int64)]
        joined = self.ranks.joined(np.concatenate(message))
        self._parts.counts[:] = before + sum(words[: before.size] for words in joined)
        self._counted = self._parts.counts.copy()
        result = own
        for words in joined:
            at = before.size
            while at < words.size:
                g, size = (int(x) for x in words[at : at + 2])
                step, neuron = words[at + 2 : at + 2 + 2 * size].reshape(2, size)
                result.append((g, (step, neuron.astype(np.int32))))
                at += 2 + 2 * size
        return result

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
        self._counted[:] = 0
        self._link.clear()

    def extend(self, size: int) -> None:
        """Take notice of another source of ``size`` trains, and of its rows in the wiring."""
        super().extend(size)
        self._counted = np.append(self._counted, 0)

    def capture(self, waiting: set[int]) -> Moving:
        """Return what moves: in rank 0 of all processes, see ``Engine``."""
        return self._all.gather(super().capture(waiting))

    def resume(self, moving: Moving, events: int | None = None) -> None:
        """Take over what moves of all processes; ``events``: as they have counted."""
        super().resume(moving, events if self.ranks.rank == 0 else 0)
        self._counted = self._parts.counts.copy()
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
        return self._link.figures.seconds

    @property
    def exchanged(self) -> LinkFigures:
        """What was exchanged since the last reset."""
        return self._link.figures

    @property
    def device_names(self) -> list[str]:
        """The processor of this process."""
        return [f"cpu of rank {self.ranks.rank} of {self.ranks.count}"]
