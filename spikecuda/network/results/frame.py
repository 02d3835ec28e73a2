"""NetworkResult as a pandas DataFrame."""

from typing import Any

import numpy as np

from spikecuda.errors import SpikecudaValueError
from spikecuda.network.results.result import NetworkResult
from spikecuda.runtime import frames

OWNER = "population"


def to_dataframe(result: NetworkResult, what: str, start: float | None, stop: float | None) -> Any:
    """Return a DataFrame; see ``NetworkResult.to_dataframe``."""
    kind = frames.as_kind(what)
    window = frames.as_window(start, stop, result.start, result.stop, result.dt)
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
