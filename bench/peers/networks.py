"""The published networks in spikecuda, NEST and Brian2, side by side: same numbers and dt.

    python bench/peers/networks.py                                  # cuba, cuba40k, coba, brunel
    python bench/peers/networks.py --networks microcircuit --scale 0.3 --threads 2

Every network is made once, as a spikecuda ``Network``; what it consists of is written down as JSON
and made again in NEST by ``nest_network.py`` and in Brian2's C++ standalone mode by
``brian2_network.py`` (both in ``spikecuda/report/peers``), in environments of their own.  All draw
their own connections, so rates agree within the spread over seeds, and are printed to be compared.
The times are those of the loop alone, the best of as many runs of each; memory is the process's
largest, and of Brian2 not known.
Brian2 has no way to build 90 million synapses: the microcircuit is NEST's alone.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from environments import AbsentError, ensure_python
from peers import PEERS

import spikecuda
from spikecuda.examples import find
from spikecuda.network import Network
from spikecuda.report.peers.describe import describe

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from cuba40k import cuba40k  # noqa: E402

# Model time in ms: of spikecuda and Brian2, and of NEST, which takes longer.
DURATIONS = {
    "cuba": (1000.0, 500.0), "cuba40k": (500.0, 100.0), "coba": (1000.0, 200.0),
    "brunel": (100.0, 100.0), "microcircuit": (1000.0, 200.0),
}  # fmt: skip
PEER_SCRIPTS = Path(spikecuda.__file__).parent / "report" / "peers"
SCRIPTS = {"nest": "nest_network.py", "brian2": "brian2_network.py"}
RUNS = 3
WARM_UP = 100.0


def own(net: Network, duration: float) -> dict[str, Any]:
    """Return spikecuda's figures."""
    begin = time.perf_counter()
    net.build()
    built = time.perf_counter() - begin
    net.run(WARM_UP)
    best, result = float("inf"), None
    for _ in range(RUNS):
        result = net.run(duration)
        best = min(best, result.seconds)
    assert result is not None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"build": built, "seconds": best, "rates": result.rates(), "memory": peak}


def make(name: str, **options: Any) -> Network:
    """Return a network by name."""
    return cuba40k(**options) if name == "cuba40k" else find(name).network(**options)


def other(
    peer: str,
    python: Path,
    text: str,
    duration: float,
    threads: int,
    warm_up: float = WARM_UP,
    runs: int = RUNS,
) -> dict[str, Any]:
    """Return a peer's figures."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(text)
        file.flush()
        command = [
            python,
            PEER_SCRIPTS / SCRIPTS[peer],
            file.name,
            str(warm_up),
            str(duration),
            str(threads),
            str(runs),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AbsentError(done.stderr.strip().splitlines()[-1])
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--networks", nargs="+", default=["cuba", "cuba40k", "coba", "brunel"],
                        choices=list(DURATIONS))  # fmt: skip
    parser.add_argument("--peers", nargs="+", default=list(SCRIPTS), choices=list(SCRIPTS))
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--scale", type=float, default=0.1, help="of the microcircuit")
    parser.add_argument("--python", metavar="PEER=PATH", nargs="+", default=[],
                        help="an interpreter that has the peer")  # fmt: skip
    return parser.parse_args()


def show(who: str, figures: dict[str, Any], duration: float, fastest: float | None) -> float:
    """Print a simulator's line; return its seconds for a second of model time."""
    seconds = float(figures["seconds"]) / duration * 1e3
    memory = figures["memory"]
    print(
        f"  {who:<10}{seconds:>9.4f} s/s, made in {figures['build']:6.2f} s"
        + (f", {memory / 1e6:6,.0f} MB" if memory else "")
        + (f", {seconds / fastest:6.1f} times" if fastest else "")
        + "; rates "
        + ", ".join(f"{p} {r:.2f}" for p, r in figures["rates"].items()),
        flush=True,
    )
    return seconds


def main() -> None:
    """Run and print what each takes."""
    args = parse_args()
    given = {name: Path(path) for name, path in (text.split("=", 1) for text in args.python)}
    pythons: dict[str, Path] = {}
    for peer in args.peers:
        try:
            pythons[peer] = ensure_python(PEERS[peer], given.get(peer))
        except AbsentError as error:
            print(f"{peer} is absent: {error}", file=sys.stderr)
    print("s/s: wall-clock seconds of the loop for a second of model time")
    for name in args.networks:
        options = {"scale": args.scale} if name == "microcircuit" else {}
        mine, theirs = DURATIONS[name]
        for threads in args.threads:
            print(f"{name}, {threads} threads", flush=True)
            with make(name, seed=1, threads=threads, **options) as net:
                text = json.dumps(describe(net))
                fastest = show("spikecuda", own(net, mine), mine, None)
            for peer, python in pythons.items():
                if name == "microcircuit" and peer == "brian2":
                    continue
                duration = theirs if peer == "nest" else mine
                try:
                    show(peer, other(peer, python, text, duration, threads), duration, fastest)
                except AbsentError as error:
                    print(f"  {peer} failed: {error}", flush=True)


if __name__ == "__main__":
    main()
