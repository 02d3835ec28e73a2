"""Deal the replicas of an ensemble out to devices, and build them there."""

from collections.abc import Callable, Sequence

from spikecuda.common.cores import usable_cores
from spikecuda.devices.base import Device
from spikecuda.errors import SpikecudaError
from spikecuda.network.device_names import on_cpu
from spikecuda.network.ensemble.build import build_wirings, kinds_of
from spikecuda.network.ensemble.cpu_replicas import CpuReplicas
from spikecuda.network.ensemble.group import Group
from spikecuda.network.ensemble.replica import Replica
from spikecuda.network.network import Network
from spikecuda.network.synapses.blocks import MAX_BLOCK, split_blocks


def make_groups(
    replicas: Sequence[Replica],
    networks: Sequence[Network],
    places: Sequence[str | Device],
    threads: int | None,
    report: Callable[[float, float], None],
) -> list[Group]:
    """Return the replicas in groups, in their order, each built on its device.

    Args:
        replicas: all of them.
        networks: that they were made from.
        places: checked names and open devices.
        threads: on the CPU; None: as many as cores, or as CPUs that are named.
        report: is told (done, total).
    """
    gpu = next((str(place) for place in places if not on_cpu(place)), None)
    if gpu is not None:
        raise SpikecudaError(f"ensembles run on the CPU (got {gpu}); use devices='cpu'")
    cpus = sum(map(on_cpu, places))
    workers = threads or (cpus if cpus > 1 else usable_cores())
    kinds = kinds_of(replicas, networks)
    sizes = [population.size for population in replicas[0]._populations()]
    blocks = split_blocks(sizes, 1, MAX_BLOCK)
    wirings = build_wirings(replicas, kinds, blocks, workers, report)
    return [CpuReplicas(replicas, wirings, workers)]
