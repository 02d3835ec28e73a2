"""Results of runs one after the other, as one result."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from spikecuda.common.time_grid import nearest_step
from spikecuda.errors import SpikecudaValueError
from spikecuda.network.results.part import Part
from spikecuda.network.results.result import NetworkResult
from spikecuda.network.results.synapse_traces import SynapseTraces
from spikecuda.runtime.spikes import Spikes, join_spikes

# Numbers of runs are below it.
RUNS = 1 << 62


def join(results: Sequence[NetworkResult]) -> NetworkResult:
    """Return runs one after the other as one; see ``NetworkResult``.

    Raises:
        SpikecudaValueError: they do not follow each other, or did not record the same.
    """
    first = results[0]
    if len(results) == 1:
        return first
    for before, result in itertools.pairwise(results):
        _require_next(before, result)
    dt = first.dt
    spikes = {
        name: Spikes(
            *join_spikes([(r.spikes[name].step, r.spikes[name].neuron) for r in results]), dt
        )
        for name in first.spikes
    }
    traces = {
        name: {
            variable: np.concatenate([r.traces[name][variable] for r in results])
            for variable in states
        }
        for name, states in first.traces.items()
    }
    times = {
        name: np.concatenate([r.trace_times[name] for r in results]) for name in first.trace_times
    }
    # Of whole steps, as one run's would be.
    steps = sum(nearest_step(r.duration, dt) for r in results)
    return NetworkResult(
        spikes=spikes, sizes=first.sizes, ids=first.ids, traces=traces, trace_times=times,
        start=first.start, duration=steps * dt, dt=dt, seconds=sum(r.seconds for r in results),
        trace_ids=first.trace_ids, units=first.units,
        synapses={name: _synapses([r.synapses[name] for r in results]) for name in first.synapses},
        lateness=results[-1].lateness, part=_part(results),
    )  # fmt: skip


def _part(results: Sequence[NetworkResult]) -> Part | None:
    """Return the part that all of them are; a sum names the runs, however they were grouped."""
    first = results[0].part
    runs = sum(r.part.run for r in results if r.part is not None)
    return None if first is None else replace(first, run=runs % RUNS)


def _synapses(parts: Sequence[SynapseTraces]) -> SynapseTraces:
    """Return samples of the same synapses, one after the other."""
    values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return replace(parts[0], time=np.concatenate([part.time for part in parts]), values=values)


def _require_next(before: NetworkResult, result: NetworkResult) -> None:
    """Raise unless a result continues another one."""
    if before.dt != result.dt or before.sizes != result.sizes:
        raise SpikecudaValueError(
            f"results of one network join (got {before!r} and {result!r}, which have other "
            "populations or another dt)"
        )
    if abs(before.stop - result.start) > 0.5 * before.dt:
        raise SpikecudaValueError(
            f"results join that follow each other: the next one must start at {before.stop:g} ms "
            f"(got {result.start:g} ms)"
        )
    if (before.part is None) != (result.part is None) or not (
        before.part is None or before.part.same(result.part)
    ):
        raise SpikecudaValueError(
            f"results join that are parts of the same process, or whole (got {before!r} and "
            f"{result!r}); gather() makes a part whole"
        )
    recorded = [(_ids(r.ids), _ids(r.trace_ids), _variables(r)) for r in (before, result)]
    recorded_synapses = [
        [(name, part.source.tobytes(), part.target.tobytes(), list(part))
         for name, part in r.synapses.items()]
        for r in (before, result)
    ]  # fmt: skip
    same = recorded[0] == recorded[1] and recorded_synapses[0] == recorded_synapses[1]
    if list(before.spikes) != list(result.spikes) or not same:
        raise SpikecudaValueError(
            f"results join that recorded the same populations, neurons and variables (got "
            f"{before!r} and {result!r}); record() the same in both runs"
        )


def _ids(given: Mapping[str, np.ndarray | None]) -> dict[str, list[int] | None]:
    return {name: None if ids is None else ids.tolist() for name, ids in given.items()}


def _variables(result: NetworkResult) -> dict[str, list[tuple[str, str]]]:
    return {
        name: [(variable, str(array.dtype)) for variable, array in states.items()]
        for name, states in result.traces.items()
    }
