"""Split neurons over model types and devices: pure functions of numbers."""

from collections.abc import Sequence

from spikecuda.errors import SpikecudaValueError

# Boundaries between devices fall on whole words of spikes.
GRAIN = 32


def shares_of(total: int, shares: Sequence[float]) -> list[int]:
    """Return how many neurons each type gets: proportional to its share, all neurons given out.

    Args:
        total: number of neurons.
        shares: a weight >= 0 for each type, not all zero.

    The largest remainders are rounded up (Hamilton's method), earlier types first.
    """
    _require_weights("shares", shares)
    exact = [total * share / sum(shares) for share in shares]
    counts = [int(e) for e in exact]
    order = sorted(range(len(counts)), key=lambda i: counts[i] - exact[i])
    for i in order[: total - sum(counts)]:
        counts[i] += 1
    return counts


def split(
    count: int, weights: Sequence[float], most: int | None = None
) -> list[tuple[int, int, int]]:
    """Return contiguous ranges of neurons for devices, proportional to their weights.

    Args:
        count: number of neurons.
        weights: of each device, >= 0, not all zero.
        most: the most neurons of one range; a device then gets several.

    Returns:
        (device index, first neuron, number of neurons) in the order of the neurons: every neuron
        once, each device within one word of its share, none empty.  A device added at the end
        only takes over neurons: no neuron goes to a device before its own.
    """
    _require_weights("weights", weights)
    limit = count if most is None else max(GRAIN, -(-most // GRAIN) * GRAIN)
    ranges = []
    start, reached, whole = 0, 0.0, sum(weights)
    for device, weight in enumerate(weights):
        reached += weight
        stop = count
        if any(weights[device + 1 :]):
            stop = min(count, round(count * reached / whole / GRAIN) * GRAIN)
        if not weight:
            continue
        for first in range(start, stop, limit):
            ranges.append((device, first, min(limit, stop - first)))
        start = max(start, stop)
    return ranges


def _require_weights(name: str, weights: Sequence[float]) -> None:
    if not weights or any(not 0 <= w < float("inf") for w in weights) or sum(weights) <= 0:
        raise SpikecudaValueError(
            f"{name} must be finite, >= 0 and not all zero (got {list(weights)!r})"
        )
