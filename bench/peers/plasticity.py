"""The plastic network in spikecuda, NEST, GeNN and Brian2, in turns within the same seconds.

    python bench/peers/plasticity.py                                       # spikecuda, NEST
    python bench/peers/plasticity.py --python genn=VENV/bin/python   # GeNN is not on PyPI
    python bench/peers/plasticity.py --rules additive --threads 1 --passes 9
    python bench/peers/plasticity.py --rules song --threads 1 --duration 10000

The network, the rules and what counts as a plastic event: ``plastic_problem.py``.  Each simulator
is a process of its own, which has built its network and waits (``turns.py``).  They run a piece of
``--duration`` ms each, one after the other, ``--passes`` times.  Wall time and CPU time are the
least of a piece; events/s are those of the best piece, by wall time.  The ratio is the median over
the passes of a simulator's time an event by ours in the same pass.  It is of CPU time where both
have it, since a busy machine changes it least; with two threads it is of wall time.

ns/event is the time beyond that of the same simulator's static twin, divided by the events, by the
same clock.  B/synapse is what the process occupies beyond one without those synapses, after the
warm-up.  Peers are installed as for ``run.py``; a peer that fails is listed as absent.  The load of
the machine is printed: wall times of a busy one are not to be quoted.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import plastic_problem as problem
from environments import AbsentError, ensure_python
from peers import OURS, PEERS
from processes import Process

HERE = Path(__file__).resolve().parent
SIMULATORS = (OURS, "genn", "nest", "brian2")


class Child(Process):
    """A simulator in a process of its own, and what its pieces took."""

    def __init__(self, peer: str, python: Path, rule: str, threads: int, duration: float) -> None:
        self.peer, self.rule, self.threads = peer, rule, threads
        super().__init__([python, HERE / f"{peer}_plasticity.py", rule, threads], duration)

    def cost(self, piece: int, clock: str) -> float | None:
        """Return the nanoseconds an event of a piece by "seconds" or "cpu", None if unknown."""
        found = self.pieces[piece]
        value = found[clock]
        return None if value is None else value / problem.events(self.rule, found["e"]) * 1e9

    def best(self, clock: str) -> Any:
        """Return the least nanoseconds an event of all pieces, None if unknown."""
        costs = [self.cost(i, clock) for i in range(len(self.pieces))]
        return min((c for c in costs if c is not None), default=None)

    def least(self, clock: str) -> float:
        """Return the least seconds of a piece."""
        return float(min(p[clock] for p in self.pieces))


@contextlib.contextmanager
def children(
    pythons: dict[str, Path], rules: list[str], threads: int, duration: float
) -> Iterator[list[Child]]:
    """Give all simulators, built; end them in any case."""
    made: list[Child] = []
    try:
        for rule in rules:
            for peer, python in pythons.items():
                if threads > (PEERS[peer].max_threads or threads):
                    continue
                if (peer, rule) == ("genn", problem.SONG):
                    continue
                try:
                    made.append(Child(peer, python, rule, threads, duration))
                except AbsentError as error:
                    print(f"{peer}, {rule}: absent: {error}", flush=True)
        yield made
    finally:
        for child in made:
            child.close()


def ratio(child: Child, ours: Child, clock: str) -> float | None:
    """Return the median over the passes of a simulator's time an event by ours."""
    found = []
    for i in range(len(child.pieces)):
        mine, theirs = ours.cost(i, clock), child.cost(i, clock)
        if mine and theirs:
            found.append(theirs / mine)
    return median(found) if found else None


def column(value: float | None, width: int, digits: int) -> str:
    """Return a number, or a gap."""
    return " " * width if value is None else f"{value:>{width}.{digits}f}"


def show(child: Child, all_of_them: list[Child], without: dict[str, int | None]) -> None:
    """Print a simulator's line."""
    twins = {(c.peer, c.rule): c for c in all_of_them}
    static = twins.get((child.peer, "static"))
    spikes = [(p["e"], p["i"]) for p in child.pieces]
    seconds = child.duration * 1e-3 * len(spikes)
    rates = [
        sum(n) / size / seconds
        for n, size in zip(zip(*spikes, strict=True), problem.sizes(child.rule), strict=True)
    ]
    clock = "seconds" if child.threads > 1 or child.best("cpu") is None else "cpu"
    extra = None
    if child.rule in ("additive", "power") and static is not None:
        # The static twin spikes at another rate: its time is that of a piece, not of an event.
        events = problem.events(child.rule, round(sum(e for e, _ in spikes) / len(spikes)))
        extra = (child.least(clock) - static.least(clock)) / events * 1e9
    ours = twins.get((OURS, child.rule))
    times = ratio(child, ours, clock) if ours is not None and ours is not child else None
    memory, base = child.built["memory"], without.get(child.peer)
    held = None
    if memory and base and child.rule != problem.SONG:
        held = (memory - base) / problem.PLASTIC
    weights = child.pieces[-1]["weights"]
    print(
        f"{child.rule:<9}{child.peer:<11}{child.threads:>7}"
        + column(child.built["build"], 9, 2)
        + column(child.least("seconds"), 9, 3)
        + column(child.least("cpu") if child.best("cpu") else None, 9, 3)
        + column(rates[0], 7, 1) + column(rates[1], 7, 1)
        + column(1e3 / child.best("seconds"), 12, 1)
        + column(extra, 10, 1) + column(held, 11, 1) + column(times, 8, 2)
        + (f"   {weights[0]:.5f} +- {weights[1]:.5f}" if weights else ""),
        flush=True,
    )  # fmt: skip


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--peers", nargs="+", default=[OURS, "nest", "genn"], choices=SIMULATORS)
    parser.add_argument(
        "--rules", nargs="+", default=list(problem.RULES), choices=(*problem.RULES, problem.SONG)
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--duration", type=float, default=100.0, help="of a piece, ms")
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--python", metavar="PEER=PATH", nargs="+", default=[],
                        help="an interpreter that has the peer")  # fmt: skip
    return parser.parse_args()


def main() -> None:
    """Run the simulators in turns and print a line each."""
    args = parse_args()
    given = {name: Path(path) for name, path in (text.split("=", 1) for text in args.python)}
    pythons: dict[str, Path] = {}
    for peer in args.peers:
        try:
            pythons[peer] = ensure_python(PEERS[peer], given.get(peer))
        except AbsentError as error:
            print(f"{peer} is absent: {error}", flush=True)
    print(
        f"{'rule':<9}{'who':<11}{'threads':>7}{'build s':>9}{'wall s':>9}{'CPU s':>9}{'E Hz':>7}"
        f"{'I Hz':>7}{'M events/s':>12}{'ns/event':>10}{'B/synapse':>11}{'ratio':>8}   weights, mV"
    )
    for threads in args.threads:
        with children(pythons, [problem.WITHOUT], threads, 0.0) as bare:
            without = {child.peer: child.built["memory"] for child in bare}
        with children(pythons, args.rules, threads, args.duration) as running:
            print(f"load {os.getloadavg()[0]:.1f}", flush=True)
            for _ in range(args.passes):
                for child in running:
                    child.run()
            for child in running:
                show(child, running, without)
            print(f"load {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
