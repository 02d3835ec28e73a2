"""Synapses are removed and grow again: the same everywhere, and the targets keep their number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import Normal, Poisson, Uniform
from spikecuda.errors import (
    OutOfMemoryError,
    SpikecudaError,
    SpikecudaTypeError,
    SpikecudaValueError,
)
from spikecuda.network import (
    AllToAll,
    Ensemble,
    ExpCurrent,
    FixedInDegree,
    FixedProbability,
    FixedTotal,
    Network,
    OneToOne,
    Pairs,
    SpikeTrain,
)
from spikecuda.network.memory import synapse_bytes, whole
from spikecuda.plasticity import STDP

EVERYWHERE = (
    {"devices": "cpu", "threads": 1}, {"devices": "cpu", "threads": 2, "partitions": 5},
    {"devices": ["cpu:0", "cpu:1"]}, {"devices": "cuda-emu"},
)  # fmt: skip
RULES = {"in": FixedInDegree(20), "some": FixedProbability(0.1), "one": OneToOne()}
DELAYS = {"one": 1.5, "many": Uniform(0.5, 4.0), "normal": Normal(2.0, 1.0, low=0.5)}


def network(options, seed=3, rule="in", delay="many", view=False, weight=None, **more):
    net = Network(0.1, seed, **options)
    net.population("E", 150, "lif", receptors={"exc": ExpCurrent(2.0)})
    net.drive("E", Poisson(9000.0, weight=60.0), "exc")
    source, target = (net["E"][:90], net["E"][20:120]) if view else ("E", "E")
    if view and rule == "one":
        source = net["E"][30:130]
    p = net.connect(
        source, target, RULES.get(rule, rule), Uniform(0.0, 80.0) if weight is None else weight,
        DELAYS[delay], plasticity=STDP(w_max=80.0, lam=0.05), **more,
    )  # fmt: skip
    return net, p


def rows(found):
    """Return synapses as a set of rows, and how many onto each target."""
    return (
        set(zip(found["source"].tolist(), found["target"].tolist(), strict=True)),
        np.bincount(found["target"], minlength=150),
    )


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32), rule=st.sampled_from(list(RULES)), view=st.booleans(),
    delay=st.sampled_from(list(DELAYS)), autapses=st.booleans(), multapses=st.booleans(),
    how=st.sampled_from([{"below": 20.0}, {"below": None, "fraction": 0.3}]),
    options=st.sampled_from(EVERYWHERE),
)  # fmt: skip
def test_weak_synapses_go_and_as_many_come(
    seed, rule, view, delay, autapses, multapses, how, options
):
    net, p = network(options, seed, rule, delay, view, autapses=autapses, multapses=multapses)
    with net:
        net.run(10.0)
        before = p.connections()
        weak = before["weight"] < 20.0
        if "fraction" in how:
            weak = np.zeros(before["weight"].size, bool)
            weak[np.argsort(before["weight"], kind="stable")[: int(0.3 * weak.size)]] = True
        p.rewire(**how, weight=33.0)
        after = p.connections()
        # Those that stay are as they were, in their order.
        new = after["weight"] == 33.0
        for name in before:
            assert np.array_equal(before[name][~weak], after[name][~new])
        assert np.count_nonzero(new) == np.count_nonzero(weak) == 0 or len(p) == len(
            after["source"]
        )
        kept, _ = rows({name: values[~new] for name, values in after.items()})
        grown, degree = rows({name: values[new] for name, values in after.items()})
        assert np.array_equal(degree, np.bincount(before["target"][weak], minlength=150))
        assert len(grown) == np.count_nonzero(new) and not grown & kept
        assert autapses or all(s != t for s, t in grown)
        assert {s for s, _ in grown} <= set(p.source.ids.tolist())
        assert {t for _, t in grown} <= set(p.target.ids.tolist())
        steps = np.rint(after["delay"][new] / 0.1)
        assert steps.size == 0 or (steps.min() >= 1 and steps.max() <= net.build().wiring.longest)
        order = np.lexsort((after["target"], after["delay"], after["source"]))
        assert np.array_equal(order, np.arange(order.size))
        net.run(10.0)


def ran(options, seed, pieces, every, between, how, record=None):
    net, p = network(options, seed)
    with net:
        if every:
            p.rewire(how.get("below"), every=every, fraction=how.get("fraction"))
        seen, weights = [], []
        for i, ms in enumerate(pieces):
            spikes = net.run(ms).spikes["E"]
            seen += [spikes.step, spikes.neuron]
            if between and i % 2:
                p.rewire(how.get("below"), fraction=how.get("fraction"))
                net.reset() if between == "reset" else None
            weights += list(p.connections().values())
        events = net.metrics().events
        return [np.concatenate(seen[0::2]), np.concatenate(seen[1::2]), *weights[-4:], [events]]


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32), every=st.sampled_from([None, 0.1, 3.0]),
    pieces=st.permutations([0.1, 4.9, 6.0, 9.0]), options=st.sampled_from(EVERYWHERE),
    how=st.sampled_from([{"below": 30.0}, {"fraction": 0.2}, {"fraction": 1.0}]),
    between=st.sampled_from([None, "on", "reset"]),
)  # fmt: skip
def test_the_same_bits_everywhere(seed, every, pieces, options, how, between):
    expected = ran(EVERYWHERE[0], seed, pieces, every, between, how)
    found = ran(options, seed, pieces, every, between, how)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
    if not between:
        whole = ran(options, seed, [20.0], every, between, how)
        assert all(np.array_equal(a, b) for a, b in zip(whole, expected, strict=True))


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**32), options=st.sampled_from(EVERYWHERE),
    delay=st.sampled_from(list(DELAYS)), below=st.sampled_from([None, 20.0]),
    wanted=st.sampled_from([0, 12, 40]), step=st.sampled_from([0, 1]),
)  # fmt: skip
def test_targets_get_as_many_synapses_as_are_asked_for(seed, options, delay, below, wanted, step):
    degrees = np.clip(wanted + step * (np.arange(150) % 7 - 3), 0, 43)
    found = []
    for one in ({"devices": "cpu", "threads": 1}, options):
        net, p = network(one, seed, "in", delay, max_indegree=43)
        with net:
            net.run(5.0)
            before = p.connections()
            p.rewire(below, indegree=degrees, weight=33.0)
            after = p.connections()
            assert np.array_equal(np.bincount(after["target"], minlength=150), degrees)
            net.run(5.0)
            p.rewire(below, indegree=43, every=2.0)
            spikes = net.run(5.0).spikes["E"]
            assert len(p) == 150 * 43
            last = p.connections()
            found.append([spikes.step, spikes.neuron, *after.values(), *last.values()])
        new = after["weight"] == 33.0
        pairs = list(zip(after["source"][new], after["target"][new], strict=True))
        assert len(set(pairs)) == len(pairs)
        # Those that stay are the strongest of their targets.
        for target in (0, 77, 149):
            old = np.sort(before["weight"][before["target"] == target])
            kept = np.sort(after["weight"][(after["target"] == target) & ~new])
            if below is not None:
                old = old[old >= below]
            assert np.array_equal(old[old.size - min(old.size, degrees[target]) :], kept)
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


def test_a_full_target_gets_fewer_and_the_number_is_told():
    net, p = network(EVERYWHERE[1], rule=AllToAll(), weight=10.0, autapses=False)
    with net:
        assert len(p) == 150 * 149
        weights = p.weights.copy()
        weights[::3] = 1.0
        p.weights = weights
        p.rewire(2.0, weight=44.0)  # each pair that went comes again
        after = p.connections()
        assert len(p) == 150 * 149 and (after["weight"] == 44.0).sum() == np.ceil(150 * 149 / 3)
    source, target = np.array([0, 0, 1, 2]), np.array([1, 1, 1, 1])
    net = Network(0.1, devices="cpu")
    net.population("E", 3, "lif", receptors={"exc": ExpCurrent(2.0)})
    p = net.connect(
        "E", "E", Pairs(source, target), [1.0, 1.0, 50.0, 50.0], 1.5,
        plasticity=STDP(w_max=80.0),
    )  # fmt: skip
    with net:
        p.rewire(2.0, weight=5.0)
        assert len(p) == p.weights.size == 3
        net.run(5.0)


def test_drawn_weights_have_their_distribution():
    net, p = network(EVERYWHERE[0], rule="some", weight=Uniform(40.0, 80.0))
    with net:
        p.weights = 1.0
        p.rewire(2.0)
        weights = p.weights
        assert 40.0 <= weights.min() < 42.0 and 78.0 < weights.max() <= 80.0
        assert weights.mean() == pytest.approx(60.0, abs=1.5)
        sources = np.bincount(p.connections()["source"], minlength=150)
        assert sources.std() < 1.5 * np.sqrt(sources.mean())


def test_what_cannot_be_is_said_before_the_build():
    net, p = network(EVERYWHERE[0])
    static = net.connect("E", "E", OneToOne(), 3.0, 1.0)
    pairs = Pairs([0, 1], [1, 2])
    rule = {"plasticity": STDP(w_max=80.0)}
    given_weights = net.connect("E", "E", pairs, [1.0, 2.0], 1.0, **rule)
    given_delays = net.connect("E", "E", pairs, 2.0, [1.0, 2.0], **rule)
    for error, words, call in (
        (SpikecudaError, "cannot be rewired.*plasticity=", lambda: static.rewire(1.0)),
        (SpikecudaValueError, "one of them", lambda: p.rewire(1.0, fraction=0.1)),
        (SpikecudaValueError, "one of them", lambda: p.rewire(None, every=1.0)),
        (SpikecudaValueError, "below must", lambda: p.rewire(-1.0)),
        (SpikecudaValueError, "0 to 20.*max_indegree=", lambda: p.rewire(None, indegree=21)),
        (SpikecudaValueError, "whole numbers", lambda: p.rewire(1.0, indegree=2.5)),
        (SpikecudaValueError, "150 targets", lambda: p.rewire(1.0, indegree=[1, 2])),
        (SpikecudaValueError, "at least 20", lambda: network(EVERYWHERE[0], max_indegree=19)),
        (SpikecudaTypeError, "below must", lambda: p.rewire("a")),
        (SpikecudaValueError, "from 0 to 1", lambda: p.rewire(None, fraction=1.1)),
        (SpikecudaValueError, "bounds, from 0 to 80", lambda: p.rewire(1.0, weight=90.0)),
        (SpikecudaValueError, "multiple of dt", lambda: p.rewire(1.0, every=0.15)),
        (SpikecudaValueError, "weight must be given", lambda: given_weights.rewire(1.0)),
        (SpikecudaValueError, "delay of", lambda: given_delays.rewire(1.0)),
    ):
        with pytest.raises(error, match=words):
            call()
    net.record(p, "weight", every=1.0)
    for how in ({}, {"every": 1.0}):
        with pytest.raises(SpikecudaError, match=r"while it is recorded.*record it again"):
            p.rewire(1.0, **how)
    net.record(p, None)
    p.rewire(1.0, every=1.0)
    with pytest.raises(SpikecudaError, match=r"while it is rewired.*projection.rewire\(None\)"):
        net.record(p, "weight", every=1.0)
    p.rewire(None)
    net.record(p, "weight", every=1.0)
    assert net.run(1.0).synapses[p]["weight"].shape == (1, len(p))


MIXED = {"devices": ["cpu:0", "cuda-emu"]}
HALF = 9 * (np.arange(150) < 70)


def emptied(options, rule, delay):
    """Return what comes of a network whose partitions lose all synapses and get others."""
    net, p = network(options, 3, rule, delay, weight=30.0, max_indegree=20)
    found = []

    def look(ms):
        found.append(list(p.connections().values()))
        found.append([net.run(ms).spikes["E"].step, p.weights, [len(p), net.metrics().events]])

    with net:
        look(2.0)
        for indegree in (HALF, 0, HALF[::-1], 20):
            p.rewire(None, indegree=indegree)
            look(5.0)
        p.rewire(None, indegree=HALF, every=1.0)
        look(2.0)
        net.reset()
        p.rewire(None, indegree=0, every=1.0)
        look(2.0)
        p.weights = p.weights
        p.normalise(30.0)
        p.params["lam"] = 0.1
        p.rewire(None)
        p.rewire(None, indegree=3)
        look(5.0)
    return found


@pytest.mark.parametrize(("rule", "delay"), [("in", "one"), (Pairs([], []), "many")])
def test_partitions_lose_all_synapses_and_get_others(rule, delay):
    expected = emptied(EVERYWHERE[0], rule, delay)
    for options in (EVERYWHERE[3], MIXED):
        found = emptied(options, rule, delay)
        for a, b in zip(found, expected, strict=True):
            assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    low, high = (1.5, 1.5) if delay == "one" else (0.5, 4.0)
    delays = expected[8][3]
    assert delays.size == 3000 and delays.min() >= low - 1e-9 and delays.max() <= high + 1e-9


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**32), rule=st.sampled_from([FixedTotal(2), Pairs([], [])]))
def test_synapses_of_given_trains_grow_alike_everywhere(seed, rule):
    """Delays that grow may be shorter than those that few synapses happened to draw."""
    found, train = [], SpikeTrain(np.arange(1, 120) * 0.3, np.arange(119) % 6)
    for options in (EVERYWHERE[0], EVERYWHERE[3]):
        net = Network(0.1, seed, **options)
        net.population("E", 40, "lif", receptors={"exc": ExpCurrent(2.0)})
        net.source("S", 6, train)
        net.drive("E", Poisson(9000.0, weight=60.0), "exc")
        p = net.connect(
            "S", "E", rule, 30.0, Uniform(0.1, 4.0), plasticity=STDP(w_max=80.0, lam=0.05),
            max_indegree=60,
        )  # fmt: skip
        with net:
            spikes = []
            for indegree in (4, 0, 3):
                p.rewire(None, indegree=indegree)
                spikes.append(net.run(6.0).spikes["E"].step)
            found.append([*spikes, p.connections()["delay"], p.weights])
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


def test_replicas_grow_as_their_networks_do():
    """Delays that grow lie within those of the replica's own network, on one device, too."""

    def grown(seed, **options):
        net = Network(0.1, seed, **options)
        net.population("E", 40, "lif", receptors={"exc": ExpCurrent(2.0)})
        net.drive("E", Poisson(9000.0, weight=60.0), "exc")
        rule = STDP(w_max=80.0, lam=0.05)
        p = net.connect("E", "E", FixedTotal(2), 30.0, Uniform(0.3, 6.0), plasticity=rule)
        p.rewire(None, indegree=3, every=1.0)
        return net

    with Ensemble(grown(0, devices="cuda-emu"), 2, seeds=[0, 1]) as ensemble:
        ensemble.run(6.0)
        for seed, replica in enumerate(ensemble):
            found = replica.projections[0].connections()
            with grown(seed, devices="cpu") as net:
                net.run(6.0)
                wanted = net.projections[0].connections()
            assert all(np.array_equal(found[name], wanted[name]) for name in wanted)


