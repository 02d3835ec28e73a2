"""Ensembles: each replica is a lone network that is told the same, and nothing is lost."""

import copy
import os
import signal
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from steered import bits, equal, network

import spikecuda
from spikecuda import Ensemble, Normal, Poisson, Step, Uniform
from spikecuda.common.host_memory import available_memory
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.errors import (
    ClosedError,
    NumericalError,
    OutOfMemoryError,
    SpikecudaAttributeError,
    SpikecudaError,
    SpikecudaIndexError,
    SpikecudaTypeError,
    SpikecudaValueError,
)
from spikecuda.network import AllToAll, ExpCurrent, FixedProbability, Network, SpikeTrain
from spikecuda.network.ensemble import groups
from spikecuda.network.ensemble.groups import deal
from spikecuda.plasticity import STDP, DopamineSTDP

# A device that is named twice has twice as many replicas.
DEVICES = ["cpu", "cuda-emu", ["cuda-emu:0", "cpu", "cuda-emu:0"]]
SEEDS = ("wiring_seed", "start_seed", "noise_seed")
STATES = [("E", "v"), ("E", "i_exc"), ("I", "v"), ("I", "w")]


def everything(net, result):
    """Return spikes, traces and states."""
    return [*bits(result), *(net[name].state[state] for name, state in STATES)]


def origin(rate=3000.0, amplitude=30.0, **options):
    """Return the steered network with more input: its kernels serve all tests here."""
    net = network(**options)
    net.drive("E", SpikeTrain([1.0, 2.5, 2.5], weight=300.0), "exc")
    return net, net.drive("E", Poisson(rate, 10.0), "exc"), net.drive("I", amplitude)


@settings(max_examples=10)
@given(st.data())
def test_a_replica_is_a_lone_network(data):
    whole = st.integers(0, 2**64 - 1)
    size = data.draw(st.integers(1, 5), "size")
    one = data.draw(st.booleans(), "one wiring")
    seeds = {
        name: [data.draw(whole)] * size if one and name == "wiring_seed"
        else data.draw(st.lists(whole, min_size=size, max_size=size), name)
        for name in SEEDS
    }  # fmt: skip
    trials = data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size), "trials")
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32), "numbers"))
    tau_m, tau_exc = rng.uniform(8.0, 20.0, (2, size))
    tau_w, rates = rng.uniform(50.0, 150.0, (size, 20)), rng.uniform(0.0, 6000.0, size)
    parts = data.draw(st.lists(st.integers(1, 150), min_size=1, max_size=3), "parts")
    threads = data.draw(st.integers(1, 3), "threads")
    net, drive, _ = origin()
    params = {
        "E": {"tau_m": tau_m, "v_th": -49.0, "tau_exc": tau_exc}, "I": {"tau_w": tau_w},
        drive: {"rate": rates},
    }  # fmt: skip
    options = {"threads": threads, "devices": data.draw(st.sampled_from(DEVICES), "devices")}
    with Ensemble(net, size, params=params, seeds=seeds, trials=trials, **options) as e:
        results = [e.run(0.1 * part) for part in parts]
        found = [everything(replica, sum(results)[i]) for i, replica in enumerate(e)]
    for i in range(size):
        own = {name: values[i] for name, values in seeds.items()}
        lone, _, _ = origin(
            rates[i], params={"tau_m": tau_m[i], "v_th": -49.0}, trial=trials[i], **own
        )
        with lone:
            lone["E"].receptors["exc"] = ExpCurrent(tau_exc[i])
            lone["I"].params["tau_w"] = tau_w[i]
            lone_results = [lone.run(0.1 * part) for part in parts]
            assert equal(found[i], everything(lone, sum(lone_results)))


