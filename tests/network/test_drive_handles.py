"""Drives that change: handles, spike trains that are added and replaced, headroom for weights."""

import numpy as np
import pytest
from steered import DEVICES, bits, equal, network

from spikecuda import Constant, Noise, Poisson, Ramp, Step
from spikecuda.errors import (
    SpikecudaAttributeError,
    SpikecudaError,
    SpikecudaTypeError,
    SpikecudaValueError,
)
from spikecuda.network import Delta, ExpCurrent, FixedProbability, Network, SpikeTrain

ALL = [("cpu", {"threads": 1}), *DEVICES]


def inputs():
    return {
        "poisson": Poisson(4000.0, 30.0), "constant": Constant(50.0),
        "step": Step(80.0, start=5.0, stop=50.0), "noise": Noise(100.0, mean=20.0),
        "ramp": Ramp(0.0, 100.0, 2.0, 20.0),
    }  # fmt: skip


CHANGES = [
    ("poisson", {"rate": 5000.0}), ("poisson", {"weight": 45.0}), ("constant", {"value": 70.0}),
    ("constant", {"amplitude": -20.0}), ("step", {"amplitude": 120.0, "stop": 30.0}),
    ("step", {"start": 1.0}), ("noise", {"sigma": 200.0, "mean": 5.0}), ("ramp", {"last": 300.0}),
    ("poisson", {"rate": 0.0}), ("ramp", {"gain": 0.5, "stop": 40.0}),
]  # fmt: skip


def added(net):
    return {
        name: net.drive("E", term, "exc" if name == "poisson" else None)
        for name, term in inputs().items()
    }


def changed(net):
    """Change every drive between pieces; return the bits of all pieces."""
    drives, found = added(net), []
    for name, values in [(None, {}), *CHANGES]:
        if name:
            drives[name].update(**values)
            for key, value in values.items():
                assert getattr(drives[name], key) == value
        found += bits(net.run(4.0))
    return found


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
def test_changed_drives_have_the_same_bits_on_all_devices(precision):
    with network(precision) as net:
        one = changed(net)
    for devices, options in DEVICES if precision == "float32" else DEVICES[:1]:
        with network(precision, devices=devices, **{"threads": None, **options}) as net:
            assert equal(one, changed(net)), devices


@pytest.mark.parametrize("precision", ["float16", "float32"])
def test_changed_drives_are_those_of_a_new_network(precision):
    last = {
        name: {k: v for k, v in vars(term).items() if not k.startswith("_")}
        for name, term in inputs().items()
    }
    with network(precision) as net, network(precision) as new:
        drives = added(net)
        net.run(7.0)
        for name, values in CHANGES:
            drives[name].update(**values)
            known = last[name]
            known.update({k if k in known else "value": value for k, value in values.items()})
        net.reset()
        for name, values in last.items():
            term = type(inputs()[name])(**values)
            new.drive("E", term, "exc" if name == "poisson" else None)
        assert equal(bits(net.run(20.0)), bits(new.run(20.0)))


def test_a_view_and_arrays():
    with network() as net, network() as other:
        drive = net.drive(net["E"][:10], Poisson(np.linspace(100.0, 900.0, 10), 40.0), "exc")
        net.run(5.0)
        drive.rate = np.linspace(900.0, 100.0, 10)
        net.reset()
        other.drive(other["E"][:10], Poisson(np.linspace(900.0, 100.0, 10), 40.0), "exc")
        assert equal(bits(net.run(10.0)), bits(other.run(10.0)))
        for value in (np.ones(11), -1.0, "x", np.full(10, 1e9)):
            with pytest.raises(SpikecudaError):
                drive.rate = value
        assert np.array_equal(drive.rate, np.linspace(900.0, 100.0, 10))
        assert equal(bits(net.run(10.0)), bits(other.run(10.0)))


def test_removed_drives_are_gone(caplog):
    with network() as net, network() as other:
        drives = [
            net.drive("E", 100.0),
            net.drive("E", SpikeTrain([3.0, 4.0], weight=300.0), "exc"),
        ]
        net.run(5.0)
        for drive in drives:
            drive.remove()
        assert "another kernel" in caplog.text  # one without a constant current
        net.reset()
        assert equal(bits(net.run(10.0)), bits(other.run(10.0)))
        for drive in drives:
            for use in (lambda d: d.remove(), lambda d: d.weight, lambda d: d.update(weight=1.0)):
                with pytest.raises(SpikecudaError, match="was removed"):
                    use(drive)
            assert "removed" in repr(drive)


