"""Runs that pause at given steps, on every device, have the bits of runs that do not."""

import contextlib

import numpy as np
import pytest
from cuda_networks import every_input, outcome

from spikecuda.network import Network
from spikecuda.network.run.pauses import Pauses

DEVICES = {
    "cpu": {"devices": "cpu", "threads": 2, "partitions": 3},
    "several": {"devices": ["cpu:0", "cpu:1"]},
    "one": {"devices": ["cuda-emu:0"]},
    "mixed": {"devices": ["cuda-emu:0", "cpu:0"]},
}


class Counting:
    """A chore that notes when it is called, and what spikes there were."""

    def __init__(self, every, counted):
        self.every, self.counted = every, counted
        self.clocks, self.spikes = [], []

    def act(self, engine, spikes):
        self.clocks.append(engine.clock)
        self.spikes.append(spikes)


def run(options, chores, *parts):
    with Network(0.1, 5, **options) as net:
        every_input(net, steps=200)
        first = next(iter(net.populations))
        net.record(first)
        net.record(first, "v", every=0.6)
        sizes = [p.size for p in net.populations.values()]
        pauses = []

        @contextlib.contextmanager
        def given(engine, steps):
            pauses.append(Pauses(chores, sizes))
            yield pauses[-1], []

        net._chores = given
        net._upkeep[None, ""] = None  # or a run asks for no chores
        return outcome(net, *parts), pauses


@pytest.mark.parametrize("kind", DEVICES)
def test_pauses_change_no_bit(kind):
    expected, _ = run({"devices": "cpu"}, [], 20.0)
    chores = [Counting(7, 0), Counting(50, None)]
    found, pauses = run(DEVICES[kind], chores, 20.0)
    assert found == expected
    assert chores[0].clocks == list(range(7, 201, 7))
    assert chores[1].clocks == [50, 100, 150, 200]
    left = pauses[0].left_over()[0]
    total = sum(chores[0].spikes) + left
    assert np.array_equal(total, pauses[0].counts[0]) and total.sum() > 10


def test_spikes_are_counted_alike_everywhere():
    counted = []
    for options in DEVICES.values():
        chore = Counting(13, 0)
        run(options, [chore], 20.0)
        counted.append(np.array(chore.spikes))
    assert all(np.array_equal(c, counted[0]) for c in counted)
