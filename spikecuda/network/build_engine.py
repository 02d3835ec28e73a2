"""From what a network was told to an engine: where it runs, its synapses, its memory."""

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from spikecuda.devices.cpu.device import usable_cores
from spikecuda.errors import SpikecudaValueError
from spikecuda.network.device_names import on_cpu, resolve_devices
from spikecuda.network.memory import require_memory, require_on_devices
from spikecuda.network.model.population import Population
from spikecuda.network.synapses.blocks import MAX_BLOCK, split_blocks, split_shares
from spikecuda.runtime.neuron_spec import MAX_NEURONS

if TYPE_CHECKING:
    from spikecuda.network.network import Network
    from spikecuda.network.open_partitions import OpenPartitions

NEURONS_PER_THREAD = 4096


def build_engine(
    network: "Network", report: Callable[[float, float], None]
) -> tuple[Any, "OpenPartitions | None"]:
    """Build a network's synapses; return its engine, and the devices that were opened for it.

    Args:
        network: not built yet.
        report: is told (synapses done, synapses expected).

    Raises:
        OutOfMemoryError: the network does not fit.
    """
    from spikecuda.network.cpu.engine import CpuEngine
    from spikecuda.network.open_partitions import OpenPartitions
    from spikecuda.network.run.neurons import Neurons
    from spikecuda.network.synapses.builder import Builder

    populations = number_populations(network)
    own = [population.size for population in populations if population.neuron_spec is not None]
    sizes = [population.size for population in populations]
    places = resolve_devices(network.devices)
    native = all(map(on_cpu, places))
    threads = _threads_for(network, own)
    if native and len(places) > 1:
        threads = network.threads or len(places)
    stored = any(not p.procedural for p in network.wired)
    largest = MAX_BLOCK if stored else MAX_NEURONS
    if native:
        require_memory(network)
        blocks = split_blocks(own, network.partitions or threads, largest)
        builder = Builder(network.wired, sizes, blocks, network.dt, network.seed, threads, report)
        wiring = builder.build()
        neurons = [
            Neurons(population) for population in populations if population.neuron_spec is not None
        ]
        return CpuEngine(neurons, len(sizes), wiring, threads), None
    if network.partitions is not None:
        raise SpikecudaValueError(
            f"partitions is for networks on the CPU (got {network.partitions} with devices "
            f"{network.devices}); a device has as many partitions as it is named times"
        )
    opened = OpenPartitions(places)
    with contextlib.ExitStack() as stack:
        stack.callback(opened.close)
        blocks, shares = split_shares(own, opened.owners(), largest)
        require_on_devices(network, opened.devices, shares)
        builder = Builder(network.wired, sizes, blocks, network.dt, network.seed, threads, report)
        engine = opened.engine(populations, builder.build(), shares)
        stack.pop_all()
    return engine, opened


def number_populations(network: "Network") -> list[Population]:
    """Number the sources after the populations; return all."""
    populations = [
        population
        for population in network.populations.values()
        if population.neuron_spec is not None
    ]
    for i, source in enumerate(network.trains):
        source.number = len(populations) + i
    return [*populations, *network.trains]


def _threads_for(network: "Network", sizes: Sequence[int]) -> int:
    """Return how many threads the network is worth on the CPU."""
    return network.threads or max(1, min(usable_cores(), sum(sizes) // NEURONS_PER_THREAD))
