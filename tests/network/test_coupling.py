"""Continuous coupling: the sums, the order of their error, and the same bits anywhere."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import LogNormal, Model, Network, Normal, Parameter, Poisson, State, Uniform
from spikecuda.errors import ModelError, SpikecudaError, SpikecudaTypeError, SpikecudaValueError
from spikecuda.formats import to_networkx, to_nir, to_sonata
from spikecuda.language import expm1, real
from spikecuda.network import (
    AllToAll,
    Coupled,
    Ensemble,
    ExpCurrent,
    FixedInDegree,
    FixedProbability,
    Pairs,
    SpikeTrain,
    from_matrix,
)
from spikecuda.space import Gaussian


class CoupledRate(Model):
    """A rate neuron that spikes and jumps back; what it is coupled to is told from other input."""

    schemes = ("heun",)
    inputs = ("i_net",)
    x = State("", 0.0, span=1.0)
    tau = Parameter(10.0, "ms", above=0.0)
    gain = Parameter(1.0)

    def dx(x, tau, current, i_net):
        return (current + i_net - x) / tau

    def threshold(x):
        return x >= real(2)

    def reset(x):
        return x - real(2)


def tanh(x, gain):
    e = expm1(real(-2.0) * gain * x)
    return -e / (real(2.0) + e)


def pull(x_pre, x_post, gain_post):
    apart = x_pre - x_post
    return gain_post * apart * abs(apart) / (real(1.0) + abs(apart))


PORTS = {"net": Coupled(), "syn": ExpCurrent(5.0)}


def rates(n, devices="cpu", precision="float64", dt=0.5, **more):
    net = Network(dt=dt, seed=3, precision=precision, devices=devices, **more)
    start, gain = {"x": Uniform(-1.0, 1.0)}, {"gain": np.linspace(0.9, 1.1, n)}
    net.population("a", n, CoupledRate, gain, start, receptors=PORTS)
    return net


def mixed(iterated, devices="cpu", **more):
    """Return all kinds of coupling in one network: symmetric, by views, functions, sums of them."""
    net = rates(70, devices, "float16", **more)
    net.population("b", 40, CoupledRate, {}, {"x": Uniform(-1.0, 1.0)}, receptors=PORTS)
    net.drive("a", np.linspace(0.5, 8.0, 70))
    net.connect("a", "b", FixedProbability(0.3), 0.2, 1.5, "syn")
    net.drive("b", SpikeTrain([1.0, 2.0], weight=3.0), "syn")
    net.gap_junctions("a", "a", FixedProbability(0.1), 0.2, "x", iterated=iterated)
    net.couple("a", net["b"][5:], FixedInDegree(5), Normal(0.1, 0.2), tanh, iterated=iterated)
    net.gap_junctions(net["a"][10:20], net["b"][:8], AllToAll(), 0.05, "x")
    net.couple("b", "a", FixedInDegree(3), 0.2, pull, symmetric=True, iterated=iterated)
    net.couplings[1].strength = 1.5
    net.record("b", ["x", "i_net"], every=2.0)
    return net


def outcome(net, *pieces):
    with net:
        results = [net.run(ms) for ms in pieces]
        state = {f"{p} {s}": net[p].state[s] for p in ("a", "b") for s in ("x", "i_net", "i_syn")}
        spikes = sum(result.num_spikes for result in results)
        return np.concatenate([r.traces["b"]["x"] for r in results]), spikes, results[-1], state


@pytest.mark.parametrize("iterated", [False, True])
def test_the_same_bits_anywhere(iterated):
    samples, spikes, result, expected = outcome(mixed(iterated), 40.0)
    assert spikes > 50
    assert expected["b x"].std() > 0.01
    assert np.array_equal(result.traces["b"]["i_net"][-1], expected["b i_net"])
    for other in (
        outcome(mixed(iterated, threads=2), 14.0, 26.0),
        outcome(mixed(iterated, partitions=3), 40.0),
        outcome(mixed(iterated, threads=2, partitions=4), 2.0, 38.0),
        outcome(mixed(iterated, "cuda-emu:0"), 10.0, 30.0),
        outcome(mixed(iterated, ["cpu:0", "cpu:1"]), 40.0),
    ):
        assert np.array_equal(other[0], samples)
        assert other[1] == spikes
        for name, values in expected.items():
            assert np.array_equal(other[3][name], values), name


def test_orders_of_the_error():
    """A refined run is the reference."""

    def run(dt, iterated):
        with rates(3, dt=dt) as net:
            net["a"].params["gain"] = 1.0
            net.couple("a", "a", Pairs([0, 1, 2], [1, 2, 0]), -3.0, tanh, iterated=iterated)
            net.gap_junctions("a", "a", Pairs([0, 1], [1, 2]), 0.5, "x", iterated=iterated)
            net.record("a", ["x"], every=4.0)
            return net.run(80.0).traces["a"]["x"]

    reference = run(0.0125, True)
    for iterated, order in ((False, 1.0), (True, 2.0)):
        errors = [np.sqrt(np.mean((run(dt, iterated) - reference) ** 2)) for dt in (0.4, 0.2, 0.1)]
        found = np.log2(np.array(errors[:-1]) / errors[1:])
        assert np.all(np.abs(found - order) < 0.15), (iterated, found)


@pytest.mark.parametrize("iterated", [False, True])
def test_rates_beside_numpy(iterated):
    with rates(60) as net:
        weights = Normal(0.0, 1.5 / np.sqrt(60.0))
        coupling = net.couple("a", "a", "all_to_all", weights, tanh, iterated=iterated)
        net.drive("a", 0.1)
        net.couple("a", "a", FixedInDegree(4), 0.5, pull, iterated=iterated)
        near = net.couplings[1].connections()
        pairs, x = coupling.connections(), net["a"].state["x"].copy()
        matrix, gain = np.zeros((60, 60)), np.linspace(0.9, 1.1, 60)
        matrix[pairs["target"], pairs["source"]] = pairs["weight"]
        assert pairs["weight"].std() == pytest.approx(1.5 / np.sqrt(60.0), rel=0.05)

        def step(x, i):
            slope = (0.1 + i - x) / 10.0
            return x + 0.25 * (slope + (0.1 + i - x - 0.5 * slope) / 10.0)

        def pulled(x):
            apart = x[near["source"]] - x[near["target"]]
            sums = np.zeros(60)
            np.add.at(sums, near["target"], 0.5 * apart * abs(apart) / (1.0 + abs(apart)))
            return gain * sums

        for _ in range(100):
            ahead = step(x, matrix @ np.tanh(gain * x) + pulled(x))
            mean = 0.5 * (np.tanh(gain * x) + np.tanh(gain * ahead))
            x = step(x, matrix @ mean + pulled(0.5 * (x + ahead))) if iterated else ahead
            assert np.abs(x).max() < 2.0
        result = net.run(50.0)
        assert np.abs(net["a"].state["x"] - x).max() < 1e-13
        assert result.num_spikes == 0
        # Parameters that a value takes act from the next step on.
        net["a"].params["gain"] = 2.0
        net.run(0.5)
        net.couplings[1].strength = 0.0
        gain = np.full(60, 2.0)
        net["a"].state["x"] = x
        net.run(0.5)
        expected = matrix @ np.tanh(gain * x)
        if not iterated:
            assert np.abs(net["a"].state["i_net"] - expected).max() < 1e-12
        # So does another strength; a reset keeps it.
        net["a"].state["x"] = x
        coupling.strength = 0.5
        net.run(0.5)
        if not iterated:
            assert np.abs(net["a"].state["i_net"] - 0.5 * expected).max() < 1e-12


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_sums_are_in_the_order_of_sources(data):
    """Products are exact in float64, so that sums can be repeated bit by bit."""
    n = data.draw(st.integers(1, 40))
    count = data.draw(st.integers(0, 120))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    difference, symmetric, iterated = (data.draw(st.booleans()) for _ in range(3))
    threads, partitions = data.draw(st.integers(1, 2)), data.draw(st.integers(1, 4))
    source, target = rng.integers(0, n, (2, count))
    weight = rng.integers(-(2**20), 2**20, count) * 2.0**-12
    x = rng.integers(-(2**20), 2**20, n) * 2.0**-18
    with rates(n, threads=threads, partitions=max(threads, partitions)) as net:
        net.couple(
            "a", "a", Pairs(source, target), weight, "x", difference=difference,
            symmetric=symmetric,
        )  # fmt: skip
        # It has no pairs, and lets all steps be taken twice.
        net.couple("a", "a", Pairs([], []), 1.0, "x", iterated=iterated)
        net["a"].state["x"] = x
        net.run(0.5)
        found = net["a"].state["i_net"]
    if symmetric:
        inner = source != target
        source, target, weight = (
            np.concatenate([source, target[inner]]),
            np.concatenate([target, source[inner]]),
            np.concatenate([weight, weight[inner]]),
        )
    expected = np.zeros(n)
    for e in np.lexsort((source, target)):
        own = x[target[e]] if difference else 0.0
        expected[target[e]] += weight[e] * (x[source[e]] - own)
    assert np.array_equal(found, expected)


def test_pairs_of_symmetric_couplings():
    with rates(30) as net:
        full = net.gap_junctions("a", "a", "all_to_all", 1.0, "x").connections()
        assert full["source"].size == 30 * 29 // 2
        assert np.all(full["source"] < full["target"])
        drawn = net.gap_junctions("a", "a", FixedProbability(0.5), 1.0, "x")
        assert 160 < len(drawn) < 280
        lower, upper = net["a"][:20], net["a"][10:]
        views = net.gap_junctions(lower, upper, AllToAll(), 1.0, "x").connections()
        pairs = {frozenset(p) for p in zip(views["source"], views["target"], strict=True)}
        assert len(pairs) == views["source"].size == 20 * 20 - 10 - 45
        directed = net.couple("a", "a", FixedInDegree(4), 1.0, "x").connections()
        assert np.all(np.bincount(directed["target"]) == 4)
        order = np.lexsort((directed["source"], directed["target"]))
        assert np.array_equal(order, np.arange(120))
        matrix = np.arange(900.0).reshape(30, 30) / 900.0
        given_ = net.couple("a", "a", *from_matrix(matrix), "x").connections()
        assert np.array_equal(matrix[given_["source"], given_["target"]], given_["weight"])
        assert net.couplings[0].expected == len(net.couplings[0]) * 2
        assert "435" in str(net.summary()) or "870" in str(net.summary())
        assert "a <-> a at net" in str(net.summary())


@pytest.mark.parametrize("unit", [1e-24, 1e-12, 1.0, 1e20])
def test_drawn_weights_have_their_moments(unit):
    """Whatever the rule and the unit, also of listed pairs."""
    where = np.column_stack([np.linspace(0.0, 1.0, 60), np.zeros(60)])
    with Network(seed=3) as net:
        net.population("a", 60, CoupledRate, receptors=PORTS, positions=where)
        every = np.indices((60, 60)).reshape(2, -1)
        for rule in (AllToAll(), Pairs(*every)):
            for law, mean, std in (
                (Normal(unit, 0.5 * unit), 1.0, 0.5),
                (LogNormal(unit, 0.5 * unit), 1.0, 0.5),
                (Uniform(-unit, 2.0 * unit), 0.5, 3.0 / np.sqrt(12.0)),
            ):
                weight = net.couple("a", "a", rule, law, "x").connections()["weight"] / unit
                assert np.unique(weight).size > 3500
                assert weight.mean() == pytest.approx(mean, abs=5.0 * std / 60.0)
                assert weight.std() == pytest.approx(std, rel=0.1)
        law = Gaussian(std=0.5, peak=unit)
        found = net.couple("a", "a", "all_to_all", law, "x").connections()
        apart = where[found["source"], 0] - where[found["target"], 0]
        assert np.allclose(found["weight"] / unit, np.exp(-2.0 * apart**2), rtol=1e-5)


def test_what_cannot_be_coupled():
    net = mixed(False)
    with net:
        ab = functools.partial(net.couple, "a", "b", "all_to_all", 1.0)

        def other(v):
            return v

        def wrong(x_pre, y_post):
            return x_pre * y_post

        for call, kind, words in (
            (lambda: ab("v"), SpikecudaValueError, "it has x"),
            (lambda: ab(3), SpikecudaTypeError, "value must be"),
            (lambda: ab(other), ModelError, "'v'"),
            (lambda: ab(wrong), ModelError, "'y'"),
            (lambda: ab(pull, difference=True), SpikecudaValueError, "of a pair"),
            (lambda: net.couple("a", "b", "all_to_all", 1e39, "x"), SpikecudaValueError, "at most"),
            (lambda: net.couple("a", "b", "all_to_all", Normal(1e-30, 1e-30), "x"),
             SpikecudaValueError, "must reach"),
            (lambda: ab("x", receptor="syn"), SpikecudaValueError, "Coupled"),
            (lambda: net.connect("a", "b", "all_to_all", 1.0, 1.0, "net"), SpikecudaValueError,
             "net.couple"),
            (lambda: net.drive("a", Poisson(5.0, 1.0), "net"), SpikecudaValueError, "net.couple"),
            (lambda: net.couple("a", "b", "one_to_one", 1.0, "x"), SpikecudaValueError, "as many"),
            (Ensemble(net, 2, devices="cuda-emu:0").build, SpikecudaError, "have no couplings"),
        ):  # fmt: skip
            with pytest.raises(kind, match=words):
                call()
        net.build()
        with pytest.raises(SpikecudaError, match="cannot couple"):
            net.couple("a", "b", "all_to_all", 1.0, "x")
        with pytest.raises(SpikecudaValueError, match="before each step"):
            net["a"].state["i_net"] = 1.0
    with pytest.raises(SpikecudaError, match="closed"):
        net.couplings[1].strength = 7.0
    assert net.couplings[1].strength == 1.5
    with (
        mixed(False, ["cuda-emu:0", "cpu:0"]) as two,
        pytest.raises(SpikecudaError, match="one device"),
    ):
        two.build()
    with Network() as plain:
        plain.population("c", 3, "lif")
        with pytest.raises(SpikecudaValueError, match=r"Coupled\(\)"):
            plain.couple("c", "c", "all_to_all", 1.0)


def test_saved_and_loaded(tmp_path):
    with mixed(True) as net:
        net.run(3.0)
        path = net.save(tmp_path / "net")
        net.run(4.0)
        expected = net["b"].state["x"], net["a"].state["i_net"]
    with Network.load(path, threads=2) as other:
        assert [c.name for c in other.couplings] == [
            "a <-> a at net",
            "a -> b at net",
            "a <-> b at net",
            "b <-> a at net",
        ]
        other.run(4.0)
        assert [c.strength for c in other.couplings] == [1.0, 1.5, 1.0, 1.0]
        assert np.array_equal(other["b"].state["x"], expected[0])
        assert np.array_equal(other["a"].state["i_net"], expected[1])

    def steep(x, gain):
        return gain * x

    steep.__qualname__ = "tanh"
    with pytest.raises(SpikecudaValueError, match="source that it had"):
        Network.load(path, models=[CoupledRate, steep])


class _Silent(Model):
    spiking = False
    x = State("", 0.5)
    tau = Parameter(10.0, "ms", above=0.0)

    def dx(x, tau, current):
        return (current - x) / tau


class _SilentPair(_Silent):
    y = State("", 0.1)

    def dy(x, y, tau):
        return (x - y) / tau


def test_ensembles_have_the_bits_of_lone_networks():
    with mixed(True) as net, Ensemble(net, 3, seeds=[3, 4, 3], devices="cpu") as ensemble:
        ensemble[2].own(net.couplings[1]).strength = 0.5
        ensemble.run(6.0)
        ensemble.reset()
        ensemble.run(8.0)
        found = [replica["b"].state["x"] for replica in ensemble]
        shared = [c.connections()["source"] for c in (ensemble[0].couplings[0], net.couplings[0])]
        net.run(8.0)
        lone = net["b"].state["x"]
    assert np.array_equal(*shared)
    assert np.array_equal(found[0], lone)
    assert not np.array_equal(found[1], lone)
    with mixed(True) as net:
        net.couplings[1].strength = 0.5
        net.run(8.0)
        assert np.array_equal(found[2], net["b"].state["x"])


def test_couplings_in_other_formats(tmp_path):
    pytest.importorskip("networkx")
    with rates(3) as net:
        net.couple("a", "a", Pairs([0, 1], [1, 2]), 0.25, "x", symmetric=True)
        net.source("in", 1, SpikeTrain([1.0]))
        edges = to_networkx(net).edges(data="weight")
        assert sorted(edges) == [(0, 1, 0.25), (1, 0, 0.25), (1, 2, 0.25), (2, 1, 0.25)]
        for export in (functools.partial(to_sonata, folder=tmp_path, duration=1.0), to_nir):
            with pytest.raises(SpikecudaValueError, match="no continuous coupling"):
                export(net)


def test_models_without_spikes():
    assert "heun_crossing" not in _Silent.schemes
    assert _SilentPair.functions["reset"].arguments == ("x", "y")
    assert not _Silent.threshold(1.0)
    for body, words in (
        ({}, "has no threshold"),
        ({"spiking": 1}, "True or False"),
    ):
        with pytest.raises(ModelError, match=words):
            type("_Wrong", (CoupledRate,), {"spiking": False, **body})
    with pytest.raises(ModelError, match="no refractory period"):
        type("_Wrong", (_Silent,), {"refractory": True})
