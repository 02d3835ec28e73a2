"""Runs in real time: never ahead of the clock, the same bits, lateness as measured by hand."""

import math
import os
import signal
import threading
import time

import numpy as np
import pytest
from steered import bits, equal, network

from spikecuda import GPUNeuronPool, MultiGPUNeuronSystem
from spikecuda.errors import SpikecudaTypeError
from spikecuda.network import Network
from spikecuda.runtime import pace
from spikecuda.runtime.loop import Pieces


class Clock:
    """A clock that only sleeping and working move; each look at it takes a microsecond."""

    def __init__(self, overshoot=0.0):
        self.now, self.overshoot, self.slept = 50.0, overshoot, 0

    def perf_counter(self):
        self.now += 1e-6
        return self.now

    def sleep(self, seconds):
        self.slept += 1
        self.now += seconds + self.overshoot


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(pace, "time", made)
    return made


def test_the_clock_is_kept_to_and_late_pieces_are_caught_up_with(clock):
    random = np.random.default_rng(1)
    clock.overshoot = 60e-6
    work = np.where(random.random(3000) < 0.02, 7e-3, 0.3e-3)
    work[0] = 2.0  # kernels are made, which is no lateness
    kept, lateness, late = pace.Pace(0.1), [], 0
    kept.begin()
    due = begun = clock.now + 1e-3
    for number, seconds in enumerate(work):
        clock.now += seconds
        if number == 0:
            due = begun = clock.now + 1e-6
        late += number > 0 and clock.now + 1e-6 > due
        kept.wait(10 * (number + 1))
        assert clock.now >= due - 1e-9
        lateness.append(1e3 * (clock.now - due))
        due = begun + 1e-3 * (number + 1)
    found = kept.lateness
    assert (found.pieces, found.late) == (3000, late) and 50 < late < 1500
    assert found.worst == pytest.approx(max(lateness), abs=0.005) and found.worst > 6.0
    for part, value in ((50, found.p50), (99, found.p99)):
        assert value == pytest.approx(np.percentile(lateness, part), rel=0.03, abs=0.003)
    assert found.last == pytest.approx(lateness[-1], abs=0.005)
    assert "of 3,000 pieces late" in str(found)


def test_pieces_are_joined_a_few_at_a_time_and_all_are_there():
    """What is joined at once takes time that a run in real time does not have."""
    widths = []

    def join(parts):
        widths.append(len(parts))
        return [number for part in parts for number in part]

    pieces = Pieces(join)
    for number in range(1000):
        pieces.add([number])
    assert max(widths) <= 16 and len(widths) < 80
    assert pieces.own == pieces.result == list(range(1000))


def test_nothing_is_measured_of_nothing(clock):
    found = pace.Pace(0.1).lateness
    assert (found.pieces, found.late, found.worst) == (0, 0, 0.0) and math.isnan(found.p50)


@pytest.mark.parametrize("devices", ["cpu", "cuda-emu"])
def test_a_run_is_never_ahead_and_has_the_same_bits(devices, tmp_path):
    seen = []
    with network(devices=devices) as net, network(devices=devices) as paced:
        one = net.run(20.0)
        assert net.lateness is None
        begun = time.perf_counter()

        def call(net, piece):
            seen.append(1e3 * (time.perf_counter() - begun) - piece.stop)
            assert net.lateness.pieces == len(seen)
            if len(seen) == 2:
                time.sleep(0.012)

        two = paced.run(
            20.0, realtime=True, every=2.0, call=call, save_every=10.0, save_to=tmp_path / "net",
            progress=lambda done, steps: None,
        )  # fmt: skip
        assert equal(bits(one), bits(two)) and len(seen) == 10
        assert min(seen) >= 0.0
        found = paced.lateness
        assert two.lateness == found == paced.result.lateness and one.lateness is None
        assert f"in real time, {found}" in two.table().title
        assert f"in real time, {found}" in two._repr_html_()
        file = two.save(tmp_path / "result.npz")
        assert two.load(file).lateness == found and one.load(one.save(file)).lateness is None
        assert found.pieces == 10 and found.late >= 1 and found.worst > 5.0
        again = Network.load(tmp_path / "net", devices=devices)
        one, two = net.run(5.0), again.run(5.0, realtime=True)
        assert equal(bits(one), bits(two)) and again.lateness.pieces == 5
        net.run(1.0)
        assert net.lateness is None
        again.close()


def test_ctrl_c_ends_the_wait_and_keeps_what_was_done():
    with network() as net:
        net.run(1.0)
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        begun = time.perf_counter()

        def call(*told):
            if timer.ident is None:
                timer.start()

        with pytest.raises(KeyboardInterrupt):
            net.run(100_000.0, realtime=True, every=100.0, call=call)
        assert 0.15 < time.perf_counter() - begun < 30.0
        assert net.result.start == 1.0 and 101.0 <= net.result.stop < 2000.0


def test_pools_and_systems_keep_to_the_clock(tmp_path):
    calls = []

    def call(*told):
        calls.append(told)

    for made, options in (
        (GPUNeuronPool(40, "lif", device="cpu"), {"device": "cpu"}),
        (MultiGPUNeuronSystem(60, devices="cpu"), {"devices": "cpu"}),
    ):
        with made:
            assert made.lateness is None
            made.run(1.0)
            begun = time.perf_counter()
            result = made.run(30.0, realtime=True)
            assert result.lateness == made.lateness == made.result.lateness
            assert str(made.lateness) in result._repr_html_()
            assert time.perf_counter() - begun >= 0.03 - 1e-3
            assert made.lateness.pieces == 30
            calls.clear()  # without ``every``, pieces have 1 ms for ``call`` and ``until``, too
            made.run(3.0, realtime=True, call=call)
            made.run(3.0, realtime=True, until=call)
            assert len(calls) == 6 and made.lateness.pieces == 3
            made.run(30.0, realtime=True)
            again = type(made).load(made.save(tmp_path / "saved"), **options)
            assert again.result.lateness == made.lateness
            again.close()
            assert made.run(1.0).lateness is made.lateness is None


def test_lateness_that_is_no_lateness_is_refused():
    found = pace.Pace(0.1).lateness
    again = pace.as_lateness(found.as_dict())
    assert math.isnan(again.p50) and again.pieces == 0 and found.as_dict()["p99"] is None
    for wrong in (
        {"pieces": 3},
        3,
        {**found.as_dict(), "late": 0.5},
        found.as_dict() | {"worst": -1},
    ):
        with pytest.raises(ValueError, match="lateness"):
            pace.as_lateness(wrong)


def test_what_is_no_flag_is_refused():
    with (
        network() as net,
        pytest.raises(SpikecudaTypeError, match="realtime must be True or False"),
    ):
        net.run(1.0, realtime=1)
