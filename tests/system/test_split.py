"""Splitting neurons: every neuron once, contiguous, balanced, stable when a device is added."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikecuda.errors import SpikecudaValueError
from spikecuda.placement.apportion import GRAIN, shares_of, split

SPEEDS = st.lists(st.floats(0.01, 100.0), min_size=1, max_size=6)
WEIGHTS = st.lists(st.one_of(st.just(0.0), st.floats(0.01, 100.0)), min_size=1, max_size=6).filter(
    any
)


@given(st.integers(1, 10**9), WEIGHTS, st.one_of(st.none(), st.integers(1000, 10**9)))
def test_every_neuron_once_and_in_order(count, weights, most):
    most = None if most is None else max(most, count // 500 + 1)
    ranges = split(count, weights, most)
    assert ranges[0][1] == 0
    for (_, first, size), (_, following, _) in pairwise(ranges):
        assert following == first + size and first % GRAIN == 0
    assert ranges[-1][1] + ranges[-1][2] == count
    assert all(size > 0 for _, _, size in ranges)
    devices = [d for d, _, _ in ranges]
    assert devices == sorted(devices)
    assert all(weights[d] > 0 for d in devices)
    if most is not None:
        assert max(size for _, _, size in ranges) <= -(-most // GRAIN) * GRAIN


@given(st.integers(1, 10**9), WEIGHTS)
def test_devices_get_their_share_within_a_word(count, weights):
    held = dict.fromkeys(range(len(weights)), 0)
    for device, _, size in split(count, weights):
        held[device] += size
    for device, weight in enumerate(weights):
        assert abs(held[device] - count * weight / sum(weights)) <= GRAIN


def owners(count, ranges):
    result = np.empty(count, int)
    for device, first, size in ranges:
        result[first : first + size] = device
    return result


@given(st.integers(1, 20_000), SPEEDS, st.floats(0.01, 100.0))
def test_a_device_added_at_the_end_only_takes_over(count, speeds, new):
    before = owners(count, split(count, speeds))
    after = owners(count, split(count, [*speeds, new]))
    assert np.all(after >= before)
    # The first device keeps the first neurons, and no more neurons move than must: with shares
    # 1/n each, device d hands on what lies beyond its new end.
    moved = np.count_nonzero(after != before)
    ends = np.cumsum(speeds) / sum(speeds) - np.cumsum(speeds) / (sum(speeds) + new)
    assert moved <= count * ends.sum() + GRAIN * (len(speeds) + 1)


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


def test_bad_weights_are_refused():
    for weights in ([], [0.0, 0.0], [1.0, -1.0], [float("nan")]):
        with pytest.raises(SpikecudaValueError, match="weights must be"):
            split(100, weights)
