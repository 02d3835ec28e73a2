"""Columns of one weight and delay, which a loop of its own writes, have the pairs of any others."""

import numpy as np
import pytest

from spikecuda import Network, Normal
from spikecuda.network import Delta, FixedInDegree


def pairs(weight, delay, options, how):
    """Return the sorted (source, target) pairs of three projections, with weights and delays."""
    with Network(dt=0.1, seed=7, devices="cpu", **options) as net:
        for name, n in (("A", 300), ("B", 200)):
            net.population(name, n, "lif", receptors={"j": Delta()})
        # B's cells come after A's in a row: the second and third make rows that do not ascend.
        made = [
            net.connect("B", "B", FixedInDegree(20), weight, delay, **how),
            net.connect("B", "A", FixedInDegree(25), weight, delay, **how),
            net.connect(net["A"][20:260], net["B"][5:90], FixedInDegree(7), weight, delay),
        ]
        found = []
        for projection in made:
            c = projection.connections()
            order = np.lexsort((c["target"], c["source"]))
            found.append({name: values[order] for name, values in c.items()})
        return found


OPTIONS = [{"threads": 1}, {"threads": 2}, {"threads": 2, "partitions": 3}]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("how", [{}, {"autapses": False, "multapses": False}], ids=str)
def test_pairs_do_not_depend_on_what_is_drawn_for_them(options, how):
    constant = pairs(0.5, 1.5, options, how)
    drawn = pairs(Normal(0.5, 0.1), Normal(1.5, 0.5, low=0.1, redraw=True), options, how)
    for one, two, degree in zip(constant, drawn, (20, 25, 7), strict=True):
        assert np.array_equal(one["source"], two["source"])
        assert np.array_equal(one["target"], two["target"])
        assert set(np.unique(one["target"], return_counts=True)[1]) == {degree}
        assert np.unique(two["weight"]).size > 100
        assert np.allclose(one["weight"], 0.5) and np.allclose(one["delay"], 1.5)
