"""Benchmark networks on the CPU against the floor that this machine sets.

    python bench/networks.py [--threads 1 2] [--only cuba4k coba4k cuba40k brunel microcircuit]
    python bench/networks.py --only coba4k --peers --python genn=VENV/bin/python

Checks first, times then: every network runs with one and with two partitions and must give the
same spikes.  The time is that of the loop alone, without building the network, best of several
runs from a reset network.

The floor: a run does U updates of neurons and E synaptic events, and cannot take less than
``U / u + E / e`` on one core, with both ceilings measured in the same run:

- u: updates per second of the same populations, with their drives, but without synapses, and with
  a threshold out of reach: neurons that spike cost more;
- e: events per second of the inner delivery loop alone, over one long row of random targets among
  as many cells as the network's accumulator has, read from memory: 2 bytes of target, and 2 of
  weight where weights differ.

What the floor leaves out: finding the rows of a spike, listing spikes, and exchanging them.

With ``--peers``, ``peers/networks.py`` follows: the same networks beside NEST, GeNN and Brian2.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from cuba40k import cuba40k

from spikecuda.examples import brunel, coba, cuba, microcircuit
from spikecuda.network import Network, NetworkResult
from spikecuda.network.synapses.store import WORDS_AFTER

# Model time of a run, ms.
CASES = {
    "cuba4k": 1000.0, "coba4k": 1000.0, "cuba40k": 500.0, "brunel": 100.0, "microcircuit": 1000.0,
}  # fmt: skip
WARM_UP = 20.0
RUNS = 5


MAKE: dict[str, Callable[..., Network]] = {
    "cuba4k": lambda **options: cuba.network("brian", **options),
    "coba4k": coba.network,
    "cuba40k": cuba40k,
    "brunel": brunel.network,
    "microcircuit": microcircuit.network,
}


def spikes_of(result: NetworkResult) -> list[bytes]:
    """Return a run's spikes, to be compared."""
    return [s.step.tobytes() + s.neuron.tobytes() for s in result.spikes.values()]


def check(name: str) -> None:
    """Raise unless one partition and two give the same spikes."""
    duration = 50.0 if name == "microcircuit" else 100.0
    found = []
    for partitions in (1, 2) if name != "microcircuit" else (2, 4):
        with MAKE[name](seed=1, threads=1, partitions=partitions) as net:
            found.append(spikes_of(net.run(duration)))
    if found[0] != found[1] or not any(found[0]):
        raise SystemExit(f"{name}: the number of partitions changes the spikes")


def measure(net: Network, duration: float, runs: int) -> tuple[float, NetworkResult]:
    """Return the best time of several runs from the start, and the last result."""
    best = np.inf
    net.run(WARM_UP)
    for _ in range(runs):
        net.reset()
        result = net.run(duration)
        best = min(best, result.seconds)
    return best, result


def silent(name: str) -> Network:
    """Return a network whose neurons never reach their threshold."""
    net = MAKE[name](seed=1, threads=1)
    for population in net.populations:
        net[population].params["v_th"] = 1e4
    return net


def update_ceiling(name: str) -> float:
    """Return updates per second on one core of a network's neurons without its synapses."""
    net = silent(name)
    net._projections.clear()
    net._wired[:] = [p for p in net.wired if p.source.population.neuron_spec is None]
    with net:
        steps = 500 if name == "microcircuit" else 2000
        best, result = measure(net, steps * net.dt, RUNS)
        if any(s.step.size for s in result.spikes.values()):
            raise SystemExit(f"{name}: neurons with a threshold out of reach have spiked")
        return net.metrics().num_neurons * steps / best


def event_ceiling(cells: int, weights: bool) -> float:
    """Return events per second on one core of the delivery loop alone."""
    from numba import njit

    from spikecuda.kernels.network.deliver import add_constant, add_words
    from spikecuda.kernels.network.machine import address_of

    @njit(error_model="numpy", nogil=True)
    def loop(sums: np.ndarray, targets: np.ndarray, words: np.ndarray, each: bool) -> None:
        if each:
            add_words(address_of(sums), address_of(words), np.int64(targets.size))
        else:
            add_constant(address_of(sums), address_of(targets), np.int64(targets.size), np.int64(3))

    random = np.random.default_rng(1)
    targets = random.integers(0, min(cells, 65536), 8_000_000).astype(np.uint16)
    words = np.zeros(targets.size + WORDS_AFTER, np.uint32)
    words[: targets.size] = targets | (random.integers(0, 2**16, targets.size) << 16)
    sums = np.zeros(65536, np.int32)
    best = np.inf
    loop(sums, targets, words, weights)
    for _ in range(RUNS):
        begin = time.perf_counter()
        loop(sums, targets, words, weights)
        best = min(best, time.perf_counter() - begin)
    return targets.size / best


def peers(args: argparse.Namespace) -> int:
    """Run the same networks beside other simulators; return the status."""
    script = Path(__file__).resolve().parent / "peers" / "networks.py"
    command = [sys.executable, str(script), "--networks"]
    command += [name.removesuffix("4k") for name in args.only]
    command += ["--threads", *map(str, args.threads), "--scale", str(args.scale)]
    if args.python:
        command += ["--python", *args.python]
    return subprocess.run(command, check=False).returncode


def main() -> None:
    """Run the benchmarks and print a line each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--only", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--peers", action="store_true", help="run peers/networks.py, too")
    parser.add_argument("--python", metavar="PEER=PATH", nargs="+", default=[],
                        help="an interpreter that has the peer")  # fmt: skip
    parser.add_argument("--scale", type=float, default=0.1, help="of the peers' microcircuit")
    args = parser.parse_args()
    print(
        f"{'network':<13}{'threads':>7}{'build s':>9}{'run s':>9}{'factor':>9}{'M events/s':>12}"
        f"{'floor s':>9}{'fraction':>9}"
    )
    for name in args.only:
        check(name)
        duration = CASES[name]
        updates = update_ceiling(name)
        for threads in args.threads:
            begin = time.perf_counter()
            with MAKE[name](seed=1, threads=threads) as net:
                net.build()
                built = time.perf_counter() - begin
                seconds, result = measure(net, duration, 2 if name == "microcircuit" else RUNS)
                metrics = net.metrics()
                cells = metrics.num_neurons // metrics.partitions
                events = event_ceiling(cells, name == "microcircuit")
                floor = (
                    metrics.num_neurons * duration / net.dt / updates + metrics.events / events
                ) / threads
                print(
                    f"{name:<13}{threads:>7}{built:>9.3f}{seconds:>9.4f}"
                    f"{seconds / duration * 1e3:>9.4f}{metrics.events / seconds / 1e6:>12.0f}"
                    f"{floor:>9.4f}{floor / seconds:>9.2f}",
                    flush=True,
                )
                del result
    if args.peers:
        sys.exit(peers(args))


if __name__ == "__main__":
    main()
