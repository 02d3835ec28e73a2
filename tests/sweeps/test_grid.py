"""Grids of any shape become their points; what is no grid is refused."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikecuda import SpikecudaError
from spikecuda.sweeps.grid import make_points
from spikecuda.sweeps.values import decode, encode, key_of

NAMES = st.text("abcxyz", min_size=1, max_size=4).filter(lambda n: n.isidentifier() and n != "as")
PLAIN = st.one_of(st.integers(), st.floats(), st.text(), st.booleans(), st.none())


@given(st.dictionaries(NAMES, st.lists(st.integers(), min_size=1, max_size=4), min_size=1,
                       max_size=4), st.integers(0, 3))  # fmt: skip
def test_all_combinations_the_last_fastest(grid, seeds):
    found = make_points(grid, seeds or None)
    whole = {**grid, "seed": list(range(seeds))} if seeds else grid
    # Digits of a number in the mixed base of the lengths.
    total = int(np.prod([len(values) for values in whole.values()]))
    assert len(found) == total
    for number, point in enumerate(found):
        rest, expected = number, {}
        for name in reversed(whole):
            rest, digit = divmod(rest, len(whole[name]))
            expected[name] = whole[name][digit]
        assert point == expected and list(point) == list(whole)


def test_lists_and_arrays():
    assert make_points([{"a": 1, "b": 2}, {"b": 3, "a": 4}]) == [{"a": 1, "b": 2}, {"a": 4, "b": 3}]
    points = make_points({"a": np.linspace(0.0, 1.0, 3), "b": np.array([1, 2], np.int8)})
    assert points[1] == {"a": 0.0, "b": 2} and type(points[1]["b"]) is int
    assert make_points({"a": [np.float32(0.1)]}) == [{"a": 0.1}]
    rows = make_points({"a": np.eye(2)})
    assert np.array_equal(rows[1]["a"], [0.0, 1.0])
    assert [p["seed"] for p in make_points([{"a": 1}], [5, 3])] == [5, 3]


@pytest.mark.parametrize(("grid", "seeds", "message"), [
    ({}, None, "at least one parameter"), ([], None, "at least one point"),
    ({"a": []}, None, "at least one value"), ({"a": 3.0}, None, r"write \[3.0\]"),
    ({"a": "abc"}, None, "list of the values"), ({1: [2]}, None, "names of the function"),
    ({"a b": [2]}, None, "names of the function"), ({"error": [2]}, None, "own columns"),
    ([{"a": 1}, {"b": 1}], None, "point 1 has b"), ([1], None, "list of dicts"),
    ("x", None, "dict of lists"), (None, None, "dict of lists"), ({"a": {1: 2}}, None, "list of"),
    ({"seed": [1]}, 3, "leave one of them out"), ({"a": [1]}, 0, "seeds"),
    ({"a": [1]}, [1, 1], "differ"), ({"a": [1]}, [-1], "seed"), ({"a": [1]}, "x", "seeds"),
    ({"a": range(10**4), "b": range(10**4)}, None, "at most"), ({"a": [1]}, [], "at least one"),
])  # fmt: skip
def test_what_is_no_grid(grid, seeds, message):
    with pytest.raises(SpikecudaError, match=message):
        make_points(grid, seeds)


VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text("$abfloatdict", max_size=6), inner, max_size=3),
    ),
    max_leaves=8,
)  # fmt: skip


def same(a, b):
    """Tell whether two values are equal and of one type; NaN equals NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    return a == b or (a != a and b != b)


@given(VALUES)
def test_values_come_back(value):
    import json

    text = json.dumps(encode(value, "it"), allow_nan=False)
    assert same(decode(json.loads(text)), value)


@given(st.sampled_from(["f2", "f4", ">f8", "i1", "u8", ">i4", "?"]), st.integers(0, 3),
       st.integers(0, 3))  # fmt: skip
def test_arrays_come_back(dtype, rows, columns):
    array = np.arange(rows * columns).reshape(rows, columns).astype(dtype)
    again = decode(encode(array, "it"))
    assert again.dtype == array.dtype.newbyteorder("=") and np.array_equal(again, array)


@given(st.dictionaries(NAMES, PLAIN, min_size=1, max_size=4))
def test_keys_do_not_depend_on_the_order(point):
    keys = {key_of(dict(items)) for items in itertools.permutations(point.items())}
    assert len(keys) == 1


@pytest.mark.parametrize("value", [object(), {1: 2}, np.array([None]), 1j, {1}, b"x", [len]])
def test_what_cannot_be_kept(value):
    with pytest.raises(SpikecudaError, match="cannot be kept in a file"):
        encode(value, "it")
