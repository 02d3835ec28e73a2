"""Recorded units as inputs of SONATA networks: which units, which spikes, and what is refused."""

import json

import h5py
import numpy as np
import pytest

from spikecuda import Network
from spikecuda.errors import SpikecudaError
from spikecuda.formats import from_sonata, to_sonata
from spikecuda.network import ExpCurrent, SpikeTrain

IDS = [950, 951, 952, 960, 961]
TRAINS = [[1.0, 1.01, 2.5], [1.002, 3.0], [0.5], [1.05], []]  # s
QUALITY = ["good", "noise", "good", "good", "good"]
ISI = [0.1, 0.2, 0.6, 0.3, 0.1]
CHANNELS, PLACES = [7, 8, 7, 8, 9], {7: "VISp", 8: "LGd", 9: "CA1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A network of three virtual nodes and a neuron, whose input is a recording of five units."""
    root = tmp_path_factory.mktemp("probes")
    net = Network(dt=0.1)
    net.population("cells", 1, "lif", receptors={"ex": ExpCurrent(5.0), "in": ExpCurrent(5.0)})
    net.source("virtual", 3, SpikeTrain([1.0], [0]))
    net.connect("virtual", "cells", "all_to_all", 1.0, 1.0, "ex")
    to_sonata(net, root, 10.0)
    with h5py.File(root / "session.nwb", "w") as file:
        units = file.create_group("units")
        units["id"] = np.array(IDS)
        units["spike_times"] = np.concatenate(TRAINS)
        units["spike_times_index"] = np.cumsum([len(train) for train in TRAINS])
        units["quality"] = QUALITY
        units["isi_violations"] = np.array(ISI)
        units["peak_channel_id"] = np.array(CHANNELS)
        of = file.create_group("general/extracellular_ephys/electrodes")
        of["id"], of["location"] = np.array(list(PLACES)), list(PLACES.values())
        shown = file.create_group("intervals/gratings_presentations")
        shown["start_time"], shown["stop_time"] = np.array([0.4, 0.999]), np.array([0.6, 1.1])
        shown["orientation"] = np.array([45.0, 90.0])
    (root / "map.csv").write_text(
        "node_ids unit_ids population\n0 951 a\n1 950 a\n2 961 a\n77 1 a\n", encoding="utf-8"
    )
    return root


MAPPED = {"mapping": "units_map", "units": "map.csv"}
SAMPLED = {"mapping": "sample_with_replacement"}


def given(folder, **options):
    """Return the spikes that a configuration gives the virtual nodes: node and time in ms."""
    config = json.loads((folder / "simulation_config.json").read_text(encoding="utf-8"))
    probe = {"input_type": "spikes", "module": "ecephys_probe", "node_set": "virtual"}
    config["inputs"] = {"probe": {**probe, "input_file": "session.nwb", **options}}
    (folder / "probe.json").write_text(json.dumps(config), encoding="utf-8")
    train = from_sonata(folder / "probe.json", seed=3).net["virtual"].train
    return sorted(zip(train.neurons.tolist(), np.round(train.times, 6).tolist(), strict=True))


def test_a_table_says_which_unit_is_which_node(folder):
    found = given(folder, **MAPPED, interval=[999.0, 1100.0], interval_offset=2.0)
    assert found == [(0, 5.0), (1, 3.0), (1, 13.0)]
    assert (2, 5.0) not in found  # a unit without spikes
    # A table can have the interval of each unit.
    text = "node_ids unit_ids start_times stop_times\n0 950 2000 2600\n1 952 0 600\n2 961 0 1\n"
    (folder / "own.csv").write_text(text, encoding="utf-8")
    assert given(folder, mapping="units_map", units="own.csv") == [(0, 500.0), (1, 500.0)]


SHOWN = {"interval_name": "gratings"}


@pytest.mark.parametrize(
    ("options", "times"),
    [
        # Only 950 and 960 are good, not lost to the filter of ISI, and have spikes then.
        (
            {"units": {"quality": "good", "isi_violations": {"operation": "<", "value": 0.5}},
             "interval": {**SHOWN, "interval_index": 1}},
            {1.0: 950, 11.0: 950, 51.0: 960},
        ),
        ({"units": {"location": ["LGd"]}, "interval": {**SHOWN, "orientation": 90.0}},
         {3.0: 951, 51.0: 960}),
        ({"units": {"late": {"column": "isi_violations", "operation": ">=", "value": 0.6}},
          "interval": SHOWN}, {100.0: 952}),
        ({"units": {"quality": {"operation": "!=", "value": "good"}}}, {1002.0: 951, 3000.0: 951}),
    ],
)  # fmt: skip
def test_units_are_drawn_of_those_that_follow_the_filters(folder, options, times):
    found = given(folder, **SAMPLED, **options)
    assert found and {time for _, time in found} <= set(times)
    by_node = {node: {times[t] for n, t in found if n == node} for node, _ in found}
    assert all(len(units) == 1 for units in by_node.values())  # each node is one unit
    assert found == given(folder, **SAMPLED, **options)


def test_without_replacement_each_unit_comes_once(folder):
    options = {"mapping": "sample", "units": {"quality": "good"}, "interval": [0.0, 9000.0]}
    units = [{1000.0, 1010.0, 2500.0}, {500.0}, {1050.0}, set()]
    found = given(folder, **options)
    trains = [{t for n, t in found if n == node} for node in range(3)]
    assert all(train in units for train in trains)
    assert len({frozenset(train) for train in trains}) == 3
    options["units"] = {"location": "VISp"}
    few = given(folder, **options, missing_ids="ignore")
    assert {node for node, _ in few} == {0, 1}


BAD = {
    "too few": ({"mapping": "sample", "units": {"location": "VISp"}},
                r"each node must have a unit \(got none for node 2; there are 2 units\)"),
    "none": ({**SAMPLED, "units": {"quality": "bad"}}, r"units must leave at least one \(got none"),
    "mapping": ({"mapping": "all"}, r"mapping must be one of units_map, sample, .*got 'all'"),
    "column": ({**SAMPLED, "units": {"qualty": "good"}}, r"'qualty'; did you mean 'quality'"),
    "operation": ({**SAMPLED, "units": {"quality": {"operation": "<", "value": 1}}},
                  r"units.quality must have an operation"),
    "interval": ({**SAMPLED, "interval": [5.0, 1.0]}, r"interval must be .*end after the begin"),
    "interval name": ({**SAMPLED, "interval": {"interval_name": "grating"}},
                      r"interval_name must be one of gratings_presentations .*got 'grating'"),
    "interval column": ({**SAMPLED, "interval": {**SHOWN, "phase": 1.0}}, r"a column 'phase'"),
    "interval number": ({**SAMPLED, "interval": {**SHOWN, "interval_index": 2}},
                        r"interval_index must be all, or one of the 2 intervals"),
    "intervals": ({**SAMPLED, "interval": [[0.0, 1.0], [0.0, 1.0]]}, r"one for each of 1 files"),
    "table": ({"mapping": "units_map", "units": {}}, r"units must be a file of node_ids"),
    "offset": ({**SAMPLED, "simulation_offset": 5.0}, r"simulation_offset must be 0"),
    "missing": ({**SAMPLED, "missing_ids": "pass"}, r"missing_ids must be fail, warn or ignore"),
    "option": ({**SAMPLED, "intervall": 0}, r"not known here \(got 'intervall'; did you mean"),
    "file": ({**SAMPLED, "input_file": []}, r"input_file must be a file or several \(got \[\]"),
    "at 0": ({**MAPPED, "interval": [1002.0, 1010.0]}, r"row 0: must be a time > 0 ms"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_refused_by_name(name, folder):
    options, message = BAD[name]
    with pytest.raises(SpikecudaError, match=message):
        given(folder, **options)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("node_ids unit\n0 950\n", r"bad.csv, line 1: must name the columns node_ids and unit_ids"),
        (
            "node_ids unit_ids\n0 1\n",
            r"bad.csv, line 2: unit_ids must be units of .*got 1",
        ),
        ("node_ids unit_ids\n0 x\n", r"bad.csv, line 2: must be node_ids, unit_ids \(got '0 x'"),
    ],
)
def test_tables_are_checked(text, message, folder):
    (folder / "bad.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SpikecudaError, match=message):
        given(folder, mapping="units_map", units="bad.csv")


def test_a_recording_must_be_whole(folder):
    for array, values, message in (
        ("spike_times_index", np.array([3, 5, 6, 7, 9]), r"must rise to 7, the number of spike"),
        ("peak_channel_id", np.array([7, 8, 7, 8, 11]), r"peak_channel_id: must be electrodes"),
    ):
        path = folder / "broken.nwb"
        path.write_bytes((folder / "session.nwb").read_bytes())
        with h5py.File(path, "a") as file:
            file["units"][array][...] = values
        with pytest.raises(SpikecudaError, match=message):
            given(folder, **SAMPLED, input_file=str(path), units={"location": "VISp"})
