"""What a network will be: populations, projections, bytes and predicted cost, before the build."""

import io
from collections.abc import Iterable

from spikecuda.network.memory import synapse_bytes, whole
from spikecuda.network.model.description import Description
from spikecuda.network.model.population import Population

# Nanoseconds on one core, a guess for orientation between what was measured on a Zen 4: 0.5 for a
# silent LIF neuron to 2 with Poisson input, and 1.2 (Brunel's network) to 4 for a synaptic event.
UPDATE, EVENT = 1.0, 2.5


def summarise(title: str, named: Iterable[Population], description: Description) -> str:
    """Return the summary as text.

    Args:
        title: what the network is called.
        named: the populations and sources that have a name.
        description: of the network.
    """
    from rich.console import Console
    from rich.table import Table

    populations = Table(title=title)
    for name in ("population", "neurons", "model", "receptors"):
        populations.add_column(name, justify="right" if name == "neurons" else "left")
    for population in named:
        model = population.neuron_spec.model.name if population.neuron_spec else "spike trains"
        populations.add_row(
            population.name, f"{population.size:,}", model, ", ".join(population.receptors)
        )
    projections = Table()
    for name in ("projection", "rule", "synapses", "bytes each"):
        numbers = name in ("synapses", "bytes each")
        projections.add_column(name, justify="right" if numbers else "left")
    for p in description.projections:
        projections.add_row(
            p.name, type(p.rule).__name__, f"{p.expected:,.0f}", f"{synapse_bytes(p):g}"
        )
    need = whole(description)
    count = sum(population.size for population in description.populations)
    total = sum(p.expected for p in description.projections)
    update = count * 1000.0 / description.dt * UPDATE * 1e-9
    event = total * EVENT * 1e-9
    text = io.StringIO()
    console = Console(width=100, file=text, markup=False)
    console.print(populations)
    if description.projections:
        console.print(projections)
    sent = f", {need.arrivals / 1e6:,.1f} MB for {need.steps:,} steps of delays"
    console.print(
        f"memory: {need.neurons / 1e6:,.1f} MB for neurons, {need.synapses / 1e6:,.1f} MB for "
        f"synapses{sent if need.arrivals else ''}\n"
        f"predicted cost of a second of model time on one core: {update:.3g} s for updates and "
        f"{event:.3g} s for each Hz of mean rate"
    )
    return text.getvalue()