def test_errors_name_what_there_is():
    with network() as net, network() as other:
        both = net.drive("E", [Noise(5.0), Constant(3.0), Noise(1.0)])
        other.drive("E", [Noise(5.0), Constant(3.0), Noise(1.0)])
        with pytest.raises(SpikecudaAttributeError, match=r"has no 'rate'.*it has sigma, mean"):
            both.update(rate=3.0)
        with pytest.raises(SpikecudaAttributeError, match="no attribute 'rte'"):
            both.rte = 3.0
        with pytest.raises(SpikecudaValueError, match="2 inputs of the drive of E have 'sigma'"):
            both.sigma = 3.0
        with pytest.raises(SpikecudaValueError, match="sigma must be >= 0"):
            both.input = Noise(-1.0)
        with pytest.raises(SpikecudaTypeError, match="stays what it was added as"):
            both.input = SpikeTrain([1.0])
        with pytest.raises(SpikecudaError):
            both.input = "x"
        with pytest.raises(SpikecudaValueError, match="at_once is for a SpikeTrain"):
            net.drive("E", 3.0, at_once=2)
        with pytest.raises(SpikecudaError, match="running"):
            net.run(1.0, progress=lambda *_: both.update(value=1.0))
        net.reset()
        assert equal(bits(net.run(10.0)), bits(other.run(10.0)))
        both.value = 4.0
        assert both.amplitude == 4.0 and "value" in dir(both)
        both.input = 7.0
        assert both.input.value == 7.0
        net.close()
        with pytest.raises(SpikecudaError, match="closed"):
            both.value = 3.0


# Spike trains.


def fed(net, at):
    """Add, replace and remove trains at some of the runs' starts; return the bits of all runs."""
    found, trains = [], {}
    for k in range(6):
        for what, when in at.items():
            if when != k:
                continue
            now = net.time
            if what == "add":
                times = now + np.array([0.1, 0.2, 1.0, 3.05])
                trains["one"] = net.drive("E", SpikeTrain(times, weight=400.0), "exc", at_once=2)
                trains["each"] = net.drive(
                    net["E"][:4], SpikeTrain(times, [0, 1, 1, 3], weight=300.0), "exc", at_once=3
                )
            elif what == "replace" and trains:
                trains["one"].times = now + np.array([0.1, 0.1, 2.0])
                trains["each"].update(times=now + np.array([0.1, 5.0]), neurons=[2, 0])
            elif what == "weight" and trains:
                trains["each"].weight = 120.0
            elif what == "remove" and trains:
                trains["one"].remove()
            elif what == "source":
                net["s"].train = SpikeTrain(now + np.array([0.2, 1.5, 4.0]), [0, 2, 1])
        found += bits(net.run(2.5))
    return found


@pytest.mark.parametrize("at", [
    {"add": 0, "replace": 1, "weight": 2, "remove": 3, "source": 1},
    {"add": 2, "replace": 2, "remove": 4, "source": 3},
    {"add": 1, "weight": 3, "replace": 5, "source": 0},
])  # fmt: skip
def test_trains_come_and_go_with_the_same_bits_on_all_devices(at):
    runs = []
    for devices, options in ALL:
        with network(devices=devices, **{"threads": None, **options}) as net:
            net.source("s", 3, SpikeTrain([1.0, 2.0], [0, 1]), at_once=2)
            net.connect("s", "E", FixedProbability(0.5), 200.0, 1.5, "exc")
            runs.append(fed(net, at))
    assert all(equal(runs[0], other) for other in runs[1:])


def reached(times, added, replaced=None, delay=None):
    """Return when spikes of trains reach a neuron that spikes at each: times in ms."""
    with Network(devices="cpu", threads=1) as net:
        net.population("n", 1, "lif", {"t_ref": 0.0}, receptors={"in": Delta()})
        if delay is None:
            net.build()
        if added:
            net.run(added)
        drive = net.drive("n", SpikeTrain(times, weight=100.0), at_once=4)
        first = net.run(5.0)
        if replaced is not None:
            drive.times = replaced
        return (first + net.run(5.0)).spikes["n"].time.round(3).tolist()


def test_each_spike_of_a_late_train_arrives_at_its_time_once():
    times = [1.0, 2.1, 2.2, 6.9, 7.0, 7.1, 9.0]
    for added in (0.0, 2.0, 2.1):
        got = reached(times, added)
        assert got == [t for t in times if t > added + 0.05 or not added]
    # The same train again changes nothing; another one takes over, but for what is due at once.
    assert reached(times, 2.0, times) == [2.1, 2.2, 6.9, 7.0, 7.1, 9.0]
    assert reached(times, 2.0, [3.0, 7.1, 7.3]) == [2.1, 2.2, 6.9, 7.0, 7.1, 7.3]
    assert reached(times, 2.0, []) == [2.1, 2.2, 6.9, 7.0, 7.1]
    assert reached([3.0, 8.0], 2.0, [7.1]) == [3.0, 7.1]


