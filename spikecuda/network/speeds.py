"""How fast devices are beside each other, by which neurons are dealt out: given, or measured."""

import numbers
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_positive
from spikecuda.common.distributions import Uniform
from spikecuda.devices.base import Device
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.network.device_names import on_cpu, over_processes
from spikecuda.network.model.receptors import ExpCurrent
from spikecuda.network.model.rules import FixedOutDegree

MEASURED = "measured"
Speeds = str | float | Sequence[float] | np.ndarray | None
# Speeds that can be added up and divided.
LEAST, MOST = 1e-30, 1e30
# The network that is run to measure: its neurons, synapses of each, and the ms that are timed.
NEURONS, SYNAPSES, PIECE, PIECES = 4096, 100, 50.0, 4


def as_speeds(speeds: Speeds, devices: tuple[str | Device, ...]) -> tuple[float, ...] | str | None:
    """Return checked speeds: one for each device of this process, "measured", or None.

    Args:
        speeds: as passed to ``Network``.
        devices: checked.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: they are no speeds of these devices.
    """
    if speeds is None:
        return None
    own = devices[1:] if over_processes(devices) else devices
    if not over_processes(devices) and (len(own) < 2 or all(map(on_cpu, own))):
        raise SpikecudaValueError(
            "speeds deal neurons out to several devices or processes, of which not all are threads "
            f"of one processor (got speeds={shown(speeds)} with devices {devices!r:.80}); leave "
            "speeds out"
        )
    if isinstance(speeds, str):
        if speeds != MEASURED:
            raise SpikecudaValueError(
                f'speeds must be "{MEASURED}" or numbers (got {speeds!r:.80})'
            )
        return MEASURED
    alone = isinstance(speeds, numbers.Real) or (isinstance(speeds, np.ndarray) and not speeds.ndim)
    given: Any = [speeds] if alone else speeds
    if not isinstance(given, Sequence | np.ndarray) or isinstance(given, bytes | bytearray):
        raise SpikecudaTypeError(
            f'speeds must be "{MEASURED}", a number, or a number for each device (got '
            f"{shown(speeds)})"
        )
    count = max(1, len(own))
    if len(given) != count:
        raise SpikecudaValueError(
            f"speeds must have a number for each device of this process, {count} (got "
            f"{shown(speeds)})"
        )
    found = tuple(as_positive("speeds", value, "") for value in given)
    if min(found) < LEAST or max(found) > MOST:
        raise SpikecudaValueError(
            f"speeds must be from {LEAST:g} to {MOST:g} (got {shown(speeds)}); they only count "
            "beside each other, so divide all by one of them"
        )
    return found


def speeds_of(
    speeds: tuple[float, ...] | str | None, make: Callable[..., Any]
) -> Callable[[Sequence[str | Device], int], list[float]] | None:
    """Return what tells speeds of places, of which the processor works with some threads.

    Args:
        speeds: checked.
        make: ``Network``.
    """
    if speeds is None:
        return None
    if isinstance(speeds, str):
        return lambda places, threads: [measure_speed(make, place, threads) for place in places]
    return lambda places, threads: list(speeds)


def measure_speed(make: Callable[..., Any], place: str | Device, threads: int) -> float:
    """Return neurons that a device advances in a second, with the spikes that they send each other.

    A network of 4,096 LIF neurons with 100 synapses each and 80 Hz, about as many events as
    updates, runs for 50 ms of model time to get going, and then four times, of which the fastest
    counts.

    Args:
        make: ``Network``.
        place: name of the device, or an open one, of whose name another is opened.
        threads: of the processor.
    """
    name = place if isinstance(place, str) else place.name
    cpu = on_cpu(place)
    with make(devices="cpu" if cpu else name, threads=threads if cpu else None) as net:
        net.population(
            "a", NEURONS, initial={"v": Uniform(-70.0, -52.0)}, receptors={"exc": ExpCurrent(5.0)}
        )
        net.drive("a", [370.0 + 20.0 * i / NEURONS for i in range(NEURONS)])
        net.connect("a", "a", FixedOutDegree(SYNAPSES), 0.01, 1.5, "exc")
        net.run(PIECE)
        seconds = []
        for _ in range(PIECES):
            begin = time.perf_counter()
            net.run(PIECE)
            seconds.append(time.perf_counter() - begin)
    return NEURONS * PIECE / (net.dt * min(seconds))
