"""Recorders: what runs recorded of a population, until it is asked for."""

import itertools
from typing import Any

import numpy as np
import quantities as pq
from pyNN import recording

from spikecuda.common.time_grid import nearest_step, whole_steps
from spikecuda.pynn import simulator
from spikecuda.pynn.cells_of import on_grid


class Recorder(recording.Recorder):
    """What was recorded of a population since the last reset, or since data was cleared.

    Samples are at time 0 or at the start of a recording, and then at each multiple of the sampling
    interval.  What was not recorded at the time of a sample is NaN.
    """

    _simulator = simulator

    def __init__(self, population: Any, file: Any = None) -> None:
        super().__init__(population, file)
        self._trains: list[tuple[np.ndarray, np.ndarray]] = []
        # By variable: steps, numbers of neurons, values of shape (steps, neurons).
        self._samples: dict[str, list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = {}
        self._wanted: dict[str, np.ndarray] = {}  # kept until something is recorded anew

    @property
    def every(self) -> int:
        """Steps between two samples."""
        return max(1, nearest_step(self.sampling_interval, simulator.state.dt))

    def wanted(self, name: str) -> np.ndarray:
        """Return the numbers of the neurons of which a variable, or "spikes", is recorded."""
        if name not in self._wanted:
            found = [ids for variable, ids in self.recorded.items() if variable.name == name]
            ids = np.array(sorted(int(i) for group in found for i in group), np.int64)
            self._wanted[name] = ids - int(self.population.first_id) if ids.size else ids
        return self._wanted[name]

    @property
    def traced(self) -> list[str]:
        """The variables that are recorded, in alphabetical order."""
        return sorted({v.name for v, ids in self.recorded.items() if ids} - {"spikes"})

    def add_spikes(self, times: np.ndarray, neurons: np.ndarray) -> None:
        """Keep spikes of a run: times in ms, and whose they are."""
        wanted = self.wanted("spikes")
        if wanted.size < self.population.size:
            kept = np.isin(neurons, wanted)
            times, neurons = times[kept], neurons[kept]
        self._trains.append((times, neurons))

    def add_samples(
        self, name: str, steps: np.ndarray, neurons: np.ndarray, values: np.ndarray
    ) -> None:
        """Keep samples of a variable, in PyNN's unit."""
        if steps.size:
            self._samples.setdefault(name, []).append((steps, neurons, values))

    def lacks(self, name: str, step: int) -> bool:
        """Tell whether a variable has no sample at a step yet, for some neuron."""
        wanted = self.wanted(name)
        latest = itertools.takewhile(
            lambda part: step in part[0][-1:], reversed(self._samples.get(name, []))
        )
        found = [ids for _, ids, _ in latest]
        return not found or not np.isin(wanted, np.concatenate(found)).all()

    def forget(self) -> None:
        """Begin anew at time 0."""
        self._clear_simulator()

    def clear(self) -> None:
        """Forget what was recorded; data that follow begin at the last time of a sample."""
        state = simulator.state
        step = state.step // self.every * self.every
        last = {
            name: [(s[s >= step], ids, values[s >= step]) for s, ids, values in parts]
            for name, parts in self._samples.items()
        }
        super().clear()
        self._samples = {k: [p for p in parts if p[0].size] for k, parts in last.items()}
        self._recording_start_time = float(on_grid(step, state.dt)) * pq.ms

    def record(
        self, variables: Any, ids: Any, sampling_interval: Any = None, locations: Any = None
    ) -> None:
        """Record variables of some neurons, too, from the next run on.

        Raises:
            SpikecudaValueError: the sampling interval is no multiple of the time step.
        """
        if sampling_interval is not None:
            whole_steps("sampling_interval", sampling_interval, simulator.state.dt, some=True)
        self._wanted = {}
        super().record(variables, ids, sampling_interval, locations)

    def _record(self, variable: Any, new_ids: Any, sampling_interval: float | None = None) -> None:
        if sampling_interval is not None and variable.name != "spikes":
            self.sampling_interval = sampling_interval

    def _get_spiketimes(self, id: Any, clear: bool = False) -> tuple[np.ndarray, np.ndarray]:
        first = int(self.population.first_id)
        wanted = np.array([int(i) for i in id], np.int64) - first
        times = np.concatenate([np.empty(0), *(t for t, _ in self._trains)])
        neurons = np.concatenate([np.empty(0, np.int64), *(n for _, n in self._trains)])
        kept = np.isin(neurons, wanted)
        return neurons[kept] + first, times[kept]

    def _get_all_signals(
        self, variable: Any, ids: Any, clear: bool = False
    ) -> tuple[np.ndarray, None]:
        parts = self._samples.get(variable.name, [])
        if not parts or not len(ids):
            return np.empty(0), None
        every, state = self.every, simulator.state
        first = round(float(self._recording_start_time) / state.dt) // every
        count = state.step // every - first + 1
        columns = np.array([int(i) for i in ids], np.int64) - int(self.population.first_id)
        found = np.full((count, columns.size), np.nan)
        for steps, neurons, values in parts:
            rows = steps // every - first
            fits = (steps % every == 0) & (rows >= 0) & (rows < count)
            into = np.flatnonzero(np.isin(columns, neurons))
            source = np.searchsorted(neurons, columns[into])
            found[np.ix_(rows[fits], into)] = values[np.ix_(np.flatnonzero(fits), source)]
        return found, None

    def _local_count(self, variable: Any, filter_ids: Any = None) -> dict[int, int]:
        first = int(self.population.first_id)
        neurons = np.concatenate([np.empty(0, np.int64), *(n for _, n in self._trains)])
        counts = np.bincount(neurons, minlength=self.population.size)
        ids = self.filter_recorded(variable, filter_ids)
        return {int(i): int(counts[int(i) - first]) for i in ids}

    def _clear_simulator(self) -> None:
        self._trains, self._samples = [], {}

    def _reset(self) -> None:
        self._wanted = {}
        self._clear_simulator()
