"""Streams, events and graphs: work runs late, in any order that events allow; races are found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import cuda, float32

from spikecuda import emu
from spikecuda.errors import ClosedError


def double(x):
    i = cuda.grid(1)
    if i < x.size:
        x[i] *= float32(2)


def count(x):
    cuda.atomic.add(x, 0, np.int32(1))


def trap(x):
    x[x.size + 5] = float32(1)


@pytest.fixture(scope="module")
def kernels():
    float_array, int_array = "void(f4[::1])", "void(i4[::1])"
    return {
        "double": emu.compile(double, float_array, (9, 0)),
        "count": emu.compile(count, int_array, (9, 0)),
        "trap": emu.compile(trap, float_array, (9, 0)),
    }


def test_work_waits_until_something_asks_for_it(kernels):
    device = emu.Device()
    stream = device.stream()
    x = device.to_device(np.ones(4, np.float32))
    source = np.full(4, 3, np.float32)
    x.copy_from_host(source, stream)
    device.launch(kernels["double"], 1, 32, x, stream=stream)
    done = stream.record()
    out = x.copy_to_host(np.zeros(4, np.float32), stream)
    assert not done.query() and x.host[0] == 1 and out[0] == 0
    source[:] = 5  # host memory is read when the copy runs
    done.synchronize()
    assert done.query() and x.host[0] == 10 and out[0] == 0
    stream.synchronize()
    assert out[0] == 10


@pytest.mark.parametrize("configuration", [(1, 32), (1, 32, None), (1, 32, 0, 0)])
def test_work_without_a_stream_comes_after_all_other_work(kernels, configuration):
    device = emu.Device()
    streams = [device.stream(), device.stream()]
    x = device.to_device(np.ones(4, np.float32))
    x.fill(2, streams[0])
    kernels["double"].on(device)[configuration](x)
    assert x.copy_to_host()[0] == 4


def test_a_launch_in_a_stream_by_brackets(kernels):
    device = emu.Device()
    stream = device.stream()
    x = device.to_device(np.ones(4, np.float32))
    kernels["double"].on(device)[1, 32, stream](x)
    assert x.host[0] == 1
    stream.synchronize()
    assert x.host[0] == 2


def test_arguments_are_checked_when_the_launch_is_asked_for(kernels):
    device = emu.Device()
    with pytest.raises(emu.LaunchError):
        device.launch(kernels["double"], 1, 5000, device.zeros(1), stream=device.stream())


def test_streams_wait_for_events_of_others(kernels):
    device = emu.Device(mode="race")
    a, b = device.stream(), device.stream()
    x = device.to_device(np.ones(4, np.float32))
    x.fill(3, a)
    b.wait(a.record())
    device.launch(kernels["double"], 1, 32, x, stream=b)
    a.wait(b.record())
    x.copy_to_host(out := np.zeros(4, np.float32), a)
    a.synchronize()
    assert (out == 6).all()


def test_an_event_that_moves_on_is_waited_for_where_it_was(kernels):
    device = emu.Device()
    a, b = device.stream(), device.stream()
    x = device.zeros(1)
    x.fill(1, a)
    event = a.record()
    b.wait(event)
    x.fill(2, a)
    a.record(event)
    b.synchronize()
    assert x.host[0] == 1
    b.wait(event)
    b.synchronize()
    assert x.host[0] == 2


def test_what_no_event_orders_is_a_race(kernels):
    device = emu.Device(mode="race")
    a, b = device.stream(), device.stream()
    x = device.to_device(np.ones(64, np.float32)).named("weights")
    device.launch(kernels["double"], 1, 32, x[:32], stream=a)
    device.launch(kernels["double"], 1, 32, x[32:], stream=b)
    device.synchronize()  # two halves
    device.launch(kernels["double"], 1, 32, x[:32], stream=a)
    x[16:48].copy_to_host(np.zeros(32, np.float32), b)
    with pytest.raises(emu.StreamRace, match=r"byte 64 of 'weights' \(256 bytes\)") as caught:
        device.synchronize()
    assert caught.value.address == x.pointer + 64
    assert "double" in caught.value.first and "stream 1" in caught.value.first
    assert "copy of 'weights' to the host in stream 2" in caught.value.second
    assert "wait for it" in str(caught.value)


def test_two_readers_are_no_race_and_neither_are_two_atomics(kernels):
    device = emu.Device(mode="race")
    a, b = device.stream(), device.stream()
    x = device.to_device(np.zeros(1, np.int32))
    for stream in (a, b):
        x.copy_to_host(np.zeros(1, np.int32), stream)
    device.synchronize()
    for stream in (a, b):
        device.launch(kernels["count"], 2, 32, x, stream=stream)
    device.synchronize()
    assert x.copy_to_host()[0] == 128
    device.launch(kernels["count"], 2, 32, x, stream=a)
    x.copy_to_host(np.zeros(1, np.int32), b)
    with pytest.raises(emu.StreamRace):
        device.synchronize()


def test_the_host_races_too():
    device = emu.Device(mode="race")
    stream = device.stream()
    x, staging = device.zeros(4), np.zeros(4, np.float32)
    device.host_writes(staging)
    x.copy_from_host(staging, stream)
    stream.synchronize()
    device.host_writes(staging)
    x.copy_from_host(staging, stream)
    device.host_reads(staging)  # two readers
    stream.synchronize()
    x.copy_to_host(staging, stream)
    device.host_reads(staging)
    with pytest.raises(emu.StreamRace, match=r"the host .* host memory"):
        stream.synchronize()


def test_strided_copies_touch_only_their_elements():
    device = emu.Device(mode="race")
    a, b = device.stream(), device.stream()
    x = device.zeros((4, 4))
    x[:, :2].fill(1, a)
    x[:, 2:].fill(2, b)
    device.synchronize()
    x[:, :2].fill(1, a)
    x[:, 1:3].fill(2, b)
    with pytest.raises(emu.StreamRace):
        device.synchronize()


def test_memory_is_given_back_in_stream_order(kernels):
    device = emu.Device(mode="race")
    a, b = device.stream(), device.stream()
    x = device.to_device(np.ones(4, np.float32))
    device.launch(kernels["double"], 1, 32, x, stream=a)
    x.free(a)
    assert device.allocated == 16
    a.synchronize()
    assert device.allocated == 0
    y = device.to_device(np.ones(4, np.float32))
    device.launch(kernels["double"], 1, 32, y, stream=b)
    y.free(a)
    with pytest.raises(emu.StreamRace, match="freeing"):
        device.synchronize()


def test_a_seed_runs_streams_in_other_orders():
    orders = set()
    for seed in range(4):
        device = emu.Device(seed=seed)
        a, b = device.stream(), device.stream()
        x, y = device.zeros(1), device.zeros(1)
        seen: list[int] = []
        for value in range(1, 9):
            x.fill(value, a)
            y.fill(value, b)
            device.do("look", lambda seen=seen, y=y: seen.append(int(y.host[0])), stream=a)
        a.synchronize()
        assert x.host[0] == 8 and seen == sorted(seen)
        b.synchronize()
        assert y.host[0] == 8
        orders.add(tuple(seen))
    assert len(orders) > 1


def test_after_a_fault_the_rest_is_dropped_and_memory_given_back(kernels):
    device = emu.Device(mode="check")
    a, b = device.stream(), device.stream()
    x, y = device.to_device(np.ones(4, np.float32)), device.zeros(4)
    event = b.record()
    device.launch(kernels["trap"], 1, 1, x, stream=a)
    x.fill(7, a)
    y.fill(7, b)
    y.free(b)
    a.wait(event)
    with pytest.raises(emu.MemoryFault):
        a.synchronize()
    a.synchronize()
    device.synchronize()
    assert x.host[0] == 1 and device.allocated == 16
    x.fill(8, a)
    a.synchronize()
    assert x.host[0] == 8


def test_a_graph_is_replayed_node_by_node(kernels):
    device = emu.Device(mode="race")
    main, side = device.stream(), device.stream()
    x, y = device.to_device(np.ones(4, np.float32)), device.to_device(np.ones(4, np.float32))
    main.begin_capture()
    device.launch(kernels["double"], 1, 32, x, stream=main)
    side.wait(main.record())
    device.launch(kernels["double"], 1, 32, x, stream=main)
    device.launch(kernels["double"], 1, 32, y, stream=side)
    main.wait(side.record())
    y.copy_from(x, main)
    graph = main.end_capture()
    assert [node.follows for node in graph.nodes] == [set(), {0}, {0}, {1, 2}]
    assert x.host[0] == 1  # nothing has run
    graph.launch(main)
    graph.launch(main)
    assert x.host[0] == 1
    main.synchronize()
    assert x.host[0] == 16 and y.host[0] == 16
    side.synchronize()


def test_a_graph_has_races_too(kernels):
    device = emu.Device(mode="race")
    main, side = device.stream(), device.stream()
    x = device.to_device(np.ones(4, np.float32))
    main.begin_capture()
    side.wait(main.record())
    device.launch(kernels["double"], 1, 32, x, stream=main)
    device.launch(kernels["double"], 1, 32, x, stream=side)
    main.wait(side.record())
    graph = main.end_capture()
    graph.launch(main)
    with pytest.raises(emu.StreamRace):
        main.synchronize()


def test_captures_are_checked(kernels):
    device = emu.Device()
    main, side, other = device.stream(), device.stream(), device.stream()
    x = device.zeros(4)
    with pytest.raises(emu.LaunchError, match="begin_capture first"):
        main.end_capture()
    outside = other.record()
    main.begin_capture()
    with pytest.raises(emu.LaunchError, match="end that capture first"):
        main.begin_capture()
    with pytest.raises(emu.LaunchError, match="outside of the capture"):
        main.wait(outside)
    inside = main.record()
    side.wait(inside)
    x.fill(1, side)
    with pytest.raises(emu.LaunchError, match=r"come together|comes together"):
        main.end_capture()
    with pytest.raises(emu.LaunchError, match="while it is going on"):
        side.wait(inside)
    x.fill(1, side)  # no capture any more
    side.synchronize()
    assert x.host[0] == 1


def test_a_closed_stream_takes_no_work():
    device = emu.Device()
    stream, x = device.stream(), device.zeros(1)
    x.fill(3, stream)
    stream.close()
    assert x.host[0] == 3
    with pytest.raises(ClosedError):
        x.fill(4, stream)


ACTIONS = st.one_of(
    st.tuples(st.just("touch"), st.integers(0, 2), st.integers(0, 3), st.booleans()),
    st.tuples(st.just("record"), st.integers(0, 2)),
    st.tuples(st.just("wait"), st.integers(0, 2), st.integers(0, 30)),
    st.tuples(st.just("sync"), st.integers(0, 2)),
    st.tuples(st.just("host"), st.integers(0, 3), st.booleans()),
    st.tuples(st.just("graph"), st.integers(0, 2), st.integers(0, 3), st.integers(0, 3)),
)


@settings(max_examples=200)
@given(
    st.lists(ACTIONS, max_size=25), st.one_of(st.none(), st.integers(0, 9)), st.integers(1, 3)
)  # fmt: skip
def test_a_race_is_reported_exactly_where_nothing_orders_two_accesses(actions, seed, count):
    """Against the transitive closure of the order that streams, events and the host make."""
    devices = [emu.Device(mode="race", seed=seed) for _ in range(count)]
    for other in devices[1:]:
        devices[0].join(other)
    streams = [devices[i % count].stream() for i in range(3)]
    memory = [np.zeros(8, np.uint8) for _ in range(4)]
    touches: list[tuple[int, bool]] = []  # of each node of the order: which memory, whether written
    before: list[set[int]] = []
    last: list[set[int]] = [set(), set(), set()]  # what the next work of a stream comes after
    host: set[int] = set()
    events: list[tuple[emu.Event, set[int]]] = []

    def node(where, write, after):
        before.append(set(after).union(*(before[i] for i in after)))
        touches.append((where, write))
        return len(touches) - 1

    def access(where, write):
        kind = emu.history.WRITE if write else emu.history.READ
        return [emu.arrays.access(memory[where], kind)]

    def perform():
        nonlocal host
        for name, *rest in actions:
            if name == "touch":
                s, where, write = rest
                devices[0].do("touch", lambda: None, access(where, write), streams[s])
                last[s] = {node(where, write, last[s] | host)}
            elif name == "record":
                events.append((streams[rest[0]].record(), set(last[rest[0]])))
            elif name == "wait" and events:
                event, after = events[rest[1] % len(events)]
                streams[rest[0]].wait(event)
                last[rest[0]] |= after
            elif name == "sync":
                streams[rest[0]].synchronize()
                host |= last[rest[0]]
            elif name == "host":
                where, write = rest
                (devices[0].host_writes if write else devices[0].host_reads)(memory[where])
                host = {node(where, write, host)}
            elif name == "graph":
                s, one, two = rest
                main, side = streams[s], streams[s].device.stream()
                main.begin_capture()
                side.wait(main.record())
                devices[0].do("touch", lambda: None, access(one, True), main)
                devices[0].do("touch", lambda: None, access(two, True), side)
                main.wait(side.record())
                main.end_capture().launch(main)
                after = last[s] | host
                last[s] = {node(one, True, after), node(two, True, after)}
        devices[0].synchronize()

    raced = False
    try:
        perform()
    except emu.StreamRace:
        raced = True
    if raced:  # an error cut the actions short: go through all of them
        devices = [emu.Device(mode="fast")]
        streams = [devices[0].stream() for _ in range(3)]
        touches.clear(), before.clear(), events.clear(), host.clear()
        last[:] = [set(), set(), set()]
        perform()
    expected = any(
        touches[i][0] == touches[j][0] and (touches[i][1] or touches[j][1]) and i not in before[j]
        for j in range(len(touches))
        for i in range(j)
    )
    assert raced == expected


def test_peers_copy_in_a_stream_that_waits_for_what_is_copied():
    a, b = emu.Device(mode="race"), emu.Device(mode="race", ordinal=1)
    there, here = a.stream(), b.stream()
    x, y = a.zeros(4).named("bits"), b.zeros(4)
    a.join(b)
    x.fill(3, there)
    here.wait(there.record())
    y.copy_from(x, here)
    there.wait(here.record())
    assert x.host[0] == 0  # nothing has waited for either of them
    x.fill(4, there)
    here.synchronize()
    there.synchronize()
    assert y.host[0] == 3 and x.host[0] == 4


@pytest.mark.parametrize("missing", ["the source is not there yet", "it is written too early"])
def test_a_copy_between_peers_that_no_event_orders_is_a_race(missing):
    a, b = emu.Device(mode="race"), emu.Device(mode="race", ordinal=1)
    b.join(a)
    there, here = a.stream(), b.stream()
    x, y = a.zeros(4).named("bits"), b.zeros(4)
    if missing == "it is written too early":
        y.copy_from(x, here)
        x.fill(3, there)
    else:
        x.fill(3, there)
        y.copy_from(x, here)
    with pytest.raises(emu.StreamRace, match=r"of 'bits' \(16 bytes\) of emulated CUDA device 0"):
        b.synchronize()


def test_what_the_host_waits_for_on_one_peer_comes_before_its_work_for_another():
    a, b = emu.Device(mode="race"), emu.Device(mode="race", ordinal=1)
    a.join(b)
    there, here = a.stream(), b.stream()
    x, y = a.zeros(4), b.zeros(4)
    x.fill(3, there)
    there.synchronize()
    y.copy_from(x, here)
    here.synchronize()
    x.fill(5, there)
    a.synchronize()
    assert y.host[0] == 3


def test_peers_part_and_have_one_mode():
    a, b, c = emu.Device(), emu.Device(ordinal=1), emu.Device(mode="race")
    a.join(b), a.join(b)
    with pytest.raises(emu.LaunchError, match="one mode"):
        a.join(c)
    stream = b.stream()
    b.zeros(4).fill(1, stream)
    assert a.host is b.host and a.host.busy
    b.part()
    assert a.host is not b.host and a.host.devices == [a] and not b.host.busy
    b.part()
    b.close()
    c.close()


def test_memory_of_a_closed_peer_is_nobodys():
    """What is allocated in its place races with nothing that was done there."""
    a, b = emu.Device(mode="race"), emu.Device(mode="race", ordinal=1)
    a.join(b)
    there = b.stream()
    y = b.zeros(64)
    y.fill(1, there)
    there.run_out()
    assert len(a.history._done) == 1
    b.close()
    assert [o for o in a.history._done if o.accesses] == [] and a.host.devices == [a]
