"""What is recorded of a network: spikes, and variables at some steps."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from spikecuda.common.arguments import is_name
from spikecuda.common.host_memory import require_memory
from spikecuda.common.time_grid import whole_steps
from spikecuda.errors import SpikecudaValueError, nearest
from spikecuda.network.model.population import Population, View
from spikecuda.network.model.trace import Trace, variables

# By (population, variable or "spikes"): whose, and the steps between samples.
Wanted = Mapping[tuple[str, str], tuple[View, int]]


class Recorders:
    """What a user asked to record; spikes of all populations unless a record says whose.

    Args:
        dt: of the network, in ms.
    """

    def __init__(self, dt: float) -> None:
        self._dt = dt
        # None: no spikes.
        self._spikes: dict[str, View | None] = {}
        self._variables: dict[tuple[str, str], tuple[View, int]] = {}
        # All together for so many populations; kept until something is added.
        self._wanted: tuple[int, tuple[Wanted, list[int], list[Trace]]] | None = None

    def add(self, view: View, names: Sequence[str], every: float | None) -> None:
        """Record something in later runs; without names no spikes.  See ``Network.record``."""
        known = ["spikes", *variables(view.population)]
        for name in names:
            if not is_name(name, known):
                raise SpikecudaValueError(
                    f"{view.population.name} has nothing called {name!r} to record"
                    f"{nearest(str(name), known)}; it has {', '.join(known)}"
                )
        period = 1 if every is None else whole_steps("every", every, self._dt, some=True)
        self._wanted = None
        recorded = [name for name in names if name != "spikes"]
        if recorded:
            self._require_one_grid(view, period, recorded)
        elif every is not None:
            raise SpikecudaValueError(
                f"every is for variables (got {every!r} for spikes, which are recorded all)"
            )
        for name in recorded:
            self._variables[view.population.name, name] = view, period
        if "spikes" in names:
            before = self._spikes.get(view.population.name)
            both = (
                view if before is None else View(view.population, np.union1d(before.ids, view.ids))
            )
            self._spikes[view.population.name] = both
        if not names:
            self._spikes[view.population.name] = None

    @property
    def spikes(self) -> Mapping[str, View | None]:
        """Whose spikes were asked for; None: nobody's."""
        return self._spikes

    @property
    def variables(self) -> Wanted:
        """The variables that were asked for."""
        return self._variables

    def restore(
        self,
        spikes: Mapping[str, View | None],
        variables: Mapping[tuple[str, str], tuple[View, int]],
    ) -> None:
        """Record what ``spikes`` and ``variables`` of a saved network were."""
        self._spikes, self._variables = dict(spikes), dict(variables)
        self._wanted = None

    def wanted(self, populations: Sequence[Population]) -> tuple[Wanted, list[int], list[Trace]]:
        """Return what a run of these populations records.

        Returns:
            All of it; the numbers of populations whose spikes are recorded; the variables.
        """
        if self._wanted is not None and self._wanted[0] == len(populations):
            return self._wanted[1]
        chosen = any(view is not None for view in self._spikes.values())
        result: dict[tuple[str, str], tuple[View, int]] = {}
        for population in populations:
            view = self._spikes.get(population.name)
            if population.name not in self._spikes and not chosen:
                view = View(population)
            if view is not None:
                result[population.name, "spikes"] = view, 1
        result.update(self._variables)
        spikes = [p.number for p in populations if (p.name, "spikes") in result]
        traces = [
            Trace(view.population.number, name, view.ids, every)
            for (_, name), (view, every) in result.items()
            if name != "spikes"
        ]
        self._wanted = len(populations), (result, spikes, traces)
        return self._wanted[1]

    def moved(self, view_of: Callable[[View], View]) -> "Recorders":
        """Return the same of another network.

        Args:
            view_of: returns the other network's view that corresponds to one of this network's.
        """
        result = Recorders(self._dt)
        result._spikes = {
            name: None if view is None else view_of(view) for name, view in self._spikes.items()
        }
        result._variables = {
            key: (view_of(view), every) for key, (view, every) in self._variables.items()
        }
        return result

    def _require_one_grid(self, view: View, period: int, names: Sequence[str]) -> None:
        """Raise unless all variables of a population are recorded as those of these names."""
        for (population, name), (other, every) in self._variables.items():
            if population != view.population.name or name in names:
                continue
            if every != period or not np.array_equal(other.ids, view.ids):
                raise SpikecudaValueError(
                    f"all variables of {population} are recorded at the same times for the same "
                    f"neurons (got another every or only than for {name!r}); name them in one call"
                )


def traced_bytes(traces: Sequence[Trace], steps: int) -> int:
    """Return the bytes of the samples of a run of some steps."""
    return sum(8 * t.ids.size * (steps // t.every + 1) for t in traces)


def require_room(traces: Sequence[Trace], steps: int) -> None:
    """Raise OutOfMemoryError unless the samples of a run of some steps fit."""
    require_memory(
        traced_bytes(traces, steps), f"tracing {steps:,} steps",
        "record fewer neurons with only=, or less often with every=",
    )  # fmt: skip
