"""Values of coupled neurons that processes of MPI exchange in each step, from native code."""

from typing import Any

import numpy as np

from spikecuda.common.aligned_memory import aligned_zeros
from spikecuda.kernels.network import coupling as tables
from spikecuda.network.ranks.ranks import Ranks


class CoupledValues:
    """The processes, each with consecutive neurons of every population; see ``SharedValues``.

    Args:
        ranks: the processes.
        bounds: int64 (populations, ranks + 1), the first neuron that each owns.

    Attributes:
        ranks: how many there are.
    """

    def __init__(self, ranks: Ranks, bounds: np.ndarray) -> None:
        self._ranks, self._bounds = ranks, bounds
        self.ranks = ranks.count
        self._function = ranks.function("MPI_Allgatherv")

    def row(self, number: int, values: np.ndarray, keep: list[Any]) -> np.ndarray:
        """Return the row by which values of a population are exchanged; see ``SharedValues``."""
        words = values.itemsize // 4
        edges = self._bounds[number] * words
        counts, places = np.diff(edges).astype(np.int32), edges[:-1].astype(np.int32)
        first, end = self._bounds[number, self._ranks.rank : self._ranks.rank + 2]
        own = values[int(first) : int(end)]
        stage = aligned_zeros(max(own.size, 1), values.dtype)
        keep += [counts, places, stage]
        communicator, kind = self._ranks.handles
        row = np.zeros(tables.SEND, np.int64)
        row[tables.SEND_FROM] = values.ctypes.data + int(first) * values.itemsize
        row[tables.SEND_BYTES], row[tables.SEND_WORDS] = own.nbytes, own.size * words
        row[tables.SEND_STAGE], row[tables.SEND_TO] = stage.ctypes.data, values.ctypes.data
        row[tables.SEND_COUNTS], row[tables.SEND_PLACES] = counts.ctypes.data, places.ctypes.data
        row[tables.SEND_FUNCTION], row[tables.SEND_TYPE] = self._function, kind
        row[tables.SEND_COMMUNICATOR] = communicator
        return row
