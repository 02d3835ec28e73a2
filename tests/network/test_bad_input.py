"""What a network refuses: at once, with the field, the need, the value and a remedy."""

import tracemalloc

import numpy as np
import pytest

from spikecuda import SpikecudaError
from spikecuda.common.distributions import LogNormal, Normal, Uniform
from spikecuda.errors import (
    ClosedError,
    NumericalError,
    OutOfMemoryError,
    SpikecudaTypeError,
    SpikecudaValueError,
)
from spikecuda.inputs.stimulus import PerStep
from spikecuda.network import (
    NMDA,
    AllToAll,
    AlphaCurrent,
    Delta,
    ExpConductance,
    ExpCurrent,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    FixedTotal,
    Network,
    OneToOne,
    Pairs,
    SpikeTrain,
)

RECEPTORS = {"exc": ExpCurrent(5.0), "slow": ExpConductance(5.0, 0.0)}


def make():
    net = Network(0.1, seed=1, threads=1)
    net.population("a", 10, "lif", receptors=RECEPTORS)
    net.population("b", 5, "lif", receptors={"in": Delta()})
    net.population("bare", 3, "lif")
    net.source("s", 2, SpikeTrain([1.0], [0]))
    return net


def link(source="a", target="b", rule="all_to_all", weight=1.0, delay=1.0, receptor=None, **more):
    return lambda net: net.connect(source, target, rule, weight, delay, receptor, **more)


CONNECT = {
    "delay below dt": (link(delay=0.05), r"delay must be >= dt = 0.1 ms \(got 0.05\)"),
    "delay negative": (link(delay=-1.0), "delay must be >= dt"),
    "delay zero in the order of NEST": (
        link(delay=0.0, order="nest"), r"delay must be >= dt = 0.1 ms \(got 0\)"
    ),
    "delay below dt between steps": (
        link(rule=Pairs([0, 1], [0, 1]), delay=[0.0, 0.05]),
        r"delay must be 0 or >= dt = 0.1 ms \(got 0.05\)",
    ),
    "delay drawn below 0": (
        link(delay=Normal(1.0, 0.5), order="brian"), r"delay must be >= 0 ms.*use low=0.0"
    ),
    "delay lognormal between steps": (
        link(delay=LogNormal(1.0, 0.5), order="brian"), r"Normal or Uniform with order='brian'"
    ),
    "delay too long between steps": (
        link(delay=3276.7, order="brian"), r"delay must be <= 3276.6 ms, 32,766 steps"
    ),
    "order unknown": (link(order="genn"), r"order must be 'nest', 'brian' or None \(got 'genn'\)"),
    "delay drawn below dt": (link(delay=Normal(1.0, 0.5)), r"use low=0.05 with redraw=True"),
    "delay uniform below dt": (link(delay=Uniform(0.0, 1.0)), "delay must be >= dt"),
    "delay too long": (link(delay=4000.0), r"delay must be <= 3276.7 ms, 32,767 steps"),
    "delay drawn too long": (link(delay=Normal(1.0, 1e4, low=1.0)), "use a larger dt, or high="),
    "delay not a number": (link(delay=np.nan), "delay must be finite"),
    "delay of a pair": (
        link(rule=Pairs([0, 1], [0, 1]), delay=[1.0, 0.01]), r"delay must be >= dt.*got 0.01"
    ),
    "delay text": (link(delay="long"), "delay must be a number, a distribution"),
    "weight not a number": (link(weight=np.nan), "weight must be finite"),
    "weight infinite": (link(weight=np.inf), "weight must be finite"),
    "weights for a drawn rule": (link(weight=np.ones(50)), "weight as an array goes with Pairs"),
    "weights of wrong length": (
        link(rule=Pairs([0, 1], [0, 1]), weight=[1.0]), "one number for each of the 2 pairs"
    ),
    "negative conductance": (
        link("b", "a", weight=-1.0, receptor="slow"),
        r"weight of 'slow' must be >= 0 nS, a conductance \(got -1\)",
    ),
    "conductance that may be negative": (
        link("b", "a", weight=Normal(1.0, 1.0), receptor="slow"), "Normal takes low=0"
    ),
    "no receptor named": (link("b", "a"), r"must be one of exc, slow of a \(got None\)"),
    "wrong receptor": (link("b", "a", receptor="exe"), r"got 'exe'.*did you mean 'exc'"),
    "no receptors": (link("a", "bare"), "bare has no receptors; give the population some"),
    "source as target": (link("a", "s"), "is a source of spike trains"),
    "unknown population": (link("a", "nobody"), r"no population 'nobody'.*a, b, bare, s"),
    "something else": (link(3, "a"), "source must be a population of the network"),
    "another network": (
        lambda net: net.connect(make()["a"], net["b"], "all_to_all", 1.0, 1.0), "another network"
    ),
    "unknown rule": (link(rule="all_to_al"), "rule must be one of.*did you mean 'all_to_all'"),
    "rule of wrong type": (link(rule=3), "rule must be a Rule such as"),
    "one to one of different sizes": (link(rule=OneToOne()), r"got 10 and 5"),
    "ids beyond": (link(rule=Pairs([0], [5])), r"targets must be from 0 to 4.*\(got 5\)"),
    "ids below": (link(rule=Pairs([-1], [0])), r"sources must be from 0 to 9.*\(got -1\)"),
    "pair twice": (
        link(rule=Pairs([1, 1], [0, 0]), multapses=False), "a pair comes twice"
    ),
    "ids beyond a view": (
        lambda net: net.connect(net["a"][:2], "b", Pairs([2], [0]), 1.0, 1.0), r"from 0 to 1,"
    ),
    "out-degree": (
        link(rule=FixedOutDegree(6), multapses=False), r"degree must be <= 5, .*targets.*got 6"
    ),
    "in-degree": (
        link(rule=FixedInDegree(11), multapses=False), r"degree must be <= 10, .*sources.*got 11"
    ),
    "in-degree without oneself": (
        link("a", "a", FixedInDegree(10), receptor="exc", multapses=False, autapses=False),
        "degree must be <= 9",
    ),
    "total without multapses": (link(rule=FixedTotal(5), multapses=False), "needs multapses=True"),
    "procedural in-degree": (
        link(rule=FixedInDegree(1), procedural=True), "FixedInDegree cannot be procedural"
    ),
    "procedural pairs": (link(rule=Pairs([0], [0]), procedural=True), "cannot be procedural"),
    "width": (link(weight_bits=8), r"weight_bits must be 16 or 32, or None .*\(got 8\)"),
}  # fmt: skip