def test_growth_that_fails_changes_nothing(monkeypatch):
    found = []
    for failing in (False, True):
        net, p = network(MIXED, max_indegree=20)
        with net:
            net.run(5.0)
            before = p.connections()
            if failing:
                with monkeypatch.context() as patched:
                    device = net.build().partitions[1].device
                    put, left = device.allocate, [5]

                    def allocate(*arguments, put=put, left=left):
                        left[0] -= 1
                        if left[0] == 0:
                            raise OutOfMemoryError("no memory is left")
                        return put(*arguments)

                    patched.setattr(device, "allocate", allocate)
                    with pytest.raises(SpikecudaError, match="no memory is left"):
                        p.rewire(None, indegree=5)
            after = p.connections()
            assert all(np.array_equal(before[name], after[name]) for name in before)
            net.run(5.0)
            p.rewire(None, indegree=5)
            net.run(5.0)
            found.append(p.weights)
    assert np.array_equal(*found)


def test_what_is_shown_counts_synapses_as_they_are():
    net, p = network(EVERYWHERE[0], rule=Pairs([], []), weight=30.0, max_indegree=20)
    with net:
        assert "about 0 synapses" in repr(p) and not p
        p.rewire(None, indegree=7)
        assert "Pairs, 1,050 synapses" in repr(p) and p and len(p) == 1050
        assert "1,050" in str(net.summary()) and "1,050" in p._repr_html_()
        p.rewire(None, indegree=0)
        assert "Pairs, 0 synapses" in repr(p) and not p and p.expected == 0


def test_memory_is_reckoned_for_what_can_grow():
    small, p = network(EVERYWHERE[0], max_indegree=20)
    large, q = network(EVERYWHERE[0], max_indegree=140)
    assert (p.room, q.room, q.expected) == (3000, 21000, 3000)
    for net, synapses in ((small, 3000), (large, 21000)):
        need = whole(net._describe(), {net.projections[0]: 32})
        assert need.synapses == synapses * synapse_bytes(net.projections[0], 32)
        assert ("up to max_indegree" in str(net.summary())) == (synapses > 3000)


def test_steered_runs_rewire_and_normalise_as_at_intervals():
    found = []
    for steered in (False, True):
        net, p = network(EVERYWHERE[1])
        with net:
            if steered:

                def change(net, piece, p=p):
                    p.normalise(500.0)
                    p.rewire(5.0)

                result = net.run(20.0, every=2.0, call=change)
            else:
                p.normalise(500.0, every=2.0)
                p.rewire(5.0, every=2.0)
                result = net.run(20.0)
            found.append([result.spikes["E"].step, result.spikes["E"].neuron, p.weights])
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))
