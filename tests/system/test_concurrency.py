"""Pools in many threads and processes at once; a system used from two threads."""

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from spikecuda import GPUNeuronPool, MultiGPUNeuronSystem, Noise, SpikecudaError

ROOT = Path(__file__).resolve().parents[2]
MODELS = {"lif": 300.0, "adex": 900.0, "izhikevich": 12.0}
THREADS = 12


def pool_bits(number, device="cpu"):
    """Return the bits of a pool's run in two parts."""
    model = list(MODELS)[number % 3]
    with GPUNeuronPool(200 + number, model, device=device, threads=2, seed=number) as pool:
        drive = Noise(MODELS[model] / 3, mean=MODELS[model])
        parts = [pool.run(steps=k, input=drive).spikes for k in (60, 40)]
        return b"".join(p.neuron.tobytes() for p in parts) + pool.state["v"].tobytes()


def system_bits():
    """Return a hash of a system's run on several devices."""
    with MultiGPUNeuronSystem(
        3000, 400, list(MODELS), devices=["cpu:0", "cpu:1"], seed=4
    ) as system:
        drive = {name: Noise(current / 3, mean=current) for name, current in MODELS.items()}
        spikes = system.run(steps=100, input=drive).spikes
        return hashlib.sha256(spikes.step.tobytes() + spikes.neuron.tobytes()).hexdigest()


def test_many_threads_each_with_a_pool():
    expected = [pool_bits(number) for number in range(THREADS)]
    found, together = [None] * THREADS, threading.Barrier(THREADS)

    def work(number):
        together.wait(60)
        found[number] = pool_bits(number)

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), "deadlock"
    assert found == expected


def test_two_processes_at_once():
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
        "import test_concurrency; print(test_concurrency.system_bits())"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for _ in range(2)
    ]  # fmt: skip
    assert [run.communicate(timeout=120)[0].strip() for run in runs] == [system_bits()] * 2


def test_a_system_used_from_two_threads_is_refused():
    with MultiGPUNeuronSystem(3000, devices=["cpu:0", "cpu:1"]) as system:
        inside, go = threading.Event(), threading.Event()

        def report(done, steps):
            inside.set()
            go.wait(60)

        runner = threading.Thread(target=lambda: system.run(steps=5, progress=report))
        runner.start()
        assert inside.wait(60)
        for use in (
            lambda: system.run(steps=1),
            system.reset,
            system.close,
            lambda: system.state["lif"]["v"],
            lambda: system.state["lif"].__setitem__("v", -60.0),
        ):
            with pytest.raises(SpikecudaError, match="the system is in use in another thread"):
                use()
        # Figures can be looked at any time.
        assert system.metrics()["total"]["neurons"] == 3000
        go.set()
        runner.join(60)
        assert system.steps == 5
        assert system.run(steps=1).parts["lif"].steps == 1


def test_within_a_run_state_can_be_read_and_nothing_restarted():
    with MultiGPUNeuronSystem(300, devices="cpu") as system:
        seen = []

        def report(done, steps):
            seen.append(system.state["lif"]["v"].copy())
            for use in (
                lambda: system.run(steps=1), system.reset, system.close,
                lambda: system.state["lif"].__setitem__("v", -60.0),
            ):  # fmt: skip
                with pytest.raises(SpikecudaError, match="the system is running"):
                    use()

        system.run(steps=5, progress=report)
        np.testing.assert_array_equal(seen[-1], system.state["lif"]["v"])
