"""Networks that learn are steered like others: the same bits in pieces and on all threads."""

import numpy as np
import pytest
from steered import bits, equal

from spikecuda import Poisson, Uniform
from spikecuda.network import ExpCurrent, FixedProbability, Network, SpikeTrain
from spikecuda.plasticity import STDP


def network(**options):
    net = Network(seed=4, **{"devices": "cpu", "threads": 1, **options})
    ports = {"exc": ExpCurrent(5.0)}
    for name, count in (("E", 90), ("I", 30)):
        net.population(name, count, "lif", {"t_ref": 4.0}, receptors=ports)
        net.drive(name, Poisson(rate=3000.0, weight=40.0), "exc")
    rule = STDP(w_max=80.0, lam=0.05)
    net.connect("E", "E", FixedProbability(0.2), Uniform(10.0, 60.0), 1.5, plasticity=rule)
    net.connect("E", "I", FixedProbability(0.2), 30.0, 1.0)
    net.record("E", ["spikes", "v"])
    net.record("I", "spikes")
    net.record(net.projections[0], "weight", every=5.0)
    return net


def steer(net, piece):
    """Let neurons spike more often, add a train, set some weights."""
    net["E"].params.update(t_ref=max(0.0, 3.0 - piece.stop / 20.0), tau_m=15.0)
    if len(net.trains) < 2:
        net.drive(net["E"][:9], SpikeTrain(net.time + np.array([0.1, 3.0]), [1, 4]), "exc")
    if 18.0 < piece.stop < 22.0:
        net.projections[0].weights = 40.0


def everything(net, result):
    weights = net.projections[0].connections()
    samples = result.synapses[net.projections[0]]
    return [*bits(result), *weights.values(), samples["weight"], samples.time]


@pytest.mark.parametrize("options", [
    {"threads": 2, "partitions": 4}, {"devices": ["cpu:0", "cpu:1"], "threads": None},
])  # fmt: skip
def test_pieces_have_the_same_bits(options):
    with network() as net, network(**options) as other, network() as whole:
        one = net.run(60.0, every=2.0, call=steer)
        two = other.run(60.0, every=2.0, call=steer)
        assert one.num_spikes > 300 and one.synapses[net.projections[0]].time.size == 12
        assert equal(everything(net, one), everything(other, two))
        # Pieces without changes are one run.
        net.reset(), other.reset()
        net["E"].params.update(t_ref=4.0, tau_m=20.0)
        plain = whole.run(40.0)
        with network(**options) as cut:
            pieces = cut.run(40.0, every=0.7, call=lambda net, piece: None)
            assert equal(everything(whole, plain), everything(cut, pieces))


def test_what_breaks_off_keeps_the_weights_that_were_sampled():
    def fail(net, piece):
        if piece.stop > 21.0:
            raise KeyError("mine")

    with network() as net, network() as whole:
        with pytest.raises(KeyError):
            net.run(60.0, every=4.0, call=fail)
        assert net.result.stop == 24.0
        joined, complete = net.result + net.run(36.0), whole.run(60.0)
        assert equal(everything(net, joined), everything(whole, complete))
