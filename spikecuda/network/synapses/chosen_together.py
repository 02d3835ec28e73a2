"""Some of a projection's synapses that learn, which several processes have."""

from typing import Any

import numpy as np

from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.access import bundle_of
from spikecuda.network.synapses.chosen import ChosenSynapses, chosen_numbers
from spikecuda.network.synapses.identity import SharedOrder
from spikecuda.network.synapses.peers import Peers
from spikecuda.network.synapses.store import Wiring


class ChosenTogether:
    """The chosen synapses of a projection over all processes; all of them make it together.

    Args:
        projection: whose.
        wiring: the synapses of this process.
        which: a slice, ascending numbers, or None for all, in the order of
            ``Projection.connections``.
        peers: the processes.

    Attributes:
        own: those of this process.
        size: how many synapses are chosen.
        places: int64, where those of this process are among all.
        wiring: as passed.
    """

    def __init__(
        self, projection: Projection, wiring: Wiring, which: slice | np.ndarray | None, peers: Peers
    ) -> None:
        self._peers, self.wiring = peers, wiring
        order = SharedOrder(projection, bundle_of(projection, wiring), wiring, peers)
        numbers, places = chosen_numbers(which, order.size), order.places()
        at = np.minimum(np.searchsorted(numbers, places), max(numbers.size - 1, 0))
        mine = np.flatnonzero(numbers[at] == places) if numbers.size else places[:0]
        self.own, self.size = ChosenSynapses(projection, wiring, mine), int(numbers.size)
        # Which of the chosen ones each process has.
        self._columns = peers.joined(at[mine], "chosen synapses")
        self.places = at[mine]

    def joined(self, values: np.ndarray) -> np.ndarray[Any, Any]:
        """Return what all processes have, (rows, synapses); all of them call it.

        Args:
            values: (rows, synapses) of this process' chosen synapses.
        """
        rows = values.shape[0]
        result = np.empty((rows, self.size), values.dtype)
        for columns, words in zip(
            self._columns, self._peers.joined(values.reshape(-1), "samples"), strict=True
        ):
            result[:, columns] = words.reshape(rows, columns.size)
        return result
