"""Read a NetworkResult from a file that is not trusted."""

import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from spikecuda.common.npz import FormatError
from spikecuda.common.time_grid import whole_steps
from spikecuda.errors import SpikecudaValueError
from spikecuda.network.results.part import Part
from spikecuda.network.results.result import NetworkResult
from spikecuda.network.results.synapse_traces import SynapseTraces
from spikecuda.runtime.pace import Lateness, as_lateness
from spikecuda.runtime.spikes import Spikes

MAX_SIZE = 2**31 - 1


class Arrays(Protocol):
    """What arrays are read from; ``NpzFile`` is one."""

    def __contains__(self, name: str) -> bool: ...

    def array(self, name: str, kinds: str, ndim: int) -> np.ndarray:
        """Return an array of some kinds and dimensions; raise FormatError for another one."""


class ResultReader:
    """One result in an open file; see ``file`` for the keys.

    Args:
        file: the arrays.
        about: the metadata.
    """

    def __init__(self, file: Arrays, about: dict[str, Any]) -> None:
        self._file, self._about = file, about

    def read(self) -> NetworkResult:
        """Return the result.

        Raises:
            FormatError: something in it is not as a run would have recorded it.
        """
        dt = self._real("dt")
        if dt <= 0:
            raise FormatError(f"dt must be > 0 ms (got {dt!r})")
        self._start, self._duration = self._real("start"), self._real("duration")
        self._first = _steps("start", self._start, dt)
        self._last = self._first + _steps("duration", self._duration, dt)
        self._sizes = self._populations("sizes", _size)
        part = self._part()
        ids = {name: self._ids("ids", name) for name in self._names("ids")}
        owners = {name: self._ids("trace_ids", name) for name in self._names("trace_ids")}
        for kind, named in (("ids", ids), ("trace_ids", owners)):
            _require_of_part(kind, named, part)
        times = {name: self._times(name) for name in self._names("trace_times")}
        traces = self._populations("traces", _texts)
        for kind, found in (("traces", traces), ("trace_times", times)):
            if set(found) - set(times) or set(times) - set(traces):
                raise FormatError(f"{kind} must be of the same populations as trace_times")
        return NetworkResult(
            spikes={name: self._spikes(name, ids.get(name), dt) for name in self._names("spikes")},
            sizes=self._sizes,
            ids=ids,
            traces={
                name: {v: self._trace(name, v, times[name], owners.get(name)) for v in variables}
                for name, variables in traces.items()
            },
            trace_times=times,
            start=self._start,
            duration=self._duration,
            dt=dt,
            seconds=self._real("seconds"),
            trace_ids=owners,
            units=self._populations("units", _words),
            synapses=self._synapses(),
            lateness=self._lateness(),
            part=part,
        )

    def _part(self) -> Part | None:
        """Return which part of a result it is; files of earlier versions are whole."""
        about = self._about.get("part")
        if about is None:
            return None
        ranks = _size("ranks", about["ranks"])
        rank, bounds = _size("rank", about["rank"]), about["bounds"]
        if rank >= ranks or not isinstance(bounds, dict) or set(bounds) != set(self._sizes):
            raise FormatError(f"part must be one of {ranks:,}, of all populations (got {rank:,})")
        found = {}
        for name, both in bounds.items():
            first, end = (_size(f"bounds of {name}", edge) for edge in both)
            if not first <= end <= self._sizes[name]:
                raise FormatError(f"bounds of {name} must be in order (got {first:,}, {end:,})")
            found[name] = first, end
        run = about.get("run", 0)
        if isinstance(run, bool) or not isinstance(run, int):
            raise FormatError(f"run must be a whole number (got {run!r:.80})")
        return Part(rank, ranks, found, self._places(), run)

    def _places(self) -> dict[str, np.ndarray]:
        """Return where the synapses of a part are among those of the whole."""
        found = {}
        for k, about in enumerate(self._about.get("synapses", [])):
            if f"synapses/{k}/places" not in self._file:
                continue
            places = self._file.array(f"synapses/{k}/places", "i", 1)
            size = self._file.array(f"synapses/{k}/source", "i", 1).size
            if places.size != size:
                raise FormatError(
                    f"places of {about['name']} must be one for each of {size:,} synapses (got "
                    f"{places.size:,})"
                )
            found[about["name"]] = places
        return found

    def _lateness(self) -> Lateness | None:
        """Return how a run in real time kept to the clock; files of earlier versions do not say."""
        try:
            return as_lateness(self._about.get("lateness"))
        except ValueError as error:
            raise FormatError(str(error)) from None

    def _spikes(self, name: str, ids: np.ndarray | None, dt: float) -> Spikes:
        """Return a population's spikes, in order and in range."""
        step = self._file.array(f"spikes/{name}/step", "i", 1)
        neuron = self._file.array(f"spikes/{name}/neuron", "i", 1)
        if step.size != neuron.size:
            raise FormatError(
                f"step and neuron of {name} must be of one length (got {step.size:,} and "
                f"{neuron.size:,})"
            )
        _require_range(f"step of {name}", step, self._first, self._last)
        _require_range(f"neuron of {name}", neuron, 0, self._sizes[name])
        late = step[1:] < step[:-1]
        late |= (step[1:] == step[:-1]) & (neuron[1:] < neuron[:-1])
        if late.any():
            raise FormatError(
                f"spikes of {name} must be sorted by step, then neuron (spike "
                f"{int(late.argmax()) + 1:,} is not)"
            )
        if ids is not None and not np.isin(neuron, ids).all():
            raise FormatError(f"spikes of {name} must be of neurons in ids/{name}")
        return Spikes(step, neuron, dt)

    def _ids(self, kind: str, name: str) -> np.ndarray | None:
        """Return which neurons were recorded, None for all."""
        if f"{kind}/{name}" not in self._file:
            return None
        found = self._file.array(f"{kind}/{name}", "i", 1)
        _require_range(f"{kind} of {name}", found, 0, self._sizes[name])
        return found

    def _times(self, name: str) -> np.ndarray:
        times = self._file.array(f"trace_times/{name}", "f", 1)
        if not np.isfinite(times).all() or (times[1:] <= times[:-1]).any():
            raise FormatError(f"trace_times of {name} must be finite and increase")
        return times

    def _trace(
        self, name: str, variable: str, times: np.ndarray, ids: np.ndarray | None
    ) -> np.ndarray:
        found = self._file.array(f"traces/{name}/{variable}", "f", 2)
        wanted = (times.size, self._sizes[name] if ids is None else ids.size)
        if found.shape != wanted:
            raise FormatError(
                f"{variable} of {name} must be of {wanted[0]:,} samples of {wanted[1]:,} neurons "
                f"(got shape {found.shape})"
            )
        return found

    def _synapses(self) -> dict[str, SynapseTraces]:
        """Return traces of synapses; files of earlier versions have none."""
        listed = self._about.get("synapses", [])
        if not isinstance(listed, list) or not all(isinstance(about, dict) for about in listed):
            raise FormatError(f"synapses must be a list of objects (got {listed!r:.80})")
        _texts("synapses", [about["name"] for about in listed])
        return {about["name"]: self._of_projection(k, about) for k, about in enumerate(listed)}

    def _of_projection(self, k: int, about: dict[str, Any]) -> SynapseTraces:
        """Return the traces of the k-th projection's synapses."""
        key, name = f"synapses/{k}", about["name"]
        time = self._file.array(f"{key}/time", "f", 1)
        if not np.isfinite(time).all() or (time[1:] <= time[:-1]).any():
            raise FormatError(f"time of {name} must be finite and increase")
        source = self._file.array(f"{key}/source", "i", 1)
        target = self._file.array(f"{key}/target", "i", 1)
        for what, ids in (("source", source), ("target", target)):
            _require_range(f"{what} of {name}", ids, 0, MAX_SIZE)
        units, values = _words(f"units of {name}", about["units"]), {}
        for variable in units:
            values[variable] = found = self._file.array(f"{key}/values/{variable}", "f", 2)
            if found.shape != (time.size, source.size) or source.size != target.size:
                raise FormatError(
                    f"{variable} of {name} must be of {time.size:,} samples of {source.size:,} "
                    f"synapses, each with a target (got shape {found.shape})"
                )
        number = _size(f"number of {name}", about["number"])
        return SynapseTraces(number, time, source, target, values, units)

    def _real(self, key: str) -> float:
        """Return a time: finite, >= 0."""
        value = self._about[key]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise FormatError(f"{key} must be a number (got {value!r:.80})")
        if not 0 <= value <= sys.float_info.max:  # NaN is not, either
            raise FormatError(f"{key} must be finite and >= 0 (got {value!s:.80})")
        return float(value)

    def _names(self, key: str) -> list[str]:
        """Return a list of populations."""
        names = _texts(key, self._about[key])
        self._require_known(key, names)
        return names

    def _populations(self, key: str, check: Callable[[str, Any], Any]) -> dict[str, Any]:
        """Return what there is of each population, checked one by one."""
        found = self._about[key]
        if not isinstance(found, dict):
            raise FormatError(f"{key} must be an object (got {found!r:.80})")
        if key != "sizes":
            self._require_known(key, list(found))
        return {name: check(f"{key} of {name}", value) for name, value in found.items()}

    def _require_known(self, key: str, names: list[str]) -> None:
        unknown = [name for name in names if name not in self._sizes]
        if unknown:
            raise FormatError(f"{key} names {unknown[0]!r:.80}, which is not in sizes")


