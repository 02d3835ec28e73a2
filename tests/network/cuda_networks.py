"""Small networks that the CUDA tests run: every receptor, every rule, every kind of input."""

from collections.abc import Sequence

import numpy as np

from spikecuda import LogNormal, Noise, Normal, Poisson, Ramp, Step, Uniform
from spikecuda.inputs.stimulus import PerStep
from spikecuda.network import (
    NMDA,
    AllToAll,
    AlphaConductance,
    AlphaCurrent,
    Delta,
    DistanceProbability,
    ExpConductance,
    ExpCurrent,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    FixedTotal,
    Network,
    OneToOne,
    SpikeTrain,
)
from spikecuda.space import Disc, Gaussian, Linear, Scattered

START = {"v": Uniform(-70.0, -52.0)}
EVERY_KIND = {
    "exc": ExpCurrent(5.0), "inh": AlphaCurrent(8.0), "kick": Delta(),
    "ampa": ExpConductance(5.0, 0.0), "gaba": AlphaConductance(6.0, -80.0), "nmda": NMDA(),
}  # fmt: skip
SIMPLE = {"exc": ExpCurrent(5.0), "inh": ExpCurrent(10.0)}


def every_receptor(net: Network) -> None:
    """All receptors and rules; two populations whose kernels differ in numbers only; K = 1."""
    net.population("A", 100, "lif_cond", initial=START, receptors=EVERY_KIND)
    net.population(
        "B", 61, "lif_cond", {"t_ref": 1.0}, initial=START,
        receptors={**EVERY_KIND, "ampa": ExpConductance(3.0, 0.0)},
    )  # fmt: skip
    net.connect("A", "A", FixedProbability(0.2), 60.0, Uniform(0.1, 3.0), "exc")
    net.connect("A", "B", FixedProbability(0.2), Normal(0.5, 0.1, low=0), 1.5, "ampa")
    net.connect("A", "B", FixedOutDegree(7), 0.4, 0.2, "nmda")
    net.connect("A", "A", OneToOne(), 0.2, 0.9, "nmda")
    net.connect("B", "A", FixedInDegree(9), -40.0, Normal(1.0, 0.4, low=0.1, redraw=True), "inh")
    net.connect("B", "B", AllToAll(), 0.05, 0.8, "kick", autapses=False)
    net.connect("B", "A", FixedTotal(300), Uniform(0.1, 0.5), 0.7, "gaba", weight_bits=32)
    net.drive("A", 300.0)
    net.drive("A", Noise(sigma=100.0))
    net.drive("A", Poisson(800.0, 30.0), "exc")
    net.drive("B", 320.0)
    net.drive("B", Noise(sigma=150.0))
    net.drive("B", Poisson(300.0, 40.0), "exc")
    given = net.source("S", 5, SpikeTrain(np.arange(1, 50) * 0.5, np.arange(49) % 5))
    net.connect(given, "A", FixedProbability(0.3), 2.0, Uniform(0.1, 2.0), "ampa")
    net.drive("B", SpikeTrain([0.1, 3.0, 3.0, 7.7], weight=0.5), "nmda")


def every_input(net: Network, steps: int) -> None:
    """Parameters, inputs and rates of each neuron; input that changes from step to step."""
    rng = np.random.default_rng(3)
    net.population("N", 70, "lif", {"tau_m": Uniform(15.0, 25.0)}, START, receptors=SIMPLE)
    net.connect("N", "N", FixedProbability(0.1), -20.0, 1.2, "inh")
    for term in (
        np.linspace(200.0, 500.0, 70), PerStep(rng.normal(0.0, 100.0, steps)),
        PerStep(rng.normal(0.0, 100.0, (steps, 70))), Step(np.linspace(0.0, 200.0, 70), 5.0, 15.0),
        Ramp(0.0, 300.0, 2.0, 18.0), Noise(np.linspace(0.0, 100.0, 70)),
    ):  # fmt: skip
        net.drive("N", term)
    net.drive("N", Poisson(np.linspace(0.0, 3000.0, 70), 40.0), "exc")


def balanced(net: Network, sizes: Sequence[int] = (90, 35)) -> None:
    """Excitation and inhibition with heterogeneous delays from 0.5 ms on: windows of 5 steps."""
    for name, n in zip("EI", sizes, strict=True):
        net.population(name, n, "lif", initial=START, receptors=SIMPLE)
        net.drive(name, 380.0)
    for target in "EI":
        net.connect("E", target, FixedProbability(0.2), Normal(60.0, 6.0), Uniform(0.5, 4.0), "exc")
        net.connect("I", target, FixedProbability(0.2), -70.0, Uniform(0.5, 2.0), "inh")