@pytest.mark.parametrize("devices", DEVICES, ids=str)
def test_trials_resets_and_changes_are_those_of_lone_networks(devices):
    net, _, kick = origin()
    with Ensemble(net, 3, trials=[0, 1, 2], threads=2, devices=devices) as e:
        first = e.run(20.0)
        e.reset()
        assert all(equal(bits(a), bits(b)) for a, b in zip(first, e.run(20.0), strict=True))
        e.reset(trial=[2, 0, 5])
        assert e.time == 0.0 and [replica.trial for replica in e] == [2, 0, 5]
        assert equal(bits(e.run(20.0)[0]), bits(first[2]))
        e.reset(trial=1)
        e.update({"E": {"tau_m": [9.0, 10.0, 11.0]}, kick: {"amplitude": [1.0, 2.0, 3.0]}})
        e[1].projections[0].weights = 40.0
        e[2].own(kick).amplitude = 50.0
        found = e.run(20.0)
        weights = [np.unique(replica.projections[0].weights).round(1) for replica in e]
    assert [w.tolist() for w in weights] == [[50.0], [40.0], [50.0]]
    for i in range(3):
        lone, _, _ = origin(amplitude=[1.0, 2.0, 50.0][i], trial=1)
        with lone:
            lone["E"].params["tau_m"] = [9.0, 10.0, 11.0][i]
            if i == 1:
                lone.projections[0].weights = 40.0
            assert equal(bits(found[i]), bits(lone.run(20.0)))


@pytest.mark.parametrize("wiring", [[1, 1, 1, 1], [1, 2, 3, 3]])
def test_an_ensemble_has_as_many_launches_as_one_network(wiring):
    device, launches, rows = CudaEmuDevice(), [], []
    for make in (
        lambda: origin(devices=[device], wiring_seed=1)[0],
        lambda: Ensemble(origin(devices=[device])[0], 4, seeds={"wiring_seed": wiring}),
    ):
        with make() as running:
            running.run(1.0)
            before = device.launches
            running.run(10.0)
            launches.append(device.launches - before)
            rows.append(device.held()["targets"])
        assert device.held() == {}
    device.close()
    assert launches[0] == launches[1] > 0
    assert rows[0] == rows[1] if len(set(wiring)) == 1 else rows[1] > 3 * rows[0]


def test_rows_are_shared_until_a_replica_has_its_own():
    with Ensemble(origin()[0], 3, seeds={"noise_seed": [1, 2, 3]}) as e:
        e.build()
        rows = [
            [r.targets for b in replica._engine.wiring.bundles for r in b.blocks] for replica in e
        ]
        assert all(a is b for other in rows[1:] for a, b in zip(rows[0], other, strict=True))
    with Ensemble(origin()[0], 2, seeds=[1, 2]) as e:
        a, b = (replica.projections[0].connections() for replica in e)
        assert a["target"].size != b["target"].size or np.any(a["target"] != b["target"])


@pytest.mark.parametrize("devices", DEVICES, ids=str)
def test_each_replica_learns_by_itself(devices):
    def learning(**options):
        net, _, _ = origin(**options)
        rule = STDP(w_max=80.0)
        p = net.connect("E", "E", FixedProbability(0.1), 40.0, 1.5, "exc", plasticity=rule)
        p.scale_to_rate(20.0, every=25.0, beta=5.0, gamma=1.0, tau=1.0)  # over both runs
        net.record(p, "weight", every=20.0, only=[3, 5])
        return net

    with Ensemble(learning(), 3, trials=range(3), threads=2, devices=devices) as e:
        found = e.run(60.0) + e.run(60.0)
        weights = [replica.projections[3].weights for replica in e]
    assert len({w.tobytes() for w in weights}) == 3
    for i in range(3):
        with learning(trial=i) as lone:
            result = lone.run(120.0)
            assert np.array_equal(weights[i], lone.projections[3].weights)
            assert np.array_equal(
                result.synapses["E -> E (exc)"]["weight"],
                found[i].synapses["E -> E (exc)"]["weight"],
            )


def test_what_differs_between_steps_is_each_replicas_own_on_a_device():
    def half(trial):
        net = Network(seed=4, precision="float16", devices="cpu", trial=trial)
        net.population("E", 40, "lif", initial={"v": Uniform(-70.0, -52.0)})
        net.drive("E", Step(500.0, start=1.0, stop=8.0))
        net.record("E", ["spikes", "v"], every=1.0)
        return net

    with Ensemble(half(0), 3, trials=range(3), devices="cuda-emu") as e:
        found = e.run(6.0) + e.run(4.0)
    for i in range(3):
        with half(i) as lone:
            result = lone.run(6.0) + lone.run(4.0)
        assert np.array_equal(result.spikes["E"].step, found[i].spikes["E"].step)
        assert np.array_equal(result.traces["E"]["v"], found[i].traces["E"]["v"])
        assert result.num_spikes > 20


