"""The spread over seeds of a published network's rates, here and in NEST: what examples expect.

    python bench/peers/spread.py microcircuit --scale 0.1 --seeds 1 2 3 --duration 5000

Every seed is another network: other synapses, start values and stimuli in both simulators.  Each
seed's rates from ``settle`` to ``settle + duration`` ms are printed as they come, at the end the
lowest and the highest of each population.
"""

import argparse
from pathlib import Path

from environments import ensure_python
from peers import PEERS

from spikecuda.examples import NAMES, find
from spikecuda.report.peers.describe import describe
from spikecuda.report.peers.process import PEERS as REPORTED
from spikecuda.report.peers.process import run_peer

LIMIT = 3600.0
"""Seconds after which a seed of NEST is given up."""


def main() -> None:
    """Run all seeds and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--variant")
    parser.add_argument("--scale", type=float)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--duration", type=float, help="ms (default: the example's)")
    parser.add_argument("--simulators", nargs="+", default=["spikecuda", "nest"],
                        choices=["spikecuda", "nest"])  # fmt: skip
    parser.add_argument("--python", type=Path, help="an interpreter that has NEST")
    args = parser.parse_args()
    example = find(args.name)
    duration = example.duration if args.duration is None else args.duration
    options = example.options(args.variant, args.scale)
    for simulator in args.simulators:
        found: dict[str, list[float]] = {}
        for seed in args.seeds:
            with example.network(**options, seed=seed, threads=1) as net:
                if simulator == "spikecuda":
                    rates = net.run(example.settle + duration).rates(start=example.settle)
                else:
                    python = ensure_python(PEERS["nest"], args.python)
                    description = {**describe(net), "seed": seed}
                    rates = run_peer(
                        REPORTED["nest"], str(python), description, example.settle, duration, 1, 1,
                        LIMIT,
                    )["rates"]  # fmt: skip
            shown = ", ".join(f"{p} {r:.4g}" for p, r in rates.items())
            print(f"{simulator} seed {seed}: {shown}", flush=True)
            for population, rate in rates.items():
                found.setdefault(population, []).append(rate)
        for population, rates_found in found.items():
            print(
                f"{simulator} {population}: {min(rates_found):.4g} to {max(rates_found):.4g} Hz, "
                f"{len(rates_found)} seeds, {example.settle:g} to {example.settle + duration:g} ms",
                flush=True,
            )


if __name__ == "__main__":
    main()
