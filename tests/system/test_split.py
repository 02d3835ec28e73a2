"""Splitting neurons: every neuron once, contiguous, balanced."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikecuda.errors import SpikecudaValueError
from spikecuda.split import GRAIN, shares_of, split

SPEEDS = st.lists(st.floats(0.01, 100.0), min_size=1, max_size=6)


@given(st.integers(1, 10**9), SPEEDS, st.one_of(st.none(), st.integers(1000, 10**9)))
def test_every_neuron_once_and_in_order(count, speeds, most):
    most = None if most is None else max(most, count // 500 + 1)
    ranges = split(count, speeds, most)
    assert ranges[0][1] == 0
    for (_, first, size), (_, following, _) in pairwise(ranges):
        assert following == first + size and first % GRAIN == 0
    assert ranges[-1][1] + ranges[-1][2] == count
    assert all(size > 0 for _, _, size in ranges)
    devices = [d for d, _, _ in ranges]
    assert devices == sorted(devices)
    if most is not None:
        assert max(size for _, _, size in ranges) <= -(-most // GRAIN) * GRAIN


@given(st.integers(1, 10**9), SPEEDS)
def test_devices_get_their_share_within_a_word(count, speeds):
    held = dict.fromkeys(range(len(speeds)), 0)
    for device, _, size in split(count, speeds):
        held[device] += size
    for device, speed in enumerate(speeds):
        assert abs(held[device] - count * speed / sum(speeds)) <= GRAIN


@given(st.integers(0, 10**9), st.lists(st.floats(0.0, 10.0), min_size=1, max_size=6))
def test_shares_give_out_all_neurons(total, shares):
    if sum(shares) <= 0:
        with pytest.raises(SpikecudaValueError, match="shares must be"):
            shares_of(total, shares)
        return
    counts = shares_of(total, shares)
    assert sum(counts) == total and min(counts) >= 0
    for count, share in zip(counts, shares, strict=True):
        assert abs(count - total * share / sum(shares)) < 1 + 1e-6


def test_bad_speeds_are_refused():
    for speeds in ([], [1.0, 0.0], [float("nan")]):
        with pytest.raises(SpikecudaValueError, match="speeds must be"):
            split(100, speeds)
