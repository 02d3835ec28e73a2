"""The predicted time of a window in which synapses learn: its kernels, limits and scaling."""

import dataclasses

import pytest

from spikecuda.inspection import inspected, networks, profile
from spikecuda.inspection.gpus import gpu
from spikecuda.inspection.learning_window import (
    Learners,
    LearningKernels,
    learning_parts,
    smallest_loop,
    turn_instructions,
)
from spikecuda.inspection.window import CAUTIOUS, LEAST, Load, real_time_factor, size
from spikecuda.kernels import learn_routines, routines
from spikecuda.plasticity import STDP

CC = (8, 6)
LOAD = Load(12_500, 15, 0.1, 560.0, 253_000.0, 2.0, 1, 8, 450.0)
LEARNERS = Learners(1e7, 450_000.0, 626, 5.0, 10.2, 2, 66.7)


@pytest.fixture(scope="module")
def kernels():
    spec = STDP(w_max=1.0).spec("float32")
    return LearningKernels(
        profile(inspected(networks.update("coba"), CC)),
        *(
            inspected(routine, CC)
            for routine in (
                routines.collect(), routines.deliver_rows(routines.CONSTANT),
                learn_routines.keep_spikes(spec), learn_routines.learn_rows(spec),
                learn_routines.sweep_rows(spec),
            )
        ),
    )  # fmt: skip


def parts(kernels, learners=LEARNERS, assumed=LEAST):
    return learning_parts(kernels, gpu("RTX 3060"), LOAD, learners, assumed)


def test_learning_adds_three_kernels_to_a_window(kernels):
    found = parts(kernels)
    assert [part.name.split("_stdp")[0] for part in found[3:]] == [
        "keep_spikes", "learn_rows", "sweep_rows",
    ]  # fmt: skip
    assert real_time_factor(found, LOAD) == pytest.approx(sum(p.time for p in found) / 1500.0)
    # 450,000 events of 10.2 bytes at 360 GB/s; all of 10 M synapses every 66.7 ms, 1.5 ms of it.
    assert found[4].limits["DRAM"] == pytest.approx(450_000 * 10.2 / 360e9 * 1e6)
    assert found[5].limits["DRAM"] == pytest.approx(1e7 * 10.2 / 360e9 * 1e6 * 1.5 / 66.7)
    assert found[5].start == pytest.approx(2 * LEAST.start / 4)  # graphs of four windows


def test_cautious_assumptions_never_give_a_shorter_time(kernels):
    for least, cautious in zip(parts(kernels), parts(kernels, assumed=CAUTIOUS), strict=True):
        assert cautious.time > least.time


def test_more_events_and_more_spikes_take_longer(kernels):
    few = parts(kernels)
    many = parts(kernels, dataclasses.replace(LEARNERS, events=4.5e7, most=50.0))
    assert many[4].limits["L2"] == pytest.approx(100 * few[4].limits["L2"])
    assert many[3].time > few[3].time


def test_loops_are_found(kernels):
    # A load of the target, its line's search, an arrival, a spike of the source, what is sent.
    assert 80 < turn_instructions(kernels.learn) < size(kernels.learn)
    assert 20 < smallest_loop(kernels.keep) < size(kernels.keep)
    assert 40 < smallest_loop(kernels.sweep, synapses=True) < size(kernels.sweep)
