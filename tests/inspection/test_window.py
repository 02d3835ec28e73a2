"""The predicted time of a network's window: limits, scaling, and what the machine code says."""

import dataclasses
import math

import pytest

from spikecuda.inspection import inspected, networks, profile
from spikecuda.inspection.gpus import gpu
from spikecuda.inspection.window import (
    CAUTIOUS,
    LEAST,
    Load,
    real_time_factor,
    row_instructions,
    window_parts,
)
from spikecuda.kernels import routines

LOAD = Load(77_169, 1, 0.1, 25.0, 97_000.0, 4.14, 4, 21, 3873.0)


@pytest.fixture(scope="module")
def kernels():
    cc = (9, 0)
    return (
        profile(inspected(networks.update("microcircuit"), cc)),
        inspected(routines.collect(), cc),
        inspected(routines.deliver_rows(routines.NARROW), cc),
    )


def parts(kernels, load=LOAD, assumed=LEAST):
    return window_parts(*kernels, gpu("H100"), load, assumed)


def test_a_window_is_three_kernels_and_each_has_a_start(kernels):
    found = parts(kernels)
    assert len(found) == 3
    for part in found:
        assert part.time == LEAST.start + max(part.limits.values())
        assert part.limits[part.binding] == max(part.limits.values())
    assert real_time_factor(found, LOAD) == pytest.approx(sum(p.time for p in found) / 100.0)


def test_cautious_assumptions_never_give_a_shorter_time(kernels):
    for least, cautious in zip(parts(kernels), parts(kernels, assumed=CAUTIOUS), strict=True):
        assert cautious.time > least.time
        assert all(cautious.limits[name] >= limit for name, limit in least.limits.items())


def test_bytes_and_additions_grow_with_the_events(kernels):
    many = dataclasses.replace(LOAD, events=1000 * LOAD.events)
    few, more = parts(kernels)[2], parts(kernels, many)[2]
    for name in ("DRAM", "atomics"):
        assert more.limits[name] == pytest.approx(1000 * few.limits[name])
    # 97 million events: 402 MB at 3,350 GB/s.
    assert more.limits["DRAM"] == pytest.approx(97e6 * 4.14 / 3350e9 * 1e6)
    assert more.binding in ("DRAM", "atomics", "issue")


def test_longer_windows_cost_less_for_each_step(kernels):
    long = dataclasses.replace(
        LOAD, window=15, spikes=15 * LOAD.spikes, events=15 * LOAD.events
    )  # fmt: skip
    short = real_time_factor(parts(kernels), LOAD)
    assert real_time_factor(parts(kernels, long), long) < 0.6 * short


@pytest.mark.parametrize("cc", networks.PREDICTED, ids=lambda cc: f"sm{cc[0]}{cc[1]}")
def test_the_loop_over_synapses_is_found(cc):
    own, search = row_instructions(inspected(routines.deliver_rows(routines.NARROW), cc))
    # Two loads, an addition, addresses, and the shuffle of what the segment's lane holds.
    assert 15 < own < 60
    assert 4 < search < 40
    assert math.isfinite(own + search)
