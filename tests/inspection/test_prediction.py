"""Occupancy and lower bounds against published examples and sums done by hand."""

import dataclasses
import math

import pytest

from spikecuda.devices.occupancy import LIMITS, occupancy
from spikecuda.errors import SpikecudaValueError
from spikecuda.inspection import inspected, lower_bound, profile
from spikecuda.inspection.catalogue import spec
from spikecuda.inspection.gpus import GPUS, gpu
from spikecuda.inspection.pipes import FP64, PIPES, RESOURCES


def test_occupancy_of_the_best_practices_guide():
    """CUDA C++ Best Practices Guide, 11.1: "a kernel with 128-thread blocks using 37 registers per
    thread results in an occupancy of 75% with 12 active 128-thread blocks per multi-processor,
    whereas a kernel with 320-thread blocks using the same 37 registers per thread results in an
    occupancy of 63% because only four 320-thread blocks can reside on a multiprocessor".  It is
    about 7.0, which has the 65,536 registers, 64 warps and 32 blocks of 8.0.
    """
    small, large = occupancy((8, 0), 37, 128), occupancy((8, 0), 37, 320)
    assert (small.blocks, small.fraction, small.limits) == (12, 0.75, ("registers",))
    assert (large.blocks, large.fraction, large.limits) == (4, 0.625, ("registers",))


def test_full_occupancy_at_32_registers():
    """The same section: 65,536 registers for 2048 threads are 32 for each."""
    assert occupancy((8, 0), 32, 256).fraction == 1.0
    assert occupancy((8, 0), 33, 256).fraction < 1.0


def test_tuning_guides_state_the_largest_number_of_blocks_and_warps():
    """Ampere, Ada, Hopper and Blackwell tuning guides, 1.4.1.1."""
    most = {cc: occupancy(cc, 16, 32).blocks for cc in LIMITS}
    assert most == {
        (7, 5): 16, (8, 0): 32, (8, 6): 16, (8, 9): 24, (9, 0): 32, (10, 0): 32, (12, 0): 24,
    }  # fmt: skip
    warps = {cc: occupancy(cc, 16, 256).warps for cc in LIMITS}
    assert warps == {
        (7, 5): 32, (8, 0): 64, (8, 6): 48, (8, 9): 48, (9, 0): 64, (10, 0): 64, (12, 0): 48,
    }  # fmt: skip


def test_shared_memory_limits_blocks_and_the_system_takes_its_part():
    """Hopper Tuning Guide 1.4.2.3: 228 KB; 1 KB is reserved for each block: 227 for one."""
    assert occupancy((9, 0), 16, 32, 227 * 1024).blocks == 1
    assert occupancy((9, 0), 16, 32, 227 * 1024 + 1).blocks == 0
    assert occupancy((9, 0), 16, 32, 56 * 1024).limits == ("shared memory",)


@pytest.mark.parametrize("values", [((6, 0), 32, 128), ((8, 0), 256, 128), ((8, 0), 32, 2048)])
def test_launches_that_cannot_be_are_refused(values):
    with pytest.raises(SpikecudaValueError, match="must be"):
        occupancy(*values)
    with pytest.raises(SpikecudaValueError, match="shared"):
        occupancy((8, 0), 32, 128, -1)


@pytest.mark.parametrize("known", GPUS, ids=lambda known: known.name)
def test_published_float32_peak(known):
    """Datasheets, TFLOPS; an FMA is counted as two operations."""
    lanes = next(r.lanes for r in RESOURCES[known.cc] if r.name == "FP32")
    peak = 2 * lanes * known.multiprocessors * known.clock * 1e6 / 1e12
    published = {
        "RTX 3060": (12.7, 12.8), "RTX 4090": (82.6, 82.6), "A100": (19.5, 19.5),
        "H100": (66.9, 67), "H200": (66.9, 67), "B200": (74, 80),
    }  # fmt: skip
    low, high = published[known.name]
    assert low - 0.05 <= peak <= high + 0.05


