"""A replica: a network of an ensemble, with seeds, parameters and input of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

import numpy as np

from spikecuda.common.exclusive_use import BUILDING, ExclusiveUse, changes
from spikecuda.common.seed import Seeds
from spikecuda.errors import SpikecudaError
from spikecuda.network.ensemble.twins import Twins
from spikecuda.network.ensemble.wiring import own_weights
from spikecuda.network.model.description import Description
from spikecuda.network.model.population import View
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.recorders import Wanted, require_room, traced_bytes
from spikecuda.network.model.trace import Trace
from spikecuda.network.network import Network
from spikecuda.network.results.result import NetworkResult
from spikecuda.network.results.weight_samples import WeightSamples
from spikecuda.network.run.engine import Engine
from spikecuda.network.synapses.store import Bundle
from spikecuda.network.upkeep import Upkeep, chore_of


@dataclass(frozen=True, eq=False)
class Asked:
    """What a replica asks of a piece of a run; see ``Engine.run``.

    Attributes:
        drives, spikes, traces, external: of the replica.
        wanted: see ``Recorders.wanted``.
        chores, samples: what is done within the run.
    """

    drives: Sequence[Any]
    spikes: Sequence[int]
    traces: Sequence[Trace]
    external: np.ndarray
    wanted: Wanted
    chores: Sequence[Upkeep]
    samples: Sequence[WeightSamples]


class Replica(Network):
    """One network of an ensemble: ``ensemble[i]``.

    Everything is read and changed as of any network: ``params``, ``receptors``, ``state``, weights,
    drives.  What advances it, or all replicas alike, is the ensemble's: ``run``, ``reset``,
    ``record``, ``close``.  Populations, projections and drives of its own are found by name, in
    ``projections``, or by ``own(part)``.

    Args:
        origin: the network that it is made from.
        index: its number in the ensemble.
        seed: that it is told.
        seeds: that follow from it, or are told apart from it.
        turn: of the ensemble: one thread at a time uses all of its networks.
        build: builds the ensemble.

    Attributes:
        index: its number in the ensemble.
    """

    index: int
    _remedies: ClassVar[Mapping[str, str]] = {
        **Network._remedies,
        "index": "it is the replica's place in its ensemble",
        "seed": "Ensemble(..., seeds=...) gives replicas seeds",
        "time": "ensemble.reset() goes back to 0",
        "trial": "ensemble.reset(trial=...) begins one",
    }

    def __init__(
        self,
        origin: Network,
        index: int,
        seed: int,
        seeds: Seeds,
        turn: ExclusiveUse,
        build: Callable[[], object],
    ) -> None:
        super().__init__(
            origin.dt, seed, origin.precision, threads=1, devices="cpu",
            wiring_seed=seeds.wiring, start_seed=seeds.start, noise_seed=seeds.noise,
            trial=seeds.trial,
        )  # fmt: skip
        object.__setattr__(self, "turn", turn)
        object.__setattr__(self, "index", index)
        # The process of MPI that has it, in words; "": this one.
        self._elsewhere = ""
        self._make_all, self._twins = build, Twins(self, seeds)
        self._first_source = 0
        # Bundles whose weights no other replica has.
        self._owned: set[Bundle] = set()
        twins = self._twins
        for name, population in origin.populations.items():
            place = -1 if population.neuron_spec is None else population.number
            self._named[name] = twins.population(place, population)
        self._identity = origin._identity
        self._projections = [twins.projection(p) for p in origin.projections]
        self._couplings = [twins.coupling(c) for c in origin.couplings]
        self._trains = twins.trains(origin._trains)
        self._wired = [twins.find(p) for p in origin.wired]
        twins.drives(origin._drives.entries, self._drives)
        self._handles = [twins.find(drive) for drive in origin.drives]
        self._recorders = origin._recorders.moved(twins.view)
        self._synapse_recorders = origin._synapse_recorders.moved(twins.find)
        for (p, kind), chore in origin._upkeep.items():
            mine = twins.find(p)
            self._upkeep[mine, kind] = chore_of(mine, chore.what, chore.every)
        self._fix()

    def own(self, part: Any) -> Any:
        """Return what corresponds to a part of the network that the ensemble was made from.

        Args:
            part: a population, view, projection or drive of that network; of several, of the first
                one, or of the replica's own.

        Raises:
            SpikecudaValueError: it is something else.
        """
        return self._twins.find(part)

    # What is the ensemble's.

    def run(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: the ensemble advances all of its networks together."""
        self._refuse("run")

    def reset(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: all networks of an ensemble are at the same time."""
        self._refuse("reset")

    def record(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: what is recorded is the same in all networks of an ensemble."""
        self._refuse("record")

    def metrics(self) -> NoReturn:
        """Refuse: what replicas share is the ensemble's."""
        self._refuse("metrics")

    def close(self) -> NoReturn:
        """Refuse: the ensemble closes all of its networks."""
        self._refuse("close")

    def view(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: replicas run together, and a page shows one network."""
        raise SpikecudaError(
            f"replicas of an ensemble have no view (got replica {self.index}); view the network "
            "that the ensemble was made from"
        )

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: a replica has an engine in common with others."""
        raise SpikecudaError(
            f"replicas of an ensemble are not saved (got replica {self.index}); save its "
            "result, or the network that the ensemble was made from"
        )

    @classmethod
    def load(cls, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: no file has a replica."""
        raise SpikecudaError("no file has a replica (got Replica.load); use Network.load")

    @property
    def result(self) -> NetworkResult:
        """Refuse: the ensemble has the results of all of its networks."""
        raise SpikecudaError(
            f"replica {self.index} is one of an ensemble, which has the results (got its result); "
            f"ensemble.result[{self.index}] is what it recorded"
        )

    def _refuse(self, what: str) -> NoReturn:
        raise SpikecudaError(
            f"replica {self.index} is one of an ensemble, which does this for all of them (got "
            f"{what}); call {what} of the ensemble"
        )

    def _require_unbuilt(self, what: str) -> NoReturn:
        raise SpikecudaError(
            f"cannot {what} in a replica of an ensemble (got replica {self.index}); do it in the "
            "network, and make another ensemble from that"
        )

    def _drive_train(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._require_unbuilt("add a SpikeTrain")

    @property
    def _rows_stay(self) -> bool:
        return True  # replicas have one structure

    @property
    def time(self) -> float:
        """Model time since the last reset, in ms; another process' replica has none here."""
        self._require_here()
        return super().time

    def _require_here(self) -> None:
        """Raise SpikecudaError if another process of MPI has this replica."""
        if self._elsewhere:
            raise SpikecudaError(
                f"replica {self.index} is in another process (got a look into it, and it is on "
                f"{self._elsewhere}); ensemble.own has the numbers of those that are here, and "
                "ensemble.time, ensemble.state() and results are of all"
            )

    def _built(self, progress: Any = False) -> Engine:
        self._require_open()
        if self.turn.doing == BUILDING:
            raise self.turn.refusal()
        self._require_here()
        if self._engine is None:
            self._make_all()
        assert self._engine is not None
        return self._engine

    def _describe(self) -> Description:
        populations = self._populations()
        first = self._first_source or len(populations)
        for i, source in enumerate(self.trains):
            source.place(first + i)
        return Description(
            self.dt, self._seeds.wiring, populations, self.trains, self._projections, self._wired,
            self._couplings,
        )  # fmt: skip

    # What its rows are: those of several replicas until one changes its weights.

    @changes
    def set_weights(self, projection: Projection, values: object) -> None:
        """Set a projection's weights; see ``Projection.weights``."""
        self._own_weights(projection)
        super().set_weights(projection, values)

    def _own_weights(self, projection: Projection) -> None:
        engine = self._built()
        if own_weights(projection, engine.wiring, self._owned):
            engine.rewire()

    # For the ensemble.

    def follow(self, first: "Replica") -> None:
        """Know the parts of the network that the first replica was made from."""
        self._twins.follow(first._twins)

    def place(self, first: int, first_source: int) -> None:
        """Number populations and sources from here on, among those that the engine has."""
        for number, population in enumerate(self._populations()):
            population.place(first + number)
        for (p, _), chore in self._upkeep.items():
            if chore.counted is not None:
                chore.counted = p.target.population.number
        self._first_source = first_source

    def settle(self, engine: Engine, build_seconds: float) -> None:
        """Take the engine that was built."""
        self._engine, self._build_seconds = engine, build_seconds
        self._freeze(engine)

    def advance(self, first: int, steps: int, total: int) -> NetworkResult:
        """Advance by a piece of a run; see ``Steered``."""
        assert self._engine is not None
        self._result = None
        return self._advance(self._engine, first, steps, total, lambda done: None)

    def asks(self, start: int, first: int, steps: int, total: int) -> Asked:
        """Return what a piece of a run is to be, for an engine of several replicas.

        Args:
            start: steps done since the last reset.
            first, steps, total: see ``advance``.

        Raises:
            OutOfMemoryError: the recording does not fit.
        """
        assert self._engine is not None
        populations = self._populations()
        wanted, spikes, traces = self._recorders.wanted(populations)
        if traces:
            require_room(traces, steps)
        return Asked(
            [self._drives.resolve(p, total, first, steps) for p in populations], spikes, traces,
            self._trains.due(start), wanted, list(self._upkeep.values()),
            [WeightSamples(r, self._engine, steps) for r in self._synapse_recorders.records],
        )  # fmt: skip

    def restart(self, seeds: Seeds) -> None:
        """Begin at time 0 with the seeds of a trial; the engine is reset by itself."""
        for population in self._populations():
            population.settle(population.neurons.in_trial(seeds), population.receptors)
        self._seeds = seeds
        self._drives.forget()
        self._trains.restart()
        self._forget()

    @property
    def draws_learning(self) -> bool:
        """Whether what synapses learn depends on the noise seed."""
        return any(p.learns and p.plasticity.random for p in self._projections)

    def recorded_bytes(self, steps: int) -> float:
        """Return the bytes of variables, and about those of weights, recorded in some steps."""
        traces = self._recorders.wanted(self._populations())[2]
        weights = self._synapse_recorders.records
        return traced_bytes(traces, steps) + sum(r.expected_bytes(steps) for r in weights)

    def observe(self, view: View, names: Any, every: float | None) -> None:
        """Record something in later runs."""
        self._recorders.add(view, names, every)

    def release(self) -> None:
        """Let the engine go."""
        self._closed, self._engine = True, None
