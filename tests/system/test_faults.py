"""Devices that fail and runs that are interrupted: what is said, released and left to go on."""

import signal
import threading

import numpy as np
import pytest

from spikecuda import GPUNeuronPool, MultiGPUNeuronSystem, Noise, SpikecudaError, Uniform
from spikecuda.devices.base import Device
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.errors import DeviceError, OutOfMemoryError

PAIRS = [["cpu:0", "cpu:1"], ["cuda-emu:0", "cuda-emu:1"]]
TYPES = ["adex", "lif"]
DRIVE = {"adex": Noise(300.0, mean=900.0), "lif": Noise(100.0, mean=300.0)}
STEPS = 40


@pytest.fixture(autouse=True)
def short_windows(monkeypatch):
    monkeypatch.setattr("spikecuda.runtime.run.WINDOW_STEPS", 8)


def system(devices, total=400):
    return MultiGPUNeuronSystem(
        total, neuron_types=TYPES, devices=devices, seed=3,
        initial={t: {"v": Uniform(-66.0, -55.0)} for t in TYPES},
    )  # fmt: skip


def bits(made, result):
    state = {(t, k): v.tobytes() for t, view in made.state.items() for k, v in view.items()}
    return result.spikes.step.tobytes(), result.spikes.neuron.tobytes(), state


def whole(devices):
    with system(devices) as made:
        return bits(made, made.run(steps=STEPS, input=DRIVE))


def fail(monkeypatch, device, method, calls, error):
    """Let a method of a device, or of its stream, raise from its n-th call from now on."""
    if method.startswith("stream."):
        device, method = device.stream, method.removeprefix("stream.")
    original, done = getattr(device, method), [0]

    def failing(*args, **kwargs):
        done[0] += 1
        if done[0] >= calls:
            raise error
        return original(*args, **kwargs)

    monkeypatch.setattr(device, method, failing)


# A method of the device interface, the call that fails, the step that the error names, the steps
# of the run, whether the run had begun to change state.  A GPU has two windows under way, so that
# it makes more events, and drains a window while the next one computes; on a CPU the types have
# their spike bits in one buffer.
FAULTS = {
    "allocation": ("allocate", {"cpu": 1, "cuda-emu": 2}, 0, STEPS, False),
    "first copy": ("write", 1, 0, STEPS, False),
    "capture": ("launch", 1, 0, STEPS, False),
    "launch": ("launch", 2, 0, 8, True),
    "middle of a run": ("stream.record", {"cpu": 17, "cuda-emu": 25}, 16, STEPS, True),
    "drain": ("together", 3, {"cpu": 8, "cuda-emu": 16}, STEPS, True),
}


@pytest.mark.parametrize("devices", PAIRS, ids=lambda d: d[0][:4])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_device_is_named_with_its_step(monkeypatch, devices, fault):
    kind = devices[0].partition(":")[0]
    method, calls, step, steps, begun = (
        value[kind] if isinstance(value, dict) else value for value in FAULTS[fault]
    )
    before = threading.active_count()
    with system(devices) as made:
        broken = made.devices[1]
        held = [device.held() for device in made.devices]
        with monkeypatch.context() as patch:
            fail(patch, broken, method, calls, OSError("fell off the bus"))
            with pytest.raises(
                DeviceError, match=rf"{broken.name} failed at step {step} \(fell off the bus\)"
            ) as caught:
                made.run(steps=steps, input=DRIVE)
        assert isinstance(caught.value.__cause__, OSError)
        # What only the run needed is given back, what the neurons need is not.
        kept = [device.held() for device in made.devices]
        for now, then in zip(kept, held, strict=True):
            assert {k: v for k, v in now.items() if k != "spike bits"} == then
        if method != "allocate":
            fail(monkeypatch, broken, "read", 1, OSError("fell off the bus"))
            with pytest.raises(DeviceError, match=f"{broken.name} failed"):
                made.state["lif"]["v"]
            ((name, first, values),) = made.state["lif"].by_device("v")
            assert name == devices[0] and first == 0 and np.isfinite(values).all()
            monkeypatch.undo()
            monkeypatch.setattr("spikecuda.runtime.run.WINDOW_STEPS", 8)
        if begun:
            with pytest.raises(SpikecudaError, match=r"cannot go on: .* reset\(\) starts again"):
                made.run(steps=1)
            made.reset()
        assert bits(made, made.run(steps=STEPS, input=DRIVE)) == whole(devices)
    assert all(device.held() == {} for device in made.devices)
    assert threading.active_count() == before


