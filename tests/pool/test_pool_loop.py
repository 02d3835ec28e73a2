"""Pools and systems in pieces, with drives that stay: the same bits as in one run."""

import os
import signal

import numpy as np
import pytest

from spikecuda import (
    Constant,
    GPUNeuronPool,
    MultiGPUNeuronSystem,
    Noise,
    PerStep,
    Poisson,
    SpikecudaError,
    Step,
)

N = 70
INPUT = [Constant(250.0), Noise(400.0), PerStep(np.linspace(0.0, 200.0, 300))]
DEVICES = [{"threads": 2}, {"device": "cuda-emu"}, {"device": "cuda-emu", "out_of_core": True}]


def pool(**options):
    return GPUNeuronPool(N, "lif", **{"device": "cpu", "seed": 5, "window": 7, **options})


def bits(result):
    return [result.spikes.step, result.spikes.neuron, *result.traces.values()]


def equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def nothing(pool, piece):
    """Change nothing."""


@pytest.mark.parametrize("options", [{"threads": 1}, *DEVICES])
def test_pieces_have_the_bits_of_one_run(options):
    with pool() as held:
        one = held.run(30.0, input=INPUT, record=["spikes", "v"])
    with pool(**options) as held:
        seen = []
        pieces = held.run(
            30.0, input=INPUT, record=["spikes", "v"], every=4.3,
            call=lambda pool, piece: seen.append(piece),
        )  # fmt: skip
        assert held.result is pieces and held.steps == 300 and len(seen) == 7
    assert equal(bits(one), bits(pieces)) and one.num_spikes == pieces.num_spikes > 50
    assert equal(bits(sum(seen)), bits(one)) and np.array_equal(one.time, pieces.time)


@pytest.mark.parametrize("options", DEVICES)
def test_drives_and_parameters_change_between_pieces(options):
    def steered(held):
        current = held.drive(Step(300.0, start=2.0))
        pulses = held.drive(Poisson(300.0, 2.0))

        def call(pool, piece):
            current.amplitude = 500.0 - 3.0 * piece.num_spikes
            pulses.update(rate=200.0 + piece.num_spikes, weight=1.5)
            pool.params["tau_m"] = 15.0 + piece.start / 50.0
            pool.state["v"] = np.minimum(pool.state["v"], -52.0)

        return held.run(30.0, every=5.0, call=call, record="v", input=Noise(50.0))

    with pool(threads=1) as held, pool(**options) as other:
        one, two = steered(held), steered(other)
        assert equal(bits(one), bits(two)) and one.num_spikes > 20


def test_drives_stay_and_go(caplog):
    with pool() as held, pool() as other:
        drive = held.drive(200.0)
        noise = held.drive(Noise(100.0))
        plain = other.run(10.0, input=[Constant(200.0), Noise(100.0), Constant(150.0)])
        assert equal(bits(held.run(10.0, input=150.0)), bits(plain))
        held.reset(), other.reset()
        drive.value = 350.0
        plain = other.run(10.0, input=[Constant(350.0), Noise(100.0)])
        assert equal(bits(held.run(10.0)), bits(plain)) and "another kernel" not in caplog.text
        noise.remove()
        assert "another kernel" in caplog.text
        held.reset(), other.reset()
        assert equal(bits(held.run(10.0)), bits(other.run(10.0, input=350.0)))
        with pytest.raises(SpikecudaError, match="was removed"):
            noise.sigma = 3.0
        for bad in ("x", [], np.ones(3)):
            with pytest.raises(SpikecudaError):
                held.drive(bad)
            with pytest.raises(SpikecudaError):
                drive.input = bad
        assert drive.value == 350.0
        with pytest.raises(SpikecudaError, match="running"):
            held.run(1.0, progress=lambda *_: drive.update(value=0.0))
        held.close()
        with pytest.raises(SpikecudaError, match="closed"):
            drive.value = 1.0