def test_networks_of_one_structure_are_an_ensemble():
    nets = [
        origin(wiring_seed=seed, amplitude=10.0 * seed + 5.0 * i)[0]
        for i, seed in enumerate([7, 7, 8])
    ]
    with Ensemble(nets) as e:
        found = e.run(15.0)
        first, second, third = (replica._engine.wiring.bundles[0].blocks[0] for replica in e)
        assert first.targets is second.targets and first.targets is not third.targets
    for net, result in zip(nets, found, strict=True):  # which are as they were
        assert equal(bits(net.run(15.0)), bits(result))


def test_parameters_that_are_drawn_are_drawn_anew_with_another_wiring():
    net = network()
    with Ensemble(net, 2, seeds={"wiring_seed": [3, 9]}) as e:
        with network(wiring_seed=9) as lone:
            assert np.array_equal(e[1]["I"].params["tau_w"], lone["I"].params["tau_w"])
        assert np.array_equal(e[0]["I"].params["tau_w"], net["I"].params["tau_w"])
    net["I"].params["tau_w"] = 50.0
    with Ensemble(net, 2, seeds={"wiring_seed": [3, 9]}) as e:
        assert e[1]["I"].params["tau_w"] == 50.0
    net["I"].params["tau_w"] = Normal(90.0, 5.0)
    net["I"][:4].params["tau_w"] = 60.0
    with pytest.raises(SpikecudaValueError, match="tau_w of I was drawn for some"):
        Ensemble(net, 2, seeds={"wiring_seed": [3, 9]})


def test_pieces_are_seen_and_a_function_ends_the_run():
    seen = []

    def look(e, piece):
        seen.append(piece)
        e.update({"I": {"tau_w": 50.0 + e.time}})
        return e.time < 15.0

    with Ensemble(origin()[0], 2, trials=[0, 1]) as e:
        result = e.run(40.0, every=5.0, call=look)
        assert result.duration == 15.0 and len(seen) == 3 and e.time == 15.0
        with pytest.raises(SpikecudaError, match=r"within run\(call"):
            e.run(10.0, every=5.0, call=lambda e, piece: e.reset())
        assert e.result.duration == 5.0
    assert equal(bits(sum(seen)[1]), bits(result[1]))


@pytest.mark.parametrize("devices", DEVICES, ids=str)
def test_metrics_are_those_of_all_replicas(devices):
    nets = [origin(trial=trial)[0] for trial in range(3)]
    with Ensemble(nets, devices=devices) as e:
        result = e.run(10.0)
        found = e.metrics()
    for net in nets:
        net.run(10.0)
    each = [net.metrics() for net in nets]
    assert found["steps"] == 100 and found["spikes"] == result.num_spikes
    for name in ("num_neurons", "updates", "spikes", "events", "synapses"):
        assert found[name] == sum(metrics[name] for metrics in each), name
    rows = each[0].host_bytes["synapses"]
    assert rows <= found.host_bytes["synapses"] < (1.1 if devices == "cpu" else 2.1) * rows


def test_results_are_one_table():
    pandas = pytest.importorskip("pandas")
    with Ensemble(origin()[0], 3, trials=range(3)) as e:
        e.record("I", "w", every=5.0)
        result = e.run(20.0)
        states = e.state("E", "v")
    assert len(result) == 3 and result.num_spikes == sum(r.num_spikes for r in result)
    assert states.shape == (3, 70) and result.traces("E", "v").shape == (3, 200, 70)
    assert np.array_equal(result.traces("I", "w")[2], result[2].traces["I"]["w"])
    for what in ("spikes", "rates", "traces"):
        table = result.to_dataframe(what, start=5.0)
        assert list(table.columns[:2]) == ["replica", "population"]
        own = result[1].to_dataframe(what, start=5.0)
        mine = table[table.replica == 1].drop(columns="replica").reset_index(drop=True)
        pandas.testing.assert_frame_equal(mine, own)
    assert np.allclose(result.rates()["E"], [r.rates()["E"] for r in result])
    assert result.cv()["I"].shape == result.synchrony()["I"].shape == (3,)
    assert "3 replicas" in repr(result) and "<table" in result._repr_html_()
    assert result.table().row_count == 3
    with pytest.raises(SpikecudaValueError, match=r"traces are there of E\.v, I\.w"):
        result.traces("E", "w")
    with pytest.raises(SpikecudaValueError, match="2 and 3 replicas"):
        spikecuda.network.EnsembleResult(result[:2], 1.0) + result


