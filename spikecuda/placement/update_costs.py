"""The cost of an update on a device: measured once, then stored."""

from dataclasses import replace

from spikecuda.devices import tuning_cache
from spikecuda.devices.base import Device
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.runtime.neuron_spec import NeuronSpec
from spikecuda.runtime.partition_run import PartitionRun
from spikecuda.runtime.pool_partition import PoolPartition
from spikecuda.runtime.window_layout import layout_of

# A launch is long enough to be timed when it takes this long, in seconds.
LONG_ENOUGH = 2e-3
NEURONS, STEPS, REPEATS = 4096, 16, 3
MOST_NEURONS = 1 << 20
# What is measured takes at most a PARTth of the free memory.
PART = 4


def cost(device: Device, neuron_spec: NeuronSpec) -> float:
    """Return the seconds that one update takes on a device, all of it at work.

    Measured at the first use of a kernel on a kind of device, in a few milliseconds besides
    compiling it, without input; stored by ``tuning_cache``.
    """
    spec = neuron_spec.spec()
    known = tuning_cache.lookup(device.description, spec, "seconds")
    if known is None:
        known = measure(device, neuron_spec)
        tuning_cache.store(device.description, spec, seconds=known)
    return known


def measure(device: Device, neuron_spec: NeuronSpec) -> float:
    """Return the seconds of one update, from launches that grow until they can be timed."""
    fitting = int(device.available_memory() / (PART * neuron_spec.bytes_per_neuron()))
    most = max(1, min(neuron_spec.count, MOST_NEURONS, fitting))
    neurons = min(NEURONS, most)
    while True:
        seconds = _launch(device, neuron_spec, neurons)
        if seconds >= LONG_ENOUGH or neurons == most:
            return seconds / (neurons * STEPS)
        neurons = min(2 * neurons, most)


def _launch(device: Device, neuron_spec: NeuronSpec, neurons: int) -> float:
    """Return the time of the fastest of a few launches, in seconds."""
    partition = PoolPartition(neuron_spec, device, 0, neurons)
    try:
        drive = ResolvedInput(
            None, neuron_spec.count, neuron_spec.dt, 0, neuron_spec.precision.real
        )
        kernel = device.kernel(neuron_spec.spec(drive.spec))
        layout = replace(layout_of(partition, kernel.spec, drive), window=STEPS)
        run = PartitionRun(partition, kernel, layout)
        try:
            run.begin(drive, 0, REPEATS * STEPS, {}, keep=False)
            taken = []
            for _ in range(REPEATS):
                before = run.kernel_seconds
                run.submit(STEPS)
                run.collect()
                taken.append(run.kernel_seconds - before)
            return min(taken)
        finally:
            run.settle()
            run.close()
    finally:
        partition.close()
