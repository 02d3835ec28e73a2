"""Connections from matrices and files."""

import random
import tracemalloc

import numpy as np
import pytest
import scipy.sparse

from spikecuda.errors import (
    OutOfMemoryError,
    SpikecudaError,
    SpikecudaTypeError,
    SpikecudaValueError,
)
from spikecuda.network import Delta, Network, from_file, from_matrix
from spikecuda.network.model import edge_text


def network() -> Network:
    net = Network(threads=1)
    net.population("A", 5, "lif", receptors={"in": Delta()})
    net.population("B", 4, "lif", receptors={"in": Delta()})
    return net


def found(net, rule, weight, delay=0.5):
    c = net.connect("A", "B", rule, weight, delay, weight_bits=32).connections()
    return c["source"].tolist(), c["target"].tolist(), c["weight"], c["delay"]


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.coo_matrix, np.asarray])
def test_a_matrix_becomes_its_synapses(kind):
    dense = np.zeros((5, 4))
    dense[[0, 2, 4], [3, 0, 1]] = [0.5, -2.0, 1.25]
    source, target, weight, _ = found(network(), *from_matrix(kind(dense)))
    assert (source, target) == ([0, 2, 4], [3, 0, 1])
    np.testing.assert_allclose(weight, [0.5, -2.0, 1.25], rtol=1e-6)


@pytest.mark.parametrize("name", ["edges.npz", "edges.csv", "edges.txt"])
def test_a_file_becomes_its_synapses(tmp_path, name):
    path = tmp_path / name
    source, target = np.array([4, 0, 1]), np.array([0, 3, 3])
    weight, delay = np.array([1.0, 0.5, -0.25]), np.array([0.2, 0.4, 1.5])
    if name.endswith("npz"):
        np.savez(path, source=source, target=target, weight=weight, delay=delay)
    else:
        mark = "," if name.endswith("csv") else " "
        rows = [mark.join(map(str, row)) for row in zip(source, target, weight, delay, strict=True)]
        path.write_text(
            "\n".join(["# edges", mark.join(("source", "target", "weight", "delay")), *rows])
        )
    rule, columns = from_file(path)
    got = found(network(), rule, columns["weight"], columns["delay"])
    assert got[:2] == ([0, 1, 4], [3, 3, 0])
    np.testing.assert_allclose(got[2], [0.5, -0.25, 1.0], rtol=1e-6)
    np.testing.assert_allclose(got[3], [0.4, 1.5, 0.2])


def test_what_is_no_matrix_is_refused():
    ones = np.ones((2, 2))
    for matrix, message in (
        (np.zeros(3), "matrix must be 2-D"), (np.zeros((2, 2, 2)), "matrix must be 2-D"),
        (np.array([["a"]]), "of numbers"), (ones * 1j, "of numbers"), (None, "matrix must be 2-D"),
        (ones.astype(object), "of numbers"), (scipy.sparse.coo_array(ones * 1j), "of numbers"),
        (np.ma.masked_array(ones, [[1, 0], [0, 0]]), "no mask"),
        (scipy.sparse.coo_array(np.ones(3)), "matrix must be 2-D"),
    ):  # fmt: skip
        with pytest.raises(SpikecudaTypeError, match=message):
            from_matrix(matrix)
    for bad in (np.nan, np.inf, -np.inf):
        ones[1, 0] = bad
        for matrix in (ones, scipy.sparse.csr_array(ones)):
            with pytest.raises(SpikecudaValueError, match=rf"got {bad} in row 1, column 0"):
                from_matrix(matrix)


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, np.asarray])
@pytest.mark.parametrize("shape", [(2, 2), (5, 5), (4, 5), (6, 4), (0, 0)])
def test_a_matrix_connects_views_of_its_shape_only(kind, shape):
    rule, weight = from_matrix(kind(np.ones(shape)))
    with pytest.raises(SpikecudaValueError, match=r"a row for each of the 5 sources and a column"):
        network().connect("A", "B", rule, weight, 0.5)
    if shape == (2, 2):
        net = network()
        projection = net.connect(net["A"][1:3], net["B"][2:], rule, weight, 0.5)
        assert projection.connections()["target"].tolist() == [2, 3, 2, 3]


