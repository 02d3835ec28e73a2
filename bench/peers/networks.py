"""The published networks in spikecuda and in NEST, side by side: the same numbers, order and dt.

    python bench/peers/networks.py                                  # cuba, coba, brunel
    python bench/peers/networks.py --networks microcircuit --scale 0.3 --threads 2

Every network is made once, as a spikecuda ``Network``; what it consists of is written down as JSON
and made again in NEST by ``nest_network.py``, in NEST's own environment.  Both draw their own
connections, so rates agree within the spread over seeds, and are printed to be compared.  The times
are those of the loop alone; memory is the process's largest.
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

from spikecuda.examples import find
from spikecuda.inputs import Poisson
from spikecuda.network import FixedInDegree, FixedProbability, FixedTotal, Network

HERE = Path(__file__).resolve().parent
# Model time in ms: of spikecuda, and of NEST, which takes longer.
DURATIONS = {
    "cuba": (1000.0, 1000.0), "coba": (1000.0, 500.0), "brunel": (500.0, 200.0),
    "microcircuit": (1000.0, 200.0),
}  # fmt: skip
WARM_UP = 100.0


def describe(net: Network) -> dict[str, Any]:
    """Return what a network consists of, in plain numbers."""
    populations, projections, trains = [], [], []
    for group in net.populations.values():
        plan = group.neurons
        populations.append({
            "name": group.name, "size": group.size, "model": plan.model.name,
            "params": {name: float(v) for name, v in plan.params.items()},
            "receptors": {
                name: {"kind": r.kind, **vars(r)} for name, r in group.receptors.items()
            },
            "v": plan.start("v").tolist(),
            "poisson": [
                {"rate": float(term.rate), "weight": float(term.weight), "receptor": receptor}
                for term, receptor in net._drives.get(group.name, []) if isinstance(term, Poisson)
            ],
            "current": sum(
                float(term.value) for term, _ in net._drives.get(group.name, [])
                if not isinstance(term, Poisson)
            ),
        })  # fmt: skip
    for p in net.projections:
        rule: dict[str, Any]
        if isinstance(p.rule, FixedTotal):
            rule = {"rule": "fixed_total_number", "N": p.rule.total}
        elif isinstance(p.rule, FixedInDegree):
            rule = {"rule": "fixed_indegree", "indegree": p.rule.degree}
        else:
            assert isinstance(p.rule, FixedProbability)
            rule = {"rule": "pairwise_bernoulli", "p": p.rule.p}
        projections.append({
            "source": p.source.group.name, "target": p.target.group.name, "rule": rule,
            "receptor": p.receptor, "weight": _values(p.weight), "delay": _values(p.delay),
        })  # fmt: skip
    for source, train, _ in net._sources:
        projection = next(p for p in net.wired if p.source.group is source)
        points, neurons = train.on_grid(net.dt, source.size)
        trains.append({
            "target": projection.target.group.name, "ids": projection.target.ids.tolist(),
            "times": (points * net.dt).tolist(), "neurons": neurons.tolist(),
            "weight": projection.weight.a, "receptor": projection.receptor,
        })  # fmt: skip
    return {"dt": net.dt, "populations": populations, "projections": projections, "trains": trains}


def _values(values: Any) -> dict[str, Any]:
    return {
        "kind": values.kind,
        "a": values.a,
        "b": values.b,
        "low": values.low,
        "high": values.high,
    }


def own(net: Network, duration: float, runs: int = 3) -> dict[str, Any]:
    """Return spikecuda's figures."""
    begin = time.perf_counter()
    net.build()
    built = time.perf_counter() - begin
    net.run(WARM_UP)
    best, result = float("inf"), None
    for _ in range(runs):
        result = net.run(duration)
        best = min(best, result.seconds)
    assert result is not None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"build": built, "seconds": best, "rates": result.rates(), "memory": peak}


def nest(python: Path, text: str, duration: float, threads: int) -> dict[str, Any]:
    """Return NEST's figures."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(text)
        file.flush()
        command = [
            python,
            HERE / "nest_network.py",
            file.name,
            str(WARM_UP),
            str(duration),
            str(threads),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AbsentError(done.stderr.strip().splitlines()[-1])
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def main() -> None:
    """Run and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--networks", nargs="+", default=["cuba", "coba", "brunel"],
                        choices=list(DURATIONS))  # fmt: skip
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--scale", type=float, default=0.1, help="of the microcircuit")
    args = parser.parse_args()
    try:
        python = ensure_python(PEERS["nest"])
    except AbsentError as error:
        sys.exit(f"NEST is absent: {error}")
    print("time is wall-clock seconds for a second of model time")
    for name in args.networks:
        options = {"scale": args.scale} if name == "microcircuit" else {}
        for threads in args.threads:
            mine, theirs = DURATIONS[name]
            with find(name).network(seed=1, threads=threads, **options) as net:
                text = json.dumps(describe(net))
                a = own(net, mine)
            b = nest(python, text, theirs, threads)
            fast, slow = a["seconds"] / mine * 1e3, b["seconds"] / theirs * 1e3
            print(
                f"{name}, {threads} threads: spikecuda {fast:.4f} (built in {a['build']:.2f} s, "
                f"{a['memory'] / 1e6:,.0f} MB), NEST {slow:.3f} ({b['build']:.1f} s, "
                f"{b['memory'] / 1e6:,.0f} MB): {slow / fast:.0f} times"
            )
            for who, rates in (("spikecuda", a["rates"]), ("NEST", b["rates"])):
                print(
                    f"  rates, {who}: " + ", ".join(f"{p} {r:.2f}" for p, r in rates.items()),
                    flush=True,
                )


if __name__ == "__main__":
    main()
