"""Functions of the distance of the user's own, periodic edges, and what is refused."""

import numpy as np
import pytest
import space_oracle

from spikecuda.common.distributions import Uniform
from spikecuda.errors import (
    ModelError,
    NumericalError,
    SpikecudaTypeError,
    SpikecudaValueError,
)
from spikecuda.language import cos, exp, real, select, sin, sqrt
from spikecuda.network import (
    AllToAll,
    DistanceInDegree,
    DistanceOutDegree,
    DistanceProbability,
    ExpCurrent,
    FixedInDegree,
    Network,
)
from spikecuda.plasticity import STDP
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


def libm(distance):
    return np.exp(-distance)


def unknown(r):
    return r


def nothing(distance):
    return distance / (distance - distance)


def test_wrong_functions_are_named():
    with pytest.raises(ModelError, match=r"test_distance_edges.py.*use exp\(\)"):
        DistanceFunction(libm)
    with pytest.raises(ModelError, match=r"may take distance, dx, dy, dz, .* \(got r, and"):
        DistanceFunction(unknown)
    with pytest.raises(SpikecudaValueError, match="nothing must return a finite number"):
        DistanceFunction(nothing)
    with pytest.raises(ModelError, match=r"must be a plain 'def' function .got a lambda"):
        DistanceFunction(lambda distance: distance)


def test_numbers_out_of_range_are_named():
    for p in (-0.1, 1.5, np.nan):
        with pytest.raises(SpikecudaValueError, match=r"^p must be"):
            DistanceProbability(p)
    with pytest.raises(SpikecudaValueError, match=r"center must be within 1e.09 extents"):
        Grid((5, 5), (1.0, 1.0), (0.0, 1e10))


def gap(distance):
    return sqrt((distance - real(0.2)) * (distance - real(0.3)))


@pytest.mark.parametrize("procedural", [False, True])
def test_functions_that_return_nan_for_a_pair_are_told(procedural):
    for p, weight in ((gap, 1.0), (1.0, DistanceFunction(gap, low=0.0, high=1.0))):
        net = Network(0.1, 1, devices="cpu")
        net.population("a", 25, positions=Grid((5, 5)), receptors=PORT)
        made = net.connect("a", "a", DistanceProbability(p), weight, 1.0, procedural=procedural)
        for use in (made.__len__, net.build) if p is gap else (net.build,):
            with pytest.raises(NumericalError, match=r"gap of a -> a.* must return numbers .got"):
                use()


@pytest.mark.parametrize("devices", ["cpu", ["cpu:0", "cuda-emu:0", "cuda-emu:1"]])
def test_functions_that_return_nan_in_a_run_are_told_each_time(devices):
    """The pairs that build tries are others than the one that has NaN."""
    points = np.arange(300.0)[:, None]
    points[3] = 2.25
    with Network(0.1, 1, devices=devices) as net:
        net.population("a", 300, positions=points, receptors=PORT)
        p = DistanceProbability(gap, Disc(2.0))
        net.connect("a", "a", p, 1.0, 1.0, procedural=True)
        net.build()
        net.run(1.0)
        net.drive("a", 900.0)
        for _ in range(2):
            with pytest.raises(NumericalError, match=r"gap of a -> a.* must return numbers"):
                net.run(10.0)