def edges(tmp_path, text, name="e.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    rule, columns = from_file(path)
    return rule.sources.tolist(), rule.targets.tolist(), {k: v.tolist() for k, v in columns.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"\xef\xbb\xbf1,2", ([1], [2], {})),
        (b"\xef\xbb\xbfsource,target\n1,2\n", ([1], [2], {})),
        ("source,target,weight\n", ([], [], {"weight": []})),
        ("source,target", ([], [], {})),
        (
            "# by hand\n\n Target , SOURCE\n1,2 # the first\n\n#3,4\n5 , 6\r\n7,8",
            ([2, 6, 8], [1, 5, 7], {}),
        ),
        ("1,2\r3,4\r", ([1, 3], [2, 4], {})),
        ("1.0,2e0,-3.5,4\n", ([1], [2], {"weight": [-3.5], "delay": [4.0]})),
        ("delay,target,source,weight\n1,2,3,4", ([3], [2], {"weight": [4.0], "delay": [1.0]})),
        ("0,2147483647", ([0], [2147483647], {})),
        ("1,2,0.1\n", ([1], [2], {"weight": [0.1]})),
    ],
)
def test_texts_of_edges(tmp_path, text, expected):
    assert edges(tmp_path, text) == expected
    if isinstance(text, str):
        assert edges(tmp_path, text.replace(",", "\t"), "{e}.txt") == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no source (got nothing)"),
        ("# nothing\n", "has no source (got nothing)"),
        ("1,2\n3", "line 2: must have 2 columns, source, target (got 1)"),
        ("1,2\n\n#\n3,4,5\n", "line 4: must have 2 columns, source, target (got 3)"),
        ("source,target\n1,2,3", "line 2: must have 2 columns"),
        ("1,2,3,4,5", "line 1: an edge has 2 to 4 columns"),
        ("1", "line 1: an edge has 2 to 4 columns"),
        (
            "source,target,weigth\n1,2,3",
            "line 1: names must be among source, target, weight",
        ),
        ("source,target,weigth\n1,2,3", "did you mean 'weight'?"),
        ("a,b\n1,x", "line 1: names must be among"),
        ("source,target,weight,delay,x\n1,2,3,4,5", "(got 'x'"),
        ("source,target,target\n1,2,3", "line 1: each name must come once"),
        ("target,weight\n1,2", "line 1 has no source"),
        ("source,target\n\n1,x", "line 3: must hold numbers"),
        ("1,2\n1,", "line 2: must hold numbers"),
        ("1,2\n1,2_0", "line 2: must hold numbers"),
        ("1;2", "line 1: names must be among"),
        ("source,target\n1 2", "line 2: must have 2 columns"),
        ("0.5,1", "line 1: source must be a whole number from 0 to 2,147,483,647 (got 0.5)"),
        ("1,2\n1,-1", "line 2: target must be a whole number from 0 to 2,147,483,647 (got -1)"),
        ("1,2\ninf,1", "line 2: source must be a whole number"),
        ("1,2\n1,nan", "line 2: target must be a whole number"),
        ("1,2147483648", "(got 2147483648)"),
        ("1,1e300", "line 1: target must be a whole number"),
        ("1,9223372036854775809", "line 1: target must be a whole number"),
        ("1,2,nan", "line 1: weight must be finite (got nan)"),
        ("1,2,3\n1,2,-inf", "line 2: weight must be finite (got -inf)"),
        ("1,2,1e999", "line 1: weight must be finite (got inf)"),
        ("1,2,3,inf", "line 1: delay must be finite (got inf)"),
        (b"1,2\n\xff\xfe,3", "must be text in UTF-8 (got 0xff)"),
        ("1,2\n3,4".encode("utf-16"), "must be text in UTF-8"),
        (b"\x93NUMPY\x01\x00", "must be text in UTF-8"),
        ("1,2\n\0,3", "line 2: must hold numbers"),
        ("1,2\n" + "3" * 70_000, "line 2: must be shorter than 65,536 characters"),
    ],
)
def test_what_is_no_edge_is_refused(tmp_path, text, words):
    for name in ("e.csv", "{e}.csv"):
        with pytest.raises(SpikecudaValueError) as caught:
            edges(tmp_path, text, name)
        assert words in str(caught.value) and name in str(caught.value)


