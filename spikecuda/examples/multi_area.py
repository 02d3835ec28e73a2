"""The vision-related cortex of a macaque: 32 areas, a microcircuit of four layers in each.

At full size 4.1 million neurons and 24 billion synapses.  Without ``data`` the connections are a
reduction, computed from published numbers by published rules (``macaque``); with a checkout of the
authors' repository they are the authors' matrix.

Sources: Schmidt, Bakker, Shen, Bezgin, Diesmann & van Albada (2018) PLoS Comput Biol 14:e1006359
(S18); structure: Schmidt et al. (2018) Brain Struct Funct 223:1409.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_real
from spikecuda.common.distributions import Normal
from spikecuda.errors import SpikecudaValueError, nearest
from spikecuda.examples import microcircuit
from spikecuda.examples.example import Example, Expected, as_variant
from spikecuda.examples.macaque import AREAS, LAYERS, Cortex, published
from spikecuda.examples.meanfield import rates_from_rest
from spikecuda.examples.setting import Setting, neuron_settings, settle_options, time
from spikecuda.inputs.stimulus import Poisson
from spikecuda.network.model.receptors import ExpCurrent
from spikecuda.network.model.rules import FixedTotal
from spikecuda.network.network import Network
from spikecuda.network.results.result import NetworkResult

START = Normal(-150.0, 50.0)
E23, E4 = LAYERS.index("L23E"), LAYERS.index("L4E")
SETTINGS = {
    "psp": Setting(0.15, "mV", "amplitude of the excitatory postsynaptic potential", above=0.0),
    "g": Setting(11.0, "", "strength of inhibition relative to excitation", at_least=0.0),
    "strong": Setting(2.0, "", "strength of L4E to L23E relative to excitation", at_least=0.0),
    "chi": Setting(1.0, "", "strength of synapses between areas", at_least=0.0),
    "chi_i": Setting(1.0, "", "the same onto inhibitory neurons, times chi", at_least=0.0),
    "weight_spread": Setting(
        0.1, "", "standard deviation of weights over their mean", at_least=0.0
    ),
    "delay_e": time(1.5, "mean delay of excitatory synapses within areas"),
    "delay_i": time(0.75, "mean delay of inhibitory synapses"),
    "delay_spread": Setting(0.5, "", "standard deviation of delays over their mean", at_least=0.0),
    "speed": Setting(3.5, "mm/ms", "speed of spikes between areas", above=0.0),
    "shortest": time(0.1, "shortest delay between areas"),
    "external_rate": Setting(10.0, "Hz", "rate of each external synapse", at_least=0.0),
    "tau_syn": time(0.5, "time constant of synaptic currents"),
    "dt": time(0.1, "length of a step"),
    **neuron_settings(microcircuit.NEURON),
}
PUBLISHED = {name: setting.default for name, setting in SETTINGS.items()}

# By theory at full size, Hz: lowest and highest of the areas.
THEORY: tuple[tuple[float, float], ...] = (
    (0.283, 0.530), (1.83, 3.74), (2.99, 8.24), (2.90, 4.46), (0.676, 3.15), (4.20, 6.67),
    (0.0306, 1.88), (4.29, 6.37),
)  # fmt: skip


def network(
    scale: float = 0.01,
    variant: str = "stored",
    data: str | os.PathLike[str] | None = None,
    areas: Sequence[str] = AREAS,
    **options: Any,
) -> Network:
    """Return the network, at full size or smaller, or some areas of it.

    A smaller one has ``scale`` times as many neurons, and ``scale`` times as many synapses on
    each.  Independent Poisson spikes at the rates that theory gives for the full network stand for
    the synapses that are missing: the authors' way with areas that are not simulated.

    Delays that would be more than twice their mean are drawn again, which bounds what is under
    way; the authors' have no such bound.

    Args:
        scale: of neurons and synapses, from 0.001 to 1.
        variant: "stored" or "procedural": whether synapses are stored, or drawn again for each
            spike.  Both have the same bits.
        data: a checkout of the authors' repository, for the authors' connections and distances.
        areas: names of those to simulate, such as ["V1", "V2"].
        options: any of ``SETTINGS``, such as ``chi``; ``seed``, ``threads``, ...: see ``Network``.

    Raises:
        SpikecudaValueError: an argument out of range; ``data`` holds something else.
    """
    scale = as_real("scale", scale)
    if not 0.001 <= scale <= 1.0:
        raise SpikecudaValueError(f"scale must be from 0.001 to 1 (got {scale!r})")
    procedural = as_variant(variant, ("stored", "procedural")) == "procedural"
    p, options = settle_options("multi_area", SETTINGS, variant, options)
    for area in areas:
        if area not in AREAS:
            raise SpikecudaValueError(
                f"areas must be of the model (got {area!r}{nearest(str(area), list(AREAS))}); it "
                f"has {', '.join(AREAS)}"
            )
    cortex = Cortex() if data is None else published(data)
    here = np.isin(cortex.area, [AREAS.index(area) for area in areas])
    net = Network(p.dt, **options)
    strength, trains = weights(cortex, p), outside(cortex, scale * here, p)
    neuron = {name: p[name] for name in microcircuit.NEURON}
    for i, name in enumerate(cortex.names):
        if not here[i]:
            continue
        net.population(
            name, max(1, round(cortex.neurons[i] * scale)), "lif", neuron, {"v": START},
            receptors={"syn": ExpCurrent(p.tau_syn)},
        )  # fmt: skip
        for rate, weight in trains:
            if rate[i]:
                net.drive(name, Poisson(float(rate[i]), float(weight[i])))
    totals = np.rint(synapses(cortex) * scale * scale).astype(np.int64)
    for t, s in np.argwhere(totals * np.outer(here, here)):
        mean, low = p.delay_i if cortex.layer[s] % 2 else p.delay_e, p.dt / 2.0
        if cortex.area[t] != cortex.area[s]:
            low = max(p.shortest - 0.499 * p.dt, low)  # rounds to the shortest
            mean = max(cortex.distance[cortex.area[t], cortex.area[s]] / p.speed, p.shortest)
        delay = Normal(mean, mean * p.delay_spread, low=low, high=2.0 * mean, redraw=True)
        size = microcircuit.spread(float(strength[t, s]), p.weight_spread)
        net.connect(
            cortex.names[s], cortex.names[t], FixedTotal(int(totals[t, s])), size, delay,
            procedural=procedural,
        )  # fmt: skip
    return net


def synapses(cortex: Cortex) -> np.ndarray:
    """Return float64 (targets, sources), the number of synapses at full size."""
    return np.rint(cortex.indegree * cortex.neurons[:, None])


def weights(cortex: Cortex, p: Mapping[str, float] = PUBLISHED) -> np.ndarray:
    """Return the mean weight of each (target, source) at full size, pA."""
    inhibitory = cortex.layer % 2 == 1
    result = np.tile(np.where(inhibitory, -p["g"], 1.0), (inhibitory.size, 1))
    strong = cortex.within & np.outer(cortex.layer == E23, cortex.layer == E4)
    result[strong] *= p["strong"]
    between = p["chi"] * np.where(inhibitory, p["chi_i"], 1.0)[:, None]
    return microcircuit.psc(p) * np.where(cortex.within, result, between * result)


def theory(cortex: Cortex, p: Mapping[str, float] = PUBLISHED) -> np.ndarray:
    """Return the rates of the full network by mean-field theory, from silence, Hz."""
    jump = p["tau_syn"] / p["c_m"]
    external = 1e-3 * p["external_rate"] * cortex.external
    psc = microcircuit.psc(p) * jump
    return rates_from_rest(
        weights(cortex, p) * jump, cortex.indegree, external * psc, external * psc**2,
        p["tau_m"], p["tau_syn"], p["t_ref"], p["v_th"] - p["v_rest"], p["v_reset"] - p["v_rest"],
    )  # fmt: skip


def outside(
    cortex: Cortex, share: np.ndarray, p: Mapping[str, float] = PUBLISHED
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the trains that each neuron gets from outside: rates in Hz and weights in pA.

    The first are excitatory, external ones among them, the second stand for inhibitory synapses
    that are missing.  Their mean and variance are those of the synapses.

    Args:
        cortex: at full size.
        share: float64 (populations,), the part of the synapses from each that is simulated.
        p: the settings.
    """
    psc, strength = microcircuit.psc(p), weights(cortex, p)
    external = p["external_rate"] * cortex.external
    if (share == 1.0).all():
        return [(external, np.full(external.size, psc))]
    spikes = cortex.indegree * ((1.0 - share) * theory(cortex, p))
    result = []
    for sign, own in ((1.0, external), (-1.0, np.zeros_like(external))):
        of_sign = np.where(np.sign(strength) == sign, spikes, 0.0)
        mean = (of_sign * strength).sum(axis=1) + own * psc
        variance = (of_sign * strength**2).sum(axis=1) + own * psc**2
        some = variance > 0.0
        rate = np.divide(mean**2, variance, where=some, out=np.zeros_like(mean))
        weight = np.divide(variance, mean, where=some, out=np.zeros_like(mean))
        result.append((rate, weight))
    return result