@pytest.fixture(scope="module")
def plain():
    """A profile whose counts are chosen, on the frame of a real one."""
    real = profile(inspected(spec("lif", "float32"), (8, 6)))

    def make(once, per_step, launch=12.0, step=0.125):
        def counts(given):
            return {**dict.fromkeys(PIPES, 0.0), **given}

        main = dataclasses.replace(real.main, per_step=counts(per_step))
        return dataclasses.replace(
            real, main=main, single=main, once=counts(once),
            launch_bytes={"load": launch, "store": 0.0}, step_bytes={"load": 0.0, "store": step},
        )  # fmt: skip

    return make


def test_issue_limit_by_hand(plain):
    # 28 multiprocessors with 4 blocks of 4 warps each; 4 instructions a cycle.
    card = gpu("rtx3060")
    found = lower_bound(plain({"CONTROL": 20}, {"CONTROL": 40}), card, 28 * 4 * 128, 10)
    assert found.limits["issue"] == pytest.approx(16 * (20 + 400) / 4 / 1777e6, rel=1e-12)
    assert found.binding == "issue"
    # One neuron more needs one block more on one multiprocessor, which is then the last.
    more = lower_bound(plain({"CONTROL": 20}, {"CONTROL": 40}), card, 28 * 4 * 128 + 1, 10)
    assert more.limits["issue"] == pytest.approx(found.limits["issue"] * 5 / 4, rel=1e-12)


def test_pipe_limit_by_hand(plain):
    # Two float64 results a cycle: an instruction of a warp takes 16 cycles.
    found = lower_bound(plain({}, {FP64: 3}), gpu("RTX 3060"), 28 * 128, 100)
    assert found.binding == "FP64"
    assert found.seconds == pytest.approx(4 * 300 * 16 / 1777e6, rel=1e-12)
    assert found.updates == pytest.approx(28 * 128 * 100 / found.seconds, rel=1e-12)


def test_memory_limit_by_hand(plain):
    card = gpu("RTX 3060")
    found = lower_bound(plain({}, {"FP32": 0.001}), card, 10_000_000, 8)
    assert found.binding == "DRAM"
    moved = 10_000_000 * (12 + 8 / 8)
    assert found.seconds == pytest.approx((moved - 3e6) / 360e9, rel=1e-12)


def test_what_fits_the_cache_has_no_memory_limit(plain):
    assert lower_bound(plain({}, {"FP32": 1}), gpu("RTX 3060"), 100_000, 8).limits["DRAM"] == 0.0


def test_fused_steps_share_the_launch(plain):
    made = plain({"CONTROL": 100}, {"CONTROL": 20})
    one, many = (lower_bound(made, gpu("RTX 3060"), 10**7, k) for k in (1, 256))
    assert many.updates > 5 * one.updates
    assert math.isclose(many.occupancy.fraction, 1.0)


def test_kernel_of_another_architecture_is_refused(plain):
    with pytest.raises(SpikecudaValueError, match="compute capability"):
        lower_bound(plain({}, {"FP32": 1}), gpu("H100"), 1000, 1)
    with pytest.raises(SpikecudaValueError, match=">= 1"):
        lower_bound(plain({}, {"FP32": 1}), gpu("RTX 3060"), 0, 1)
    with pytest.raises(SpikecudaValueError, match="did you mean 'H100'"):
        gpu("H10")


@pytest.mark.parametrize("known", GPUS, ids=lambda known: known.name)
@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
def test_prediction_of_a_real_kernel_has_every_limit(known, precision):
    found = lower_bound(profile(inspected(spec("lif", precision), known.cc)), known, 1_000_000, 256)
    assert {"issue", "ALU", "load/store", "vote", "DRAM"} <= set(found.limits)
    assert found.seconds == max(found.limits.values()) > 0
    assert ("FP64" in found.limits) == (precision == "float64")
