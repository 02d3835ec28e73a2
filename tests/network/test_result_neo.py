"""The Neo objects hold the same spikes and traces, with units and annotations."""

import dataclasses
import sys

import numpy as np
import pytest
from recorded import DURATION, START, make

from spikecuda import SpikecudaError
from spikecuda.errors import MissingPackageError

neo = pytest.importorskip("neo", reason="the extra neo is not installed")


@pytest.fixture(scope="module")
def result():
    return make()


@pytest.fixture(scope="module")
def block(result):
    return result.to_neo()


def test_trains(result, block):
    (segment,) = block.segments
    assert len(segment.spiketrains) == 400 + 100 + 10
    for train in segment.spiketrains:
        assert train.units.dimensionality.string == "ms"
        assert float(train.t_start) == START and float(train.t_stop) == START + DURATION
        assert float(train.sampling_rate.rescale("Hz")) == pytest.approx(10_000.0)
    for name in result.spikes:
        trains = [t for t in segment.spiketrains if t.annotations["population"] == name]
        found = {train.annotations["neuron"]: train.magnitude for train in trains}
        ids = result.neurons(name)
        assert list(found) == list(range(ids) if isinstance(ids, int) else ids)
        for neuron, times in found.items():
            assert times.tobytes() == result.spikes[name].of(neuron).tobytes()


def test_signals(result, block):
    signals = {s.name: s for s in block.segments[0].analogsignals}
    assert list(signals) == ["L2/3E.v", "L2/3E.w", "silent.x"]
    v = signals["L2/3E.v"]
    assert v.units.dimensionality.string == "mV"
    assert v.dtype == np.float32 and np.array_equal(v.magnitude, result.traces["L2/3E"]["v"])
    assert v.array_annotations["neuron"].tolist() == [7, 2, 399]
    assert v.times.rescale("ms").magnitude == pytest.approx(result.trace_times["L2/3E"], rel=1e-12)
    assert signals["L2/3E.w"].units.dimensionality.string == "pA"
    x = signals["silent.x"]
    assert x.units.dimensionality.string == "dimensionless" and x.annotations["unit"] == "a.u."


def test_groups_and_annotations(result, block):
    assert [group.name for group in block.groups] == ["L2/3E", "L2/3I", "thalamus", "silent"]
    assert len(block.groups[0].spiketrains) == 400 and len(block.groups[0].analogsignals) == 2
    assert block.annotations["dt"] == result.dt and block.annotations["sizes"] == result.sizes
    chosen = result.to_neo(["thalamus"])
    assert len(chosen.segments[0].spiketrains) == 10 and len(chosen.groups) == 1
    with pytest.raises(SpikecudaError, match=r"populations must be of those recorded.*'L4E'"):
        result.to_neo(["L4E"])


def test_a_unit_is_not_run_as_code(result):
    units = {"L2/3E": {"v": "().__class__", "w": "mV/ms"}}
    signals = dataclasses.replace(result, units=units).to_neo(["L2/3E"]).segments[0].analogsignals
    assert signals[0].annotations["unit"] == "().__class__"
    assert signals[1].units.dimensionality.string == "mV/ms"


def test_without_neo(result, monkeypatch):
    monkeypatch.setitem(sys.modules, "neo", None)
    with pytest.raises(MissingPackageError, match=r'pip install "spikecuda\[neo\]"'):
        result.to_neo()
