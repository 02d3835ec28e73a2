"""The published networks in spikecuda, NEST, GeNN and Brian2, in turns within the same minutes.

    python bench/peers/networks.py                                # cuba, coba, cuba40k, brunel
    python bench/peers/networks.py --networks coba --passes 9 --python genn=VENV/bin/python
    python bench/peers/networks.py --networks microcircuit --scale 0.3

Every network is made once, as a spikecuda ``Network``; what it consists of is written down as JSON
and made again in NEST, in Brian2's C++ standalone mode and in GeNN's CPU backend: the same numbers,
dt, start values and kick.  All draw their own connections.  Each simulator is a process of its own
for each number of threads, which has built its network and waits (``one_network.py``).  They run a
piece each, one after the other, ``--passes`` times.

The time is that of the loop for a second of model time: best, and in brackets the median of the
pieces.  The ratio is the median over the passes of a simulator's time by ours with as many threads
in the same pass.  A network that is silent, or that spikes at another rate than in the others, is
told and ends with status 1: what it took is no result.  So is one that fades: COBA's activity ends
by chance after some ten seconds.  Memory is what the process occupies after the warm-up, and of
Brian2 not known.  Peers are installed as for ``run.py``.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from environments import AbsentError, ensure_python
from peers import OURS, PEERS
from processes import Process
from spikecuda_network import make

from spikecuda.report.peers.describe import describe

HERE = Path(__file__).resolve().parent
SIMULATORS = (OURS, "genn", "brian2", "nest")
TITLES = {OURS: "spikecuda", "genn": "GeNN", "brian2": "Brian2", "nest": "NEST"}
# Model time of a piece, ms.  Ours are longer: a piece of 10 ms would measure how a process wakes.
DURATIONS: dict[str, dict[str, float]] = {
    "cuba": {OURS: 10_000.0, "genn": 2000.0, "brian2": 2000.0, "nest": 300.0},
    "coba": {OURS: 2000.0, "genn": 1000.0, "brian2": 1000.0, "nest": 200.0},
    "cuba40k": {OURS: 2000.0, "genn": 500.0, "brian2": 500.0, "nest": 100.0},
    "brunel": {OURS: 1000.0, "genn": 100.0, "brian2": 100.0, "nest": 100.0},
    "microcircuit": {OURS: 1000.0, "genn": 100.0, "brian2": 100.0, "nest": 100.0},
}
WARM_UP = 100.0
# Seeds alone spread the rates of CUBA by a tenth about their mean; pieces are short.
TOLERANCE = 0.25
# Brian2 gets synapses with drawn weights or delays as lists from Python: no more than so many.
LARGEST_LIST = 10_000_000


class Child(Process):
    """A simulator that has built a network."""

    def __init__(self, peer: str, python: Path, file: Path, threads: int, duration: float) -> None:
        self.peer, self.threads = peer, threads
        script = HERE / "one_network.py"
        super().__init__([python, script, peer, file, threads, WARM_UP, duration], duration)

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{TITLES[self.peer]} {self.built['version']}"

    def times(self) -> list[float]:
        """Return the seconds of each piece for a second of model time."""
        return [piece["seconds"] / self.duration * 1e3 for piece in self.pieces]

    def faded(self, sizes: dict[str, int]) -> str | None:
        """Return which piece spiked far less than the busiest one, None if all did as much."""
        counts = [sum(piece["counts"].values()) for piece in self.pieces]
        for i, count in enumerate(counts):
            if count < (1.0 - 2.0 * TOLERANCE) * max(counts):
                rate = count / sum(sizes.values()) / self.duration * 1e3
                return f"activity faded to {rate:.3g} Hz in piece {i + 1}; try another --seed"
        return None

    def rates(self, sizes: dict[str, int]) -> dict[str, float]:
        """Return each population's rate in Hz, over all pieces."""
        seconds = self.duration * 1e-3 * len(self.pieces)
        return {
            name: sum(piece["counts"][name] for piece in self.pieces) / size / seconds
            for name, size in sizes.items()
        }


def unable(peer: str, threads: int, description: dict[str, Any]) -> str | None:
    """Return why a peer cannot take part, None if it can."""
    most = PEERS[peer].max_threads
    if most is not None and threads > most:
        return f"its CPU backend has {most} thread"
    listed = sum(p["rule"].get("N", 0) for p in description["projections"])
    if peer == "brian2" and listed > LARGEST_LIST:
        return f"{listed / 1e6:.0f} M synapses with drawn weights would be listed in Python"
    return None


