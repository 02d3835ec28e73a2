"""Memory that isn't there: nested control groups, ulimit, and what runs out all the same."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from spikecuda.common import host_memory as host
from spikecuda.common import memory_limits
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.errors import OutOfMemoryError, SpikecudaValueError

ROOT = Path(__file__).resolve().parents[2]
MB = 1 << 20


def process(folder: Path, cgroup: str, mounts: list[str]) -> Path:
    """Write a process's view of its control groups."""
    proc = folder / "proc"
    proc.mkdir()
    (proc / "cgroup").write_text(cgroup)
    (proc / "mountinfo").write_text("\n".join(mounts) + "\n")
    return proc


def group(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (folder / name.replace("__", ".")).write_text(f"{value}\n")


def left(proc: Path) -> dict[str, int]:
    return {limit.name: limit.left // MB for limit in memory_limits.limits(proc)}


def test_every_group_above_counts(tmp_path):
    """The limit of a pod or a slice is above the group that the process is in."""
    top = tmp_path / "cg roup"
    mount = str(top).replace(" ", "\\040")
    proc = process(
        tmp_path, "1:name=systemd:/x\n0::/slice/pod/box\n",
        ["21 1 0:1 / /proc rw - proc proc rw",
         f"31 23 0:28 / {mount} rw,nosuid shared:4 - cgroup2 cgroup rw"],
    )  # fmt: skip
    group(top, cgroup__procs="")
    group(top / "slice", memory__max=900 * MB, memory__high="max", memory__current=850 * MB)
    group(top / "slice" / "pod", memory__max="max", memory__high=500 * MB,
          memory__current=300 * MB,
          memory__stat=f"anon 5\ninactive_file {40 * MB}\nactive_file {10 * MB}")  # fmt: skip
    group(top / "slice" / "pod" / "box", memory__max="max", memory__high="max",
          memory__current=100 * MB)  # fmt: skip
    assert left(proc) == {
        f"memory.high of the control group {top}/slice/pod": 250,
        f"memory.max of the control group {top}/slice": 50,
    }
    group(top / "slice" / "pod" / "box", memory__max=110 * MB)
    assert min(left(proc).values()) == 10
    # More than the limit in use: nothing is left, not less than nothing.
    group(top / "slice" / "pod" / "box", memory__current=200 * MB)
    assert min(left(proc).values()) == 0


@pytest.mark.parametrize(
    ("cgroup", "root"),
    [("/docker/1", "/docker/1"), ("/", "/"), ("/../elsewhere", "/"), ("/a", "/b")],
)
def test_a_container_sees_its_own_group_as_the_mount(tmp_path, cgroup, root):
    top = tmp_path / "fs"
    proc = process(tmp_path, f"0::{cgroup}\n", [f"31 23 0:28 {root} {top} rw - cgroup2 cgroup rw"])
    group(top, memory__max=300 * MB, memory__current=100 * MB)
    assert list(left(proc).values()) == [200]


def test_version_1(tmp_path):
    top = tmp_path / "memory"
    proc = process(
        tmp_path, "9:name=systemd:/\n4:cpu,memory:/a/b\n0::/\n",
        [f"35 31 0:32 / {top} rw - cgroup cgroup rw,memory,cpu",
         f"36 31 0:33 / {tmp_path}/pids rw - cgroup cgroup rw,pids"],
    )  # fmt: skip
    group(top, memory__limit_in_bytes=9223372036854771712, memory__usage_in_bytes=5 * MB)
    group(top / "a", memory__limit_in_bytes=800 * MB, memory__usage_in_bytes=600 * MB,
          memory__stat=f"inactive_file 1\ntotal_inactive_file {50 * MB}")  # fmt: skip
    group(top / "a" / "b", memory__limit_in_bytes=700 * MB, memory__usage_in_bytes=100 * MB)
    assert sorted(left(proc).values()) == [250, 600]


@pytest.mark.parametrize("text", ["", "garbage", "0::", "0::/x\n\0\xff", "::::\n4\n"])
def test_what_cannot_be_read_is_no_limit(tmp_path, text):
    assert left(process(tmp_path, text, ["x", "1 2 3 - cgroup2", text])) == {}
    assert left(tmp_path / "nothing") == {}
    top = tmp_path / "fs"
    (tmp_path / "proc" / "cgroup").write_text("0::/\n")
    (tmp_path / "proc" / "mountinfo").write_text(f"31 23 0:28 / {top} rw - cgroup2 cgroup rw\n")
    for value in (text, "-5", "1e9", "max"):
        group(top, memory__max=value, memory__current="x", memory__stat="inactive_file x\n\n")
        assert left(tmp_path / "proc") == {}


def test_the_smallest_limit_is_what_is_available(monkeypatch):
    group = memory_limits.Limit(900 * MB, 100 * MB, "the control group x")
    far = memory_limits.Limit(1 << 50, 0, "far")
    monkeypatch.setattr(host, "limits", lambda: [far, group])
    assert host.available_memory() == 800 * MB - host.RESERVE
    assert host.total_memory() == 900 * MB
    assert host.shortage().endswith("GB, the control group x")
    # What is this process's alone need not be left to others.
    own = memory_limits.Limit(400 * MB, 300 * MB, "ulimit -v", own=True)
    monkeypatch.setattr(host, "limits", lambda: [far, own, group])
    assert host.available_memory() == 75 * MB
    assert host.binding_limit() == ", ulimit -v"
    for there in ([], [far]):
        monkeypatch.setattr(host, "limits", lambda there=there: there)
        assert host.total_memory() == psutil.virtual_memory().total
        assert host.binding_limit() == "" and host.shortage().endswith("GB")


def test_what_is_needed_and_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(host, "available_memory", lambda: 2 * MB)
    host.require_memory(2 * MB, "it", "use less")
    with pytest.raises(OutOfMemoryError, match=r"it needs 0.01 GB .available: 0.00 GB.*; use less"):
        host.require_memory(8 * MB, "it", "use less")
    with pytest.raises(OutOfMemoryError, match="draw of 1,000,000 numbers"):
        host.host_array(10**6, "a draw of 1,000,000 numbers")


def test_a_memory_error_says_what_needed_the_memory():
    @out_of_memory("the answer", "ask less")
    def ask(error):
        """Doc."""
        raise error

    with pytest.raises(OutOfMemoryError, match=r"the answer must fit .*: no room\); ask less") as e:
        ask(MemoryError("no room"))
    assert isinstance(e.value.__cause__, MemoryError) and ask.__doc__ == "Doc."
    for error in (OutOfMemoryError("mine"), SpikecudaValueError("mine"), KeyError("x")):
        with pytest.raises(type(error), match=str(error)):
            ask(error)


LIMITED = """
import resource, sys
import numpy as np
from spikecuda import GPUNeuronPool, Normal
from spikecuda.errors import OutOfMemoryError
from spikecuda.network import ExpCurrent, FixedProbability, Network, Pairs, from_matrix

def network(n, rule):
    net = Network(threads=1)
    net.population("A", n, "lif", receptors={"e": ExpCurrent(tau=5.0)})
    net.connect("A", "A", rule, 1.0, 1.5)
    return net

GPUNeuronPool(1000, "lif", device="cpu", threads=1).run(steps=10, input=200.0)
network(100, FixedProbability(0.1)).run(1.0)
np.ones(10).sum()
used = int(next(l for l in open("/proc/self/status") if l.startswith("VmSize")).split()[1]) << 10
limit = used + (600 << 20)
resource.setrlimit(getattr(resource, sys.argv[1]), (limit, limit))
cases = [
    lambda: GPUNeuronPool(10**8, "lif", device="cpu", threads=1),
    lambda: GPUNeuronPool(10**8, "lif", params={"tau_m": Normal(10.0, 1.0)}, device="cpu"),
    lambda: GPUNeuronPool(10**8, params={"tau_m": np.broadcast_to(10.0, 10**8)}, device="cpu"),
    lambda: GPUNeuronPool(10**5, "lif", device="cpu").run(steps=10000, record="v"),
    lambda: network(30000, FixedProbability(0.5)).run(1.0),
    lambda: Pairs(np.broadcast_to(np.int32(1), 10**8), np.broadcast_to(np.int32(1), 10**8)),
    lambda: from_matrix(np.broadcast_to(1.0, (10**4, 10**4))),
    lambda: network(20000, "all_to_all").projections[0].connections(),
]
for case in cases:
    try:
        case()
        print("fits")
    except OutOfMemoryError as error:
        print("refused", "available" in str(error), ";" in str(error))
with GPUNeuronPool(1000, "lif", device="cpu", threads=1) as pool:
    print(pool.run(steps=10, input=200.0).steps)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="addresses are limited on Linux")
@pytest.mark.slow
@pytest.mark.parametrize("which", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_under_ulimit_everything_too_large_is_refused_and_the_rest_works(which):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, which], capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines == ["refused True True"] * (len(lines) - 1) + ["10"] and len(lines) == 9
