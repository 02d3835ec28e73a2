"""Files of spikes: what is written is read again, in the order that was asked for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda.errors import SpikecudaError
from spikecuda.formats import read_spikes, write_spikes

TIMES = st.floats(0.0, 1e6, allow_nan=False)
SPIKES = st.lists(st.tuples(st.integers(0, 2**63 - 1), TIMES), max_size=20)


@settings(max_examples=30)
@given(
    spikes=st.dictionaries(st.sampled_from(["lgn", "v1", "a-b.c"]), SPIKES, min_size=1),
    sorting=st.sampled_from(["by_time", "by_id", "none"]), ending=st.sampled_from([".h5", ".csv"]),
)  # fmt: skip
def test_there_and_back(spikes, sorting, ending, tmp_path_factory):
    path = tmp_path_factory.mktemp("spikes") / f"s{ending}"
    sent = {
        name: (np.array([n for n, _ in some], np.int64), np.array([t for _, t in some], float))
        for name, some in spikes.items()
    }
    assert write_spikes(path, sent, sorting) == path
    found = read_spikes(path)
    for name, (nodes, times) in sent.items():
        pairs = list(zip(nodes.tolist(), times.tolist(), strict=True))
        if sorting != "none":
            pairs.sort(key=(lambda p: (p[1], p[0])) if sorting == "by_time" else None)
        if pairs or ending == ".h5":  # a table has no rows of a population without spikes
            read = [values.tolist() for values in found[name]]
            assert list(zip(*read, strict=True)) == pairs
            assert read_spikes(path, name).keys() == {name}


def test_tables_without_populations_need_one(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("timestamps node_ids\n1.5 3\n", encoding="utf-8")
    with pytest.raises(SpikecudaError, match="does not say whose spikes it has"):
        read_spikes(path)
    nodes, times = read_spikes(path, "lgn")["lgn"]
    assert nodes.tolist() == [3] and times.tolist() == [1.5]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: write_spikes(p / "s.txt", {}), r"must end in .h5, .hdf5, .csv, .nwb .*s.txt"),
        (lambda p: write_spikes(p / "s.nwb", {}), r"must end in .h5 or .csv .*see result.to_nwb"),
        (lambda p: write_spikes(p / "s.h5", []), r"spikes must be a dict by population"),
        (lambda p: write_spikes(p / "s.h5", {"a b": ([], [])}), r"names without spaces.*'a b'"),
        (lambda p: write_spikes(p / "s.h5", {"a": [1.0]}), r"a: must be a pair of ids and times"),
        (lambda p: write_spikes(p / "s.h5", {"a": ([1], [1.0, 2.0])}), r"of one length.*\(1,\)"),
        (lambda p: write_spikes(p / "s.h5", {"a": ([1], [np.nan])}), r"finite times"),
        (lambda p: write_spikes(p / "s.csv", {"a": ([-1], [1.0])}), r"a: ids must be .*got -1"),
        (lambda p: write_spikes(p / "s.csv", {"a": ([1], [1.0])}, "id_by"), r"got 'id_by'"),
        (lambda p: read_spikes(write_spikes(p / "s.h5", {"a": ([1], [1.0])}), "b"), r"got a\)"),
        (lambda p: read_spikes(p / "s.h5", 5), r"population must be a text or None \(got 5\)"),
    ],
)
def test_refused_by_name(call, message, tmp_path):
    with pytest.raises(SpikecudaError, match=message):
        call(tmp_path)
