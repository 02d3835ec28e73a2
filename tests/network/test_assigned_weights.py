"""Weights that are assigned between runs: spikes under way arrive with what was sent."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import Poisson, Uniform
from spikecuda.network import (
    AllToAll,
    ExpCurrent,
    FixedInDegree,
    FixedProbability,
    Network,
    OneToOne,
    SpikeTrain,
)
from spikecuda.plasticity import (
    STDP,
    DiehlCookSTDP,
    StochasticRelease,
    TripletSTDP,
    TsodyksMarkram,
)

ONE, MIXED, APART = ["cuda-emu:0"], ["cpu:0", "cuda-emu:0"], ["cpu:0", "cpu:1", "cpu:0"]
ON_CPU = (
    {"devices": "cpu", "threads": 2, "partitions": 5}, {"devices": APART},
)  # fmt: skip
RULES = {
    "stdp": STDP(w_max=80.0, lam=0.1),
    "brian": STDP(w_max=80.0, lam=0.1, timing="brian"),
    "triplet": TripletSTDP(w_max=80.0, a2_plus=0.5, a3_plus=2.0, a2_minus=0.6, a3_minus=0.1),
    "short": TsodyksMarkram(U=0.4, tau_rec=50.0),
    "random": StochasticRelease(p=0.5),
    "diehl": DiehlCookSTDP(w_max=80.0),
}
EVERYWHERE = (*ON_CPU, {"devices": ONE}, {"devices": MIXED})


@pytest.mark.parametrize("devices", ["cpu", ONE, ["cpu:0", "cpu:1"]])
def test_a_spike_under_way_arrives_as_it_was_sent(devices):
    with Network(0.1, precision="float64", devices=devices) as net:
        net.population("a", 2, receptors={"x": ExpCurrent(1e12)})
        net.source("s", 2, SpikeTrain([1.0, 4.0]))
        p = net.connect("s", "a", OneToOne(), 9.0, 5.0)
        net.run(2.0)
        p.weights = [7.0, 8.0]
        net.run(5.0)
        assert net["a"].state["i_x"] == pytest.approx([9.0, 9.0])
        net.run(3.0)
        assert net["a"].state["i_x"] == pytest.approx([16.0, 17.0])


def changed(options, seed, plan, plastic, sparse, dendritic=None):
    """Return the spikes, weights and events of a network whose weights change between runs."""
    with Network(0.1, seed, **options) as net:
        net.population("E", 70, "lif", receptors={"x": ExpCurrent(2.0)})
        net.source("S", 3, SpikeTrain([0.5, 3.0, 3.1, 9.0]))
        net.drive("E", Poisson(9000.0, weight=60.0), "x")
        rule = {"plasticity": RULES[plastic]} if plastic else {}
        if plastic and dendritic:
            rule["dendritic"] = dendritic
        delay = Uniform(1.0, 6.0)
        p = net.connect("E", "E", FixedInDegree(sparse), Uniform(0.0, 80.0), delay, **rule)
        net.connect("E", "E", FixedProbability(0.1), -3.0, Uniform(0.5, 3.0))
        q = net.connect("S", "E", AllToAll(), 30.0, delay)
        draw, seen = np.random.default_rng(seed), []
        for ms, what in plan:
            spikes = net.run(ms).spikes["E"]
            seen += [spikes.step, spikes.neuron]
            if what == "weights":
                p.weights = draw.integers(1, 80, len(p)) * 1.0
            elif what == "constant":
                q.weights = float(draw.uniform(1.0, 30.0))
            elif what == "array":
                q.weights = draw.uniform(1.0, 30.0, len(q))
            elif what == "freeze" and p.learns:
                p.plastic = not p.plastic
            elif what == "reset":
                net.reset()
        seen += [p.weights, q.weights, [net.metrics().events]]
        return [np.asarray(a) for a in seen]


PLANS = st.lists(
    st.tuples(
        st.sampled_from([0.1, 1.0, 2.5, 7.0]),
        st.sampled_from(["weights", "constant", "array", "freeze", "reset"]),
    ),
    min_size=2, max_size=6,
)  # fmt: skip


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32), plan=PLANS, sparse=st.integers(1, 20))
def test_static_weights_change_alike_everywhere(seed, plan, sparse):
    expected = changed({"devices": "cpu", "threads": 1}, seed, plan, False, sparse)
    for options in EVERYWHERE:
        assert same(changed(options, seed, plan, False, sparse), expected)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32), plan=PLANS, sparse=st.integers(1, 20),
    dendritic=st.sampled_from([None, 0.3, 1.0]), rule=st.sampled_from(list(RULES)),
    options=st.sampled_from(EVERYWHERE),
)  # fmt: skip
def test_weights_with_a_rule_change_alike_everywhere(seed, plan, sparse, dendritic, rule, options):
    # A GPU refuses axonal parts that are longer than the dendritic ones.
    dendritic = dendritic if RULES[rule].learns and options in ON_CPU else None
    expected = changed({"devices": "cpu", "threads": 1}, seed, plan, rule, sparse, dendritic)
    assert same(changed(options, seed, plan, rule, sparse, dendritic), expected)


def test_a_weight_that_learned_is_sent_as_it_was():
    """The weight that a spike left with arrives, whatever is assigned meanwhile."""
    arrived = {}
    for assign in (False, True):
        with Network(0.1, precision="float64", devices="cpu") as net:
            net.population("a", 1, receptors={"x": ExpCurrent(1e12), "in": ExpCurrent(1.0)})
            net.source("s", 1, SpikeTrain([2.0, 12.0, 13.0]))
            net.drive("a", SpikeTrain([5.0], weight=1e6), "in")
            p = net.connect("s", "a", OneToOne(), 3.0, 4.0, "x", plasticity=STDP(w_max=6.0))
            assert net.run(14.0).num_spikes > 0
            before = p.weights
            if assign:
                p.weights = 1.0
            net.run(4.0)
            arrived[assign] = net["a"].state["i_x"][0]
            assert (p.weights == (1.0 if assign else before)).all()
    assert arrived[True] == arrived[False] > 8.0


@pytest.mark.parametrize("rule", [None, *RULES])
def test_until_the_shortest_delay_nothing_differs(rule):
    """What is assigned acts on nothing that arrives before spikes sent afterwards can."""
    arrived, shortest = {}, 2.0
    for assign in (None, "weights", "freeze"):
        with Network(0.1, 7, precision="float64", **ON_CPU[0]) as net:
            net.population("E", 70, "lif", receptors={"x": ExpCurrent(1e12), "in": ExpCurrent(2.0)})
            net.drive("E", Poisson(9000.0, weight=60.0), "in")
            p = net.connect(
                "E", "E", FixedInDegree(15), Uniform(0.0, 0.8), Uniform(shortest, 6.0), "x",
                plasticity=RULES.get(rule),
            )  # fmt: skip
            net.run(30.0)
            before = net["E"].state["i_x"]
            if assign == "weights":
                p.weights = 0.25
            elif assign and p.learns:
                p.plastic = False
            net.run(shortest)
            arrived[assign] = net["E"].state["i_x"]
            assert (arrived[assign] > before).sum() > 20
    assert np.array_equal(arrived["weights"], arrived[None])
    assert np.array_equal(arrived["freeze"], arrived[None])