@pytest.mark.parametrize("options", [{"threads": 1}, *DEVICES])
def test_what_breaks_off_keeps_what_it_recorded(options):
    with pool() as held:
        whole = bits(held.run(30.0, input=INPUT, record=["spikes", "v"]))

    def first(result):
        return [x[: len(y)] for x, y in zip(whole, bits(result), strict=True)]

    def fail(pool, piece):
        if piece.start + piece.steps >= 100:
            raise KeyError("mine")

    def interrupt(done, steps):
        if done >= 60:
            os.kill(os.getpid(), signal.SIGINT)

    for call, progress, kind in ((fail, False, KeyError), (nothing, interrupt, KeyboardInterrupt)):
        with pool(**options) as held:
            with pytest.raises(SpikecudaError, match="the pool has no result"):
                _ = held.result
            with pytest.raises(kind):
                held.run(
                    30.0, input=INPUT, record=["spikes", "v"], every=5.0, call=call,
                    progress=progress,
                )  # fmt: skip
            assert held.result.steps == held.steps and 50 < held.steps < 300
            assert equal(bits(held.result), first(held.result))


@pytest.mark.parametrize("what", ["run", "reset", "close"])
def test_what_a_function_may_not_do_changes_nothing(what):
    def call(pool, piece):
        with pytest.raises(SpikecudaError, match=r"within run\(call=\.\.\.\)"):
            {"run": lambda: pool.run(1.0), "reset": pool.reset, "close": pool.close}[what]()

    with pool() as held, pool() as other:
        pieces = held.run(20.0, input=300.0, every=5.0, call=call)
        assert equal(bits(pieces), bits(other.run(20.0, input=300.0)))
        assert held.run(50.0, every=5.0, call=lambda *_: False).steps == 50
        assert held.run(50.0, every=5.0, until=lambda pool, _: pool.time >= 34.9).steps == 100


def test_systems_go_piece_by_piece():
    def made(devices):
        return MultiGPUNeuronSystem(100, 40, ["lif", "adex"], devices=devices, seed=2)

    drive = {"lif": Constant(400.0), "adex": [Constant(900.0), Noise(300.0)]}
    with made(["cpu:0"]) as system:
        one = system.run(30.0, input=drive, record=["spikes", "v"])
    with made(["cpu:0", "cuda-emu:0"]) as system:
        two = system.run(30.0, input=drive, record=["spikes", "v"], every=7.0, call=lambda *_: None)
        assert system.result is two and system.steps == 300
        with pytest.raises(KeyError):
            system.run(9.0, every=3.0, call=lambda system, piece: {}["none"])
        assert system.result.parts["lif"].steps == 30
        with pytest.raises(SpikecudaError, match="drive has no type"):
            system.drive("izhikevich", 3.0)
    for name in one.parts:
        assert equal(bits(one.parts[name]), bits(two.parts[name]))
    assert one.num_spikes == two.num_spikes > 50

    def steered(system):
        extra = system.drive("lif", 100.0)

        def call(system, piece):
            extra.value = 3.0 * piece.num_spikes
            system.params["adex"]["tau_w"] = 100.0 + piece.num_spikes

        return system.run(20.0, input=drive, every=5.0, call=call)

    with made(["cpu:0"]) as a, made(["cuda-emu:0", "cpu:0"]) as b:
        assert equal(*(
            [r.spikes.step, r.spikes.neuron] for r in (steered(a), steered(b))
        ))  # fmt: skip


def test_runs_that_do_not_follow_do_not_join():
    with pool() as held:
        a, b = held.run(5.0, input=300.0), held.run(5.0, input=300.0)
        assert (a + b).steps == 100 and sum([a, b]).num_spikes == a.num_spikes + b.num_spikes
        with pytest.raises(SpikecudaError, match="one must begin at step 100"):
            b + a
        with pytest.raises(SpikecudaError, match="recorded the same"):
            b + held.run(5.0, spikes=False, record="v")
        with pytest.raises(TypeError):
            a + 3
