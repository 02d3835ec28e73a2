"""Spikes that a probe recorded, as inputs: units of NWB files for virtual nodes.

Source: the Brain Modeling Toolkit 1.2, input module "ecephys_probe".
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.arguments import is_name
from spikecuda.common.hdf5 import Hdf5File, reading_hdf5
from spikecuda.common.notice import notice
from spikecuda.errors import SpikecudaValueError, nearest, shown
from spikecuda.formats.sonata.nodes import EXTRA, Nodes
from spikecuda.formats.sonata.text_rows import read_rows

MODULE = "ecephys_probe"
OPTIONS = (
    "input_file", "mapping", "units", "interval", "interval_offset", "missing_ids",
    "simulation_offset", "simulation_onset", "cache",
)  # fmt: skip
MAP, SAMPLE, AGAIN = (
    "units_map",
    ("sample", "sample_without_replacement"),
    "sample_with_replacement",
)
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal,
    "!=": np.not_equal,
}  # fmt: skip
ELECTRODES = "/general/extracellular_ephys/electrodes"
# Times of units: start and end, ms.
Window = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Units:
    """Units of a file that were selected.

    Attributes:
        path: of the file.
        ids: of the units, int64 (units,).
        trains: times of each, ms.
        window: of the spikes that are wanted; None: all.
    """

    path: Path
    ids: np.ndarray
    trains: list[np.ndarray]
    window: Window | None


def read_probes(
    where: str, options: Mapping[str, Any], population: Nodes, rows: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the spikes of an input: ids of nodes, int64 (spikes,), and times, ms (spikes,).

    Args:
        where: file and name of the input, for errors.
        options: of the input.
        population: whose nodes send them.
        rows: of these nodes, int64 (nodes,).
        seed: of the random choice of units.

    Raises:
        SpikecudaValueError: a file, filter, interval or mapping that is not possible.
    """
    nodes = population.ids[rows]
    for key in ("simulation_offset", "simulation_onset"):
        if options.get(key, 0.0) != 0.0:
            raise SpikecudaValueError(
                f"{where}: {key} must be 0 (got {shown(options[key])}); interval_offset has the ms "
                "that are added to the times"
            )
    files = options.get("input_file")
    files = files if isinstance(files, list) else [files]
    if not files or not all(isinstance(file, str) for file in files):
        raise SpikecudaValueError(
            f"{where}: input_file must be a file or several (got {files!s:.80})"
        )
    mapping = options.get("mapping")
    filters: Any = options.get("units", {})
    if not isinstance(mapping, str) or mapping.lower() not in (MAP, *SAMPLE, AGAIN):
        raise SpikecudaValueError(
            f"{where}: mapping must be one of {MAP}, {SAMPLE[0]}, {AGAIN} (got {shown(mapping)})"
        )
    mapped = mapping.lower() == MAP
    if not isinstance(filters, str if mapped else dict):
        need = "a file of node_ids and unit_ids" if mapped else "an object of filters"
        raise SpikecudaValueError(f"{where}: units must be {need} (got {shown(filters)})")
    offset = options.get("interval_offset", 0.0)
    if isinstance(offset, bool) or not isinstance(offset, int | float):
        raise SpikecudaValueError(f"{where}: interval_offset must be in ms (got {shown(offset)})")
    intervals = _intervals(where, options.get("interval"), len(files))
    units = [
        _read(where, Path(file), {} if isinstance(filters, str) else filters, interval)
        for file, interval in zip(files, intervals, strict=True)
    ]
    own: dict[int, Window] = {}
    if mapped:
        pairs = _mapped(Path(str(filters)), set(nodes.tolist()), units, own)
    else:
        pairs = _sampled(where, nodes, units, mapping.lower() == AGAIN, seed)
    missing = options.get("missing_ids", "fail")
    if not is_name(missing, ("fail", "warn", "ignore")):
        raise SpikecudaValueError(
            f"{where}: missing_ids must be fail, warn or ignore (got {missing})"
        )
    if len(pairs) < nodes.size and missing != "ignore":
        lost = next(int(node) for node in nodes if int(node) not in pairs)
        message = (
            f"{where}: each node must have a unit (got none for node {lost:,}; there are "
            f'{sum(u.ids.size for u in units):,} units); missing_ids: "ignore" leaves them silent'
        )
        if missing == "fail":
            raise SpikecudaValueError(message)
        notice(message, logging.WARNING)
    ids, times = [np.empty(0, np.int64)], [np.empty(0)]
    for node, (file, place) in pairs.items():
        train = units[file].trains[place]
        window = own.get(node, units[file].window)
        if window is not None:
            begin, end = _window(where, window)
            train = train[(train >= begin) & (train <= end)] - begin + float(offset)
        ids.append(np.full(train.size, node))
        times.append(train)
    return np.concatenate(ids), np.concatenate(times)


