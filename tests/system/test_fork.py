"""Forked, forkserved and spawned processes: what was made before a fork runs on in the child."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

PRELUDE = '''
import hashlib, multiprocessing, os, signal, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
from spikecuda import GPUNeuronPool, MultiGPUNeuronSystem, SpikecudaError
from spikecuda.network import ExpCurrent, FixedOutDegree, Network

def pool():
    return GPUNeuronPool(6000, device="cpu", threads=2, batch_size=1024)

def system():
    return MultiGPUNeuronSystem(600, devices=["cpu:0", "cpu:1"])

def network(devices="cpu"):
    net = Network(devices=devices, threads=2 if devices == "cpu" else None)
    net.population("E", 600, receptors={"exc": ExpCurrent(5.0)})
    net.connect("E", "E", FixedOutDegree(8), 30.0, 1.5)
    net.drive("E", 500.0)
    return net

def emulated():
    return network(["cuda-emu", "cpu"])

def bits(thing):
    got = thing.run(20.0) if isinstance(thing, Network) else thing.run(duration=20.0, input=400.0)
    spikes = got.spikes["E"] if isinstance(thing, Network) else got.spikes
    return hashlib.sha256(spikes.step.tobytes() + spikes.neuron.tobytes()).hexdigest()

def in_child(work):
    """Do something in a forked child; return what it wrote."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        try:
            text = work()
        except BaseException as error:
            text = f"{type(error).__name__}: {error}"
        os.write(write, str(text).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as file:
        text = file.read()
    os.waitpid(child, 0)
    return text
'''


def run(code, timeout=100):
    """Run a program in a process of its own; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + code], capture_output=True, text=True, timeout=timeout,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize("kind", ["pool", "system", "network", "emulated"])
def test_what_has_run_runs_on_in_a_forked_child(kind):
    ours, child, made, closed, grandchild = run(f"""
thing, twin = {kind}(), {kind}()
assert bits(thing) == bits(twin)
def go_on():
    return bits(thing)
child = in_child(go_on)
made = in_child(lambda: bits({kind}()))
closed = in_child(lambda: thing.close() or "closed")
grandchild = in_child(lambda: in_child(go_on))
print(bits(thing), child, made, closed, grandchild, sep="\\n")
assert made == in_child(lambda: (thing.reset(), bits(thing))[1])
""")
    assert ours == child == grandchild
    assert len(made) == 64 and made != ours and closed == "closed"


@pytest.mark.parametrize("kind", ["pool", "system", "network", "emulated"])
def test_a_fork_while_another_thread_runs_it(kind):
    refused, closed, made = run(f"""
thing, inside, go = {kind}(), threading.Event(), threading.Event()
expected = bits({kind}())
def look(done, steps):
    inside.set()
    go.wait(60)
def work():
    if isinstance(thing, Network):
        thing.run(5.0, progress=look)
    else:
        thing.run(steps=50, progress=look)
if isinstance(thing, Network):
    thing.build()
runner = threading.Thread(target=work)
runner.start()
inside.wait(60)
print(in_child(lambda: bits(thing)))
print(in_child(lambda: thing.close() or "closed"))
print(in_child(lambda: bits({kind}()) == expected))
go.set()
runner.join()
""")
    assert "was in use in another thread when this process was forked" in refused
    assert "make a new" in refused
    assert (closed, made) == ("closed", "True")


@pytest.mark.parametrize("kind", ["pool", "network"])
def test_a_fork_within_a_run_ends_the_run_in_the_child(kind):
    lines = run(f"""
thing, expected = {kind}(), bits({kind}())
forked = []
def look(done, steps):
    if not forked:
        forked.append(os.fork())
try:
    if isinstance(thing, Network):
        got = thing.run(20.0, progress=look).spikes["E"]
    else:
        got = thing.run(duration=20.0, input=400.0, progress=look).spikes
except SpikecudaError as error:
    print(error, flush=True)
    os._exit(0)
os.waitpid(forked[0], 0)
print(hashlib.sha256(got.step.tobytes() + got.neuron.tobytes()).hexdigest() == expected)
""")
    assert "this process was forked within run()" in lines[0] and lines[1:] == ["True"]


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_multiprocessing(method, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        PRELUDE
        + f'''
def work(seed):
    return bits(pool()) + bits(network())

if __name__ == "__main__":
    one, net = pool(), network()
    expected = bits(one) + bits(net)
    with multiprocessing.get_context("{method}").Pool(2) as workers:
        assert workers.map_async(work, range(3)).get(150) == [expected] * 3
    print("same")
'''
    )
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=200,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout == "same\n", done.stderr
