"""What the pool scripts share: the command line, the pinning, the timing and the JSON they write.

A pool script hands :func:`main` one function, ``measure(case) -> Outcome``. It builds the pool,
runs ``case.steps`` steps from the initial state (this compiles, warms the caches and counts the
spikes) and then times ``case.repeats`` further runs of ``case.steps`` steps each.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from problems import DEFAULT_N, DEFAULT_SEED, MODELS, draw_input


@dataclass(frozen=True)
class Case:
    """One measurement: which pool, how large, how long, how often."""

    model: str
    variant: str
    """The script's own choice, e.g. a precision."""
    n: int
    steps: int
    threads: int
    repeats: int
    seed: int

    def __post_init__(self) -> None:
        for name in ("n", "steps", "threads", "repeats"):
            value = getattr(self, name)
            if value < 1:
                raise ValueError(f"{name} must be >= 1 (got {value})")

    @property
    def current(self) -> NDArray[np.float64]:
        """The constant input of each neuron, float64."""
        return draw_input(self.model, self.n, self.seed)


@dataclass(frozen=True)
class Outcome:
    """What a simulator reports of one case."""

    version: str
    precision: str
    seconds: list[float]
    """Loop time of each timed run."""
    spikes: int
    """Spikes of the first ``steps`` steps, from the initial state."""
    notes: list[str] = field(default_factory=list)
    """What differs from the problem as stated, and which settings were used."""
    comparable: bool = True
    """Whether the scheme is the stated one, so that the spike count must agree."""


def main(peer: str, measure: Callable[[Case], Outcome], variants: Sequence[str]) -> None:
    """Parse the command line, pin the process to ``--threads`` CPUs, measure, write the JSON."""
    args = _parse_args(peer, variants)
    case = Case(
        model=args.model,
        variant=args.variant,
        n=args.n,
        steps=args.steps,
        threads=args.threads,
        repeats=args.repeats,
        seed=args.seed,
    )
    cpus = pin(case.threads)
    outcome = measure(case)
    record = {
        "peer": peer,
        "variant": case.variant,
        "version": outcome.version,
        "python": platform.python_version(),
        "model": case.model,
        "precision": outcome.precision,
        "n": case.n,
        "steps": case.steps,
        "threads": case.threads,
        "seed": case.seed,
        "cpus": cpus,
        "seconds": outcome.seconds,
        "updates_per_s_best": case.n * case.steps / min(outcome.seconds),
        "spikes": outcome.spikes,
        "comparable": outcome.comparable,
        "notes": outcome.notes,
    }
    text = json.dumps(record, indent=2)
    if args.json is None:
        print(text)
    else:
        Path(args.json).write_text(text + "\n")


def pin(threads: int) -> list[int]:
    """Pin this process and its children to ``threads`` CPUs; return them (empty: cannot pin).

    It is what keeps JAX, which has no dependable switch for it, to that many threads; the others
    are pinned alike so that the comparison is even.
    """
    if not hasattr(os, "sched_setaffinity"):
        return []
    allowed = sorted(os.sched_getaffinity(0))
    if threads > len(allowed):
        raise ValueError(f"threads must be <= the {len(allowed)} usable CPUs (got {threads})")
    os.sched_setaffinity(0, allowed[-threads:])
    return allowed[-threads:]


def time_runs(run: Callable[[], object], repeats: int) -> list[float]:
    """Wall time of each of ``repeats`` calls of ``run``, which returns when the work is done."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return seconds


def _parse_args(peer: str, variants: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=f"Time an unconnected neuron pool in {peer}.")
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--variant", choices=variants, default=variants[0])
    parser.add_argument("--n", type=int, default=DEFAULT_N, help="neurons")
    parser.add_argument("--steps", type=int, default=2000, help="steps of one timed run")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5, help="timed runs")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="seed of the inputs")
    parser.add_argument("--json", help="file to write (default: standard output)")
    return parser.parse_args()
