"""Balance neurons of several types over devices: a pure function of numbers."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Another order of types or devices must finish sooner by this factor: costs are measured.
WORTH = 0.95
# More orders than these are not tried.
MOST_TYPES, MOST_DEVICES = 4, 4
HALVINGS = 60


@dataclass(frozen=True)
class Task:
    """What is to be spread.

    Attributes:
        counts: neurons of each type.
        seconds: cost of one update, [type][device].
        sizes: bytes of a neuron of each type.
        homes: which memory each device takes.
        available: bytes of each memory.
    """

    counts: Sequence[int]
    seconds: Sequence[Sequence[float]]
    sizes: Sequence[float]
    homes: Sequence[int]
    available: Sequence[float]

    @property
    def needs(self) -> list[float]:
        """Bytes of each type's neurons."""
        return [count * size for count, size in zip(self.counts, self.sizes, strict=True)]

    @property
    def devices(self) -> range:
        """The devices' indices."""
        return range(len(self.homes))


def balance(task: Task) -> list[list[float]] | None:
    """Return how many neurons of each type each device gets, or None if they do not fit.

    Two ways are compared.  Evenly: each type over all devices, in proportion to their speeds for
    it.  In line: the types in a row, cut once between each device and the next, so that a device
    has few types, where possible those that it is good at; a device whose memory is full takes no
    more.  The second is taken where it finishes sooner by a twentieth, or where the first does not
    fit.  In both, all devices finish together, unless memory keeps one from it.

    Returns:
        [type][device], fractions of neurons included.
    """
    best: list[list[float]] | None = None
    soonest = float("inf")
    if fits(task, even := evenly(task)):
        best, soonest = even, WORTH * finish(task, even)
    for types, devices in _orders(task):
        found = in_line(task, types, devices)
        if found is not None and finish(task, found) < soonest:
            best, soonest = found, WORTH * finish(task, found)
    return best


def evenly(task: Task) -> list[list[float]]:
    """Return each type spread over all devices in proportion to their speeds for it."""
    result = []
    for count, seconds in zip(task.counts, task.seconds, strict=True):
        whole = sum(1.0 / s for s in seconds)
        result.append([count / s / whole for s in seconds])
    return result


def in_line(task: Task, types: Sequence[int], devices: Sequence[int]) -> list[list[float]] | None:
    """Return the types in a row, cut so that devices in a row finish together; None: no room."""
    whole = sum(
        count * min(seconds) for count, seconds in zip(task.counts, task.seconds, strict=True)
    )
    longest = sum(
        count * max(seconds) for count, seconds in zip(task.counts, task.seconds, strict=True)
    )
    best = _filled(task, types, devices, longest)
    low, high = whole / len(task.homes), longest
    for _ in range(HALVINGS if best is not None else 0):
        middle = (low + high) / 2
        found = _filled(task, types, devices, middle)
        if found is None:
            low = middle
        else:
            best, high = found, middle
    return best


def finish(task: Task, placed: Sequence[Sequence[float]]) -> float:
    """Return the time of a step on the device that takes longest, in seconds."""
    return max(
        sum(n[d] * s[d] for n, s in zip(placed, task.seconds, strict=True)) for d in task.devices
    )


def _filled(
    task: Task, types: Sequence[int], devices: Sequence[int], limit: float
) -> list[list[float]] | None:
    """Return what devices take, one after the other, each until its time or memory is used up."""
    left = [float(count) for count in task.counts]
    room = list(task.available)
    placed = [[0.0] * len(task.homes) for _ in task.counts]
    for d in devices:
        time = limit
        for t in types:
            seconds, size, home = task.seconds[t][d], task.sizes[t], task.homes[d]
            n = min(left[t], time / seconds, room[home] / size)
            placed[t][d] += n
            left[t] -= n
            time -= n * seconds
            room[home] -= n * size
            if left[t] > 1e-6 * task.counts[t]:
                break
    whole = all(n <= 1e-6 * count for n, count in zip(left, task.counts, strict=True))
    return placed if whole else None


def fits(task: Task, placed: Sequence[Sequence[float]]) -> bool:
    """Tell whether every memory holds what its devices get."""
    need = [0.0] * len(task.available)
    for neurons, size in zip(placed, task.sizes, strict=True):
        for n, home in zip(neurons, task.homes, strict=True):
            need[home] += n * size
    return all(n <= there for n, there in zip(need, task.available, strict=True))


def _orders(task: Task) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
    """Yield orders of types and devices, the given one first; alike devices stay as given."""
    types, devices = range(len(task.counts)), list(task.devices)
    if len(types) > MOST_TYPES or len(devices) > MOST_DEVICES:
        # By what the last device is worse at than the first one.
        yield types, devices
        by_advantage = sorted(types, key=lambda t: task.seconds[t][0] / task.seconds[t][-1])
        yield by_advantage, devices
        return
    seen = set()
    for order in itertools.permutations(types):
        for chosen in itertools.permutations(devices):
            columns = tuple(tuple(s[d] for s in task.seconds) for d in chosen)
            homes = tuple(task.homes[d] for d in chosen)
            if (order, columns, homes) not in seen:
                seen.add((order, columns, homes))
                yield order, chosen