@pytest.mark.parametrize("case", CONNECT)
def test_connect_refuses(case):
    net = make()
    call, message = CONNECT[case]
    with pytest.raises(SpikecudaError, match=message):
        call(net)
    assert not net.projections
    net.connect("a", "b", "all_to_all", 1.0, 1.0)  # nothing is left of it


# The only partner of neuron 3 is itself; such a draw once never ended.
@pytest.mark.parametrize(
    ("source", "target", "rule"),
    [
        ([3], [3], FixedOutDegree(1)),
        ([3], [3], FixedInDegree(2)),
        ([3], [3], FixedTotal(1)),
        ([2, 3, 4], [3], FixedOutDegree(1)),
        ([2, 3, 4], [3], FixedTotal(7)),
        ([3], [2, 3], FixedInDegree(1)),
    ],
)
def test_a_neuron_that_has_only_itself(source, target, rule):
    net = make()
    views = net["a"][source], net["a"][target]
    with pytest.raises(SpikecudaValueError, match="where a neuron's only partner is itself"):
        net.connect(*views, rule, 1.0, 1.0, "exc", autapses=False)
    net.connect(*views, rule, 1.0, 1.0, "exc")
    assert len(net.projections[0]) > 0


BUILD = {
    # 3,000 synapses of 1e9 leave steps of 2^11 pA and more for the one of 1 pA.
    "weights too far apart": (
        [(FixedInDegree(3000), 1e9), (OneToOne(), 1.0)],
        r"weight 1 pA of a -> c \(exc\) is below the resolution",
    ),
    "weight beyond floats": ([(OneToOne(), 1e300)], r"may add up to at most 1.267.*got 1e\+300"),
    "weights beyond numbers": ([(FixedInDegree(100), 1.7e308)], "may add up to at most"),
}


