"""A summary of a network before the build: populations, projections, bytes, predicted cost."""

import io
from collections.abc import Iterable

from spikecuda.common.notebook import Printed, escape, table_html
from spikecuda.common.screen import Screen, plain
from spikecuda.network.memory import coupled_bytes, synapse_bytes, whole
from spikecuda.network.model.coupling import Coupling
from spikecuda.network.model.description import Description
from spikecuda.network.model.population import Population
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.fixed_point import choose_fixed_point

# Nanoseconds on one core, a guess for orientation between what was measured on a Zen 4: 0.5 for a
# silent LIF neuron to 2 with Poisson input, and 1.2 (Brunel's network) to 4 for a synaptic event.
UPDATE, EVENT = 1.0, 2.5
# The same of a synapse that learns: 5 in rows of 1,000 on a Zen 5, some 20 in rows of ten a delay.
LEARNED = 8.0
# The same of a synapse of a coupling, in each step, on a Zen 5.
COUPLED = 1.0
POPULATION = ("population", "neurons", "model", "receptors")
PLACED = "positions"
PROJECTION = ("projection", "rule", "synapses", "bytes each")
LEARNS = "learns by"


def summarise(
    title: str, named: Iterable[Population], description: Description, placed: str = ""
) -> Printed:
    """Return the summary as text, and for notebooks as HTML.

    Args:
        title: what the network is called.
        named: the populations and sources that have a name.
        description: of the network.
        placed: of a network that is built, how neurons were dealt out, and how spikes go from
            device to device; "" if there is nothing to say.
    """
    from rich.console import Console
    from rich.table import Table

    populations, named = Table(title=title), list(named)
    headings: tuple[str, ...] = POPULATION + (PLACED,) * any(p.space is not None for p in named)
    for name in headings:
        populations.add_column(name, justify="right" if name == "neurons" else "left")
    those = [population_row(population)[: len(headings)] for population in named]
    for row in those:
        populations.add_row(*row)
    projections = Table()
    learning = any(p.plasticity is not None for p in description.projections)
    columns: tuple[str, ...] = PROJECTION + (LEARNS,) * learning
    for name in columns:
        numbers = name in ("synapses", "bytes each")
        projections.add_column(name, justify="right" if numbers else "left")
    bits = choose_fixed_point(description.wired).bits
    these = [projection_row(p, bits[p])[: len(columns)] for p in description.projections]
    these += [coupling_row(c)[: len(columns)] for c in description.couplings]
    for shown in these:
        projections.add_row(*shown)
    need = whole(description, bits)
    count = sum(population.size for population in description.populations)
    steps = 1000.0 / description.dt * (2 if any(c.iterated for c in description.couplings) else 1)
    coupled = sum(c.expected for c in description.couplings)
    update = steps * (count * UPDATE + coupled * COUPLED) * 1e-9
    event = 1e-9 * sum(
        p.expected * (EVENT if p.plasticity is None or not p.plasticity.learns else LEARNED)
        for p in description.projections
    )
    text = io.StringIO()
    console = Console(width=100, file=text, markup=False, force_jupyter=False)
    console.print(populations)
    if these:
        console.print(projections)
    sent = f", {need.arrivals / 1e6:,.1f} MB for {need.steps:,} steps of delays"
    grown = any(p.room > p.expected for p in description.projections)
    words = (
        f"memory: {need.neurons / 1e6:,.1f} MB for neurons, {need.synapses / 1e6:,.1f} MB for "
        f"synapses{', up to max_indegree' if grown else ''}{sent if need.arrivals else ''}\n"
        f"predicted cost of a second of model time on one core: {update:.3g} s for updates and "
        f"{event:.3g} s for each Hz of mean rate"
    )
    words += f"\n{placed}" if placed else ""
    console.print(words)
    html = table_html(title, headings, those)
    if these:
        html += table_html("", columns, these)
    html += "".join(f"<div>{escape(line)}</div>" for line in words.splitlines())
    return Printed(plain(text.getvalue(), Screen().encoding), html)


def population_row(population: Population) -> tuple[str, str, str, str, str]:
    """Return a population's row."""
    model = population.neuron_spec.model.name if population.neuron_spec else "spike trains"
    receptors, space = ", ".join(population.receptors), population.space
    where = ""
    if space is not None:
        where = f"{type(space.arrangement).__name__}, {space.axes} "
        where += ("axis" if space.axes == 1 else "axes") + ", periodic" * any(space.period)
    return population.name, f"{population.size:,}", model, receptors, where


def projection_row(p: Projection, bits: int) -> tuple[str, str, str, str, str]:
    """Return a projection's row; ``bits``: width of its weights."""
    learns = "" if p.plasticity is None else type(p.plasticity).__name__
    size = f"{synapse_bytes(p, bits):g}"
    return p.name, type(p.rule).__name__, f"{p.expected:,.0f}", size, learns


def coupling_row(c: Coupling) -> tuple[str, str, str, str, str]:
    """Return a coupling's row."""
    return c.name, type(c.rule).__name__, f"{c.expected:,.0f}", f"{coupled_bytes(c):g}", ""
