"""Build what one process of an MPI job would own, without the others and without MPI."""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_count
from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.network.described import Described
from spikecuda.network.memory import require_memory
from spikecuda.network.ranks.areas import place
from spikecuda.network.ranks.share import blocks_of
from spikecuda.network.synapses.blocks import MAX_BLOCK
from spikecuda.network.synapses.builder import Builder
from spikecuda.network.synapses.fixed_point import choose_fixed_point
from spikecuda.network.synapses.store import Wiring
from spikecuda.runtime.neuron_spec import MAX_NEURONS


class NoPeers:
    """Stands for the processes of a job, of which there is one only; see ``Peers``.

    What all of them would find out together is what this one knows.

    Args:
        rank, count: number of the process, and how many there would be.
    """

    complete = False
    piece = 0, 0
    run = 0

    def __init__(self, rank: int, count: int) -> None:
        self.rank, self.count = rank, count

    def held(self) -> contextlib.AbstractContextManager[None]:
        """Do nothing: nobody waits."""
        return contextlib.nullcontext()

    def telling(self, later: bool = False) -> contextlib.AbstractContextManager[None]:
        """Do nothing: nobody is to be told."""
        return contextlib.nullcontext()

    def part(self, total: int) -> tuple[int, int]:
        """Return all of it: nobody else does a part."""
        return 0, total

    def each(self, value: Any) -> list[Any]:
        """Return the value of this one."""
        return [value]

    def least(self, values: np.ndarray) -> np.ndarray:
        """Return the values of this one."""
        return values

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return the values of this one."""
        return values

    def joined(self, array: np.ndarray, of: str = "") -> list[np.ndarray]:
        """Return the array of this one."""
        return [array]

    def gathered(self, array: np.ndarray, of: str = "") -> list[np.ndarray]:
        """Return the array of this one."""
        return [array]

    def require_alike(self, whose: str, values: Mapping[str, Any]) -> None:
        """Do nothing: there is nobody who differs."""


@dataclass(frozen=True, eq=False)
class OneRank:
    """What one process of an MPI job owns.

    Attributes:
        rank, ranks: number of the process, and how many there would be.
        bounds: int64 (populations, ranks + 1), the first neuron of each population that each owns.
        wiring: the synapses onto its neurons.
        build_seconds: wall-clock time in which they were drawn and sorted.
    """

    rank: int
    ranks: int
    bounds: np.ndarray
    wiring: Wiring
    build_seconds: float

    @property
    def neurons(self) -> int:
        """How many neurons it owns."""
        return int((self.bounds[:, self.rank + 1] - self.bounds[:, self.rank]).sum())


def build_one_rank(network: Described, rank: int, ranks: int, threads: int = 1) -> OneRank:
    """Build the synapses that one process of many would own, in this one.

    The rows are those that the process of that number would have.  Delays, of which all processes
    take the shortest and longest, are those of its own synapses.

    Args:
        network: described, not built.
        rank: number of the process, from 0 on.
        ranks: how many processes there would be.
        threads: how many work at once, and blocks that the neurons are split into.

    Raises:
        OutOfMemoryError: its share does not fit.
        SpikecudaError: the network has no population, or couplings, which run in one process.
        SpikecudaTypeError: it is no network.
        SpikecudaValueError: there is no such process.
    """
    if not isinstance(network, Described):
        raise SpikecudaTypeError(f"network must be a Network (got {shown(network)})")
    ranks, threads = as_count("ranks", ranks, 1, 2**20), as_count("threads", threads, 1, 1024)
    if not 0 <= as_count("rank", rank, 0, 2**20) < ranks:
        raise SpikecudaValueError(
            f"rank must be below {ranks:,}, how many processes there are (got {rank:,}); number "
            "them from 0"
        )
    description = network._describe()
    if not description.populations:
        raise SpikecudaError("the network has no population; net.population(...) adds one")
    if description.couplings:
        raise SpikecudaError(
            "a network whose neurons are coupled runs in one process (got "
            f"{description.couplings[0].name}); build it without"
        )
    begin = time.perf_counter()
    sizes = [population.size for population in description.populations]
    bounds, _ = place(description, ranks)
    own = int((bounds[:, rank + 1] - bounds[:, rank]).sum())
    fixed_point = choose_fixed_point(description.wired)
    require_memory(description, fixed_point.bits, own / sum(sizes))
    stored = any(not p.procedural for p in description.wired)
    blocks = blocks_of(bounds, rank, threads, MAX_BLOCK if stored else MAX_NEURONS)
    builder = Builder(
        description.wired, description.sizes, blocks, description.dt, description.seed, threads,
        lambda done, total: None, peers=NoPeers(rank, ranks),
    )  # fmt: skip
    wiring = builder.build(fixed_point)
    wiring.interleave()  # as the loops of its engine read it
    return OneRank(rank, ranks, bounds, wiring, time.perf_counter() - begin)
