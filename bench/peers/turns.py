"""A simulator that runs on request, so that several can take turns within the same seconds.

``serve`` is called by each ``*_plasticity.py`` script, in its simulator's own environment:

    python nest_plasticity.py RULE THREADS [SEED]

It builds the network, runs the warm-up and writes a line of JSON.  Then it reads lines, each a
duration in ms, runs as long and answers with a line: seconds of wall clock and of CPU, of all
threads, and the spikes of both populations.  The end of the input ends it.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from plastic_problem import WARM_UP


class Simulator(Protocol):
    """A built network."""

    version: str

    def run(self, duration: float) -> float | None:
        """Run for so many ms. Returns the seconds of the loop if the caller cannot time it."""

    def spikes(self) -> tuple[int, int]:
        """The spikes of excitatory and inhibitory neurons since it was built."""

    def weights(self) -> tuple[float, float] | None:
        """The mean and the standard deviation of the plastic weights, in mV; None if unknown."""


def resident() -> int | None:
    """Bytes of memory that this process occupies; None where /proc does not say."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return None
    return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def answers() -> Callable[..., None]:
    """Return what writes a line of JSON; whatever else is printed from now on is no answer."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(**values: Any) -> None:
        out.write(json.dumps(values) + "\n")
        out.flush()

    return answer


def serve(build: Any) -> None:
    """Build what the command line asks for, and run it as often as standard input says."""
    rule, threads = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    answer = answers()
    begin = time.perf_counter()
    simulator = build(rule, threads, seed)
    built = time.perf_counter() - begin
    simulator.run(WARM_UP)
    gc.collect()
    before = simulator.spikes()
    late = getattr(simulator, "late", False)  # the first run compiles a program of its own
    answer(
        build=None if late else built, memory=None if late else resident(),
        version=simulator.version,
    )  # fmt: skip
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        known = simulator.run(float(line))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        after = simulator.spikes()
        answer(
            seconds=wall if known is None else known, cpu=cpu if known is None else None,
            e=after[0] - before[0], i=after[1] - before[1], weights=simulator.weights(),
        )  # fmt: skip
        before = after
