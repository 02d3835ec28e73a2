"""Networks of the PyNN backend: NEST's spikes, and what changes between runs."""

import importlib.util
import json
import lzma
import pickle
from pathlib import Path

import numpy as np
import pytest
from backend import driven, setup, trains, values

import spikecuda.pynn as sim
from spikecuda.errors import SpikecudaError

ROOT = Path(__file__).resolve().parents[2]


def network_script():
    path = ROOT / "bench" / "peers" / "pynn_network.py"
    spec = importlib.util.spec_from_file_location("pynn_network", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_spikes_and_weights_are_those_of_pynn_nest():
    """The same script: spikes of 100 neurons for 300 ms, and what synapses have learned."""
    theirs = json.loads(lzma.decompress((Path(__file__).parent / "nest.json.xz").read_bytes()))
    ours = network_script().simulate(sim, precision="float64", threads=1)
    assert ours["spikes"] == theirs["spikes"]
    assert sum(map(len, ours["spikes"])) == 863
    np.testing.assert_allclose(ours["v"], theirs["v"], rtol=0, atol=5e-7)
    np.testing.assert_allclose(ours["weights"], theirs["weights"], rtol=0, atol=1e-11)


def test_a_run_has_the_same_results_in_pieces_and_after_a_reset():
    setup(seed=3)
    cells, steady, changing = driven(i_offset=0.6)
    steady.set_parameters(amplitude=0.2, start=3.05, stop=11.0)
    changing.set_parameters(times=[2.0, 7.0, 9.5], amplitudes=[0.3, -0.2, 0.1])
    given = sim.Population(2, sim.SpikeSourceArray(spike_times=[4.0, 4.04, 12.0]))
    projection = sim.Projection(
        given, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.5)
    )
    given.record("spikes")
    cells.record(["spikes", "v", "isyn_exc"])
    steady.record()
    net = sim.get_network()
    assert "cells" in str(net.summary()) and net.time == 0.0
    sim.run(20.0)
    assert net is sim.get_network() and net.metrics().steps == 200
    sim.reset()
    for stop in (0.1, 3.1, 3.7, 11.0, 20.0):
        sim.run_until(stop)
    data = cells.get_data()
    first, second = data.segments
    for name in ("v", "isyn_exc"):
        whole, pieces = (s.filter(name=name)[0].magnitude for s in (first, second))
        assert whole.shape == (201, 3)
        np.testing.assert_array_equal(whole, pieces)
    assert [list(t.magnitude) for t in first.spiketrains] == [
        list(t.magnitude) for t in second.spiketrains
    ]
    assert sum(map(len, first.spiketrains)) > 0
    # Two spikes in a step count as two, and are recorded on the grid.
    assert list(trains(given)[0]) == [4.0, 4.0, 12.0]
    assert first.filter(name="isyn_exc")[0].magnitude[41, 0] == pytest.approx(6.0, rel=1e-6)
    current = steady.get_data().magnitude[:, 0]
    np.testing.assert_array_equal(np.flatnonzero(current), np.arange(31, 110))
    # All that changes from here on acts from the next step on.
    before, flowing = (values(cells, name)[-1, 0] for name in ("v", "isyn_exc"))
    cells.set(tau_m=10.0, v_rest=-60.0)
    cells[1:2].initialize(v=-55.0)
    projection.set(weight=np.full((2, 3), 3.0))
    given.set(spike_times=[[1.0, 21.0], []])
    steady.set_parameters(amplitude=0.0)
    changing.set_parameters(times=[0.0], amplitudes=[0.0])
    sim.run(10.0)
    assert list(trains(given)[0]) == [4.0, 4.0, 12.0, 21.0]
    v, i = values(cells, "v"), values(cells, "isyn_exc")
    assert v.shape == (301, 3)
    assert v[201, 1] > -55.2 and v[200, 0] == before
    assert i[211, 0] - i[210, 0] * np.exp(-0.1 / 5.0) == pytest.approx(3.0, rel=1e-6)
    goal = -60.0 + 10.0 * (0.6 + flowing)
    assert v[201, 0] == pytest.approx(goal + (before - goal) * np.exp(-0.01), abs=2e-3)
    with pytest.raises(SpikecudaError, match=r"delays cannot change after run"):
        projection.set(delay=2.0)
    with pytest.raises(SpikecudaError, match=r"a population cannot be added after run\(\)"):
        sim.Population(1, sim.IF_curr_exp())
    assert projection.get("delay", format="list")[0] == (0.0, 0.0, 0.1)
    sim.reset()
    sim.Population(1, sim.IF_curr_exp())  # the network is built anew
    sim.run(2.0)
    assert values(cells, "v")[0].tolist() == [-65.0, -55.0, -65.0]
    sim.end()


def test_records_begin_end_and_are_cleared(tmp_path):
    setup()
    cells, *_ = driven(4, i_offset=2.0)
    cells[:2].record("v", sampling_interval=0.5)
    cells.record("spikes", to_file=str(tmp_path / "spikes.pkl"))
    for stop in range(1, 101):
        sim.run_until(0.1 * stop)  # most pieces have no sample
    with pytest.raises(SpikecudaError, match=r"sampling_interval must be a multiple of dt"):
        cells.record("v", sampling_interval=0.25)
    cells[2:].record("v", sampling_interval=0.5)
    sim.run(5.2)
    v = values(cells, "v")
    assert v.shape == (31, 4)
    np.testing.assert_array_equal(np.isnan(v).any(axis=1), np.arange(31) < 20)
    assert not np.isnan(v[:, :2]).any() and v[20, 2] == v[20, 0]
    assert cells[2:].get_data("v").segments[0].analogsignals[0].shape == (31, 2)
    counts = cells.get_spike_counts()
    assert len(set(counts.values())) == 1 and cells.mean_spike_count() > 0
    block = cells.get_data(clear=True)
    sim.run(5.0)
    later = cells.get_data().segments[0]
    assert float(later.filter(name="v")[0].t_start) == 15.0  # the last sample before
    assert later.filter(name="v")[0].shape == (11, 4)
    assert all(float(t) > 15.2 for train in later.spiketrains for t in train)
    sim.end()
    with open(tmp_path / "spikes.pkl", "rb") as file:
        written = pickle.load(file).segments[0]
    assert len(written.spiketrains) == 4 and not written.analogsignals
    assert block.segments[0].filter(name="v")[0].shape == (31, 4)
    assert cells.get_data().segments[0].filter(name="v")[0].shape == (11, 4)  # after the end, too


def test_noise_differs_between_trials_and_callbacks_run():
    setup(seed=5)
    cells, *_ = driven()
    noise = sim.NoisyCurrentSource(mean=0.3, stdev=0.5, dt=0.5, start=1.0, stop=8.0)
    noise.inject_into(cells)
    noise.record()
    calls = []

    def note(t):
        calls.append(t)
        return t + 2.5

    sim.run(10.0, callbacks=[note])
    assert calls == pytest.approx([0.0, 2.5, 5.0, 7.5, 10.0])
    first = noise.get_data().magnitude[:, 0]
    assert first.shape == (101,) and not first[:10].any() and not first[80:].any()
    assert len(np.unique(first[10:80])) == 14 and len(np.unique(first[10:15])) == 1
    sim.reset()
    sim.run(10.0)
    assert not np.array_equal(noise.get_data().magnitude[:, 0], first)
    sim.end()