@pytest.mark.parametrize("kind", ["cpu", "cuda-emu"])
@pytest.mark.parametrize("calls", [1, 3, 5])
def test_a_device_that_cannot_allocate_gives_everything_back(monkeypatch, kind, calls):
    opened = []
    original, init = Device.allocate, Device.__init__

    def remember(self, *sources):
        init(self, *sources)
        opened.append(self)

    def allocate(self, name, size, dtype):
        if self is opened[1] and sum(self is d for d in made) >= calls:
            raise MemoryError("no room")
        made.append(self)
        return original(self, name, size, dtype)

    made = []
    monkeypatch.setattr(Device, "__init__", remember)
    monkeypatch.setattr(Device, "allocate", allocate)
    with pytest.raises(OutOfMemoryError, match=rf"{kind}:1 failed at step 0 \(no room\)"):
        system([f"{kind}:0", f"{kind}:1"])
    assert len(made) > 2 and [device.held() for device in opened] == [{}, {}]


def test_a_device_that_cannot_be_closed_does_not_keep_the_others(monkeypatch):
    made = system(["cpu:0", "cpu:1"])
    broken, sound = made.devices
    monkeypatch.setattr(
        broken.pool.source, "release", lambda raw: (_ for _ in ()).throw(DeviceError("stuck"))
    )
    with pytest.raises(DeviceError, match="stuck"):
        made.close()
    assert broken.held() == sound.held() == {}
    made.close()


def device_list(kinds):
    """Return devices, names and new open ones; streams of late and shuffled work, small memory."""
    made = {
        "late": lambda i: CudaEmuDevice(i, seed=4), "race": lambda i: CudaEmuDevice(i, mode="race"),
        "paged": lambda i: CudaEmuDevice(i, memory=8000),
    }  # fmt: skip
    return [made[kind](i) if kind in made else kind for i, kind in enumerate(kinds)]


@pytest.mark.parametrize("kinds, at", [
    (["cpu"], 24), (["cpu:0", "cpu:1"], 24), (["cuda-emu"], 32), (["cuda-emu:0", "cpu"], 24),
    (["late", "race"], 32), (["paged"], 8), (["paged", "paged"], 8),
], ids=lambda v: "-".join(v) if isinstance(v, list) else "")  # fmt: skip
def test_ctrl_c_waits_for_the_end_of_the_window(monkeypatch, kinds, at):
    """The signal comes while a partition of a window is done and others are not.

    On a GPU the next window is under way by then: it is counted, and the run goes on after it.
    """
    devices = device_list(kinds)
    drive = {"adex": Noise(300.0, mean=4000.0), "lif": Noise(300.0, mean=2500.0)}
    with system(devices, 2000) as made:
        paged = [bool(part.paged) for p in made.populations.values() for part in p.partitions]
        assert all(paged) if "paged" in kinds else not any(paged)
        last = made.devices[-1]
        original, done = last.together, [0]

        def interrupted(jobs):
            done[0] += 1
            if done[0] == 5:
                signal.raise_signal(signal.SIGINT)
            return original(jobs)

        with monkeypatch.context() as patch:
            patch.setattr(last, "together", interrupted)
            with pytest.raises(KeyboardInterrupt):
                made.run(steps=STEPS, input=drive)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert {p.steps for p in made.populations.values()} == {at}
        before = made.metrics()["total"]["spikes"]
        rest = made.run(steps=STEPS - at, input=drive)
        with system(["cpu"], 2000) as other:
            result = other.run(steps=STEPS, input=drive)
            assert before == (result.spikes.step < at).sum() > 0
            later = result.spikes.step >= at
            assert rest.spikes.step.tobytes() == result.spikes.step[later].tobytes()
            assert rest.spikes.neuron.tobytes() == result.spikes.neuron[later].tobytes()
            assert bits(made, rest)[2] == bits(other, result)[2]
    for device in devices:
        if not isinstance(device, str):
            assert device.held() == {}
            device.close()


def test_a_second_ctrl_c_acts_at_once():
    with GPUNeuronPool(100, device="cpu") as pool:
        original = pool.device.together

        def interrupted(jobs):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            return original(jobs)

        pool.device.together = interrupted
        with pytest.raises(KeyboardInterrupt):
            pool.run(steps=STEPS, input=300.0)
        pool.device.together = original
        with pytest.raises(SpikecudaError, match="cannot go on: KeyboardInterrupt"):
            pool.run(steps=1)
        pool.reset()
        assert pool.run(steps=1).steps == 1


def test_an_interrupt_after_the_last_window_is_not_lost():
    with GPUNeuronPool(100, device="cpu") as pool:

        def report(done, total):
            if done == total:
                signal.raise_signal(signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            pool.run(steps=STEPS, progress=report)
        assert pool.steps == STEPS


def test_a_run_beside_the_main_thread_leaves_signals_alone():
    before = signal.getsignal(signal.SIGINT)
    seen = []
    with GPUNeuronPool(100, device="cpu") as pool:
        thread = threading.Thread(
            target=lambda: pool.run(
                steps=STEPS, progress=lambda *_: seen.append(signal.getsignal(signal.SIGINT))
            )
        )
        thread.start()
        thread.join(60)
    assert seen and all(handler is before for handler in seen)
