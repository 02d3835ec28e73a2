"""Build the part of a network that a process of an MPI job owns."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from spikecuda.common.cores import usable_cores
from spikecuda.errors import SpikecudaValueError
from spikecuda.network.memory import require_memory
from spikecuda.network.model.description import Description
from spikecuda.network.ranks.engine import RankEngine
from spikecuda.network.ranks.ranks import BUILD, all_ranks
from spikecuda.network.ranks.share import blocks_of, split_ranks
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.synapses.blocks import MAX_BLOCK
from spikecuda.network.synapses.builder import Builder
from spikecuda.network.synapses.fixed_point import FixedPoint, choose_fixed_point
from spikecuda.network.synapses.peers import Peers
from spikecuda.network.synapses.store import Wiring
from spikecuda.runtime.neuron_spec import MAX_NEURONS


class RestoredRanks(Protocol):
    """A saved network, as far as the synapses of one process go."""

    @property
    def fixed_point(self) -> FixedPoint:
        """The scales of its weights."""

    def restore(self, wiring: Wiring, peers: Peers | None = None) -> None:
        """Let synapses that were drawn be those of the saved network."""


def build_rank_engine(
    description: Description,
    threads: int | None,
    partitions: int | None,
    neurons_per_thread: int,
    report: Callable[[float, float], None],
    restored: RestoredRanks | None = None,
) -> RankEngine:
    """Build the neurons that this process owns, and the synapses onto them.

    Args:
        description: of the network, the same in all processes.
        threads: of each process; None takes what its share is worth.
        partitions: must be None.
        neurons_per_thread: neurons that another thread is worth.
        report: is told (synapses done, synapses expected).
        restored: a saved network whose synapses it is to have; None: those that are drawn.

    Raises:
        DeviceError: there is no MPI.
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
    sizes = [population.size for population in description.populations]
    bounds = split_ranks(sizes, ranks.count)
    own = int((bounds[:, ranks.rank + 1] - bounds[:, ranks.rank]).sum())
    free = max(1, usable_cores() // ranks.here)
    workers = threads or max(1, min(free, own // neurons_per_thread))
    stored = any(not p.procedural for p in description.wired)
    fixed_point = restored.fixed_point if restored else choose_fixed_point(description.wired)
    require_memory(description, fixed_point.bits, own / sum(sizes), ranks.here)
    blocks = blocks_of(bounds, ranks.rank, workers, MAX_BLOCK if stored else MAX_NEURONS)
    builder = Builder(
        description.wired, description.sizes, blocks, description.dt, description.seed,
        workers, report, peers=ranks,
    )  # fmt: skip
    wiring = builder.build(fixed_point)
    drawn = sum(round(p.expected) for p in description.wired if p.procedural)
    synapses = int(ranks.sums(np.array([wiring.synapses - drawn]))[0]) + drawn
    wiring = replace(wiring, synapses=synapses)
    if restored is not None:
        restored.restore(wiring, ranks)
    neurons = [Neurons(population) for population in description.populations]
    return RankEngine(neurons, len(description.sizes), wiring, workers, ranks, bounds)
