"""Build the part of a network that a process of an MPI job owns."""

import contextlib
import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from spikecuda.common.cores import usable_cores
from spikecuda.devices.base import Device
from spikecuda.devices.open import gpu_status
from spikecuda.errors import SpikecudaError, SpikecudaValueError
from spikecuda.network.device_names import on_cpu
from spikecuda.network.memory import require_memory, require_on_devices
from spikecuda.network.model.description import Description
from spikecuda.network.open_partitions import OpenPartitions, SpeedsOf, in_words, unlike_devices
from spikecuda.network.ranks.areas import place
from spikecuda.network.ranks.device_engine import RankDeviceEngine
from spikecuda.network.ranks.engine import RankEngine
from spikecuda.network.ranks.ranks import BUILD, Ranks, all_ranks
from spikecuda.network.ranks.share import blocks_of, own_shares
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.route import MPI
from spikecuda.network.synapses.blocks import MAX_BLOCK, Blocks, Owner, Share, split_shares
from spikecuda.network.synapses.builder import Builder, KnownRows
from spikecuda.network.synapses.coupled_rows import couple_rows
from spikecuda.network.synapses.fixed_point import FixedPoint, choose_fixed_point
from spikecuda.network.synapses.peers import Peers
from spikecuda.network.synapses.store import Wiring
from spikecuda.runtime.neuron_spec import MAX_NEURONS


class RestoredRanks(Protocol):
    """A saved network, as far as the synapses of one process go."""

    @property
    def fixed_point(self) -> FixedPoint:
        """The scales of its weights."""

    def rows(self, blocks: Blocks, peers: Peers | None = None) -> KnownRows | None:
        """Return its rows, if they were stored for such blocks; ``peers`` have others."""

    def restore(self, wiring: Wiring, peers: Peers | None = None) -> None:
        """Let synapses that were drawn be those of the saved network."""


