"""Brunel's network of excitatory and inhibitory neurons and its four regimes.

10,000 excitatory and 2,500 inhibitory neurons, each with synapses from 1,000 and 250 of them,
drawn at random; a spike makes the membrane jump.  ``g``, the strength of inhibition, and the rate
of the background decide what the network does.

Source: Brunel (2000) J Comput Neurosci 8:183, figure 8 and table 1.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.analysis import population_counts, power_spectrum
from spikecuda.errors import SpikecudaValueError
from spikecuda.examples.example import Example, Expected, as_variant, rate_of
from spikecuda.examples.setting import Setting, neuron_settings, settle_options, size, time
from spikecuda.inputs.stimulus import Poisson
from spikecuda.network.model.receptors import Delta
from spikecuda.network.model.rules import FixedInDegree
from spikecuda.network.network import Network
from spikecuda.network.results.result import NetworkResult

N_E, N_I, C_E, C_I = 10000, 2500, 1000, 250
NEURON = {
    "tau_m": 20.0, "v_rest": 0.0, "v_reset": 10.0, "v_th": 20.0, "t_ref": 2.0,
}  # fmt: skip
J, DELAY, DT = 0.1, 1.5, 0.1
# What tells the regimes apart.  Regular: intervals vary by less than a tenth.  Synchronous: the
# rate in bins of 0.5 ms varies as much as that of a sine that touches zero, or more.  Slow: the
# paper's slow oscillations have 20 to 60 Hz.
REGULAR, TOUCHES_ZERO, SLOW, BIN = 0.1, 1.0 / math.sqrt(2.0), 60.0, 0.5


@dataclass(frozen=True)
class Regime:
    """A panel of figure 8.

    Attributes:
        g: strength of inhibition relative to excitation.
        background: rate of the background in units of the one that drives a neuron to its
            threshold on average.
        rate: of the neurons, Hz; frequency: of the global oscillation, Hz.  Both table 1.
    """

    g: float
    background: float
    rate: float | None = None
    frequency: float | None = None


REGIMES = {
    "AI": Regime(5.0, 2.0, rate=37.7),
    "SR": Regime(3.0, 2.0),
    "SI-fast": Regime(6.0, 4.0, rate=60.7, frequency=180.0),
    "SI-slow": Regime(4.5, 0.9, rate=5.5, frequency=22.0),
}


SETTINGS = {
    "g": Setting(
        REGIMES["AI"].g, "", "strength of inhibition relative to excitation", at_least=0.0,
        by_variant={name: regime.g for name, regime in REGIMES.items()},
    ),
    "background": Setting(
        REGIMES["AI"].background, "", "rate of the background in units of the threshold's",
        at_least=0.0, by_variant={name: regime.background for name, regime in REGIMES.items()},
    ),
    "j": Setting(J, "mV", "jump of the membrane by an excitatory spike", above=0.0),
    "n_e": size(N_E, "excitatory neurons"), "n_i": size(N_I, "inhibitory neurons"),
    "c_e": size(C_E, "excitatory synapses of a neuron"),
    "c_i": size(C_I, "inhibitory synapses of a neuron"),
    "delay": time(DELAY, "delay of all synapses"), "dt": time(DT, "length of a step"),
    **neuron_settings(NEURON),
}  # fmt: skip


def network(variant: str = "AI", **options: Any) -> Network:
    """Return the network in one of its regimes.

    Args:
        variant: "AI" (asynchronous irregular, panel C), "SR" (synchronous regular, A), "SI-fast"
            or "SI-slow" (synchronous irregular with a fast, B, or a slow oscillation, D).
        options: any of ``SETTINGS``, such as ``g``; ``seed``, ``threads``, ...: see ``Network``.
    """
    as_variant(variant, tuple(REGIMES))
    p, options = settle_options("brunel", SETTINGS, variant, options)
    if p.v_th <= p.v_rest:
        raise SpikecudaValueError(
            f"v_th must be > v_rest (got v_th = {p.v_th}, v_rest = {p.v_rest}); change one of them"
        )
    neuron = {name: p[name] for name in NEURON}
    # The rate that drives a neuron to its threshold on average, Hz.
    nu_thr = 1e3 * (p.v_th - p.v_rest) / (p.j * p.c_e * p.tau_m)
    net = Network(p.dt, **options)
    for name, cells in (("E", p.n_e), ("I", p.n_i)):
        net.population(name, cells, "lif", neuron, receptors={"jump": Delta()})
        net.drive(name, Poisson(p.c_e * p.background * nu_thr, p.j))
    for target in ("E", "I"):
        net.connect("E", target, FixedInDegree(p.c_e), p.j, p.delay)
        net.connect("I", target, FixedInDegree(p.c_i), -p.g * p.j, p.delay)
    return net


def frequency(result: NetworkResult, start: float) -> float:
    """Return the frequency, Hz, at which the excitatory population's rate oscillates most."""
    spikes, neurons, first, stop = result.window("E", start)
    segment = float(min(500, int(stop - first)))
    at, power = power_spectrum(spikes, neurons, first, stop, BIN, segment)
    return float(at[power.argmax()])


def modulation(result: NetworkResult, start: float) -> float:
    """Return standard deviation over mean of the excitatory population's count in 0.5 ms."""
    counts = population_counts(*result.window("E", start), BIN)
    return float(np.std(counts) / np.mean(counts)) if np.any(counts) else math.nan


def regime(result: NetworkResult, start: float) -> str:
    """Return which of the paper's regimes a result shows."""
    synchronous = modulation(result, start) >= TOUCHES_ZERO
    if result.cv(start=start)["E"] < REGULAR:
        return "SR" if synchronous else "AR"
    if not synchronous:
        return "AI"
    return "SI-slow" if frequency(result, start) <= SLOW else "SI-fast"


def expected(variant: str = "AI") -> Sequence[Expected]:
    """Return the published numbers of a regime."""
    known = REGIMES[as_variant(variant, tuple(REGIMES))]
    source = "Brunel (2000), figure 8 and table 1: one simulation of each regime"
    result = [Expected("regime", "", variant, variant, regime, source)]
    for number, what, measure in (
        (known.rate, "rate of E", rate_of("E")),
        (known.frequency, "global frequency", frequency),
    ):
        if number is not None:
            result.append(Expected(what, "Hz", number, number, measure, source))
    return result


EXAMPLE = Example(
    "brunel", "sparse network of excitatory and inhibitory neurons in one of four regimes",
    "Brunel (2000) J Comput Neurosci 8:183", network, expected, duration=1000.0, settle=200.0,
    variants=tuple(REGIMES), raster=200.0, settings=SETTINGS,
)  # fmt: skip
