"""NetworkResult in a file.

An npz file, which ``numpy.load`` reads. Keys, for a population P and a variable X:

- ``spikes/P/step`` int64, ``spikes/P/neuron`` int32: see ``Spikes``;
- ``ids/P`` int64: which neurons' spikes were recorded; absent: all;
- ``traces/P/X`` (samples, neurons), ``trace_times/P`` (samples,) ms;
- ``trace_ids/P`` int64: which neurons the traces' columns are; absent: all;
- ``metadata``: a JSON text with ``format``, ``spikecuda`` (its version), ``start``, ``duration``,
  ``dt`` (ms), ``seconds``, ``sizes``, the populations of ``spikes``, ``ids``, ``trace_times`` and
  ``trace_ids`` in their order, ``traces`` (variables by population) and ``units``.
"""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.npz import write_npz
from spikecuda.errors import SpikecudaValueError
from spikecuda.network.results.result import NetworkResult
from spikecuda.runtime.spikes import Spikes

FORMAT = "spikecuda network result 1"


def save(result: NetworkResult, path: str | os.PathLike[str]) -> Path:
    """Write a result: all of the file or nothing."""
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
    metadata = {
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
    }
    arrays["metadata"] = np.array(json.dumps(metadata))
    return write_npz(path, arrays)


def load(path: str | os.PathLike[str]) -> NetworkResult:
    """Read a result; raise SpikecudaValueError if the file holds something else."""
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            about = json.loads(str(file["metadata"]))
            found = about.get("format") if isinstance(about, dict) else None
            if found != FORMAT:
                raise SpikecudaValueError(
                    f"path must be a file of format {FORMAT!r} (got {found!r} in {os.fspath(path)})"
                )
            return _read(file, about)
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError, TypeError, AttributeError) as error:
        if isinstance(error, SpikecudaValueError):
            raise
        raise SpikecudaValueError(
            f"path must be a file that NetworkResult.save wrote (got {os.fspath(path)}: {error})"
        ) from error


def _read(file: Any, about: dict[str, Any]) -> NetworkResult:
    dt = about["dt"]

    def numbers(kind: str) -> dict[str, np.ndarray | None]:
        return {name: file.get(f"{kind}/{name}") for name in about[kind]}

    return NetworkResult(
        spikes={
            name: Spikes(file[f"spikes/{name}/step"], file[f"spikes/{name}/neuron"], dt)
            for name in about["spikes"]
        },
        sizes=about["sizes"],
        ids=numbers("ids"),
        traces={
            name: {variable: file[f"traces/{name}/{variable}"] for variable in variables}
            for name, variables in about["traces"].items()
        },
        trace_times={name: file[f"trace_times/{name}"] for name in about["trace_times"]},
        start=about["start"],
        duration=about["duration"],
        dt=dt,
        seconds=about["seconds"],
        trace_ids=numbers("trace_ids"),
        units=about["units"],
    )