def _steps(key: str, time: float, dt: float) -> int:
    """Return a time in steps."""
    try:
        return whole_steps(key, time, dt)
    except SpikecudaValueError as error:
        raise FormatError(str(error)) from None


def _require_of_part(kind: str, named: Mapping[str, np.ndarray | None], part: Part | None) -> None:
    """Raise unless neurons that were recorded are those of the process whose part it is."""
    for name, ids in named.items():
        if part is not None and ids is not None:
            _require_range(f"{kind} of {name}", ids, *part.bounds[name])


def _size(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_SIZE:
        raise FormatError(f"{name} must be from 0 to {MAX_SIZE:,} (got {value!r:.80})")
    return value


def _texts(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise FormatError(f"{name} must be a list of names (got {value!r:.80})")
    if len(set(value)) < len(value):
        raise FormatError(f"{name} must name each once (got {value!r:.80})")
    return value


def _words(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise FormatError(f"{name} must be an object of texts (got {value!r:.80})")
    return value


def _require_range(name: str, array: np.ndarray, first: int, last: int) -> None:
    """Raise unless all numbers are in [first, last)."""
    if array.size and not (first <= int(array.min()) and int(array.max()) < last):
        bad = (array < first) | (array >= last)
        raise FormatError(
            f"{name} must be from {first:,} to {last - 1:,} (got {int(array[bad.argmax()]):,} at "
            f"{int(bad.argmax()):,})"
        )
