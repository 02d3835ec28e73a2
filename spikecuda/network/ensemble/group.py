"""The interface of groups: replicas that one device advances together."""

from collections.abc import Callable, Sequence
from typing import Protocol

from spikecuda.common.exclusive_use import ExclusiveUse
from spikecuda.common.seed import Seeds
from spikecuda.network.ensemble.replica import Replica
from spikecuda.network.results.result import NetworkResult
from spikecuda.network.run.engine import Engine


class BrokenOff(Exception):
    """What went wrong in a group.

    Args:
        replica: number of the replica in which; None: in all of them.
        error: what went wrong.
        partial: what each replica recorded, if all of them are at the same step; else None.
    """

    def __init__(
        self, replica: int | None, error: BaseException, partial: list[NetworkResult] | None
    ) -> None:
        super().__init__(replica, error)
        self.replica, self.error, self.partial = replica, error, partial


class Group(Protocol):
    """Replicas that one device advances together.

    Attributes:
        replicas: which.
        turns: of the device.
        whole: whether a run is one slice: the group itself ends it at Ctrl-C.
        clock: steps that all replicas have done since the last reset.
        engines: of all replicas, each once.
        threads: of the host that work for them.
        device_name: name of the device.
    """

    replicas: list[Replica]
    turns: tuple[ExclusiveUse, ...]
    whole: bool
    threads: int

    @property
    def engines(self) -> Sequence[Engine]:
        """The engines of all replicas, each once."""

    @property
    def device_name(self) -> str:
        """Name of the device."""

    @property
    def clock(self) -> int:
        """Steps done since the last reset; -1 if that differs between replicas."""

    def engine_of(self, place: int) -> Engine:
        """Return the engine of a replica by its place among these."""

    def advance(
        self, first: int, steps: int, total: int, report: Callable[[int], None]
    ) -> list[NetworkResult]:
        """Advance all replicas by a slice of a run.

        Args:
            first: steps of the run before the slice.
            steps: of the slice; ``total``: of the run.
            report: is told the steps of the slice that are done.

        Raises:
            BrokenOff: something went wrong.
        """

    def restart(self, seeds: Sequence[Seeds]) -> None:
        """Go back to step 0, each replica with its seeds."""

    def close(self) -> None:
        """Give everything back."""
