"""A rule says itself how it is walked: none lacks a walk, and all walks give the same rows."""

import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda.common.distributions import Normal, Uniform
from spikecuda.errors import OutOfMemoryError, SpikecudaTypeError, SpikecudaValueError
from spikecuda.kernels import routines
from spikecuda.kernels.compile.render import render
from spikecuda.kernels.network.rules import DRAWS, SPATIAL
from spikecuda.network import (
    AllToAll,
    Delta,
    DistanceInDegree,
    DistanceOutDegree,
    DistanceProbability,
    ExpCurrent,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    FixedTotal,
    Network,
    OneToOne,
    Pairs,
)
from spikecuda.network.model.rule import Rule
from spikecuda.space import Disc, Gaussian, Scattered

# An instance of each rule for so many sources and targets; each class must be here.
EXAMPLES = {
    AllToAll: lambda n, m, k: AllToAll(),
    OneToOne: lambda n, m, k: OneToOne(),
    FixedProbability: lambda n, m, k: FixedProbability(k / 12),
    FixedOutDegree: lambda n, m, k: FixedOutDegree(min(k, m - 1)),
    FixedTotal: lambda n, m, k: FixedTotal(7 * k),
    FixedInDegree: lambda n, m, k: FixedInDegree(min(k, n - 1)),
    Pairs: lambda n, m, k: Pairs(np.arange(3 * k) % n, np.arange(3 * k) * 5 % m),
    DistanceProbability: lambda n, m, k: DistanceProbability(Gaussian(0.5), Disc(0.1 * k)),
    DistanceInDegree: lambda n, m, k: DistanceInDegree(min(k, n - 1), Gaussian(0.5)),
    DistanceOutDegree: lambda n, m, k: DistanceOutDegree(min(k, m - 1), Gaussian(0.5)),
}
RULES = [rule for rule in Rule.__subclasses__() if rule.__module__.startswith("spikecuda")]


def test_every_rule_has_an_example():
    assert set(RULES) == set(EXAMPLES)


def test_a_rule_without_a_walk_does_not_come_into_being():
    """A new rule was all to all on CUDA, without a word."""
    whole = {"code": 0, "draws": "draw_range", "walks": ("range", "range")}
    assert type("Near", (Rule,), whole).procedural
    for name in whole:
        some = {key: value for key, value in whole.items() if key != name}
        with pytest.raises(SpikecudaTypeError, match=rf"Near\.{name} must be given"):
            type("Near", (Rule,), some)
    for wrong, message in (
        ({"code": 17}, "Near must have a code of"),
        ({"order": "ring"}, "Near must have a code of .* an order of rows, columns"),
        ({"draws": "draw_ring"}, r"Near\.draws must be one of draw_range"),
        ({"draws": None}, r"Near\.draws must be one of draw_range"),
        ({"order": "listed"}, r"Near\.draws must be one of .* None for listed"),
        ({"walks": ("ring", "ring")}, r"Near\.walks must be of range, degree"),
        ({"walks": ("range",)}, r"Near\.walks must be two walks of rows"),
        ({"order": "columns"}, r"Near\.walks must be two walks of rows"),
    ):
        with pytest.raises(SpikecudaTypeError, match=message):
            type("Near", (Rule,), {**whole, **wrong})
    with pytest.raises(ValueError, match="walk must be one of range"):
        routines.deliver_drawn("ring")


def test_every_walk_is_of_a_rule_and_has_a_text():
    from spikecuda.kernels.cpu_loops import network_draw, network_space

    drawn = {rule.draws for rule in RULES if rule.order != "listed"}
    assert drawn == set(DRAWS)
    for name in drawn:
        assert hasattr(network_space if name in SPATIAL else network_draw, name)
    used = {walk for rule in RULES for walk in rule.walks or ()}
    assert used == set(routines.WALKS)
    assert len({render(routines.deliver_drawn(walk), "cuda") for walk in used}) == len(used)


