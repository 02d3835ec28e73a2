"""A network that is steered: two populations, noise, three projections; and its results' bits."""

import numpy as np

from spikecuda import Noise, Normal, Poisson, Uniform
from spikecuda.network import ExpConductance, ExpCurrent, FixedProbability, Network

DEVICES = [
    ("cpu", {"threads": 2, "partitions": 3}), ("cuda-emu", {}), (["cuda-emu", "cpu"], {}),
]  # fmt: skip


def network(precision="float32", params=None, **options):
    net = Network(seed=3, precision=precision, **{"devices": "cpu", "threads": 1, **options})
    ports = {"exc": ExpCurrent(5.0), "inh": ExpCurrent(10.0)}
    net.population(
        "E", 70, "lif", {"t_ref": 2.0, **(params or {})}, {"v": Uniform(-70.0, -55.0)},
        receptors=ports,
    )  # fmt: skip
    net.population(
        "I", 20, "adex", {"tau_w": Normal(100.0, 10.0)}, receptors={"exc": ExpConductance(5.0, 0.0)}
    )
    net.connect("E", "E", FixedProbability(0.2), 50.0, 1.5, "exc")
    net.connect("E", "I", FixedProbability(0.2), 5.0, 1.5)
    net.connect("I", "E", FixedProbability(0.3), -100.0, 1.5, "inh")
    net.drive("E", Poisson(rate=8000.0, weight=60.0), "exc")
    net.drive("I", Noise(400.0, mean=500.0))
    net.record("E", ["spikes", "v"])
    net.record("I", "spikes")
    return net


def bits(result):
    e, i = result.spikes["E"], result.spikes["I"]
    return [e.step, e.neuron, i.step, i.neuron, result.traces["E"]["v"]]


def equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