def mean_rate(layer: str) -> Any:
    """Return a measure: the mean over areas of the rate of a population, Hz."""

    def measure(result: NetworkResult, start: float) -> float:
        rates = result.rates(start=start)
        return float(np.mean([r for name, r in rates.items() if name.startswith(f"{layer}_")]))

    return measure


def expected(
    scale: float = 0.01, variant: str = "stored", data: str | os.PathLike[str] | None = None
) -> Sequence[Expected]:
    """Return the rates that theory gives for the full network with the published numbers."""
    ranges, what = THEORY, "reduction"
    if data is not None:
        cortex, what = published(data), "authors' connections"
        rates = theory(cortex)
        of = [rates[cortex.layer == k] for k in range(len(LAYERS))]
        ranges = tuple((float(r.min()), float(r.max())) for r in of)
    source = f"mean-field theory of the {what} at full size, lowest and highest area"
    return [
        Expected(f"mean rate of {layer}", "Hz", low, high, mean_rate(layer), source)
        for layer, (low, high) in zip(LAYERS, ranges, strict=True)
    ]


EXAMPLE = Example(
    "multi_area", "macaque vision-related cortex, 32 areas of 4 layers at any scale",
    "Schmidt et al. (2018) PLoS Comput Biol 14:e1006359", network, expected, duration=500.0,
    settle=200.0, variants=("stored", "procedural"), scales=True, settings=SETTINGS,
    folder="a checkout of github INM-6/multi-area-model", raster=200.0,
    pictured=tuple(f"{layer}_{area}" for area in ("V1", "V2", "FEF") for layer in LAYERS),
)  # fmt: skip