def outcome(net: Network, *parts: float) -> list[object]:
    """Return everything that a network gives: spikes and traces of each part, then the state."""
    names = [
        population.name
        for population in net.populations.values()
        if population.neuron_spec is not None
    ]
    result: list[object] = []
    spikes, traces = {}, {}
    for part in parts:
        got = net.run(part)
        for name in names:
            spikes.setdefault(name, []).append((got.spikes[name].step, got.spikes[name].neuron))
            for key, trace in got.traces.get(name, {}).items():
                traces.setdefault((name, key), []).append(trace)
    for lists in spikes.values():
        result += [np.concatenate(arrays).tobytes() for arrays in zip(*lists, strict=True)]
    result += [np.concatenate(arrays).tobytes() for arrays in traces.values()]
    result += [net[name].state[key].tobytes() for name in names for key in net[name].state]
    return result


def dense(net: Network, sizes: Sequence[int] = (120, 40), weight: object = 20.0) -> None:
    """Rows of one delay that reach most neurons, two weights into one port, and rows of another."""
    for name, n in zip("EI", sizes, strict=True):
        net.population(name, n, "lif", initial=START, receptors=SIMPLE)
        net.drive(name, 400.0)
    net.connect("E", "E", FixedProbability(0.8), weight, 1.5, "exc")
    net.connect("E", "I", FixedProbability(0.8), weight, 1.5, "exc")
    net.connect("I", "E", AllToAll(), -15.0, 1.5, "inh")
    net.connect("I", "I", FixedProbability(0.9), -14.0, 0.7, "inh")
    net.connect("I", "I", OneToOne(), -5.0, 0.7, "inh")


def wide(net: Network, weight: object = 20.0) -> None:
    """4,200 neurons: cells of two tiles, rows of one delay beside rows of many."""
    net.population("P", 4200, "lif", initial=START, receptors=SIMPLE)
    net.drive("P", 400.0)
    net.connect("P", "P", FixedOutDegree(80), weight, 1.5, "exc")
    net.connect("P", "P", FixedOutDegree(20), -30.0, Uniform(0.5, 2.0), "inh")


def drawn_again(net: Network, procedural: bool = True) -> None:
    """Every rule that can be procedural, each distribution, views, rows without multapses."""
    for name, n in (("E", 90), ("I", 35)):
        sheet = Scattered((1.0, 1.0), periodic=True)
        net.population(name, n, "lif", initial=START, receptors=SIMPLE, positions=sheet)
        net.drive(name, 380.0)
    how = {"procedural": procedural}
    alone = {"autapses": False, "multapses": False, **how}
    few = net["E"][[3, 4, 7, 40, 41, 63, 64, 80]]
    redrawn = Normal(1.5, 0.75, low=0.05, redraw=True)
    net.connect("E", "E", FixedProbability(0.2), Normal(60.0, 6.0), Uniform(0.5, 4.0), "exc", **how)
    net.connect("E", few, FixedProbability(1.0), 5.0, redrawn, "exc", autapses=False, **how)
    net.connect("E", "I", FixedOutDegree(9), LogNormal(60.0, 6.0), 1.0, "exc", **how)
    net.connect("I", "I", FixedOutDegree(9), -60.0, 0.5, "inh", autapses=False, **how)
    # Half of all are drawn, and drawn again where they are taken; over half are left out.
    net.connect("E", "E", FixedOutDegree(44), 2.0, redrawn, "exc", **alone)
    net.connect("I", "I", FixedOutDegree(20), Uniform(-60.0, 0.0), redrawn, "inh", **alone)
    net.connect("I", few, FixedTotal(100), Normal(-60.0, 60.0, high=0.0, redraw=True), 1.0, "inh",
                **how)  # fmt: skip
    net.connect("I", "E", AllToAll(), -5.0, Normal(1.5, 1.0, low=0.5), "inh", **how)
    net.connect(few, few, AllToAll(), 5.0, 0.7, "exc", **alone)
    net.connect("E", "E", OneToOne(), Normal(5.0, 1.0, high=6.0), 1.2, "exc", **how)
    given = net.source("S", 10, SpikeTrain.poisson(10, 200.0, 1.0, 20.0, seed=7))
    net.connect(given, "E", FixedProbability(0.3), 100.0, 1.0, "exc", **how)
    near = DistanceProbability(Gaussian(0.2), Disc(0.4))
    net.connect("E", few, near, Gaussian(0.3, peak=20.0), Linear(0.3, 2.0), "exc", **how)


def far(net: Network, procedural: bool = True) -> None:
    """Rows over the tiles of 16,384 targets that a probability is drawn in, and long ones."""
    net.population("S", 70, "lif", initial=START, receptors=SIMPLE)
    net.population("T", 40_000, "lif", receptors=SIMPLE)
    net.drive("S", 1500.0)
    how = {"procedural": procedural}
    part = net["T"][10_000:33_000]
    net.connect("S", "T", FixedProbability(0.002), 5.0, Uniform(0.2, 1.0), "exc", **how)
    net.connect("S", part, FixedProbability(0.05), Normal(1.0, 0.5), 0.3, "inh", **how)
    net.connect("S", "T", FixedOutDegree(700), 5.0, 0.2, "exc", **how)
    net.connect(net["S"][:3], "T", AllToAll(), 0.5, 0.2, "exc", **how)
