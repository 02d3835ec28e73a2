"""DataFrames of networks, pools and systems have every spike, sample and rate, and no other."""

import dataclasses
import sys

import numpy as np
import pytest
from recorded import make

from spikecuda import GPUNeuronPool, MultiGPUNeuronSystem, SpikecudaError
from spikecuda.errors import MissingPackageError

pandas = pytest.importorskip("pandas", reason="the extra pandas is not installed")


@pytest.fixture(scope="module")
def result():
    return make()


@pytest.mark.parametrize("window", [(None, None), (300.0, 700.5), (400.0, 400.0)])
def test_spikes_of_a_network(result, window):
    frame = result.to_dataframe("spikes", *window)
    assert list(frame.columns) == ["population", "neuron", "time"]
    assert list(frame["population"].cat.categories) == list(result.spikes)
    first = 250.0 if window[0] is None else window[0]
    last = 1250.0 if window[1] is None else window[1]
    expected = [
        (name, n, t)
        for name, spikes in result.spikes.items()
        for n, t in zip(spikes.neuron, spikes.time, strict=True)
        if first + 0.05 < t < last + 0.05
    ]
    found = list(zip(*(frame[column] for column in frame.columns), strict=True))
    assert found == expected
    assert frame["neuron"].dtype == np.int32 and frame["time"].dtype == np.float64


def test_rates_of_a_network(result):
    frame = result.to_dataframe("rates", 300.0, 800.0)
    assert list(frame.columns) == ["population", "neuron", "spikes", "rate"]
    assert len(frame) == 400 + 100 + 10
    mean = frame.groupby("population", observed=True)["rate"].mean()
    assert mean.to_dict() == pytest.approx(result.rates(300.0, 800.0))
    row = frame[(frame["population"] == "thalamus") & (frame["neuron"] == 35)]
    times = result.spikes["thalamus"].of(35)
    assert row["spikes"].item() == ((times > 300.05) & (times < 800.05)).sum() > 0
    assert result.to_dataframe("rates", 300.0, 300.0)["rate"].isna().all()


def test_traces_of_a_network(result):
    frame = result.to_dataframe("traces")
    assert list(frame.columns) == ["population", "neuron", "time", "v", "w", "x"]
    assert len(frame) == 100 * 3 + 100 * 10
    one = frame[(frame["population"] == "L2/3E") & (frame["neuron"] == 2)]
    column = list(result.trace_neurons("L2/3E")).index(2)
    assert np.array_equal(one["time"], result.trace_times["L2/3E"])
    assert np.array_equal(one["v"], result.traces["L2/3E"]["v"][:, column])
    assert one["v"].dtype == np.float32 and one["x"].isna().all()
    part = result.to_dataframe("traces", 260.0, 270.0)
    assert sorted(set(part["time"])) == pytest.approx(np.arange(261.0, 271.0))


def test_a_pool_and_a_system():
    with GPUNeuronPool(5, device="cpu") as pool:
        pool.run(10.0, input=500.0)
        run = pool.run(40.0, input=500.0, record="v")
        assert len(run.spikes)
        frame = run.to_dataframe()
        assert list(frame.columns) == ["neuron", "time"] and len(frame) == len(run.spikes)
        assert np.array_equal(frame["time"], run.spikes.time)
        rates = run.to_dataframe("rates")
        assert rates["neuron"].tolist() == list(range(5))
        assert np.array_equal(rates["spikes"], run.spikes.counts(5))
        assert rates["rate"].tolist() == [n / 0.04 for n in rates["spikes"]]
        traces = run.to_dataframe("traces", 20.0, 30.0)
        assert len(traces) == 5 * 100 and list(traces.columns) == ["neuron", "time", "v"]
        assert np.array_equal(traces["v"][:100], run.traces["v"][100:200, 0])
        with pytest.raises(SpikecudaError, match="must lie in the run, 10 to 50 ms"):
            run.to_dataframe("spikes", 0.0, 20.0)
        silent = pool.run(1.0, record=None)
        with pytest.raises(SpikecudaError, match="spikes were not recorded"):
            silent.to_dataframe()
        with pytest.raises(SpikecudaError, match="no traces were recorded"):
            silent.to_dataframe("traces")
    with MultiGPUNeuronSystem(7, neuron_types=["lif", "qif"], devices="cpu") as system:
        run = system.run(50.0, input=500.0, record="v")
        frame = run.to_dataframe()
        assert frame.groupby("type", observed=False).size().to_dict() == {
            name: len(part.spikes) for name, part in run.parts.items()
        }
        assert len(run.to_dataframe("rates")) == 7
        traces = run.to_dataframe("traces")
        assert len(traces) == 7 * 500 and set(traces["type"]) == {"lif", "qif"}


def test_what_is_refused(result, monkeypatch):
    for what in ("spike", None, 3, ["spikes"]):
        with pytest.raises(SpikecudaError, match="what must be one of spikes, traces, rates"):
            result.to_dataframe(what)
    empty = dataclasses.replace(result, spikes={}, traces={}, trace_times={})
    with pytest.raises(SpikecudaError, match=r"no spikes were recorded .got .rates"):
        empty.to_dataframe("rates")
    with pytest.raises(SpikecudaError, match=r"no traces were recorded.*net.record"):
        empty.to_dataframe("traces")
    monkeypatch.setitem(sys.modules, "pandas", None)
    for what in ("spikes", "traces", "rates"):
        with pytest.raises(MissingPackageError, match=r'pip install "spikecuda\[pandas\]"'):
            result.to_dataframe(what)