@pytest.mark.parametrize("devices", DEVICES, ids=str)
def test_what_goes_wrong_in_a_replica_is_named_and_nothing_is_lost(devices):
    net, drive, _ = origin()
    with Ensemble(net, 3, trials=range(3), threads=2, devices=devices) as e:
        e.run(5.0)
        e[1].own(drive).weight = 3e38
        with pytest.raises(NumericalError, match=r"replica 1: \w+ of neuron \d+ of E became NaN"):
            e.run(5.0)
        assert e.time == 10.0 and e.result.duration == 5.0 and len(e.result) == 3
        with origin(trial=2)[0] as lone:
            lone.run(5.0)
            assert equal(bits(e.result[2]), bits(lone.run(5.0)))
        e[1].own(drive).weight = 10.0
        e.reset()
        assert e.run(5.0)[1].num_spikes > 0


@pytest.mark.parametrize("devices", DEVICES, ids=str)
def test_ctrl_c_ends_a_run_with_all_replicas_at_one_step(devices):
    with Ensemble(origin()[0], 3, trials=range(3), threads=2, devices=devices) as e:
        e.run(1.0)
        e._joint._slice = 20
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            e.run(1e5)
        steps = round(e.result.duration / 0.1)
        assert steps > 0 and e.time == pytest.approx(1.0 + 0.1 * steps)
        assert {replica.time for replica in e} == {e.time}
        more = e.run(1.0)
        with origin(trial=1)[0] as lone:
            lone.run(1.0)
            lone.run(0.1 * steps)
            assert equal(bits(more[1]), bits(lone.run(1.0)))


def test_what_one_replica_refuses_changes_none():
    with Ensemble(network(), 3) as e:
        with pytest.raises(SpikecudaValueError, match="replica 2: tau_m must be > 0"):
            e.update({"E": {"v_th": -49.0, "tau_m": [5.0, 6.0, -1.0]}})
        assert [float(replica["E"].params["tau_m"]) for replica in e] == [20.0] * 3
        assert [float(replica["E"].params["v_th"]) for replica in e] == [-50.0] * 3


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"size": 0}, SpikecudaValueError, "size must be from 1 to 1,000,000"),
        ({"size": 2.5}, SpikecudaTypeError, "size must be an integer"),
        ({}, SpikecudaValueError, "size must be given"),
        ({"network": 3, "size": 2}, SpikecudaTypeError, "network must be a Network"),
        ({"size": 3, "params": {"E": {"tau_m": [1.0, 2.0]}}}, SpikecudaValueError,
         r"params\[\"E\"\]\['tau_m'\] must be one number, one for each of the 3"),
        ({"size": 3, "params": {"E": {"tau_m": np.ones((3, 5))}}}, SpikecudaValueError,
         r"shape \(3, 70\) \(got shape \(3, 5\)\)"),
        ({"size": 3, "params": {"E": {"tau": 3.0}}}, SpikecudaError, "no parameter .tau.*tau_m"),
        ({"size": 3, "params": {"X": {"tau_m": 3.0}}}, SpikecudaValueError, "no population 'X'"),
        ({"size": 2, "params": {"E": {"tau_m": [[1.0], [2.0, 3.0]]}}}, SpikecudaValueError,
         r"must be an array, or lists of one length"),
        ({"size": 3, "params": {0: {"tau_m": 1.0}}}, SpikecudaTypeError, "keys of params must be"),
        ({"size": 3, "params": {"E": 3.0}}, SpikecudaTypeError, "must be a dict of name"),
        ({"size": 3, "params": [1]}, SpikecudaTypeError, "params must be a dict"),
        ({"size": 3, "seeds": [1, 2]}, SpikecudaValueError, r"seeds must be one number.*\(got 2\)"),
        ({"size": 3, "seeds": {"noise": 1}}, SpikecudaValueError, "seeds must be by seed, wiring"),
        ({"size": 3, "seeds": [1, 2, -3]}, SpikecudaValueError, r"replica 2: seed must be in"),
        ({"size": 3, "trials": [0.5, 1, 2]}, SpikecudaTypeError, "replica 0: trial must be an"),
        ({"size": 3, "threads": 0}, SpikecudaValueError, "threads must be"),
        ({"size": 3, "devices": "gpu"}, SpikecudaValueError, "must be one of cpu"),
        ({"size": 1_000_000}, OutOfMemoryError, "an ensemble of 1,000,000 networks needs about"),
    ],
)  # fmt: skip
def test_what_cannot_be_an_ensemble_is_refused(arguments, kind, text):
    net = network()
    with pytest.raises(kind, match=text):
        Ensemble(**{"network": net, **arguments})
    assert net.run(1.0).duration == 1.0


