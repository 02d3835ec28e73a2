"""Run a network over the processes of an MPI job: each advances its neurons, all in step."""

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from spikecuda.errors import SpikecudaError
from spikecuda.network.cpu.cpu_run import CpuRun
from spikecuda.network.cpu.engine import CpuEngine
from spikecuda.network.model.trace import Trace
from spikecuda.network.ranks.alike import Alike
from spikecuda.network.ranks.link import Link, LinkFigures
from spikecuda.network.ranks.ranks import READ, RUN, Ranks
from spikecuda.network.run.moving import Moving
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.pauses import Pauses
from spikecuda.network.run.trace import Recorded
from spikecuda.network.run.window import ResolvedInputs, most_spikes
from spikecuda.network.synapses.store import Wiring

# What a process says instead of how many steps it would take.
DONE, FAILED = 0, -1
# Networks are numbered as they are built, which all processes do in the same order.
NUMBERS = itertools.count()


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
    """

    def __init__(
        self,
        neurons: Sequence[Neurons],
        sources: int,
        wiring: Wiring,
        threads: int,
        ranks: Ranks,
        bounds: np.ndarray,
    ) -> None:
        super().__init__(neurons, sources, wiring, threads)
        self.ranks, self._bounds = ranks, bounds
        self.peers = ranks
        own = bounds[:, ranks.rank + 1] - bounds[:, ranks.rank]
        most = sum(int(n) * most_spikes(g, self.window) for n, g in zip(own, neurons, strict=True))
        size, dt = sum(n.population.size for n in neurons), neurons[0].population.neurons.dt
        self._link = Link(ranks, size, most, len(self._parts.places), self.window, dt)
        self._link_address = self._link.address
        # Populations whose state here is not that of their owners.
        self._away: set[int] = set()
        self._all_events = self._all_bytes = 0
        self._counted = np.zeros(sources, np.int64)
        self._told = False
        self._alike = Alike(self.neurons, wiring)
        self._number = next(NUMBERS)
        self._add_up()
        ranks.doing = READ

    # A run.

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
        """Advance by some steps; see ``CpuEngine.run``.  What is recorded is that of all processes.

        Raises:
            SpikecudaError: another process broke off; all neurons are at the same step.
            SpikecudaValueError: another process was told something else; nothing was run.
            KeyboardInterrupt: this one or another one was interrupted.
        """
        with self.ranks.held():
            self._require_alike(steps, drives, spikes, traces, external, pauses)
            return self._run(steps, drives, spikes, traces, external, report, pauses)

    def _run(
        self,
        steps: int,
        drives: ResolvedInputs,
        spikes: Sequence[int],
        traces: Sequence[Trace],
        external: np.ndarray,
        report: Callable[[int], None],
        pauses: Pauses | None,
    ) -> Recorded:
        """Run what all processes agreed on; Ctrl-C acts where they tell each other."""

        def told(done: int) -> None:
            report(done)
            self.ranks.interrupted()

        self.ranks.doing = RUN
        self._told = False
        self._away = set(range(len(self.neurons)))
        try:
            self.ranks.interrupted()  # since the last piece of a run
            recorded = super().run(steps, drives, spikes, traces, external, told, pauses)
            self._agree(DONE)
        except BaseException as error:
            if self.ranks.apart:
                raise
            if not self._told:
                self.ranks.least(np.array([FAILED]))
                self.ranks.each((type(error).__name__, str(error)))
            whole = bool(self.ranks.least(np.array([int(self.partial is not None)]))[0])
            if whole and self.partial is not None:
                self._join_traces(traces, self.partial.traces)
            else:
                self.partial = None
            self.ranks.doing = READ
            raise
        self._add_up()
        self._join_traces(traces, recorded.traces)
        self.ranks.doing = READ
        return recorded

    def _require_alike(
        self,
        steps: int,
        drives: ResolvedInputs,
        spikes: Sequence[int],
        traces: Sequence[Trace],
        external: np.ndarray,
        pauses: Pauses | None,
    ) -> None:
        """Raise unless all processes are to run the same."""
        self.partial = None
        if self.ranks.count == 1:
            return
        here = [g for g in range(len(self.neurons)) if g not in self._away]
        told = self._alike.of_run(steps, self.clock, drives, spikes, traces, external, pauses, here)
        self.ranks.doing = RUN
        try:
            self.ranks.require_alike("run", {"network": self._number, **told})
        finally:
            self.ranks.doing = READ

    def advance(self, run: CpuRun, steps: int, external: np.ndarray) -> int:
        """Advance by up to ``steps`` steps, as all processes agree; return how many."""
        return super().advance(run, self._agree(steps), external)

    def drain(self) -> list[tuple[int, tuple[np.ndarray, np.ndarray]]]:
        """Take the recorded spikes of all processes; return population, steps and neurons."""
        before = self._counted
        found = super().drain()
        message = [self._parts.counts - before]
        for g, (step, neuron) in found:
            message += [np.array([g, step.size]), step, neuron.astype(np.int64)]
        joined = self.ranks.joined(np.concatenate(message))
        self._parts.counts[:] = before + sum(words[: before.size] for words in joined)
        self._counted = self._parts.counts.copy()
        result = []
        for words in joined:
            at = before.size
            while at < words.size:
                g, size = (int(x) for x in words[at : at + 2])
                step, neuron = words[at + 2 : at + 2 + 2 * size].reshape(2, size)
                result.append((g, (step, neuron.astype(np.int32))))
                at += 2 + 2 * size
        return result

    def _agree(self, steps: int) -> int:
        """Return the fewest steps that a process would take.

        Raises:
            SpikecudaError, KeyboardInterrupt: one of them broke off.
        """
        least = int(self.ranks.least(np.array([steps]))[0])
        if least != FAILED:
            return least
        self._told = True
        reasons = self.ranks.each(None)
        who, (kind, text) = next((r, reason) for r, reason in enumerate(reasons) if reason)
        if kind == KeyboardInterrupt.__name__:
            raise KeyboardInterrupt
        raise SpikecudaError(
            f"the run broke off: rank {who} of {self.ranks.count} raised {kind}: {text}"
        )

    def _join_traces(self, traces: Sequence[Trace], out: Sequence[np.ndarray]) -> None:
        """Fill samples of neurons that other processes own."""
        for trace, rows in zip(traces, out, strict=True):
            ends = np.searchsorted(trace.ids, self._bounds[trace.population])
            mine = slice(ends[self.ranks.rank], ends[self.ranks.rank + 1])
            for r, words in enumerate(self.ranks.joined(rows[:, mine].reshape(-1))):
                rows[:, ends[r] : ends[r + 1]] = words.reshape(rows.shape[0], -1)

    # Between runs.

    def _add_up(self) -> None:
        """Know the events and bytes of all processes, which metrics() may ask one of them for."""
        figures = np.array([super().events, self.wiring.nbytes])
        self._all_events, self._all_bytes = (int(x) for x in self.ranks.sums(figures))

    def current(self, number: int) -> Neurons:
        """Return a population's neurons with the state that their owners have."""
        neurons = self.neurons[number]
        if number in self._away:
            self._away.discard(number)
            a, z = self._bounds[number, self.ranks.rank : self.ranks.rank + 2]
            for array in neurons.state.values():
                of = f"{neurons.population.name} of network {self._number}"
                array[:] = np.concatenate(self.ranks.joined(array[a:z], of))
        return neurons

    def reset(self) -> None:
        """Go back to step 0."""
        super().reset()
        self._away = set()
        self._all_events = 0
        self._counted[:] = 0
        self._link.clear()

    def extend(self, size: int) -> None:
        """Take notice of another source of ``size`` trains, and of its rows in the wiring."""
        super().extend(size)
        self._counted = np.append(self._counted, 0)

    def capture(self, waiting: set[int]) -> Moving:
        """Refuse to tell what moves, of which each process knows a part."""
        raise SpikecudaError(
            f"a network over {self.ranks.count} processes of MPI is not saved; save its results, "
            "or run it in one process"
        )

    @property
    def events(self) -> int:
        """Synaptic events of all processes since the last reset, as of the end of the last run."""
        return self._all_events

    @property
    def synapse_bytes(self) -> int:
        """Bytes of the rows of all processes, as of the end of the last run."""
        return self._all_bytes

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
