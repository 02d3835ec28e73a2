"""Weights are normalised, and scaled to a rate: at once and at intervals, the same everywhere."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import Poisson, Uniform
from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError
from spikecuda.network import ExpCurrent, FixedInDegree, FixedProbability, Network, OneToOne
from spikecuda.plasticity import STDP

EVERYWHERE = (
    {"devices": "cpu", "threads": 1}, {"devices": "cpu", "threads": 2, "partitions": 5},
    {"devices": ["cpu:0", "cpu:1"]}, {"devices": "cuda-emu"},
)  # fmt: skip


def network(options, seed=3, w_max=80.0, view=False, **more):
    net = Network(0.1, seed, **options)
    net.population("E", 150, "lif", receptors={"exc": ExpCurrent(2.0)})
    net.drive("E", Poisson(9000.0, weight=60.0), "exc")
    target = net["E"][20:120] if view else "E"
    weight = Uniform(*sorted((0.0, w_max)))
    p = net.connect(
        "E", target, FixedProbability(0.1), weight, Uniform(0.5, 4.0),
        plasticity=STDP(w_max=w_max, lam=0.05), **more,
    )  # fmt: skip
    return net, p


def sums(p):
    found = p.connections()
    return np.bincount(found["target"], found["weight"], p.target.population.size)[p.target.ids]


@pytest.mark.parametrize("view", [False, True])
@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_sums_are_what_was_asked_for(precision, sign, view):
    net, p = network({**EVERYWHERE[1], "precision": precision}, w_max=sign * 80.0, view=view)
    close = 1e-6 if precision == "float32" else 1e-14
    with net:
        p.normalise(sign * 100.0)
        assert sums(p) == pytest.approx(sign * 100.0, rel=close)
        net.run(30.0)
        each = sign * np.linspace(50.0, 150.0, p.target.size)
        before = p.weights
        p.normalise(each)
        assert sums(p) == pytest.approx(each, rel=close)
        assert not np.array_equal(before, p.weights)


def test_weights_stay_within_their_bounds_and_zeros_stay():
    net, p = network(EVERYWHERE[0])
    with net:
        p.normalise(1e6)
        weights = p.weights
        assert weights.max() == 80.0 and (weights > 0).all()
        for weight, left in ((0.0, 0.0), (1e-5, 80.0)):
            p.weights = weight
            p.normalise(1e308)
            assert (p.weights == left).all()
        p.scale_to_rate(1e4, every=1.0, beta=1e100, gamma=1e100)
        p.plastic = False
        net.run(3.0)
        assert (p.weights == 80.0).all()


def ran(options, seed, kind, every, pieces, rate=20.0):
    net, p = network(options, seed)
    with net:
        if kind == "normalise":
            p.normalise(np.linspace(300.0, 900.0, 150), every=every)
        else:
            p.scale_to_rate(rate, every=every, beta=0.5, gamma=0.1, tau=0.02)
        net.record(p, "weight", every=every)
        results = [net.run(ms) for ms in pieces]
        spikes = np.concatenate([r.spikes["E"].step for r in results])
        weights = np.concatenate([r.synapses[p]["weight"] for r in results])
        return spikes, weights, p.weights, p.connections()


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32), kind=st.sampled_from(["normalise", "scale"]),
    every=st.sampled_from([0.1, 2.0, 7.5]),
    pieces=st.permutations([0.1, 1.9, 6.0, 12.0]),
    options=st.sampled_from(EVERYWHERE), precision=st.sampled_from(["float32", "float64"]),
)  # fmt: skip
def test_intervals_do_not_depend_on_pieces_threads_or_devices(
    seed, kind, every, pieces, options, precision
):
    expected = ran({**EVERYWHERE[0], "precision": precision}, seed, kind, every, [20.0])
    found = ran({**options, "precision": precision}, seed, kind, every, pieces)
    for a, b in zip(found[:3], expected[:3], strict=True):
        assert np.array_equal(a, b)
    if kind == "normalise":
        target = found[3]["target"]
        wanted = np.linspace(300.0, 900.0, 150)
        for row in found[1]:
            total = np.bincount(target, row, 150)
            # What is clipped is missing.
            assert (total <= wanted * (1 + 1e-6)).all()


def test_scaling_is_the_equation():
    """Frozen weights change by nothing but the factors, which are worked out here again."""
    net, p = network({**EVERYWHERE[0], "precision": "float64"})
    rate, beta, gamma, tau, every = 30.0, 0.02, 0.3, 0.5, 10.0
    with net:
        p.plastic = False
        weights, target = p.weights, p.connections()["target"]
        p.scale_to_rate(rate, every=every, beta=beta, gamma=gamma, tau=tau)
        result = net.run(55.0)
        average, integral = np.full(150, rate), np.zeros(150)
        for k in range(5):
            steps = result.spikes["E"].step
            inside = (steps >= 100 * k) & (steps < 100 * (k + 1))
            now = np.bincount(result.spikes["E"].neuron[inside], minlength=150) / (every * 1e-3)
            average = average + (1 - math.exp(-every * 1e-3 / tau)) * (now - average)
            integral += (rate - average) * every * 1e-3
            factor = 1 + every * 1e-3 * (beta * (rate - average) + gamma * integral)
            weights = np.clip(weights * np.maximum(factor, 0)[target], 0.0, 80.0)
        assert p.weights == pytest.approx(weights, rel=1e-12)


def test_rates_come_to_the_one_that_is_asked_for():
    with Network(0.1, 5, devices="cpu") as net:
        net.population("S", 200, "parrot")
        net.drive("S", Poisson(20.0, weight=1.0))
        net.population("E", 50, "lif", receptors={"exc": ExpCurrent(2.0)})
        p = net.connect(
            "S", "E", FixedInDegree(100), Uniform(20.0, 100.0), 1.5,
            plasticity=STDP(w_max=400.0, lam=0.0),
        )  # fmt: skip
        start = net.run(1000.0).rates()["E"]
        p.scale_to_rate(10.0, every=500.0, beta=0.02)
        net.run(15_000.0)
        found = net.run(4000.0)
        each = np.bincount(found.spikes["E"].neuron, minlength=50) / 4.0
        assert abs(start - 10.0) > 4.0
        assert each.mean() == pytest.approx(10.0, abs=1.0) and each.std() < 3.0


def test_reset_begins_anew():
    net, p = network(EVERYWHERE[0])
    with net:
        p.plastic = False
        p.scale_to_rate(30.0, every=10.0, beta=0.02, gamma=0.3, tau=0.5)
        net.run(25.0)
        changed = p.weights
        net.reset()
        assert np.array_equal(p.weights, changed)
        net.run(10.0)
        after = p.weights
    other, q = network(EVERYWHERE[0])
    with other:
        q.plastic = False
        q.weights = changed
        q.scale_to_rate(30.0, every=10.0, beta=0.02, gamma=0.3, tau=0.5)
        other.run(10.0)
        assert np.array_equal(q.weights, after)


def test_it_ends_when_it_is_told():
    net, p = network(EVERYWHERE[0])
    with net:
        p.plastic = False
        p.normalise(100.0, every=1.0)
        p.scale_to_rate(1.0, every=1.0)
        p.normalise(None)
        p.scale_to_rate(None)
        weights = p.weights
        net.run(5.0)
        assert np.array_equal(p.weights, weights)


def test_what_cannot_be_is_said_before_the_build():
    net, p = network(EVERYWHERE[0])
    static = net.connect("E", "E", OneToOne(), 3.0, 1.0)
    for error, words, call in (
        (SpikecudaError, "cannot be normalised.*plasticity=", lambda: static.normalise(1.0)),
        (SpikecudaError, "cannot be scaled", lambda: static.scale_to_rate(1.0, every=1.0)),
        (SpikecudaValueError, "sign of w_max = 80 pA.*-3", lambda: p.normalise(-3.0)),
        (SpikecudaValueError, "sign of w_max", lambda: p.normalise(np.zeros(150))),
        (SpikecudaValueError, "sign of w_max", lambda: p.normalise(float("nan"))),
        (SpikecudaValueError, "finite.*got inf", lambda: p.normalise(float("inf"))),
        (SpikecudaValueError, "150 targets", lambda: p.normalise([1.0, 2.0])),
        (SpikecudaTypeError, "total must be", lambda: p.normalise("much")),
        (SpikecudaValueError, "multiple of dt", lambda: p.normalise(1.0, every=0.15)),
        (SpikecudaValueError, "every must be >= dt", lambda: p.normalise(1.0, every=0.0)),
        (SpikecudaValueError, "every must be given", lambda: p.scale_to_rate(5.0)),
        (SpikecudaValueError, "rate must be", lambda: p.scale_to_rate(-5.0, every=1.0)),
        (SpikecudaValueError, "rate must.*10000 Hz", lambda: p.scale_to_rate(1e5, every=1.0)),
        (SpikecudaValueError, "beta must", lambda: p.scale_to_rate(5.0, every=1.0, beta=0.0)),
        (SpikecudaValueError, "beta must.*1e.300", lambda: p.scale_to_rate(5.0, 1.0, beta=1e300)),
        (SpikecudaValueError, "gamma must.*1e.200", lambda: p.scale_to_rate(5.0, 1.0, gamma=1e200)),
        (SpikecudaValueError, "gamma must", lambda: p.scale_to_rate(5.0, every=1.0, gamma=-1.0)),
        (SpikecudaValueError, "tau must", lambda: p.scale_to_rate(5.0, every=1.0, tau=-1.0)),
        (SpikecudaValueError, "every must be left out.*1.0", lambda: p.normalise(None, every=1.0)),
        (SpikecudaValueError, "every must be", lambda: p.scale_to_rate(None, every=5.0)),
        (SpikecudaValueError, "beta must be left out", lambda: p.scale_to_rate(None, beta=2.0)),
        (SpikecudaValueError, "gamma must be", lambda: p.scale_to_rate(None, gamma=[1.0])),
        (SpikecudaValueError, "tau must be left out", lambda: p.scale_to_rate(None, tau=1.0)),
    ):
        with pytest.raises(error, match=words):
            call()
    assert not net.built
