"""The figures of populations while they run."""

from collections.abc import Mapping

from spikecuda.observe.live_view import DeviceFigures, Snapshot, TypeFigures
from spikecuda.runtime.population import Population


def take_snapshot(populations: Mapping[str, Population]) -> Snapshot:
    """Return the figures of populations that run together; any thread may ask for them.

    Args:
        populations: by the name of their type, all with the same steps and dt.
    """
    types = tuple(
        TypeFigures(name, p.neuron_spec.count, p.spikes, sum(p.held().values()))
        for name, p in populations.items()
    )
    devices = {device: device for p in populations.values() for device in p.devices}
    rows = []
    for device in devices:
        parts = [
            part for p in populations.values() for part in p.partitions if part.device is device
        ]
        busy = sum(p.busy.get(device, 0.0) for p in populations.values())
        held = sum(sum(part.held().values()) for part in parts)
        rows.append(DeviceFigures(device.name, sum(part.count for part in parts), held, busy))
    first = next(iter(populations.values()))
    return Snapshot(first.steps, first.neuron_spec.dt, types, tuple(rows))
