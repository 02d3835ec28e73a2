"""Connections by distance: the oracle over all pairs, on all devices, and what is refused."""

import numpy as np
import pytest
import space_oracle as oracle
from cuda_networks import SIMPLE
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import space
from spikecuda.common.distributions import Normal
from spikecuda.kernels.network.field import G_MASK
from spikecuda.language import exp, real, select
from spikecuda.network import (
    AllToAll,
    DistanceInDegree,
    DistanceOutDegree,
    DistanceProbability,
    ExpCurrent,
    FixedProbability,
    Network,
    SpikeTrain,
)
from spikecuda.space import (
    Annulus,
    At,
    Box,
    Disc,
    DistanceFunction,
    Ellipse,
    Exponential,
    Gaussian,
    Grid,
    Layered,
    Linear,
    Scattered,
)

PORT = {"e": ExpCurrent(5.0)}


def lopsided(distance, dx):
    return select(dx > real(0.0), exp(-distance / real(0.25)), real(0.125))


@st.composite
def spaces(draw):
    """Positions of two populations in one space, and its periods."""
    axes = draw(st.integers(1, 3))
    lengths = tuple(draw(st.sampled_from((0.5, 1.0, 3.0))) for _ in range(axes))
    flags = tuple(draw(st.booleans()) for _ in range(axes))
    center = tuple(draw(st.sampled_from((0.0, -2.0, 0.3))) for _ in range(axes))
    where = {"extent": lengths, "center": center, "periodic": flags}
    period = [n if flag else 0.0 for n, flag in zip(lengths, flags, strict=True)]
    arranged = []
    for _ in range(2):
        n = draw(st.sampled_from((1, 2, 33, 70, 150)))
        if draw(st.booleans()):
            shape = (n, 2, 1)[:axes]
            arranged.append((int(np.prod(shape)), Grid(shape, **where)))
        else:
            arranged.append((n, Scattered(**where, seed=draw(st.integers(0, 99)))))
    return axes, period, arranged


@st.composite
def masks(draw, axes):
    """A mask as the oracle takes it, and the product's; None for none."""
    size = st.floats(0.05, 2.5)
    name = draw(st.sampled_from(("none", "Disc", "Annulus", "Box", "Ellipse")))
    offset = tuple(draw(st.floats(-0.5, 0.5)) for _ in range(axes))
    if name == "none":
        return None, None
    if name == "Disc":
        numbers = (draw(size),)
    elif name == "Annulus":
        inner = draw(st.sampled_from((0.0, 0.1, 0.4)))
        numbers = (inner, inner + draw(size))
    elif name == "Box":
        lower = tuple(draw(st.floats(-1.5, 0.5)) for _ in range(axes))
        numbers = (lower, tuple(x + draw(size) for x in lower))
    else:
        numbers = (draw(size), draw(size), draw(st.floats(-360, 360)))
        numbers += (draw(size),) if axes == 3 else ()
    made = getattr(space, name)(*numbers, offset=offset)
    return (name, numbers, offset), made


@st.composite
def profiles(draw):
    """A profile's name and numbers, and the product's."""
    size = st.floats(0.05, 2.0)
    name = draw(st.sampled_from(("Level", "Gaussian", "Exponential", "Linear", "own")))
    if name == "Level":
        numbers = (draw(st.sampled_from((0.0, 0.3, 1.0))),)
        return (name, numbers), numbers[0]
    if name == "own":
        return (name, ()), lopsided
    if name == "Gaussian":
        numbers = (draw(size), draw(size), draw(st.sampled_from((0.0, 0.4))))
    elif name == "Exponential":
        numbers = (draw(size), draw(size))
    else:
        numbers = (draw(size), draw(st.floats(-2.0, 0.5)))
    return (name, numbers), getattr(space, name)(*numbers)


def network(arranged, seed, same, **options):
    """Return a network of two populations in space, and where projections go."""
    net = Network(0.1, seed, devices="cpu", **options)
    for name, (n, positions) in zip("ab", arranged, strict=True):
        net.population(name, n, positions=positions, receptors=PORT)
    return net, net["a"], net["a" if same else "b"]


def close(p, mask, period):
    """Tell whether a pair is so near a mask's boundary that rounding may decide."""
    inside, outside = (
        oracle.covered(oracle.Pairs(p.d * f, p.distance * f), mask, period)
        for f in (1 - 1e-7, 1 + 1e-7)
    )
    return inside != outside


