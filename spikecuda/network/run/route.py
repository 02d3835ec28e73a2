"""How the spikes of a network get from partition to partition."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, nearest
from spikecuda.network.run.exchange import SpikeExchange

# What ``Network(exchange=...)`` takes beside a transport.
HOST, PEERS = "host", "peers"


@dataclass(frozen=True)
class Route:
    """A way of spikes.

    Attributes:
        by: "none": one partition alone; "memory": threads of a processor read each other's;
            "peers": copies from device to device; "host": lists that pass through the host; "mpi";
            "exchange": a transport that was passed.
        words: the same for people, with the reason if it is not the shortest one; "" if there is
            nothing to say.
    """

    by: str
    words: str = ""


def as_exchange(given: Any) -> tuple[SpikeExchange | None, str | None]:
    """Return the transport, or the name of the way, that ``Network(exchange=...)`` was passed.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: it is neither.
    """
    if given is None:
        return None, None
    if isinstance(given, str):
        if given not in (HOST, PEERS):
            raise SpikecudaValueError(
                f'exchange must be "peers", "host" or an object with a method swap (got '
                f"{given!r:.80}){nearest(given, [HOST, PEERS])}"
            )
        return None, given
    if isinstance(given, type) or not callable(getattr(given, "swap", None)):
        raise SpikecudaTypeError(
            f'exchange must be an object with a method swap, see SpikeExchange, or "peers" or '
            f'"host" (got {given!r:.80})'
        )
    exchange: SpikeExchange = given
    return exchange, None


NOWHERE, MEMORY, MPI, FOREIGN = Route("none"), Route("memory"), Route("mpi"), Route("exchange")


class Linked(Protocol):
    """Partitions on devices that reach each other: all of them advance without the host."""

    @property
    def most_steps(self) -> int:
        """The most steps of one call of ``advance`` within the run that has begun."""

    def advance(self, steps: int, external: np.ndarray) -> np.ndarray:
        """Advance all by some steps.

        Args:
            steps: up to ``most_steps``.
            external: given spikes of these steps, sorted.

        Returns:
            The spikes of all, sorted; they may be those of an earlier call.
        """

    def rest(self) -> np.ndarray:
        """Wait for what is under way; return the spikes that ``advance`` has not returned."""

    def names(self) -> Sequence[str]:
        """Return the names of the devices that have neurons."""
