"""The cortical microcircuit: a square millimetre of early sensory cortex at full density.

Four layers, an excitatory and an inhibitory population in each; 77,169 neurons, 299 million
synapses with individual weights and delays.

Sources: Potjans & Diesmann (2014) Cereb Cortex 24:785 (PD14), tables 4 and 5; initial values
"optimized", rates of a full-scale run and the rule of scaling: the authors' code, github
INM-6/microcircuit-PD14-model, commit fd40046 (2026); scaling also van Albada et al. (2015) PLoS
Comput Biol 11:e1004490.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_real
from spikecuda.common.distributions import Normal
from spikecuda.errors import SpikecudaValueError
from spikecuda.examples.example import Example, Expected, as_variant, rate_of
from spikecuda.examples.setting import Setting, neuron_settings, settle_options, time
from spikecuda.inputs.stimulus import Poisson
from spikecuda.network.model.receptors import ExpCurrent
from spikecuda.network.model.rules import FixedTotal
from spikecuda.network.network import Network
from spikecuda.plasticity.power_law import PowerLawSTDP

POPULATIONS = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
NEURONS = (20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948)
# Probability that a pair has at least one synapse: rows are targets, columns sources.
PROBABILITY = (
    (0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0000, 0.0076, 0.0000),
    (0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0000, 0.0042, 0.0000),
    (0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0000),
    (0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0000, 0.1057, 0.0000),
    (0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0000),
    (0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0000),
    (0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252),
    (0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443),
)
# Background: synapses of each neuron and the rate of each, Hz.
EXTERNAL = (1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100)
BACKGROUND_RATE = 8.0
NEURON = {
    "tau_m": 10.0, "c_m": 250.0, "v_rest": -65.0, "v_reset": -65.0, "v_th": -50.0, "t_ref": 2.0,
}  # fmt: skip
TAU_SYN = 0.5
# Amplitude of the excitatory postsynaptic potential, mV; inhibition is four times as strong.
PSP, INHIBITION, STRONG = 0.15, -4.0, 2.0
WEIGHT_SPREAD, DELAY_SPREAD = 0.1, 0.5
DELAY = {"E": 1.5, "I": 0.75}
DT = 0.1
# What no weight that learns should reach, in mean weights.
LARGEST = 5.0

SETTINGS = {
    "psp": Setting(PSP, "mV", "amplitude of the excitatory postsynaptic potential", above=0.0),
    "g": Setting(-INHIBITION, "", "strength of inhibition relative to excitation", at_least=0.0),
    "strong": Setting(STRONG, "", "strength of L4E to L23E relative to excitation", at_least=0.0),
    "weight_spread": Setting(
        WEIGHT_SPREAD, "", "standard deviation of weights over their mean", at_least=0.0
    ),
    "delay_e": time(DELAY["E"], "mean delay of excitatory synapses"),
    "delay_i": time(DELAY["I"], "mean delay of inhibitory synapses"),
    "delay_spread": Setting(
        DELAY_SPREAD, "", "standard deviation of delays over their mean", at_least=0.0
    ),
    "background_rate": Setting(
        BACKGROUND_RATE, "Hz", "rate of each background synapse", at_least=0.0
    ),
    "tau_syn": time(TAU_SYN, "time constant of synaptic currents"),
    "dt": time(DT, "length of a step"),
    **neuron_settings(NEURON),
}
PUBLISHED = {name: setting.default for name, setting in SETTINGS.items()}

# Start values of v, mV: mean and standard deviation.
START = {
    "optimized": (
        (-68.28, 5.36), (-63.16, 4.57), (-63.33, 4.74), (-63.45, 4.94), (-63.11, 4.94),
        (-61.66, 4.55), (-66.72, 5.46), (-61.43, 4.48),
    ),
    "original": ((-58.0, 10.0),) * 8,
}  # fmt: skip
# Rates of a full-scale run of the authors' code, Hz: what scaling keeps.
FULL_RATES = (0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829)

# Lowest and highest rate, Hz, in: PD14's excitatory populations, three runs of the authors' NEST
# code with other seeds, and the NetPyNE version of Romaro et al. (2021) Neural Comput 33:1993,
# table A.1.
SPREAD = (
    (0.86, 0.97), (2.80, 3.03), (4.37, 4.75), (5.40, 5.93), (6.80, 8.14), (8.22, 9.08),
    (0.99, 1.14), (7.52, 7.85),
)  # fmt: skip
# Lowest and highest rate, Hz, at a tenth of the size in seeds 1 to 10 of NEST 3.10, 500 to 5500 ms,
# with the same rule of scaling, the same populations, synapses, delays and Poisson drive
# (bench/peers/spread.py microcircuit --scale 0.1 --duration 5000).
TENTH = (
    (0.470, 0.507), (2.07, 2.15), (3.93, 4.02), (4.99, 5.04), (6.31, 6.90), (7.73, 7.87),
    (0.806, 0.878), (6.95, 7.08),
)  # fmt: skip


def network(
    scale: float = 1.0, variant: str = "optimized", plastic: bool = False, **options: Any
) -> Network:
    """Return the microcircuit.

    A smaller one has ``scale`` times as many neurons and ``scale`` times as many synapses on each;
    weights grow by 1 / sqrt(scale), so that the variance of a neuron's input stays, and a constant
    current makes up for what its mean loses (at the rates of the full network).

    Args:
        scale: of neurons and synapses, from 0.01 to 1.
        variant: start values: "optimized", near the stationary state, or "original", which begins
            with a burst.
        plastic: let all synapses between excitatory neurons learn by power-law STDP.
        options: any of ``SETTINGS``, such as ``g``; ``seed``, ``threads``, ...: see ``Network``.
    """
    scale = as_real("scale", scale)
    if not 0.01 <= scale <= 1.0:
        raise SpikecudaValueError(f"scale must be from 0.01 to 1 (got {scale!r})")
    start = START[as_variant(variant, tuple(START))]
    p, options = settle_options("microcircuit", SETTINGS, variant, options)
    neuron = {name: p[name] for name in NEURON}
    net = Network(p.dt, **options)
    weights = psc(p) * relative_weights(p) / math.sqrt(scale)
    missing = missing_current(scale, p)
    for i, name in enumerate(POPULATIONS):
        net.population(
            name, round(NEURONS[i] * scale), "lif", neuron, {"v": Normal(*start[i])},
            receptors={"syn": ExpCurrent(p.tau_syn)},
        )  # fmt: skip
        rate = p.background_rate * round(EXTERNAL[i] * scale)
        net.drive(name, Poisson(rate, psc(p) / math.sqrt(scale)))
        if missing[i]:
            net.drive(name, missing[i])
    totals = synapses()
    for t, target in enumerate(POPULATIONS):
        for s, source in enumerate(POPULATIONS):
            total = round(totals[t, s] * scale * scale)
            if total:
                mean = p.delay_e if source.endswith("E") else p.delay_i
                delay = Normal(mean, mean * p.delay_spread, low=p.dt / 2.0, redraw=True)
                weight = spread(weights[t, s], p.weight_spread)
                rule = None
                if plastic and source.endswith("E") and target.endswith("E"):
                    rule = learning(float(weights[t, s]))
                net.connect(source, target, FixedTotal(total), weight, delay, plasticity=rule)
    return net


def learning(weight: float) -> PowerLawSTDP:
    """Return the rule of synapses between excitatory neurons.

    The numbers are those of Morrison, Aertsen & Diesmann (2007) Neural Comput 19:1437, with a
    reference weight w_0 for which uncorrelated spikes keep the mean weight: potentiation and
    depression balance at w = w_0 alpha^(-1 / (1 - mu)).

    Args:
        weight: the mean one, pA.
    """
    alpha, mu = 0.11, 0.4
    w_0 = weight * alpha ** (1.0 / (1.0 - mu))
    return PowerLawSTDP(
        w_max=LARGEST * weight, w_0=w_0, lam=0.1, alpha=alpha, mu=mu, tau_plus=20.0, tau_minus=20.0
    )


def psc(p: Mapping[str, float] = PUBLISHED) -> float:
    """Return the current, pA, whose postsynaptic potential is ``psp`` high.

    Source: PD14, table 4; the maximum of the response of a leaky membrane to exp(-t / tau_syn).
    """
    tau_m, c_m, tau_s = p["tau_m"], p["c_m"], p["tau_syn"]
    if tau_m == tau_s:
        return p["psp"] * math.e * c_m / tau_m
    ratio = tau_s / tau_m
    peak = ratio ** (tau_s / (tau_m - tau_s)) - ratio ** (tau_m / (tau_m - tau_s))
    return p["psp"] * c_m * (tau_m - tau_s) / (tau_m * tau_s * peak)


def relative_weights(p: Mapping[str, float] = PUBLISHED) -> np.ndarray:
    """Return the weight of each (target, source) in units of the excitatory one."""
    sign = np.array([1.0 if name.endswith("E") else -p["g"] for name in POPULATIONS])
    result = np.tile(sign, (len(POPULATIONS), 1))
    result[POPULATIONS.index("L23E"), POPULATIONS.index("L4E")] *= p["strong"]
    return result


def synapses() -> np.ndarray:
    """Return the number of synapses of each (target, source) of the full network.

    Source: PD14, equation 1: the number that connects a pair with probability C.
    """
    pairs = np.outer(np.array(NEURONS, float), np.array(NEURONS, float))
    return np.rint(np.log1p(-np.array(PROBABILITY)) / np.log1p(-1.0 / pairs))


def missing_current(scale: float, p: Mapping[str, float] = PUBLISHED) -> np.ndarray:
    """Return the constant current of each population, pA, that scaling takes from its mean input.

    The mean input is sum K w r tau_syn; with K scaled by s and w by 1 / sqrt(s), a part of
    1 - sqrt(s) is missing.
    """
    indegree = synapses() / np.array(NEURONS, float)[:, None]
    recurrent = (indegree * relative_weights(p) * np.array(FULL_RATES)).sum(axis=1)
    external = np.array(EXTERNAL) * p["background_rate"]
    lost = 1.0 - math.sqrt(scale)
    return np.asarray(1e-3 * p["tau_syn"] * psc(p) * lost * (recurrent + external))


def spread(mean: float, relative: float) -> Normal:
    """Return a distribution of weights that keeps its sign.

    Args:
        mean: pA.
        relative: its standard deviation over the mean.
    """
    std = abs(mean) * relative
    if mean > 0:
        return Normal(mean, std, low=0.0, redraw=True)
    return Normal(mean, std, high=0.0, redraw=True)


def expected(
    scale: float = 1.0, variant: str = "optimized", plastic: bool = False
) -> Sequence[Expected]:
    """Return the published rates of the full network, or at a tenth of it NEST's.

    With ``plastic`` these are the rates without learning.

    Scaling does not keep rates exactly: a smaller network has other correlations.
    """
    rates, source = (
        SPREAD,
        "full scale: PD14, 3 runs of NEST with other seeds, Romaro et al. (2021)",
    )
    if math.isclose(scale, 0.1):
        rates, source = TENTH, "NEST 3.10 with the same scaling, seeds 1 to 10, 500 to 5500 ms"
    if plastic:
        source = f"without learning; {source}"
    return [
        Expected(f"rate of {name}", "Hz", low, high, rate_of(name), source)
        for name, (low, high) in zip(POPULATIONS, rates, strict=True)
    ]


EXAMPLE = Example(
    "microcircuit", "cortical microcircuit of 4 layers at any scale",
    "Potjans & Diesmann (2014) Cereb Cortex 24:785", network, expected, duration=1000.0,
    settle=500.0, variants=tuple(START), scales=True, settings=SETTINGS,
    plastic="all synapses between excitatory neurons, by power-law STDP",
)  # fmt: skip