def _intervals(where: str, given: Any, files: int) -> list[Any]:
    """Return the interval of each file."""
    several = isinstance(given, list) and bool(given) and isinstance(given[0], list | dict)
    found = given if several else [given]
    if len(found) not in (1, files):
        raise SpikecudaValueError(
            f"{where}: interval must be one, or one for each of {files} files (got {len(found)})"
        )
    return found * files if len(found) == 1 else found


def _window(where: str, window: Any) -> Window:
    good = len(window) == 2 and all(
        isinstance(w, int | float) and not isinstance(w, bool) and np.isfinite(w) for w in window
    )
    if not good or window[0] >= window[1]:
        raise SpikecudaValueError(
            f"{where}: interval must be [begin, end] in ms, the end after the begin (got "
            f"{shown(list(window))})"
        )
    return float(window[0]), float(window[1])


def _read(where: str, path: Path, filters: Mapping[str, Any], interval: Any) -> Units:
    """Return the units of a file that follow the filters."""
    with reading_hdf5(path, "recorded units in NWB", EXTRA) as file:
        ids = file.array("/units/id", "iu").astype(np.int64)
        ends = file.array("/units/spike_times_index", "iu", 1, ids.size).astype(np.int64)
        times = file.array("/units/spike_times", "f").astype(np.float64) * 1e3  # NWB has s
        if (np.diff(ends, prepend=0) < 0).any() or (ends.size and ends[-1] != times.size):
            raise SpikecudaValueError(
                f"{path}, /units/spike_times_index: must rise to {times.size:,}, the number of "
                "spike times; write it again"
            )
        chosen = np.ones(ids.size, bool)
        for key, rule in filters.items():
            name = str(rule.get("column", key)) if isinstance(rule, dict) else key
            chosen &= _follows(where, _column(file, name, ids.size), name, rule)
        window = interval
        if isinstance(interval, dict):
            window = _presented(where, file, interval)
        elif interval is not None and not isinstance(interval, list):
            raise SpikecudaValueError(
                f"{where}: interval must be [begin, end] in ms, or an object with interval_name "
                f"(got {shown(interval)})"
            )
    places = np.flatnonzero(chosen)
    starts = np.concatenate([[0], ends])
    trains = [times[starts[place] : ends[place]] for place in places]
    return Units(path, ids[places], trains, window)


def _column(file: Hdf5File, name: str, size: int) -> np.ndarray:
    """Return a property of units, or of the electrode where a unit is largest."""
    if f"/units/{name}" in file:
        return _values(file, f"/units/{name}", size)
    if f"{ELECTRODES}/{name}" in file and "/units/peak_channel_id" in file:
        channels = file.array(f"{ELECTRODES}/id", "iu").astype(np.int64)
        values = _values(file, f"{ELECTRODES}/{name}", channels.size)
        wanted = file.array("/units/peak_channel_id", "iu", 1, size).astype(np.int64)
        order = np.argsort(channels, kind="stable")
        place = np.minimum(np.searchsorted(channels[order], wanted), channels.size - 1)
        found = order[place] if channels.size else np.zeros(size, np.int64)
        if not channels.size or (channels[found] != wanted).any():
            raise SpikecudaValueError(
                f"{file.path}, /units/peak_channel_id: must be electrodes of {ELECTRODES}"
            )
        return values[found]
    known = [n for n in file.names("/units") if not n.endswith("_index")]
    raise SpikecudaValueError(
        f"{file.path}: units must have a column {name!r:.80}{nearest(name, known)} (got "
        f"{', '.join(known):.300}, and those of electrodes)"
    )


def _values(file: Hdf5File, path: str, size: int) -> np.ndarray:
    if file.kind(path) in "SO":
        return np.array(file.texts(path, size), object)
    return file.array(path, "biuf", 1, size)


def _follows(where: str, values: np.ndarray, name: str, rule: Any) -> np.ndarray:
    """Return which values follow a filter, a mask."""
    if isinstance(rule, dict):
        operation, value = rule.get("operation"), rule.get("value")
        texts = values.dtype == object
        good = is_name(operation, OPERATIONS) and (
            isinstance(value, str) and operation in ("==", "!=") if texts
            else isinstance(value, int | float)
        )  # fmt: skip
        if not good:
            raise SpikecudaValueError(
                f"{where}: units.{name} must have an operation, one of {', '.join(OPERATIONS)}, "
                f"and a value that it can be done with (got {shown(rule)})"
            )
        return np.asarray(OPERATIONS[str(operation)](values, value), bool)
    listed = rule if isinstance(rule, list) else [rule]
    if not all(isinstance(item, str | int | float) for item in listed):
        raise SpikecudaValueError(
            f"{where}: units.{name} must be numbers or texts (got {shown(rule)})"
        )
    found = np.zeros(values.size, bool)
    for item in listed:
        found |= np.asarray(values == item, bool)
    return found


