"""Deal the replicas of an ensemble out to devices, and build them there."""

import contextlib
import itertools
from collections.abc import Callable, Sequence

from spikecuda.common.cores import usable_cores
from spikecuda.devices.base import Device
from spikecuda.errors import SpikecudaError
from spikecuda.network.device_names import on_cpu
from spikecuda.network.ensemble.build import build_wirings, kinds_of, require_room_on
from spikecuda.network.ensemble.cpu_replicas import CpuReplicas
from spikecuda.network.ensemble.device_replicas import DeviceReplicas
from spikecuda.network.ensemble.group import Group
from spikecuda.network.ensemble.replica import Replica
from spikecuda.network.model.description import Description
from spikecuda.network.open_partitions import OpenPartitions
from spikecuda.network.synapses.blocks import MAX_BLOCK, Owner, split_blocks, split_shares


def make_groups(
    replicas: Sequence[Replica],
    places: Sequence[str | Device],
    threads: int | None,
    report: Callable[[float, float], None],
) -> tuple[list[Group], Callable[[], None]]:
    """Return the replicas in groups, in their order, each built on its device; and what closes it.

    Args:
        replicas: all of them.
        places: checked names and open devices.
        threads: on the CPU; None: as many as cores, or as CPUs that are named.
        report: is told (done, total).
    """
    for replica in replicas:
        replica.place(0, 0)  # a build that failed may have left other numbers
    kinds = kinds_of(replicas)
    sizes = [population.size for population in replicas[0]._populations()]
    cpus = [place for place in places if on_cpu(place)]
    workers = threads or (len(cpus) if len(cpus) > 1 else usable_cores())
    blocks = split_blocks(sizes, 1, MAX_BLOCK)
    if len(cpus) == len(places):
        wirings = build_wirings(replicas, kinds, blocks, workers, report, on_cpu=True)
        return [CpuReplicas(replicas, wirings, workers)], lambda: None
    description = replicas[0]._describe()
    _require_rules(description, places)
    pages = split_shares(sizes, [Owner(threads=0)])[0]
    # All CPUs that are named are one group, whose threads they are.
    opened = OpenPartitions([*(p for p in places if not on_cpu(p)), *cpus[:1]])
    made: list[Group] = []
    with contextlib.ExitStack() as stack:
        stack.callback(opened.close)
        # A device that is named twice has twice as many replicas.
        weights: dict[Device, float] = {}
        for device, owner in zip(opened.devices, opened.owners(description), strict=True):
            weights[device] = weights.get(device, 0.0) + owner.weight
        shares = deal(list(weights.values()), len(replicas))
        for device, (start, stop) in zip(weights, shares, strict=True):
            if start == stop:
                continue
            mine = replicas[start:stop]
            same = [kinds[start:stop].index(kind) for kind in kinds[start:stop]]
            split = blocks if on_cpu(device) else pages
            if not on_cpu(device):
                require_room_on(device, mine[0], len(mine), len(set(same)))
            wirings = build_wirings(mine, same, split, workers, report, on_cpu(device))
            made.append(
                CpuReplicas(mine, wirings, workers)
                if on_cpu(device)
                else DeviceReplicas(device, mine, wirings)
            )
            stack.callback(made[-1].close)
        stack.pop_all()
    return made, opened.close


def deal(weights: Sequence[float], size: int) -> list[tuple[int, int]]:
    """Return which replicas devices have, by their weights: the first one, and the end."""
    total, ends, done = sum(weights), [0], 0.0
    for weight in weights:
        done += weight
        ends.append(round(size * done / total))
    return list(itertools.pairwise(ends))


def _require_rules(description: Description, places: Sequence[str | Device]) -> None:
    """Raise SpikecudaError for couplings and rules that ensembles do not have on devices."""
    if description.couplings:
        raise SpikecudaError(
            "networks of an ensemble on devices have no couplings (got "
            f"{description.couplings[0].name} on {', '.join(map(str, places))}); use devices='cpu'"
        )
    for p in description.wired:
        rule = p.plasticity
        if rule is not None and (p.modulator is not None or rule.target_states):
            what = (
                "with a modulator"
                if p.modulator is not None
                else "that see states of their targets"
            )
            raise SpikecudaError(
                f"rules {what} run on the CPU alone in ensembles (got {p.name} with "
                f"{rule!r:.80} on {', '.join(map(str, places))}); use devices='cpu'"
            )
