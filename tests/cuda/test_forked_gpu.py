"""What is on a GPU is refused in a forked child, which may still close it and use the CPU."""

import os
import warnings

import pytest

from spikecuda import GPUNeuronPool, MultiGPUNeuronSystem, SpikecudaError
from spikecuda.devices import open as devices
from spikecuda.devices.open import gpu_status

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")


def in_child(work):
    """Do something in a forked child; return what it returns, as text."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        child = os.fork()
    if child == 0:
        try:
            text = work()
        except SpikecudaError as error:
            text = f"{type(error).__name__}: {error}"
        except BaseException as error:
            text = f"wrong: {error!r}"
        os.write(write, str(text).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as file:
        text = file.read()
    os.waitpid(child, 0)
    return text


def test_what_is_on_a_gpu_is_refused_in_a_forked_child(fake_gpu):
    fake_gpu()
    with GPUNeuronPool(64, device="cuda:0") as pool, MultiGPUNeuronSystem(
        60, devices=["cuda:0", "cpu"]
    ) as system:  # fmt: skip
        pool.run(steps=3)
        for work in (
            lambda: pool.run(steps=1), pool.reset, lambda: pool.state["v"],
            lambda: pool.state.__setitem__("v", -60.0), lambda: system.run(steps=1), system.reset,
        ):  # fmt: skip
            said = in_child(work)
            assert "CUDA does not work in a forked child" in said and '"spawn"' in said, said
        assert in_child(lambda: pool.close() or system.close() or pool.device.close()) == "None"
        assert in_child(lambda: GPUNeuronPool(8, device="cpu").run(steps=2).steps) == "2"
        assert pool.run(steps=2).steps == 2


def test_a_driver_that_was_started_before_the_fork_is_not_used(monkeypatch):
    gpu_status()
    monkeypatch.setattr(devices._driver, "started", True)
    said = in_child(lambda: f"{gpu_status().reason}; {gpu_status().remedy}")
    assert said.startswith("this process was forked from one that uses CUDA; start it with")
    assert "forked from one that uses CUDA" in in_child(
        lambda: GPUNeuronPool(8, device="cuda:0").steps
    )
    assert "forked from one that uses CUDA" in in_child(lambda: repr(GPUNeuronPool(8)))