@settings(max_examples=40)
@given(st.data())
def test_pairs_of_the_oracle(data):
    axes, period, arranged = data.draw(spaces())
    same, apart = data.draw(st.booleans()), data.draw(st.booleans())
    seed, threads = data.draw(st.integers(0, 2**64 - 1)), data.draw(st.sampled_from((1, 2)))
    mask, made_mask = data.draw(masks(axes))
    about, made = data.draw(profiles())
    kind = data.draw(st.sampled_from((DistanceProbability, DistanceInDegree, DistanceOutDegree)))
    net, source, target = network(arranged, seed, same, threads=threads)
    with net:
        views = [
            v[np.arange(v.size) % 3 != 1] if v.size > 4 and data.draw(st.booleans()) else v[:]
            for v in (source, target)
        ]
        apart = apart and same
        p = oracle.pairs(*(v.positions for v in views), period)
        chance = oracle.profile(p, *about)
        own = views[0].ids[:, None] == views[1].ids[None, :]
        inside = oracle.covered(p, mask, period) & ~(own & apart)
        columns = kind is DistanceInDegree
        again = kind is DistanceProbability or data.draw(st.booleans())
        if kind is DistanceProbability:
            rule = kind(made, made_mask)
            wanted = oracle.by_probability(p, chance, inside, seed, 0).astype(int)
        else:
            flip = (lambda x: x.T) if columns else (lambda x: x)
            q = oracle.Pairs(p.d.swapaxes(0, 1), p.distance.T) if columns else p
            found = (inside & (chance > 0)).sum(0 if columns else 1)
            degree = int(min(found.min() * (12 if again else 1), data.draw(st.integers(0, 12))))
            rule = kind(degree, made, made_mask)
            chosen = oracle.by_degree(q, flip(chance), flip(inside), seed, 0, degree, again)
            wanted = flip(chosen)
        projection = net.connect(*views, rule, 1.0, 1.0, autapses=not apart, multapses=again)
        wires = projection.connections()
        got = np.zeros(wanted.shape, int)
        np.add.at(got, tuple(np.searchsorted(v.ids, wires[k]) for v, k in
                             zip(views, ("source", "target"), strict=True)), 1)  # fmt: skip
        assert got.sum() == wires["source"].size == len(projection)
        edge = close(p, mask, period)
        differ = got != wanted
        if kind is DistanceProbability:
            differ &= ~edge
        elif edge.any():
            return
        assert not differ.any()
        bound = projection.most_indegree()
        assert got.sum(0).max(initial=0) <= bound
        drawn = got.sum(0 if columns else 1).max(initial=0)
        assert drawn <= projection.rule.longest_row(0, np.empty(0))


@settings(max_examples=12)
@given(st.data())
def test_weights_and_delays_of_the_oracle(data):
    _, period, arranged = data.draw(spaces())
    net, source, target = network(arranged, data.draw(st.integers(0, 2**32)), False)
    rule = data.draw(st.sampled_from((
        AllToAll(), FixedProbability(0.4), DistanceProbability(0.6),
        DistanceOutDegree(1, Gaussian(0.5)), DistanceInDegree(1, Gaussian(0.5)),
        DistanceOutDegree(9, Gaussian(0.5)), DistanceInDegree(9, Gaussian(0.5)),
    )))  # fmt: skip
    with net:
        projection = net.connect(
            source, target, rule, Gaussian(0.5, peak=-20.0, mean=0.2),
            data.draw(st.sampled_from((Linear(0.15, 2.0, high=5.0), Normal(2.0, 0.3, low=0.1)))),
            multapses=rule.each == 9,
        )  # fmt: skip
        wires = projection.connections()
        p = oracle.pairs(source.positions, target.positions, period)
        at = wires["source"], wires["target"]
        weight = oracle.profile(p, "Gaussian", (0.5, -20.0, 0.2))[at]
        unit = 2.0 ** -net.build().wiring.exponent[1, 0]
        np.testing.assert_allclose(wires["weight"], weight, rtol=2e-7, atol=unit)
        if projection.delay.profile is not None:
            delay = np.clip(0.15 + 2.0 * p.distance, -np.inf, 5.0)[at] / 0.1
            far = np.abs(delay % 1 - 0.5) > 1e-5
            wanted = np.maximum(np.floor(delay + 0.5), 1.0)
            assert (np.rint(wires["delay"] / 0.1)[far] == wanted[far]).all()


