"""The part of a result that one process of several recorded, and results joined from parts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from spikecuda.errors import SpikecudaValueError
from spikecuda.network.results.result import NetworkResult
from spikecuda.network.results.synapse_traces import SynapseTraces
from spikecuda.runtime.spikes import Spikes, merge_spikes

K = TypeVar("K")
Ids = Mapping[str, np.ndarray | None]


@dataclass(frozen=True, eq=False)
class Part:
    """Which part of a result a process has; see ``Network.run(gather=False)``.

    Attributes:
        rank: number of the process, of ``ranks``.
        ranks: how many processes have the whole.
        bounds: by population: the first of its neurons that the process records, and the end.
        places: by name of a projection in ``synapses``: int64 (synapses,), where its recorded
            synapses are among those of the whole.
        run: a number that all parts of one run have, and no other run's; 0: one process has all.
    """

    rank: int
    ranks: int
    bounds: Mapping[str, tuple[int, int]]
    places: Mapping[str, np.ndarray] = field(default_factory=dict)
    run: int = 0

    def ids(self, name: str, ids: np.ndarray | None) -> np.ndarray | None:
        """Return which of some neurons of a population are the process'; None: all there are.

        Args:
            name: of the population.
            ids: int32, ascending; None: all.
        """
        if self.ranks == 1:
            return ids
        first, end = self.bounds[name]
        if ids is None:
            return np.arange(first, end, dtype=np.int32)
        return ids[slice(*np.searchsorted(ids, (first, end)))]

    def same(self, other: "Part | None") -> bool:
        """Tell whether another part is that of the same process in the same split."""
        return (
            other is not None
            and (self.rank, self.ranks) == (other.rank, other.ranks)
            and dict(self.bounds) == dict(other.bounds)
        )


def cut(result: NetworkResult, part: Part) -> NetworkResult:
    """Return what a process records of a whole result."""
    if part.ranks == 1:
        return replace(result, part=part)
    spikes = {}
    for name, found in result.spikes.items():
        first, end = part.bounds[name]
        mine = (found.neuron >= first) & (found.neuron < end)
        spikes[name] = Spikes(found.step[mine], found.neuron[mine], found.dt)
    traces = {}
    for name, states in result.traces.items():
        ids = result.trace_ids.get(name)
        bounds = part.bounds[name]
        columns = slice(*(bounds if ids is None else np.searchsorted(ids, bounds)))
        traces[name] = {v: np.ascontiguousarray(array[:, columns]) for v, array in states.items()}
    synapses = {}
    for name, recorded in result.synapses.items():
        places = part.places[name]
        synapses[name] = replace(
            recorded, source=recorded.source[places], target=recorded.target[places],
            values={v: np.ascontiguousarray(a[:, places]) for v, a in recorded.values.items()},
        )  # fmt: skip
    return replace(
        result, spikes=spikes, traces=traces, synapses=synapses, part=part,
        ids={name: part.ids(name, ids) for name, ids in result.ids.items()},
        trace_ids={name: part.ids(name, ids) for name, ids in result.trace_ids.items()},
    )  # fmt: skip


def join_parts(results: Sequence[NetworkResult]) -> NetworkResult:
    """Return the parts of all processes as one result: that of a run with ``gather=True``.

    Seconds and lateness are those of rank 0.

    Args:
        results: of the same run, in any order.

    Raises:
        SpikecudaValueError: they are not all parts of one run, each once.
    """
    parts = _ordered(results)
    first = parts[0]
    spikes = {
        name: Spikes(
            *merge_spikes([(r.spikes[name].step, r.spikes[name].neuron) for r in parts]), first.dt
        )
        for name in first.spikes
    }
    traces = {
        name: {v: np.concatenate([r.traces[name][v] for r in parts], axis=1) for v in states}
        for name, states in first.traces.items()
    }
    return replace(
        first, spikes=spikes, traces=traces, part=None,
        ids=_joined_ids([r.ids for r in parts], first.sizes),
        trace_ids=_joined_ids([r.trace_ids for r in parts], first.sizes),
        synapses={
            name: _joined_synapses([(r.synapses[name], _places(r, name)) for r in parts])
            for name in first.synapses
        },
    )  # fmt: skip


def _ordered(results: Sequence[NetworkResult]) -> list[NetworkResult]:
    """Return parts by rank; raise unless there is each of one run once."""
    found = sorted(results, key=lambda r: -1 if r.part is None else r.part.rank)
    ranks = [None if r.part is None else r.part.rank for r in found]
    count = found[0].part.ranks if found and found[0].part is not None else 0
    if not count or ranks != list(range(count)):
        raise SpikecudaValueError(
            f"results must be the parts of all {count or ''} processes of one run, each once (got "
            f"those of ranks {', '.join(map(str, ranks)) or 'none'}; None is a whole result); "
            "run(..., gather=False) makes parts"
        )
    first = found[0]
    about, follow = _about(first), _follow(found)
    for other in found[1:]:
        assert other.part is not None and first.part is not None
        same = follow and other.part.ranks == count and _about(other) == about
        if not same or other.part.run != first.part.run:
            why = "is of another run" if same else "recorded something else"
            raise SpikecudaValueError(
                f"results must be parts of one run (got {first!r} of rank 0 and {other!r} of rank "
                f"{other.part.rank}, which {why}); give files of the same run"
            )
    return found


def _about(r: NetworkResult) -> tuple[object, ...]:
    """Return what all parts of a run have in common."""
    return (
        r.start, r.duration, r.dt, r.sizes, list(r.spikes), r.units, list(r.synapses),
        {name: times.tobytes() for name, times in r.trace_times.items()},
        {name: list(states) for name, states in r.traces.items()},
        {name: (list(s), s.time.tobytes()) for name, s in r.synapses.items()},
    )  # fmt: skip


def _follow(parts: Sequence[NetworkResult]) -> bool:
    """Tell whether the neurons of parts follow each other, and are all there are."""
    bounds = [r.part.bounds for r in parts if r.part is not None]
    for name, size in parts[0].sizes.items():
        edges = [edge for each in bounds for edge in each.get(name, (0, 0))]
        if edges[0] != 0 or edges[-1] != size or edges[1:-1:2] != edges[2::2]:
            return False
    return True


def _joined_ids(each: Sequence[Ids], sizes: Mapping[str, int]) -> dict[str, np.ndarray | None]:
    result: dict[str, np.ndarray | None] = {}
    for name in each[0]:
        found = [ids for part in each if (ids := part[name]) is not None]
        joined = np.concatenate(found) if found else None
        result[name] = None if joined is None or joined.size == sizes[name] else joined
    return result


def _places(result: NetworkResult, name: str) -> np.ndarray:
    """Return where a part's synapses are in the whole."""
    size = result.synapses[name].source.size
    places = None if result.part is None else result.part.places.get(name)
    return np.arange(size) if places is None else places


def _joined_synapses(parts: Sequence[tuple[SynapseTraces, np.ndarray]]) -> SynapseTraces:
    """Return samples of the synapses of all parts, each with its place in the whole."""
    first = parts[0][0]
    places = np.concatenate([own for _, own in parts])
    if not np.array_equal(np.sort(places), np.arange(places.size)):
        raise SpikecudaValueError(
            f"results must have each recorded synapse once (got {places.size:,} places with gaps); "
            "give files of the same run"
        )

    def whole(arrays: Iterator[np.ndarray]) -> np.ndarray:
        listed = list(arrays)
        result = np.empty((*listed[0].shape[:-1], places.size), listed[0].dtype)
        for (_, own), array in zip(parts, listed, strict=True):
            result[..., own] = array
        return result

    return replace(
        first, source=whole(s.source for s, _ in parts), target=whole(s.target for s, _ in parts),
        values={name: whole(s.values[name] for s, _ in parts) for name in first.values},
    )  # fmt: skip
