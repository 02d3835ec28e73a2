"""Networks and results of other tools: SONATA and NIR, read and written.

Each module says which extra of ``pip install "spikecuda[...]"`` it needs.
"""

from typing import TYPE_CHECKING

from spikecuda.common.first_use import at_first_use

# Where each public name lives; loaded at first use.
_PUBLIC = {
    "FilterSimulation": "filternet.simulation",
    "NIRNetwork": "nir.network",
    "SonataSimulation": "sonata.simulation",
    "from_filternet": "filternet.simulation",
    "from_nir": "nir.network",
    "from_sonata": "sonata.simulation",
    "read_spikes": "sonata.spike_tools",
    "to_networkx": "graph",
    "to_nir": "nir.export",
    "to_sonata": "sonata.export",
    "write_spikes": "sonata.spike_tools",
}

if TYPE_CHECKING:
    from spikecuda.formats.filternet.simulation import FilterSimulation, from_filternet
    from spikecuda.formats.graph import to_networkx
    from spikecuda.formats.nir.export import to_nir
    from spikecuda.formats.nir.network import NIRNetwork, from_nir
    from spikecuda.formats.sonata.export import to_sonata
    from spikecuda.formats.sonata.simulation import SonataSimulation, from_sonata
    from spikecuda.formats.sonata.spike_tools import read_spikes, write_spikes

__all__ = [
    "FilterSimulation",
    "NIRNetwork",
    "SonataSimulation",
    "from_filternet",
    "from_nir",
    "from_sonata",
    "read_spikes",
    "to_networkx",
    "to_nir",
    "to_sonata",
    "write_spikes",
]


if not TYPE_CHECKING:  # a type checker would take any name for one of these
    __getattr__ = at_first_use(__name__, _PUBLIC)


def __dir__() -> list[str]:
    return sorted(__all__)
