"""What is recorded of a network: spikes, and variables at some steps."""

from collections.abc import Mapping, Sequence

import numpy as np

from spikecuda.common.arguments import as_multiple
from spikecuda.common.host_memory import available_memory
from spikecuda.errors import OutOfMemoryError, SpikecudaValueError, nearest
from spikecuda.network.model.population import Population, View
from spikecuda.network.model.trace import Trace, variables

# By (population, variable or "spikes"): whose, and the steps between samples.
Wanted = Mapping[tuple[str, str], tuple[View, int]]


class Recorders:
    """What a user asked to record; nothing means the spikes of all populations.

    Args:
        dt: of the network, in ms.
    """

    def __init__(self, dt: float) -> None:
        self._dt = dt
        self._asked: dict[tuple[str, str], tuple[View, int]] = {}
        self._default: dict[tuple[str, str], tuple[View, int]] = {}

    def add(self, view: View, names: Sequence[str], every: float | None) -> None:
        """Record something in later runs; see ``Network.record``."""
        known = ["spikes", *variables(view.population)]
        for name in names:
            if name not in known:
                raise SpikecudaValueError(
                    f"{view.population.name} has nothing called {name!r} to record"
                    f"{nearest(str(name), known)}; it has {', '.join(known)}"
                )
        period = 1 if every is None else as_multiple("every", every, self._dt)
        if period < 1:
            raise SpikecudaValueError(f"every must be >= dt = {self._dt:g} ms (got {every!r})")
        if tuple(names) != ("spikes",):
            self._require_one_grid(view, period)
        for name in names:
            key = view.population.name, name
            if name == "spikes" and key in self._asked:
                both = np.union1d(self._asked[key][0].ids, view.ids)
                self._asked[key] = (View(view.population, both), 1)
            else:
                self._asked[key] = (view, period)

    def wanted(self, populations: Sequence[Population]) -> Wanted:
        """Return what a run of these populations records."""
        if self._asked:
            return self._asked
        if len(self._default) != len(populations):
            self._default = {(p.name, "spikes"): (View(p), 1) for p in populations}
        return self._default

    def _require_one_grid(self, view: View, period: int) -> None:
        """Raise unless all variables of a population are recorded alike."""
        for (population, name), (other, every) in self._asked.items():
            if population != view.population.name or name == "spikes":
                continue
            if every != period or not np.array_equal(other.ids, view.ids):
                raise SpikecudaValueError(
                    f"all variables of {population} are recorded at the same times for the same "
                    f"neurons (got another every or only than for {name!r}); name them in one call"
                )


def traces_of(wanted: Wanted, steps: int) -> list[Trace]:
    """Return the variables that are recorded.

    Args:
        wanted: what is recorded.
        steps: of the run.

    Raises:
        OutOfMemoryError: their samples do not fit.
    """
    traces = [
        Trace(view.population.number, name, view.ids, every)
        for (_, name), (view, every) in wanted.items()
        if name != "spikes"
    ]
    size = sum(8 * t.ids.size * (steps // t.every + 1) for t in traces)
    if size and size > available_memory():
        raise OutOfMemoryError(
            f"the traces of {steps:,} steps need {size / 1e9:,.2f} GB (available: "
            f"{available_memory() / 1e9:,.2f} GB); record fewer neurons with only=, or less "
            "often with every="
        )
    return traces
