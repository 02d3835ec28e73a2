"""Weights recorded within a run are those read between runs, and recording changes no bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import LogNormal, Parameter, Poisson, Uniform
from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError
from spikecuda.network import (
    AllToAll,
    ExpCurrent,
    FixedInDegree,
    Network,
    NetworkResult,
    OneToOne,
    SpikeTrain,
)
from spikecuda.plasticity import STDP, PostTrace, PreTrace, SynapseRule, Variable

EVERYWHERE = (
    {"devices": "cpu", "threads": 1}, {"devices": "cpu", "threads": 2, "partitions": 5},
    {"devices": ["cpu:0", "cpu:1"]}, {"devices": "cuda-emu"},
)  # fmt: skip


class Tagged(SynapseRule):
    """Pair STDP with a tag that decays."""

    tau = Parameter(20.0, "ms", "of all", above=0.0)
    x, y = PreTrace("tau"), PostTrace("tau")
    c = Variable(0.5, "mV", decay="tau")

    def on_post(w, c, x):
        return w + x, c + x

    def on_pre(w, c, y):
        return w - y, c - y


def network(options, rule, seed=3, delay=1.5, **more):
    net = Network(0.1, seed, **options)
    net.population("E", 150, "lif", receptors={"exc": ExpCurrent(2.0)})
    net.source("S", 5, SpikeTrain(np.arange(1, 40) * 2.5, np.arange(39) % 5))
    net.drive("E", Poisson(9000.0, weight=60.0), "exc")
    net.connect("S", "E", AllToAll(), 20.0, 0.7)
    p = net.connect("E", "E", FixedInDegree(20), 30.0, delay, plasticity=rule, **more)
    return net, p


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 2**32), every=st.sampled_from([0.1, 3.0, 12.5]),
    pieces=st.lists(st.sampled_from([0.4, 12.5, 17.3]), min_size=1, max_size=3),
    only=st.sampled_from(
        [None, slice(5, 9), slice(None, None, 7), [3, 4, 2999], range(0, 3000, 2)]
    ),
    options=st.sampled_from(EVERYWHERE),
    delay=st.sampled_from([1.5, Uniform(0.5, 4.0)]),
)  # fmt: skip
def test_samples_are_what_is_read(seed, every, pieces, only, options, delay):
    rule = Tagged(w_max=80.0)
    net, p = network(EVERYWHERE[0], rule, seed, delay)
    index, expected, spikes = slice(None) if only is None else only, [], []
    index = list(index) if isinstance(index, range) else index
    done = 0
    while done < round(10 * sum(pieces)):
        step = min(round(10 * every), round(10 * sum(pieces)) - done)
        spikes.append(net.run(step / 10).spikes["E"].step)
        done += step
        if done % round(10 * every) == 0:
            expected.append([p.weights[index], p.values("c")[index]])
    listed = p.connections()
    other, q = network(options, rule, seed, delay)
    other.record(q, ["weight", "c"], every=every, only=None if only is None else index)
    results = [other.run(ms) for ms in pieces]
    assert np.array_equal(
        np.concatenate([r.spikes["E"].step for r in results]), np.concatenate(spikes)
    )
    assert np.array_equal(q.weights, p.weights)
    traces = [r.synapses[q] for r in results]
    for i, name in enumerate(["weight", "c"]):
        found = np.concatenate([t[name] for t in traces])
        assert found.shape[0] == len(expected)
        assert all(np.array_equal(a, b[i]) for a, b in zip(found, expected, strict=True))
    times = np.concatenate([t.time for t in traces])
    assert times == pytest.approx(every * np.arange(1, len(expected) + 1))
    assert np.array_equal(traces[0].source, listed["source"][index])
    assert np.array_equal(traces[0].target, listed["target"][index])
    net.close()
    other.close()


def test_inhibitory_weights_are_negative():
    net, p = network(EVERYWHERE[0], STDP(w_max=30.0))
    q = net.connect("E", "E", OneToOne(), -3.0, 1.0, plasticity=STDP(w_max=-6.0))
    for projection in (p, q):
        net.record(projection, "weight", every=5.0)
    result = net.run(20.0)
    for projection, label in ((p, "E -> E (exc)"), (q, f"E -> E (exc) {q.number}")):
        assert np.array_equal(result.synapses[projection]["weight"][-1], projection.weights)
        assert result.synapses[label] is result.synapses[projection]
    net.record(p, None)
    assert list(net.run(5.0).synapses) == ["E -> E (exc)"]


def test_a_result_with_synapses_is_saved_and_read(tmp_path):
    net, p = network(EVERYWHERE[1], Tagged(w_max=80.0))
    net.record(p, ("c", "weight"), every=5.0, only=slice(10))
    result = net.run(20.0)
    found = NetworkResult.load(result.save(tmp_path / "r.npz")).synapses[p]
    wanted = result.synapses[p]
    assert list(found) == ["c", "weight"] and found.number == p.number
    assert found.units == {"c": "mV", "weight": "pA"}
    for name in ("time", "source", "target"):
        assert np.array_equal(getattr(found, name), getattr(wanted, name))
    for name in found:
        assert np.array_equal(found[name], wanted[name])


def test_a_data_frame_has_a_row_for_each_sample_and_synapse():
    net, p = network(EVERYWHERE[1], Tagged(w_max=80.0))
    q = net.connect("E", "E", OneToOne(), -3.0, 1.0, plasticity=STDP(w_max=-6.0))
    net.record(p, ("c", "weight"), every=5.0, only=slice(10))
    net.record(q, "weight", every=10.0, only=slice(3))
    result = net.run(20.0)
    with pytest.raises(SpikecudaValueError, match="traces, rates, synapses"):
        result.to_dataframe("weights")
    pytest.importorskip("pandas")
    frame = result.to_dataframe("synapses")
    assert list(frame) == ["projection", "source", "target", "time", "c", "weight"]
    assert len(frame) == 10 * 4 + 3 * 2
    mine = frame[(frame["projection"] == p.name) & (frame["time"] == 10.0)]
    wanted = result.synapses[p]
    assert np.array_equal(mine["weight"], wanted["weight"][1])
    assert np.array_equal(mine["target"], wanted.target)
    assert len(result.to_dataframe("synapses", 5.0, 15.0)) == 10 * 2 + 3
    net.record(p, None)
    net.record(q, None)
    with pytest.raises(SpikecudaValueError, match="no synapses were recorded"):
        net.run(1.0).to_dataframe("synapses")


def test_bad_records_are_said_before_the_build():
    net, p = network(EVERYWHERE[0], STDP(w_max=80.0))
    static = net.connect("E", "E", OneToOne(), 3.0, 1.0)
    q = network(EVERYWHERE[0], STDP(w_max=80.0))[1]
    for error, words, target, what, more in (
        (SpikecudaError, "do not learn.*plasticity=", static, "weight", {"every": 1.0}),
        (SpikecudaValueError, "another network", q, "weight", {"every": 1.0}),
        (SpikecudaValueError, "'weigth'.*it has weight", p, "weigth", {"every": 1.0}),
        (SpikecudaValueError, "it has weight", p, "spikes", {}),
        (SpikecudaValueError, "every must be given", p, "weight", {}),
        (SpikecudaValueError, "multiple of dt", p, "weight", {"every": 0.15}),
        (SpikecudaValueError, "from 0 to 2,999", p, "weight", {"every": 1.0, "only": [3000]}),
        (SpikecudaValueError, "ascending", p, "weight", {"every": 1.0, "only": [3, 3]}),
        (SpikecudaValueError, "one entry for each", p, "weight", {"every": 1.0, "only": [True]}),
        (
            SpikecudaTypeError,
            "a slice, numbers or a mask",
            p,
            "weight",
            {"every": 1.0, "only": "a"},
        ),
        (SpikecudaValueError, "must name something", p, (), {"every": 1.0}),
        *(
            (SpikecudaValueError, words, p, "weight", {"every": 1.0, "only": only})
            for words in ("only must choose.*3,000.*none",)
            for only in ([], slice(3000, 3010), slice(0, 0), np.zeros(3000, bool))
        ),
        (SpikecudaValueError, "every must be left out.*1.0", p, None, {"every": 1.0}),
        (SpikecudaValueError, "only must be left out", p, None, {"only": [0]}),
        (SpikecudaValueError, "every must be left out", "E", None, {"every": 1.0}),
        (SpikecudaValueError, "only must be left out", "E", None, {"only": [0]}),
    ):
        with pytest.raises(error, match=words):
            net.record(target, what, **more)
    assert not net.built
    with pytest.raises(KeyError, match="records them"):
        net.run(1.0).synapses[p]


def test_a_picture_of_no_sample_says_what_to_do():
    net, p = network(EVERYWHERE[0], STDP(w_max=80.0))
    net.record(p, "weight", every=5.0)
    net.record("E", "v", every=5.0)
    result = net.run(3.0)
    with pytest.raises(SpikecudaValueError, match=r"E -> E.*0 samples.*0 to 3 ms.*smaller every"):
        result.plot_weights(p)
    with pytest.raises(SpikecudaValueError, match=r"v of E must.*\(0, 150\).*smaller every"):
        result.plot_traces()


def test_the_units_of_other_distributions_and_kinds():
    net, p = network(EVERYWHERE[0], STDP(w_max=80.0), delay=LogNormal(2.0, 0.5))
    net.record(p, "weight", every=1.0, only=slice(1, 2))
    assert net.run(3.0).synapses[p]["weight"].dtype == np.float32


class Jumping(SynapseRule):
    """Random steps beside a variable that decays: what is read asks for both."""

    tau = Parameter(20.0, "ms", "of c", above=0.0)
    c = Variable(0.5, decay="tau")

    def on_post(w, c, uniform):
        return w + uniform, c

    def on_pre(w, c, uniform):
        return w - uniform, c


def test_random_numbers_do_not_depend_on_when_synapses_are_settled():
    found = []
    for settle in (False, True):
        with Network(0.1, 4, devices="cpu") as net:
            net.population("E", 30, "lif", receptors={"exc": ExpCurrent(2.0)})
            net.drive("E", Poisson(9000.0, weight=60.0), "exc")
            p = net.connect("E", "E", FixedInDegree(60), 5.0, 1.5, plasticity=Jumping(w_max=10.0))
            for _ in range(40):
                net.run(1.0)
                if settle:
                    p.plastic = True
            found.append(p.weights)
    assert found[0].std() > 0.5 and np.array_equal(*found)


def test_synapses_are_ordered_by_keys_as_by_columns(monkeypatch):
    net, p = network(EVERYWHERE[1], STDP(w_max=80.0), delay=Uniform(0.5, 4.0))
    with net:
        found = p.connections()
        monkeypatch.setattr("spikecuda.network.synapses.access.MOST_BITS", 0)
        other = p.connections()
    for name in found:
        assert np.array_equal(found[name], other[name])