def test_a_bad_line_far_down_is_named(tmp_path):
    lines = ["source,target", "# a comment"] + ["1,2"] * 300_000
    lines[250_000] = "1,-7"
    with pytest.raises(SpikecudaValueError, match=r"line 250001: target .*got -7"):
        edges(tmp_path, "\n".join(lines))
    lines[250_000] = "1,2,3"
    with pytest.raises(SpikecudaValueError, match="line 250001: must have 2 columns"):
        edges(tmp_path, "\n".join(lines))


@pytest.mark.parametrize("block", [7, 64, 1000])
def test_blocks_do_not_matter(tmp_path, monkeypatch, block):
    rng = np.random.default_rng(1)
    rows = [(int(a), int(b), float(w)) for a, b, w in rng.random((200, 3)) * [9, 9, 1]]
    text = "\r\n".join(",".join(map(repr, row)) for row in rows)
    monkeypatch.setattr(edge_text, "BLOCK", block)
    found = edges(tmp_path, text)
    assert found == ([r[0] for r in rows], [r[1] for r in rows], {"weight": [r[2] for r in rows]})


def test_edges_take_a_small_multiple_of_their_arrays(tmp_path):
    """24 bytes an edge here and 16 of the rule's; a list of texts took 481."""
    path, count = tmp_path / "e.csv", 300_000
    path.write_text("12345,23456,0.25,1.5\n" * count)
    edges(tmp_path, "1,2,3,4", "first.csv")
    tracemalloc.start()
    try:
        rule, _ = from_file(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rule.sources.size == count
    # A block of text and its lines, and then a few arrays' worth.
    assert peak < edge_text.EDGE * count + 16 * edge_text.BLOCK


def test_edges_that_do_not_fit_are_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("spikecuda.common.host_memory.available_memory", lambda: 8 << 20)
    path = tmp_path / "e.csv"
    path.write_text("12345,23456,0.25,1.5\n" * 1_000_000)
    parsed = []
    original = edge_text.np.loadtxt
    monkeypatch.setattr(
        edge_text.np, "loadtxt", lambda *a, **k: parsed.append(1) or original(*a, **k)
    )
    with pytest.raises(OutOfMemoryError, match=r"e.csv, about 1,0.* edges, needs 0.06 GB"):
        from_file(path)
    assert len(parsed) == 1
    source = np.zeros(2_000_000, np.int64)
    np.savez(tmp_path / "e.npz", source=source, target=source)
    with pytest.raises(OutOfMemoryError, match="array 'source'"):
        from_file(tmp_path / "e.npz")
    with pytest.raises(OutOfMemoryError, match=r"a matrix of 1,000,000 synapses"):
        from_matrix(np.ones((1000, 1000)))


NPZ = {"source": np.array([0, 1]), "target": np.array([2, 3])}


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"source": NPZ["source"]}, "has no target (got source)"),
        ({}, "has no source (got nothing)"),
        ({**NPZ, "weights": np.ones(2)}, "names must be among"),
        ({**NPZ, "weight": np.ones(3)}, "2 of source, 2 of target, 3 of weight"),
        ({**NPZ, "target": np.array([2, -1])}, "edge 1: target must be a whole number"),
        ({**NPZ, "target": np.array([2, 2**31])}, "edge 1: target must be a whole number"),
        ({**NPZ, "target": np.array([2, 2**64 - 1], np.uint64)}, "edge 1: target must be a whole"),
        ({**NPZ, "target": np.array([2.5, 1])}, "edge 0: target must be a whole number"),
        ({**NPZ, "target": np.array([np.nan, 1])}, "edge 0: target must be a whole number"),
        ({**NPZ, "target": np.array([True, False])}, "kind i or u or f"),
        ({**NPZ, "target": np.array([[2, 3]])}, "1 dimensions"),
        ({**NPZ, "target": np.array(["2", "3"])}, "kind i or u or f"),
        ({**NPZ, "weight": np.array([1.0, np.inf])}, "edge 1: weight must be finite"),
        ({**NPZ, "weight": np.array([1j, 2])}, "kind i or u or f"),
        ({**NPZ, "weight": np.array([1, None])}, "kind i or u or f"),
    ],
)
def test_arrays_that_are_no_edges_are_refused(tmp_path, arrays, words):
    path = tmp_path / "e.npz"
    np.savez(path, **arrays)
    with pytest.raises(SpikecudaValueError) as caught:
        from_file(path)
    assert words in str(caught.value) and str(path) in str(caught.value)


