"""Compare what ``spikecuda plan`` predicts with runs of 1 and 2 processes on this machine.

    python bench/plan.py [--machine FILE] [--only brunel cuba microcircuit] [--ranks 1 2]

The machine is measured first unless a file is given.  Each network then runs in processes of one
thread each, under ``mpiexec`` where there are several, and its rates of that run are what the plan
is told.  The time is the median of pieces, without building; memory is what the process holds in
the end.  Nothing else should run.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from spikecuda.examples import brunel, cuba, microcircuit
from spikecuda.network import Network
from spikecuda.plan import Machine, load_of, measure, measure_updates, predict

MAKE = {
    "brunel": brunel.network,
    "cuba": lambda **options: cuba.network("brian", **options),
    "microcircuit": lambda **options: microcircuit.network(scale=0.1, **options),
    "full": microcircuit.network,
}
SETTLE = {"brunel": 200.0, "cuba": 200.0, "microcircuit": 200.0, "full": 100.0}
PIECE = {"brunel": 100.0, "cuba": 400.0, "microcircuit": 200.0, "full": 100.0}
PIECES = 11


def run(name: str, ranks: int, recorded: bool, threads: int = 1) -> None:
    """Run a network in this process, one of ``ranks``, and print what it took."""
    import psutil

    devices = "mpi" if ranks > 1 else "cpu"
    with MAKE[name](seed=1, threads=threads, devices=devices) as net:
        if not recorded:
            for population in net.populations:
                net.record(population, None)
        net.run(SETTLE[name])
        taken = []
        spikes = []
        before = net.metrics()
        for _ in range(PIECES):
            begin = net.metrics()
            net.run(PIECE[name])
            end = net.metrics()
            taken.append((end.run_seconds - begin.run_seconds,
                          end.exchange_seconds - begin.exchange_seconds))  # fmt: skip
            spikes.append(net.result.num_spikes if recorded else 0)
        after = net.metrics()
        taken.sort()
        seconds, exchange = taken[len(taken) // 2]
        del before
        rates = {
            p: (net._engine.spikes[net[p].number]) / net[p].size / (net.time * 1e-3)
            for p in net.populations
        }
        found = {
            "factor": seconds / PIECE[name] * 1e3, "exchange": exchange / PIECE[name] * 1e3,
            "rates": {p: float(r) for p, r in rates.items()},
            "memory": psutil.Process().memory_info().rss, "events": after.events,
            "synapses": after.synapses, "bytes": after.bytes_per_synapse,
            "held": after.host_bytes,
        }  # fmt: skip
    if ranks > 1:
        from mpi4py import MPI

        if MPI.COMM_WORLD.rank:
            return
    print("FOUND " + json.dumps(found))


def measured(name: str, ranks: int, recorded: bool, threads: int = 1) -> dict:
    """Return what ``run`` prints, in processes of their own."""
    how = [name, str(ranks), str(int(recorded)), str(threads)]
    command = [sys.executable, __file__, "--run", *how]
    if ranks > 1:
        launcher = shutil.which("mpiexec", path=sysconfig.get_path("scripts"))
        command = [launcher or "mpiexec", "-n", str(ranks), *command]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))
    for line in done.stdout.splitlines():
        if line.startswith("FOUND "):
            return json.loads(line[6:])
    raise SystemExit(done.stderr[-2000:])


def main() -> None:
    """Measure the machine, run the networks, and print a line each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--machine")
    parser.add_argument("--only", nargs="+", default=["brunel", "cuba", "microcircuit"])
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--run", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        run(args.run[0], int(args.run[1]), args.run[2] == "1", int(args.run[3]))
        return
    nets: dict[str, Network] = {name: MAKE[name]() for name in args.only}
    if args.machine and Path(args.machine).exists():
        machine = Machine.load(args.machine)
        for net in nets.values():
            machine = measure_updates(machine, net)
    else:
        machine = measure(list(nets.values()))
        if args.machine:
            machine.save(args.machine)
    print(f"{'network':<14}{'ranks':>6}{'measured':>10}{'plan':>10}{'ratio':>7}{'exchange':>10}"
          f"{'plan':>8}{'MB':>7}{'plan':>7}  parts of the plan")  # fmt: skip
    for name, net in nets.items():
        for ranks in args.ranks:
            got = measured(name, ranks, args.record)
            load = load_of(net, got["rates"], name)
            plan = predict(load, machine, ranks, threads=1, record=args.record)
            waiting = plan.seconds["exchange"] + plan.seconds["waiting"]
            per = plan.realtime_factor / plan.window_seconds
            parts = ", ".join(f"{k} {v * per:.4f}" for k, v in plan.seconds.items())
            print(
                f"{name:<14}{ranks:>6}{got['factor']:>10.4f}{plan.realtime_factor:>10.4f}"
                f"{plan.realtime_factor / got['factor']:>7.2f}{got['exchange']:>10.4f}"
                f"{waiting * per:>8.4f}{got['memory'] / 1e6:>7.0f}{plan.memory_bytes / 1e6:>7.0f}"
                f"  {parts}; {got['bytes']:.2f} B, held {got['held']}", flush=True,
            )  # fmt: skip


if __name__ == "__main__":
    main()
