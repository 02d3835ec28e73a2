"""Build an engine from a description of a network: devices, synapses, memory."""

import contextlib
import functools
from collections.abc import Callable
from typing import Protocol

from spikecuda.common.cores import usable_cores
from spikecuda.devices.base import Device
from spikecuda.errors import SpikecudaError, SpikecudaValueError
from spikecuda.network.device_names import on_cpu, over_processes, resolve_devices
from spikecuda.network.memory import require_memory, require_on_devices
from spikecuda.network.model.description import Description
from spikecuda.network.open_partitions import SpeedsOf, in_words
from spikecuda.network.run.engine import Engine
from spikecuda.network.run.exchange import SpikeExchange
from spikecuda.network.run.route import FOREIGN
from spikecuda.network.synapses.blocks import MAX_BLOCK, Blocks, split_blocks, split_shares
from spikecuda.network.synapses.builder import KnownRows
from spikecuda.network.synapses.coupled_rows import couple_rows
from spikecuda.network.synapses.fixed_point import FixedPoint, choose_fixed_point
from spikecuda.network.synapses.peers import Peers
from spikecuda.network.synapses.store import Wiring
from spikecuda.runtime.neuron_spec import MAX_NEURONS

NEURONS_PER_THREAD = 4096


class Restored(Protocol):
    """A saved network, as far as its synapses go."""

    @property
    def fixed_point(self) -> FixedPoint:
        """The scales of its weights."""

    def rows(self, blocks: Blocks, peers: Peers | None = None) -> KnownRows | None:
        """Return its rows, if they were stored for such blocks; ``peers`` have others."""

    def restore(self, wiring: Wiring, peers: Peers | None = None) -> None:
        """Let synapses that were drawn be those of the saved network.

        Args:
            wiring: that has them, of all neurons or of this process'.
            peers: the processes that have the others.
        """


def build_engine(
    description: Description,
    devices: tuple[str | Device, ...],
    threads: int | None,
    partitions: int | None,
    report: Callable[[float, float], None],
    exchange: SpikeExchange | None = None,
    restored: Restored | None = None,
    speeds: SpeedsOf | None = None,
    route: str | None = None,
) -> Engine:
    """Build a network's synapses; return its engine, which owns the devices it opened.

    Args:
        description: of the network.
        devices: checked names and open devices, or "auto".
        threads: on the CPU; None takes what the size is worth.
        partitions: blocks on the CPU; None takes as many as threads.
        report: is told (synapses done, synapses expected).
        exchange: how spikes get to other processes, if there are any.
        restored: a saved network whose synapses it is to have; None: those that are drawn.
        speeds: tells the speeds of devices, by which neurons are dealt out; None: as devices say.
        route: "peers" or "host": how spikes are to get from device to device; None: as they can.

    Raises:
        OutOfMemoryError: the network does not fit.
        SpikecudaError: couplings over several devices.
        SpikecudaValueError: partitions for a network on devices, or weights that one scale cannot
            hold together.
    """
    from spikecuda.network.cpu.engine import CpuEngine
    from spikecuda.network.open_partitions import OpenPartitions
    from spikecuda.network.run.neurons import Neurons
    from spikecuda.network.run.partitioned_engine import PartitionedEngine
    from spikecuda.network.synapses.builder import Builder

    if over_processes(devices):
        places = devices[1:]
        return _over_ranks(
            description, places, threads, partitions, report, exchange or route, restored, speeds
        )
    own = [population.size for population in description.populations]
    sizes = description.sizes
    places = resolve_devices(devices)
    if exchange is not None:
        places = places or ("cpu:0",)
    native = exchange is None and all(map(on_cpu, places))
    workers = threads or max(1, min(usable_cores(), sum(own) // NEURONS_PER_THREAD))
    if native and len(places) > 1:
        workers = threads or len(places)
    if not native and (len(places) > 1 or exchange is not None):
        beside = " and an exchange" if exchange else ""
        _require_uncoupled(description, f"devices {devices}{beside}")
    stored = any(not p.procedural for p in description.wired)
    largest = MAX_BLOCK if stored else MAX_NEURONS
    fixed_point = restored.fixed_point if restored else choose_fixed_point(description.wired)

    def build(blocks: Blocks) -> Wiring:
        builder = Builder(
            description.wired, sizes, blocks, description.dt, description.seed, workers, report
        )
        known = None if restored is None else restored.rows(blocks)
        drawn = builder.build(fixed_point) if known is None else builder.take(fixed_point, known)
        if restored is not None:
            restored.restore(drawn)
        drawn.coupled = couple_rows(description.couplings, sizes, workers)
        return drawn

    if native and route is not None and len(places) > 1:
        raise SpikecudaValueError(
            f"exchange={route!r} is for networks over GPUs (got devices {devices}): threads of a "
            "processor read each other's spikes in memory; leave exchange out"
        )
    if native:
        require_memory(description, fixed_point.bits)
        wiring = build(split_blocks(own, partitions or workers, largest))
        neurons = [Neurons(population) for population in description.populations]
        return CpuEngine(neurons, len(sizes), wiring, workers)
    if partitions is not None:
        raise SpikecudaValueError(
            f"partitions is for networks on the CPU alone (got {partitions} with devices "
            f"{devices}{' and an exchange' if exchange else ''}); a device has as many partitions "
            "as it is named times"
        )
    opened = OpenPartitions(places)
    with contextlib.ExitStack() as stack:
        stack.callback(opened.close)
        if exchange is None:
            opened.link(route)
        else:
            opened.route = FOREIGN
        owners = opened.owners(description, speeds=speeds)
        blocks, shares = split_shares(own, owners, largest)
        require_on_devices(description, opened.devices, shares, fixed_point.bits)
        make = functools.partial(PartitionedEngine, exchange=exchange)
        engine = opened.engine(description, build(blocks), shares, make)
        if speeds is not None:
            engine.placed = in_words(engine.device_names, owners, shares)
        stack.pop_all()
    return engine


def _require_uncoupled(description: Description, where: str) -> None:
    """Raise SpikecudaError for couplings in a network over several devices or processes."""
    if description.couplings:
        raise SpikecudaError(
            "a network whose neurons are coupled runs on one device or on processors alone (got "
            f"{where}, and {description.couplings[0].name}); use one device"
        )


def _over_ranks(
    description: Description,
    places: tuple[str | Device, ...],
    threads: int | None,
    partitions: int | None,
    report: Callable[[float, float], None],
    exchange: SpikeExchange | str | None,
    restored: Restored | None,
    speeds: SpeedsOf | None,
) -> Engine:
    """Return the engine of this process' part of a network; see ``build_engine``."""
    from spikecuda.network.ranks.build import build_rank_engine

    if exchange is not None:
        raise SpikecudaValueError(
            f'a network with devices="mpi" exchanges spikes itself (got {exchange!r:.80}); leave '
            "exchange out"
        )
    return build_rank_engine(
        description, places, threads, partitions, NEURONS_PER_THREAD, report, speeds, restored
    )