def _presented(where: str, file: Hdf5File, given: Mapping[str, Any]) -> Window:
    """Return when a stimulus was shown, ms."""
    name, index = given.get("interval_name"), given.get("interval_index", "all")
    known = file.names("/intervals") if "/intervals" in file else []
    table = next((n for n in (name, f"{name}_presentations") if is_name(n, known)), None)
    if table is None:
        raise SpikecudaValueError(
            f"{where}: interval_name must be one of {', '.join(known) or 'none'} of {file.path} "
            f"(got {shown(name)}{nearest(str(name), known)})"
        )
    base = f"/intervals/{table}"
    begin = file.array(f"{base}/start_time", "f").astype(np.float64) * 1e3
    end = file.array(f"{base}/stop_time", "f", 1, begin.size).astype(np.float64) * 1e3
    chosen = np.ones(begin.size, bool)
    for key, rule in given.items():
        if key not in ("interval_name", "interval_index"):
            if f"{base}/{key}" not in file:
                raise SpikecudaValueError(
                    f"{where}: {table} of {file.path} must have a column {key!r:.80} (got "
                    f"{', '.join(file.names(base)):.300})"
                )
            chosen &= _follows(where, _values(file, f"{base}/{key}", begin.size), key, rule)
    rows = np.flatnonzero(chosen)
    whole = isinstance(index, int) and not isinstance(index, bool)
    if not rows.size or not (index == "all" or (whole and -rows.size <= index < rows.size)):
        raise SpikecudaValueError(
            f"{where}: interval_index must be all, or one of the {rows.size:,} intervals that "
            f"follow the rules (got {shown(index)})"
        )
    rows = rows if index == "all" else rows[[index]]
    return float(begin[rows].min()), float(end[rows].max())


def _sampled(
    where: str, nodes: np.ndarray, units: list[Units], again: bool, seed: int
) -> dict[int, tuple[int, int]]:
    """Return a unit for each node, drawn: the number of its file and its place there."""
    owners = [(file, place) for file, some in enumerate(units) for place in range(some.ids.size)]
    if not owners:
        raise SpikecudaValueError(
            f"{where}: units must leave at least one (got none); drop a filter"
        )
    count = nodes.size if again else min(nodes.size, len(owners))
    drawn = np.random.default_rng(seed).choice(len(owners), count, replace=again)
    return {int(node): owners[unit] for node, unit in zip(nodes[:count], drawn, strict=True)}


def _mapped(
    path: Path, wanted: set[int], units: list[Units], own: dict[int, Window]
) -> dict[int, tuple[int, int]]:
    """Return the unit that a table gives each node; add windows of single units to ``own``."""
    places: dict[int, tuple[int, int]] = {}
    for file, some in enumerate(units):
        for place, unit in enumerate(some.ids.tolist()):
            places.setdefault(unit, (file, place))
    columns: list[str] = []
    result: dict[int, tuple[int, int]] = {}
    for line, cells in read_rows(path, "a table of units"):
        if not columns:
            columns = cells
            if not {"node_ids", "unit_ids"} <= set(columns):
                raise SpikecudaValueError(
                    f"{path}, line {line}: must name the columns node_ids and unit_ids (got "
                    f"{', '.join(columns):.200}); they stand between spaces"
                )
            continue
        row = dict(zip(columns, cells, strict=False))
        try:
            node, unit = int(row["node_ids"]), int(row["unit_ids"])
            window = None
            if "start_times" in columns and "stop_times" in columns:
                window = float(row["start_times"]), float(row["stop_times"])
        except (KeyError, ValueError):
            raise SpikecudaValueError(
                f"{path}, line {line}: must be {', '.join(columns)} (got {' '.join(cells)!r:.80})"
            ) from None
        if node not in wanted:  # published tables have the units of more nodes than there are
            continue
        if unit not in places:
            raise SpikecudaValueError(
                f"{path}, line {line}: unit_ids must be units of the files (got {unit})"
            )
        result[node] = places[unit]
        if window is not None:
            own[node] = _window(f"{path}, line {line}", window)
    return result
