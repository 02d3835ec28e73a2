"""How populations and projections read and change what was built from them."""

from abc import abstractmethod
from typing import Any, Protocol

import numpy as np

from spikecuda.common.exclusive_use import ExclusiveUse


class Handle(Protocol):
    """How a population or projection reads and changes what was built from it; a network is one.

    Each method except ``count_of``, ``coupled_pairs``, ``recouple`` and ``adjust`` builds the
    network first if necessary.

    Attributes:
        turn: allows one thread at a time to use the network.
    """

    turn: ExclusiveUse

    @abstractmethod
    def neurons_of(self, population: Any) -> Any:
        """Return the neurons of a population: ``names``, ``read`` and ``write`` of its state.

        A build may give the population another number.
        """

    @abstractmethod
    def adjust(self, population: Any, neuron_spec: Any, receptors: Any) -> None:
        """Give a population other parameters and receptors, also where it is built."""

    @abstractmethod
    def train_of(self, source: Any) -> Any:
        """Return the spikes of a source."""

    @abstractmethod
    def replace_train(self, source: Any, value: object) -> None:
        """Give a source other spikes."""

    @property
    @abstractmethod
    def built(self) -> bool:
        """Whether kernels and state are made for it."""

    @abstractmethod
    def connections_of(self, projection: Any, sources: Any = ...) -> dict[str, np.ndarray]:
        """Return a projection's synapses, of a view of sources; see ``Projection.connections``."""

    @abstractmethod
    def coupled_pairs(self, coupling: Any) -> dict[str, np.ndarray]:
        """Return a coupling's pairs, which are drawn once; see ``Coupling.connections``."""

    @abstractmethod
    def recouple(self) -> None:
        """Take notice of another strength of a coupling, where the network is built."""

    @abstractmethod
    def count_of(self, projection: Any, enough: int = ...) -> int:
        """Return a projection's number of synapses, or ``enough`` if it has more."""

    @abstractmethod
    def set_weights(self, projection: Any, values: object) -> None:
        """Set a projection's weights; see ``Projection.weights``."""

    @abstractmethod
    def set_values(self, projection: Any, name: str, values: object) -> None:
        """Set a variable of a projection's synapses; see ``Projection.set_values``."""

    @abstractmethod
    def level(self, projection: Any, value: float | None = None) -> float:
        """Return the level of a projection's modulator, set if a value is given."""

    @abstractmethod
    def adjust_rule(self, projection: Any, rule: Any) -> None:
        """Give a projection's rule other parameters; see ``Projection.params``."""

    @abstractmethod
    def set_plastic(self, projection: Any, plastic: bool) -> None:
        """Let a projection's synapses learn, or stay as they are; see ``Projection.plastic``."""

    @abstractmethod
    def keep_up(self, projection: Any, kind: str, what: Any, every: int | None) -> None:
        """Do something with a projection's weights now, or at intervals.

        Args:
            projection: whose.
            kind: which method of the projection asks; a later call replaces what is done at
                intervals.
            what: what is to be done; None: no longer.
            every: steps of the interval; None: now.
        """