def test_what_cannot_be_connected_is_refused():
    net = Network(0.1, 1, devices="cpu")
    for name, positions in (
        ("a", Grid((5, 2))), ("b", None), ("c", Grid((5, 2), periodic=True)),
        ("d", Scattered((1.0, 1.0, 1.0))),
    ):  # fmt: skip
        net.population(name, 10, positions=positions, receptors=PORT)
    near = DistanceProbability(0.5, Disc(0.1))
    for names, rule, message, options in (
        ("ab", near, "b has no positions; give it some: positions=Grid", {}),
        ("ac", near, "must have the same axes and periods", {}),
        ("ad", near, "must have the same axes and periods", {}),
        ("dd", DistanceProbability(0.5, Ellipse(1, 1)), "polar must be given in three", {}),
        ("aa", DistanceProbability(0.5, Box((0,), (1,))), "must have 2 coordinates", {}),
        ("aa", DistanceInDegree(2**17 + 1), "degree must be <= 131,072 with multapses", {}),
        ("aa", DistanceOutDegree(11), "degree must be <= 10", {"multapses": False}),
        ("aa", DistanceOutDegree(2), "cannot be procedural.* use DistanceProbability",
         {"multapses": False, "procedural": True}),
    ):  # fmt: skip
        with pytest.raises(SpikecudaValueError, match=message):
            net.connect(*names, rule, 1.0, 1.0, **options)
    for rule, weight, delay, message, options in (
        (FixedInDegree(2), Gaussian(1.0), 1.0, "a weight or delay by distance goes with", {}),
        (near, lopsided, 1.0, "weight by distance must have finite bounds .* low= and high=", {}),
        (near, 1.0, Linear(0.0, 1.0), "delay must be >= dt = 0.1 ms .* low=0.1 of the profile", {}),
        (AllToAll(), Gaussian(1.0), 1.0, "procedural AllToAll cannot have", {"procedural": True}),
    ):
        with pytest.raises((SpikecudaValueError, SpikecudaTypeError), match=message):
            net.connect("a", "a", rule, weight, delay, **options)
    net.connect("a", "a", DistanceOutDegree(4, mask=Disc(0.21)), 1.0, 1.0, multapses=False)
    with pytest.raises(SpikecudaValueError, match=r"degree of a -> a .* must be <= 2, the part"):
        net.build()


def test_functions_of_the_distance_are_saved_by_name_and_source(tmp_path):
    def inner(distance):
        return real(0.5) - distance

    def make(p):
        net = Network(0.1, 5, devices="cpu")
        net.population("a", 25, positions=Grid((5, 5)), receptors=PORT)
        net.connect("a", "a", DistanceProbability(p, Disc(0.9)), 200.0, 1.0)
        net.drive("a", 600.0)
        return net

    for function, models in ((lopsided, []), (inner, [inner])):
        with make(function) as net:
            net.save(tmp_path / "a.npz")
            wanted = net.run(20.0).spikes["a"]
            with Network.load(tmp_path / "a.npz", models=models) as again:
                got = again.run(20.0).spikes["a"]
                assert wanted.step.size and (got.step == wanted.step).all()
                assert (got.neuron == wanted.neuron).all()
    with pytest.raises(SpikecudaValueError, match=r"inner.* is one of the user's"):
        Network.load(tmp_path / "a.npz")

    def other(distance):
        return real(0.25) - distance

    other.__qualname__ = inner.__qualname__
    with pytest.raises(SpikecudaValueError, match=r"inner.* must have the source that it had"):
        Network.load(tmp_path / "a.npz", models=[other])


