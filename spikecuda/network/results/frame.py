"""NetworkResult as a pandas DataFrame."""

from typing import Any

import numpy as np

from spikecuda.common.data_frame import data_frame, labels
from spikecuda.common.time_grid import nearest_steps
from spikecuda.errors import SpikecudaValueError
from spikecuda.network.results.result import NetworkResult
from spikecuda.runtime import frames

OWNER, SYNAPSES = "population", "synapses"


def to_dataframe(result: NetworkResult, what: str, start: float | None, stop: float | None) -> Any:
    """Return a DataFrame; see ``NetworkResult.to_dataframe``."""
    kind = frames.as_kind(what, SYNAPSES)
    window = frames.as_window(start, stop, result.start, result.stop, result.dt)
    if kind == SYNAPSES:
        return _synapse_frame(result, window)
    if kind == "traces":
        if not result.traces:
            raise SpikecudaValueError(
                'no traces were recorded (got "traces"); net.record(name, variable) records them'
            )
        ids = {name: result.trace_neurons(name) for name in result.traces}
        return frames.trace_frame(OWNER, result.traces, result.trace_times, ids, window, result.dt)
    if not result.spikes:
        raise SpikecudaValueError(
            f'no spikes were recorded (got "{kind}"); net.record(name, "spikes") records them'
        )
    if kind == "spikes":
        return frames.spike_frame(OWNER, result.spikes, window)
    numbers = {}
    for name in result.spikes:
        neurons = result.neurons(name)
        numbers[name] = np.arange(neurons) if isinstance(neurons, int) else neurons
    return frames.rate_frame(OWNER, result.spikes, numbers, window)


def _synapse_frame(result: NetworkResult, window: tuple[int, int]) -> Any:
    """Return a row for each sample and synapse, in the order of projection, synapse and time."""
    if not result.synapses:
        raise SpikecudaValueError(
            "no synapses were recorded (got \"synapses\"); net.record(projection, 'weight', "
            "every=...) records them"
        )
    names = list(dict.fromkeys(v for found in result.synapses.values() for v in found.values))
    columns: dict[str, list[np.ndarray]] = {key: [] for key in ("source", "target", "time", *names)}
    sizes = []
    for found in result.synapses.values():
        # As samples of traces: the one at the end of step k belongs to it.
        steps = nearest_steps(found.time, result.dt) - 1
        low, high = np.searchsorted(steps, window)
        time = found.time[low:high]
        sizes.append(time.size * found.source.size)
        columns["source"].append(np.repeat(found.source, time.size))
        columns["target"].append(np.repeat(found.target, time.size))
        columns["time"].append(np.tile(time, found.source.size))
        for name in names:
            if name in found.values:
                columns[name].append(found.values[name][low:high].T.ravel())
            else:
                columns[name].append(np.full(sizes[-1], np.nan, np.float32))
    return data_frame({
        "projection": labels(list(result.synapses), sizes),
        **{key: np.concatenate(parts) for key, parts in columns.items()},
    })  # fmt: skip
