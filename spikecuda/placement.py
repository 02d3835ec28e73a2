"""Where the neurons of a system go: devices, partitions, and whether they fit."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from spikecuda.backends.base import Device, human
from spikecuda.balance import Task, balance, evenly, fits
from spikecuda.costs import cost
from spikecuda.errors import OutOfMemoryError
from spikecuda.partition import WINDOW_STEPS_MIN
from spikecuda.plan import Plan
from spikecuda.split import split

# (device, first neuron, number of neurons)
Place = tuple[Device, int, int]


def place(
    plans: Mapping[str, Plan], devices: Sequence[Device], most: int
) -> dict[str, list[Place]]:
    """Return the partitions of each type, so that all devices finish together and hold theirs.

    Args:
        plans: by type.
        devices: open; each may be there several times.
        most: the most neurons of one partition on a GPU.

    Raises:
        OutOfMemoryError: the devices together do not hold the neurons; says what they need and
            have.  Nothing has been allocated.
    """
    homes = list(dict.fromkeys(device.home for device in devices))
    first = {device.home: device for device in reversed(devices)}
    available = [first[home].available_memory() for home in homes]
    counts = [plan.count for plan in plans.values()]
    sizes = [bytes_per_neuron(plan) for plan in plans.values()]
    where = [homes.index(device.home) for device in devices]
    if sum(n * size for n, size in zip(counts, sizes, strict=True)) > sum(available):
        raise _refusal(plans, sizes, dict(zip(homes, available, strict=True)))
    # Devices of one kind need no measuring: with a share of every type each they are balanced.
    task = Task(counts, [[1.0] * len(devices) for _ in plans], sizes, where, available)
    placed: list[list[float]] | None = evenly(task)
    if len({device.description for device in devices}) > 1 or not fits(task, evenly(task)):
        seconds = [[cost(device, plan) for device in devices] for plan in plans.values()]
        placed = balance(replace(task, seconds=seconds))
    if placed is None:
        raise _refusal(plans, sizes, dict(zip(homes, available, strict=True)))
    result = {}
    for (name, plan), neurons in zip(plans.items(), placed, strict=True):
        ranges = split(plan.count, neurons, most)
        result[name] = _on_cpu_whole([(devices[d], first, n) for d, first, n in ranges])
    return result


def _on_cpu_whole(places: Sequence[Place]) -> list[Place]:
    """Join what follows each other on a CPU device: a launch there has no best size."""
    joined: list[Place] = []
    for device, first, n in places:
        if joined and joined[-1][0] is device and device.name.startswith("cpu"):
            _, start, before = joined.pop()
            joined.append((device, start, before + n))
        else:
            joined.append((device, first, n))
    return joined


def bytes_per_neuron(plan: Plan) -> float:
    """Return the bytes that a neuron takes: state, constants and the bits of a short window."""
    return plan.bytes_per_neuron() + WINDOW_STEPS_MIN / 8


def _refusal(
    plans: Mapping[str, Plan], sizes: Sequence[float], available: Mapping[str, float]
) -> OutOfMemoryError:
    needs = [plan.count * size for plan, size in zip(plans.values(), sizes, strict=True)]
    each = ", ".join(f"{name} {human(n)}" for name, n in zip(plans, needs, strict=True))
    there = ", ".join(f"{human(size)} on {home}" for home, size in available.items())
    total = sum(plan.count for plan in plans.values())
    return OutOfMemoryError(
        f"{total:,} neurons need {human(sum(needs))} ({each}; available: {there}); use fewer "
        'neurons, precision="float16" or more devices'
    )
