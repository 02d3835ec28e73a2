"""Random numbers of synapses: what they are made of, that they are apart, and fair."""

import numpy as np
import pytest
from learning_networks import Dice

from spikecuda import Network
from spikecuda.common.seed import keys
from spikecuda.kernels.reference.noise import philox4x32
from spikecuda.network import Delta, ExpCurrent, FixedInDegree, Pairs, SpikeTrain
from spikecuda.plasticity import StochasticRelease, SynapseRule, TsodyksMarkram, Variable

STREAM = 1040


class Coins(SynapseRule):
    """Notes what its random numbers were."""

    name = "_coins"
    last_post = Variable(-1.0)
    last_pre = Variable(-1.0)

    def on_post(w, last_pre, uniform):
        """Return w, and the number."""
        return w, uniform, last_pre

    def on_pre(w, last_post, uniform):
        """Return w, and the number."""
        return w, last_post, uniform


def expected(seed, projection, source, target, step, delay, ordinal, post, precision):
    """Return the random number of an event by its definition."""
    key0, key1, _, _ = philox4x32((projection, 0, 0, STREAM), tuple(int(k) for k in keys(seed)))
    code = delay | post << 15 | ordinal << 16
    a, b, _, _ = philox4x32((source, target, step, code), (key0, key1))
    return (a >> 8) * 2.0**-24 if precision == "float32" else ((a >> 5) * 2**26 + (b >> 6)) / 2**53


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("partitions", [1, 3])
def test_numbers_are_what_they_are_said_to_be(precision, partitions):
    seed, dt = 2**40 + 17, 0.1
    source, target = [2, 2, 2, 5, 2], [0, 7, 7, 3, 7]
    delay = [1.0, 2.0, 2.0, 1.0, 1.5]
    with Network(
        dt=dt, seed=1, noise_seed=seed, precision=precision, devices="cpu", partitions=partitions
    ) as net:
        net.population("post", 8, "lif", {"t_ref": 0.0},
                       receptors={"force": Delta(), "in": ExpCurrent(tau=1.0)})  # fmt: skip
        net.drive("post", SpikeTrain([10.0] * 8, range(8), weight=1000.0), "force")
        net.source("pre", 6, SpikeTrain([5.0, 5.0], [2, 5]))
        p = net.connect(
            "pre", "post", Pairs(source, target), 1.0, delay, "in", plasticity=Coins(w_max=2.0)
        )
        net.run(15.0)
        found = p.connections()
    ids = [(int(found["source"][i]), int(found["target"][i]), round(found["delay"][i] / dt))
           for i in range(5)]  # fmt: skip
    for i, (s, t, d) in enumerate(ids):
        ordinal = ids[:i].count((s, t, d))
        # The source spikes in step 49; the target in step 99, which is at the synapse d later.
        for name, step, post in (("last_pre", 49, 0), ("last_post", 99 + d, 1)):
            want = expected(seed, p.number, s, t, step, d, ordinal, post, precision)
            assert found[name][i] == want
    assert len({*found["last_pre"], *found["last_post"]}) == 10


def sent(rule, trial=0, steps=400, n=500, weight=1.0, number=1, **options):
    """Return what n synapses of one source send at each of its spikes, (spikes, synapses)."""
    with Network(dt=1.0, seed=5, devices="cpu", trial=trial, **options) as net:
        # Without a leak to speak of, v counts what arrives.
        net.population("post", n, "lif", {"tau_m": 1e9, "v_th": 1e6}, {"v": -70.0},
                       receptors={"in": Delta()})  # fmt: skip
        net.source("pre", 1, SpikeTrain(np.arange(1.0, steps + 1)))
        for _ in range(number):
            net.connect("pre", "post", "all_to_all", weight, 1.0, "in", plasticity=rule)
        net.record("post", "v", every=1.0)
        v = net.run(steps + 2.0).traces["post"]["v"]
    return np.diff(v.astype(float), axis=0)[1:steps]


def test_release_is_fair_and_independent():
    rule = StochasticRelease(p=0.3)
    got = np.rint(sent(rule, precision="float64"))
    assert set(np.unique(got)) == {0.0, 1.0}
    sd = np.sqrt(0.3 * 0.7 / got.size)
    assert abs(got.mean() - 0.3) < 4 * sd
    x = got - 0.3
    for a, b in ((x[1:], x[:-1]), (x[:, 1:], x[:, :-1]), (x[1:, 1:], x[:-1, :-1])):
        assert abs((a * b).mean()) < 4 * 0.21 / np.sqrt(a.size)
    # Trials, and projections between the same neurons, are apart from each other.
    other = np.rint(sent(rule, trial=1, precision="float64"))
    assert abs(((got - 0.3) * (other - 0.3)).mean()) < 4 * 0.21 / np.sqrt(got.size)
    both = np.rint(sent(rule, number=2, precision="float64"))
    assert abs((both == 2).mean() - 0.09) < 4 * np.sqrt(0.09 * 0.91 / both.size)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_certain_releases(p):
    assert (np.rint(sent(StochasticRelease(p=p), steps=50, n=40)) == p).all()


class Quanta(TsodyksMarkram, StochasticRelease):
    """Depression of what is released at random."""

    name = "_quanta"


def test_release_at_random_of_what_is_left():
    rule = Quanta(U=0.5, tau_rec=1e7, p=0.5)
    got = sent(rule, steps=4, n=4000, precision="float64")
    for k, row in enumerate(got):
        # The first spike arrived in the step before.
        full = 0.5 ** (k + 2)
        assert np.isclose(row, full, atol=1e-4).mean() == pytest.approx(0.5, abs=0.04)
        assert np.isclose(row, 0.0, atol=1e-4).mean() == pytest.approx(0.5, abs=0.04)


def test_reset_begins_a_trial_with_other_numbers():
    with Network(dt=1.0, seed=5, devices="cpu") as net:
        net.population("post", 50, "lif", {"tau_m": 1e9, "v_th": 1e6}, {"v": -70.0},
                       receptors={"in": Delta()})  # fmt: skip
        net.source("pre", 1, SpikeTrain(np.arange(1.0, 20.0)))
        net.connect("pre", "post", "all_to_all", 1.0, 1.0, "in", plasticity=StochasticRelease())
        found = []
        for trial in (0, 1, 0):
            net.reset(trial=trial)
            net.run(30.0)
            found.append(net["post"].state["v"].copy())
    assert np.array_equal(found[0], found[2])
    assert not np.array_equal(found[0], found[1])


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_random_weights_have_the_same_bits(precision):
    found = []
    for options in ({"threads": 1}, {"threads": 2, "partitions": 5}):
        with Network(dt=0.1, seed=3, devices="cpu", precision=precision, **options) as net:
            net.population("E", 100, "lif", receptors={"in": ExpCurrent(tau=2.0)})
            net.drive("E", 400.0)
            # More synapses than neurons: multapses; and rows that are longer than a tile.
            rule = Dice(w_max=2.0)
            p = net.connect("E", "E", FixedInDegree(1500), 1.0, 1.5, "in", plasticity=rule)
            for ms in (50.0, 0.1, 49.9):
                net.run(ms)
            found.append(p.weights)
    assert np.array_equal(*found)
    assert {0.0, 2.0} <= set(np.unique(found[0]))
