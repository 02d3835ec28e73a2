"""Devices that fail and runs that are interrupted: what is said, released and left to go on."""

import signal
import threading

import numpy as np
import pytest
from cuda_networks import balanced

from spikecuda.devices.base import Device
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.errors import DeviceError, OutOfMemoryError, SpikecudaError, SpikecudaTypeError
from spikecuda.network import Network
from spikecuda.network.cpu import engine
from spikecuda.network.cuda import resident

LISTS = {
    "cpu": "cpu", "one": ["cuda-emu:0"], "two": ["cuda-emu:0", "cuda-emu:1"],
    "mixed": ["cpu:0", "cuda-emu:0"],
}  # fmt: skip
STEPS = 80


@pytest.fixture(autouse=True)
def short_calls(monkeypatch):
    """Let a run have many ends of windows: lists of two windows, and on the processor one step."""
    monkeypatch.setattr(resident, "WINDOWS", 2)
    monkeypatch.setattr(engine, "SECONDS_PER_CALL", 0.0)


def network(devices):
    net = Network(0.1, 5, devices=devices)
    balanced(net)
    return net


def events(result):
    return {name: (s.step, s.neuron) for name, s in result.spikes.items()}


def state(net):
    return {(g, k): v.tobytes() for g in "EI" for k, v in net[g].state.items()}


@pytest.fixture(scope="module")
def whole():
    """Spikes and state after a run that nothing interrupts."""
    with network("cpu") as net:
        return events(net.run(STEPS / 10)), state(net)


def assert_goes_on(net, whole):
    """The rest of the run has the spikes and leaves the state of an uninterrupted one."""
    done = round(net.time / 0.1)
    rest = events(net.run((STEPS - done) / 10))
    for name, (step, neuron) in whole[0].items():
        late = step >= done
        np.testing.assert_array_equal(rest[name][0], step[late])
        np.testing.assert_array_equal(rest[name][1], neuron[late])
    assert state(net) == whole[1]


def interrupt_at(calls, times=1):
    """Return a function that raises Ctrl-C when it is called so many times."""
    done = [0]

    def act(*_):
        done[0] += 1
        if done[0] == calls:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)

    return act


@pytest.mark.parametrize("devices", LISTS)
def test_ctrl_c_between_windows(devices, whole):
    with network(LISTS[devices]) as net:
        with pytest.raises(KeyboardInterrupt):
            net.run(STEPS / 10, progress=interrupt_at(3))
        assert 0 < net.time < STEPS / 10
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert_goes_on(net, whole)


@pytest.mark.parametrize("devices", ["one", "two", "mixed"])
@pytest.mark.parametrize("calls", [1, 5])
def test_ctrl_c_inside_a_window_waits_for_its_end(monkeypatch, devices, calls, whole):
    with network(LISTS[devices]) as net:
        net.run(0.1)
        made = net.build()
        act = interrupt_at(calls)
        # Crews of several devices upload in threads, which receive no signals.
        alone = len(LISTS[devices]) == 1
        target, name = (net._engine.partitions[0].device, "upload") if alone else (made, "_advance")
        original = getattr(target, name)

        def interrupted(*arguments):
            found = original(*arguments)
            act()
            return found

        with monkeypatch.context() as patch:
            patch.setattr(target, name, interrupted)
            with pytest.raises(KeyboardInterrupt):
                net.run(STEPS / 10 - 0.1)
        assert round(net.time / 0.1) % 5 == 1 and net.time < STEPS / 10
        assert_goes_on(net, whole)


@pytest.mark.parametrize("devices", ["one", "two"])
def test_a_second_ctrl_c_acts_at_once_and_needs_a_reset(monkeypatch, devices, whole):
    with network(LISTS[devices]) as net:
        net.run(1.0)
        act, together = interrupt_at(2, times=2), net.build()._device_threads.together

        def interrupted(jobs):
            act()
            together(jobs)

        with monkeypatch.context() as patch:
            patch.setattr(net.build()._device_threads, "together", interrupted)
            with pytest.raises(KeyboardInterrupt):
                net.run(2.0)
        with pytest.raises(SpikecudaError, match=r"cannot go on: KeyboardInterrupt.* reset\(\)"):
            net.run(0.1)
        net.reset()
        assert_goes_on(net, whole)


def fail(patch, device, method, calls):
    """Let a method of a device, or of one of its streams, raise from its n-th call from now on."""
    if "." in method:
        stream, _, method = method.partition(".")
        device = getattr(device, stream)
    original, done = getattr(device, method), [0]

    def failing(*args, **kwargs):
        done[0] += 1
        if done[0] >= calls:
            raise OSError("fell off the bus")
        return original(*args, **kwargs)

    patch.setattr(device, method, failing)


