"""Make a run's result from what an engine recorded."""

from collections.abc import Mapping, Sequence

import numpy as np

from spikecuda.network.model.population import Group, View
from spikecuda.network.results.result import NetworkResult
from spikecuda.network.run.trace import Recorded, Trace, variables
from spikecuda.runtime.spikes import Spikes


def collected(
    groups: Sequence[Group],
    got: Recorded,
    wanted: Mapping[tuple[str, str], tuple[View, int]],
    traces: Sequence[Trace],
    start: int,
    steps: int,
    seconds: float,
) -> NetworkResult:
    """Return the result of a run.

    Args:
        groups: the populations, in the order of their numbers.
        got: what the engine recorded.
        wanted: by (population, variable): whose, and the steps between samples.
        traces: the variables, in the order of ``got.traces``.
        start: number of the first step.
        steps: of the run.
        seconds: wall-clock time.
    """
    dt = groups[0].neurons.dt
    spikes, ids = {}, {}
    for group in groups:
        if (group.name, "spikes") not in wanted:
            continue
        view = wanted[group.name, "spikes"][0]
        step, neuron = got.steps[group.number], got.neurons[group.number]
        if not view.whole:
            chosen = np.isin(neuron, view.ids)
            step, neuron = step[chosen], neuron[chosen]
        spikes[group.name] = Spikes(step, neuron, dt)
        ids[group.name] = None if view.whole else view.ids
    found: dict[str, dict[str, np.ndarray]] = {}
    times: dict[str, np.ndarray] = {}
    owners: dict[str, np.ndarray | None] = {}
    units: dict[str, dict[str, str]] = {}
    for trace, array in zip(traces, got.traces, strict=True):
        group = groups[trace.group]
        codec = group.neurons.codecs.get(trace.name)
        found.setdefault(group.name, {})[trace.name] = codec.decode(array) if codec else array
        first = start // trace.every + 1
        times[group.name] = np.arange(first, first + array.shape[0]) * (trace.every * dt)
        owners[group.name] = None if trace.ids.size == group.size else trace.ids
        units.setdefault(group.name, {})[trace.name] = variables(group)[trace.name]
    return NetworkResult(
        spikes=spikes, sizes={group.name: group.size for group in groups}, ids=ids, traces=found,
        trace_times=times, start=start * dt, duration=steps * dt, dt=dt, seconds=seconds,
        trace_ids=owners, units=units,
    )  # fmt: skip