def build_rank_engine(
    description: Description,
    places: tuple[str | Device, ...],
    threads: int | None,
    partitions: int | None,
    neurons_per_thread: int,
    report: Callable[[float, float], None],
    speeds: SpeedsOf | None = None,
    restored: RestoredRanks | None = None,
) -> RankEngine | RankDeviceEngine:
    """Build the neurons that this process owns, and the synapses onto them.

    Args:
        description: of the network, the same in all processes.
        places: the devices of this process, none for its processor; others may have others.
        threads: of each process; None takes what its share is worth.
        partitions: must be None.
        neurons_per_thread: neurons that another thread is worth.
        report: is told (synapses done, synapses expected).
        speeds: tells the speeds of devices; None: as they say, and processors are alike.
        restored: a saved network whose synapses it is to have; None: those that are drawn.

    Raises:
        DeviceError: there is no MPI, or a process has no such device.
        OutOfMemoryError: the share does not fit.
        SpikecudaValueError: partitions.
    """
    if partitions is not None:
        raise SpikecudaValueError(
            f'partitions is for networks in one process (got {partitions} with devices="mpi"); '
            "leave it out: neurons are split over processes, and there over threads"
        )
    ranks = all_ranks()
    ranks.doing = BUILD
    places = resolve_own(places, ranks.number_here)
    if not all(ranks.each(all(map(on_cpu, places)))):
        if description.couplings:
            raise SpikecudaError(
                "a network whose neurons are coupled runs on processors alone over processes of "
                f"MPI (got {description.couplings[0].name}, and devices {places!r:.80} on rank "
                f'{ranks.rank}); use devices="mpi"'
            )
        return _on_devices(
            description, places, threads, neurons_per_thread, report, speeds, restored, ranks
        )
    threads = threads or (len(places) if len(places) > 1 else None)
    sizes = [population.size for population in description.populations]
    free = max(1, usable_cores() // ranks.here)
    each = None
    if speeds is not None:
        ranks.each(None)  # so that all are measured side by side
        each = ranks.each(sum(speeds(places or ("cpu:0",), threads or free)))
    bounds, apart = place(description, ranks.count, each)
    own = int((bounds[:, ranks.rank + 1] - bounds[:, ranks.rank]).sum())
    workers = threads or max(1, min(free, own // neurons_per_thread))
    stored = any(not p.procedural for p in description.wired)
    fixed_point = restored.fixed_point if restored else choose_fixed_point(description.wired)
    require_memory(description, fixed_point.bits, own / sum(sizes), ranks.here)
    blocks = blocks_of(bounds, ranks.rank, workers, MAX_BLOCK if stored else MAX_NEURONS)
    builder = Builder(
        description.wired, description.sizes, blocks, description.dt, description.seed,
        workers, report, peers=ranks,
    )  # fmt: skip
    wiring = wire(description, builder, fixed_point, restored, ranks)
    # Each process knows all pairs: it sums what its own neurons receive.
    wiring.coupled = couple_rows(description.couplings, description.sizes, workers)
    mine = [(int(first), int(end)) for first, end in bounds[:, ranks.rank : ranks.rank + 2]]
    neurons = [
        Neurons(population, own if ranks.count > 1 else None)
        for population, own in zip(description.populations, mine, strict=True)
    ]
    engine = RankEngine(neurons, len(description.sizes), wiring, workers, ranks, bounds, apart)
    if each is not None:
        names = [f"rank {r}" for r in range(ranks.count)]
        shares = [Share(bounds[:, r : r + 2], range(0)) for r in range(ranks.count)]
        engine.placed = in_words(names, [Owner(weight) for weight in each], shares)
    return engine


def wire(
    description: Description,
    builder: Builder,
    fixed_point: FixedPoint,
    restored: RestoredRanks | None,
    ranks: Ranks,
) -> Wiring:
    """Return the synapses of this process: drawn, or those of a file."""
    known = None if restored is None else restored.rows(builder.blocks, ranks)
    if known is None:
        wiring = counted(description, builder.build(fixed_point), ranks)
    else:
        wiring = builder.take(fixed_point, known)
    if restored is not None:
        restored.restore(wiring, ranks)
    return wiring


def counted(description: Description, wiring: Wiring, ranks: Ranks) -> Wiring:
    """Return the wiring with the number of synapses that all processes have."""
    drawn = sum(round(p.expected) for p in description.wired if p.procedural)
    stored = int(ranks.sums(np.array([wiring.synapses - drawn]))[0])
    return replace(wiring, synapses=stored + drawn)


def resolve_own(places: tuple[str | Device, ...], number: int) -> tuple[str | Device, ...]:
    """Return the devices of a process with "auto" replaced: processes take turns with the GPUs.

    Args:
        places: those that were named.
        number: of the process on its machine.
    """
    if places != ("auto",):
        return places
    gpus = gpu_status().count
    return (f"cuda:{number % gpus}",) if gpus else ()


def _on_devices(
    description: Description,
    places: tuple[str | Device, ...],
    threads: int | None,
    neurons_per_thread: int,
    report: Callable[[float, float], None],
    speeds: SpeedsOf | None,
    restored: RestoredRanks | None,
    ranks: Ranks,
) -> RankDeviceEngine:
    """Build what this process owns on its devices; some process has others than its processor."""
    with contextlib.ExitStack() as undo:
        opened = OpenPartitions(places or ("cpu:0",), ranks.here, threads)
        undo.callback(opened.close)
        opened.route = MPI
        kinds = [kind for found in ranks.each(opened.kinds) for kind in found]
        owners = opened.owners(description, unlike_devices(kinds), speeds)
        every = ranks.each(owners)
        sizes = [population.size for population in description.populations]
        stored = any(not p.procedural for p in description.wired)
        blocks, shares = split_shares(
            sizes, [owner for found in every for owner in found],
            MAX_BLOCK if stored else MAX_NEURONS,
        )  # fmt: skip
        ends = np.cumsum([len(found) for found in every])
        firsts = [shares[end - len(found)] for end, found in zip(ends, every, strict=True)]
        last = np.array(sizes, np.int64)[:, None]
        bounds = np.concatenate([*(share.starts[:, :1] for share in firsts), last], axis=1)
        end = int(ends[ranks.rank])
        blocks, own = own_shares(blocks, shares[end - len(owners) : end])
        part = int(sum(share.counts.sum() for share in own))
        fixed_point = restored.fixed_point if restored else choose_fixed_point(description.wired)
        require_on_devices(
            description, opened.devices, own, fixed_point.bits, part / sum(sizes), ranks.here
        )
        free = max(1, usable_cores() // ranks.here)
        workers = threads or max(1, min(free, part // neurons_per_thread))
        builder = Builder(
            description.wired, description.sizes, blocks, description.dt, description.seed,
            workers, report, peers=ranks, dense=True,
        )  # fmt: skip
        wiring = wire(description, builder, fixed_point, restored, ranks)
        engine = opened.engine(
            description, wiring, own, functools.partial(RankDeviceEngine, ranks, bounds),
            lambda window: int(ranks.least(np.array([window]))[0]),
        )  # fmt: skip
        undo.pop_all()
    assert isinstance(engine, RankDeviceEngine)
    if speeds is not None:
        names = [name for found in ranks.each(engine.device_names) for name in found]
        owners = [owner for found in every for owner in found]
        engine.placed = in_words(names, owners, shares)
    return engine
