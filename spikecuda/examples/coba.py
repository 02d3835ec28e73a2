"""COBA: 4,000 leaky neurons with synaptic conductances, active without input.

Source: Brette et al. (2007) J Comput Neurosci 23:349, benchmark 1; weights and stimulus: NEST's
version of it (pynest/examples/brette_et_al_2007/coba.py).  The kick does not always catch: of 12
seeds in NEST one falls silent, of 30 here three.
"""

from collections.abc import Sequence
from typing import Any

from spikecuda.examples import brette2007
from spikecuda.examples.example import Example, Expected
from spikecuda.network.model.receptors import ExpConductance
from spikecuda.network.network import Network

NEURON = {
    "c_m": 200.0, "g_l": 10.0, "e_l": -60.0, "v_reset": -60.0, "v_th": -50.0, "t_ref": 5.0,
}  # fmt: skip
# ms, mV
EXC, INH = ExpConductance(5.0, 0.0), ExpConductance(10.0, -80.0)
# nS
EXCITATION, INHIBITION = 6.0, 67.0


def network(**options: Any) -> Network:
    """Return the network.

    Args:
        options: ``seed``, ``threads``, ``devices``, ...: see ``Network``.
    """
    net = Network(brette2007.DT, **options)
    for name, size in (("E", brette2007.N_E), ("I", brette2007.N_I)):
        net.population(name, size, "lif_cond", NEURON, receptors={"exc": EXC, "inh": INH})
    brette2007.wire(net, EXCITATION, INHIBITION)
    brette2007.kick(net, EXCITATION)
    return net


def expected() -> Sequence[Expected]:
    """Return what to expect: activity that lasts, at NEST's rates."""
    return brette2007.expectations(((13.4, 14.8), (13.9, 14.8)), "NEST 3.10, 7 of 8 seeds")


EXAMPLE = Example(
    "coba", "4,000 neurons with synaptic conductances, active without input",
    "Brette et al. (2007) J Comput Neurosci 23:349, benchmark 1", network, expected,
    duration=1000.0, settle=brette2007.SETTLE, raster=None,
)  # fmt: skip
