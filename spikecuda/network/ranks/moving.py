"""What moves in a network over processes, brought together in one of them; see ``run.moving``."""

import numpy as np

from spikecuda.network.ranks.ranks import Ranks
from spikecuda.network.run.moving import TARGET, Moving, SpikeHistory


def gather_moving(ranks: Ranks, own: Moving) -> Moving:
    """Return in rank 0 what moves in all processes, in the others what they passed.

    Of sources, marks and modulators all know the same.  Of targets, each knows its own.

    Args:
        ranks: the processes.
        own: what this one knows.
    """
    columns = own.summed().arrays()
    parts = [ranks.gathered(array, f"arrivals {i}") for i, array in enumerate(columns)]
    if ranks.rank == 0:
        own.arrivals = list(zip(*parts, strict=True))
    for key in sorted(own.histories):
        if key[1] == TARGET:
            own.histories[key] = _history(ranks, own.histories[key], str(key))
    for number in sorted(own.seen):
        own.seen[number] = _rings(ranks, own.seen[number], f"states {number}")
    return own


def _history(
    ranks: Ranks, parts: list[tuple[int, SpikeHistory]], of: str
) -> list[tuple[int, SpikeHistory]]:
    """Return in rank 0 the history of all processes' neurons, as one part."""
    first, size = min(first for first, _ in parts), sum(part.counts.size for _, part in parts)
    joined = SpikeHistory.joined(size, [(at - first, part) for at, part in parts])
    width = joined.values.shape[1]
    found = [
        ranks.gathered(array.reshape(-1), f"history {of}")
        for array in (joined.counts, joined.steps, joined.values)
    ]
    if ranks.rank:
        return parts
    counts, steps, values = (np.concatenate(arrays) for arrays in found)
    return [(0, SpikeHistory(counts, steps, values.reshape(steps.size, width)))]


def _rings(
    ranks: Ranks, parts: list[tuple[int, np.ndarray]], of: str
) -> list[tuple[int, np.ndarray]]:
    """Return in rank 0 what rules saw of all processes' neurons, as one part."""
    ordered = [ring for _, ring in sorted(parts, key=lambda part: part[0])]
    steps = int(ranks.least(np.array([min(ring.shape[0] for ring in ordered)]))[0])
    own = np.concatenate([ring[:steps] for ring in ordered], axis=2)
    found = ranks.gathered(np.moveaxis(own, 2, 0).reshape(-1), of)
    if ranks.rank:
        return parts
    whole = np.concatenate(found).reshape(-1, *own.shape[:2])
    return [(0, np.ascontiguousarray(np.moveaxis(whole, 0, 2)))]