def test_rules_that_ensembles_do_not_have_on_devices_are_refused():
    net = network()
    rule = DopamineSTDP(w_max=80.0)
    net.connect("E", "E", AllToAll(), 1.0, 1.5, "exc", plasticity=rule, modulator="I")
    with Ensemble(net, 2, devices="cuda-emu") as e:
        with pytest.raises(SpikecudaError, match=r"with a modulator.*\(got E -> E"):
            e.run(1.0)
        assert e.time == 0.0


def test_what_has_no_replicas_or_populations_is_said():
    with pytest.raises(SpikecudaError, match="without a population"):
        Ensemble(Network(devices="cpu"), 2)
    e = Ensemble(network(), 2)
    assert len(e[:1]) == 1 and e[-1] is e[1] and list(e) == [e[0], e[1]]
    with pytest.raises(IndexError, match=r"replicas 0 to 1 \(got 2\)"):
        e[2]
    with pytest.raises(TypeError, match=r"replicas 0 to 1 \(got 'E'\)"):
        e["E"]
    with pytest.raises(SpikecudaError, match="an Ensemble cannot be copied"):
        copy.copy(e)
    assert e.run(0.0).num_spikes == 0 and e.run(2.0).duration == 2.0


def test_networks_of_other_structure_are_refused():
    first = network()
    others = {
        "precision": network(precision="float64"), "the list of populations": network(),
        "the list of drives": network(),
        "what is recorded": network(),
    }  # fmt: skip
    others["the list of populations"].population("X", 3, "lif")
    for name in ("E", "I"):
        others["the list of drives"].drive(name, 1.0)
    others["what is recorded"].record("I", "w")
    ports = {"exc": ExpCurrent(5.0), "inh": ExpCurrent(10.0)}
    for what, net in others.items():
        with pytest.raises(SpikecudaValueError, match=f"structure: {what} of network 1 is"):
            Ensemble([first, net])
    small = [Network(seed=3, devices="cpu") for _ in range(2)]
    for net, n in zip(small, (70, 71), strict=True):
        net.population("E", n, "lif", receptors=ports)
    with pytest.raises(SpikecudaValueError, match="E of network 1 is 71 lif neurons"):
        Ensemble(small)
    small = [Network(seed=3, devices="cpu") for _ in range(2)]
    for net, rule in zip(small, (AllToAll(), "one_to_one"), strict=True):
        net.population("E", 70, "lif", receptors=ports)
        net.connect("E", "E", rule, 1.0, 1.0, "exc")
    with pytest.raises(SpikecudaValueError, match=r"E -> E \(exc\) of network 1 is OneToOne"):
        Ensemble(small)
    with pytest.raises(SpikecudaValueError, match="size must be the number of networks, 1"):
        Ensemble([first], 2)


def test_what_belongs_to_the_ensemble_is_refused_in_a_replica():
    net = network()
    with Ensemble(net, 2) as e:
        for call in (
            lambda r: r.run(1.0), lambda r: r.reset(), lambda r: r.close(),
            lambda r: r.record("E", "v"), lambda r: r.metrics(),
        ):  # fmt: skip
            with pytest.raises(SpikecudaError, match="replica 1 is one of an ensemble"):
                call(e[1])
        with pytest.raises(SpikecudaError, match="replicas of an ensemble are not saved"):
            e[1].save("replica.spk")
        assert [type(drive.input) for drive in e[1].drives] == [type(d.input) for d in net.drives]
        with pytest.raises(SpikecudaError, match="in a replica of an ensemble"):
            e[1].population("X", 3, "lif")
        for build in (lambda: None, e.build):
            build()
            with pytest.raises(SpikecudaError, match="cannot add a SpikeTrain"):
                e[1].drive("E", SpikeTrain([1.0], weight=1.0), "exc")
        with pytest.raises(SpikecudaValueError, match="part must be"):
            e[1].own(e[0]["E"])
        with pytest.raises(SpikecudaValueError, match="part must be a population, view, proj"):
            e.update({network().drive("E", 1.0): {"amplitude": 1.0}})
        with pytest.raises(SpikecudaTypeError, match="population must be a population of the net"):
            e.record(3)
    e.close()
    for call in (lambda: e.run(1.0), lambda: e[0]["E"].state["v"]):
        with pytest.raises(ClosedError):
            call()
    net.projections[0].weights = 40.0
    with pytest.raises(SpikecudaError, match="whose weights were assigned"):
        Ensemble(net, 2)


