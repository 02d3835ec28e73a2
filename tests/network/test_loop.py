"""Runs in pieces with a function between them: the same bits, and nothing is lost."""

import os
import signal
import threading

import numpy as np
import pytest
from steered import DEVICES, bits, equal, network

from spikecuda import OrnsteinUhlenbeck, PerStep, Poisson, Sine, Step, Waveform
from spikecuda.errors import NumericalError, SpikecudaError, SpikecudaTypeError, SpikecudaValueError
from spikecuda.network import ExpCurrent, Network, NetworkResult


def nothing(net, piece):
    """Change nothing."""


@pytest.mark.parametrize(("devices", "options"), [("cpu", {"threads": 1}), *DEVICES])
@pytest.mark.parametrize("every", [1.0, 7.3, 40.0, 100.0])
def test_pieces_have_the_bits_of_one_run(devices, options, every):
    rows = np.linspace(0.0, 300.0, 400)
    seen, results = [], []
    for pieces in ({}, {"every": every, "call": lambda net, piece: seen.append(piece)}):
        with network(devices=devices, **{"threads": None, **options}) as net:
            net.drive("E", Step(100.0, start=7.05, stop=31.0))
            net.drive("I", PerStep(rows))
            results.append(net.run(40.0, **pieces))
            assert net.result is results[-1]
    one, pieces = results
    assert np.allclose([piece.duration for piece in seen[:-1]], every)
    assert equal(bits(one), bits(pieces)) and one.num_spikes > 100
    assert equal(bits(sum(seen)), bits(one))
    for name in ("start", "duration", "dt", "sizes", "ids", "trace_ids", "units"):
        assert getattr(one, name) == getattr(pieces, name), name
    assert np.array_equal(one.trace_times["E"], pieces.trace_times["E"])


def fluctuating(net):
    """Add input that is a function of the step; return the handles."""
    return [
        net.drive("E", OrnsteinUhlenbeck(mean=20.0, sigma=60.0, tau=5.0)),
        net.drive("E", Poisson(Sine(mean=2000.0, amplitude=1500.0, frequency=20.0), 20.0), "exc"),
        net.drive("I", Waveform(np.linspace(0.0, 300.0, 40), dt=1.0)),
    ]


def test_input_in_model_time_is_that_of_one_run_and_of_a_trial():
    def steer(drives):
        def call(net, piece):
            drives[0].update(mean=piece.stop, tau=3.0 + piece.stop / 10.0)
            drives[1].weight = 10.0 + piece.stop
            drives[2].start = 1.0

        return call

    found = []
    for devices in ("cpu", "cuda-emu"):
        nets = [network(devices=devices, trial=trial) for trial in (0, 0, 5, 0)]
        drives = [fluctuating(net) for net in nets]
        one, two = nets[0].run(20.0), nets[1].run(20.0, every=3.7, call=nothing)
        assert equal(bits(one), bits(two))
        nets[1].reset(trial=5)
        again = nets[2].run(20.0)
        assert equal(bits(nets[1].run(20.0)), bits(again)) and not equal(bits(one), bits(again))
        steered = nets[3].run(20.0, every=2.0, call=steer(drives[3]))
        found += [bits(result) for result in (one, again, steered)]
        for net in nets:
            net.close()
    assert all(equal(a, b) for a, b in zip(found[:3], found[3:], strict=True))


def test_a_function_changes_what_runs():
    def steer(net, piece):
        net["E"].params["tau_m"] = 12.0 if piece.stop < 15.0 else 25.0
        net["E"].state["v"] = np.minimum(net["E"].state["v"], -55.0)
        net.projections[0].weights = 40.0 + piece.num_spikes % 7
        net["E"].receptors["inh"] = ExpCurrent(8.0)

    def by_hand(net):
        found = []
        for _ in range(6):
            piece = net.run(5.0)
            found.append(piece)
            steer(net, piece)
        return sum(found)

    with network() as net:
        one = bits(by_hand(net))
    for devices, options in [("cpu", {"threads": 1}), *DEVICES]:
        with network(devices=devices, **{"threads": None, **options}) as net:
            assert equal(one, bits(net.run(30.0, every=5.0, call=steer))), devices


