"""Replicas: each is a lone network that is told the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replicated import DEVICES, everything, origin
from steered import bits, equal, network

from spikecuda import Ensemble, Normal, Poisson, Step, Uniform
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.errors import ClosedError, SpikecudaError, SpikecudaTypeError, SpikecudaValueError
from spikecuda.network import ExpCurrent, FixedProbability, Network, SpikeTrain
from spikecuda.network.ensemble import groups
from spikecuda.network.ensemble.groups import deal
from spikecuda.plasticity import STDP

SEEDS = ("wiring_seed", "start_seed", "noise_seed")


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
