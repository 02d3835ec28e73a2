"""A network as described by the user; what builds, counts or prints it reads this."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from spikecuda.network.model.coupling import Coupling
from spikecuda.network.model.population import Population
from spikecuda.network.model.projection import Projection


@dataclass(frozen=True, eq=False)
class Description:
    """A network as described by the user; everything that builds, counts or prints it reads this.

    Attributes:
        dt: length of a step in ms.
        seed: the number from which the wiring is drawn.
        populations: those with neurons, in the order of their numbers.
        sources: populations of given spike trains; their numbers follow.
        projections: in the order of ``connect``.
        wired: the same, and those of trains that drive neurons.
        couplings: in the order of ``couple``.
    """

    dt: float
    seed: int
    populations: Sequence[Population]
    sources: Sequence[Population]
    projections: Sequence[Projection]
    wired: Sequence[Projection]
    couplings: Sequence[Coupling] = field(default=())

    @property
    def sizes(self) -> list[int]:
        """Neurons or trains of every population and source, by number."""
        return [p.size for p in (*self.populations, *self.sources)]
