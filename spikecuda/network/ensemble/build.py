"""Build the synapses of replicas, each kind of them once."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from spikecuda.common.host_memory import available_memory
from spikecuda.common.terminal import human_bytes
from spikecuda.devices.base import Device
from spikecuda.errors import OutOfMemoryError
from spikecuda.network.ensemble.replica import Replica
from spikecuda.network.ensemble.structure import same_wiring
from spikecuda.network.ensemble.wiring import share_wiring
from spikecuda.network.memory import Need, part, whole
from spikecuda.network.model.description import Description
from spikecuda.network.network import Network
from spikecuda.network.synapses.blocks import Blocks, Share
from spikecuda.network.synapses.builder import Builder
from spikecuda.network.synapses.coupled_rows import couple_rows
from spikecuda.network.synapses.fixed_point import choose_fixed_point
from spikecuda.network.synapses.store import Wiring

# Bytes of tables and objects that a replica takes beside its neurons and synapses.
REPLICA_BYTES = 200_000


def kinds_of(replicas: Sequence[Replica]) -> list[int]:
    """Return for each replica the first one that has the same synapses."""
    found: dict[int, list[int]] = {}
    result = []
    for i, replica in enumerate(replicas):
        others = found.setdefault(replica._seeds.wiring, [])
        for j in others:
            if same_wiring(replicas[j], replica):
                result.append(j)
                break
        else:
            others.append(i)
            result.append(i)
    return result


def require_room(network: Network, size: int, wirings: int) -> None:
    """Raise OutOfMemoryError unless the replicas fit on the host, before any of them is made.

    Args:
        network: that they are made from.
        size: number of replicas; ``wirings``: how many of them have synapses of their own.
    """
    description = network._describe()
    need = whole(description, choose_fixed_point(description.wired).bits)
    each = Need(need.neurons + REPLICA_BYTES, need.synapses, need.arrivals, need.steps)
    _require(description, each, size, wirings, available_memory(), "the host")


def require_room_on(device: Device, network: Network, size: int, wirings: int) -> None:
    """Raise OutOfMemoryError unless replicas fit on a CUDA device.

    Args:
        device: which.
        network, size, wirings: see ``require_room``; several wirings are all the device's.
    """
    description = network._describe()
    bits = choose_fixed_point(description.wired).bits
    sizes = np.array([[0, population.size] for population in description.populations])
    need = part(description, Share(sizes, range(1)), bits)
    rows = 1 if wirings == 1 else size
    _require(description, need, size, rows, device.available_memory(), device.name)


def _require(
    description: Description, each: Need, size: int, wirings: int, available: int, where: str
) -> None:
    """Raise OutOfMemoryError unless what replicas need is there."""
    learning = any(p.learns for p in description.wired)
    rows = each.synapses * (size if learning else wirings)
    neurons = size * (each.neurons + each.arrivals)
    if neurons + rows > available:
        raise OutOfMemoryError(
            f"an ensemble of {size:,} networks needs about {human_bytes(neurons)} for neurons and "
            f"{human_bytes(rows)} for synapses on {where} (available: {human_bytes(available)}); "
            "use fewer replicas, more devices, or one wiring_seed, with which replicas share "
            "synapses that do not learn"
        )


def build_wirings(
    replicas: Sequence[Replica],
    kinds: Sequence[int],
    blocks: Blocks,
    threads: int,
    report: Callable[[float, float], None],
    on_cpu: bool,
) -> list[Wiring]:
    """Return the synapses of each replica; those of one kind share their rows.

    Args:
        replicas: all of them.
        kinds: see ``kinds_of``.
        blocks: the split of the neurons of one network.
        threads: how many work at once.
        report: is told (done, total).
        on_cpu: whether the rows are for the loops of the processor.

    Raises:
        OutOfMemoryError: the synapses do not fit.
        SpikecudaValueError: weights that one scale cannot hold together.
    """
    firsts = sorted(set(kinds))
    built: dict[int, Wiring] = {}
    for number, i in enumerate(firsts):
        description = replicas[i]._describe()

        def told(done: float, total: float, number: int = number) -> None:
            report(number + done / total, len(firsts))

        builder = Builder(
            description.wired, description.sizes, blocks, description.dt, description.seed,
            threads, told,
        )  # fmt: skip
        built[i] = builder.build(choose_fixed_point(description.wired))
        if on_cpu:
            built[i].interleave()
        built[i].coupled = couple_rows(description.couplings, description.sizes, threads)
    return [
        built[kind] if kind == i else share_wiring(
            built[kind], dict(zip(replicas[kind].wired, replica.wired, strict=True)),
            same_numbers(replica),
            dict(zip(replicas[kind].couplings, replica.couplings, strict=True)),
        )
        for i, (replica, kind) in enumerate(zip(replicas, kinds, strict=True))
    ]  # fmt: skip


def same_numbers(replica: Replica) -> Mapping[int, int]:
    """Return the numbers of populations and sources, each as its own."""
    return {g: g for g in range(len(replica._populations()) + len(replica.trains))}