@contextlib.contextmanager
def children(
    pythons: dict[str, Path], name: str, description: dict[str, Any], threads: list[int]
) -> Iterator[list[Child]]:
    """Give all simulators, built and warmed up; end them in any case."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="peers_networks_"))
        file = Path(folder) / "network.json"
        file.write_text(json.dumps(description), encoding="utf-8")
        made: list[Child] = []
        for count in threads:
            for peer, python in pythons.items():
                reason = unable(peer, count, description)
                if reason is None:
                    try:
                        child = Child(peer, python, file, count, DURATIONS[name][peer])
                        stack.callback(child.close)
                        made.append(child)
                    except AbsentError as error:
                        reason = str(error)
                if reason is not None:
                    print(f"{name}, {count} threads: {TITLES[peer]} is absent: {reason}")
        yield made


def disagreements(rates: dict[str, dict[str, float]]) -> list[str]:
    """Return a line for each population that is silent or spikes at another rate than elsewhere."""
    found = []
    for population in next(iter(rates.values())):
        middle = median(r[population] for r in rates.values())
        for who, r in rates.items():
            rate = r[population]
            if rate == 0.0:
                found.append(f"{who}: {population} is silent; another --seed may not be")
            elif abs(rate / middle - 1.0) > TOLERANCE:
                found.append(f"{who}: {population} spikes at {rate:.3g} Hz, others {middle:.3g}")
    return found


def show(name: str, running: list[Child], sizes: dict[str, int]) -> list[str]:
    """Print a table of a network; return where activity disagrees."""
    ours = {c.threads: c for c in running if c.peer == OURS}
    print(f"\n| {name} | threads | best (median), s/s | ratio | made in, s | MB | rates, Hz |")
    print("|---|---|---|---|---|---|---|")
    rates = {}
    for child in running:
        found = child.rates(sizes)
        rates[f"{child.title}, {child.threads} threads"] = found
        times, memory = child.times(), child.built["memory"]
        ratio = ""
        if child.threads in ours and child.peer != OURS:
            mine = ours[child.threads].times()
            ratio = f"{median(a / b for a, b in zip(times, mine, strict=True)):.3g}"
        print(
            f"| {child.title} | {child.threads} | {min(times):.4g} ({median(times):.4g}) | {ratio} "
            f"| {child.built['build']:.2f} | " + (f"{memory / 1e6:.0f}" if memory else "") + " | "
            + ", ".join(f"{rate:.3g}" for rate in found.values()) + " |",
            flush=True,
        )  # fmt: skip
    faded = [(f"{c.title}, {c.threads} threads", c.faded(sizes)) for c in running]
    return disagreements(rates) + [f"{who}: {line}" for who, line in faded if line]


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--networks", nargs="+", default=["cuba", "coba", "cuba40k", "brunel"],
                        choices=list(DURATIONS))  # fmt: skip
    parser.add_argument("--peers", nargs="+", default=list(SIMULATORS[1:]), choices=SIMULATORS[1:])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--scale", type=float, default=0.1, help="of the microcircuit")
    parser.add_argument("--passes", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--python", metavar="PEER=PATH", nargs="+", default=[],
                        help="an interpreter that has the peer")  # fmt: skip
    return parser.parse_args()


def main() -> int:
    """Run the simulators in turns and print a table for each network."""
    args = parse_args()
    given = {name: Path(path) for name, path in (text.split("=", 1) for text in args.python)}
    pythons: dict[str, Path] = {}
    for peer in (OURS, *args.peers):
        try:
            pythons[peer] = ensure_python(PEERS[peer], given.get(peer))
        except AbsentError as error:
            print(f"{TITLES[peer]} is absent: {error}", flush=True)
    wrong = []
    for name in args.networks:
        options: dict[str, Any] = {"seed": args.seed}
        if name == "microcircuit":
            options["scale"] = args.scale
        with make(name, threads=1, **options) as net:
            description = {**describe(net), "name": name, "options": options, "seed": args.seed}
        sizes = {p["name"]: p["size"] for p in description["populations"]}
        before = os.getloadavg()[0]
        with children(pythons, name, description, args.threads) as running:
            for _ in range(args.passes):
                for child in running:
                    child.run()
            wrong += [f"{name}: {line}" for line in show(name, running, sizes)]
        print(f"load {before:.1f} before, {os.getloadavg()[0]:.1f} at the end", flush=True)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
