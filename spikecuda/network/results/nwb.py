"""NetworkResult as a file of Neurodata Without Borders (NWB 2)."""

import math
import os
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.arguments import shown
from spikecuda.common.hdf5 import writing_hdf5
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.common.packages import need
from spikecuda.common.time_grid import nearest_step
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, nearest
from spikecuda.network.results.result import NetworkResult

EXTRA = "nwb"
MS = 1e-3
# By our unit: NWB's, and how many of it one of ours is.
UNITS = {
    "mV": ("volts", 1e-3), "pA": ("amperes", 1e-12), "nS": ("siemens", 1e-9), "ms": ("seconds", MS),
    "pF": ("farads", 1e-12), "Hz": ("hertz", 1.0),
}  # fmt: skip
FIXED = ("session_description", "identifier", "session_start_time")


@out_of_memory("an NWB file", "record fewer neurons, or less often")
def to_nwb(
    result: NetworkResult,
    path: str | os.PathLike[str],
    subject: Mapping[str, Any] | None = None,
    about: Mapping[str, Any] | None = None,
) -> Path:
    """Write a result as an NWB file; see ``Exports.to_nwb``.

    Raises:
        MissingPackageError: pynwb is not installed.
        SpikecudaValueError: nothing was recorded, or a field that NWB does not have.
    """
    pynwb = need("pynwb", EXTRA, "to_nwb")
    if not result.spikes and not result.traces:
        raise SpikecudaValueError(
            "nothing was recorded (got a file for it); net.record(name, ...) records something"
        )
    given = _fields("about", about)
    start = given.get("session_start_time", datetime.now(UTC).replace(microsecond=0))
    if not isinstance(start, datetime):
        raise SpikecudaTypeError(f"session_start_time must be a datetime (got {shown(start)})")
    if start.tzinfo is None:
        raise SpikecudaValueError(
            f"session_start_time must have a time zone (got {start}); datetime(..., tzinfo=UTC)"
        )
    own = {
        "session_description": f"simulation with spikecuda, {result.start:g} to {result.stop:g} ms",
        "identifier": str(uuid.uuid4()), "session_start_time": start,
    }  # fmt: skip
    who = {"subject_id": "simulation", "species": "http://purl.obolibrary.org/obo/NCBITaxon_1",
           "sex": "U", "age": "P0D", "description": "a simulated network",
           **_fields("subject", subject)}  # fmt: skip
    try:
        file = pynwb.NWBFile(**{**own, **given}, subject=pynwb.file.Subject(**who))
    except TypeError as error:
        known = ["experimenter", "lab", "institution", "keywords", "session_id", "notes", *FIXED]
        name = str(error).split("'")[1] if "'" in str(error) else ""
        raise SpikecudaValueError(
            f"about and subject must be fields of pynwb's NWBFile and Subject ({error!s:.200})"
            f"{nearest(name, known)}"
        ) from None
    if result.spikes:
        file.units = _units(pynwb, result)
    if result.traces:
        _traces(pynwb, file, result)
    with writing_hdf5(path, EXTRA) as opened, pynwb.NWBHDF5IO(file=opened, mode="w") as io:
        io.write(file)
    return Path(path)


def _fields(name: str, given: Mapping[str, Any] | None) -> dict[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise SpikecudaTypeError(f"{name} must be a dict of fields (got {shown(given)})")
    return dict(given or {})


def _units(pynwb: Any, result: NetworkResult) -> Any:
    """Return the table of units: a row for each neuron whose spikes were recorded."""
    from hdmf.common import VectorData, VectorIndex

    names: list[str] = []
    ids: list[np.ndarray] = [np.empty(0, np.int64)]
    times, counts = [np.empty(0)], [np.empty(0, np.int64)]
    for name in result.spikes:
        spikes, neurons, _, _ = result.window(name)
        here = np.arange(neurons) if isinstance(neurons, int) else np.asarray(neurons)
        order = np.argsort(spikes.neuron, kind="stable")
        owners = spikes.neuron[order]
        low, high = np.searchsorted(owners, here), np.searchsorted(owners, here, side="right")
        names += [name] * here.size
        ids.append(here.astype(np.int64))
        times.append(spikes.time[order] * MS)
        counts.append(high - low)
    count = len(names)
    ends = np.cumsum(np.concatenate(counts))
    edges = [nearest_step(t, result.dt) * result.dt * MS for t in (result.start, result.stop)]
    spike_times = VectorData(
        name="spike_times", description="spike times of each unit, s", data=np.concatenate(times)
    )
    observed = VectorData(
        name="obs_intervals", description="when it was recorded, s",
        data=np.tile(np.array(edges), (count, 1)),
    )  # fmt: skip
    columns = [
        VectorData(name="population", description="population of the network", data=names),
        VectorData(
            name="neuron", description="number within the population", data=np.concatenate(ids)
        ),
        spike_times,
        VectorIndex(name="spike_times_index", data=ends, target=spike_times),
        observed,
        VectorIndex(name="obs_intervals_index", data=np.arange(1, count + 1), target=observed),
    ]
    return pynwb.misc.Units(
        name="units", description="simulated neurons", id=np.arange(count), columns=columns,
        colnames=["population", "neuron", "spike_times", "obs_intervals"],
        resolution=result.dt * MS,
    )  # fmt: skip


def _traces(pynwb: Any, file: Any, result: NetworkResult) -> None:
    """Add variables as series, and a table of which column is which neuron."""
    from hdmf.common import DynamicTable, VectorData

    rows: dict[str, list[Any]] = {"series": [], "column": [], "population": [], "neuron": []}
    for name, states in result.traces.items():
        times = result.trace_times[name]
        if not times.size:
            continue
        every = nearest_step(float(times[1] - times[0]), result.dt) if times.size > 1 else 1
        neurons = result.trace_neurons(name)
        for variable, values in states.items():
            ours = result.units.get(name, {}).get(variable, "")
            unit, factor = UNITS.get(ours, (ours or "n.a.", 1.0))
            series = f"{name}_{variable}"
            file.add_acquisition(pynwb.TimeSeries(
                name=series, data=values, unit=unit, conversion=factor,
                starting_time=float(times[0]) * MS, rate=_rate(every * result.dt),
                description=f"{variable} of {name}; processing/misc/traces names the neurons",
            ))  # fmt: skip
            for column, neuron in enumerate(neurons):
                for key, value in zip(rows, (series, column, name, int(neuron)), strict=True):
                    rows[key].append(value)
    table = DynamicTable(
        name="traces", description="which neuron each column of the series in acquisition is",
        columns=[VectorData(name=k, description=f"{k} of the trace", data=v)
                 for k, v in rows.items()],
    )  # fmt: skip
    file.create_processing_module("misc", "which neurons were recorded").add(table)


def _rate(interval: float) -> float:
    """Return how many intervals of some ms are in a second, as a round number where it is one."""
    rate = 1e3 / interval
    return float(round(rate)) if math.isclose(rate, round(rate), rel_tol=1e-12) else rate