@pytest.mark.parametrize("path", [5, None, b"edges.csv"])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(SpikecudaTypeError, match="path must be the name of a file"):
        from_file(path)


def test_other_files_are_named(tmp_path):
    path = tmp_path / "e.npz"
    scipy.sparse.save_npz(path, scipy.sparse.random(5, 4, 0.5, random_state=1))
    with pytest.raises(SpikecudaValueError, match="holds a sparse matrix; use from_matrix"):
        from_file(path)
    for content in (b"", b"PK\3\4", b"hello", b"\x80\x04K\x01."):
        path.write_bytes(content)
        with pytest.raises(SpikecudaValueError, match="path must be an npz file of edges"):
            from_file(path)
    with pytest.raises(SpikecudaValueError, match="got the folder"):
        from_file(tmp_path)
    with pytest.raises(FileNotFoundError):
        from_file(tmp_path / "none.csv")


@pytest.mark.parametrize("name", ["e.csv", "e.npz"])
def test_damage_is_refused_or_gives_edges(tmp_path, name):
    """Nothing but an own error comes out of any damaged file."""
    path, draw = tmp_path / name, random.Random(4)
    if name == "e.csv":
        path.write_text("source,target,weight\n" + "12,3,0.25\n0,7,-1e-3\n" * 20)
    else:
        np.savez_compressed(path, weight=np.ones(40), source=np.arange(40), target=np.arange(40))
    good = path.read_bytes()
    cases = [good[:end] for end in range(0, len(good), 7)]
    for _ in range(300):
        data = bytearray(good)
        for _ in range(draw.choice((1, 1, 4))):
            data[draw.randrange(len(data))] = draw.randrange(256)
        cases.append(bytes(data))
    came_out = 0
    for data in cases:
        path.write_bytes(data)
        try:
            rule, columns = from_file(path)
        except SpikecudaError as error:
            assert str(path) in str(error)
        else:
            came_out += 1
            assert rule.sources.size == rule.targets.size
            assert rule.sources.size == 0 or rule.sources.min() >= 0
            assert all(np.isfinite(values).all() for values in columns.values())
    assert came_out < len(cases)


def test_procedural_rows_can_be_looked_at_but_not_changed():
    net = network()
    projection = net.connect("A", "B", "all_to_all", 0.1, 1.0, procedural=True)
    stored = network().connect("A", "B", "all_to_all", 0.1, 1.0).connections()
    for name, values in projection.connections().items():
        assert values.tolist() == stored[name].tolist()
    with pytest.raises(SpikecudaValueError, match="procedural and stores no weights"):
        projection.weights = 1.0


@pytest.mark.parametrize(
    "procedural, weights",
    [(True, 2.0), (False, "x"), (False, True), (False, np.nan), (False, None)],
)
def test_weights_that_are_refused_do_not_build(procedural, weights):
    net = network()
    projection = net.connect("A", "B", "all_to_all", 0.5, 1.0, procedural=procedural)
    with pytest.raises(SpikecudaError, match=r"stores no weights|weights must be"):
        projection.weights = weights
    net.connect("A", "A", "all_to_all", 0.5, 1.0)
