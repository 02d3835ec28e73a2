"""Numbers of each synapse: given, kept, saved, and the same on every device."""

import numpy as np
import pytest
from learning_networks import Dice, Everything

from spikecuda import Ensemble, Network, Poisson
from spikecuda.errors import ModelError, SpikecudaError, SpikecudaValueError
from spikecuda.network import ExpCurrent, FixedInDegree, SpikeTrain
from spikecuda.plasticity import SynapseParameter, SynapseRule, Variable

SIZE = 40


def network(rule, devices="cpu", **options):
    """Return a network of sources that spike once and synapses with a rule."""
    net = Network(dt=0.1, seed=4, devices=devices, **options)
    net.population("E", SIZE, "lif", receptors={"in": ExpCurrent(tau=2.0)})
    net.source("S", 20, SpikeTrain(np.linspace(3.0, 12.0, 20).round(1), np.arange(20)))
    return net, net.connect("S", "E", FixedInDegree(5), 1.0, 1.5, "in", plasticity=rule)


def certain(p):
    """Return probabilities of 0 and 1, one for each synapse."""
    return (np.arange(len(p)) % 3 == 0).astype(float)


@pytest.mark.parametrize(
    "options", [{}, {"partitions": 3}, {"devices": "cuda-emu"}, {"devices": ["cuda-emu", "cpu"]}]
)
def test_each_synapse_has_its_own(options):
    net, p = network(Dice(w_max=9.0), **options)
    net.record("E", "i_in", every=0.1)
    with net:
        sends = certain(p)
        p.set_values("p", sends)
        assert np.array_equal(p.values("p"), sends)
        assert np.array_equal(p.connections()["p"], sends)
        result = net.run(20.0)
        assert np.array_equal(p.values("p"), sends)
        # Currents jump where a synapse sends its weight, which random numbers have made smaller.
        got = np.diff(result.traces["E"]["i_in"], axis=0) > 1e-3
        found = p.connections()
        spikes = np.linspace(3.0, 12.0, 20).round(1)
        steps = np.rint((spikes + 1.5) / 0.1).astype(int)
        want = {(steps[s] - 2, t)
                for s, t, x, w in zip(found["source"], found["target"], sends, p.weights,
                                      strict=True) if x and w > 0}  # fmt: skip
        assert want and want == {*zip(*(x.tolist() for x in np.nonzero(got)), strict=True)}
        net.reset()
        assert np.array_equal(p.values("p"), sends)


def busy(devices="cpu", **options):
    net = Network(dt=0.1, seed=3, devices=devices, **options)
    net.population("E", 30, "lif", receptors={"exc": ExpCurrent(tau=2.0)})
    net.drive("E", Poisson(rate=20000.0, weight=60.0), "exc")
    return net, net.connect("E", "E", FixedInDegree(8), 4.0, 1.5, "exc", plasticity=Dice(w_max=9.0))


def numbers(p):
    return np.random.default_rng(1).uniform(size=len(p))


def test_values_are_set_within_a_run_saved_and_of_each_replica(tmp_path):
    net, p = busy()
    with net:
        net.run(30.0)
        p.set_values("p", numbers(p))
        net.run(20.0)
        want = p.weights
        net.run(10.0)
        later = p.weights
    for devices in ("cuda-emu", ["cpu:0", "cpu:1"]):
        net, p = busy(devices=devices)
        with net:
            net.run(30.0)
            p.set_values("p", numbers(p))
            net.run(20.0)
            assert np.array_equal(p.weights, want)
            path = net.save(tmp_path / "net.spk")
        with Network.load(path, models=[Dice], devices="cpu") as net:
            net.run(10.0)
            assert np.array_equal(net.projections[0].weights, later)
            assert np.array_equal(net.projections[0].values("p"), numbers(p).astype("f4"))
    net, p = busy()
    with Ensemble(net, 2) as e:
        e.run(30.0)
        own = e[1].own(p)
        own.set_values("p", numbers(own))
        e.run(20.0)
        assert np.array_equal(own.weights, want)
        assert not np.array_equal(e[0].own(p).weights, want)


def test_variables_can_be_set_and_start_anew():
    net, p = network(Everything(w_max=9.0))
    with net:
        p.set_values("count", 3.0)
        assert (p.values("count") == 3.0).all()
        net.reset()
        assert (p.values("count") == 0.0).all()


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        ("p", 1.5, r"p of S -> E \(in\) must be <= 1 \(got 1.5\)"),
        ("p", np.nan, "must be finite in float32"),
        ("p", [0.1, 0.2], r"one for each of the 200 synapses \(got shape \(2,\)\)"),
        ("q", 1.0, "Dice has the variables weight, p"),
        ("weight", 1.0, "assign projection.weights"),
    ],
)
def test_what_cannot_be_set_is_refused(name, values, text):
    net, p = network(Dice(w_max=9.0))
    with net, pytest.raises(SpikecudaValueError, match=text):
        p.set_values(name, values)
    assert p.plasticity is not None
    with Network(dt=0.1) as plain:
        plain.population("E", 2, "lif", receptors={"in": ExpCurrent(tau=2.0)})
        still = plain.connect("E", "E", "all_to_all", 1.0, 1.5)
        with pytest.raises(SpikecudaError, match="does not learn and has no variables"):
            still.set_values("p", 1.0)


def test_what_cannot_be_declared_is_refused():
    def define(**members):
        return type("Mine", (SynapseRule,), {"name": "_mine", **members})

    def on_pre(w, c, p):
        return w, c, p

    def transmit(c):
        return c

    def on_post(w, c):
        return w, c

    p, c = SynapseParameter(0.5), Variable(0.0)
    with pytest.raises(ModelError, match=r"must return w, c \(got 3 values"):
        define(on_pre=on_pre, p=p, c=c)
    with pytest.raises(ModelError, match=r"transmit sees c as .* there is no on_pre"):
        define(on_post=on_post, transmit=transmit, c=c)
    with pytest.raises(ModelError, match=r"Mine.p must be >= 1 .*start within its bounds"):
        define(on_post=on_post, c=c, p=SynapseParameter(0.5, at_least=1.0))
