"""Make a run's result from what an engine recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from spikecuda.network.model.population import Population, View
from spikecuda.network.model.trace import Trace, variables
from spikecuda.network.results.part import Part
from spikecuda.network.results.result import NetworkResult
from spikecuda.network.results.synapse_traces import SynapseTraces, label_of
from spikecuda.network.results.weight_samples import WeightSamples
from spikecuda.network.run.trace import Recorded
from spikecuda.runtime.spikes import Spikes


def make_result(
    populations: Sequence[Population],
    got: Recorded,
    wanted: Mapping[tuple[str, str], tuple[View, int]],
    traces: Sequence[Trace],
    start: int,
    steps: int,
    seconds: float,
    samples: Sequence[WeightSamples] = (),
    part: Part | None = None,
) -> NetworkResult:
    """Return the result of a run.

    Args:
        populations: the populations, in the order of their numbers.
        got: what the engine recorded.
        wanted: by (population, variable): whose, and the steps between samples.
        traces: the variables, in the order of ``got.traces``.
        start: number of the first step.
        steps: of the run.
        seconds: wall-clock time.
        samples: of synapses.
        part: what of the network this process records; None: all of it.
    """
    dt = populations[0].neurons.dt
    numbered = {population.number: population for population in populations}
    spikes, ids = {}, {}
    for population in populations:
        if (population.name, "spikes") not in wanted:
            continue
        view = wanted[population.name, "spikes"][0]
        step, neuron = got.steps[population.number], got.neurons[population.number]
        if not view.whole:
            chosen = np.isin(neuron, view.ids)
            step, neuron = step[chosen], neuron[chosen]
        if part is not None:
            first, end = part.bounds[population.name]
            chosen = (neuron >= first) & (neuron < end)
            step, neuron = (step, neuron) if chosen.all() else (step[chosen], neuron[chosen])
        spikes[population.name] = Spikes(step, neuron, dt)
        chosen_ids = None if view.whole else view.ids
        ids[population.name] = chosen_ids if part is None else part.ids(population.name, chosen_ids)
    found: dict[str, dict[str, np.ndarray]] = {}
    times: dict[str, np.ndarray] = {}
    owners: dict[str, np.ndarray | None] = {}
    units: dict[str, dict[str, str]] = {}
    for trace, array in zip(traces, got.traces, strict=True):
        population = numbered[trace.population]
        codec = population.neurons.codecs.get(trace.name)
        found.setdefault(population.name, {})[trace.name] = codec.decode(array) if codec else array
        first = start // trace.every + 1
        times[population.name] = np.arange(first, first + array.shape[0]) * (trace.every * dt)
        whole = trace.ids.size == population.size and (part is None or part.ranks == 1)
        owners[population.name] = None if whole else trace.ids
        units.setdefault(population.name, {})[trace.name] = variables(population)[trace.name]
    synapses: dict[str, SynapseTraces] = {}
    places = {}
    for sample in samples:
        label = label_of(sample.projection, synapses)
        synapses[label], places[label] = sample.result(part is None)
    if part is not None:
        part = replace(part, places=places)
    return NetworkResult(
        spikes=spikes, sizes={p.name: p.size for p in populations}, ids=ids, traces=found,
        trace_times=times, start=start * dt, duration=steps * dt, dt=dt, seconds=seconds,
        trace_ids=owners, units=units, synapses=synapses, part=part,
    )  # fmt: skip
