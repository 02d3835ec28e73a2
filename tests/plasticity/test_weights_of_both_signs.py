"""Weights that learn across 0: before the oracle, on every device, and what is refused."""

import numpy as np
import pytest
from test_engine_oracle import DT, expected

from spikecuda import Network, Poisson, Uniform
from spikecuda.errors import SpikecudaValueError
from spikecuda.network import ExpConductance, ExpCurrent, FixedInDegree, SpikeTrain
from spikecuda.plasticity import STDP, GutigSTDP, NearestSTDP, PowerLawSTDP

RULE = STDP(w_max=20.0, w_min=-35.0, lam=0.2, alpha=1.05)
PLACES = [{"devices": "cpu", "partitions": 3}, {"devices": ["cuda-emu:0", "cpu:0"]}]


def build(precision="float64", rule=RULE, **options):
    net = Network(dt=DT, seed=3, precision=precision, **options)
    net.population("E", 60, "lif", receptors={"in": ExpCurrent(tau=2.0)})
    net.drive("E", Poisson(rate=9000.0, weight=60.0), "in")
    p = net.connect("E", "E", FixedInDegree(8), Uniform(-35.0, 20.0), 1.5, plasticity=rule)
    return net, p


def test_each_synapse_is_the_oracle_s():
    net, p = build(devices="cpu")
    with net:
        start = p.connections()
        result = net.run(120.0)
        now = p.weights
        spikes = result.spikes["E"]
    trains = {i: spikes.step[spikes.neuron == i].tolist() for i in range(60)}
    for i in range(len(now)):
        want, _ = expected(
            RULE, int(start["source"][i]), int(start["target"][i]), 1.5, trains, trains,
            start["weight"][i], 1199, None,
        )  # fmt: skip
        assert now[i] == pytest.approx(want, abs=1e-9)
    # Weights have crossed 0 both ways, and met both bounds.
    before = start["weight"]
    assert ((now > 0) & (before < 0)).any() and ((now < 0) & (before > 0)).any()
    assert now.max() == 20.0 and now.min() == -35.0


def test_devices_splits_and_saves(tmp_path):
    net, p = build("float32", devices="cpu")
    with net:
        spikes = net.run(90.0).spikes["E"].step
        want = p.weights
    for options in PLACES:
        net, p = build("float32", **options)
        with net:
            first = net.run(31.7).spikes["E"].step
            path = net.save(tmp_path / "net.spk")
        with Network.load(path, **options) as net:
            second = net.run(58.3).spikes["E"].step
            assert np.array_equal(net.projections[0].weights, want)
            assert np.array_equal([*first, *second], spikes)


def test_what_is_sent_has_its_sign():
    with Network(dt=DT, devices="cpu") as net:
        net.population("E", 2, "lif", receptors={"in": ExpCurrent(tau=2.0)})
        net.source("S", 1, SpikeTrain([5.0]))
        p = net.connect("S", "E", "all_to_all", 0.0, 1.5, plasticity=RULE)
        p.weights = [12.0, -30.0]
        net.run(6.5)
        # The spike of the source, without one of the target before, changes nothing.
        assert np.allclose(net["E"].state["i_in"], [12.0, -30.0], rtol=1e-5)
        p.weights = [-35.0, 20.0]
        assert p.weights.tolist() == [-35.0, 20.0]
        with pytest.raises(SpikecudaValueError, match="from -35 to 20 pA"):
            p.weights = -36.0


def test_what_cannot_be_is_refused():
    for kind in (GutigSTDP, NearestSTDP, PowerLawSTDP):
        with pytest.raises(SpikecudaValueError, match=r"takes powers of weights .got -1"):
            kind(w_max=2.0, w_min=-1.0)
    for w_max, w_min in ((-2.0, -1.0), (2.0, 3.0), (2.0, -np.inf), (2.0, np.nan)):
        with pytest.raises(SpikecudaValueError, match="w_min must be"):
            STDP(w_max=w_max, w_min=w_min)
    net, p = build("float32", devices="cpu")
    with net:
        for change in (
            lambda: p.normalise(30.0), lambda: p.rewire(1.0),
            lambda: p.scale_to_rate(5.0, every=10.0),
        ):  # fmt: skip
            with pytest.raises(SpikecudaValueError, match="w_min must be >= 0 for weights that"):
                change()
        p.weights = np.abs(p.weights).clip(0.0, 20.0)
        net.run(1.0)
        with pytest.raises(SpikecudaValueError, match="w_min must stay < 0 once"):
            p.params["w_min"] = 0.0
        with pytest.raises(SpikecudaValueError, match="w_min must be at most 35 in size"):
            p.params["w_min"] = -36.0
        p.params.update({"w_min": -30.0, "w_max": 25.0})
    with Network(dt=DT) as net:
        net.population("C", 2, "lif_cond", receptors={"g": ExpConductance(2.0, 0.0)})
        with pytest.raises(SpikecudaValueError, match="w_min must be >= 0 for 'g', a conductance"):
            net.connect("C", "C", "all_to_all", 1.0, 1.5, "g", plasticity=RULE)
