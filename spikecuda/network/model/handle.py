"""How populations and projections read and change what was built from them."""

from abc import abstractmethod
from typing import Any, Protocol

import numpy as np

from spikecuda.common.exclusive_use import ExclusiveUse


class Handle(Protocol):
    """The way from a population or projection to what was built of it; a network is one.

    Each method but ``count_of`` builds the network first if it was not.

    Attributes:
        turn: whose turn it is to use the network.
    """

    turn: ExclusiveUse

    @abstractmethod
    def neurons_of(self, number: int) -> Any:
        """Return the neurons of a population: ``names``, ``read`` and ``write`` of its state."""

    @abstractmethod
    def connections_of(self, projection: Any, sources: Any = ...) -> dict[str, np.ndarray]:
        """Return a projection's synapses, of a view of sources; see ``Projection.connections``."""

    @abstractmethod
    def count_of(self, projection: Any, enough: int = ...) -> int:
        """Return a projection's number of synapses, or ``enough`` if it has more."""

    @abstractmethod
    def set_weights(self, projection: Any, values: object) -> None:
        """Set a projection's weights; see ``Projection.weights``."""
