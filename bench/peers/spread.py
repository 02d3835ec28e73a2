"""The spread over seeds of a published network's rates, here and in NEST: what examples expect.

    python bench/peers/spread.py microcircuit --scale 0.1 --seeds 1 2 3 --duration 5000

Every seed is another network: other synapses, start values and stimuli in both simulators.  Each
seed's rates from ``settle`` to ``settle + duration`` ms are printed as they come, at the end the
lowest and the highest of each population.
"""

import argparse
import json
import sys
from pathlib import Path

from environments import ensure_python
from peers import PEERS

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from networks import other  # noqa: E402

from spikecuda.examples import NAMES, find  # noqa: E402
from spikecuda.report.peers.describe import describe  # noqa: E402


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
                    text = json.dumps({**describe(net), "seed": seed})
                    figures = other("nest", python, text, duration, 1, example.settle, 1)
                    rates = figures["rates"]
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
