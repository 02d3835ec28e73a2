"""What the CUBA and COBA benchmarks share: 4,000 neurons, sparse random synapses, one kick.

Source: Brette et al. (2007) J Comput Neurosci 23:349, benchmarks 1 and 2, after Vogels & Abbott
(2005) J Neurosci 25:10786; stimulus and in-degrees: NEST's version of them
(pynest/examples/brette_et_al_2007).
"""

from collections.abc import Sequence

from spikecuda.examples.example import Expected, rate_of, sustained
from spikecuda.examples.setting import Setting, Settings, count, size, time
from spikecuda.network.model.rules import FixedInDegree, Rule
from spikecuda.network.model.spike_train import SpikeTrain
from spikecuda.network.network import Network

N_E, N_I, PROBABILITY = 3200, 800, 0.02
DT, DELAY = 0.1, 0.1
# The kick: Poisson spikes to the first 50 excitatory neurons.
KICKED, KICK_RATE, KICK_START, KICK_STOP = 50, 300.0, 1.0, 51.0
# Statistics are taken from here on, ms: the kick is forgotten.
SETTLE = 200.0


# What both benchmarks share; the kick's weight is that of excitation.
SETTINGS = {
    "n_e": size(N_E, "excitatory neurons"), "n_i": size(N_I, "inhibitory neurons"),
    "probability": Setting(
        PROBABILITY, "", "of a synapse; in-degrees are fixed at this part of a population "
        "(variant brian of cuba: each pair by itself)", above=0.0, at_most=1.0,
    ),
    "delay": time(DELAY, "delay of all synapses"), "dt": time(DT, "length of a step"),
    "kicked": count(KICKED, "excitatory neurons that the kick reaches"),
    "kick_rate": Setting(KICK_RATE, "Hz", "rate of the kick's spikes", at_least=0.0),
    "kick_start": Setting(KICK_START, "ms", "start of the kick", at_least=0.0),
    "kick_stop": Setting(KICK_STOP, "ms", "end of the kick", above=0.0),
}  # fmt: skip


def wire(
    net: Network, p: Settings, excitation: float, inhibition: float, rule: Rule | None = None
) -> None:
    """Connect "E" and "I" with each other, at receptors "exc" and "inh".

    Args:
        net: has the two populations.
        p: the numbers.
        excitation, inhibition: weights in the receptors' unit.
        rule: None: each neuron has synapses from exactly ``probability`` of either population.
    """
    sizes = {"E": p.n_e, "I": p.n_i}
    rules = {s: rule or FixedInDegree(round(p.probability * n)) for s, n in sizes.items()}
    for target in ("E", "I"):
        net.connect("E", target, rules["E"], excitation, p.delay, "exc")
        net.connect("I", target, rules["I"], inhibition, p.delay, "inh")


def kick(net: Network, p: Settings, weight: float) -> None:
    """Let the stimulus arrive at the receptor "exc"."""
    kicked = min(p.kicked, p.n_e)
    if kicked:
        train = SpikeTrain.poisson(
            kicked, p.kick_rate, p.kick_start, p.kick_stop, weight=weight, seed=net.seed
        )
        net.drive(net["E"][:kicked], train, "exc")


def expectations(
    rates: tuple[tuple[float, float], tuple[float, float]], source: str
) -> Sequence[Expected]:
    """Return that activity lasts, and the spread of the rates of E and I in another simulator."""
    paper = "Brette et al. (2007)"
    return [
        Expected("activity at the end", "", "sustained", "sustained", sustained, paper),
        *(
            Expected(f"rate of {name}", "Hz", low, high, rate_of(name), source)
            for name, (low, high) in zip(("E", "I"), rates, strict=True)
        ),
    ]
