"""Networks of one structure are an ensemble; others are refused."""

import numpy as np
import pytest
from replicated import origin
from steered import bits, equal, network

from spikecuda import Ensemble
from spikecuda.errors import SpikecudaValueError
from spikecuda.network import (
    AllToAll,
    DistanceProbability,
    ExpCurrent,
    FixedProbability,
    Network,
    SpikeTrain,
)
from spikecuda.space import Gaussian, Scattered


def test_networks_of_one_structure_are_an_ensemble():
    nets = [
        origin(wiring_seed=seed, amplitude=10.0 * seed + 5.0 * i)[0]
        for i, seed in enumerate([7, 7, 8])
    ]
    with Ensemble(nets) as e:
        found = e.run(15.0)
        first, second, third = (replica._engine.wiring.bundles[0].blocks[0] for replica in e)
        assert first.targets is second.targets and first.targets is not third.targets
    for net, result in zip(nets, found, strict=True):  # which are as they were
        assert equal(bits(net.run(15.0)), bits(result))


def test_networks_of_other_structure_are_refused():
    first = network()
    others = {
        "precision": network(precision="float64"), "the list of populations": network(),
        "the list of drives": network(),
        "what is recorded": network(),
    }  # fmt: skip
    others["the list of populations"].population("X", 3, "lif")
    for name in ("E", "I"):
        others["the list of drives"].drive(name, 1.0)
    others["what is recorded"].record("I", "w")
    ports = {"exc": ExpCurrent(5.0), "inh": ExpCurrent(10.0)}
    for what, net in others.items():
        with pytest.raises(SpikecudaValueError, match=f"structure: {what} of network 1 is"):
            Ensemble([first, net])
    small = [Network(seed=3, devices="cpu") for _ in range(2)]
    for net, n in zip(small, (70, 71), strict=True):
        net.population("E", n, "lif", receptors=ports)
    with pytest.raises(SpikecudaValueError, match="E of network 1 is 71 lif neurons"):
        Ensemble(small)
    small = [Network(seed=3, devices="cpu") for _ in range(2)]
    for net, rule in zip(small, (AllToAll(), "one_to_one"), strict=True):
        net.population("E", 70, "lif", receptors=ports)
        net.connect("E", "E", rule, 1.0, 1.0, "exc")
    with pytest.raises(SpikecudaValueError, match=r"E -> E \(exc\) of network 1 is OneToOne"):
        Ensemble(small)
    with pytest.raises(SpikecudaValueError, match="size must be the number of networks, 1"):
        Ensemble([first], 2)


def test_parts_of_the_first_network_stand_for_those_of_all():
    (first, drive, _), (second, other, _) = origin(), origin()
    with Ensemble([first, second], params={drive: {"rate": [100.0, 200.0]}}) as e:
        assert [replica.own(drive).rate for replica in e] == [100.0, 200.0]
        assert e[1].own(drive) is e[1].own(other) and e[1].own(first["E"]) is e[1]["E"]
        with pytest.raises(SpikecudaValueError, match="of several networks of the first one"):
            e.update({other: {"rate": 3.0}})
    for net, neurons in zip([first, second], (2, 3), strict=True):
        net.drive(net["E"][:neurons], SpikeTrain([1.0], [0], weight=1.0), "exc")
    with pytest.raises(SpikecudaValueError, match=r"of spike trains of network 1 is.* 3 of ne"):
        Ensemble([first, second])


def test_replicas_at_other_positions_have_synapses_of_their_own():
    def placed(seed):
        net = Network(seed=3, devices="cpu")
        ports = {"exc": ExpCurrent(5.0)}
        net.population("E", 70, "lif", receptors=ports, positions=Scattered((1.0, 1.0), seed=seed))
        net.connect("E", "E", FixedProbability(0.2), Gaussian(0.3, peak=40.0), 1.5)
        net.connect("E", "E", DistanceProbability(Gaussian(0.2)), 40.0, 1.5)
        return net

    nets = [placed(seed) for seed in (1, 1, 2)]
    _ = nets[1].projections[1].near.most_rows()  # what is worked out once makes no difference
    with Ensemble(nets) as e:
        e.build()
        first, second, third = (replica._engine.wiring.bundles[0].blocks[0] for replica in e)
        assert first.targets is second.targets and first.targets is not third.targets
        for net, replica in zip(nets, e, strict=True):
            for p, q in zip(net.projections, replica.projections, strict=True):
                assert np.array_equal(p.weights, q.weights)
