"""Learned weights have the same bits for any threads, blocks and splits of a run."""

import numpy as np
import pytest

from spikecuda import Network, Poisson
from spikecuda.network import ExpCurrent, FixedInDegree
from spikecuda.plasticity import (
    STDP,
    DiehlCookSTDP,
    GutigSTDP,
    NearestSTDP,
    PowerLawSTDP,
    QuantalRelease,
    SaturatingNMDA,
    StochasticRelease,
    TripletSTDP,
    Tsodyks2000,
    TsodyksMarkram,
    VogelsSTDP,
)

# Rules that change weights from 30 on, below 60, within 300 ms.
OTHERS = {
    "power_law": PowerLawSTDP(w_max=6000.0, w_0=30.0, lam=0.02, alpha=0.5),
    "triplet": TripletSTDP(w_max=60.0, a2_plus=0.1, a3_plus=0.2, a2_minus=0.2, a3_minus=0.1),
    "diehl_cook": DiehlCookSTDP(w_max=60.0, eta_pre=1.0, eta_post=1.5),
    "vogels": VogelsSTDP(w_max=60.0, eta=0.3, alpha=8.0),
    "symmetric": NearestSTDP(w_max=60.0, lam=0.05),
    "restricted": NearestSTDP(w_max=60.0, lam=0.05, scheme="restricted", mu_plus=0.0),
    "pre_centred": NearestSTDP(w_max=60.0, lam=0.05, scheme="pre_centred", timing="brian"),
}


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


class Both(STDP, TsodyksMarkram):
    """STDP of synapses that depress for a while, too."""

    name = "_both"


OTHERS["both"] = Both(w_max=60.0, lam=0.05, tau_rec=20.0)
RELEASES = {
    "tsodyks_markram": TsodyksMarkram(tau_rec=20.0, tau_fac=10.0),
    "stochastic": StochasticRelease(p=0.6),
    "tsodyks_2000": Tsodyks2000(tau_rec=30.0),
}


@pytest.mark.parametrize("timing", ["nest", "brian"])
@pytest.mark.parametrize("kind", [STDP, GutigSTDP])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_threads_blocks_and_splits(kind, timing, precision):
    same_bits(kind(w_max=60.0, lam=0.05, timing=timing), precision)


@pytest.mark.parametrize("name", OTHERS)
def test_other_rules(name):
    same_bits(OTHERS[name], "float32")


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("name", RELEASES)
def test_releases(name, precision):
    same_bits(RELEASES[name], precision)


def test_saturation():
    same_bits(SaturatingNMDA(tau_decay=20.0), "float32")


def test_sites_of_release():
    rule = QuantalRelease(w_max=60.0, tau_rec=20.0, tau_fac=10.0)
    same_bits(rule, "float32", learns=False)


def same_bits(rule, precision, learns=True):
    spikes, weights = learn(rule, [300.0], precision=precision, threads=1)
    assert weights.std() > 1.0 or not rule.learns or not learns  # something was learned
    for pieces, read, options in (
        ([300.0], False, {"threads": 2, "partitions": 5}),
        ([0.1, 99.9, 150.0, 50.0], True, {"threads": 2}),
    ):
        other = learn(rule, pieces, read, precision=precision, **options)
        assert np.array_equal(spikes, other[0])
        assert np.array_equal(weights, other[1])
