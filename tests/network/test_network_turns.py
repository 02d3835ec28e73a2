"""A network that runs, is being built or is closed refuses what it cannot do, in any thread."""

import copy
import gc
import pickle
import threading

import numpy as np
import pytest

from spikecuda import GPUNeuronPool, MultiGPUNeuronSystem, SpikecudaError
from spikecuda.devices.open import open_device
from spikecuda.errors import ClosedError
from spikecuda.network import ExpCurrent, FixedOutDegree, Network, SpikeTrain

DEVICES = ["cpu", ["cpu:0", "cpu:1"], "cuda-emu", ["cuda-emu", "cpu"]]
KINDS = ["cpu", "two", "emulated", "mixed"]


def make(devices="cpu", neurons=64, threads=None):
    net = Network(0.1, 3, devices=devices, threads=threads)
    net.population("E", neurons, "lif", receptors={"exc": ExpCurrent(5.0)})
    net.connect("E", "E", FixedOutDegree(8), 30.0, 1.5)
    net.drive("E", 500.0)
    return net


def changes(net):
    """Return every call that changes a network, by name."""
    (projection,) = net.projections
    state = net["E"].state
    return {
        "run": lambda: net.run(1.0),
        "reset": net.reset,
        "close": net.close,
        "build": net.build,
        "population": lambda: net.population("F", 4),
        "source": lambda: net.source("S", 1, SpikeTrain([1.0])),
        "connect": lambda: net.connect("E", "E", "one_to_one", 1.0, 1.0),
        "drive": lambda: net.drive("E", 1.0),
        "drive train": lambda: net.drive("E", SpikeTrain([1.0], weight=1.0)),
        "record": lambda: net.record("E", "v"),
        "weights": lambda: setattr(projection, "weights", 1.0),
        "state": lambda: state.__setitem__("v", -60.0),
        "exit": lambda: net.__exit__(None, None, None),
    }


@pytest.mark.parametrize("devices", DEVICES, ids=KINDS)
def test_within_a_run_nothing_can_be_changed(devices):
    with make(devices) as net, make(devices) as twin:
        expected = twin.run(20.0).spikes["E"]
        net.build()
        calls, refused = changes(net), set()

        def look(done, steps):
            for name, call in calls.items():
                with pytest.raises(SpikecudaError, match="the network is running; wait until run"):
                    call()
                refused.add(name)
            assert repr(net) and repr(net["E"]) and repr(net.projections[0]) and net.summary()
            assert net.metrics().num_neurons == 64
            assert net.projections[0].weights.size == 512
            if "cuda-emu" in devices:
                with pytest.raises(SpikecudaError, match="read it when run"):
                    net["E"].state["v"]
            else:
                assert net["E"].state["v"].shape == (64,)

        got = net.run(20.0, progress=look)
        assert refused == set(calls)
        np.testing.assert_array_equal(got.spikes["E"].step, expected.step)
        np.testing.assert_array_equal(got.spikes["E"].neuron, expected.neuron)
        # Afterwards all of it works again.
        net.projections[0].weights = 20.0
        net["E"].state["v"] = -60.0
        net.reset()
        assert net.time == 0.0


@pytest.mark.parametrize("devices", DEVICES, ids=KINDS)
def test_while_another_thread_runs_it_everything_is_refused(devices):
    with make(devices) as net:
        net.build()
        calls = changes(net)
        calls |= {
            "read state": lambda: net["E"].state["v"],
            "read weights": lambda: net.projections[0].weights,
            "connections": net.projections[0].connections,
        }
        inside, go, found = threading.Event(), threading.Event(), []

        def look(done, steps):
            inside.set()
            assert go.wait(60)

        runner = threading.Thread(target=lambda: found.append(net.run(5.0, progress=look)))
        runner.start()
        assert inside.wait(60)
        try:
            for call in calls.values():
                with pytest.raises(SpikecudaError, match="the network is in use in another thread"):
                    call()
            assert net.metrics().num_neurons == 64 and net.summary() and repr(net["E"])
            gc.collect()
        finally:
            go.set()
            runner.join(60)
        assert found[0].num_spikes >= 0 and net.time == pytest.approx(5.0)


