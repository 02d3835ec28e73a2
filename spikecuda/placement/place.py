"""Place the neurons of a system: devices, partitions, and whether they fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from spikecuda.common.terminal import human_bytes
from spikecuda.devices.base import Device
from spikecuda.devices.kinds import CPU
from spikecuda.errors import OutOfMemoryError
from spikecuda.placement.apportion import split
from spikecuda.placement.load_balance import Task, balance, evenly, fits
from spikecuda.placement.update_costs import cost
from spikecuda.runtime.neuron_spec import NeuronSpec
from spikecuda.runtime.pool_partition import WINDOW_STEPS_MIN

# (device, first neuron, number of neurons)
Place = tuple[Device, int, int]


@dataclass(frozen=True)
class Placement:
    """Where neurons go.

    Attributes:
        places: the partitions of each type, in the order of the neurons.
        streaming: devices whose share does not fit, so that its state streams through them from
            host memory; and how many partitions stream through the same memory.
    """

    places: dict[str, list[Place]]
    streaming: dict[Device, int]


def place(
    neuron_specs: Mapping[str, NeuronSpec], devices: Sequence[Device], most: int
) -> Placement:
    """Return the partitions of each type, so that all devices finish together and hold theirs.

    If they cannot hold them, devices with memory of their own get what suits their speed, and
    state streams through those that it does not fit in.

    Args:
        neuron_specs: by type.
        devices: open; each may be there several times.
        most: the most neurons of one partition on a GPU that holds them.

    Raises:
        OutOfMemoryError: neither the devices nor host memory hold the neurons; says what they
            need and what there is.  Nothing has been allocated.
    """
    homes = list(dict.fromkeys(device.home for device in devices))
    first = {device.home: device for device in reversed(devices)}
    available = [float(first[home].available_memory()) for home in homes]
    counts = [neuron_spec.count for neuron_spec in neuron_specs.values()]
    sizes = [bytes_per_neuron(neuron_spec) for neuron_spec in neuron_specs.values()]
    where = [homes.index(device.home) for device in devices]
    there = dict(zip(homes, available, strict=True))
    task = Task(counts, [[1.0] * len(devices) for _ in neuron_specs], sizes, where, available)
    # State of devices with memory of their own may be in host memory.
    most_of_all = sum({**there, "host": _host(devices)}.values())
    if sum(task.needs) > (sum(available) if set(homes) == {"host"} else most_of_all):
        raise _refusal(neuron_specs, sizes, there)
    # Devices of one kind need no measuring: with a share of every type each they are balanced.
    placed: list[list[float]] | None = evenly(task)
    if len({device.description for device in devices}) > 1 or not fits(task, evenly(task)):
        if len(devices) > 1:
            seconds = [
                [cost(device, neuron_spec) for device in devices]
                for neuron_spec in neuron_specs.values()
            ]
            task = replace(task, seconds=seconds)
        placed = balance(task)
    streaming: dict[Device, int] = {}
    if placed is None:
        placed, streaming = _streamed(task, neuron_specs, devices, there)
    result = {}
    for (name, neuron_spec), neurons in zip(neuron_specs.items(), placed, strict=True):
        ranges = split(neuron_spec.count, neurons, most)
        result[name] = _whole([(devices[d], first, n) for d, first, n in ranges], streaming)
    for device in streaming:
        streaming[device] = sum(
            other.home == device.home for places in result.values() for other, _, _ in places
        )
    return Placement(result, streaming)


def _streamed(
    task: Task,
    neuron_specs: Mapping[str, NeuronSpec],
    devices: Sequence[Device],
    available: Mapping[str, float],
) -> tuple[list[list[float]], dict[Device, int]]:
    """Return neurons by speed alone, and the devices that do not hold theirs.

    Raises:
        OutOfMemoryError: host memory does not hold what streams and what the CPU works on.
    """
    placed = balance(replace(task, available=[float("inf")] * len(task.available)))
    assert placed is not None
    need = dict.fromkeys(available, 0.0)
    for neurons, size in zip(placed, task.sizes, strict=True):
        for device, n in zip(devices, neurons, strict=True):
            need[device.home] += n * size
    over = [home for home, size in need.items() if home != "host" and size > available[home]]
    host = _host(devices)
    if need.get("host", 0.0) + sum(need[home] for home in over) > host:
        raise _refusal(neuron_specs, task.sizes, {**available, "host": host})
    return placed, {device: 0 for device in devices if device.home in over}


def _host(devices: Sequence[Device]) -> float:
    """Return the bytes that host memory has for what streams."""
    return float(min(device.pinned.source.free() for device in devices))


def _whole(places: Sequence[Place], streaming: Mapping[Device, int]) -> list[Place]:
    """Join what follows each other on a CPU, where a launch has no best size, and in pages."""
    joined: list[Place] = []
    for device, first, n in places:
        whole = device.kind == CPU or device in streaming
        if joined and joined[-1][0] is device and whole:
            _, start, before = joined.pop()
            joined.append((device, start, before + n))
        else:
            joined.append((device, first, n))
    return joined


def bytes_per_neuron(neuron_spec: NeuronSpec) -> float:
    """Return the bytes that a neuron takes: state, constants and the bits of a short window."""
    return neuron_spec.bytes_per_neuron() + WINDOW_STEPS_MIN / 8


def _refusal(
    neuron_specs: Mapping[str, NeuronSpec], sizes: Sequence[float], available: Mapping[str, float]
) -> OutOfMemoryError:
    needs = [
        neuron_spec.count * size
        for neuron_spec, size in zip(neuron_specs.values(), sizes, strict=True)
    ]
    each = ", ".join(
        f"{name} {human_bytes(n)}" for name, n in zip(neuron_specs, needs, strict=True)
    )
    there = ", ".join(f"{human_bytes(size)} on {home}" for home, size in available.items())
    total = sum(neuron_spec.count for neuron_spec in neuron_specs.values())
    return OutOfMemoryError(
        f"{total:,} neurons need {human_bytes(sum(needs))} ({each}; available: {there}); use fewer "
        'neurons, precision="float16" or more devices'
    )
