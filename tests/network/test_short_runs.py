"""A run in many short pieces: the same bits, and little beside the work."""

import numpy as np
import pytest
from calls import calls

from spikecuda import Noise, PerStep, Poisson, Step
from spikecuda.common.device_threads import DeviceThreads
from spikecuda.network import ExpCurrent, FixedProbability, Network
from spikecuda.network.cpu import engine
from spikecuda.network.cpu.parts import Parts

PIECES = 60


def network(precision="float32", **options):
    net = Network(seed=3, precision=precision, **{"devices": "cpu", "threads": 1, **options})
    ports = {"exc": ExpCurrent(5.0), "inh": ExpCurrent(10.0)}
    e = net.population("e", 80, "lif", receptors=ports)
    i = net.population("i", 20, "lif", receptors=ports)
    for source, port, weight in ((e, "exc", 50.0), (i, "inh", -100.0)):
        for target in (e, i):
            net.connect(source, target, FixedProbability(0.2), weight, 1.5, port)
    for target in (e, i):
        net.drive(target, Poisson(rate=8000.0, weight=50.0), receptor="exc")
    return net


def spikes(results):
    return [
        np.concatenate([getattr(r.spikes[name], part) for r in results])
        for name in ("e", "i")
        for part in ("step", "neuron")
    ]


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
@pytest.mark.parametrize("partitions", [1, 3])
def test_pieces_give_the_bits_of_one_run(precision, partitions):
    whole, pieces = (network(precision, threads=2, partitions=partitions) for _ in range(2))
    for net in (whole, pieces):
        net.drive("e", Step(100.0, start=7.05, stop=31.0))
        net.drive("i", Noise(50.0))
        net.record("e", ["spikes", "v"])
        net.record("i", "spikes")
    one = whole.run(float(PIECES))
    # Of lengths that differ, so that what a run holds is too short for a later one.
    lengths = [0.5, 2.0, 1.0, 1.0, 4.0, 11.5]
    lengths += [1.0] * round(PIECES - sum(lengths))
    many = [pieces.run(length) for length in lengths]
    for a, b in zip(spikes([one]), spikes(many), strict=True):
        assert np.array_equal(a, b)
    assert one.num_spikes > 50
    assert np.array_equal(one.traces["e"]["v"], np.concatenate([r.traces["e"]["v"] for r in many]))


def test_a_short_piece_is_done_by_one_thread_with_the_same_bits(monkeypatch):
    def run(alone, *pieces):
        monkeypatch.setattr(engine, "ALONE", alone)
        net = network(threads=2, partitions=3)
        done = []
        together = DeviceThreads.together
        monkeypatch.setattr(
            DeviceThreads,
            "together",
            lambda self, jobs, **k: done.append(1) or together(self, jobs, **k),
        )
        results = spikes([net.run(length) for length in pieces])
        monkeypatch.setattr(DeviceThreads, "together", together)
        return results, len(done)

    side_by_side, woken = run(0, *[1.0] * PIECES)
    assert woken >= PIECES
    # A disturbed piece may be followed by some on both threads.
    alone, woken = run(30_000, *[1.0] * PIECES)
    assert woken < PIECES
    for a, b in zip(side_by_side, alone, strict=True):
        assert np.array_equal(a, b)
    assert run(30_000, 1000.0)[1]


def test_a_short_run_makes_nothing_anew(monkeypatch):
    net = network()
    net.run(1.0)
    made = []
    original = Parts.tabulate
    monkeypatch.setattr(Parts, "tabulate", lambda *a: made.append(1) or original(*a))
    for _ in range(5):
        net.run(1.0)
    assert not made
    # Calls of functions, which a busy machine does not change: 40 to 50 microseconds.
    assert calls(lambda: net.run(1.0)) < 250
    net.run(50.0)
    assert not made[1:]


def test_what_changes_between_runs_counts():
    def run(change, *, after):
        net = network()
        if not after:
            change(net)
        first = net.run(20.0)
        if after:
            net.reset()
            change(net)
            first = net.run(20.0)
        return first

    rows = np.linspace(0.0, 400.0, 200)
    changes = [
        lambda net: net.drive("i", Poisson(rate=4000.0, weight=60.0), receptor="exc"),
        lambda net: net.drive("e", PerStep(rows)),
        lambda net: net.drive("e", 90.0),
        lambda net: net.record("e", ["spikes", "v"]),
    ]
    plain = run(lambda net: None, after=False)
    for change in changes:
        before, after = run(change, after=False), run(change, after=True)
        assert before.spikes.keys() == after.spikes.keys()
        for name in before.spikes:
            assert np.array_equal(before.spikes[name].step, after.spikes[name].step)
            assert np.array_equal(before.spikes[name].neuron, after.spikes[name].neuron)
        different = before.spikes.keys() != plain.spikes.keys() or any(
            not np.array_equal(before.spikes[n].step, plain.spikes[n].step) for n in before.spikes
        )
        assert different
    net = network()
    net.run(20.0)
    net.reset()
    net.projections[0].weights = 0.0
    assert net.run(20.0).num_spikes != plain.num_spikes


def test_an_array_that_is_given_is_copied():
    rates = np.full(80, 500.0)
    results = []
    for change in (False, True):
        net = network()
        net.drive("e", Poisson(rate=rates, weight=50.0), receptor="exc")
        net.run(5.0)
        if change:
            rates[:] = 0.0
        results.append(net.run(20.0))
    assert np.array_equal(results[0].spikes["e"].step, results[1].spikes["e"].step)
