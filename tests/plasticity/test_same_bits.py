"""Learned weights have the same bits for any threads, blocks and splits of a run."""

import numpy as np
import pytest

from spikecuda import Network, Poisson
from spikecuda.network import ExpCurrent, FixedInDegree
from spikecuda.plasticity import STDP, GutigSTDP


def learn(rule, pieces, read=False, **kwargs):
    """Return the spikes and the weights of a small network after 300 ms."""
    with Network(dt=0.1, seed=3, devices="cpu", **kwargs) as net:
        net.population("E", 150, "lif", receptors={"exc": ExpCurrent(tau=2.0)})
        net.drive("E", Poisson(rate=9000.0, weight=60.0), "exc")
        p = net.connect(
            "E", "E", FixedInDegree(20), weight=30.0, delay=1.5, plasticity=rule
        )  # fmt: skip
        spikes = []
        for ms in pieces:
            spikes.append(net.run(ms).spikes["E"].time)
            if read:
                p.weights  # noqa: B018  reading changes nothing
        return np.concatenate(spikes), p.weights


@pytest.mark.parametrize("timing", ["nest", "brian"])
@pytest.mark.parametrize("kind", [STDP, GutigSTDP])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_threads_blocks_and_splits(kind, timing, precision):
    rule = kind(w_max=60.0, lam=0.05, timing=timing)
    spikes, weights = learn(rule, [300.0], precision=precision, threads=1)
    assert weights.std() > 1.0  # something was learned
    for pieces, read, options in (
        ([300.0], False, {"threads": 2, "partitions": 5}),
        ([0.1, 99.9, 150.0, 50.0], True, {"threads": 2}),
    ):
        other = learn(rule, pieces, read, precision=precision, **options)
        assert np.array_equal(spikes, other[0])
        assert np.array_equal(weights, other[1])