def test_false_and_until_end_a_run():
    with network() as net:
        assert net.run(50.0, every=5.0, call=lambda net, piece: piece.stop < 14.0).stop == 15.0
        assert net.time == 15.0
        stopped = net.run(50.0, every=5.0, until=lambda net, piece: piece.stop >= 24.9)
        assert (stopped.start, stopped.stop, net.time) == (15.0, 25.0, 25.0)
        order = []

        def call(net, piece):
            order.append("call")
            return np.bool_(True)

        net.run(5.0, every=2.5, call=call, until=lambda *_: order.append("until"))
        assert order == ["call", "until"] * 2
        # Only False ends a run.
        assert net.run(5.0, every=2.5, call=lambda *_: 0).duration == 5.0
        assert net.run(5.0, every=2.5, call=lambda *_: np.False_).duration == 2.5
        assert net.run(0.0, every=2.5, call=lambda *_: order.append("none")).duration == 0.0
        assert "none" not in order


@pytest.mark.parametrize(("devices", "options"), [("cpu", {"threads": 1}), *DEVICES])
def test_what_breaks_off_keeps_what_it_recorded(devices, options):
    with network() as net:
        whole = net.run(30.0)

    def first(result):
        return [x[: len(y)] for x, y in zip(bits(whole), bits(result), strict=True)]

    def fail(net, piece):
        if piece.stop > 14.0:
            raise KeyError("mine")

    with network(devices=devices, **{"threads": None, **options}) as net:
        with pytest.raises(SpikecudaError, match="has no result"):
            _ = net.result
        with pytest.raises(KeyError, match="mine"):
            net.run(30.0, every=5.0, call=fail)
        assert (net.result.stop, net.time) == (15.0, 15.0)
        assert equal(first(net.result), bits(net.result)) and net.result.num_spikes > 20
        before = net.result

        def interrupt(done, steps):
            if done >= 60:
                os.kill(os.getpid(), signal.SIGINT)

        if threading.current_thread() is threading.main_thread():
            with pytest.raises(KeyboardInterrupt):
                net.run(15.0, every=5.0, call=nothing, progress=interrupt)
            assert 20.0 < net.time <= 25.0 and net.result.start == 15.0
            joined = before + net.result
            assert joined.stop == pytest.approx(net.time)
            assert equal(first(joined), bits(joined))
        left = 30.0 - net.time
        rest = net.run(round(left, 1))
        assert equal(bits(joined + rest), bits(whole))


@pytest.mark.parametrize("devices", ["cpu", "cuda-emu"])
def test_a_run_without_pieces_keeps_what_it_recorded_too(devices):
    with network(devices=devices) as net:
        whole = bits(net.run(40.0))
    with network(devices=devices) as net:

        def stop(done, steps):
            if done >= 100:
                raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            net.run(40.0, progress=stop)
        found = net.result
        assert 10.0 <= found.duration == pytest.approx(net.time)
        assert equal(bits(found), [x[: len(y)] for x, y in zip(whole, bits(found), strict=True)])
        if net.time < 40.0:
            assert equal(bits(found + net.run(round(40.0 - net.time, 1))), whole)


def test_a_state_that_is_no_number_keeps_the_recording():
    with Network(devices="cpu", threads=1) as net:
        net.population("E", 4, "lif", {"c_m": 1e-3})
        drive = net.drive("E", 400e-5)
        with pytest.raises(NumericalError):
            net.run(90.0, every=30.0, call=lambda *_: setattr(drive, "value", -3e38))
        assert net.result.duration == 60.0 and net.result.num_spikes > 0


