"""Measure a node: memory bandwidth, barriers, jitter, messages between two processes."""

import json
import math
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.aligned_memory import aligned_zeros
from spikecuda.common.cores import usable_cores
from spikecuda.kernels.network import layout as L
from spikecuda.plan.row_rig import RowRig
from spikecuda.plan.slowest import scale_of

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
COPY, COPIES = 1 << 25, 5
WORK, PIECES, BATCHES = 150e-6, 4000, 10
BARRIERS, TRIES = 50_000, 12
WAIT = 60.0
# Where the system does not tell: of most processors since 2015, at least.
CACHE, SHARED = 0.5e6, 8e6


def caches() -> tuple[float, float]:
    """Return the bytes of a core's own second-level cache, and of the cache that cores share."""
    found = {}
    for index in CACHES.glob("index*"):
        try:
            level = int((index / "level").read_text(encoding="utf-8"))
            text = (index / "size").read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            continue
        unit = {"K": 1 << 10, "M": 1 << 20}.get(text[-1:], 1)
        found[level] = float(text.rstrip("KM")) * unit
    return found.get(2, CACHE), found.get(3, SHARED)


def bandwidth(cores: int) -> float:
    """Return the bytes a second that all cores together read and write as they copy."""
    count = COPY // 8
    arrays = [(np.zeros(count), np.ones(count)) for _ in range(cores)]
    with ThreadPoolExecutor(cores) as executor:

        def seconds() -> float:
            begin = time.perf_counter()
            list(executor.map(lambda pair: np.copyto(*pair), arrays))
            return time.perf_counter() - begin

        seconds()
        return 2.0 * COPY * cores / min(seconds() for _ in range(COPIES))


def barrier(cores: int) -> float:
    """Return the seconds of a barrier for each of the threads; 0 on one core."""
    if cores < 2:
        return 0.0
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    run = load_cpu_loop("network_run").run_blocks
    rigs = [RowRig(64, 1, 0, 1, 16) for _ in range(cores)]
    blocks = np.concatenate([rig.block for rig in rigs])
    shared = aligned_zeros(L.SHARED, np.int64)
    nothing = [np.zeros((0, n), np.int64) for n in (L.PART, L.TRACE, L.EXTERNAL)]

    def seconds(executor: ThreadPoolExecutor, threads: int) -> float:
        shared[:] = 0

        def work(t: int) -> int:
            mine = np.array([t], np.int64)
            return int(run(blocks, mine, *nothing, shared, threads, 0, 0, BARRIERS, 1, 1, 0, 0))

        begin = time.perf_counter()
        list(executor.map(work, range(threads)))
        return (time.perf_counter() - begin) / BARRIERS

    with ThreadPoolExecutor(cores) as executor:
        alone = min(seconds(executor, 1) for _ in range(TRIES))
        together = min(seconds(executor, cores) for _ in range(TRIES))
    return max(0.0, together - alone) / cores


def jitter() -> float:
    """Return the standard deviation of a second's work, from pieces of ``WORK`` seconds."""
    rig = RowRig(4096, 64, 2, 1, 64)
    words = rig.fill(64)
    once = min(rig.window(words) + rig.window() for _ in range(20))
    repeats = max(1, round(WORK / once))
    times = np.empty(PIECES)
    for i in range(PIECES):
        begin = time.perf_counter()
        for _ in range(repeats):
            rig.window(words)
            rig.window()
        times[i] = time.perf_counter() - begin
    # Of the middle one of some batches: what another program does now and then is not the node's.
    scale = np.median([scale_of(batch) for batch in times.reshape(BATCHES, -1)])
    return float(scale) / math.sqrt(float(times.mean()))


PROCESS = """
import psutil
from spikecuda import Network
with Network(devices="cpu", threads=1) as net:
    net.population("neurons", 64, "lif")
    net.run(10.0)
    print(psutil.Process().memory_info().rss)
"""


def process_bytes() -> float:
    """Return the resident bytes of a process with a network of 64 neurons."""
    done = subprocess.run(
        [sys.executable, "-c", PROCESS], capture_output=True, text=True, timeout=WAIT, check=True
    )
    return float(done.stdout)


MESSAGES = """
import json, time
import numpy as np
from mpi4py import MPI
found = []
for words in (64, 262_144):
    count = max(20, 200_000 // (words + 100))
    best = [1e9, 1e9]
    for _ in range(20):
        # What the call itself takes in Python is that of one process.
        for which, comm in enumerate((MPI.COMM_WORLD, MPI.COMM_SELF)):
            mine = np.zeros(words, np.int32)
            received = np.zeros(comm.size * words, np.int32)
            comm.Barrier()
            begin = time.perf_counter()
            for _ in range(count):
                comm.Allgather(mine, received)
            best[which] = min(best[which], (time.perf_counter() - begin) / count)
    found.append((4 * words, best[0], best[1]))
if MPI.COMM_WORLD.rank == 0:
    print(json.dumps(found))
"""


def messages() -> dict[str, Any]:
    """Return ``latency`` and ``link`` of ``machine.Machine`` by an Allgather of two processes.

    Nothing where there is no MPI, mpi4py or second core.
    """
    folder = sysconfig.get_path("scripts")
    launcher = shutil.which("mpiexec", path=folder) or shutil.which("mpiexec")
    if launcher is None or usable_cores() < 2:
        return {}
    done = subprocess.run(
        [launcher, "-n", "2", sys.executable, "-c", MESSAGES],
        capture_output=True, text=True, timeout=WAIT, env=dict(os.environ),
    )  # fmt: skip
    if done.returncode:
        return {}
    (small, least, call), (large, most, _) = json.loads(done.stdout)
    latency = max(least - call, 1e-9)
    return {"latency": latency, "link": (large - small) / max(most - least, 1e-9)}