@pytest.mark.parametrize("case", BUILD)
def test_build_refuses_weights_that_no_scale_holds(case):
    net = make()
    net.population("c", 10, receptors=RECEPTORS)
    projections, message = BUILD[case]
    for rule, weight in projections:
        net.connect("a", "c", rule, weight, 1.0, "exc")
    with pytest.raises(SpikecudaValueError, match=message):
        net.build()


@pytest.mark.parametrize(
    "make_rule",
    [
        lambda net: net.connect("huge", "huge", AllToAll(), 1.0, 1.0),
        lambda net: net.connect("huge", "huge", FixedProbability(0.5), Normal(1.0, 0.1), 1.0),
        lambda net: net.connect("a", "b", FixedTotal(2**40), 1.0, 1.0),
        lambda net: net.connect("a", "huge", FixedOutDegree(2**31 - 8), 1.0, 1.0, weight_bits=32),
    ],
)
def test_a_network_that_does_not_fit_takes_no_memory(make_rule):
    net = make()
    net.population("huge", 3_000_000, receptors={"in": Delta()})
    tracemalloc.start()
    make_rule(net)
    assert "memory:" in net.summary()
    with pytest.raises(OutOfMemoryError, match=r"needs about .* GB .*\(available: .*procedural"):
        net.run(1.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6  # the views' numbers


def test_traces_that_do_not_fit_take_no_memory():
    net = make()
    net.record("a", "v")
    with pytest.raises(OutOfMemoryError, match="record fewer neurons with only=, or less often"):
        net.run(1e9)
    assert net.time == 0.0


POPULATION = {
    "twice": (dict(name="a", n=1), r"name must be new \(got 'a' twice\)"),
    "a source's name": (dict(name="s", n=1), "name must be new"),
    "no identifier": (dict(name="2E", n=1), r"name must be an identifier \(got '2E'\)"),
    "private": (dict(name="_x", n=1), "name must be an identifier"),
    "not a name": (dict(name=3, n=1), "name must be an identifier"),
    "empty": (dict(name="c", n=0), "must be from 1"),
    "too large": (dict(name="c", n=2**31), "must be from 1 to"),
    "unknown model": (dict(name="c", n=1, model="lift"), "lif"),
    "unknown parameter": (dict(name="c", n=1, params={"tau": 1.0}), "tau"),
    "parameter not a number": (dict(name="c", n=1, params={"tau_m": np.nan}), "tau_m"),
    "receptors not a dict": (dict(name="c", n=1, receptors=[Delta()]), "must be a dict"),
    "not a receptor": (dict(name="c", n=1, receptors={"x": 5.0}), "'x' must be a Receptor"),
    "receptor's name": (dict(name="c", n=1, receptors={"x y": Delta()}), "must be an identifier"),
    "names of states that meet": (
        dict(name="c", n=1, receptors={"x": NMDA(), "decay_x": ExpConductance(5.0, 0.0)}),
        "g_decay_x",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", POPULATION)
def test_population_refuses(case):
    net = make()
    arguments, message = POPULATION[case]
    with pytest.raises(SpikecudaError, match=message):
        net.population(**arguments)
    assert list(net.populations) == ["a", "b", "bare", "s"]
    net.run(0.2)


def test_a_conductance_needs_a_membrane():
    from spikecuda import Model, Parameter, State

    class Rate(Model):
        """Something without v."""

        x = State("", initial=0.0)
        k = Parameter(1.0, "")

        def step(x, k, current, dt):
            return x + dt * (current - k * x)

        def threshold(x):
            return x >= x + x

        def reset(x):
            return x

    with pytest.raises(SpikecudaValueError, match="needs a model with a membrane potential v"):
        make().population("c", 1, Rate, receptors={"g": ExpConductance(5.0, 0.0)})


@pytest.mark.parametrize(
    ("receptor", "arguments", "message"),
    [
        (ExpCurrent, (0.0,), r"tau must be > 0 ms \(got 0.0\)"),
        (AlphaCurrent, (-1.0,), "tau must be > 0 ms"),
        (ExpConductance, (5.0, np.nan), "e_rev must be finite"),
        (ExpConductance, ("fast", 0.0), "tau must be a number in ms"),
        (NMDA, (100.0, 2.0), r"tau_rise must be < tau_decay \(got 100.0, 2.0\)"),
        (NMDA, (2.0, 100.0, 0.0, -1.0), "mg must be >= 0 mM"),
    ],
)
def test_receptors_refuse(receptor, arguments, message):
    with pytest.raises(SpikecudaError, match=message):
        receptor(*arguments)


def test_views_refuse():
    net = make()
    for which in ([10], [3, 2], [1, 1], [], slice(5, 5), [0.5], np.ones(9, bool), "x", None):
        with pytest.raises(SpikecudaError, match=r"neurons 0 to 9|at least one neuron, each once"):
            net["a"][which]
    with pytest.raises(SpikecudaTypeError, match="taken of a population"):
        net["a"][net["a"][:2]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dt": 0.0}, "dt must be > 0 ms"),
        ({"dt": np.nan}, "dt must be > 0 ms"),
        ({"seed": -1}, "seed"),
        ({"precision": "float8"}, "precision"),
        ({"threads": 0}, "threads must be from 1"),
        ({"partitions": 0}, "partitions must be from 1"),
        ({"partitions": 1.5}, "partitions must be an integer"),
    ],
)
def test_networks_refuse(options, message):
    with pytest.raises(SpikecudaError, match=message):
        Network(**options)


def test_runs_refuse():
    net = make()
    for duration, message in ((-1.0, ">= 0 ms"), (np.nan, ">= 0 ms"), (0.15, "multiple of dt")):
        with pytest.raises(SpikecudaValueError, match=message):
            net.run(duration)
    with pytest.raises(SpikecudaError, match="the network has no population"):
        Network().run(1.0)
    net.drive("a", PerStep(np.ones(7)))
    with pytest.raises(SpikecudaValueError, match=r"PerStep must have shape \(10,\)"):
        net.run(1.0)
    assert net.run(0.7).num_spikes == 0


def test_a_built_network_is_complete():
    net = make()
    projection = net.connect("a", "b", "all_to_all", 1.0, 1.0)
    net.build()
    for call in (
        lambda: net.connect("a", "b", "all_to_all", 1.0, 1.0),
        lambda: net.population("c", 1),
        lambda: net.source("t", 1, SpikeTrain([1.0])),
    ):
        with pytest.raises(SpikecudaError, match="after the network was built"):
            call()
    net.drive("a", 3.0)
    net.drive("b", SpikeTrain([1.0]))
    net.record("a", "v")
    net.run(0.2)
    net.close()
    net.close()
    for call in (
        lambda: net.run(1.0), net.build, net.reset, net.metrics, projection.connections,
        lambda: net["a"].state["v"], lambda: setattr(projection, "weights", 1.0),
    ):  # fmt: skip
        with pytest.raises(ClosedError, match="closed"):
            call()


def test_states_and_weights_refuse():
    net = make()
    projection = net.connect("a", "a", FixedProbability(0.5), LogNormal(1.0, 0.1), 1.0, "slow")
    state = net["a"].state
    for name, value, message in (
        ("u", 1.0, "no state 'u'.*v, refrac, i_exc, g_slow"),
        ("v", np.nan, "v must be finite"),
        ("v", np.ones(3), "10"),
        ("refrac", 0.5, "refrac must be whole steps"),
        ("g_slow", np.inf, "g_slow must be finite"),
        ("g_slow", Normal(1.0, 0.1), "takes numbers"),
    ):
        with pytest.raises(SpikecudaError, match=message):
            state[name] = value
    before = projection.weights
    for value, message in (
        (-1.0, ">= 0, a conductance"),
        (np.nan, "finite"),
        (1e6, "what the receptor's fixed-point scale holds"),
        (np.ones(3), "one for each of the"),
    ):
        with pytest.raises(SpikecudaError, match=message):
            projection.weights = value
        np.testing.assert_array_equal(projection.weights, before)


def test_a_state_that_becomes_infinite_is_named():
    net = Network(0.1, threads=1)
    net.population("a", 40, "lif", receptors={"exc": ExpCurrent(5.0)})
    # Their sum is beyond float32.
    net.drive(net["a"][33:34], -3e38)
    net["a"].state["i_exc"] = np.where(np.arange(40) == 33, -3e38, 0.0)
    with pytest.raises(NumericalError, match=r"v of neuron 33 of a became NaN or infinite"):
        net.run(1.0)