WRONG = [
    (lambda: Grid("ab"), "shape must be the cells along 1 to 3 axes"),
    (lambda: Grid((2, 2, 2, 2)), r"shape must have 1 to 3 axes \(got 4\)"),
    (lambda: Grid((2, 2), (1.0,)), r"extent must have 2 lengths > 0 \(got \(1.0,\)\)"),
    (lambda: Grid((2, 2), (1.0, -1.0)), "extent must have 2 lengths > 0"),
    (lambda: Grid((2, 2), center=(1.0,)), "center must have 2 coordinates"),
    (lambda: Grid((2, 2), periodic=(True,)), "periodic must be one flag, or one for each"),
    (lambda: Scattered((np.nan, 1.0)), "extent must be 1 to 3 numbers"),
    (lambda: Layered((0.0, 0.0), (3,), (1.0,)), "depths must ascend"),
    (lambda: Layered((0.0, 1.0), (3,), (1.0, 1.0, 1.0)), "extent must have 1 or 2 lengths"),
    (lambda: At([1.0, 2.0]), r"coordinates must have the shape \(neurons, axes\)"),
    (lambda: At([[np.nan, 2.0]]), "coordinates must be numbers below 1e.100 .* of neuron 0"),
    (lambda: At([[0.0]], periodic=True), "extent must be given where an axis is periodic"),
    (lambda: At([[0.0], [2.0]], (1.0,)), r"coordinates must be within extent .* of neuron 1"),
    (lambda: Disc(0.0), "radius must be > 0"),
    (lambda: Annulus(0.5, 0.5), "inner must be >= 0 and outer larger"),
    (lambda: Box((0.0, 0.0), (1.0, 0.0)), "lower must be below upper"),
    (lambda: Ellipse(1.0, 0.0), "minor must be > 0"),
    (lambda: Gaussian(0.0), "std must be > 0"),
    (lambda: Exponential(-1.0), "scale must be > 0"),
    (lambda: Linear(0.0, np.inf), "slope must be finite"),
    (lambda: Linear(0.0, 1.0, low=2.0, high=1.0), "low must be <= high"),
    (lambda: DistanceProbability("near"), "p must be a number, a profile"),
    (lambda: DistanceProbability(0.5, mask=0.3), "mask must be a Disc, Annulus, Box or Ellipse"),
    (lambda: DistanceInDegree(-1), "degree must be"),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_wrong_arguments_are_named(number):
    make, message = WRONG[number]
    with pytest.raises((SpikecudaValueError, SpikecudaTypeError), match=message):
        make()


def test_the_summary_has_positions_where_there_are_any():
    with Network(0.1, 1, devices="cpu") as net:
        net.population("a", 2, receptors=PORT)
        assert "positions" not in net.summary()
        net.population("b", 3, positions=[[0.0], [1.0], [2.0]], receptors=PORT)
        net.population("c", 4, positions=Grid((2, 2), periodic=True), receptors=PORT)
        assert "At, 1 axis" in net.summary() and "Grid, 2 axes, periodic" in net.summary()


def test_masks_go_over_periodic_edges():
    """Seen from the source the box is from 0.3 to 0.7 of a period: on both sides of its half."""
    where = {"extent": (10.0,), "periodic": True}
    with Network(0.1, 1, devices="cpu") as net:
        net.population("a", 10, positions=Grid((10,), **where), receptors=PORT)
        masks = Box((3.0,), (7.0,)), Disc(2.0, offset=(5.0,)), Disc(2.0, offset=(-25.0,))
        rules = [DistanceProbability(1.0, mask) for mask in masks]
        for p in [net.connect("a", "a", rule, 1.0, 1.0) for rule in rules]:
            wires = p.connections()
            away = (wires["target"] - wires["source"]) % 10
            assert (np.bincount(away, minlength=10) == [0, 0, 0, *[10] * 5, 0, 0]).all()


@pytest.mark.parametrize("periods", [-3, 1, 7])
def test_periodic_populations_may_be_whole_periods_apart(periods):
    where = {"extent": (2.0, 1.0), "periodic": True}
    found = []
    for center in ((0.25, 0.0), (0.25 + 2.0 * periods, -1.0 * periods)):
        with Network(0.1, 1, devices="cpu") as net:
            net.population("a", 32, positions=Grid((8, 4), **where), receptors=PORT)
            net.population("b", 32, positions=Grid((8, 4), center=center, **where), receptors=PORT)
            rules = DistanceProbability(Gaussian(0.3)), DistanceInDegree(3, Gaussian(0.3))
            for p in [net.connect("a", "b", rule, 1.0, 1.0) for rule in rules]:
                found.append((p.connections()["source"], p.connections()["target"]))
    for one, other in zip(found[:2], found[2:], strict=True):
        assert one[0].size > 60
        assert all((x == y).all() for x, y in zip(one, other, strict=True))


def wave(dx, dy, angle, length):
    across = cos(angle) * dx + sin(angle) * dy
    return real(0.5) + real(0.5) * cos(real(6.283185307179586) * across / length)


def test_sines_and_numbers_of_ones_own_have_the_same_bits_everywhere(tmp_path):
    shape = DistanceFunction(wave, params={"angle": 0.7, "length": 0.3})

    def make(procedural, devices):
        net = Network(0.1, 5, devices=devices)
        net.population("a", 49, positions=Grid((7, 7)), receptors=PORT)
        rule = DistanceProbability(shape, Disc(0.5))
        net.connect("a", "a", rule, 100.0, 1.0, procedural=procedural)
        net.drive("a", 600.0)
        return net

    def run(net):
        found = net.run(20.0).spikes["a"]
        assert found.step.size > 50
        return found.step.tobytes() + found.neuron.tobytes()

    with make(False, "cpu") as stored:
        wires = stored.projections[0].connections()
        d = stored["a"].positions[None] - stored["a"].positions[:, None]
        across = d @ [np.cos(0.7), np.sin(0.7)]
        p = (0.5 + 0.5 * np.cos(2 * np.pi * across / 0.3)) * (np.hypot(*d.T).T <= 0.5 + 1e-9)
        inside = space_oracle.Pairs(d, np.zeros((49, 49)))
        wanted = space_oracle.by_probability(inside, p, np.ones((49, 49), bool), 5, 0)
        assert (np.flatnonzero(wanted) == np.sort(wires["source"] * 49 + wires["target"])).all()
        stored.save(tmp_path / "a.npz")
        spikes = run(stored)
    with make(True, ["cpu:0", "cuda-emu:0"]) as drawn:
        assert run(drawn) == spikes
    with Network.load(tmp_path / "a.npz") as again:
        assert run(again) == spikes


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "wave may take distance, dx, dy, dz, .* and params for nothing"),
        ({"angle": 0.0, "length": 1.0, "more": 2.0}, "params for angle, length, more"),
        ({"angle": 0.0, "length": "far"}, r"params\['length'\] must be a number"),
        ({"angle": 0.0, "length": np.inf}, r"params\['length'\] must be finite"),
        ([0.0, 1.0], "params must be a mapping"),
    ],
)
def test_numbers_of_ones_own_are_checked(params, message):
    with pytest.raises((ModelError, SpikecudaValueError, SpikecudaTypeError), match=message):
        DistanceFunction(wave, params=params)
    fixed = DistanceFunction(wave, params={"angle": 0.0, "length": 1.0})
    with pytest.raises(TypeError, match="does not support item assignment"):
        fixed.params["angle"] = 1.0


