"""The first run from an empty cache: short, with one line that says what happens, and once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import spikecuda

ROOT = Path(spikecuda.__file__).resolve().parent.parent
# Seconds of processor time, which other programs on the machine change less than time itself.
POOL, NETWORK, WARM = 5.0, 10.0, 2.5
# Functions that are compiled, which no busy machine changes.
POOL_FUNCTIONS, NETWORK_FUNCTIONS = 25, 77

# Prints what numba compiles, and the process's and its children's processor time at the end.
PRELUDE = """
import atexit, os
from numba.core import event
compiled = []
class Compilation(event.Listener):
    def on_start(self, e):
        function = e.data["dispatcher"].py_func
        compiled.append((function.__module__, function.__qualname__, str(e.data["args"])))
    def on_end(self, e):
        pass
event.register("numba:compile", Compilation())
atexit.register(lambda: print("seconds", sum(os.times()[:4])))
"""
POOL_RUN = """
import spikecuda
with spikecuda.GPUNeuronPool(1000, "lif", device="cpu") as pool:
    pool.run(steps=100, input=200.0)
"""
NETWORK_RUN = """
from spikecuda import Poisson
from spikecuda.network import ExpCurrent, FixedProbability, Network
net = Network(devices="cpu", threads=1)
ports = {"exc": ExpCurrent(5.0), "inh": ExpCurrent(10.0)}
e = net.population("e", 400, "lif", receptors=ports)
i = net.population("i", 100, "lif", receptors=ports)
for source, port, weight in ((e, "exc", 50.0), (i, "inh", -100.0)):
    for target in (e, i):
        net.connect(source, target, FixedProbability(0.1), weight, 1.5, port)
net.drive(e, Poisson(rate=8000.0, weight=50.0), receptor="exc")
net.run(10.0)
"""
MORE_DRIVES = """
net.drive(i, Poisson(rate=800.0, weight=50.0), receptor="exc")
net.run(10.0)
"""
# Numba's own functions are made anew for each use; ours are not.
COUNTS = """
ours = [c for c in compiled if c[0].startswith("spikecuda")]
print("compiled", len(compiled))
print("twice", len(ours) - len(set(ours)))
"""


def run(code: str, cache: Path, **env: str) -> tuple[dict[str, list[float]], list[str]]:
    """Run in a fresh process; return what it prints, by name, and the lines on stderr."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + code], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SPIKECUDA_CACHE_DIR": str(cache), **env},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    return {name: [float(x) for x in rest] for name, *rest in lines}, done.stderr.splitlines()


def slack() -> float:
    """Return what a limit is stretched by: cores that are shared take more time for the same."""
    return 1.0 if os.getloadavg()[0] < (os.cpu_count() or 1) else 2.0


@pytest.mark.slow
@pytest.mark.parametrize(
    "code, limit, functions",
    [(POOL_RUN, POOL, POOL_FUNCTIONS), (NETWORK_RUN, NETWORK, NETWORK_FUNCTIONS)],
    ids=["pool", "network"],
)
def test_a_first_run_is_short_and_says_what_it_does(code, limit, functions, tmp_path):
    found, said = run(code + COUNTS, tmp_path)
    assert found["seconds"][0] < limit * slack()
    assert len(said) == 1, said
    assert said[0].startswith("spikecuda: compiling kernels") and str(tmp_path) in said[0]
    assert 0 < found["compiled"][0] <= functions
    assert found["twice"] == [0]
    # From the cache nothing is compiled, and there is nothing to say; nor for another drive of a
    # kind that there is.
    more = code + (MORE_DRIVES if code == NETWORK_RUN else "")
    found, said = run(more + COUNTS, tmp_path)
    assert found["compiled"] == [0]
    assert not said
    assert found["seconds"][0] < WARM * slack()


@pytest.mark.slow
def test_a_hundred_receptors_compile_no_longer_than_ten(tmp_path):
    code = """
from spikecuda import Poisson
from spikecuda.network import ExpCurrent, FixedProbability, Network
net = Network(devices="cpu", threads=1)
ports = {f"r{i}": ExpCurrent(2.0 + i) for i in range(COUNT)}
a = net.population("a", 100, "lif", receptors=ports)
for name in ports:
    net.connect(a, a, FixedProbability(0.1), 10.0, 1.5, name)
    net.drive(a, Poisson(rate=100.0, weight=5.0), name)
net.run(5.0)
print("compiled", len(compiled))
"""
    ten, _ = run(code.replace("COUNT", "10"), tmp_path)
    assert ten["compiled"][0] > 0 and ten["seconds"][0] < NETWORK * slack()
    # What ten have compiled serves a hundred: theirs is the same, under the same names.
    hundred, said = run(code.replace("COUNT", "100"), tmp_path)
    assert hundred["compiled"] == [0]
    assert hundred["seconds"][0] < WARM * slack()
    assert not said


def test_a_cuda_kernel_is_announced_too(monkeypatch):
    pytest.importorskip("numba_cuda")
    from spikecuda.inspection.catalogue import spec
    from spikecuda.kernels.compile import cuda

    said: list[str] = []
    monkeypatch.setattr(cuda, "say", lambda: said.append("compiling"))
    monkeypatch.setattr(cuda.cache, "load", lambda entry: None)
    monkeypatch.setattr(cuda.cache, "save", lambda entry, data: None)
    cuda.build(spec("lif", "float32"), (9, 0))
    assert said == ["compiling"]