def test_hammering_a_running_network_never_changes_its_spikes():
    with make(neurons=3000, threads=2) as net, make(neurons=3000, threads=2) as twin:
        expected = twin.run(100.0).spikes["E"]
        net.build()
        calls, stop, refused = list(changes(net).values()), threading.Event(), []
        begun = threading.Event()

        def hammer():
            begun.wait(60)
            while not stop.is_set():
                for call in calls:
                    try:
                        call()
                    except SpikecudaError:
                        refused.append(1)

        def look(done, steps):
            if done < steps:
                begun.set()

        thread = threading.Thread(target=hammer)
        thread.start()
        got = None
        try:
            # The other thread may be first to do something: then this one is refused.
            got = net.run(100.0, progress=look).spikes["E"]
        finally:
            stop.set()
            begun.set()
            thread.join(60)
        np.testing.assert_array_equal(got.neuron, expected.neuron)
        np.testing.assert_array_equal(got.step, expected.step)


def test_while_it_is_built():
    net = make()
    seen = []

    def look(done, whole):
        for call in (net.build, lambda: net.run(1.0), net.metrics):
            with pytest.raises(SpikecudaError, match="is being built"):
                call()
            seen.append(done)
        with pytest.raises(SpikecudaError, match="is being built"):
            net["E"].state["v"]
        with pytest.raises(SpikecudaError, match="is being built"):
            net.close()

    net.build(progress=look)
    assert seen
    net.close()


@pytest.mark.parametrize("devices", ["cpu", "cuda-emu"])
def test_a_build_that_is_broken_off_can_be_repeated(devices):
    with make(devices) as net, make(devices) as twin:
        expected = twin.run(20.0).spikes["E"]
        for at in (0, 1000):  # at the start, and when all of it is there

            def stop(done, whole, at=at):
                if done >= at:
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                net.build(progress=stop)
        net.population("F", 3)  # it is not built
        got = net.run(20.0).spikes["E"]
        np.testing.assert_array_equal(got.neuron, expected.neuron)


def test_closed():
    net = make()
    state, calls = net["E"].state, changes(net)
    assert state["v"].size
    net.close()
    net.close()
    for name in ("close", "exit"):
        calls.pop(name)()
    calls |= {
        "read": lambda: state["v"],
        "metrics": net.metrics,
        "connections": net.projections[0].connections,
        "with": net.__enter__,
    }
    for call in calls.values():
        with pytest.raises(ClosedError, match="the network is closed; make a new one"):
            call()
    assert repr(net) and net.summary()


@pytest.mark.parametrize("what", ["pool", "system", "network", "device"])
def test_copies_are_refused_and_results_are_copied(what):
    with GPUNeuronPool(40, device="cpu") as pool, MultiGPUNeuronSystem(40, devices="cpu") as system:
        net = make()
        thing = {"pool": pool, "system": system, "network": net, "device": pool.device}[what]
        for use in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(SpikecudaError, match="cannot be copied or pickled"):
                use(thing)
        if what == "device":
            return
        got = thing.run(duration=10.0, input=400.0) if what != "network" else thing.run(10.0)
        for use in (copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))):
            twin = use(got)
            assert twin.num_spikes == got.num_spikes > 0
        net.close()


def test_a_device_of_several_objects():
    device = open_device("cpu", 2)
    with GPUNeuronPool(5000, device=device) as one, GPUNeuronPool(5000, device=device) as two:
        inside, go = threading.Event(), threading.Event()

        def look(done, steps):
            inside.set()
            assert go.wait(60)

        def within(done, steps):
            # In one thread, two objects may take turns on a device.
            two.run(steps=5, input=500.0)
            with pytest.raises(SpikecudaError, match="the device is running"):
                device.close()

        expected = GPUNeuronPool(5000, device="cpu").run(steps=300, input=500.0).spikes.neuron
        runner = threading.Thread(target=lambda: one.run(steps=10, progress=look))
        runner.start()
        assert inside.wait(60)
        try:
            for use in (lambda: two.run(steps=1), two.reset, lambda: two.state["v"], device.close):
                with pytest.raises(SpikecudaError, match="the device is in use in another thread"):
                    use()
        finally:
            go.set()
            runner.join(60)
        one.reset()
        got = one.run(steps=300, input=500.0, progress=within).spikes.neuron
        np.testing.assert_array_equal(got, expected)
        device.close()
        for use in (lambda: one.run(steps=1), one.reset, lambda: one.state["v"]):
            with pytest.raises(ClosedError, match="the device cpu of the pool was closed"):
                use()
