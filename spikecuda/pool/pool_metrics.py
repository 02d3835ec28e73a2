"""The figures of a pool: what it has done, and the memory that it uses."""

from spikecuda.devices.base import Device
from spikecuda.devices.kinds import CPU
from spikecuda.observe.metrics import Metrics
from spikecuda.runtime.population import Population


def pool_metrics(done: Population, device: Device) -> Metrics:
    """Return what a pool has done since its last reset, and the memory it uses.

    Args:
        done: its neurons.
        device: where they are.
    """
    count, time = done.neuron_spec.count, done.steps * done.neuron_spec.dt
    updates = done.steps * count
    seconds = time / 1000.0
    held = done.held()
    on_host = device.kind == CPU
    return Metrics(
        num_neurons=count,
        steps=done.steps,
        time=time,
        updates=updates,
        spikes=done.spikes,
        mean_rate=done.spikes / (count * seconds) if seconds else 0.0,
        run_seconds=done.run_seconds,
        kernel_seconds=done.kernel_seconds,
        compile_seconds=device.compile_seconds,
        launches=device.launches,
        updates_per_second=updates / done.run_seconds if done.run_seconds else 0.0,
        realtime_factor=done.run_seconds / seconds if seconds else 0.0,
        host_bytes=held if on_host else done.held_by_host(),
        device_bytes={} if on_host else held,
        state_bytes_per_neuron=done.neuron_spec.spec().bytes_per_neuron(),
        windows=done.windows,
        launches_per_window=done.launches / max(1, done.windows),
        host_microseconds=1e6 * done.host_seconds / max(1, done.windows),
        memory=device.memory(),
    )
