"""What neurons are to synapses that look back on their spikes: sources, targets, modulators."""

from spikecuda.network.synapses.store import Bundle

SOURCE, TARGET, MODULATOR = "source", "target", "modulator"


def roles(bundle: Bundle) -> tuple[str, ...]:
    """Return whose spikes a bundle's synapses look back on."""
    if bundle.released:
        return (SOURCE,)
    modulated = bundle.projections[0].modulator is not None
    return (SOURCE, MODULATOR, TARGET) if modulated else (SOURCE, TARGET)


def population_of(bundle: Bundle, role: str) -> int:
    """Return the number of a population of a bundle."""
    p = bundle.projections[0]
    if role == MODULATOR:
        assert p.modulator is not None
        return p.modulator.population.number
    return p.target.population.number if role == TARGET else bundle.source
