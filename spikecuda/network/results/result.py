"""NetworkResult: what a run of a network recorded, with statistics and pictures."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from spikecuda.analysis import correlations, cv, rates, synchrony
from spikecuda.analysis.interval import ENOUGH
from spikecuda.analysis.selection import Neurons
from spikecuda.common.arguments import as_count, as_real, is_name
from spikecuda.common.named import Known
from spikecuda.common.time_grid import nearest_width
from spikecuda.errors import SpikecudaValueError, nearest, shown
from spikecuda.network.results.exports import Exports
from spikecuda.network.results.synapse_traces import ByProjection, SynapseTraces
from spikecuda.runtime.pace import Lateness
from spikecuda.runtime.spikes import Spikes

if TYPE_CHECKING:
    from rich.table import Table

    from spikecuda.network.results.part import Part

# ms; Potjans & Diesmann (2014), figure 6.
SYNCHRONY_BIN = 3.0


@dataclass(frozen=True, eq=False)
class NetworkResult(Exports):
    """What a run of a network recorded, with statistics and pictures of it.

    Populations are in the order of the network.  ``spikes`` has only those whose spikes were
    recorded, and ``traces`` only those with traces.  Neurons are numbered from 0 in their
    population, recorded or not.

    Attributes:
        spikes: spikes by population; steps count from the network's last reset.
        sizes: number of neurons of every population.
        ids: by population, which neurons' spikes were recorded, int64 (n,); None: all.
        traces: by population and variable: arrays (samples, neurons).
        trace_times: by population: times of the samples in ms, float64 (samples,).
        start: model time at the start of the run, ms.
        duration: length of the run, ms.
        dt: length of a step, ms.
        seconds: wall-clock time of the run, without building the network or kernels.
        trace_ids: by population, which neurons the columns of its traces are; None: all.
        units: by population and variable: the trace's unit.
        synapses: by name of a projection, or projection: its weights and variables over time, see
            ``SynapseTraces``: ``result.synapses[projection]["weight"]``.
        lateness: how well a run with ``realtime=True`` kept to the clock; None: of other runs.  Of
            runs joined, that of the last.
        part: of a run with ``gather=False``: which neurons of each population are those of this
            process; ``ids`` and ``trace_ids`` are of them.  None: the result is whole.
    """

    spikes: dict[str, Spikes]
    sizes: dict[str, int]
    ids: dict[str, np.ndarray | None]
    traces: dict[str, dict[str, np.ndarray]]
    trace_times: dict[str, np.ndarray]
    start: float
    duration: float
    dt: float
    seconds: float
    trace_ids: dict[str, np.ndarray | None] = field(default_factory=dict)
    units: dict[str, dict[str, str]] = field(default_factory=dict)
    synapses: dict[str, SynapseTraces] = field(default_factory=dict)
    lateness: Lateness | None = None
    part: "Part | None" = None

    def __post_init__(self) -> None:
        spikes = Known(self.spikes, "spikes", 'net.record(name, "spikes") records them')
        advice = "net.record(name, variable) records them"
        traces = {
            name: Known(states, f"traces of {name}", advice) for name, states in self.traces.items()
        }
        object.__setattr__(self, "synapses", ByProjection(self.synapses))
        object.__setattr__(self, "spikes", spikes)
        object.__setattr__(self, "traces", Known(traces, "traces", advice))

    @property
    def stop(self) -> float:
        """Model time at the end of the run, ms."""
        return self.start + self.duration

    @property
    def num_spikes(self) -> int:
        """Spikes recorded, of all populations."""
        return sum(len(spikes) for spikes in self.spikes.values())

    @property
    def realtime_factor(self) -> float:
        """Wall-clock time over model time: below 1 is faster than real time; NaN for 0 ms."""
        return self.seconds / (self.duration / 1000.0) if self.duration else float("nan")

    def neurons(self, population: str) -> int | np.ndarray:
        """Return the neurons whose spikes were recorded: how many, or their numbers."""
        if not is_name(population, self.spikes):
            known = list(self.spikes)
            raise SpikecudaValueError(
                f"population must be one whose spikes were recorded: {', '.join(known) or 'none'} "
                f"(got {population!r}){nearest(str(population), known)}; "
                'net.record(name, "spikes") records them'
            )
        ids = self.ids.get(population)
        return self.sizes[population] if ids is None else ids

    def window(
        self, population: str, start: float | None = None, stop: float | None = None
    ) -> tuple[Spikes, Neurons, float, float]:
        """Return the first arguments of functions of ``spikecuda.analysis``.

        For example, ``analysis.cv(*result.window("E"))``.

        Args:
            population: its name.
            start, stop: part of the run in ms of model time; by default all of it.
        """
        neurons = self.neurons(population)
        first = self.start if start is None else as_real("start", start, "ms")
        last = self.stop if stop is None else as_real("stop", stop, "ms")
        slack = 1e-9 * max(1.0, abs(self.stop))
        if not self.start - slack <= first <= last <= self.stop + slack:
            raise SpikecudaValueError(
                f"start and stop must lie in the run, {self.start:g} to {self.stop:g} ms (got "
                f"{first:g} to {last:g})"
            )
        return self.spikes[population], neurons, first, last

    def rates(self, start: float | None = None, stop: float | None = None) -> dict[str, float]:
        """Return the mean rate of each population, Hz."""
        return self._each(lambda n: _mean(rates(*self.window(n, start, stop))))

    def cv(
        self, start: float | None = None, stop: float | None = None, min_intervals: int = ENOUGH
    ) -> dict[str, float]:
        """Return the mean CV of the intervals of each population's neurons.

        Args:
            start, stop: part of the run, ms.
            min_intervals: neurons with fewer do not count; NaN if there is no other.
        """
        return self._each(lambda n: _mean(cv(*self.window(n, start, stop), min_intervals)))

    def correlations(
        self,
        start: float | None = None,
        stop: float | None = None,
        bin: float = 2.0,
        max_neurons: int = 200,
        seed: int = 0,
    ) -> dict[str, float]:
        """Return the mean correlation of spike counts over pairs in each population.

        Args:
            start, stop: part of the run, ms.
            bin: width of the bins counted in, ms; taken to the nearest multiple of dt.
            max_neurons, seed: neurons drawn from each population; see ``analysis.correlations``.
        """
        width = nearest_width(bin, self.dt)
        return self._each(
            lambda n: _mean(correlations(*self.window(n, start, stop), width, max_neurons, seed))
        )

    def synchrony(
        self,
        start: float | None = None,
        stop: float | None = None,
        bin: float = SYNCHRONY_BIN,
        max_neurons: int | None = 1000,
        seed: int = 0,
    ) -> dict[str, float]:
        """Return variance over mean of each population's spike count.

        Args:
            start, stop: part of the run, ms.
            bin: width of the bins counted in, ms; taken to the nearest multiple of dt.
            max_neurons: neurons drawn from each population, so that populations of different size
                compare; None: all.
            seed: of the draw.

        Source: see ``analysis.synchrony``.
        """
        width = nearest_width(bin, self.dt)
        return self._each(
            lambda n: synchrony(*self.window(n, start, stop), width, max_neurons, seed)
        )

    def raster(
        self,
        path: str | os.PathLike[str] | None = None,
        ax: Any = None,
        max_neurons: int = 2000,
        start: float | None = None,
        stop: float | None = None,
        **options: Any,
    ) -> Any:
        """Draw a dot for every spike, populations from top to bottom, with their rates below.

        Args:
            path, ax, max_neurons, options: see ``spikecuda.plots.raster``.
            start, stop: part of the run, ms.

        Returns:
            matplotlib's figure.
        """
        from spikecuda.plots import raster

        return raster(
            *self._recorded(start, stop), path=path, ax=ax, max_neurons=max_neurons, **options
        )

    def plot_rates(
        self,
        path: str | os.PathLike[str] | None = None,
        start: float | None = None,
        stop: float | None = None,
        **options: Any,
    ) -> Any:
        """Draw each population's rate over time, and its rates, CVs and synchrony beside it.

        Args:
            path, options: see ``spikecuda.plots.rates``.
            start, stop: part of the run, ms.

        Returns:
            matplotlib's figure.
        """
        from spikecuda.plots import rates

        return rates(*self._recorded(start, stop), path=path, **options)

    def plot_traces(
        self, path: str | os.PathLike[str] | None = None, max_neurons: int = 3, **options: Any
    ) -> Any:
        """Draw the recorded variables of the first neurons of each population.

        Args:
            path, max_neurons, options: see ``spikecuda.plots.traces``.

        Returns:
            matplotlib's figure.
        """
        from spikecuda.plots import traces

        max_neurons = as_count("max_neurons", max_neurons, 1, 1_000_000)
        if not self.traces:
            raise SpikecudaValueError(
                "no traces were recorded (got a picture of them); net.record(name, variable) "
                "records them"
            )
        strokes = {
            name: {
                column: self.spikes[name].of(int(neuron))
                for column, neuron in enumerate(self.trace_neurons(name)[:max_neurons])
            }
            for name in self.traces
            if name in self.spikes
        }
        return traces(
            self.traces, self.trace_times, units=self.units, spikes=strokes, path=path,
            max_neurons=max_neurons, **options,
        )  # fmt: skip

    def plot_weights(
        self,
        projection: Any,
        path: str | os.PathLike[str] | None = None,
        what: str = "weight",
        **options: Any,
    ) -> Any:
        """Draw recorded weights, or another variable, of a projection's synapses over time.

        Args:
            projection: or its name, as for ``synapses``.
            path, options: see ``spikecuda.plots.weight_traces``.
            what: "weight" or a variable.

        Returns:
            matplotlib's figure.

        Raises:
            SpikecudaKeyError: nothing, or something else, was recorded of the projection.
            SpikecudaValueError: the record has no sample or no synapse.
        """
        from spikecuda.plots import weight_traces

        found = self.synapses[projection]
        values, unit = found[what], found.units[what]
        if not values.size:
            name, size = getattr(projection, "name", projection), found.source.size
            remedy = (
                "run for longer, or record with a smaller every=" if size
                else "let synapses grow, and record again"
            )  # fmt: skip
            raise SpikecudaValueError(
                f"a picture of {name} needs a sample of a synapse at least (got {found.time.size} "
                f"samples of {size:,} synapses from {self.start:g} to {self.stop:g} ms); {remedy}"
            )
        return weight_traces(found.time, values, unit=unit, what=what, path=path, **options)

    def trace_neurons(self, population: str) -> np.ndarray:
        """Return which neurons the columns of a population's traces are, int64 (neurons,)."""
        if not is_name(population, self.sizes):
            known = list(self.sizes)
            raise SpikecudaValueError(
                f"population must be one of {', '.join(known)} (got {shown(population)})"
                f"{nearest(str(population), known)}"
            )
        ids = self.trace_ids.get(population)
        return np.arange(self.sizes[population]) if ids is None else ids

    def table(self, start: float | None = None, stop: float | None = None) -> "Table":
        """Return a rich table of the populations: neurons, rate, CV, synchrony.

        Args:
            start, stop: part of the run, ms.
        """
        from spikecuda.network.results.table import table

        return table(self, start, stop)

    def summary(self, start: float | None = None, stop: float | None = None) -> None:
        """Print ``table()``, which names the window that it covers.

        Args:
            start, stop: part of the run, ms; pictures take the same.
        """
        from spikecuda.common.terminal import console

        console().print(self.table(start, stop))

    def __add__(self, other: object) -> "NetworkResult":
        """Return what this run and the next one of the network recorded, as one result.

        Raises:
            SpikecudaValueError: the other run does not follow, or did not record the same.
        """
        from spikecuda.network.results.join import join

        return join([self, other]) if isinstance(other, NetworkResult) else NotImplemented

    def timed(self, lateness: Lateness) -> "NetworkResult":
        """Return the result with the lateness of its run."""
        return replace(self, lateness=lateness)

    def __radd__(self, other: object) -> "NetworkResult":
        """Let ``sum(results)`` join runs."""
        return self if other == 0 else NotImplemented

    def _repr_html_(self) -> str:
        from spikecuda.network.results.table import table_of

        return table_of(self)

    def __rich__(self) -> "Table":
        return self.table()

    def __repr__(self) -> str:
        part = self.part
        own = "" if part is None else f"; rank {part.rank} of {part.ranks}"
        return (
            f"<NetworkResult: {self.num_spikes:,} spikes of {', '.join(self.spikes) or 'nobody'}; "
            f"{self.start:g} to {self.stop:g} ms{own}>"
        )

    @property
    def _populated(self) -> list[str]:
        """Populations whose spikes were recorded, and of which the result has neurons."""
        return [n for n in self.spikes if (ids := self.ids.get(n)) is None or ids.size]

    def _each(self, measure: Callable[[str], float]) -> dict[str, float]:
        """Measure each population whose spikes were recorded; NaN where there is no neuron."""
        there = self._populated
        return {name: measure(name) if name in there else float("nan") for name in self.spikes}

    def _recorded(
        self, start: float | None, stop: float | None
    ) -> tuple[dict[str, Spikes], dict[str, Neurons], float, float]:
        """Return the recorded populations' spikes and neurons, and a checked window."""
        if not self.spikes:
            raise SpikecudaValueError(
                'no spikes were recorded (got a picture of them); net.record(name, "spikes") '
                "records them"
            )
        windows = {name: self.window(name, start, stop) for name in self._populated}
        first, last = next(((w[2], w[3]) for w in windows.values()), (self.start, self.stop))
        spikes = {name: self.spikes[name] for name in windows}
        return spikes, {name: w[1] for name, w in windows.items()}, first, last


def _mean(values: np.ndarray) -> float:
    """Return the mean of those that are numbers; NaN if none is."""
    numbers = values[np.isfinite(values)]
    return float(numbers.mean()) if numbers.size else float("nan")
