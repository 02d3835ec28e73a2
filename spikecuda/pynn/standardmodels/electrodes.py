"""Current sources: each is a course of current on the time grid."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from pyNN.errors import InvalidParameterValueError
from pyNN.parameters import ParameterSpace, Sequence
from pyNN.standardmodels import electrodes

from spikecuda.common.time_grid import first_step, nearest_step
from spikecuda.errors import SpikecudaValueError
from spikecuda.pynn import simulator
from spikecuda.pynn.cells_of import members
from spikecuda.pynn.standardmodels.base import same_names

# Values of noise that are drawn together, so that they do not depend on how a run is split.
BLOCK = 4096


class CurrentSource:
    """What all current sources share: their numbers, whom they drive, and what they recorded.

    Attributes:
        targets: populations and numbers of their neurons, in the order of injection.
        steady: whether the current is constant but for two changes, at ``start`` and ``stop``.
    """

    steady = False
    default_parameters: dict[str, Any]

    def __init__(self, **parameters: Any) -> None:
        set_ = object.__setattr__
        set_(self, "_values", {})
        set_(self, "targets", [])
        set_(self, "_record", None)
        set_(self, "dt_grid", simulator.state.dt)
        space = ParameterSpace(self.default_parameters, self.get_schema(), shape=(1,))
        space.update(**parameters)
        self.set_native_parameters(space)
        simulator.state.add_current(self)

    def set_native_parameters(self, parameters: Any) -> None:
        """Take parameters, in PyNN's units."""
        parameters.evaluate(simplify=True)
        given: dict[str, Any] = {}
        for name, value in parameters.as_dict().items():
            if isinstance(value, Sequence):
                given[name] = np.array(value.value, np.float64)
            else:
                given[name] = float(np.ravel(value)[0])
        self._values.update(self._checked({**self._values, **given}))

    def get_native_parameters(self) -> Any:
        """Return the parameters, in PyNN's units."""
        values = {k: Sequence(v) if np.ndim(v) else v for k, v in self._values.items()}
        return ParameterSpace(values, self.get_schema(), shape=(1,))

    def __getattr__(self, name: str) -> Any:
        values = object.__getattribute__(self, "_values")
        if name in values:
            return values[name]
        raise AttributeError(f"{type(self).__name__} has no {name!r}; it has {', '.join(values)}")

    def inject_into(self, cells: Iterable[Any]) -> None:
        """Drive some neurons: a population, a view, an assembly or a list of cells.

        Raises:
            TypeError: a spike source.
            SpikecudaValueError: a cell comes twice; nothing is driven.
        """
        targets: list[tuple[Any, np.ndarray]] = []
        for population, numbers in members(cells):
            if not population.celltype.injectable:
                raise TypeError("Can't inject current into a spike source.")
            each, times = np.unique(numbers, return_counts=True)
            if (times > 1).any():
                raise SpikecudaValueError(
                    f"cells must differ (got cell {each[times > 1][0]} of {population.label} "
                    f"{times.max()} times); inject twice, or use twice the amplitude"
                )
            targets.append((population, each))
        self.targets.extend(targets)

    def record(self) -> None:
        """Record the current, from now on."""
        object.__setattr__(self, "_record", [(simulator.state.step, np.empty(0))])

    def keep(self, first: int, stop: int) -> None:
        """Note the current of steps that are run now, if it is recorded."""
        if self._record is not None:
            self._record.append((stop, self.samples(first, stop)))

    def forget(self) -> None:
        """Begin to record anew, at time 0."""
        if self._record is not None:
            object.__setattr__(self, "_record", [(0, np.empty(0))])

    def samples(self, first: int, stop: int) -> np.ndarray:
        """Return the current at the start of some steps, nA, shape (stop - first,)."""
        raise NotImplementedError

    def _checked(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return values as they are used."""
        return values

    def _get_data(self) -> tuple[np.ndarray, np.ndarray]:
        if self._record is None:
            raise ValueError("the current was not recorded; call record() before run()")
        first, stop = self._record[0][0], self._record[-1][0]
        parts = [values for _, values in self._record]
        current = np.concatenate([*parts, self.samples(stop, stop + 1)])
        return np.arange(first, stop + 1) * self.dt_grid, current

    def _on(self, first: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Return times of steps since ``start``, ms, and whether the current is on."""
        begin, end = (first_step(self._values[k], self.dt_grid) for k in ("start", "stop"))
        steps = np.arange(first, stop)
        return (
            steps * self.dt_grid - self._values["start"], (steps >= begin) & (steps < end)
        )  # fmt: skip


@same_names
class DCSource(CurrentSource, electrodes.DCSource):
    __doc__ = electrodes.DCSource.__doc__
    steady = True

    def changes(self) -> tuple[int, int]:
        """Return the steps at which it begins and ends."""
        begin, end = (first_step(self._values[k], self.dt_grid) for k in ("start", "stop"))
        return begin, end

    def samples(self, first: int, stop: int) -> np.ndarray:
        """Return the current."""
        _, on = self._on(first, stop)
        return np.where(on, self._values["amplitude"], 0.0)


@same_names
class ACSource(CurrentSource, electrodes.ACSource):
    __doc__ = electrodes.ACSource.__doc__

    def samples(self, first: int, stop: int) -> np.ndarray:
        """Return the current; the phase is that at ``start``."""
        v = self._values
        since, on = self._on(first, stop)
        angle = 2e-3 * np.pi * v["frequency"] * since + np.radians(v["phase"])
        return np.where(on, v["offset"] + v["amplitude"] * np.sin(angle), 0.0)


@same_names
class StepCurrentSource(CurrentSource, electrodes.StepCurrentSource):
    __doc__ = electrodes.StepCurrentSource.__doc__

    def samples(self, first: int, stop: int) -> np.ndarray:
        """Return the current."""
        steps = np.rint(self._values["times"] / self.dt_grid).astype(np.int64)
        place = np.searchsorted(steps, np.arange(first, stop), side="right")
        return np.concatenate([[0.0], self._values["amplitudes"]])[place]

    def _checked(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return times on the grid, and of those that fall together the last."""
        times, amplitudes = values["times"], values["amplitudes"]
        if times.shape != amplitudes.shape:
            raise ValueError(
                "times and amplitudes must be equally many (got "
                f"{times.size} and {amplitudes.size})"
            )
        if times.size and times.min() < 0:
            raise ValueError("Step current cannot accept negative timestamps.")
        if np.any(np.diff(times) <= 0):
            raise ValueError("Step current timestamps should be monotonically increasing.")
        steps = np.rint(times / self.dt_grid)
        last = np.append(np.diff(steps) > 0, True)[: steps.size]
        return {**values, "times": steps[last] * self.dt_grid, "amplitudes": amplitudes[last]}


@same_names
class NoisyCurrentSource(CurrentSource, electrodes.NoisyCurrentSource):
    __doc__ = electrodes.NoisyCurrentSource.__doc__

    def samples(self, first: int, stop: int) -> np.ndarray:
        """Return the current: the same for all neurons that it drives."""
        v = self._values
        since, on = self._on(first, stop)
        period = max(1, round(v["dt"] / self.dt_grid))
        number = np.where(on, np.rint(since / self.dt_grid), 0).astype(np.int64) // period
        drawn = np.zeros(number.size)
        for block in np.unique(number // BLOCK):
            here = number // BLOCK == block
            draws = simulator.state.generator("noise", self._number, int(block))
            drawn[here] = draws.standard_normal(BLOCK)[number[here] % BLOCK]
        return np.where(on, v["mean"] + v["stdev"] * drawn, 0.0)

    def _checked(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return values whose ``dt`` is at most a step, which makes it one, or some steps."""
        dt, steps = values["dt"], nearest_step(values["dt"], self.dt_grid)
        if not dt > 0 or (dt > self.dt_grid and abs(dt - steps * self.dt_grid) > 1e-6 * dt):
            raise InvalidParameterValueError(
                "dt of NoisyCurrentSource must be > 0 and a multiple of the timestep "
                f"{self.dt_grid:g} ms (got {dt:g}); use {max(1, steps) * self.dt_grid:g}"
            )
        return values

    @property
    def _number(self) -> int:
        return simulator.state.currents.index(self)
