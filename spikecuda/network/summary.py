"""What a network will be: populations, projections, bytes and predicted cost, before the build."""

import io
from typing import TYPE_CHECKING

from spikecuda.errors import OutOfMemoryError
from spikecuda.host import available_memory
from spikecuda.network.projection import Projection

if TYPE_CHECKING:
    from spikecuda.network.network import Network

# Nanoseconds on one core, a guess for orientation between what was measured on a Zen 4: 0.5 for a
# silent LIF neuron to 2 with Poisson input, and 1.2 (Brunel's network) to 4 for a synaptic event.
UPDATE, EVENT = 1.0, 2.5


def synapse_bytes(projection: Projection) -> float:
    """Return the bytes of each synapse of a projection: target, weight, its share of a segment."""
    if projection.procedural:
        return 0.0
    weight = 0 if projection.weight.kind == "FIXED" else projection.weight_bits // 8
    return 2.0 + weight


def sizes(network: "Network") -> tuple[float, float]:
    """Return the bytes of the neurons and of the synapses, as expected."""
    neurons = 0.0
    for group in network.populations.values():
        if group.plan is not None:
            states = sum(len(r.spec(n).rules.states) for n, r in group.receptors.items())
            ports = len(group.receptors)
            neurons += group.size * (group.plan.bytes_per_neuron() + 4 * states + 4 * ports + 12)
    synapses = sum(p.expected * synapse_bytes(p) for p in network.projections)
    return neurons, synapses


def require_memory(network: "Network") -> None:
    """Raise OutOfMemoryError if the network cannot fit, before anything is allocated."""
    neurons, synapses = sizes(network)
    available = available_memory()
    if neurons + synapses > available:
        raise OutOfMemoryError(
            f"the network needs about {(neurons + synapses) / 1e9:,.2f} GB, {synapses / 1e9:,.2f} "
            f"GB of it for synapses (available: {available / 1e9:,.2f} GB); use fewer, one weight "
            "for all synapses of a projection, or procedural=True"
        )


def summarise(network: "Network") -> str:
    """Return the summary as text."""
    from rich.console import Console
    from rich.table import Table

    populations = Table(title=repr(network).strip("<>"))
    for name in ("population", "neurons", "model", "receptors"):
        populations.add_column(name, justify="right" if name == "neurons" else "left")
    for group in network.populations.values():
        model = group.plan.model.name if group.plan else "spike trains"
        populations.add_row(group.name, f"{group.size:,}", model, ", ".join(group.receptors))
    projections = Table()
    for name in ("projection", "rule", "synapses", "bytes each"):
        numbers = name in ("synapses", "bytes each")
        projections.add_column(name, justify="right" if numbers else "left")
    for p in network.projections:
        projections.add_row(
            p.name, type(p.rule).__name__, f"{p.expected:,.0f}", f"{synapse_bytes(p):g}"
        )
    neurons, synapses = sizes(network)
    count = sum(group.size for group in network.populations.values() if group.plan)
    total = sum(p.expected for p in network.projections)
    update = count * 1000.0 / network.dt * UPDATE * 1e-9
    event = total * EVENT * 1e-9
    text = io.StringIO()
    console = Console(width=100, file=text)
    console.print(populations)
    if network.projections:
        console.print(projections)
    console.print(
        f"memory: {neurons / 1e6:,.1f} MB for neurons, {synapses / 1e6:,.1f} MB for synapses\n"
        f"predicted cost of a second of model time on one core: {update:.3g} s for updates and "
        f"{event:.3g} s for each Hz of mean rate"
    )
    return text.getvalue()
