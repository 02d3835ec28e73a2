"""NWB: files that pynwb finds valid, with all spikes and traces."""

from datetime import UTC, datetime

import numpy as np
import pynwb
import pytest

from spikecuda import SpikecudaError
from spikecuda.formats.sonata.spike_files import read_spikes
from spikecuda.network import NetworkResult
from spikecuda.runtime.spikes import Spikes


def recorded(**changed) -> NetworkResult:
    """A result of two populations, of which one was recorded in part."""
    rng = np.random.default_rng(1)
    step = np.sort(rng.integers(0, 500, 60))
    neuron = rng.integers(0, 3, 60).astype(np.int32)
    order = np.lexsort((neuron, step))
    given = {
        "spikes": {
            "E": Spikes(step[order], neuron[order], 0.1),
            "I": Spikes(np.array([3, 9]), np.array([5, 2], np.int32), 0.1),
        },
        "sizes": {"E": 4, "I": 8},
        "ids": {"E": None, "I": np.array([2, 5])},
        "traces": {"E": {"v": rng.normal(-60.0, 1.0, (50, 2)), "w": rng.normal(size=(50, 2))}},
        "trace_times": {"E": np.arange(1, 51) * 1.0},
        "start": 0.0, "duration": 50.0, "dt": 0.1, "seconds": 1.0,
        "trace_ids": {"E": np.array([1, 3])},
        "units": {"E": {"v": "mV", "w": ""}},
    }  # fmt: skip
    return NetworkResult(**{**given, **changed})


def test_all_spikes_and_traces(tmp_path):
    result = recorded()
    about = {"session_start_time": datetime(2026, 1, 2, tzinfo=UTC), "keywords": ["model"]}
    path = result.to_nwb(tmp_path / "run.nwb", subject={"age": "P1D"}, about=about)
    assert pynwb.validate(path=str(path)) in ([], ([], 0))
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        file = io.read()
        units = file.units
        assert units.resolution == 1e-4 and len(units) == 6
        assert list(units["population"][:]) == ["E"] * 4 + ["I"] * 2
        for row, (name, neuron) in enumerate([*(("E", n) for n in range(4)), ("I", 2), ("I", 5)]):
            wanted = result.spikes[name].of(neuron) * 1e-3
            assert np.allclose(units.get_unit_spike_times(row), wanted, rtol=1e-15, atol=0.0)
            assert units["neuron"][row] == neuron
            assert np.allclose(units.get_unit_obs_intervals(row), [[0.0, 0.05]])
        v = file.acquisition["E_v"]
        assert (v.unit, v.rate, v.starting_time) == ("volts", 1000.0, 1e-3)
        assert np.array_equal(v.data[:], result.traces["E"]["v"]) and v.conversion == 1e-3
        table = file.processing["misc"]["traces"].to_dataframe()
        assert table[table.series == "E_v"].neuron.tolist() == [1, 3]
        assert file.subject.age == "P1D" and file.session_start_time.year == 2026


def test_what_is_written_drives_a_sonata_network(tmp_path):
    path = recorded(ids={"E": None}, spikes={"E": recorded().spikes["E"]}).to_nwb(
        tmp_path / "a.nwb"
    )
    nodes, times = read_spikes(path, "nwb", ["inputs"], None)["inputs"]
    assert sorted(zip(times.round(1), nodes, strict=True)) == sorted(
        zip(recorded().spikes["E"].time.round(1), recorded().spikes["E"].neuron, strict=True)
    )


def test_what_cannot_be_written_is_refused(tmp_path):
    path = tmp_path / "none.nwb"
    with pytest.raises(SpikecudaError, match=r"nothing was recorded .*net.record"):
        recorded(spikes={}, ids={}, traces={}, trace_times={}).to_nwb(path)
    with pytest.raises(SpikecudaError, match=r"fields of pynwb's .*institutoin"):
        recorded().to_nwb(path, about={"institutoin": "here"})
    with pytest.raises(SpikecudaError, match=r"must have a time zone"):
        recorded().to_nwb(path, about={"session_start_time": datetime(2026, 1, 2)})
    assert not path.exists()