def test_synapses_of_a_pair_have_weights_of_their_own():
    """Also where the delay follows from the distance."""
    with Network(0.1, 1, devices="cpu") as net:
        net.population("a", 1, positions=[[0.5]], receptors=PORT)
        net.population("b", 3, positions=[[0.0], [0.25], [0.75]], receptors=PORT)
        rule, delay = DistanceOutDegree(400), Linear(1.0, 4.0)
        wires = net.connect("a", "b", rule, Normal(50.0, 5.0), delay).connections()
        # One for each target would be three values; integer weights are as near as 1/128.
        assert np.unique(wires["weight"]).size > 300
        assert abs(wires["weight"].mean() - 50.0) < 1.0
        away = np.abs(net["b"].positions[wires["target"], 0] - 0.5)
        assert np.abs(wires["delay"] - (1.0 + 4.0 * away)).max() < 0.051
        assert (np.bincount(wires["target"]) > 95).all()


def speed(distance):
    return real(0.3) + distance


def everything(net, procedural):
    """Each mask and profile, own functions, views, a source in space, and periodic edges."""
    how = {"procedural": procedural}
    net.population("E", 81, positions=Grid((9, 9), (2.0, 2.0), periodic=True), receptors=SIMPLE)
    net.population("I", 45, positions=Scattered((2.0, 2.0), periodic=True), receptors=SIMPLE)
    net.drive("E", 600.0)
    ring, oval = Annulus(0.1, 0.9), Ellipse(1.5, 0.9, 30.0, offset=(0.1, 0.2))
    box = Box((0.6, -0.1), (1.2, 0.4))  # over an edge
    net.connect("E", "I", DistanceProbability(Gaussian(0.4), ring), Gaussian(0.3, peak=200.0),
                Linear(0.2, 1.0), "exc", **how)  # fmt: skip
    net.connect("I", net["E"][::2], DistanceProbability(lopsided, oval), Normal(-100.0, 10.0),
                DistanceFunction(speed, low=0.1, high=2.0), "exc", **how)  # fmt: skip
    net.connect("E", "E", DistanceProbability(0.5, box), 100.0, 1.0, "exc", autapses=False, **how)
    train = SpikeTrain.poisson(9, 200.0, 1.0, 20.0, seed=7)
    given = net.source("S", 9, train, positions=Grid((3, 3), (2.0, 2.0), periodic=True))
    net.connect(
        given, "E", DistanceProbability(Exponential(0.2), Disc(0.5)), 300.0, 0.5, "exc", **how
    )


def outcome(procedural, pieces=(20.0,), **options):
    with Network(0.1, 3, **options) as net:
        everything(net, procedural)
        spikes = []
        for piece in pieces:
            found = net.run(piece).spikes
            spikes.append([(s.step, s.neuron) for s in found.values()])
        joined = [np.concatenate(x).tobytes() for part in zip(*spikes, strict=True)
                  for x in zip(*part, strict=True)]  # fmt: skip
        return joined, net.metrics()["events"]


def test_stored_and_drawn_again_on_every_device():
    wanted = outcome(False, devices="cpu", threads=1)
    assert len(wanted[0][0]) > 800 and wanted[1] > 1500
    for options in (
        {"devices": "cpu", "threads": 2, "partitions": 3},
        {"devices": ["cpu:0", "cuda-emu:0", "cuda-emu:1"]},
    ):
        assert outcome(True, (7.3, 0.1, 12.6), **options) == wanted


def test_saved_and_loaded_networks_go_on(tmp_path):
    from spikecuda import Network as Net

    def make():
        net = Network(0.1, 5, devices="cpu")
        net.population("E", 81, positions=Grid((9, 9), (2.0, 2.0), periodic=True), receptors=PORT)
        layers = Layered((0.0, 0.5, 2.0), (20, 25), (2.0,), seed=3)
        net.population("L", 45, positions=layers, receptors=PORT)
        points = np.random.default_rng(1).uniform(-1, 1, (45, 2))
        net.population("P", 45, positions=points, receptors=PORT)
        net.drive("E", 600.0)
        net.drive("L", 400.0)
        net.connect("E", "E", DistanceProbability(Gaussian(0.4), Annulus(0.1, 0.9)),
                    Gaussian(0.3, peak=200.0), Linear(0.2, 1.0))  # fmt: skip
        net.connect("L", "P", DistanceOutDegree(5, Exponential(0.4), Box((-3, -3), (3, 3))),
                    100.0, 1.0, multapses=False)  # fmt: skip
        return net

    with make() as net:
        net.run(10.0)
        net.save(tmp_path / "a.npz")
        wanted = net.run(10.0).spikes
        with Net.load(tmp_path / "a.npz") as again:
            for name in "ELP":
                assert (again[name].positions == net[name].positions).all()
            got = again.run(10.0).spikes
            for name in wanted:
                assert (got[name].step == wanted[name].step).all()
                assert (got[name].neuron == wanted[name].neuron).all()


