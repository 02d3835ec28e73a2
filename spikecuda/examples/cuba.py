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
from spikecuda.examples.setting import Setting, neuron_settings, settle_options, time
from spikecuda.network.model.receptors import ExpCurrent
from spikecuda.network.model.rules import FixedProbability
from spikecuda.network.network import Network

NEURON = {
    "tau_m": 20.0, "c_m": 200.0, "v_rest": -49.0, "v_reset": -60.0, "v_th": -50.0, "t_ref": 5.0,
}  # fmt: skip
# ms
TAU_E, TAU_I = 5.0, 10.0
# pA.  Brian2 writes weights as 1.62 and -9 mV; a current is that times c_m / tau_m = 10 pA / mV.
EXCITATION = 16.2
VARIANTS = ("nest", "brian")
INHIBITION = {"nest": -139.5, "brian": -90.0}
SETTINGS = {
    "excitation": Setting(EXCITATION, "pA", "jump of the current by an excitatory spike"),
    "inhibition": Setting(
        INHIBITION["nest"], "pA", "the same of an inhibitory one", by_variant=INHIBITION
    ),
    "tau_e": time(TAU_E, "time constant of excitation"),
    "tau_i": time(TAU_I, "time constant of inhibition"),
    **brette2007.SETTINGS,
    **neuron_settings(NEURON),
}

# Lowest and highest rate of E and of I, Hz (NEST: bench/peers/spread.py cuba).
RATES = {
    "nest": (((3.83, 4.24), (3.98, 4.05)), "NEST 3.10, seeds 1 to 12, 200 to 1200 ms"),
    "brian": (((5.2, 6.36), (5.44, 5.77)), "Brian2 2.11, 10 seeds, 200 to 1200 ms"),
}


def network(variant: str = "nest", **options: Any) -> Network:
    """Return the network.

    Args:
        variant: "nest" or "brian".
        options: any of ``SETTINGS`` (the kick's with "nest"); ``seed``, ``threads``, ...: see
            ``Network``.
    """
    as_variant(variant, VARIANTS)
    p, options = settle_options("cuba", settings_of(variant), variant, options)
    neuron = {name: p[name] for name in NEURON}
    net = Network(p.dt, **options)
    start = Uniform(p.v_reset, p.v_th) if variant == "brian" else p.v_rest
    receptors = {"exc": ExpCurrent(p.tau_e), "inh": ExpCurrent(p.tau_i)}
    for name, cells in (("E", p.n_e), ("I", p.n_i)):
        net.population(name, cells, "lif", neuron, {"v": start}, receptors=receptors)
    if variant == "brian":
        brette2007.wire(net, p, p.excitation, p.inhibition, FixedProbability(p.probability))
    else:
        brette2007.wire(net, p, p.excitation, p.inhibition)
        brette2007.kick(net, p, p.excitation)
    return net


def settings_of(variant: str) -> dict[str, Setting]:
    """Return what can be set of a variant: "brian" has no kick."""
    kicks = variant == "nest"
    return {name: s for name, s in SETTINGS.items() if kicks or not name.startswith("kick")}


def expected(variant: str = "nest") -> Sequence[Expected]:
    """Return what to expect: activity that lasts, at the rates of the other simulator."""
    return brette2007.expectations(*RATES[as_variant(variant, VARIANTS)])


EXAMPLE = Example(
    "cuba", "4,000 neurons with synaptic currents, active without input",
    "Brette et al. (2007) J Comput Neurosci 23:349, benchmark 2", network, expected,
    duration=1000.0, settle=brette2007.SETTLE, variants=VARIANTS, raster=None, settings=SETTINGS,
)  # fmt: skip
