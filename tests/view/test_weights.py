"""Histograms of weights that are learned, without the order that a list of synapses has."""

import numpy as np

from spikecuda import Uniform
from spikecuda.network import ExpCurrent, FixedProbability, Network
from spikecuda.network.viewed import NetworkSubject
from spikecuda.plasticity import STDP


def test_weights_of_projections_that_learn():
    with Network(seed=1, devices="cpu", threads=2, partitions=3) as net:
        net.population("E", 40, "lif", receptors={"exc": ExpCurrent(5.0), "inh": ExpCurrent(5.0)})
        stdp = STDP(w_max=10.0)
        learned = net.connect("E", "E", FixedProbability(0.3), Uniform(1.0, 4.0), 1.5, "exc",
                              plasticity=stdp)  # fmt: skip
        falling = net.connect("E", "E", FixedProbability(0.3), Uniform(-4.0, -1.0), 1.5, "inh",
                              plasticity=STDP(w_max=-10.0))  # fmt: skip
        twin = net.connect("E", "E", FixedProbability(0.1), 2.0, 2.5, "exc", plasticity=stdp)
        net.connect("E", "E", FixedProbability(0.1), 2.0, 2.5, "exc")
        subject = NetworkSubject(net)
        assert subject.weights() == [] and subject.figures() is None
        net.build()
        found = subject.weights()
        assert [h.name for h in found] == [p.name for p in (learned, falling, twin)]
        for h, p in zip(found, (learned, falling, twin), strict=True):
            counts, _ = np.histogram(p.weights, 50, (h.low, h.high))
            assert np.array_equal(counts, h.counts) and h.counts.sum() == len(p) > 0
            assert np.isclose(h.mean, p.weights.mean()) and h.unit == "pA"
        assert [(h.low, h.high) for h in found] == [(0.0, 10.0), (-10.0, 0.0), (0.0, 10.0)]
        labels = {c.label for c in subject.controls() if c.group == learned.name}
        assert {"tau_plus", "w_max"} <= labels
