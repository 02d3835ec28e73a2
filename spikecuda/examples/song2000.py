"""Competition of synapses: spike timing makes some strong and leaves the others weak.

A neuron has 1,000 excitatory inputs with Poisson spikes, whose synapses learn by additive STDP, and
200 inhibitory ones that do not.  Weights that start anywhere end near either bound, the neuron's
rate falls to a level that depends little on that of its inputs, and its spikes become irregular.

Source: Song, Miller & Abbott (2000) Nat Neurosci 3:919, figures 2 and 3; membrane, conductances and
trains as in the NEST simulation that gave the expected numbers.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spikecuda.common.distributions import Uniform
from spikecuda.examples.example import Example, Expected, as_variant, rate_of
from spikecuda.examples.setting import Setting, neuron_settings, settle_options, size, time
from spikecuda.inputs.stimulus import Poisson
from spikecuda.network.model.receptors import ExpConductance
from spikecuda.network.network import Network
from spikecuda.network.results.result import NetworkResult
from spikecuda.plasticity.stdp import STDP

NEURON = {
    "c_m": 200.0, "g_l": 10.0, "e_l": -70.0, "v_reset": -60.0, "v_th": -54.0, "t_ref": 0.1,
}  # fmt: skip
# Rates of the inputs, Hz, and what NEST 3.10 found, seed 1, two cells: rate in 200 to 250 s, Hz;
# parts of the weights below 0.1 and above 0.9 of the largest at 250 s.  A tenth around them.
FOUND = {"15-Hz": (15.0, 11.4, 0.351, 0.130), "25-Hz": (25.0, 13.9, 0.510, 0.058)}
NEST = "NEST 3.10, stdp_synapse, one seed, two cells, 200 to 250 s"
LOW, HIGH = 0.1, 0.9

SETTINGS = {
    "rate": Setting(
        15.0, "Hz", "rate of each excitatory input", above=0.0,
        by_variant={name: found[0] for name, found in FOUND.items()},
    ),
    "cells": size(2, "neurons, each with inputs of its own weights"),
    "n_exc": size(1000, "excitatory inputs"), "n_inh": size(200, "inhibitory inputs"),
    "rate_inh": Setting(10.0, "Hz", "rate of each inhibitory input", at_least=0.0),
    "w_max": Setting(0.15, "nS", "largest excitatory weight", above=0.0),
    "w_inh": Setting(0.5, "nS", "inhibitory weight", at_least=0.0),
    "lam": Setting(0.01, "", "step of potentiation, as a part of w_max", at_least=0.0),
    "alpha": Setting(1.05, "", "depression relative to potentiation", at_least=0.0),
    "tau_plus": time(20.0, "time constant of potentiation"),
    "tau_minus": time(20.0, "time constant of depression"),
    "tau_syn": time(5.0, "time constant of conductances"),
    "delay": time(1.0, "delay of all synapses"), "dt": time(0.1, "length of a step"),
    **neuron_settings(NEURON),
}  # fmt: skip


def network(variant: str = "15-Hz", **options: Any) -> Network:
    """Return the neurons with their inputs; weights are recorded every 10 s.

    Args:
        variant: rate of the excitatory inputs, "15-Hz" or "25-Hz".
        options: any of ``SETTINGS``, such as ``alpha``; ``seed``, ``threads``, ...: see
            ``Network``.
    """
    as_variant(variant, tuple(FOUND))
    p, options = settle_options("song2000", SETTINGS, variant, options)
    net = Network(p.dt, **options)
    for name, n, rate in (("exc", p.n_exc, p.rate), ("inh", p.n_inh, p.rate_inh)):
        net.population(name, n, "parrot")
        net.drive(name, Poisson(rate, 1.0))
    net.population(
        "cell", p.cells, "lif_cond", {name: p[name] for name in NEURON},
        receptors={"e": ExpConductance(p.tau_syn, 0.0), "i": ExpConductance(p.tau_syn, p.e_l)},
    )  # fmt: skip
    rule = STDP(w_max=p.w_max, lam=p.lam, alpha=p.alpha, tau_plus=p.tau_plus, tau_minus=p.tau_minus)
    learned = net.connect(
        "exc", "cell", "all_to_all", Uniform(0.0, p.w_max), p.delay, "e", plasticity=rule
    )
    net.connect("inh", "cell", "all_to_all", p.w_inh, p.delay, "i")
    net.record("cell", "spikes")
    net.record(learned, "weight", every=10_000.0)
    return net


def part_of_weights(low: float, high: float) -> Any:
    """Return a measure: the part of the last weights between two parts of the largest one."""

    def measure(result: NetworkResult, start: float) -> float:
        traces = next(iter(result.synapses.values()))
        last = traces["weight"][-1] / SETTINGS["w_max"].default
        return float(np.mean((last >= low) & (last <= high)))

    return measure


def expected(variant: str = "15-Hz") -> Sequence[Expected]:
    """Return what NEST found: two crowds of weights, and a rate that hardly depends on the input's.

    The weights of two cells in one run differ from seed to seed by some hundredths.
    """
    _, rate, below, above = FOUND[as_variant(variant, tuple(FOUND))]
    return [
        Expected("rate of the cells", "Hz", 0.8 * rate, 1.2 * rate, rate_of("cell"), NEST),
        Expected(
            "weights below 0.1 w_max", "", below - 0.06, below + 0.06, part_of_weights(0.0, LOW),
            NEST,
        ),
        Expected(
            "weights above 0.9 w_max", "", above - 0.04, above + 0.04, part_of_weights(HIGH, 1.0),
            NEST,
        ),
    ]  # fmt: skip


EXAMPLE = Example(
    "song2000", "competition of 1,000 synapses that learn by additive STDP",
    "Song, Miller & Abbott (2000) Nat Neurosci 3:919", network, expected, duration=50_000.0,
    settle=200_000.0, variants=tuple(FOUND), settings=SETTINGS,
)  # fmt: skip
