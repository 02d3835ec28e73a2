"""Voltage-based plasticity: what five pairs of spikes do depends on their frequency.

Ten neurons are made to spike five times, 10 ms after or 10 ms before their only input, at 10 to
50 Hz.  Inputs that come first are strengthened at any frequency; those that come last are weakened
at low frequencies and strengthened at high ones, as Sjöström, Turrigiano & Nelson (2001) Neuron
32:1149 found.

Source: Clopath, Büsing, Vasilaki & Gerstner (2010) Nat Neurosci 13:344, figure 2; numbers of
neuron and synapse as in NEST's example clopath_synapse_spike_pairing.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spikecuda.examples.clopath_neuron import ClopathNeuron
from spikecuda.examples.example import Example, Expected, Measure
from spikecuda.examples.setting import Setting, settle_options, time
from spikecuda.network.model.receptors import Delta
from spikecuda.network.model.rules import OneToOne
from spikecuda.network.model.spike_train import SpikeTrain
from spikecuda.network.network import Network
from spikecuda.network.results.result import NetworkResult
from spikecuda.plasticity.clopath import ClopathSTDP

FREQUENCIES = (10, 20, 30, 40, 50)
AHEAD, PAIRS, FIRST = (10.0, -10.0), 5, 30.0
# A last spike of the input, ms after the pairs: NEST shows weights as of such a spike.
LATER = 150.0
# Weights of NEST 3.10 after the pairs, input ahead of the neuron's spike and behind it.
NEST = (
    (0.50135, 0.50544, 0.51027, 0.51615, 0.52304), (0.48594, 0.48581, 0.49072, 0.50129, 0.51648),
)  # fmt: skip
SOURCE = "NEST 3.10, clopath_synapse; 0.0005 around it, since the neuron takes Euler's steps here"
NEAR = 5e-4


SETTINGS = {
    "weight": Setting(0.5, "mV", "weight at the start", above=0.0, at_most=100.0),
    "a_ltp": Setting(8e-5, "", "amplitude of potentiation, 1 / mV^2", at_least=0.0),
    "a_ltd": Setting(14e-5, "", "amplitude of depression, 1 / mV", at_least=0.0),
    "tau_x": time(15.0, "time constant of the input's trace"),
    "delay_u": time(4.0, "how much later the low passes are seen"),
    "kick": Setting(80.0, "mV", "jump of the membrane that makes it spike", above=0.0),
    "dt": time(0.1, "length of a step"),
}


def network(**options: Any) -> Network:
    """Return ten neurons, each with an input; neuron k has frequency k mod 5, the input first in 5.

    Args:
        options: any of ``SETTINGS``, such as ``a_ltd``; ``seed``, ``threads``: see ``Network``.
    """
    p, options = settle_options("clopath2010", SETTINGS, None, options)
    net = Network(p.dt, **options)
    cases = [(ahead, f) for ahead in AHEAD for f in FREQUENCIES]
    net.population("cell", len(cases), ClopathNeuron, receptors={"in": Delta()})
    before = np.array([np.arange(PAIRS) * 1e3 / f + FIRST for _, f in cases])
    after = before + np.array([ahead for ahead, _ in cases])[:, None]
    before = np.column_stack([before, before[:, -1] + LATER])
    for name, times in (("input", before), ("kick", after)):
        neurons = np.repeat(np.arange(len(cases)), times.shape[1])
        net.source(name, len(cases), SpikeTrain(np.round(times, 1).ravel(), neurons=neurons))
    net.connect("kick", "cell", OneToOne(), p.kick, p.dt)
    rule = ClopathSTDP(w_max=100.0, a_ltp=p.a_ltp, a_ltd=p.a_ltd, tau_x=p.tau_x, delay_u=p.delay_u)
    # NEST's input passes a parrot neuron, a step of delay before its synapse's own.
    learned = net.connect("input", "cell", OneToOne(), p.weight, p.dt, plasticity=rule)
    net.record(learned, "weight", every=10.0)
    return net


def last_weight(number: int) -> Measure:
    """Return a measure: the weight of a neuron's input at the end, mV."""

    def measure(result: NetworkResult, start: float) -> float:
        return float(next(iter(result.synapses.values()))["weight"][-1, number])

    return measure


def expected() -> Sequence[Expected]:
    """Return the weights that NEST finds."""
    return [
        Expected(
            f"{f} Hz, input {'10 ms before' if side == 0 else '10 ms after'}", "mV",
            NEST[side][i] - NEAR, NEST[side][i] + NEAR, last_weight(len(FREQUENCIES) * side + i),
            SOURCE,
        )
        for side in range(2)
        for i, f in enumerate(FREQUENCIES)
    ]  # fmt: skip


EXAMPLE = Example(
    "clopath2010", "voltage-based plasticity by pairs of spikes at several frequencies",
    "Clopath, Büsing, Vasilaki & Gerstner (2010) Nat Neurosci 13:344", network, expected,
    duration=700.0, raster=None, settings=SETTINGS,
)  # fmt: skip