def spread(rule, sizes, devices, procedural, seed, views, **options):
    """Return what has arrived at each neuron, the rows, and how many there are."""
    with Network(0.1, seed, "float64", devices=devices) as net:
        for name, n in zip("ab", sizes, strict=False):
            ports, sheet = {"x": ExpCurrent(1e12), "y": Delta()}, Scattered((1.0, 1.0))
            net.population(name, n, "lif", receptors=ports, positions=sheet)
            net.drive(name, 1e6)
        last = "ab"[len(sizes) - 1]
        source, target = net["a"], net[last]
        if views:
            source, target = source[1:], target[np.arange(target.size) % 5 != 2]
        made = EXAMPLES[rule](source.size, target.size, seed % 11 + 1)
        if rule is OneToOne:
            source, target = net["a"], net["a"]
        weight, delay = Normal(1.0, 0.3), Uniform(0.1, 0.4)
        p = net.connect(source, target, made, weight, delay, "x", procedural=procedural, **options)
        wires = {key: values.tobytes() for key, values in p.connections().items()}
        synapses = len(p)
        assert bool(p) == (synapses > 0) and synapses == len(wires["source"]) // 4
        net.run(0.8)
        state = net[p.target.population.name].state["i_x"].tobytes()
        return state, wires, net.metrics()["events"]


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=6)
@given(
    st.lists(st.sampled_from((2, 31, 33, 70, 100)), min_size=1, max_size=2), st.booleans(),
    st.booleans(), st.booleans(), st.integers(0, 2**40),
)  # fmt: skip
def test_all_walks_give_the_same_rows(rule, sizes, autapses, multapses, views, seed):
    """Stored, drawn again on the processor, and drawn again by warps."""
    how = {
        "autapses": autapses or sizes[0] < 31,
        "multapses": multapses or rule in (FixedTotal, Pairs) or 2 in sizes,
    }
    if rule in (DistanceInDegree, DistanceOutDegree):
        how["multapses"] = False
    stored = spread(rule, sizes, "cpu", False, seed, views, **how)
    if rule.procedural:
        for devices in ("cpu", "cuda-emu", ["cpu:0", "cuda-emu:0"]):
            assert spread(rule, sizes, devices, True, seed, views, **how)[:2] == stored[:2]
    else:
        assert spread(rule, sizes, "cuda-emu", False, seed, views, **how)[:2] == stored[:2]


def test_counting_builds_and_stores_nothing():
    """It once drew and stored every row: 7.6 s and 1.2 GB for 16 million synapses."""
    net = Network(seed=1, devices="cpu")
    net.population("huge", 1_000_000, receptors={"x": Delta()})
    net.population("few", 2000, receptors={"x": Delta()})
    wanted = {
        AllToAll(): 10**12 - 10**6, OneToOne(): 0, FixedOutDegree(10_000): 10**10,
        FixedTotal(10**9): 10**9, FixedInDegree(3): 3 * 10**6, FixedProbability(0.0): 0,
        FixedProbability(1.0): 10**12 - 10**6,
    }  # fmt: skip
    drawn = net.connect("few", "huge", FixedProbability(1e-4), 1.0, 1.0, procedural=True)
    assert len(drawn) > 190_000  # compiles
    drawn = net.connect("few", "huge", FixedProbability(1e-4), 1.0, 1.0, procedural=True)
    large = net.connect("huge", "huge", FixedProbability(0.01), 1.0, 1.0, procedural=True)
    made = [
        net.connect("huge", "huge", rule, 1.0, 1.0, procedural=rule.procedural, autapses=False)
        for rule in wanted
    ]
    begin = time.process_time()
    tracemalloc.start()
    assert [len(p) for p in made] == list(wanted.values())
    assert [bool(p) for p in [*made, large]] == [*map(bool, wanted.values()), True]
    assert "about 10,000,000,000 synapses" in repr(large)
    assert len(drawn) > 190_000 and net._engine is None
    assert drawn.expected == 200_000.0  # as before it was counted
    assert tracemalloc.get_traced_memory()[1] < 30e6  # the views' numbers
    tracemalloc.stop()
    assert time.process_time() - begin < 1.0


@pytest.mark.parametrize("procedural", [False, True])
@pytest.mark.parametrize("rule", [FixedProbability(0.3), FixedTotal(900), AllToAll()])
def test_rows_of_some_sources(rule, procedural):
    net = Network(seed=1, devices="cpu", threads=2)
    net.population("a", 90, receptors={"x": Delta()})
    view = net["a"][10:80]
    p = net.connect(view, "a", rule, Normal(1.0, 0.3), 1.0, procedural=procedural, autapses=False)
    every = p.connections()
    for some in (slice(None), slice(30, 33), [12, 47, 79], 25, np.arange(90) % 2 == 0, [3, 85]):
        wanted = np.isin(every["source"], np.arange(90)[some])
        for key, values in p.connections(some).items():
            assert values.tobytes() == every[key][wanted].tobytes()
    with pytest.raises(SpikecudaValueError, match="a has the neurons 0 to 89"):
        p.connections([90])


def test_a_row_of_ten_billion_synapses_is_looked_at():
    net = Network(seed=1, devices="cpu")
    net.population("a", 1_000_000, receptors={"x": Delta()})
    p = net.connect("a", "a", FixedProbability(0.01), 1.0, 1.0, procedural=True)
    assert 9_000 < p.connections(123_456)["target"].size < 11_000


def test_rows_that_do_not_fit_are_not_drawn_to_be_looked_at():
    net = Network(seed=1, devices="cpu")
    net.population("a", 1_000_000, receptors={"x": Delta()})
    p = net.connect("a", "a", FixedProbability(0.01), 1.0, 1.0, procedural=True)
    begin = time.process_time()
    for look in (lambda: p.connections(), lambda: p.weights):
        with pytest.raises(OutOfMemoryError, match=r"list of the synapses of a -> a \(x\) needs"):
            look()
    assert time.process_time() - begin < 5.0
