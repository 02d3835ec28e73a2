"""The seam between partitions: how what their neurons sent in a window reaches all others.

All there is to exchange is a list of spikes for each window: a sorted int64 array of
``step << 32 | number``, with the step at whose end the neuron spiked and the neuron's number in
the whole network.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np


class SpikeExchange(Protocol):
    """How each partition's spikes reach all others; another transport implements this protocol.

    ``LocalSpikeExchange`` serves partitions of one process, ``ranks.exchange.RankExchange`` those
    of the processes of an MPI job, and ``Network(exchange=...)`` takes any other.  An exchange that
    was passed is called after each window, whatever the devices are.  A single device has nothing
    to exchange, and threads of one processor read each other's spikes.

    What a transport must keep, NCCL and NVSHMEM included:

    - *Together.*  All processes call ``swap`` at the same windows, which have the same steps
      everywhere.  It returns in none of them before the spikes of all of them are there.
    - *Complete.*  Each partition gets every spike of all others once, and none of its own.  A list
      has any length: empty, or as long as each neuron spiking in each step.
    - *Sorted.*  Lists are ascending.  So nothing depends on the order in which messages arrive.
    - *Whole.*  Lists that are passed are not changed.  Those that are returned stay as they are
      until the next call.
    - *Bounded.*  If a process cannot go on, ``swap`` raises in the others, or all end; none waits
      for ever.  A process whose devices fail in a window calls ``leave(error)`` in place of
      ``swap``, if there is such a method, and runs nothing more before ``reset``.

    A transport takes no part in what else processes agree on: see ``synapses.peers.Peers``.
    """

    def swap(self, lists: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return for each partition of this process the spikes of all other partitions.

        Args:
            lists: sorted spikes of the window, a list for each partition of this process.

        Returns:
            Sorted spikes for each of them: those of its siblings and of other processes.
        """


@dataclass(frozen=True)
class LocalSpikeExchange:
    """The exchange for partitions that are all in this process."""

    nothing: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    def swap(self, lists: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return for each partition the spikes of all others."""
        if len(lists) == 1:
            return [self.nothing]
        return [
            np.sort(np.concatenate([other for j, other in enumerate(lists) if j != i]))
            for i in range(len(lists))
        ]
