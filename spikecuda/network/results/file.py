"""NetworkResult in a file.

An npz file, which ``numpy.load`` reads. Keys, for a population P and a variable X:

- ``spikes/P/step`` int64, ``spikes/P/neuron`` int32: see ``Spikes``;
- ``ids/P`` integers: which neurons' spikes were recorded; absent: all;
- ``traces/P/X`` (samples, neurons), ``trace_times/P`` (samples,) ms;
- ``trace_ids/P`` integers: which neurons the traces' columns are; absent: all;
- ``synapses/K/time`` (samples,) ms, ``synapses/K/source`` and ``synapses/K/target`` (synapses,),
  ``synapses/K/values/X`` (samples, synapses): of the K-th projection of ``synapses`` below;
- ``synapses/K/places`` (synapses,): of a part, where its synapses are among those of the whole;
- ``metadata``: a JSON text with ``format``, ``spikecuda`` (its version), ``start``, ``duration``,
  ``dt`` (ms), ``seconds``, ``sizes``, the populations of ``spikes``, ``ids``, ``trace_times`` and
  ``trace_ids`` in their order, ``traces`` (variables by population), ``units``, ``synapses``:
  ``name``, ``number`` and ``units`` of each projection, ``lateness`` of runs in real time, and
  ``part`` of results of one process: its ``rank``, how many ``ranks`` there are, ``run``, a number
  that all parts of the run have, and ``bounds``, the first of its neurons and the end by
  population.
"""

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.npz import FormatError, reading_npz, write_npz
from spikecuda.errors import SpikecudaValueError
from spikecuda.network.results.exports import RANK
from spikecuda.network.results.reader import ResultReader
from spikecuda.network.results.result import NetworkResult

FORMAT = "spikecuda network result 1"
# Bytes of a text that is parsed as a whole; a result of a thousand populations has 300 KB.
LARGEST_METADATA = 64 << 20


def save(result: NetworkResult, path: str | os.PathLike[str]) -> Path:
    """Write a result: all of the file or nothing."""
    metadata, arrays = parts_of(result)
    return write_npz(path, {**arrays, "metadata": np.array(json.dumps(metadata))})


def parts_of(result: NetworkResult) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return a result's metadata, of what JSON has, and its arrays by key."""
    from spikecuda import __version__

    arrays: dict[str, Any] = {}
    for name, spikes in result.spikes.items():
        arrays[f"spikes/{name}/step"] = spikes.step
        arrays[f"spikes/{name}/neuron"] = spikes.neuron
    for name, states in result.traces.items():
        arrays.update({f"traces/{name}/{variable}": v for variable, v in states.items()})
    arrays.update({f"trace_times/{name}": times for name, times in result.trace_times.items()})
    for key, given in (("ids", result.ids), ("trace_ids", result.trace_ids)):
        arrays.update({f"{key}/{name}": ids for name, ids in given.items() if ids is not None})
    for k, found in enumerate(result.synapses.values()):
        series = {"time": found.time, "source": found.source, "target": found.target}
        series |= {f"values/{name}": values for name, values in found.values.items()}
        arrays.update({f"synapses/{k}/{name}": array for name, array in series.items()})
    part = None
    if (own := result.part) is not None:
        part = {
            "rank": own.rank, "ranks": own.ranks, "run": int(own.run),
            "bounds": {name: list(map(int, bounds)) for name, bounds in own.bounds.items()},
        }  # fmt: skip
        for k, name in enumerate(result.synapses):
            if name in own.places:
                arrays[f"synapses/{k}/places"] = own.places[name]
    metadata = {
        "part": part,
        "format": FORMAT,
        "spikecuda": __version__,
        "start": float(result.start),
        "duration": float(result.duration),
        "dt": float(result.dt),
        "seconds": float(result.seconds),
        "sizes": {name: int(size) for name, size in result.sizes.items()},
        "spikes": list(result.spikes),
        "ids": list(result.ids),
        "traces": {name: list(states) for name, states in result.traces.items()},
        "trace_times": list(result.trace_times),
        "trace_ids": list(result.trace_ids),
        "units": result.units,
        "lateness": None if result.lateness is None else result.lateness.as_dict(),
        "synapses": [
            {"name": name, "number": found.number, "units": dict(found.units)}
            for name, found in result.synapses.items()
        ],
    }
    return metadata, arrays


def load_parts(path: str | os.PathLike[str]) -> NetworkResult:
    """Read a result, or the parts of one if the path has "{rank}" in it; see ``load``.

    Raises:
        SpikecudaValueError: a file holds something else, or not a part of the same run.
        FileNotFoundError: a part is missing.
    """
    from spikecuda.network.results.part import join_parts

    if RANK not in str(path):
        return load(path)

    def named(rank: int) -> str:
        return os.fspath(path).replace(RANK, str(rank))

    first = load(named(0))
    if first.part is None:
        raise SpikecudaValueError(
            f"{named(0)} must be a part of a result (got a whole one); load that file by its name"
        )
    ranks, parts = first.part.ranks, [first]
    for rank in range(1, ranks):
        if not os.path.exists(named(rank)):
            raise FileNotFoundError(
                errno.ENOENT, f"the result has {ranks:,} parts, and that of rank {rank} must be "
                "beside the others; bring all files of the run into one folder", named(rank),
            )  # fmt: skip
        parts.append(load(named(rank)))
    return join_parts(parts)


def load(path: str | os.PathLike[str]) -> NetworkResult:
    """Read a result that ``save`` wrote; everything in it is checked.

    Raises:
        SpikecudaValueError: the file holds something else, or what no run can have recorded.
        OutOfMemoryError: it does not fit in memory.
    """
    with reading_npz(path, "a file that NetworkResult.save wrote") as file:
        if "metadata" in file and file.size("metadata") > LARGEST_METADATA:
            raise FormatError(f"metadata has {file.size('metadata'):,} bytes")
        about = json.loads(str(file.array("metadata", "U", 0)))
        found = about.get("format") if isinstance(about, dict) else None
        if found != FORMAT:
            raise FormatError(f"it must be of format {FORMAT!r}, not {found!r:.80}")
        return ResultReader(file, about).read()
