"""CUBA: 4,000 leaky neurons with synaptic currents, active without input.

Source: Brette et al. (2007) J Comput Neurosci 23:349, benchmark 2.  Two versions are in use and
differ in the strength of inhibition: NEST's (pynest/examples/brette_et_al_2007/cuba.py), which
starts all neurons above threshold and stimulates, and Brian2's (examples/CUBA.py), which starts
them anywhere below it.
"""

from collections.abc import Sequence
from typing import Any

from spikecuda.common.distributions import Uniform
from spikecuda.examples import brette2007
from spikecuda.examples.example import Example, Expected, as_variant
from spikecuda.network.model.receptors import ExpCurrent
from spikecuda.network.model.rules import FixedProbability
from spikecuda.network.network import Network

NEURON = {
    "tau_m": 20.0, "c_m": 200.0, "v_rest": -49.0, "v_reset": -60.0, "v_th": -50.0, "t_ref": 5.0,
}  # fmt: skip
TAU_E, TAU_I = 5.0, 10.0
# pA.  Brian2 writes weights as 1.62 and -9 mV; a current is that times c_m / tau_m = 10 pA / mV.
EXCITATION = 16.2
VARIANTS = ("nest", "brian")
INHIBITION = {"nest": -139.5, "brian": -90.0}

# Lowest and highest rate of E and of I, Hz, in 10 seeds from 200 to 1200 ms.
RATES = {
    "nest": (((3.85, 4.21), (3.97, 4.05)), "NEST 3.10, 10 seeds"),
    "brian": (((5.2, 6.36), (5.44, 5.77)), "Brian2 2.11, 10 seeds"),
}


def network(variant: str = "nest", **options: Any) -> Network:
    """Return the network.

    Args:
        variant: "nest" or "brian".
        options: ``seed``, ``threads``, ``devices``, ...: see ``Network``.
    """
    as_variant(variant, VARIANTS)
    net = Network(brette2007.DT, **options)
    start = Uniform(-60.0, -50.0) if variant == "brian" else -49.0
    receptors = {"exc": ExpCurrent(TAU_E), "inh": ExpCurrent(TAU_I)}
    for name, size in (("E", brette2007.N_E), ("I", brette2007.N_I)):
        net.population(name, size, "lif", NEURON, {"v": start}, receptors=receptors)
    if variant == "brian":
        rule = FixedProbability(brette2007.PROBABILITY)
        brette2007.wire(net, EXCITATION, INHIBITION[variant], rule)
    else:
        brette2007.wire(net, EXCITATION, INHIBITION[variant])
        brette2007.kick(net, EXCITATION)
    return net


def expected(variant: str = "nest") -> Sequence[Expected]:
    """Return what to expect: activity that lasts, at the rates of the other simulator."""
    return brette2007.expectations(*RATES[as_variant(variant, VARIANTS)])


EXAMPLE = Example(
    "cuba", "4,000 neurons with synaptic currents, active without input",
    "Brette et al. (2007) J Comput Neurosci 23:349, benchmark 2", network, expected,
    duration=1000.0, settle=brette2007.SETTLE, variants=VARIANTS, raster=None,
)  # fmt: skip
