"""What engines of a network over processes do together, whatever they run on."""

import itertools
import secrets
from collections.abc import Callable, Sequence

import numpy as np

from spikecuda.network.model.trace import Trace
from spikecuda.network.ranks.alike import Alike
from spikecuda.network.ranks.moving import gather_moving
from spikecuda.network.ranks.ranks import READ, RUN, SAVE, Ranks
from spikecuda.network.run.engine import Engine
from spikecuda.network.run.moving import Moving
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.pauses import Pauses
from spikecuda.network.run.trace import Recorded
from spikecuda.network.run.window import ResolvedInputs

# Networks are numbered as they are built, which all processes do in the same order.
NUMBERS = itertools.count()


class Together:
    """The engine of a process and those of all others.

    Args:
        engine: of this process.
        ranks: the processes.
        bounds: int64 (populations, ranks + 1), the first neuron that each owns.

    Attributes:
        bounds: as passed.
        number: of the network, the same in all processes.
        events, nbytes: synaptic events and bytes of rows, of all processes; see ``add_up``.
    """

    def __init__(self, engine: Engine, ranks: Ranks, bounds: np.ndarray) -> None:
        self._engine, self.ranks, self.bounds = engine, ranks, bounds
        self.events = self.nbytes = 0
        # Populations whose state here is not that of their owners, the same in all processes; from
        # the start where each process has the state of its own neurons.
        self._apart = {g for g, n in enumerate(engine.neurons) if n.partial}
        self._away = set(self._apart)
        self._alike = Alike(engine.neurons, engine.wiring)
        self.number = next(NUMBERS)
        ranks.run = ranks.each(secrets.randbits(48))[0]

    # A run.

    def run(
        self,
        here: Callable[[Callable[[int], None]], Recorded],
        events: Callable[[], int],
        steps: int,
        drives: ResolvedInputs,
        spikes: Sequence[int],
        traces: Sequence[Trace],
        external: np.ndarray,
        report: Callable[[int], None],
        pauses: Pauses | None,
    ) -> Recorded:
        """Advance by some steps; see ``CpuEngine.run``.  What is recorded is that of all processes.

        Args:
            here: runs the neurons of this process; it is passed what is told the steps done.
            events: returns the synaptic events of this process.
            steps, drives, spikes, traces, external, report, pauses: of the run.

        Raises:
            SpikecudaError: another process broke off; all neurons are at the same step.
            SpikecudaValueError: another process was told something else; nothing was run.
            KeyboardInterrupt: this one or another one was interrupted.
        """
        with self.ranks.held():
            self._require_alike(steps, drives, spikes, traces, external, pauses)
            return self._run(here, events, traces, report)

    def _run(
        self,
        here: Callable[[Callable[[int], None]], Recorded],
        events: Callable[[], int],
        traces: Sequence[Trace],
        report: Callable[[int], None],
    ) -> Recorded:
        """Run what all processes agreed on; Ctrl-C acts where they tell each other."""

        def told(done: int) -> None:
            report(done)
            self.ranks.interrupted()

        engine = self._engine
        self.ranks.doing = RUN
        self._away = set(range(len(engine.neurons)))
        try:
            self.ranks.interrupted()  # since the last piece of a run
            recorded = here(told)
            self.agree(0)
        except BaseException as error:
            if self.ranks.apart:
                raise
            self.ranks.tell(error)
            whole = bool(self.ranks.least(np.array([int(engine.partial is not None)]))[0])
            if whole and engine.partial is not None and engine.gather:
                self._join_traces(traces, engine.partial.traces)
            elif not whole:
                engine.partial = None
            self.ranks.doing = READ
            raise
        self.add_up(events())
        if engine.gather:
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
        engine = self._engine
        engine.partial = None
        if self.ranks.count == 1:
            return
        here = [g for g in range(len(engine.neurons)) if g not in self._away]
        told = self._alike.of_run(
            steps, engine.clock, drives, spikes, traces, external, pauses, here
        )
        # If until ends a run in some processes only, a piece of the others could pass for the next
        # run of these.
        told = {
            "network": self.number, **told, "pieces of the run": self.ranks.piece,
            "gather": engine.gather,
        }  # fmt: skip
        self.ranks.require_alike("run", told)
        self.ranks.run += 1

    def agree(self, steps: int) -> int:
        """Return the fewest steps that a process would take.

        Raises:
            SpikecudaError, KeyboardInterrupt: one of them broke off.
        """
        return int(self.ranks.least(np.array([steps]))[0])

    def hear(self) -> None:
        """Raise what another process broke off with, which tells it just now."""
        self.ranks.each(None)

    def _join_traces(self, traces: Sequence[Trace], out: Sequence[np.ndarray]) -> None:
        """Fill samples of neurons that other processes own."""
        for trace, rows in zip(traces, out, strict=True):
            ends = np.searchsorted(trace.ids, self.bounds[trace.population])
            mine = slice(ends[self.ranks.rank], ends[self.ranks.rank + 1])
            for r, words in enumerate(self.ranks.joined(rows[:, mine].reshape(-1))):
                rows[:, ends[r] : ends[r + 1]] = words.reshape(rows.shape[0], ends[r + 1] - ends[r])

    def owned(self, number: int) -> tuple[int, int]:
        """Return the first neuron of a population that is this process', and the end."""
        first, end = self.bounds[number, self.ranks.rank : self.ranks.rank + 2]
        return int(first), int(end)

    def own_traces(self, traces: Sequence[Trace]) -> Sequence[Trace]:
        """Return what is sampled here: without ``gather``, of this process' neurons alone."""
        if self._engine.gather:
            return traces
        return [trace.within(*self.owned(trace.population)) for trace in traces]

    # Between runs.

    def add_up(self, events: int) -> None:
        """Know the events and bytes of all processes, which metrics() may ask one of them for.

        Args:
            events: synaptic events of this process.
        """
        figures = np.array([events, self._engine.wiring.nbytes])
        self.events, self.nbytes = (int(x) for x in self.ranks.sums(figures))

    def current(self, number: int) -> Neurons:
        """Return a population's neurons with the state that their owners have."""
        neurons = self._engine.neurons[number]
        if number in self._away:
            a, z = self.bounds[number, self.ranks.rank : self.ranks.rank + 2]
            for array in neurons.state.values():
                of = f"{neurons.population.name} of network {self.number}"
                array[:] = np.concatenate(self.ranks.joined(array[a:z], of))
            self._away.discard(number)
        return neurons

    def gather(self, own: Moving) -> Moving:
        """Return what moves, in rank 0 of all processes; all neurons' state is here, too."""
        self.ranks.doing = SAVE
        for g in range(len(self._engine.neurons)):
            self.current(g)
        moving = gather_moving(self.ranks, own)
        self.ranks.doing = READ
        return moving

    def resume(self, events: int) -> None:
        """Notice that all processes go on from what was saved; ``events``: that count here."""
        self._away = set()
        self.add_up(events)

    def reset(self) -> None:
        """Notice that all neurons have their start values, of which each process has its own."""
        self._away = set(self._apart)
        self.events = 0
