"""The distal reward problem: a synapse is reinforced by dopamine that comes seconds too late.

1,000 neurons fire by noise.  Whenever a chosen synapse's source spikes and then its target within
10 ms, dopamine follows 1 to 3 s later.  By then many other neurons have spiked, but only the chosen
synapse is eligible again and again when dopamine comes, so it grows to its bound.

The reward is part of the network.  Detectors see both spikes and drive the neurons whose spikes are
dopamine through long delays.  They take turns, so that delays differ from one reward to the next.

Differences to the program of the paper: noise is Gaussian of the same variance, not uniform.
Weights change all the time instead of every 10 ms.  There is no tonic dopamine.  The window is the
10 ms of the text; the program has 20 ms.  Its gains of 0.1 and 0.15, and 0.5 of dopamine for each
reward, applied every 10 ms, are gains of 1 and 1.5 here, where a reward is one spike.

Source: Izhikevich (2007) Cereb Cortex 17:2443, figure 1, and the program published with it,
daspnet.m, which has the constants.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spikecuda.common.distributions import Uniform
from spikecuda.errors import SpikecudaValueError
from spikecuda.examples.coincidence_detector import OF_SOURCE, OF_TARGET, CoincidenceDetector
from spikecuda.examples.example import Example, Expected, Measure
from spikecuda.examples.setting import Setting, settle_options, size, time
from spikecuda.inputs.stimulus import Noise
from spikecuda.kernels.spec import STREAM_GIVEN
from spikecuda.network.model.receptors import Delta
from spikecuda.network.model.rules import AllToAll, OneToOne, Pairs
from spikecuda.network.network import Network
from spikecuda.network.results.result import NetworkResult
from spikecuda.plasticity.dopamine import DopamineSTDP

DT, B, START = 1.0, 0.2, -65.0
CELLS = {"E": {"a": 0.02, "b": B, "d": 8.0}, "I": {"a": 0.1, "b": B, "d": 2.0}}
FIGURE = "figure 1: it grows to its bound, 4 mV; 2.7 to 3.8 mV by seeds 1 to 8 of this example"
SEEDS = "this example with seeds 1 to 5; weights begin at 1 mV"
SETTINGS = {
    "n_e": Setting(800, "", "excitatory neurons", at_least=2, whole=True),
    "n_i": size(200, "inhibitory neurons"),
    "synapses": size(100, "synapses of each neuron"),
    "excitation": Setting(1.0, "mV", "excitatory weight at the start", at_least=0.0),
    "inhibition": Setting(-1.0, "mV", "inhibitory weight", at_most=0.0),
    "chosen": Setting(0.0, "mV", "weight of the chosen synapse at the start", at_least=0.0),
    "w_max": Setting(4.0, "mV", "largest excitatory weight", above=0.0),
    "noise": Setting(13.0 / 12.0**0.5, "mV/ms", "standard deviation of the noise", at_least=0.0),
    "window": time(10.0, "longest time from the source's spike to the target's"),
    "shortest": time(1000.0, "shortest delay of dopamine"),
    "longest": time(3000.0, "longest delay of dopamine"),
    "delays": size(20, "delays of dopamine, which take turns"),
    "a_plus": Setting(1.0, "mV", "gain of eligibility", at_least=0.0),
    "a_minus": Setting(1.5, "mV", "loss of eligibility", at_least=0.0),
    "tau_plus": time(20.0, "time constant of the source's trace"),
    "tau_minus": time(20.0, "time constant of the target's trace"),
    "tau_c": time(1000.0, "time constant of eligibility"),
    "tau_n": time(200.0, "time constant of dopamine"),
    "delay": time(DT, "delay of all synapses, a multiple of 1 ms"),
}  # fmt: skip


def network(**options: Any) -> Network:
    """Return the network; its first projection is the chosen synapse alone.

    Its weight is recorded every 10 s, those of all others every 100 s, and all spikes; those of
    "dopamine" are the rewards.

    Args:
        options: any of ``SETTINGS``; ``seed``, ``threads``, ...: see ``Network``.

    Raises:
        SpikecudaValueError: ``shortest`` is above ``longest``, ``excitation`` or ``chosen`` above
            ``w_max``; or the precision is float16.
    """
    p, options = settle_options("izhikevich2007", SETTINGS, None, options)
    for low, high in (("shortest", "longest"), ("excitation", "w_max"), ("chosen", "w_max")):
        if p[low] > p[high]:
            raise SpikecudaValueError(
                f"{low} must be <= {high} (got {p[low]:g} and {p[high]:g}); change either"
            )
    if options.get("precision") == "float16":
        raise SpikecudaValueError(
            "precision of izhikevich2007 must be float32 or float64 (got 'float16', which cannot "
            "count the ms since a spike)"
        )
    net = Network(DT, **options)
    sizes = {"E": p.n_e, "I": p.n_i}
    for name, count in sizes.items():
        initial = {"v": START, "u": B * START}
        net.population(name, count, "izhikevich", CELLS[name], initial, receptors={"syn": Delta()})
        net.drive(name, Noise(p.noise))
    net.population(
        "detector", p.delays, CoincidenceDetector, {"window": p.window, "turns": p.delays},
        {"turn": np.arange(p.delays, dtype=float)}, receptors={"syn": Delta()},
    )  # fmt: skip
    net.population("dopamine", p.delays, "parrot", receptors={"syn": Delta()})
    # Targets, row by row: excitatory neurons have any, inhibitory ones have excitatory ones.
    drawn = Uniform(0.0, 1.0).draw((p.n_e + p.n_i) * p.synapses, STREAM_GIVEN + 1, net.seed)
    sources = np.repeat(np.arange(p.n_e), p.synapses)
    split = sources.size
    targets = (drawn[:split] * (p.n_e + p.n_i)).astype(np.int64)
    rule = DopamineSTDP(
        w_max=p.w_max, a_plus=p.a_plus, a_minus=p.a_minus, tau_plus=p.tau_plus,
        tau_minus=p.tau_minus, tau_c=p.tau_c, tau_n=p.tau_n, timing="brian",
    )  # fmt: skip
    # The chosen synapse is from neuron 0 to another excitatory one.
    target = 1 + int(drawn[0] * (p.n_e - 1))
    first, second = (net["E"][n : n + 1] for n in (0, target))
    wired: list[tuple[Any, Any, Any, float]] = [(first, second, AllToAll(), p.chosen)]
    for name, offset in (("E", 0), ("I", p.n_e)):
        here = (targets >= offset) & (targets < offset + sizes[name])
        here[0] = False  # the chosen one
        wired.append(("E", name, Pairs(sources[here], targets[here] - offset), p.excitation))
    for source, to, pairs, weight in wired:
        learned = net.connect(
            source, to, pairs, weight, p.delay, plasticity=rule, dendritic=0.0,
            modulator="dopamine",
        )  # fmt: skip
        net.record(learned, "weight", every=10_000.0 if source is first else 100_000.0)
    net.connect(
        "I", "E",
        Pairs(np.repeat(np.arange(p.n_i), p.synapses), (drawn[split:] * p.n_e).astype(np.int64)),
        p.inhibition, p.delay,
    )  # fmt: skip
    net.connect(first, "detector", AllToAll(), OF_SOURCE, DT)
    net.connect(second, "detector", AllToAll(), OF_TARGET, DT)
    late = Uniform(p.shortest, p.longest) if p.longest > p.shortest else p.longest
    net.connect("detector", "dopamine", OneToOne(), 1.0, late)
    for name in ("E", "I", "dopamine"):
        net.record(name, "spikes")
    return net


def weight_of(number: int) -> Measure:
    """Return a measure: the mean weight of a projection's synapses over the time, mV.

    "not reached" if no weight was recorded in this time.
    """

    def measure(result: NetworkResult, start: float) -> float | str:
        traces = list(result.synapses.values())[number]
        weights = traces["weight"][traces.time > start]
        return float(weights.mean()) if weights.size else "not reached"

    return measure


def expected() -> Sequence[Expected]:
    """Return what figure 1 shows of the chosen synapse, and what five seeds here do to others."""
    return [
        Expected("the chosen synapse", "mV", 2.5, 4.0, weight_of(0), FIGURE),
        Expected("mean of the others, E to E", "mV", 0.8, 1.0, weight_of(1), SEEDS),
    ]


EXAMPLE = Example(
    "izhikevich2007", "a synapse that dopamine reinforces seconds after its pairs of spikes",
    "Izhikevich (2007) Cereb Cortex 17:2443", network, expected, duration=1_200_000.0,
    settle=600_000.0, settings=SETTINGS,
)  # fmt: skip
