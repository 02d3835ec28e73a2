"""Networks of one structure on a CUDA device, which every launch advances together."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from spikecuda.network.synapses.store import Bundle, Rows, Wiring


@dataclass(frozen=True)
class Replicas:
    """How networks of one structure follow each other on a device.

    Attributes:
        count: how many.
        numbers: of neurons and sources, from one network to the next.
        places: of neurons, from one network to the next.
    """

    count: int = 1
    numbers: int = 0
    places: int = 0

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return self.count > 1

    def of(self, number: int) -> int:
        """Return the network of a neuron or source by its number."""
        return number // self.numbers if self.several else 0


# One network by itself.
ALONE = Replicas()


def first_of(wiring: Wiring, first: Mapping[int, int], replicas: Replicas) -> Wiring | None:
    """Return the wiring of the first network, if all others have its rows; else None.

    Rows that have a synapse rule do not count: each network has its own.

    Args:
        wiring: of all networks.
        first: number of the first neuron of each population, sources included.
        replicas: how they follow each other.
    """
    if not replicas.several:
        return None
    each: list[list[Bundle]] = [[] for _ in range(replicas.count)]
    for bundle in wiring.bundles:
        if not bundle.ruled:
            each[replicas.of(first[bundle.source])].append(bundle)
    for others in each[1:]:
        if len(others) != len(each[0]):
            return None
        if not all(_same(a, b) for a, b in zip(each[0], others, strict=True)):
            return None
    return replace(wiring, bundles=each[0])


def _same(a: Bundle, b: Bundle) -> bool:
    """Tell whether two bundles have the same rows: the same arrays."""
    return (
        (a.kind, a.weight, a.port, a.rule) == (b.kind, b.weight, b.port, b.rule)
        and len(a.blocks) == len(b.blocks)
        and all(_same_rows(*pair) for pair in zip(a.blocks, b.blocks, strict=True))
    )


def _same_rows(a: Rows, b: Rows) -> bool:
    names = ("targets", "weights", "starts", "delays", "rows")
    return all(getattr(a, name) is getattr(b, name) for name in names)
