"""Matrices and edges in files of MATLAB, Parquet, Matrix Market and SciPy."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import scipy.io
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spikecuda import SpikecudaError
from spikecuda.network import from_file, from_matrix

DENSE = np.array([[0.0, 1.5, 0.0, -2.0], [0.0, 0.0, 0.25, 0.0], [3.0, 0.0, 0.0, 0.0]])


@pytest.mark.parametrize("kind", ["mat", "sparse.mat", "mtx", "npz", "npy"])
def test_a_matrix_in_a_file_is_the_matrix(kind, tmp_path):
    path, sparse = tmp_path / f"m.{kind}", scipy.sparse.csc_matrix(DENSE)
    if kind == "mat":
        scipy.io.savemat(path, {"W": DENSE})
    elif kind == "sparse.mat":
        scipy.io.savemat(path, {"W": sparse, "other": np.zeros(3)})
    elif kind == "mtx":
        scipy.io.mmwrite(path, sparse)
    elif kind == "npz":
        scipy.sparse.save_npz(path, sparse)
    else:
        np.save(path, DENSE)
    rule, weight = from_matrix(path, "W" if kind == "sparse.mat" else None)
    again = np.zeros_like(DENSE)
    again[rule.sources, rule.targets] = weight
    assert rule.shape == (3, 4) and np.array_equal(again, DENSE)


def write(path, columns):
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pa.table(columns), path)
    elif path.suffix == ".mat":
        scipy.io.savemat(path, columns)
    else:
        np.savez(path, **columns)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(data=st.data(), kind=st.sampled_from(["parquet", "mat", "npz"]), first=st.integers(0, 1))
def test_edges_come_back_as_they_were_written(data, kind, first, tmp_path):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    count = data.draw(st.integers(1, 30))
    names = data.draw(st.permutations(["source", "target", "weight", "delay"]))
    ids = data.draw(st.sampled_from([np.int32, np.uint8, np.int64, np.float64]))
    made = {
        "source": rng.integers(0, 100, count), "target": rng.integers(0, 100, count),
        "weight": rng.normal(size=count), "delay": rng.uniform(0.1, 5.0, count),
    }  # fmt: skip
    stored = {
        n: (made[n] + first).astype(ids) if n in ("source", "target") else made[n] for n in names
    }
    path = tmp_path / f"edges.{kind}"
    write(path, stored)
    rule, columns = from_file(path, first=first)
    assert np.array_equal(rule.sources, made["source"])
    assert np.array_equal(rule.targets, made["target"])
    assert np.array_equal(columns["weight"], made["weight"])
    assert np.array_equal(columns["delay"], made["delay"])


def edges(**changed):
    return {"source": np.array([0, 1]), "target": np.array([1, 2]), **changed}


@pytest.mark.parametrize("kind", ["parquet", "mat"])
def test_wrong_edges_are_named(kind, tmp_path):
    path = tmp_path / f"edges.{kind}"
    for columns, first, message in (
        (edges(source=np.array([0, -1])), 0, r"edge 1: source must be a whole number .*got -1"),
        (edges(), 1, r"edge 0: source must be a whole number from 0 .*got -1"),
        (edges(target=np.array([1.5, 2.0])), 0, r"edge 0: target .*got 1.5"),
        (edges(weight=np.array([1.0, np.nan])), 0, r"edge 1: weight must be finite"),
        (edges(wieght=np.array([1.0, 2.0])), 0, r"'wieght'; did you mean 'weight'"),
        ({"source": np.array([0])}, 0, r"has no target"),
        (edges(), 2, r"first must be from 0 to 1"),
    ):
        write(path, columns)
        with pytest.raises(SpikecudaError, match=message):
            from_file(path, first=first)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SpikecudaError, match=r"path must be a file of edges \(got .*edges"):
        from_file(path, first=0)


def test_what_is_not_said_or_not_there(tmp_path):
    mat = tmp_path / "edges.mat"
    scipy.io.savemat(mat, edges())
    with pytest.raises(SpikecudaError, match=r"first must be given.*MATLAB counts from 1"):
        from_file(mat)
    scipy.io.savemat(mat, {"A": DENSE, "B": DENSE})
    with pytest.raises(SpikecudaError, match=r"variable must be one of A, B \(got None\)"):
        from_matrix(mat)
    with pytest.raises(SpikecudaError, match=r"path must be a matrix in a file .mat"):
        from_matrix(tmp_path / "edges.csv")
    with pytest.raises(SpikecudaError, match=r"variable is for .mat files"):
        from_matrix(DENSE, "A")
    table = tmp_path / "nulls.parquet"
    write(table, {"source": [0, None], "target": [1, 2]})
    with pytest.raises(SpikecudaError, match=r"source must have a number in every row .*1 nulls"):
        from_file(table)
    # MATLAB's v7.3 is HDF5, which SciPy does not read.
    mat.write_bytes(b"MATLAB 7.3 MAT-file" + b" " * 97 + b"\0" * 8 + b"\x00\x02IM" + b"\0" * 400)
    with pytest.raises(SpikecudaError, match=r"save it in MATLAB with -v7"):
        from_matrix(mat)
