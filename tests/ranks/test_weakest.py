"""The weakest synapses of several processes are those of one."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda.errors import SpikecudaValueError
from spikecuda.network.ranks.patience import PATIENCE, VARIABLE, patience
from spikecuda.network.synapses.weakest import DELAY, SOURCE, weakest_together


class Crew:
    """Threads that stand for processes."""

    def __init__(self, count):
        self.count, self.barrier, self.given = count, threading.Barrier(count), [None] * count

    def exchange(self, rank, value):
        self.given[rank] = value
        self.barrier.wait()
        every = list(self.given)
        self.barrier.wait()
        return every


class Member:
    def __init__(self, crew, rank):
        self.crew, self.rank = crew, rank

    def sums(self, values):
        return sum(self.crew.exchange(self.rank, values))

    def joined(self, array, of=""):
        return self.crew.exchange(self.rank, array)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 4), st.integers(1, 3), st.integers(0, 2**32 - 1), st.integers(0, 120),
    st.floats(0.0, 1.0), st.integers(1, 60),
)  # fmt: skip
def test_any_split(ranks, blocks, seed, size, fraction, kinds):
    rng = np.random.default_rng(seed)
    owner = np.sort(rng.integers(0, ranks * blocks, size))
    # Targets ascend from block to block; of a pair there may be several synapses.
    target = 10 * owner + rng.integers(0, 10, size)
    source, delay = rng.integers(0, 5, size), rng.integers(1, 4, size)
    weight = (rng.integers(-kinds, kinds, size) * 0.25) * rng.choice([1.0, -1.0], size)
    order = np.lexsort((target, delay, source, owner))
    owner, target, source, delay, weight = (
        values[order] for values in (owner, target, source, delay, weight)
    )
    expected = np.zeros(size, np.bool_)
    weakest = np.lexsort((target, delay, source, weight))
    expected[weakest[: int(fraction * size)]] = True
    crew, found = Crew(ranks), [None] * ranks

    def work(rank):
        own = [np.flatnonzero(owner == rank * blocks + b) for b in range(blocks)]
        shift = 10 * (rank * blocks + np.arange(blocks))
        keys = [
            (source[at] << SOURCE) | (delay[at] << DELAY) | (target[at] - s)
            for at, s in zip(own, shift, strict=True)
        ]
        weights = [weight[at] for at in own]
        found[rank] = weakest_together(Member(crew, rank), weights, keys, shift, fraction, 5)

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(ranks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    masks = [mask for member in found for mask in member]
    for b, mask in enumerate(masks):
        assert np.array_equal(mask, expected[owner == b])


def test_patience_is_a_number_of_seconds(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert patience() == PATIENCE
    for text, seconds in (("", PATIENCE), ("0", 0.0), (" 2.5 ", 2.5)):
        monkeypatch.setenv(VARIABLE, text)
        assert patience() == seconds
    for text in ("-1", "x", "nan", "inf", "0.01", "1e-300", "1e9"):
        monkeypatch.setenv(VARIABLE, text)
        with pytest.raises(SpikecudaValueError, match=f"{VARIABLE} must be the seconds"):
            patience()
