"""Changes of pools and systems that fail at any device call: as before, or said and repeatable."""

import numpy as np
import pytest

from spikecuda import GPUNeuronPool, MultiGPUNeuronSystem, SpikecudaError
from spikecuda.devices.base import Device
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.devices.host_device import HostMemoryDevice

CALLS = {
    CudaEmuDevice: ("write", "read", "clear"), HostMemoryDevice: ("write", "clear"),
    Device: ("allocate",),
}  # fmt: skip
CURRENT = {"adex": 900.0, "lif": 400.0}


def system():
    return MultiGPUNeuronSystem(
        300, neuron_types=list(CURRENT), devices=["cpu:0", "cpu:1"],
        params={"lif": {"t_ref": 1.0}},
    )  # fmt: skip


def pool():
    return GPUNeuronPool(200, device="cpu", params={"t_ref": 1.0})


def paged():
    return GPUNeuronPool(200, device="cuda-emu", out_of_core=True, batch_size=64)


def views(made):
    return dict(made.state) if isinstance(made, MultiGPUNeuronSystem) else {"lif": made.state}


def run(made):
    drive = CURRENT if isinstance(made, MultiGPUNeuronSystem) else CURRENT["lif"]
    return made.run(steps=50, input=drive).spikes.neuron


def look(made):
    return {(t, k): v.tobytes() for t, view in views(made).items() for k, v in view.items()}


CHANGES = {
    "state": lambda made: views(made)["lif"].__setitem__("v", -61.0),
    "states": lambda made: views(made)["lif"].__setitem__(
        "v", np.linspace(-65.0, -55.0, views(made)["lif"]["v"].size)
    ),
    "refractory": lambda made: views(made)["lif"].__setitem__("refrac", 2),
    "reset": lambda made: made.reset(),
}


def break_at(patch, call, late=False):
    """Let the n-th call of any device fail, or at its end; return a list with its name."""
    done, found = [0], []

    def breaking(original, name):
        def method(self, *args, **kwargs):
            done[0] += 1
            if done[0] == call:
                found.append(name)
                if late and name in ("write", "clear"):
                    original(self, *args, **kwargs)
                raise OSError("fell off the bus")
            return original(self, *args, **kwargs)

        return method

    for kind, names in CALLS.items():
        for name in names:
            patch.setattr(kind, name, breaking(getattr(kind, name), name))
    return found


@pytest.mark.parametrize("make", [system, pool, paged])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_fails_is_named_and_can_be_repeated(monkeypatch, make, change):
    if make is paged and change == "refractory":
        pytest.skip("has no refractory period")
    with make() as twin:
        run(twin)
        CHANGES[change](twin)
        after, expected = look(twin), run(twin)
    broken = 0
    for number in range(2, 120):
        call, late = number // 2, bool(number % 2)
        with make() as made:
            run(made)
            before = look(made)
            with monkeypatch.context() as patch:
                found = break_at(patch, call, late)
                try:
                    CHANGES[change](made)
                except SpikecudaError as error:
                    assert "fell off the bus" in str(error)
                else:
                    assert not found
            if not found:
                break
            broken += 1
            if look(made) != before or change == "reset":
                with pytest.raises(SpikecudaError, match=r"cannot go on: .*reset\(\)"):
                    run(made)
            CHANGES[change](made)
            assert look(made) == after
            np.testing.assert_array_equal(run(made), expected)
            made.reset()
            run(made)
    assert broken or make is paged  # its state is on the host


@pytest.mark.parametrize("make", [system, pool, paged])
def test_one_that_cannot_be_made_leaves_nothing_open(monkeypatch, make):
    opened, original = [], Device.__init__
    monkeypatch.setattr(
        Device, "__init__", lambda self, *args: (opened.append(self), original(self, *args))[1]
    )
    for call in range(1, 60):
        with monkeypatch.context() as patch:
            found = break_at(patch, call)
            try:
                make().close()
            except SpikecudaError as error:
                assert "fell off the bus" in str(error)
        assert opened and all(device.closed and device.held() == {} for device in opened)
        opened.clear()
        if not found:
            break
    assert call > 1
