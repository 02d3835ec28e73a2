"""Weights that several synapses have in common: a convolution that learns its kernel."""

import numpy as np
import pytest

from spikecuda import Ensemble, Network
from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError
from spikecuda.network import ExpCurrent, Pairs, SpikeTrain
from spikecuda.plasticity import STDP

# A signal of 12 places, kernels of 5, three of them, at 8 places.
PLACES, KERNEL, FILTERS = 12, 5, 3
RULE = STDP(w_max=60.0, lam=0.01, alpha=0.9)
POSITIONS = PLACES - KERNEL + 1
SOURCE, TARGET, SHARED = (
    x.ravel()
    for x in np.broadcast_arrays(
        np.arange(POSITIONS)[:, None] + np.arange(KERNEL),
        np.arange(FILTERS)[:, None, None] * POSITIONS + np.arange(POSITIONS)[:, None],
        np.arange(FILTERS)[:, None, None] * KERNEL + np.arange(KERNEL),
    )
)
DEVICES = [
    {"devices": "cpu", "threads": 2, "partitions": 3}, {"devices": "cuda-emu"},
    {"devices": ["cpu:0", "cuda-emu:0"]},
]  # fmt: skip


def build(rule=RULE, **options):
    """Return a convolution whose targets spike when they are told to, and its kernels' numbers."""
    rng = np.random.default_rng(1)
    net = Network(dt=0.1, seed=1, **{"devices": "cpu", **options})
    net.population(
        "out", FILTERS * POSITIONS, "lif",
        receptors={"kick": ExpCurrent(tau=0.1), "learn": ExpCurrent(tau=2.0)},
    )  # fmt: skip
    steps, who = np.nonzero(rng.random((1000, PLACES)) < 0.005)
    net.source("in", PLACES, SpikeTrain((steps + 1) * 0.1, who))
    steps, who = np.nonzero(rng.random((1000, FILTERS * POSITIONS)) < 0.005)
    net.drive("out", SpikeTrain((steps + 1) * 0.1, who, weight=1e5), "kick")
    p = net.connect("in", "out", Pairs(SOURCE, TARGET), 30.0, 1.5, "learn", plasticity=rule)
    return net, p, SHARED[np.lexsort((TARGET, SOURCE))]


def kernels(weights, groups):
    """Return the weight of each group, whose synapses have the same."""
    each = [np.unique(weights[groups == g]) for g in range(FILTERS * KERNEL)]
    assert all(values.size == 1 for values in each)
    return np.concatenate(each)


@pytest.mark.parametrize("every", [0.1, 7.0])
def test_a_group_has_the_changes_of_all_its_synapses(every):
    """Additive changes do not depend on the weight, as long as none meets a bound."""
    found = []
    for shared in (False, True):
        net, p, groups = build(precision="float64")
        with net:
            if shared:
                p.share(groups, every=every)
            net.run(49.0)
            net.run(49.0)
            found.append(p.weights)
    changes = np.bincount(groups, found[0] - 30.0)
    assert np.abs(changes).max() > 0.5 and np.abs(changes).max() < 29.0
    assert np.allclose(kernels(found[1], groups), 30.0 + changes, atol=1e-9)


@pytest.mark.parametrize("options", DEVICES, ids=str)
def test_the_same_bits_everywhere_and_from_files(options, tmp_path):
    rule = STDP(w_max=60.0, lam=0.1, alpha=1.2)
    net, p, groups = build(rule=rule)
    with net:
        p.share(groups, every=0.5)
        net.run(100.0)
        want = p.weights
        assert kernels(want, groups).max() > 1.0 and want.min() == 0.0  # held within bounds
    net, p, _ = build(rule=rule, **options)
    with net:
        p.share(groups, every=0.5)
        net.run(33.3)
        path = net.save(tmp_path / "net.spk")
    with Network.load(path, **options) as net:
        net.run(66.7)
        assert np.array_equal(net.projections[0].weights, want)


def test_weights_that_are_set_or_normalised_are_shared():
    net, p, groups = build()
    with net:
        p.share(groups, every=0.1)
        p.weights = np.where(np.arange(len(p)) % 2, 20.0, 40.0)
        mean = kernels(p.weights, groups)
        values = np.where(np.arange(len(p)) % 2, 20.0, 40.0)
        assert np.allclose(mean, np.bincount(groups, values) / POSITIONS, rtol=1e-6)
        net.run(50.0)
        p.normalise(150.0)
        totals = kernels(p.weights, groups).reshape(FILTERS, KERNEL).sum(1)
        assert np.allclose(totals, 150.0, rtol=1e-5)
        net.run(10.0)
        kernels(p.weights, groups)
        p.share(None)
        net.run(20.0)
        assert np.unique(p.weights).size > FILTERS * KERNEL


def test_what_cannot_be_shared_is_refused():
    net, p, groups = build()
    with net:
        for given, every, kind, text in (
            (groups[1:], 1.0, SpikecudaValueError, "one for each of the 120 synapses"),
            (groups + 0.5, 1.0, SpikecudaValueError, "groups must be integers"),
            ("all", 1.0, SpikecudaTypeError, "groups"),
            (groups, None, SpikecudaValueError, "every must be given"),
            (groups, 0.05, SpikecudaValueError, "every must be"),
            (None, 1.0, SpikecudaValueError, "every must be left out with groups=None"),
        ):
            with pytest.raises(kind, match=text):
                p.share(given, every)
        p.share(groups, every=1.0)
        for change in (
            lambda: p.normalise(100.0, every=1.0), lambda: p.rewire(1.0),
            lambda: p.scale_to_rate(5.0, every=10.0),
        ):  # fmt: skip
            with pytest.raises(SpikecudaError, match="cannot be shared and"):
                change()
    net, p, groups = build()
    p.normalise(100.0, every=1.0)
    with pytest.raises(SpikecudaError, match=r"cannot be shared and .* normalise before"):
        p.share(groups, every=1.0)
    net.close()


def test_each_replica_shares_its_own():
    net, p, groups = build()
    with Ensemble(net, 2) as e:
        e[1].own(p).share(groups, every=0.5)
        e.run(60.0)
        found = [r.own(p).weights for r in e]
    assert np.unique(found[0]).size > FILTERS * KERNEL
    with net:
        p.share(groups, every=0.5)
        net.run(60.0)
        assert np.array_equal(p.weights, found[1])
