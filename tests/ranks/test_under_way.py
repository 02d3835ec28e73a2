"""A process delivers what it knows of the next steps while spikes are under way to it."""

import ctypes

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikecuda import Network, Poisson, Uniform
from spikecuda.kernels.network import layout as L
from spikecuda.kernels.network.link import FORGET, block_for
from spikecuda.network import ExpCurrent, FixedProbability
from spikecuda.network.one_rank import build_one_rank
from spikecuda.network.ranks.link import GROWS, Link
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.synapses import row_layout
from spikecuda.plan.measure_short import NOTHING, LinkedEngine

SIZE, MS = 600, 60.0


def described():
    net = Network(seed=3, devices="cpu", threads=1)
    net.population("e", SIZE, "lif", receptors={"exc": ExpCurrent(5.0)})
    net.drive("e", Poisson(rate=4000.0, weight=60.0))
    net.connect("e", "e", FixedProbability(0.2), Uniform(5.0, 15.0), Uniform(0.1, 2.0))
    return net


class Late:
    """Stands for MPI and for one other process, whose spikes are those of a run.

    Args:
        lists: int32, of each step what the other sends.
        late: whether all is there only when it is waited for.
    """

    rank, count, handles = 0, 2, (0, 0)

    def __init__(self, lists, late):
        self.lists, self.late = lists, late
        self.events, self.blocks, self.longest = None, [], []
        self.step = self.tests = self.early = self.before = 0
        number = ctypes.c_int64
        self.functions = {
            name: ctypes.CFUNCTYPE(kind, *[number] * count)(function)
            for name, kind, count, function in (
                ("MPI_Iallgather", ctypes.c_int32, 8, self.gather),
                ("MPI_Test", ctypes.c_int32, 3, self.test),
                ("MPI_Wait", ctypes.c_int32, 2, self.wait),
                ("MPI_Allgatherv", ctypes.c_int32, 8, self.gather_lists),
                ("MPI_Wtime", ctypes.c_double, 0, lambda: 0.0),
            )
        }

    def function(self, name):
        return ctypes.cast(self.functions[name], ctypes.c_void_p).value

    def sums(self, values):
        return values * self.count

    def gather(self, send, count, kind, receive, counts, kind2, communicator, request):
        words = self.lists[self.step]
        self.step += 1
        self.blocks.append(count)
        self.longest.append(max(words.size, ctypes.c_int32.from_address(send).value))
        message = np.concatenate([np.array([words.size, 0], np.int32), words])[:count]
        ctypes.memmove(receive, send, 4 * count)
        ctypes.memmove(receive + 4 * count, message.ctypes.data, 4 * message.size)
        self.before = self.events()
        return 0

    def test(self, request, done, status):
        self.tests += 1
        ctypes.c_int32.from_address(done).value = not self.late
        return 0

    def wait(self, request, status):
        self.early += self.events() - self.before
        return 0

    def gather_lists(self, send, words, kind, lists, counts, places, kind2, communicator):
        ctypes.memmove(lists, send, 4 * words)
        other = self.lists[self.step - 1]
        ctypes.memmove(lists + 4 * words, other.ctypes.data, 4 * other.size)
        return 0


@pytest.fixture(scope="module")
def whole():
    """The spikes of a run in one process: steps, neurons."""
    with described() as net:
        spikes = net.run(MS).spikes["e"]
        return spikes.step, spikes.neuron


@pytest.mark.parametrize(
    ("late", "threads", "layout"),
    [(True, 1, "dense"), (False, 1, "dense"), (True, 2, "dense"), (True, 2, "short")],
)
def test_spikes_under_way_are_waited_for_with_work(late, threads, layout, whole, monkeypatch):
    monkeypatch.setattr(row_layout, "forced", layout)
    step, neuron = whole
    net = described()
    steps = round(MS / net.dt)
    one = build_one_rank(net, 0, 2, threads=threads)
    bound = one.bounds[0, 1]
    of = [np.sort(neuron[(step == k) & (neuron >= bound)]).astype(np.int32) for k in range(steps)]
    lists = [np.append(np.array([0, 0, n.size], np.int32), n) if n.size else n for n in of]
    others = Late(lists, late)
    population = net["e"]
    engine = LinkedEngine([Neurons(population)], 1, one.wiring, threads)
    link = Link(others, SIZE, SIZE, threads, 1, 1, net.dt)
    link.table[L.LINK_NEXT], link.table[L.LINK_PEAK] = 16, 0
    engine.link(link.address)
    calendars = engine._memory.calendars
    others.events = lambda: sum(int(c.state[L.CALENDAR_EVENTS]) for c in calendars)
    run = engine.prepare(steps, [net._drives.resolve(population, steps, 0, steps)], [0], [])
    done, found = 0, []
    while done < steps:
        done += engine.advance(run, min(run.chunk, steps - done), NOTHING)
        found += [spikes for _, spikes in engine.drain()]
    engine.close()
    pairs = [s * SIZE + n for s, n in found]
    mine = neuron < bound
    np.testing.assert_array_equal(
        np.sort(np.concatenate(pairs)), np.sort(step[mine] * SIZE + neuron[mine])
    )
    # Nearly all of a step's events are known before the others' last spikes.  Of two threads one
    # delivers while the other one sends.
    if layout == "short":
        assert others.early == 0
    elif threads == 1:
        assert others.tests >= steps // 2
        assert others.early > 0.8 * others.events() if late else others.early == 0
    # Blocks follow the traffic, and what is too long for one comes in full.
    sizes, peak = [16], 0
    for longest in others.longest:
        peak = max(longest << FORGET, peak - (peak >> FORGET))
        sizes.append(min(block_for(peak >> FORGET), link.table[L.LINK_MOST]))
    assert others.blocks == sizes[:-1]
    too_long = sum(n > b - L.LINK_HEAD for n, b in zip(others.longest, sizes, strict=False))
    assert link.figures.overflows == too_long > 0 and max(others.blocks) > 16


@given(st.integers(0, 1 << 16))
def test_a_block_has_room_and_is_whole_cache_lines(words):
    block = block_for(words)
    assert block % 16 == 0 and L.LINK_HEAD + words <= block <= L.LINK_HEAD + 1.125 * words + 16
    assert GROWS * block_for(0) == 128
