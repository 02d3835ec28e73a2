"""Parameters of rules that change between runs: the same bits everywhere, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import Poisson, Uniform
from spikecuda.errors import (
    SpikecudaError,
    SpikecudaKeyError,
    SpikecudaTypeError,
    SpikecudaValueError,
)
from spikecuda.network import ExpCurrent, FixedInDegree, Network, OneToOne, SpikeTrain
from spikecuda.network.cpu import learning
from spikecuda.plasticity import STDP, DopamineSTDP, TsodyksMarkram

DEVICES = ({"devices": "cpu", "partitions": 3}, {"devices": ["cpu:0", "cpu:1"]},
           {"devices": "cuda-emu"}, {"devices": ["cuda-emu:0", "cpu:0"]})  # fmt: skip


def network(options, seed=3, **more):
    """Return a network, two projections that share histories, and one that releases."""
    net = Network(0.1, seed, **options)
    net.population("E", 40, "lif", receptors={"exc": ExpCurrent(2.0)})
    net.drive("E", Poisson(9000.0, weight=60.0), "exc")
    rule, short = STDP(w_max=80.0, lam=0.05), TsodyksMarkram(U=0.4, tau_rec=50.0)
    made = [
        net.connect("E", "E", FixedInDegree(k), Uniform(0.0, 60.0), delay, plasticity=rule, **more)
        for k, delay in ((12, Uniform(0.5, 4.0)), (5, 1.5))
    ]
    return net, [*made, net.connect("E", "E", OneToOne(), 30.0, 2.5, plasticity=short)]


CHANGES = (
    (0, {"tau_plus": 5.0}), (0, {"lam": 0.2, "alpha": 0.5}), (1, {"tau_minus": 90.0}),
    (1, {"w_max": 70.0, "w_min": 0.0}), (2, {"U": 0.1, "tau_rec": 300.0}), (0, {"tau_plus": 20.0}),
)  # fmt: skip


def changed(options, seed, plan):
    net, made = network(options, seed)
    with net:
        seen = []
        for ms, what in plan:
            spikes = net.run(ms).spikes["E"]
            seen += [spikes.step, spikes.neuron]
            if what is not None:
                number, values = CHANGES[what]
                if "w_max" in values:
                    made[number].weights = np.minimum(made[number].weights, 70.0)
                made[number].params.update(values)
        return [np.asarray(a) for a in (*seen, *(p.weights for p in made))]


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**32), options=st.sampled_from(DEVICES), sweeps=st.booleans(),
    plan=st.lists(
        st.tuples(
            st.sampled_from([0.1, 1.3, 6.0]),
            st.sampled_from([None, *range(len(CHANGES))]),
        ),
        min_size=3, max_size=6,
    ),
)  # fmt: skip
def test_the_same_bits_everywhere(seed, options, sweeps, plan):
    expected = changed({"devices": "cpu", "threads": 1}, seed, plan)
    with pytest.MonkeyPatch.context() as patch:
        if sweeps:
            patch.setattr(learning, "LEAST", 1)
            patch.setattr(learning, "LOG_BYTES", 1e-9)
        found = changed(options, seed, plan)
    assert len(found) == len(expected)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_what_is_set_back_changes_nothing_but_settles():
    found = []
    for change in (False, True):
        net, (p, q, r) = network({"devices": "cpu"})
        with net:
            for _ in range(4):
                net.run(7.0)
                p.weights = p.weights
                if change:
                    for projection, name in ((p, "lam"), (p, "w_max"), (r, "U")):
                        projection.params[name] = projection.params[name]
            found.append([p.weights, q.weights, net.run(5.0).spikes["E"].step])
            assert not change or (p.params["lam"] == 0.05 and p.params["w_max"] == 80.0)
    # Pieces of weights that are read and assigned are float32 there and here.
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


def test_a_change_is_from_there_on():
    """One pair before the change with the old step, one after it with the new one."""
    net = Network(0.1, devices="cpu")
    net.source("pre", 1, SpikeTrain([5.0, 25.0, 60.0]))
    net.population("post", 1, "lif", receptors={"x": ExpCurrent(2.0)})
    net.drive("post", SpikeTrain([8.0, 28.0], weight=1e6), "x")
    p = net.connect("pre", "post", OneToOne(), 10.0, 1.0, "x",
                    plasticity=STDP(w_max=80.0, lam=0.01, alpha=0.0))  # fmt: skip
    with net:
        before = net.run(20.0).spikes["post"].step
        first = p.weights[0]
        p.params.update(lam=0.02, tau_plus=10.0)
        after = net.run(50.0).spikes["post"].step
        # A target's spike is at the synapse 1 ms later; the source's are there in steps 49 and 249.
        arrived = 10 + np.concatenate([before, after])
        old, new = arrived[arrived < 200], arrived[(arrived >= 200) & (arrived < 599)]
        assert old.size and (new > 249).any()
        assert first == pytest.approx(10.0 + 0.8 * np.exp(-(old - 49) / 200.0).sum(), rel=1e-6)
        # The trace was 1 at step 49; from there on it decays with what is known when it counts.
        since, x = np.where(new > 249, 249, 49), np.where(new > 249, 1.0 + np.exp(-2.0), 1.0)
        gain = 1.6 * (x * np.exp(-(new - since) / 100.0)).sum()
        assert p.weights[0] == pytest.approx(first + gain, rel=1e-6)
        net.reset()
        assert p.params["lam"] == 0.02


def test_what_cannot_be_is_refused_and_changes_nothing():
    net, (p, q, r) = network({"devices": "cpu"})
    plain = net.connect("E", "E", OneToOne(), 1.0, 1.0)
    p.params["w_max"] = 100.0  # before the build
    assert p.plasticity.w_max == 100.0 and q.params["w_max"] == 80.0
    with net:
        net.run(1.0)
        before = dict(p.params)
        for error, words, target, values in (
            (SpikecudaKeyError, "no parameter 'lamb'.*lam", p, {"lamb": 1.0}),
            (SpikecudaValueError, "tau_plus must be", p, {"lam": 0.1, "tau_plus": -1.0}),
            (SpikecudaTypeError, "one number for all", p, {"lam": [0.1, 0.2]}),
            (SpikecudaValueError, "at most 100 in size", p, {"w_max": 100.1}),
            (SpikecudaValueError, "keep its sign", p, {"w_max": -10.0}),
            (SpikecudaValueError, "hold all weights.*assign", p, {"w_max": 20.0}),
            (SpikecudaValueError, "step_up of STDP must be finite", p, {"lam": 1e38}),
            (SpikecudaValueError, "U must", r, {"U": 0.0}),
        ):
            with pytest.raises(error, match=words):
                target.params.update(values)
        assert dict(p.params) == before
        with pytest.raises(SpikecudaError, match="has no rule and no parameters"):
            plain.params  # noqa: B018
        p.weights = 10.0
        p.params["w_max"] = 20.0
        net.run(5.0)
        assert p.weights.max() <= 20.0
        with pytest.raises(SpikecudaValueError, match="within the rule's bounds"):
            p.weights = 21.0


def test_a_modulator_goes_on_and_its_times_stay():
    found = []
    for devices in ("cpu", "cuda-emu"):
        with Network(0.1, 5, devices=devices) as net:
            net.population("E", 30, "lif", receptors={"exc": ExpCurrent(2.0)})
            net.drive("E", Poisson(9000.0, weight=60.0), "exc")
            net.source("reward", 1, SpikeTrain([10.0, 30.0]))
            rule = DopamineSTDP(w_max=60.0, tau_c=500.0)
            p, q = (
                net.connect(
                    "E", "E", FixedInDegree(5), 30.0, 1.5, plasticity=rule, modulator="reward"
                )
                for _ in range(2)
            )
            net.run(20.0)
            p.params["a_plus"] = 3.0
            with pytest.raises(SpikecudaValueError, match=r"tau_n of DopamineSTDP cannot change"):
                p.params["tau_n"] = 100.0
            net.run(20.0)
            found.append([p.weights, q.weights, p.values("c"), q.values("c")])
    assert found[0][0].mean() > found[0][1].mean()
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))
