"""Inhibition that learns to balance excitation: a network finds back to 3 Hz.

1,600 excitatory and 400 inhibitory neurons, connected with probability 0.1.  The synapses from
inhibitory to excitatory neurons begin near 0 and learn: too much excitation fires all neurons at
their limit; within seconds each excitatory neuron gets the inhibition that brings it to the target
rate, and the network fires slowly and irregularly.

Source: Vogels, Sprekeler, Zenke, Clopath & Gerstner (2011) Science 334:1569, figure 4; numbers of
neurons and conductances as in the NEST simulation that gave the expected numbers.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spikecuda.examples.example import Example, Expected, rate_of
from spikecuda.examples.setting import Setting, neuron_settings, settle_options, size, time
from spikecuda.network.model.receptors import ExpConductance
from spikecuda.network.model.rules import FixedProbability
from spikecuda.network.network import Network
from spikecuda.network.results.result import NetworkResult
from spikecuda.plasticity.vogels import VogelsSTDP

NEURON = {
    "c_m": 200.0, "g_l": 10.0, "e_l": -60.0, "v_reset": -60.0, "v_th": -50.0, "t_ref": 5.0,
}  # fmt: skip
SETTINGS = {
    "n_e": size(1600, "excitatory neurons"), "n_i": size(400, "inhibitory neurons"),
    "p": Setting(0.1, "", "probability that a pair has a synapse", above=0.0, at_most=1.0),
    "w_exc": Setting(0.3, "nS", "excitatory weight", at_least=0.0),
    "w_inh": Setting(3.0, "nS", "weight between inhibitory neurons", at_least=0.0),
    "w_start": Setting(0.001, "nS", "inhibitory weight that learns, at the start", at_least=0.0),
    "w_max": Setting(30.0, "nS", "largest inhibitory weight", above=0.0),
    "eta": Setting(0.05, "nS", "learning rate", at_least=0.0),
    "target": Setting(3.0, "Hz", "rate that inhibition makes", above=0.0),
    "tau_stdp": time(20.0, "time constant of both traces"),
    "current": Setting(200.0, "pA", "constant current into all neurons"),
    "tau_e": time(5.0, "time constant of excitation"),
    "tau_i": time(10.0, "time constant of inhibition"),
    "delay": time(0.1, "delay of all synapses"), "dt": time(0.1, "length of a step"),
    **neuron_settings(NEURON),
}  # fmt: skip
# Two seeds of NEST 3.10 have 5.6 and 6.2 Hz, 0.76 and 0.77, 1.77 and 1.80 nS; five seeds here
# differ by 1 Hz, 0.05 and 0.1 nS.
NEST = "NEST 3.10, two seeds, 3 to 4 s after learning began, and the spread of seeds"


def network(**options: Any) -> Network:
    """Return the network; the weights that learn are recorded every 500 ms.

    Args:
        options: any of ``SETTINGS``, such as ``target``; ``seed``, ``threads``, ...: see
            ``Network``.
    """
    p, options = settle_options("vogels2011", SETTINGS, None, options)
    net = Network(p.dt, **options)
    receptors = {"exc": ExpConductance(p.tau_e, 0.0), "inh": ExpConductance(p.tau_i, -80.0)}
    for name, n in (("E", p.n_e), ("I", p.n_i)):
        neuron = {name: p[name] for name in NEURON}
        net.population(name, n, "lif_cond", neuron, receptors=receptors)
        net.drive(name, p.current)
    pairs = FixedProbability(p.p)
    for target in ("E", "I"):
        net.connect("E", target, pairs, p.w_exc, p.delay, "exc", autapses=False)
    net.connect("I", "I", pairs, p.w_inh, p.delay, "inh", autapses=False)
    # A neuron at the target rate keeps its weights: alpha = 2 tau rate.
    rule = VogelsSTDP(w_max=p.w_max, eta=p.eta, alpha=2e-3 * p.tau_stdp * p.target, tau=p.tau_stdp)
    learned = net.connect("I", "E", pairs, p.w_start, p.delay, "inh", plasticity=rule)
    net.record(learned, "weight", every=500.0)
    return net


def mean_weight(result: NetworkResult, start: float) -> float:
    """Measure the mean of the last weights, nS."""
    return float(np.mean(next(iter(result.synapses.values()))["weight"][-1]))


def irregularity(result: NetworkResult, start: float) -> float:
    """Measure the mean coefficient of variation of the intervals of excitatory neurons."""
    return result.cv(start=start)["E"]


def expected() -> Sequence[Expected]:
    """Return what NEST found: slow, irregular firing, and the weights that make it."""
    return [
        Expected("rate of E", "Hz", 5.0, 8.0, rate_of("E"), NEST),
        Expected("CV of E", "", 0.7, 0.9, irregularity, NEST),
        Expected("mean weight", "nS", 1.7, 1.9, mean_weight, NEST),
    ]


EXAMPLE = Example(
    "vogels2011", "inhibitory synapses that learn to balance excitation",
    "Vogels, Sprekeler, Zenke, Clopath & Gerstner (2011) Science 334:1569", network, expected,
    duration=1000.0, settle=3000.0, settings=SETTINGS,
)  # fmt: skip