@pytest.mark.parametrize("devices", ["cuda-emu", ["cuda-emu:0", "cpu", "cuda-emu:1"]], ids=str)
def test_what_builds_an_ensemble_acts_on_the_replica_that_was_asked(devices, monkeypatch):
    # By their speed, emulated devices would have none.
    monkeypatch.setattr(groups, "deal", lambda weights, size: deal([1.0] * len(weights), size))
    for first in range(3):
        with Ensemble(origin()[0], 3, trials=range(3), devices=devices) as e:
            e[first]["E"].state["v"] = -51.0
            assert len(e._joint.groups) == (1 if devices == "cuda-emu" else 3)
            assert [bool(np.all(r["E"].state["v"] == -51.0)) for r in e] == [
                i == first for i in range(3)
            ]


def test_a_train_that_is_removed_from_a_replica_is_gone_from_that_one():
    found = []
    for built in (False, True):
        net, _, _ = origin()
        with Ensemble(net, 2) as e:
            if built:
                e.build()
            e[1].drives[2].remove()
            found.append([bits(result) for result in e.run(10.0)])
    with network() as lone:
        lone.drive("E", Poisson(3000.0, 10.0), "exc")
        lone.drive("I", 30.0)
        assert equal(found[0][1], bits(lone.run(10.0)))
    assert all(equal(a, b) for a, b in zip(*found, strict=True))
    assert not equal(found[0][0], found[0][1])


def test_parts_of_the_first_network_stand_for_those_of_all():
    (first, drive, _), (second, other, _) = origin(), origin()
    with Ensemble([first, second], params={drive: {"rate": [100.0, 200.0]}}) as e:
        assert [replica.own(drive).rate for replica in e] == [100.0, 200.0]
        assert e[1].own(drive) is e[1].own(other) and e[1].own(first["E"]) is e[1]["E"]
        with pytest.raises(SpikecudaValueError, match="of several networks of the first one"):
            e.update({other: {"rate": 3.0}})
    for net, neurons in zip([first, second], (2, 3), strict=True):
        net.drive(net["E"][:neurons], SpikeTrain([1.0], [0], weight=1.0), "exc")
    with pytest.raises(SpikecudaValueError, match=r"of spike trains of network 1 is.* 3 of ne"):
        Ensemble([first, second])


@pytest.mark.parametrize("devices", DEVICES, ids=str)
def test_what_all_replicas_record_has_to_fit(devices):
    net, _, _ = origin()
    with Ensemble(net, 3, devices=devices) as e:
        # Each by itself would fit, and is not even begun.
        steps = available_memory() / (8 * 70) / 2
        with pytest.raises(OutOfMemoryError, match=r"each of 3 replicas needs .*only="):
            e.run(0.1 * int(steps))
        assert e.time == 0.0
        e.run(1.0)
    p = net.connect("E", "E", AllToAll(), 1.0, 1.5, "exc", plasticity=STDP(w_max=80.0))
    net.record(p, "weight", every=0.1, only=slice(0, 1000))
    refused = pytest.raises(OutOfMemoryError, match=r"each of 3 replicas needs .*only=")
    with Ensemble(net, 3, devices=devices) as e, refused:
        e.run(0.1 * int(available_memory() / 4000 / 2))


