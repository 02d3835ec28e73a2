"""The currents into a population: offsets and steady sources, and sources that change each step."""

from typing import Any

import numpy as np
from pyNN.parameters import simplify as simplified

from spikecuda.common.time_grid import NEVER
from spikecuda.inputs.stimulus import Constant
from spikecuda.inputs.waveform import Waveform

# Courses of different targets that a population has before they become one array for all.
MOST_COURSES = 8
# Steps of a course, or numbers of an array, that are made at once.
MOST_STEPS, MOST_NUMBERS = 1_000_000, 4_000_000


class Currents:
    """What drives a population of neurons beside its synapses.

    Args:
        net: the network.
        name: of the population there.
        population: of PyNN.
        sources: all current sources, those added later, too.
        dt: ms.
    """

    def __init__(self, net: Any, name: str, population: Any, sources: list[Any], dt: float) -> None:
        self._net, self._name, self._population = net, name, population
        self._sources, self._dt = sources, dt
        self._steady: Any = None
        self._courses: dict[bytes, Any] = {}
        self._columns: Any = None

    def limit(self, step: int, stop: int) -> int:
        """Return the step before which a piece that begins at a step has to end."""
        for source, _ in self._mine(steady=True):
            stop = min(stop, *(s for s in source.changes() if step < s < NEVER), stop)
        courses = self._grouped()
        if len(courses) > MOST_COURSES:
            stop = min(stop, step + max(1, MOST_NUMBERS // self._population.size))
        return min(stop, step + MOST_STEPS) if courses else stop

    def refresh(self, step: int, stop: int) -> None:
        """Let the network have the currents of the steps from one to another."""
        self._refresh_steady(step)
        courses = self._grouped()
        if not courses:
            return
        samples = {key: self._sum(sources, step, stop) for key, (_, sources) in courses.items()}
        start = step * self._dt
        if len(courses) > MOST_COURSES:
            values = np.zeros((stop - step, self._population.size))
            for key, (ids, _) in courses.items():
                values[:, ids] += samples[key][:, None]
            while self._courses:
                self._courses.popitem()[1].remove()
            self._columns = self._give(self._columns, None, Waveform(values, self._dt, start))
            return
        for key, (ids, _) in courses.items():
            course = Waveform(samples[key], self._dt, start)
            self._courses[key] = self._give(self._courses.get(key), ids, course)

    def _refresh_steady(self, step: int) -> None:
        population, sources = self._population, self._mine(steady=True)
        offset: Any = simplified(population.parameters.get("i_offset", 0.0))
        if sources:
            offset = np.broadcast_to(offset, (population.size,)).copy()
            for source, ids in sources:
                offset[ids] += source.samples(step, step + 1)[0]
        value = population.celltype.input_scale * offset
        if self._steady is None and not np.any(value) and not sources:
            return
        if self._steady is None or not np.array_equal(self._steady.value, value):
            self._steady = self._give(self._steady, None, Constant(value))

    def _sum(self, sources: list[Any], step: int, stop: int) -> np.ndarray:
        scale = self._population.celltype.input_scale
        return scale * np.sum([source.samples(step, stop) for source in sources], axis=0)

    def _give(self, drive: Any, ids: np.ndarray | None, value: Any) -> Any:
        """Let a drive have another input; None: add one for some neurons."""
        if drive is not None:
            drive.input = value
            return drive
        target = self._net[self._name]
        return self._net.drive(target if ids is None else target[ids], value)

    def _mine(self, steady: bool) -> list[tuple[Any, np.ndarray]]:
        """Return the sources of one kind that drive the population, and which neurons."""
        return [
            (source, ids)
            for source in self._sources if source.steady == steady
            for population, ids in source.targets if population is self._population
        ]  # fmt: skip

    def _grouped(self) -> dict[bytes, tuple[np.ndarray, list[Any]]]:
        """Return the sources that change each step by the neurons that they drive."""
        found: dict[bytes, tuple[np.ndarray, list[Any]]] = {}
        for source, ids in self._mine(steady=False):
            found.setdefault(ids.tobytes(), (ids, []))[1].append(source)
        return found
