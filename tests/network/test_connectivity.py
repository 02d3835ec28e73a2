"""Which synapses a rule makes, their weights and delays: exact facts, and statistics.

Seeds are fixed.  A statistic is compared with its distribution so that a right program would fail
once in 10^9 draws of the seed: chi-squared and normal deviates within 6.2 standard deviations
(chi-squared by its quantile), distribution functions by the inequality of Dvoretzky, Kiefer and
Wolfowitz (Massart 1990, Ann Probab 18:1269).
"""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from spikecuda.common.distributions import LogNormal, Normal, Uniform
from spikecuda.network import (
    AllToAll,
    Delta,
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

RARE = 1e-9
SIGMAS = 6.2


def synapses(rule, sources, targets, weight=1.0, delay=1.0, *, dt=0.1, same=False, seed=1, **more):
    """Return the connections of one projection; ``same``: both sides are one population."""
    net = Network(dt, seed, threads=2)
    net.population("t", targets, receptors={"x": Delta()})
    if not same:
        net.population("s", sources)
    return net.connect("t" if same else "s", "t", rule, weight, delay, **more).connections()


def assert_uniform(values, size, trials=None, p=None):
    """Assert that the values are spread over [0, size) like independent uniform choices.

    Args:
        trials, p: instead, each number is there Binomial(trials, p) times.
    """
    counts = np.bincount(values, minlength=size)
    mean = values.size / size if p is None else trials * p
    variance = mean if p is None else mean * (1 - p)
    x = float(((counts - mean) ** 2).sum() / variance)
    freedom = size - (p is None)
    low, high = stats.chi2.ppf([RARE, 1 - RARE], freedom)
    assert low < x < high
    # Neighbours are as alike as others: no gaps at the borders of tiles.
    bins = np.add.reduceat(counts, np.arange(0, size, max(1, size // 16)))
    expected = np.add.reduceat(np.full(size, mean), np.arange(0, size, max(1, size // 16)))
    spread = np.sqrt(expected * (1 if p is None else 1 - p))
    assert np.abs((bins - expected) / spread).max() < SIGMAS


def pairs_of(c, targets):
    return c["source"].astype(np.int64) * targets + c["target"]


def test_all_to_all_and_one_to_one():
    c = synapses(AllToAll(), 7, 40)
    assert c["source"].tolist() == np.repeat(np.arange(7), 40).tolist()
    assert c["target"].tolist() == np.tile(np.arange(40), 7).tolist()
    c = synapses(AllToAll(), 40, 40, same=True, autapses=False)
    assert c["source"].size == 40 * 39 and (c["source"] != c["target"]).all()
    c = synapses(OneToOne(), 33, 33)
    assert c["source"].tolist() == c["target"].tolist() == list(range(33))
    assert synapses(OneToOne(), 33, 33, same=True, autapses=False)["source"].size == 0


# One tile of 16384 targets; three of them, the last one short.
@pytest.mark.parametrize(("sources", "targets", "p"), [(400, 300, 0.1), (60, 40_000, 0.02)])
def test_fixed_probability(sources, targets, p):
    c = synapses(FixedProbability(p), sources, targets)
    total = c["source"].size
    spread = math.sqrt(sources * targets * p * (1 - p))
    assert abs(total - sources * targets * p) < SIGMAS * spread
    assert_uniform(c["source"], sources, targets, p)
    assert_uniform(c["target"], targets, sources, p)
    pairs = pairs_of(c, targets)
    assert np.unique(pairs).size == total
    # Distances between neighbours in a row are geometric.
    same_row = np.diff(c["source"]) == 0
    gap = np.diff(c["target"])[same_row] - 1
    check_distribution(gap, lambda x: 1 - (1 - p) ** (np.floor(x) + 1), atoms=True)


@pytest.mark.parametrize("p", [0.0, 1e-12, 1 - 1e-12, 1.0])
def test_probabilities_at_the_ends(p):
    c = synapses(FixedProbability(p), 50, 17_000)
    assert c["source"].size == round(p) * 50 * 17_000
    c = synapses(FixedProbability(p), 50, 50, same=True, autapses=False)
    assert c["source"].size == round(p) * 50 * 49


def test_fixed_total():
    n, m, total = 150, 90, 40_003
    c = synapses(FixedTotal(total), n, m)
    assert c["source"].size == total
    assert_uniform(c["source"], n)
    assert_uniform(c["target"], m)
    # Sources and targets are independent.
    assert_uniform(pairs_of(c, m), n * m)
    for total in (0, 1, 2, 3, 4, 5):
        assert synapses(FixedTotal(total), 3, 2)["source"].size == total


@pytest.mark.parametrize("rule", [FixedOutDegree, FixedInDegree])
@pytest.mark.parametrize(("degree", "multapses"), [(37, True), (37, False), (100, False)])
def test_degrees(rule, degree, multapses):
    own, other = 3000, 130
    sizes = (own, other) if rule is FixedOutDegree else (other, own)
    c = synapses(rule(degree), *sizes, multapses=multapses)
    mine, others = (c["source"], c["target"]) if rule is FixedOutDegree else (
        c["target"], c["source"]
    )  # fmt: skip
    assert (np.bincount(mine, minlength=own) == degree).all()
    pairs = np.unique(pairs_of(c, sizes[1])).size
    if multapses:
        assert_uniform(others, other)
        # A pair is there at least once with probability 1 - (1 - 1/other)^degree.
        p = 1 - (1 - 1 / other) ** degree
        assert abs(pairs - own * other * p) < SIGMAS * math.sqrt(own * other * p * (1 - p))
    else:
        assert_uniform(others, other, own, degree / other)
        assert pairs == own * degree


@pytest.mark.parametrize(("size", "degree"), [(6, 2), (6, 3), (6, 4), (6, 5), (3, 1), (2, 1)])
@pytest.mark.parametrize("rule", [FixedOutDegree, FixedInDegree])
def test_partners_are_a_uniform_subset(rule, size, degree):
    """Without multapses every subset is as likely: drawn, or by what is left out of it."""
    own = 6000
    sizes = (own, size) if rule is FixedOutDegree else (size, own)
    c = synapses(rule(degree), *sizes, multapses=False)
    mine, others = (c["source"], c["target"]) if rule is FixedOutDegree else (
        c["target"], c["source"]
    )  # fmt: skip
    subset = np.bincount(mine, weights=2.0**others, minlength=own).astype(int)
    names = [sum(2**i for i in some) for some in itertools.combinations(range(size), degree)]
    counts = np.array([(subset == name).sum() for name in names])
    assert counts.sum() == own
    assert_uniform(np.repeat(np.arange(len(names)), counts), len(names))


@pytest.mark.parametrize("multapses", [True, False])
@pytest.mark.parametrize(
    "rule", [FixedOutDegree(60), FixedInDegree(60), FixedOutDegree(3), FixedTotal(40_000)]
)
def test_no_autapses(rule, multapses):
    n = 100
    if isinstance(rule, FixedTotal) and not multapses:
        return
    c = synapses(rule, n, n, same=True, autapses=False, multapses=multapses)
    assert (c["source"] != c["target"]).all()
    # Others are as likely as each other: the distance around the ring is uniform.
    distance = (c["target"] - c["source"]) % n - 1
    if multapses:
        assert_uniform(distance, n - 1)
    else:
        assert_uniform(distance, n - 1, n, rule.degree / (n - 1))
        assert np.unique(pairs_of(c, n)).size == c["source"].size == n * rule.degree


def test_views_connect_their_neurons_only():
    net = Network(0.1, 5, threads=2, partitions=3)
    net.population("a", 200, receptors={"x": Delta()})
    some, others = np.arange(3, 200, 7), np.arange(100, 190)
    rules = (
        AllToAll(), FixedProbability(0.5), FixedInDegree(20), FixedOutDegree(30), FixedTotal(3000),
    )  # fmt: skip
    made = [
        net.connect(net["a"][some], net["a"][others], rule, 1.0, 1.0, autapses=False)
        for rule in rules
    ]
    for p in made:
        c = p.connections()
        assert set(c["source"]) == set(some) and set(c["target"]) == set(others)
        assert (c["source"] != c["target"]).all()
    common = np.intersect1d(some, others).size
    assert made[0].connections()["source"].size == some.size * others.size - common
    assert (np.bincount(made[2].connections()["target"])[others] == 20).all()
    assert (np.bincount(made[3].connections()["source"])[some] == 30).all()


def test_pairs_are_those_given():
    rng = np.random.default_rng(0)
    sources, targets = rng.integers(0, 50, 2000), rng.integers(0, 70, 2000)
    weight, delay = rng.uniform(0.1, 1, 2000), rng.integers(1, 2000, 2000) * 0.1
    weight *= rng.choice([-1, 1], 2000)
    for bits, spacing in ((16, 2.0**-14), (32, 2.0**-20)):
        c = synapses(Pairs(sources, targets), 50, 70, weight, delay, weight_bits=bits)
        order = np.lexsort((targets, delay, sources))
        assert c["source"].tolist() == sources[order].tolist()
        assert c["target"].tolist() == targets[order].tolist()
        np.testing.assert_allclose(c["delay"], delay[order], rtol=1e-12)
        # Half a step of the scale, and pairs that are alike may come in another order.
        alike = np.lexsort((c["weight"], c["target"], c["delay"], c["source"]))
        given = np.lexsort((weight, targets, delay, sources))
        assert np.abs(c["weight"][alike] - weight[given]).max() <= spacing
    c = synapses(Pairs(sources, sources), 50, 50, weight, delay, same=True, autapses=False)
    assert c["source"].size == 0
    mixed = np.where(np.arange(2000) % 2, sources, targets % 50)
    c = synapses(Pairs(sources, mixed), 50, 50, weight, same=True, autapses=False, weight_bits=32)
    kept = sources != mixed
    assert sorted(c["weight"]) == pytest.approx(sorted(weight[kept]), abs=2.0**-20)
    assert synapses(Pairs([], []), 3, 3)["source"].size == 0
    assert synapses(Pairs([], []), 3, 3, [], [])["source"].size == 0
    small = np.array([0, 1], np.uint8)
    assert synapses(Pairs(small, small.astype(np.uint64)), 3, 3)["target"].tolist() == [0, 1]


def test_connections_are_sorted():
    c = synapses(FixedTotal(5000), 30, 40, 1.0, Uniform(0.1, 5.0))
    keys = np.stack([c["source"], np.rint(c["delay"] / 0.1), c["target"]], axis=1).tolist()
    assert keys == sorted(keys)


# Weights and delays.


def check_distribution(values, function, atoms=False):
    """Assert that values come from a distribution function, everywhere at once.

    Args:
        function: its cumulative distribution, at an array.
        atoms: whether it is a discrete one: the jumps are compared from above only.
    """
    x = np.sort(values)
    bound = math.sqrt(math.log(2 / RARE) / (2 * x.size))
    last = np.searchsorted(x, x, side="right") / x.size
    assert np.abs(last - function(x)).max() < bound
    if not atoms:
        first = np.searchsorted(x, x, side="left") / x.size
        assert np.abs(first - function(x)).max() < bound


def normal(mean, std):
    return lambda x: stats.norm.cdf(x, mean, std)


def truncated(mean, std, low, high):
    return lambda x: stats.truncnorm.cdf(x, (low - mean) / std, (high - mean) / std, mean, std)


SPREAD = math.sqrt(math.log1p(0.25))
DISTRIBUTIONS = {
    "normal": (Normal(4.0, 0.7), normal(4.0, 0.7)),
    "redrawn": (
        Normal(1.0, 1.0, low=0.5, high=3.0, redraw=True), truncated(1.0, 1.0, 0.5, 3.0)
    ),
    "far": (Normal(-1.0, 1.0, low=1.0, redraw=True), truncated(-1.0, 1.0, 1.0, np.inf)),
    "lognormal": (
        LogNormal(2.0, 1.0), lambda x: stats.lognorm.cdf(x, SPREAD, scale=2.0 / math.sqrt(1.25))
    ),
    "uniform": (Uniform(-2.0, 3.0), stats.uniform(-2.0, 5.0).cdf),
}  # fmt: skip
RULES = {
    "all": (AllToAll(), 300, 300),
    "in": (FixedInDegree(30), 3000, 3000),
    "pairs": (Pairs(np.arange(90_000) % 300, np.arange(90_000) // 300), 300, 300),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_weights(name, rule):
    distribution, function = DISTRIBUTIONS[name]
    c = synapses(*RULES[rule], distribution, 1.0, weight_bits=32)
    check_distribution(c["weight"], function)
    assert_independent(c["weight"])


def assert_independent(values, *others):
    """Assert that neighbours, and values and others, are not correlated."""
    x = stats.rankdata(values)
    for y in (np.roll(x, 1), np.roll(x, 2), np.roll(x, 4), *map(stats.rankdata, others)):
        assert abs(np.corrcoef(x, y)[0, 1]) < SIGMAS / math.sqrt(x.size)


def test_clipped_weights_pile_up_at_the_bounds():
    c = synapses(AllToAll(), 300, 300, Normal(1.0, 1.0, low=0.5, high=2.5), weight_bits=32)
    w = c["weight"]
    for bound, p in ((0.5, stats.norm.cdf(-0.5)), (2.5, stats.norm.sf(1.5))):
        there = np.abs(w - bound) < 2.0**-20
        assert abs(there.sum() - w.size * p) < SIGMAS * math.sqrt(w.size * p * (1 - p))
    inner = w[(w > 0.5 + 2.0**-20) & (w < 2.5 - 2.0**-20)]
    check_distribution(inner, truncated(1.0, 1.0, 0.5, 2.5))


DELAYS = {
    "normal": (Normal(1.5, 0.75, low=0.05, redraw=True), truncated(1.5, 0.75, 0.05, np.inf)),
    "lognormal": (
        LogNormal(1.0, 0.5), lambda x: stats.lognorm.cdf(x, SPREAD, scale=1.0 / math.sqrt(1.25))
    ),
    "uniform": (Uniform(0.05, 40.0), stats.uniform(0.05, 39.95).cdf),
    "long": (Uniform(100.0, 3000.0), stats.uniform(100.0, 2900.0).cdf),
}  # fmt: skip


@pytest.mark.parametrize("name", DELAYS)
def test_delays(name):
    distribution, function = DELAYS[name]
    c = synapses(AllToAll(), 300, 300, Normal(1.0, 0.1), distribution)
    steps = np.rint(c["delay"] / 0.1)
    np.testing.assert_allclose(steps * 0.1, c["delay"], rtol=1e-12)
    assert steps.min() >= 1
    check_distribution(steps, lambda k: function((k + 0.5) * 0.1), atoms=True)
    # Rows are sorted by delay: put them back in the order of their targets.
    order = np.lexsort((c["target"], c["source"]))
    assert_independent(c["delay"][order], c["weight"][order])


def test_projections_and_seeds_are_independent():
    net = Network(0.1, 3, threads=1)
    net.population("a", 300, receptors={"x": ExpCurrent(1.0)})
    first, second = (net.connect("a", "a", AllToAll(), Normal(1.0, 0.1), 1.0) for _ in range(2))
    other = synapses(AllToAll(), 300, 300, Normal(1.0, 0.1), same=True, seed=2**32 + 3)["weight"]
    assert_independent(first.weights, second.weights, other)
    degree = [synapses(FixedTotal(9000), 300, 300, seed=s)["target"] for s in (3, 2**32 + 3)]
    counts = [np.bincount(d, minlength=300) for d in degree]
    assert_independent(counts[0], counts[1])


# Blocks.


def test_a_block_has_at_most_65536_neurons():
    net = Network(0.1, 3, threads=1, partitions=1)
    net.population("a", 70_000, receptors={"x": Delta(), "y": Delta()})
    p = net.connect("a", "a", OneToOne(), Normal(1.0, 0.1), Uniform(0.1, 2.0), "y")
    net.connect("a", "a", FixedOutDegree(3), 1.0, 1.0, "x")
    assert net.metrics()["partitions"] == 2
    c = p.connections()
    assert c["source"].tolist() == c["target"].tolist() == list(range(70_000))
    assert (np.bincount(net.projections[1].connections()["source"]) == 3).all()


@pytest.mark.parametrize("partitions", [1, 2, 3, 7, 40, 1024])
def test_synapses_do_not_depend_on_partitions(partitions):
    """Also where most blocks have no neuron."""
    found = []
    for count, threads in ((1, 1), (partitions, 2)):
        net = Network(0.1, 3, threads=threads, partitions=count)
        net.population("a", 70, receptors={"x": Delta(), "y": ExpCurrent(1.0)})
        net.population("b", 31, receptors={"x": Delta()})
        net.source("s", 5, SpikeTrain([1.0]))
        for i, rule in enumerate((FixedInDegree(9), FixedTotal(900), FixedProbability(0.3))):
            w, d = Normal(1.0, 0.1), Normal(3.0, 1.0, low=0.05, redraw=True)
            net.connect("a", "b", rule, w, d, multapses=i < 2)
            net.connect("a", "a", rule, w, d, "xyx"[i], autapses=False)
            net.connect("s", "a", rule, 1.0, 1.0, "x")
        found.append([p.connections() for p in net.projections])
    for a, b in zip(*found, strict=True):
        for key in a:
            assert a[key].tobytes() == b[key].tobytes()
