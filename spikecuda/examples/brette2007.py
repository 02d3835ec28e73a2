"""What the CUBA and COBA benchmarks share: 4,000 neurons, sparse random synapses, one kick.

Source: Brette et al. (2007) J Comput Neurosci 23:349, benchmarks 1 and 2, after Vogels & Abbott
(2005) J Neurosci 25:10786; stimulus and in-degrees: NEST's version of them
(pynest/examples/brette_et_al_2007).
"""

from collections.abc import Sequence

from spikecuda.examples.example import Expected, rate_of, sustained
from spikecuda.network.model.rules import FixedInDegree, Rule
from spikecuda.network.model.spike_train import SpikeTrain
from spikecuda.network.network import Network

N_E, N_I, PROBABILITY = 3200, 800, 0.02
DT, DELAY = 0.1, 0.1
# The kick: Poisson spikes to the first 50 excitatory neurons.
KICKED, KICK_RATE, KICK_START, KICK_STOP = 50, 300.0, 1.0, 51.0
# Statistics are taken from here on, ms: the kick is forgotten.
SETTLE = 200.0


def wire(net: Network, excitation: float, inhibition: float, rule: Rule | None = None) -> None:
    """Connect "E" and "I" with each other, at receptors "exc" and "inh".

    Args:
        net: has the two populations.
        excitation, inhibition: weights in the receptors' unit.
        rule: None: each neuron has synapses from exactly 2 % of either population.
    """
    for target in ("E", "I"):
        net.connect("E", target, rule or FixedInDegree(64), excitation, DELAY, "exc")
        net.connect("I", target, rule or FixedInDegree(16), inhibition, DELAY, "inh")


def kick(net: Network, weight: float) -> None:
    """Let the stimulus arrive at the receptor "exc"."""
    train = SpikeTrain.poisson(
        KICKED, KICK_RATE, KICK_START, KICK_STOP, weight=weight, seed=net.seed
    )
    net.drive(net["E"][:KICKED], train, "exc")


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
