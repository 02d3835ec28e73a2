"""Fixed point: no sum overflows, no weight vanishes."""

import numpy as np
import pytest

from spikecuda import SpikecudaError
from spikecuda.common.distributions import Normal
from spikecuda.network import (
    AllToAll,
    Delta,
    ExpCurrent,
    FixedOutDegree,
    FixedTotal,
    Network,
    OneToOne,
    Pairs,
    SpikeTrain,
)


def network(n=4, receptor=None):
    """A network in float64, so that a sum of weights is read from the state as it is."""
    net = Network(0.1, seed=3, precision="float64", threads=1)
    net.population("a", n, receptors={"x": receptor or ExpCurrent(1e12)})
    return net


def test_a_sum_as_large_as_the_scale_allows_is_exact():
    """All synapses of a neuron at once, for weights that fill the accumulator."""
    for count in (1, 2, 3, 127, 128, 129):
        for weight in (1.0, -1.0, 0.7, 1 - 2.0**-31, 1 + 2.0**-22):
            net = network()
            net.source("s", count, SpikeTrain([1.0]))
            p = net.connect("s", net["a"][:1], AllToAll(), weight, 1.0)
            net.run(2.0)
            total = float(p.weights.sum())
            assert net["a"].state["i_x"][0] == pytest.approx(total, rel=1e-11)
            assert abs(total - count * weight) <= count * abs(weight) / 128 * 0.5
            (exponent,) = net.build().wiring.exponent.values()
            assert 2**29 < round(abs(total) * 2.0**exponent) < 2**31


def test_spikes_of_a_train_that_come_together_count_each():
    """A sum once overflowed its accumulator: two spikes of weight 1 gave -2."""
    for repeats in (1, 2, 3, 50):
        net = network()
        net.drive("a", SpikeTrain(np.full(repeats, 1.0), weight=1.0))
        net.source("s", 1, SpikeTrain(1.0 + np.linspace(-0.04, 0.04, repeats)))
        net.connect("s", "a", AllToAll(), 0.5, 1.0)
        net.run(2.0)
        assert net["a"].state["i_x"] == pytest.approx(np.full(4, 1.5 * repeats), rel=1e-11)


def test_weights_that_differ_a_lot_between_populations_keep_their_own_scale():
    """A port once took the scale of another population's, and its weights became 0."""
    net = network()
    net.population("b", 2, receptors={"x": Delta()})
    many = Pairs(np.zeros(10_000, int), np.ones(10_000, int))
    small = net.connect("a", "a", Pairs([0], [0]), 1.0, 1.0)
    net.connect("a", "a", many, 1000.0, 1.0)
    net.connect("a", "b", many, 1e6, 1.0)
    assert small.weights == 1.0


def test_populations_alike_share_rows():
    net = network()
    net.population("b", 7, receptors={"y": Delta()})
    for target in "ab":
        net.connect("a", target, AllToAll(), 0.1, 1.0)
    wiring = net.build().wiring
    assert len(wiring.bundles) == 1
    for p in net.projections:
        assert p.weights == pytest.approx(0.1, rel=2.0**-15)


@pytest.mark.parametrize("rule", [FixedOutDegree(1000), FixedTotal(1000)])
def test_a_neuron_that_gives_its_synapses_to_the_others(rule):
    """Neuron 0 has 1000 synapses to itself or neuron 1, itself excluded: the bound knows."""
    net = network()
    net.connect(net["a"][:1], net["a"][:2], rule, 1.0, 1.0, autapses=False)
    assert net.projections[0].connections()["target"].tolist() == [1] * 1000


def test_changed_weights_may_not_overflow_either():
    net = network()
    net.source("s", 2, SpikeTrain([1.0, 1.0], [0, 1]))
    p = net.connect("s", net["a"][:2], AllToAll(), 1.0, 1.0)
    q = net.connect("s", net["a"][:2], OneToOne(), 0.5, 1.0)
    (exponent,) = net.build().wiring.exponent.values()
    assert exponent == 29  # 2.5 2^29 < 2^31 <= 2.5 2^30
    q.weights = 1.9
    with pytest.raises(SpikecudaError, match="neuron 0 of a add up to more than its accumulator"):
        q.weights = 2.1
    with pytest.raises(SpikecudaError, match=r"up to 4 pA, what the .* fixed-point scale holds"):
        p.weights = [1.0, 1.0, 1.0, 4.1]
    assert p.weights.tolist() == [1.0] * 4
    assert q.weights == pytest.approx([1.9, 1.9], rel=1e-8)
    net.run(2.0)
    assert net["a"].state["i_x"] == pytest.approx([3.9, 3.9, 0.0, 0.0], rel=1e-8)
    net.reset()
    p.weights = [1.0, -1.5, 1.0, 0.0]
    net.run(2.0)
    assert net["a"].state["i_x"] == pytest.approx([3.9, 0.4, 0.0, 0.0], rel=1e-8)


@pytest.mark.parametrize("bits", [16, 32])
def test_drawn_weights_fill_their_width(bits):
    net = network()
    net.population("b", 200, receptors={"x": Delta()})
    p = net.connect("b", "a", AllToAll(), Normal(1.0, 0.2), 1.0, weight_bits=bits)
    exponent = net.build().wiring.exponent[0, 0]
    whole = p.weights * 2.0**exponent
    assert (whole == np.rint(whole)).all()
    # 1 + 6.67 0.2 is the most that can be drawn; a neuron gets 200 of them.
    assert exponent == (13 if bits == 16 else 22)
