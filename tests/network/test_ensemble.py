"""Ensembles: replicas advance together, come back as one result, and nothing is lost."""

import copy
import os
import signal
import threading

import numpy as np
import pytest
from replicated import DEVICES, origin
from steered import bits, equal, network

import spikecuda
from spikecuda import Ensemble, Poisson
from spikecuda.common.host_memory import available_memory
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.errors import (
    NumericalError,
    OutOfMemoryError,
    SpikecudaAttributeError,
    SpikecudaError,
    SpikecudaIndexError,
    SpikecudaTypeError,
    SpikecudaValueError,
)
from spikecuda.network import AllToAll, Network
from spikecuda.plasticity import STDP, DopamineSTDP


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
    # What a processor reads of a segment takes 8 bytes, elsewhere it is 6.
    low, high = (1.0, 1.1) if devices == "cpu" else (6 / 8, 2.1)
    assert low * rows <= found.host_bytes["synapses"] < high * rows


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


def test_what_is_not_there_is_said_with_what_is():
    net, drive, _ = origin()
    with Ensemble(net, 2) as e:
        result = e.run(2.0)
        for pieces in ({}, {"every": 1.0, "call": lambda e, piece: None}):
            with pytest.raises(SpikecudaTypeError, match="progress must be"):
                e.run(2.0, progress="live", **pieces)
        assert e.result is result
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


def test_a_build_that_breaks_off_gives_everything_back():
    device = CudaEmuDevice()

    def stop(done, total):
        if device.held():
            raise KeyboardInterrupt

    with Ensemble(origin()[0], 2, devices=[device]) as e:
        with pytest.raises(KeyboardInterrupt):
            e.build(stop)
        assert device.held() == {}
        assert e.run(1.0).duration == 1.0
    device.close()


def test_what_only_a_network_runs_with_is_refused_by_name():
    net = Network(devices="cpu")
    net.population("a", 5)
    ensemble = Ensemble(net, 2)
    for name, value, remedy in (
        ("realtime", True, "run one Network with realtime=True"),
        ("save_to", "x", "in call="),
        ("gather", False, "leave it out"),
        ("untill", None, "a run of an ensemble takes duration"),
    ):
        with pytest.raises(SpikecudaTypeError, match=f"{name}=.*{remedy}|{remedy}.*{name}="):
            ensemble.run(1.0, **{name: value})