FORBIDDEN = {
    "run": lambda net: net.run(1.0),
    "reset": lambda net: net.reset(),
    "trial": lambda net: net.reset(trial=3),
    "close": lambda net: net.close(),
    "record": lambda net: net.record("E", "v"),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_what_a_function_may_not_do_changes_nothing(what):
    with network() as net:
        whole = net.run(30.0)
    with network() as net:

        def call(net, piece):
            with pytest.raises(SpikecudaError, match=r"within run\(call=\.\.\.\)"):
                FORBIDDEN[what](net)
            with pytest.raises(SpikecudaError, match="after the network was built"):
                net.population("late", 3)

        assert equal(bits(net.run(30.0, every=10.0, call=call)), bits(whole))
        with pytest.raises(SpikecudaError, match=r"within run\(call=\.\.\.\)"):
            net.run(10.0, every=10.0, call=lambda net, piece: FORBIDDEN[what](net))
        net.run(1.0)
        net.reset()
        assert equal(bits(net.run(30.0)), bits(whole))


def test_other_threads_wait_between_pieces_too():
    with network() as net:
        errors = []

        def other():
            try:
                net["E"].params["tau_m"] = 5.0
            except SpikecudaError as error:
                errors.append(str(error))

        def call(net, piece):
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()

        net.run(4.0, every=2.0, call=call)
        assert len(errors) == 2 and "in use in another thread" in errors[0]
        assert net["E"].params["tau_m"] == 20.0


@pytest.mark.parametrize(
    ("options", "kind", "match"),
    [
        ({"every": 1.0}, SpikecudaValueError, "every goes with call or until"),
        ({"call": nothing}, SpikecudaValueError, "every must be given with call"),
        ({"until": nothing}, SpikecudaValueError, "every must be given with until"),
        ({"every": 0.0, "call": nothing}, SpikecudaValueError, "every must be >= dt"),
        ({"every": 0.25, "call": nothing}, SpikecudaValueError, "every must be a multiple of dt"),
        ({"every": -1.0, "until": nothing}, SpikecudaValueError, "every must be >= dt"),
        ({"every": "1", "call": nothing}, SpikecudaTypeError, "every must be"),
        ({"every": 1.0, "call": 3}, SpikecudaTypeError, "call must be a function"),
        ({"every": 1.0, "until": "x"}, SpikecudaTypeError, "until must be a function"),
    ],
)  # fmt: skip
def test_odd_arguments_are_refused(options, kind, match):
    with network() as net:
        with pytest.raises(kind, match=match):
            net.run(5.0, **options)
        assert net.time == 0.0


def test_many_pieces_join():
    with network() as net, network() as other:
        assert equal(bits(net.run(60.0, every=0.1, call=nothing)), bits(other.run(60.0)))


def test_results_that_do_not_follow_do_not_join():
    with network() as net, network() as other:
        a, b = net.run(5.0), net.run(5.0)
        assert isinstance(a + b, NetworkResult) and (a + b).duration == 10.0
        with pytest.raises(SpikecudaValueError, match="the next one must start at 10 ms"):
            b + a
        with pytest.raises(TypeError):
            a + 1
        other.run(5.0)
        other.record("I", "v")
        with pytest.raises(SpikecudaValueError, match="recorded the same"):
            a + other.run(5.0)


def test_progress_goes_over_all_pieces():
    with network() as net:
        told = []
        net.run(10.0, every=2.5, call=nothing, progress=lambda *args: told.append(args))
        assert told == sorted(told) and told[-1] == (100, 100) and {t for _, t in told} == {100}


def test_an_argument_that_is_refused_leaves_the_last_result():
    with network() as net:
        result = net.run(2.0)
        for pieces in ({}, {"every": 1.0, "call": nothing}):
            with pytest.raises(SpikecudaTypeError, match="progress must be"):
                net.run(2.0, progress="bar", **pieces)
            assert net.result is result and net.time == 2.0
