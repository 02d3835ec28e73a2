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
    if not shares or any(not 0 <= s < float("inf") for s in shares) or sum(shares) <= 0:
        raise SpikecudaValueError(
            f"shares must be finite, >= 0 and not all zero (got {list(shares)!r})"
        )
    exact = [total * share / sum(shares) for share in shares]
    counts = [int(e) for e in exact]
    order = sorted(range(len(counts)), key=lambda i: counts[i] - exact[i])
    for i in order[: total - sum(counts)]:
        counts[i] += 1
    return counts


def split(
    count: int, speeds: Sequence[float], most: int | None = None
) -> list[tuple[int, int, int]]:
    """Return contiguous ranges of neurons for devices, proportional to their speeds.

    Args:
        count: number of neurons.
        speeds: relative speed > 0 of each device.
        most: the most neurons of one range; a device then gets several.

    Returns:
        (device index, first neuron, number of neurons) in the order of the neurons: every neuron
        once, each device within one word of its share, none empty.
    """
    if not speeds or any(not 0 < s < float("inf") for s in speeds):
        raise SpikecudaValueError(f"speeds must be finite and > 0 (got {list(speeds)!r})")
    limit = count if most is None else max(GRAIN, -(-most // GRAIN) * GRAIN)
    ranges = []
    start, reached = 0, 0.0
    for device, speed in enumerate(speeds):
        reached += speed
        stop = count
        if device < len(speeds) - 1:
            stop = min(count, round(count * reached / sum(speeds) / GRAIN) * GRAIN)
        for first in range(start, stop, limit):
            ranges.append((device, first, min(limit, stop - first)))
        start = max(start, stop)
    return ranges