def test_an_original_may_have_synapses_that_do_not_learn_yet():
    net, _, _ = origin()
    p = net.connect("E", "E", FixedProbability(0.1), 40.0, 1.5, "exc", plasticity=STDP(w_max=80.0))
    p.plastic = False
    assert not net.built
    with Ensemble(net, 2) as e:
        e[1].own(p).plastic = True
        e.run(30.0)
        assert [np.unique(r.own(p).weights.round(3)).size == 1 for r in e] == [True, False]
    net.run(30.0)
    assert np.unique(p.weights.round(3)).size == 1
    with pytest.raises(SpikecudaError, match=r"was built, and whose synapses E -> E \(exc\) learn"):
        Ensemble(net, 2)


def test_populations_and_views_stand_for_their_names():
    net, _, _ = origin()
    with Ensemble(net, 2, params={net["E"]: {"tau_m": [9.0, 10.0]}}) as e:
        e.update({e[1]["E"][:3]: {"v_th": [-49.0, -48.0]}, net["I"]: {"tau_w": 80.0}})
        assert [float(r["E"].params["tau_m"]) for r in e] == [9.0, 10.0]
        assert [r["E"].params["v_th"][2:4].tolist() for r in e] == [[-49.0, -50.0], [-48.0, -50.0]]
        assert e[1]["I"].params["tau_w"] == 80.0
        v = e.state("E", "v")
        assert np.array_equal(e.state(net["E"], "v"), v)
        assert np.array_equal(e.state(e[0]["E"][2:5], "v"), v[:, 2:5])
        e.record(net["I"], "w", every=0.1)
        with pytest.raises(SpikecudaValueError, match="neurons of E must be under one key"):
            e.update({"E": {"tau_m": 3.0}, net["E"][:2]: {"v_th": -45.0}})
        for other in (network()["E"], network()["E"][:2]):
            with pytest.raises(SpikecudaValueError, match="part must be"):
                e.state(other, "v")


def test_trains_of_replicas_have_lengths_of_their_own():
    net, _, _ = origin()
    times = [[1.0, 2.0, 3.0], [], np.array([4.0])]
    with Ensemble(net, 3, params={net.drives[2]: {"times": times}}) as e:
        assert [r.drives[2].times.tolist() for r in e] == [[1.0, 2.0, 3.0], [], [4.0]]
        result = e.run(10.0)
    with network() as lone:
        lone.drive("E", SpikeTrain([4.0], weight=300.0), "exc")
        lone.drive("E", Poisson(3000.0, 10.0), "exc")
        lone.drive("I", 30.0)
        assert equal(bits(result[2]), bits(lone.run(10.0)))


def test_what_is_not_there_is_said_with_what_is():
    net, drive, _ = origin()
    with Ensemble(net, 2) as e:
        result = e.run(2.0)
        for things in (e, result):
            with pytest.raises(SpikecudaIndexError, match=r"replicas 0 to 1 \(got 9\)"):
                things[9]
            with pytest.raises(SpikecudaTypeError, match=r"replicas 0 to 1 \(got 'E'\)"):
                things["E"]
        with pytest.raises(SpikecudaError, match=r"ensemble\.result\[1\]"):
            e[1].result  # noqa: B018
        for name, text in {
            "save": "are not saved", "drive": r"ensemble\[i\]\.drive",
            "seed": r"ensemble\[i\]\.seed",
            "updat": "did you mean 'update'",
        }.items():  # fmt: skip
            with pytest.raises(SpikecudaAttributeError, match=text):
                getattr(e, name)
        with pytest.raises(SpikecudaAttributeError, match=r"own\(drive\)\.input = value"):
            e.update({drive: {"input": Poisson(1.0, 1.0)}})
        with pytest.raises(SpikecudaTypeError, match=r"until must return True or False.*all\(\)"):
            e.run(2.0, every=1.0, until=lambda e, piece: piece.rates()["E"] > 0.0)
        with pytest.raises(SpikecudaValueError, match=r"; ensemble\.record"):
            result.to_dataframe("synapses")
        assert "2 replicas of" in repr(e) and "1 replica of" in repr(Ensemble(net, 1))


def test_another_thread_asks_for_metrics_within_a_run():
    seen = []

    def look(e, piece):
        thread = threading.Thread(target=lambda: seen.append(e.metrics()["steps"]))
        thread.start()
        thread.join()

    with Ensemble(origin()[0], 2) as e:
        e.run(2.0, every=1.0, call=look)
    assert seen == [10, 20]
