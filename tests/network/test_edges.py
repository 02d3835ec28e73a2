"""Connections from matrices and files."""

import numpy as np
import pytest
import scipy.sparse

from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.network import Delta, Network, from_file, from_matrix


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


def test_what_is_no_edge_is_refused(tmp_path):
    with pytest.raises(SpikecudaTypeError, match=r"matrix must be 2-D"):
        from_matrix(np.zeros(3))
    path = tmp_path / "bad.csv"
    for text, message in (
        ("1,2\n3", "columns"), ("0.5,1", "whole numbers"), ("a,b\n1,x", "must hold numbers"),
        ("target,weight\n1,2", "has no source"),
    ):  # fmt: skip
        path.write_text(text)
        with pytest.raises(SpikecudaValueError, match=message):
            from_file(path)


def test_procedural_rows_can_be_looked_at_but_not_changed():
    net = network()
    projection = net.connect("A", "B", "all_to_all", 0.1, 1.0, procedural=True)
    stored = network().connect("A", "B", "all_to_all", 0.1, 1.0).connections()
    for name, values in projection.connections().items():
        assert values.tolist() == stored[name].tolist()
    with pytest.raises(SpikecudaValueError, match="procedural and stores no weights"):
        projection.weights = 1.0