def test_trains_that_do_not_fit_are_refused_and_change_nothing():
    with network() as net, network() as other:
        for made in (net, other):
            made.source("s", 3, SpikeTrain([1.0], [0]))
            made.run(2.0)
        drive = net.drive("E", SpikeTrain([3.0, 4.0], weight=0.0), "exc")
        other.drive("E", SpikeTrain([3.0, 4.0], weight=0.0), "exc")
        for value, kind, match in (
            (SpikeTrain([5.0, 5.0]), SpikecudaValueError, "add it with at_once=2"),
            (SpikeTrain([5.0], [0]), SpikecudaValueError, "to all neurons or to each its own"),
            (SpikeTrain([5.0], weight=1e9), SpikecudaValueError, "max_weight"),
            (SpikeTrain([-5.0]), SpikecudaValueError, "times must be > 0"),
            (Constant(1.0), SpikecudaTypeError, "replaced by a SpikeTrain"),
        ):
            with pytest.raises(kind, match=match):
                drive.input = value
        for value in (SpikeTrain([5.0, 5.0], [1, 1]), SpikeTrain([5.0], [3]), 3):
            with pytest.raises(SpikecudaError):
                net["s"].train = value
        with pytest.raises(SpikecudaValueError, match="so small that no neuron's sum exceeds"):
            net.drive("E", SpikeTrain([3.0], weight=1e9), "exc")
        with pytest.raises(SpikecudaValueError, match="fixed-point scale, to 1/256"):
            net.drive("E", SpikeTrain([3.0], weight=1e-6), "exc")
        with pytest.raises(SpikecudaValueError, match="at_once must be at least 2"):
            net.drive("E", SpikeTrain([3.0, 3.0]), "exc", at_once=1)
        with pytest.raises(SpikecudaError, match="E has no train"):
            net["E"].train = SpikeTrain([1.0])
        with pytest.raises(SpikecudaError, match="after the network was built"):
            net.source("late", 3, SpikeTrain([1.0]))
        assert equal(bits(net.run(10.0)), bits(other.run(10.0)))


def test_before_the_build_everything_can_change():
    with network() as net, network() as other:
        drive = net.drive("E", SpikeTrain([3.0], weight=1.0), "exc")
        gone = net.drive("E", SpikeTrain([9.0], weight=500.0), "exc")
        drive.update(times=[5.0, 5.0, 6.0], weight=250.0)
        gone.remove()
        other.drive("E", SpikeTrain([5.0, 5.0, 6.0], weight=250.0), "exc")
        assert equal(bits(net.run(10.0)), bits(other.run(10.0)))


# Headroom.


@pytest.mark.parametrize("devices", ["cpu", "cuda-emu"])
def test_max_weight_is_room_for_later_weights(devices):
    def made(**options):
        net = Network(seed=2, devices=devices)
        net.population("n", 40, "lif", receptors={"e": ExpCurrent(5.0)})
        net.drive("n", 500.0)
        return net, net.connect("n", "n", FixedProbability(0.3), 2.0, 1.0, **options)

    net, plain = made()
    with net, pytest.raises(SpikecudaValueError, match="max_weight"):
        plain.weights = 1e7
    net, roomy = made(max_weight=1e7)
    with net:
        net.run(20.0)
        roomy.weights = 1e7
        assert np.allclose(roomy.weights, 1e7)
        roomy.weights = np.linspace(2.0, 1e7, len(roomy))
        net.run(2.0)
        with pytest.raises(SpikecudaValueError, match=r"must be up to|add up to more"):
            roomy.weights = 1e12
    net, drawn = made(max_weight=50.0)
    with net:
        assert drawn.max_weight == 50.0
        net.drive("n", SpikeTrain([3.0], weight=1.0), max_weight=20.0).weight = 20.0
    for bad in (1.0, -5.0, 0.0, "x", np.nan):
        with pytest.raises(SpikecudaError, match="max_weight must"):
            made(max_weight=bad)
    with pytest.raises(SpikecudaValueError, match="be left out, for weights of procedural"):
        made(max_weight=5.0, procedural=True)


def test_an_empty_train_is_room_for_a_later_one():
    with network() as net, network() as other:
        drive = net.drive("E", SpikeTrain([]), "exc", max_weight=500.0, at_once=3)
        net.run(5.0)
        drive.update(times=[6.0, 6.0, 6.0, 7.0], weight=500.0)
        late = other.drive("E", SpikeTrain([6.0, 6.0, 6.0, 7.0], weight=500.0), "exc")
        other.run(5.0)
        assert late.weight == drive.weight
        assert equal(bits(net.run(5.0)), bits(other.run(5.0)))
