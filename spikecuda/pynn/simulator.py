"""The state of the simulation: what PyNN calls a simulator, a singleton for each process."""

from typing import Any

import numpy as np
from pyNN import common

from spikecuda.common.time_grid import place_of
from spikecuda.errors import SpikecudaError
from spikecuda.pynn.built import BuiltNetwork
from spikecuda.pynn.cells_of import on_grid

name = "spikecuda"


class ID(int, common.IDMixin):
    """Number of a neuron, with access to its parameters."""


class State(common.control.BaseState):
    """Everything since the last ``setup()``: time, populations, projections, current sources.

    Attributes:
        dt, min_delay, max_delay: ms, as given to ``setup``; delays may be "auto".
        options: arguments of ``Network``.
        off_grid: whether spikes of ``SpikeSourceArray`` are recorded at the times as given.
        step: steps done since the last reset.
        trial: resets so far.
        populations, projections, currents: in the order of creation.
    """

    def __init__(self) -> None:
        common.control.BaseState.__init__(self)
        self.network: BuiltNetwork | None = None
        self.dt: float = 0.1
        self.off_grid = False
        self.options: dict[str, Any] = {}
        self.clear()

    @property
    def t(self) -> float:
        """Time since the last reset, ms."""
        return float(on_grid(self.step, self.dt))

    @property
    def min_delay(self) -> float:
        """The shortest delay, ms: as given, or of all projections."""
        if self._min_delay != "auto":
            return self._min_delay
        shortest = min((p.shortest for p in self.projections if len(p)), default=np.inf)
        return shortest if np.isfinite(shortest) else self.dt

    @property
    def max_delay(self) -> float | str:
        """The longest delay, ms: as given, or of all projections."""
        if self._max_delay != "auto":
            return self._max_delay
        return max([self.dt, *(p.longest for p in self.projections if len(p))])

    @property
    def shortest_allowed(self) -> float:
        """The delay of synapses that have none, ms."""
        return self.dt if self._min_delay == "auto" else self._min_delay

    def start(self, dt: float, min_delay: Any, max_delay: Any) -> None:
        """Begin anew, as ``setup`` does."""
        self.dt, self._min_delay, self._max_delay = dt, min_delay, max_delay
        self.clear()

    def clear(self) -> None:
        """Forget everything but the options."""
        self.close()
        self.mpi_rank, self.num_processes = 0, 1
        self.populations: list[Any] = []
        self.projections: list[Any] = []
        self.currents: list[Any] = []
        self.recorders: set[Any] = set()
        self.write_on_end: list[Any] = []
        self.id_counter = 1
        self.segment_counter = 0
        self.step = self.trial = 0
        self.running = False
        self.t_start = 0
        if not hasattr(self, "_min_delay"):
            self._min_delay = self._max_delay = "auto"

    def run(self, simtime: float) -> None:
        """Advance by a time."""
        self.run_until(self.t + simtime)

    def run_until(self, tstop: float) -> None:
        """Advance to a time, or to the first grid point after it."""
        target = int(np.ceil(place_of(float(tstop), self.dt)))
        if target > self.step or not self.running:
            self.built().run(target)
        self.running = True

    def built(self) -> BuiltNetwork:
        """Return the network, made now unless it is there."""
        if self.network is None:
            self.network = BuiltNetwork(self)
        return self.network

    def reset(self) -> None:
        """Return to time 0."""
        self.trial += 1
        self.step = 0
        self.running = False
        self.segment_counter += 1
        for recorder in self.recorders:
            recorder.forget()
        for current in self.currents:
            current.forget()
        if self.network is not None and not self.network.restart():
            self.discard()

    def discard(self) -> None:
        """Let the next run build the network anew: something was changed at time 0."""
        if self.network is not None:
            self.network.close()
            self.network = None

    def close(self) -> None:
        """Keep what can be read after the end, and free the network."""
        if self.network is not None:
            for projection in self.projections:
                projection.pull()
        self.discard()

    def extend(self, what: str) -> None:
        """Let something be added to the network; raise if it has run."""
        if self.network is not None and self.step:
            raise SpikecudaError(
                f"{what} cannot be added after run() (got one at {self.t:g} ms); add it before, or "
                "after reset()"
            )
        self.discard()

    def settle(self) -> BuiltNetwork | None:
        """Return the network to be changed between runs; None: it will be built with the change."""
        if not self.step:
            self.discard()
        return self.network

    def add_current(self, current: Any) -> None:
        """Have another current source."""
        self.currents.append(current)

    def generator(self, purpose: str, *numbers: int) -> np.random.Generator:
        """Return random numbers that follow from the seed, the trial and what they are for."""
        seed = int(self.options.get("seed", 0))
        words = [seed & 0xFFFFFFFF, seed >> 32, self.trial, *purpose.encode(), *numbers]
        return np.random.default_rng(np.random.SeedSequence(words))


state = State()
