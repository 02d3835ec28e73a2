"""What a process has of neurons that others advance: nothing, until their state is brought."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spikecuda import Network, Normal
from spikecuda.kernels.network import layout as L
from spikecuda.network import ExpCurrent
from spikecuda.network.cpu.calendar import Calendar
from spikecuda.network.run.neurons import Neurons


@given(st.integers(1, 300), st.data())
def test_own_neurons_begin_as_they_do_among_all(size, data):
    first = data.draw(st.integers(0, size))
    last = data.draw(st.integers(first, size))
    start = data.draw(st.sampled_from([Normal(-60.0, 4.0), -58.0, np.linspace(-70, -60, size)]))
    with Network(seed=3, devices="cpu") as net:
        for name in ("before", "cells"):  # numbers of the generator go on from the one before
            cells = net.population(
                name, size, "lif", initial={"v": start}, receptors={"syn": ExpCurrent(5.0)}
            )
        every, own = Neurons(cells), Neurons(cells, (first, last))
    for name, stored in every.state.items():
        assert np.array_equal(own.state[name][first:last], stored[first:last])
        if size > last - first:
            assert not own.state[name][:first].any() and not own.state[name][last:].any()
    assert own.nbytes * size == every.nbytes * (last - first)
    if last > first:
        own.state["v"][last - 1] = 7.0
        own.reset()
        assert own.state["v"][last - 1] == every.state["v"][last - 1]


@given(
    st.lists(st.lists(st.integers(0, 40), max_size=400), max_size=6), st.integers(1, 9),
    st.booleans(),
)  # fmt: skip
def test_calendars_that_grow_keep_all_and_touch_little(times, chunks, clear):
    calendar = Calendar(64, chunks)
    number, due = 0, {}
    for steps in times:
        cursors = np.arange(number, number + len(steps))
        number += len(steps)
        calendar.put(np.array(steps, np.int64), cursors)
        due |= dict(zip(cursors.tolist(), steps, strict=True))
    at, found = calendar.places(0)
    assert dict(zip(calendar.chunks[at].tolist(), found.tolist(), strict=True)) == due
    # Every spare chunk is reached once from the first one.
    held, free = int(calendar.state[L.CALENDAR_CHUNKS]), int(calendar.state[L.CALENDAR_FREE])
    spare = []
    while free >= 0 and len(spare) <= held:
        spare.append(free)
        free += 1 + int(calendar.chunks[free * L.CHUNK_WORDS])
    assert len(set(spare)) == len(spare) == calendar.state[L.CALENDAR_SPARE]
    if clear:
        calendar.clear()
        assert np.count_nonzero(calendar.chunks) == 1 and not calendar.cursors().size


def test_views_of_a_whole_population_share_its_numbers():
    with Network(devices="cpu") as net:
        cells = net.population("cells", 1000)
        assert cells[:].kernel_ids is cells[:].kernel_ids
        assert np.array_equal(cells[:].ids, np.arange(1000)) and not cells[:].ids.flags.writeable
