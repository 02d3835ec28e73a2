"""Other processes that have synapses of the same network, and what is asked of all of them."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import numpy as np


class Peers(Protocol):
    """The processes of a network, each with other blocks; all call these together.

    Attributes:
        rank: number of this one.
        count: how many there are.
        complete: whether all synapses are somewhere; else this one is built without the others.
        piece: steps of a run before the piece that comes, and of the run: the same in all.
        run: a number of the run that comes, the same in all; no other run has it, of any job.
    """

    rank: int
    count: int
    complete: bool
    piece: tuple[int, int]
    run: int

    def held(self) -> AbstractContextManager[None]:
        """Hold Ctrl-C back, between the pieces of a run, until all can be told of it."""

    def part(self, total: int) -> tuple[int, int]:
        """Return which of ``total`` things this one does for all: the first, and the end.

        The first is a multiple of four; everything, where nobody else does a part.
        """

    def telling(self, later: bool = False) -> AbstractContextManager[None]:
        """Tell the others if this process alone raises something in the block."""

    def each(self, value: Any) -> list[Any]:
        """Return what each process has for a small value."""

    def least(self, values: np.ndarray) -> np.ndarray:
        """Return the smallest of each number over all processes."""

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of each number over all processes."""

    def joined(self, array: np.ndarray, of: str = "") -> list[np.ndarray]:
        """Return each process' 1-D array of the same type, ``of`` something."""

    def gathered(self, array: np.ndarray, of: str = "") -> list[np.ndarray]:
        """Return in rank 0 each process' 1-D array of the same type; in others nothing."""

    def require_alike(self, whose: str, values: Mapping[str, Any]) -> None:
        """Raise SpikecudaValueError in all processes unless they have the same values."""


@contextmanager
def all_or_none(peers: Peers | None) -> Iterator[None]:
    """Let all processes raise what one of them raises in the block, of its own synapses.

    Nothing in the block is collective.

    Args:
        peers: the processes; None: there is this one only.
    """
    if peers is None:
        yield
        return
    with peers.telling():
        yield
    peers.each(None)  # who raised, says so here


def join_sorted(peers: Peers, found: dict[str, np.ndarray], of: str) -> dict[str, np.ndarray]:
    """Return the synapses of all processes, sorted by source, then delay, then target.

    Args:
        peers: the processes.
        found: those of this one, sorted, as ``Projection.connections`` has them.
        of: name of the projection.
    """
    joined = {name: np.concatenate(peers.joined(values, of)) for name, values in found.items()}
    order = np.lexsort((joined["target"], joined["delay"], joined["source"]))
    return {name: values[order] for name, values in joined.items()}


def own_part(peers: Peers, given: np.ndarray, found: dict[str, np.ndarray]) -> np.ndarray:
    """Return what this process has of an array with a value for each synapse of all of them.

    Args:
        peers: the processes.
        given: in the order of ``join_sorted``.
        found: the synapses of this process.
    """
    labelled = {name: found[name] for name in ("source", "delay", "target")}
    labelled["rank"] = np.full(found["source"].size, peers.rank)
    return given[join_sorted(peers, labelled, "given")["rank"] == peers.rank]
