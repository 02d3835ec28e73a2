"""Replicas of an ensemble over processes of MPI: each has some, and all have the results."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from spikecuda.common.cores import usable_cores
from spikecuda.common.seed import Seeds
from spikecuda.devices.base import Device
from spikecuda.errors import SpikecudaValueError
from spikecuda.network.ensemble.groups import deal
from spikecuda.network.ensemble.joint_run import JointRun
from spikecuda.network.ensemble.replica import Replica
from spikecuda.network.ensemble.result import EnsembleResult
from spikecuda.network.network import Network
from spikecuda.network.ranks.build import resolve_own
from spikecuda.network.ranks.ranks import READ, RUN, all_ranks
from spikecuda.network.results.gather import exchange
from spikecuda.network.saving.same_network import require_same_network


class Shares:
    """Which replicas the processes have: as many for each device that a process names.

    Args:
        devices: of this process, checked names and open devices; none: its processor.
        size: number of replicas.

    Attributes:
        ranks: the processes.
        places: the devices of this one.
        own: numbers of its replicas; ``owners``: the process that has each.

    Raises:
        SpikecudaValueError: a process would have none.
    """

    def __init__(self, devices: tuple[str | Device, ...], size: int) -> None:
        self.ranks = ranks = all_ranks()
        self.places = resolve_own(devices, ranks.number_here) or ("cpu",)
        parts = deal(ranks.each(len(self.places)), size)
        if any(start == stop for start, stop in parts):
            raise SpikecudaValueError(
                f"size must be at least the devices of all processes of MPI, so that each process "
                f"has a replica (got {size:,} over {ranks.count}); start fewer"
            )
        self.own = range(*parts[ranks.rank])
        self.owners = [r for r, (start, stop) in enumerate(parts) for _ in range(start, stop)]

    def elsewhere(self, index: int) -> str:
        """Return where a replica is, in words; "" if it is here."""
        owner = self.owners[index]
        return "" if index in self.own else f"rank {owner} of {self.ranks.count}"

    def threads(self, threads: int | None) -> int:
        """Return the threads of this process: its part of the machine's cores by default."""
        return threads or max(1, usable_cores() // self.ranks.here)

    def telling(self) -> contextlib.AbstractContextManager[None]:
        """Tell the others what this process alone raises, as it builds."""
        return self.ranks.telling()

    @contextlib.contextmanager
    def between(self) -> Iterator[None]:
        """Tell the others what is raised, or Ctrl-C, between pieces of a run."""
        with self.ranks.held(), self.ranks.telling(later=True):
            yield

    def require_alike(self, first: Network, told: object) -> None:
        """Raise SpikecudaValueError unless all processes make the same ensemble of a network."""
        require_same_network(first)
        self.ranks.require_alike("ensemble", {"size, seeds or trials": told})

    def require_same(self, replicas: Sequence[Replica]) -> None:
        """Raise SpikecudaValueError unless all processes give replicas the same parameters."""
        self.ranks.require_alike("ensemble", {
            "parameters": {
                f"replica {r.index}": [dict(p.neurons.params) for p in r._populations()]
                for r in replicas
            }
        })  # fmt: skip

    def joined(self, own: np.ndarray, of: str) -> np.ndarray:
        """Return (replicas, ...) of all processes, which call it together; ``own``: of this one."""
        found = np.concatenate(self.ranks.joined(own.reshape(-1), of))
        return found.reshape(len(self.owners), *own.shape[1:])


class RankedRun(JointRun):
    """The groups of this process, whose replicas are at the same step as those of the others.

    Args:
        groups, release: see ``JointRun``.
        shares: who has which replica.
        others: replicas that other processes have, as they are described here.
    """

    def __init__(
        self,
        groups: Sequence[Any],
        release: Callable[[], None],
        shares: Shares,
        others: Sequence[Replica],
    ) -> None:
        super().__init__(groups, release)
        self._shares, self._others = shares, others
        self._gathered: EnsembleResult | None = None

    @property
    def result(self) -> EnsembleResult | None:
        """What the last piece of a run recorded in all processes, or had when it broke off."""
        return self._gathered

    def advance(
        self, first: int, steps: int, total: int, report: Callable[[int], None]
    ) -> EnsembleResult:
        """Advance by a piece of a run, as all processes do; see ``JointRun``.

        Raises:
            SpikecudaError: another process broke off, or is to run something else.
        """
        ranks, self._gathered = self._shares.ranks, None
        about = [first, steps, total, self.clock]
        ranks.require_alike("run", {"duration or time": about})
        ranks.doing = RUN
        try:
            with ranks.held():
                own = super().advance(first, steps, total, report)
                self._agree(0)
                self._gathered = self._gather(own)
        except BaseException as error:
            if ranks.apart:
                raise
            ranks.tell(error)
            clocks = ranks.each(-1 if self._failed else self.clock)
            if min(clocks) < 0 or len(set(clocks)) > 1:
                self._failed = self._failed or str(error) or type(error).__name__
            elif all(ranks.each(self._slices.own is not None)):
                assert self._slices.own is not None
                self._gathered = self._gather(self._slices.own)
            raise
        finally:
            ranks.doing = READ
        return self._gathered

    def restart(self, seeds: Sequence[Seeds]) -> None:
        """Go back to step 0; replicas of other processes have their seeds here, too."""
        super().restart(seeds)
        for replica in self._others:
            replica.restart(seeds[replica.index])

    def _gather(self, own: EnsembleResult) -> EnsembleResult:
        """Return the results of all replicas, in every process."""
        ranks = self._shares.ranks
        found = exchange(ranks, list(own), everywhere=True)
        seconds = max(ranks.each(own.seconds))
        return EnsembleResult([result for some in found for result in some], seconds)

    @property
    def _in_slices(self) -> bool:
        return True  # between which processes hear of each other

    def _agree(self, steps: int) -> int:
        return int(self._shares.ranks.least(np.array([steps]))[0])

    @contextlib.contextmanager
    def _held(self) -> Any:
        with self._shares.ranks.held():
            yield self._shares.ranks.interrupted