# A method of the device interface, the call that fails, the steps that the error may name, those
# of the run, and whether it had begun to change state.  With one device two lists are under way.
# What is too short for a graph launches its kernels one by one.
FAULTS = {
    "allocation": ("allocate", 1, [10], 70, False),
    "first copy": ("write", 1, [10], 70, False),
    "capture": ("capture", 1, [10], 70, False),
    "upload": ("upload", 1, [10], 70, True),
    "launch": ("launch", 5, [10, 15], 8, True),
    "middle of a run": ("uploads.record", 5, range(15, 60), 70, True),
    "drain": ("download", 4, range(10, 31), 70, True),
    "end of the run": ("read", 1, [STEPS], 70, True),
}


@pytest.mark.parametrize("devices", ["one", "two", "mixed"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_device_is_named_with_its_step(monkeypatch, devices, fault, whole):
    method, calls, named, steps, begun = FAULTS[fault]
    before = threading.active_count()
    with network(LISTS[devices]) as net:
        net.run(1.0)
        broken = [
            d for d in [p.device for p in net._engine.partitions] if isinstance(d, CudaEmuDevice)
        ][-1]
        emulated = [
            d for d in [p.device for p in net._engine.partitions] if isinstance(d, CudaEmuDevice)
        ]
        held = [device.held() for device in emulated]
        with monkeypatch.context() as patch:
            fail(patch, broken, method, calls)
            with pytest.raises(
                DeviceError, match=rf"{broken.name} failed at step (\d+) \(fell off the bus\)"
            ) as caught:
                net.run(steps / 10)
        assert int(str(caught.value).split("step ")[1].split()[0]) in named
        assert isinstance(caught.value.__cause__, OSError)
        # What only the run needed is given back, what the network needs is not.
        kept = [device.held() for device in emulated]
        lists = {"spike list", "clock", "mark"}  # the second one stays once it was needed
        for now, then in zip(kept, held, strict=True):
            assert {k: v for k, v in now.items() if k not in lists} == {
                k: v for k, v in then.items() if k not in lists
            }
        assert all(not d.pinned.held().keys() - lists for d in emulated)
        if begun:
            assert "goes on after reset() only" in str(caught.value)
            with pytest.raises(SpikecudaError, match=r"cannot go on: .* reset\(\) starts again"):
                net.run(0.1)
            net.reset()
        assert_goes_on(net, whole)
        opened = [p.device for p in net._engine.partitions]
    assert all(device.held() == {} for device in opened)
    assert all(device.pinned.held() == {} for device in opened)
    assert threading.active_count() <= before


def test_state_that_does_not_come_back_after_ctrl_c_needs_a_reset(monkeypatch, whole):
    with network(LISTS["one"]) as net:
        net.run(0.1)
        with monkeypatch.context() as patch:
            fail(patch, net._engine.partitions[0].device, "read", 2)
            with pytest.raises(KeyboardInterrupt):
                net.run(STEPS / 10 - 0.1, progress=interrupt_at(2))
        with pytest.raises(SpikecudaError, match=r"cannot go on: fell off the bus.* reset\(\)"):
            net.run(0.1)
        net.reset()
        assert_goes_on(net, whole)


@pytest.mark.parametrize("calls", [1, 4, 9])
def test_a_device_that_cannot_allocate_gives_everything_back(monkeypatch, calls):
    original, made = Device.allocate, []

    def allocate(self, name, size, dtype):
        made.append(self)
        if self.name == "cuda-emu:1" and sum(self is d for d in made) >= calls:
            raise MemoryError("no room")
        return original(self, name, size, dtype)

    monkeypatch.setattr(Device, "allocate", allocate)
    net = network(["cuda-emu:0", "cuda-emu:1"])
    with pytest.raises(OutOfMemoryError, match=r"cuda-emu:1 failed at step 0 \(no room\)"):
        net.run(1.0)
    assert {device.name for device in made} == {"cuda-emu:0", "cuda-emu:1"}
    assert all(device.held() == device.pinned.held() == {} for device in made)
    monkeypatch.undo()
    with net:
        assert net.run(1.0).num_spikes >= 0


@pytest.mark.parametrize("devices", [[None], ["mpi", None], ["cpu", 3], [True]], ids=str)
def test_what_names_no_device_is_not_taken_for_the_default(devices):
    with pytest.raises(SpikecudaTypeError, match="devices in a list must be names"):
        Network(devices=devices)
