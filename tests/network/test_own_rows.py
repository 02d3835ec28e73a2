"""Own parts of rows whose numbers have an order are those of the whole rows."""

import ctypes

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda.kernels.compile.cpu import load_cpu_loop
from spikecuda.kernels.network import draw
from spikecuda.kernels.network.rules import OUT_DEGREE
from spikecuda.network import ExpCurrent, FixedOutDegree, FixedTotal, Network
from spikecuda.network.one_rank import build_one_rank
from spikecuda.network.synapses import own_rows, row_counts


def call(address, *arguments):
    """Call a loop that others call by its address."""
    kind = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 11)
    return kind(address)(*(int(a) for a in arguments))


@given(st.data())
@settings(max_examples=60)
def test_own_parts_are_what_the_whole_row_has_there(data):
    size = data.draw(st.sampled_from([2, 3, 31, 64, 1000, 20_000, 1_000_003]))
    first = data.draw(st.integers(0, size))
    last = data.draw(st.integers(first, min(size, first + data.draw(st.sampled_from([3, size])))))
    degree = data.draw(st.integers(0, 2000))
    source, twin = data.draw(st.integers(0, 2**31 - 1)), data.draw(st.integers(-1, size - 1))
    key0, key1 = data.draw(st.integers(0, 2**32 - 1)), data.draw(st.integers(0, 2**32 - 1))
    ints = np.zeros(draw.PROJECTION, np.int64)
    ints[draw.J_RULE], ints[draw.J_TARGETS] = OUT_DEGREE, size
    ints[draw.J_NUMBER], ints[draw.J_MULTAPSES] = data.draw(st.integers(0, 65_535)), 1
    ints[draw.J_AUTAPSES] = data.draw(st.booleans())
    whole, out, keys = (np.full(degree + 4, -7, np.int32) for _ in range(3))
    where, about = (ints.ctypes.data, 0, source), (degree, twin, key0, key1)
    drawn, own = load_cpu_loop("network_draw"), load_cpu_loop("network_own")
    seen = np.zeros(1, np.int32)
    call(drawn.draw_chosen, *where, *about, 0, size, seen.ctypes.data, whole.ctypes.data)
    got = call(own.draw_own, *where, *about, first, last, keys.ctypes.data, out.ctypes.data)
    here = np.flatnonzero((whole[:degree] >= first) & (whole[:degree] < last))
    assert np.array_equal(keys[:got], here)
    assert np.array_equal(out[:got], whole[here])


def rows_of(rule, multapses):
    """Return the short rows of one process of 90, whose neurons are few of all."""
    with Network(seed=5, devices="cpu", threads=1) as net:
        cells = net.population("cells", 9000, receptors={"syn": ExpCurrent(5.0)})
        net.connect(cells, cells, rule, 20.0, 1.5, multapses=multapses)
        rank = build_one_rank(net, 7, 90, threads=2)
    (bundle,) = rank.wiring.bundles
    return [(rows.targets, rows.starts) for rows in bundle.blocks]


def test_rows_that_are_kept_in_pieces_or_drawn_twice_are_the_same(monkeypatch):
    for rule, multapses in (
        (FixedOutDegree(170), True),
        (FixedTotal(1_500_000), True),
        (FixedOutDegree(150), False),
    ):
        plain = rows_of(rule, multapses)
        assert sum(targets.size for targets, _ in plain) > 10_000
        with monkeypatch.context() as patch:
            patch.setattr(own_rows, "BUFFER", 1)
            pieces = rows_of(rule, multapses)
        with monkeypatch.context() as patch:
            patch.setattr(row_counts, "available_memory", lambda: 0)
            twice = rows_of(rule, multapses)
        for other in (pieces, twice):
            for a, b in zip(plain, other, strict=True):
                assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
