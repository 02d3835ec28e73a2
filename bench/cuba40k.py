"""CUBA, the current-based benchmark of Brette et al. (2007), ten times as large."""

from typing import Any

from spikecuda.common.distributions import Uniform
from spikecuda.examples import cuba
from spikecuda.network import ExpCurrent, FixedProbability, Network


def cuba40k(**options: Any) -> Network:
    """Return CUBA with ten times the neurons and as many synapses on each: 3.2 M."""
    net = Network(0.1, **options)
    receptors = {"exc": ExpCurrent(cuba.TAU_E), "inh": ExpCurrent(cuba.TAU_I)}
    for name, size in (("E", 32_000), ("I", 8_000)):
        start = {"v": Uniform(-60.0, -50.0)}
        net.population(name, size, "lif", cuba.NEURON, start, receptors=receptors)
    rule = FixedProbability(0.002)
    for target in ("E", "I"):
        net.connect("E", target, rule, cuba.EXCITATION, 0.1, "exc")
        net.connect("I", target, rule, cuba.INHIBITION["brian"], 0.1, "inh")
    return net