def test_a_grid_has_its_edges():
    """A disc of three spacings has the 29 points of the lattice, whatever rounding makes of 0.3."""
    for shift in (0.0, 0.1, 1e3 + 0.1):
        positions = Grid((10, 10), (1.0, 1.0), (shift, -shift), periodic=True)
        with Network(0.1, 1, devices="cpu") as net:
            net.population("E", 100, positions=positions, receptors=PORT)
            p = net.connect("E", "E", DistanceProbability(1.0, Disc(0.3)), 1.0, 1.0)
            assert (np.bincount(p.connections()["source"]) == 29).all()
            assert p.expected == 2900.0


def test_positions_in_order():
    grid = Grid((2, 3), (4.0, 3.0), (1.0, 0.0)).place(6, 0).coordinates
    assert grid.tolist() == [[0, -1], [0, 0], [0, 1], [2, -1], [2, 0], [2, 1]]
    near = Scattered((2.0, 4.0), (5.0, 0.0)).place(5000, 0).coordinates
    assert (np.abs(near - [5, 0]) <= [1, 2]).all()
    assert np.abs(near.mean(0) - [5, 0]).max() < 0.06
    assert np.abs(near.std(0) - np.array([2, 4]) / np.sqrt(12)).max() < 0.03
    assert (near == Scattered((2.0, 4.0), (5.0, 0.0)).place(5000, 0).coordinates).all()
    assert (near != Scattered((2.0, 4.0), (5.0, 0.0)).place(5000, 32).coordinates).all()
    depth = Layered((0.0, 1.0, 5.0), (10, 30), (1.0, 1.0)).place(40, 0).coordinates[:, 2]
    assert (depth[:10] < 1).all() and (depth[10:] >= 1).all() and depth.max() < 5
    with Network(0.1, 1, devices="cpu") as net:
        net.population("a", 3, positions=[[0, 1], [2, 3], [4, 5]])
        assert net["a"].positions.tolist() == [[0, 1], [2, 3], [4, 5]]
        assert net["a"][1:].positions.tolist() == [[2, 3], [4, 5]]
        with pytest.raises(ValueError, match="read-only"):
            net["a"].positions[0] = 1.0
        with pytest.raises(ValueError, match="read-only"):
            net["a"][1:].positions[0] = 1.0


def test_choices_follow_the_profile():
    """Of two choices one is three times as likely as the other, and is chosen in 3 of 4 cases."""
    with Network(0.1, 2, devices="cpu") as net:
        net.population("s", 2, positions=At([[1.0], [2.0]]))
        net.population("t", 20_000, positions=At(np.zeros((20_000, 1))), receptors=PORT)
        p = net.connect("s", "t", DistanceInDegree(1, Linear(5.0, -2.0)), 1.0, 1.0, multapses=False)
        first = (p.connections()["source"] == 0).mean()
        assert abs(first - 0.75) < 5 * np.sqrt(0.75 * 0.25 / 20_000)


def test_cells_only_bound_the_search():
    """The table has what the documentation says of a mask, whatever the cells are."""
    with Network(0.1, 1, devices="cpu") as net:
        net.population("a", 2500, positions=Scattered((1.0, 1.0)), receptors=PORT)
        p = net.connect("a", "a", DistanceProbability(0.5, Disc(0.1)), 1.0, 1.0)
        from spikecuda.network.synapses.field import field_of

        found = field_of(p)
        assert found.floats[G_MASK] == pytest.approx(0.01)
        assert np.prod(p.near.cells) > 100 and p.near.most() < 400


def test_bounds_hold_around_the_edge_of_a_periodic_axis():
    """Sources on both sides of the edge, and the cells of targets begin between them."""
    where = {"extent": (1.0,), "periodic": True}
    with Network(0.1, 1, devices="cpu") as net:
        net.population("s", 40, positions=At([[-0.48]] * 20 + [[0.48]] * 20, **where))
        places = np.linspace(-0.1, 0.49, 40)[:, None]
        net.population("t", 40, positions=At(places, **where), receptors=PORT)
        p = net.connect("s", "t", DistanceProbability(1.0, Disc(0.05)), 1.0, 1.0)
        assert np.bincount(p.connections()["target"]).max() == 40 == p.most_indegree()


def test_few_synapses_are_not_taken_for_none():
    points = np.arange(2000.0)[:, None]
    points[1000] += 0.9
    with Network(0.1, 1, devices="cpu") as net:
        net.population("a", 2000, positions=points, receptors=PORT)
        p = net.connect("a", "a", DistanceProbability(1.0, Annulus(0.05, 0.5)), 1.0, 1.0)
        assert p and p.expected > 0 and len(p) == 2
        assert not net.connect("a", "a", DistanceProbability(0.0), 1.0, 1.0)
