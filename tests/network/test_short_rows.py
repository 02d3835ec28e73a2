"""Rows that are short: the same bits as rows of a table, and less memory where many are short."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import Layout, built, descriptions
from test_network_bits import outcome, spikes_of

from spikecuda import Network, Normal
from spikecuda.errors import SpikecudaValueError
from spikecuda.network import ExpCurrent, FixedInDegree, FixedProbability
from spikecuda.network.cpu import short_tables
from spikecuda.network.one_rank import build_one_rank
from spikecuda.network.synapses import row_layout
from spikecuda.network.synapses.short_rows import index_rows, word_bits

# Bits of one block of 100 cells and 40 steps; room in buckets for so few.
FEW = 3


def forced(layout):
    return mock.patch.object(row_layout, "forced", layout)


@settings(max_examples=25)
@given(
    description=descriptions(),
    threads=st.sampled_from((1, 2)),
    blocks=st.integers(1, 4),
    few=st.booleans(),
    cut=st.floats(0, 1),
)
def test_bits_of_random_networks(description, threads, blocks, few, cut):
    d, found = description, []
    for layout in (row_layout.DENSE, row_layout.SHORT):
        shape = Layout() if layout == row_layout.DENSE else Layout(threads, blocks)
        room = FEW if few else 1 << 20
        with (
            forced(layout),
            mock.patch.object(short_tables, "MOST", room),
            shape.build(d, "float32") as net,
        ):
            built(net)
            state, results = outcome(net, d.steps, d.dt, (int(cut * d.steps),))
            wired = []
            for p in net.projections:
                wired += [values.tobytes() for values in p.connections().values()]
            net.reset()
            again, _ = outcome(net, d.steps, d.dt)
            found.append((state, spikes_of(results), wired, again))
    assert found[0] == found[1]


def small(threads=1, partitions=1, size=400, **options):
    net = Network(seed=3, devices="cpu", threads=threads, partitions=partitions, **options)
    cells = net.population("cells", size, receptors={"exc": ExpCurrent(5.0)})
    net.connect(cells, cells, FixedProbability(0.1), Normal(40.0, 4.0), Normal(2.0, 0.5, low=0.1))
    net.connect(cells, cells[::2], FixedInDegree(20), -20.0, 1.5)
    net.drive(cells, np.linspace(300.0, 600.0, size))
    net.record(cells, "spikes")
    return net


@pytest.mark.parametrize(("threads", "partitions"), [(1, 1), (2, 3)])
def test_weights_change_while_spikes_are_on_their_way(threads, partitions):
    found = []
    for layout in (row_layout.DENSE, row_layout.SHORT):
        with forced(layout), small(threads, partitions) as net:
            kept = []
            for k in range(3):
                result = net.run(30.0)
                kept += [result.spikes["cells"].step, result.spikes["cells"].neuron]
                kept += [net["cells"].state["v"], net.metrics()["events"]]
                net.projections[0].weights = net.projections[0].weights * 0.9
                net.projections[1].weights = -10.0 * (k + 1)
                # Places of 64 bits, as of 4.3e9 synapses of a process.
                for bundle in net.build().wiring.bundles:
                    if bundle.short and k:
                        bundle.blocks[0].starts = bundle.blocks[0].starts.astype(np.int64)
                net.build().rewire()
            found.append(kept)
    assert found[0][1].size > 100
    for a, b in zip(*found, strict=True):
        assert np.array_equal(a, b)


@given(counts=st.lists(st.sampled_from((0, 0, 1, 2, 70_000)), max_size=200))
def test_the_index_finds_each_row(counts):
    counts = np.array(counts, np.int64)
    index, starts = index_rows(counts)
    words = index[:, :2].copy().view(np.uint64)[:, 0]
    before = index[:, 2:].copy().view(np.int64)[:, 0]
    row = 0
    for s, n in enumerate(counts):
        group, place = divmod(s, 64)
        assert bool(int(words[group]) >> place & 1) == (n > 0)
        if n:
            assert before[group] + (int(words[group]) & ((1 << place) - 1)).bit_count() == row
            assert starts[row + 1] - starts[row] == n
            row += 1
    assert starts.size == row + 1 and starts[-1] == counts.sum()


def test_places_of_more_than_four_billion_synapses():
    _, starts = index_rows(np.array([2**31, 0, 2**31, 5]))
    assert starts.dtype == np.int64 and starts.tolist() == [0, 2**31, 2**32, 2**32 + 5]


def test_words_have_32_bits():
    bits = word_bits(1 << 16, 64, 255)
    assert (bits.cell, bits.delay) == (16, 22)
    assert word_bits(1 << 16, 64, 1023) is not None
    assert word_bits(1 << 16, 64, 1024) is None
    assert word_bits(1, 1, 1).cell == 1


def test_the_layout_follows_from_the_description():
    # As in docs/mpi.md: 5,000 neurons a process, 10,000 synapses each, some 31 delays.
    shorter = []
    for ranks in (1, 16, 256, 4096):
        dense, short = row_layout.row_bytes(5e7, 5000 * ranks, 1, 31.0)
        shorter.append(short < dense)
    assert shorter == [False, False, True, True]
    with small() as net:
        assert not any(b.short for b in net.build().wiring.bundles)
        few, many = (build_one_rank(net, 0, ranks).wiring.bundles for ranks in (1, 12))
    # Forty synapses of twenty delays; twenty of one delay, of which a process of 12 has two.
    assert [bundle.short for bundle in few] == [True, False]
    assert [bundle.short for bundle in many] == [True, True]


def test_more_neurons_than_random_numbers_tell_apart():
    net = Network()
    net._identity = 2**32 - 40
    net.population("some", 32)
    with pytest.raises(SpikecudaValueError, match="4,294,967,296 neurons"):
        net.population("more", 32)
