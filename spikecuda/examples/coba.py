"""COBA: 4,000 leaky neurons with synaptic conductances, active without input.

Source: Brette et al. (2007) J Comput Neurosci 23:349, benchmark 1; weights and stimulus: NEST's
version of it (pynest/examples/brette_et_al_2007/coba.py).  The kick does not always catch: of 12
seeds in NEST one falls silent, of 30 here three.
"""

from collections.abc import Sequence
from typing import Any

from spikecuda.examples import brette2007
from spikecuda.examples.example import Example, Expected
from spikecuda.examples.setting import Setting, neuron_settings, settle_options, time
from spikecuda.network.model.receptors import ExpConductance
from spikecuda.network.network import Network

# Seeds 1 to 12, without seed 3, which falls silent (bench/peers/spread.py coba).
SOURCE = "NEST 3.10, 11 of seeds 1 to 12, 200 to 1200 ms"
NEURON = {
    "c_m": 200.0, "g_l": 10.0, "e_l": -60.0, "v_reset": -60.0, "v_th": -50.0, "t_ref": 5.0,
}  # fmt: skip
SETTINGS = {
    "excitation": Setting(
        6.0, "nS", "jump of the conductance by an excitatory spike", at_least=0.0
    ),
    "inhibition": Setting(67.0, "nS", "the same of an inhibitory one", at_least=0.0),
    "tau_e": time(5.0, "time constant of excitation"),
    "tau_i": time(10.0, "time constant of inhibition"),
    "e_e": Setting(0.0, "mV", "reversal potential of excitation"),
    "e_i": Setting(-80.0, "mV", "reversal potential of inhibition"),
    **brette2007.SETTINGS,
    **neuron_settings(NEURON),
}


def network(**options: Any) -> Network:
    """Return the network.

    Args:
        options: any of ``SETTINGS``; ``seed``, ``threads``, ``devices``, ...: see ``Network``.
    """
    p, options = settle_options("coba", SETTINGS, None, options)
    neuron = {name: p[name] for name in NEURON}
    receptors = {"exc": ExpConductance(p.tau_e, p.e_e), "inh": ExpConductance(p.tau_i, p.e_i)}
    net = Network(p.dt, **options)
    for name, cells in (("E", p.n_e), ("I", p.n_i)):
        net.population(name, cells, "lif_cond", neuron, receptors=receptors)
    brette2007.wire(net, p, p.excitation, p.inhibition)
    brette2007.kick(net, p, p.excitation)
    return net


def expected() -> Sequence[Expected]:
    """Return what to expect: activity that lasts, at NEST's rates."""
    return brette2007.expectations(((13.2, 15.1), (13.8, 14.7)), SOURCE)


EXAMPLE = Example(
    "coba", "4,000 neurons with synaptic conductances, active without input",
    "Brette et al. (2007) J Comput Neurosci 23:349, benchmark 1", network, expected,
    duration=1000.0, settle=brette2007.SETTLE, raster=None, settings=SETTINGS,
)  # fmt: skip