@pytest.mark.parametrize("rule", [DistanceProbability(0.5, Disc(0.2)), DistanceInDegree(4, 1.0)])
def test_synapses_grow_by_the_rule_too(rule):
    """Within the mask, with delays of their distances, the same for any threads and partitions."""
    found = []
    for options in ({"threads": 1}, {"threads": 2, "partitions": 3}):
        with Network(0.1, 1, devices="cpu", **options) as net:
            grid = Grid((10, 10), periodic=True)
            net.population("a", 100, positions=grid, receptors=PORT)
            p = net.connect(
                "a", "a", rule, Uniform(10.0, 30.0), Linear(0.5, 10.0), autapses=False,
                plasticity=STDP(w_max=80.0), max_indegree=100, multapses=False,
            )  # fmt: skip
            p.rewire(15.0, indegree=np.full(100, 8))
            wires = p.connections()
            d = np.abs(net["a"].positions[wires["target"]] - net["a"].positions[wires["source"]])
            distance = np.hypot(*np.minimum(d, 1.0 - d).T)
            assert (np.bincount(wires["target"]) == 8).all()
            pairs = wires["source"] * 100 + wires["target"]
            assert np.unique(pairs).size == 800 and (wires["source"] != wires["target"]).all()
            if rule.mask is not None:
                assert distance.max() < 0.2 + 1e-9
            assert np.abs(wires["delay"] - (0.5 + 10.0 * distance)).max() < 0.0501
            found.append(np.concatenate([x for _, x in sorted(wires.items())]))
    assert (found[0] == found[1]).all()
