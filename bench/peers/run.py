"""Compare unconnected pools in spikecuda and its peers: ``python bench/peers/run.py``.

Makes an environment per peer, runs every simulator in turn, pass after pass, checks every spike
count against a float64 reference and prints the best of all passes. See README.md beside this file.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path

import summary
from environments import HERE, AbsentError, ensure_python, last_line
from peers import OURS, PEERS
from problems import DEFAULT_N, DEFAULT_SEED, MODELS, draw_input
from reference import SPIKES
from summary import Record, Row

ROOT = HERE.parents[1]
RESULTS = HERE.parent / "results"
RUN_TIMEOUT = 3600
UNSET = ("OMP_WAIT_POLICY", "OMP_NUM_THREADS", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
"""Variables that would change what a peer does: "active" waiting makes Brian2 slower, and so on."""

Key = tuple[str, str, str]
"""(model, peer, variant)."""


def main() -> int:
    """Run the comparison; 1 if a spike count is wrong, else 0."""
    args = parse_args()
    about = describe(args)
    started = time.perf_counter()
    pythons, missing = prepare(args.peers, args.threads, args.python)
    cases = [(model, p, v) for model in args.models for p in args.peers for v in PEERS[p].variants]
    records: dict[Key, list[Record]] = {key: [] for key in cases}
    failed: dict[Key, str] = {key: missing[key[1]] for key in cases if key[1] in missing}
    for number in range(args.passes):
        for key in cases:
            if key in failed:
                continue
            print(f"pass {number + 1}/{args.passes}: {' '.join(key)}", flush=True)
            try:
                records[key].append(run_script(key, pythons[key[1]], args))
            except AbsentError as error:
                failed[key] = str(error)
    about["took_s"] = round(time.perf_counter() - started, 1)
    rows = collect(cases, records, failed, args)
    report(rows, [record for key in cases for record in records[key]], about, args.results)
    wrong = [row for row in rows if row.rates and not row.valid]
    for row in wrong:
        print(f"{row.model} {row.peer}: {row.spikes} spikes, reference {row.reference}")
    return 1 if wrong else 0


def prepare(
    peers: list[str], threads: int, overrides: dict[str, Path]
) -> tuple[dict[str, Path], dict[str, str]]:
    """The interpreter of each peer, and for those that cannot take part the reason."""
    pythons: dict[str, Path] = {}
    missing: dict[str, str] = {}
    for name in peers:
        peer = PEERS[name]
        if peer.max_threads is not None and threads > peer.max_threads:
            missing[name] = f"runs on {peer.max_threads} thread only"
            continue
        try:
            pythons[name] = ensure_python(peer, overrides.get(name))
        except AbsentError as error:
            missing[name] = str(error)
            print(f"{name}: absent: {error}", flush=True)
    return pythons, missing


def run_script(key: Key, python: Path, args: argparse.Namespace) -> Record:
    """Run one pool script; return the record that it wrote.

    Raises:
        AbsentError: it failed, with the last line that it wrote.
    """
    model, name, variant = key
    environment = {k: v for k, v in os.environ.items() if k not in UNSET}
    if name == OURS:
        environment["PYTHONPATH"] = str(ROOT)  # this checkout, installed or not
    with tempfile.TemporaryDirectory(prefix="peers_") as folder:
        out = Path(folder) / "record.json"
        command = [str(python), str(HERE / f"{name}_pool.py"), "--json", str(out)]
        options = {
            "model": model,
            "variant": variant,
            "n": args.n,
            "steps": PEERS[name].steps(model, args.steps),
            "threads": args.threads,
            "repeats": args.repeats,
            "seed": args.seed,
        }
        command += [f"--{option}={value}" for option, value in options.items()]
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=RUN_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise AbsentError(f"no end after {RUN_TIMEOUT} s") from None
        if done.returncode != 0 or not out.exists():
            raise AbsentError(f"failed: {last_line(done.stderr)}")
        record: Record = json.loads(out.read_text())
        return record


def collect(
    cases: list[Key],
    records: dict[Key, list[Record]],
    failed: dict[Key, str],
    args: argparse.Namespace,
) -> list[Row]:
    """One row per simulator and variant, each with the reference count of its model and steps."""
    references: dict[tuple[str, int], int] = {}
    rows = []
    for key in cases:
        model, name, variant = key
        if key in failed:
            rows.append(summary.absent(model, name, variant, failed[key]))
            continue
        problem = (model, PEERS[name].steps(model, args.steps))
        if problem not in references:
            current = draw_input(model, args.n, args.seed)
            references[problem] = SPIKES[model](current, problem[1])
        rows.append(summary.present(records[key], references[problem]))
    return rows


def report(rows: list[Row], records: list[Record], about: Record, results: Path) -> None:
    """Print the table; write it as Markdown and everything as JSON."""
    title = (
        f"Unconnected pools of {about['n']} neurons, dt 0.1 ms, threads: {about['threads']}, "
        f"passes: {about['passes']}, {about['cpu']}"
    )
    table = [summary.cells(row, rows, about["threads"]) for row in rows]
    absences = summary.absences(rows)
    summary.show(table, title)
    print("\n".join(["", summary.LEGEND, *absences]))
    notes = [
        f"{record['peer']} {record['variant']}, {record['model']}: {'; '.join(record['notes'])}"
        for record in records
        if record["notes"]
    ]
    bullets = "\n".join(f"- {line}" for line in [*absences, *dict.fromkeys(notes)])
    results.mkdir(parents=True, exist_ok=True)
    stem = results / f"peers-{about['date'].replace(':', '').replace('T', '-')}"
    text = f"{title}\n\n{summary.markdown(table)}\n{summary.LEGEND}\n\n{bullets}\n"
    stem.with_suffix(".md").write_text(text)
    stem.with_suffix(".json").write_text(summary.dumps(rows, records, about))
    print(f"wrote {stem}.md and .json")


def describe(args: argparse.Namespace) -> Record:
    """The machine and the settings."""
    return {
        "date": datetime.now().isoformat(timespec="seconds"),
        "cpu": cpu_name(),
        "cpus": os.cpu_count(),
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else [],
        "system": platform.platform(),
        "n": args.n,
        "steps": args.steps,
        "threads": args.threads,
        "passes": args.passes,
        "repeats": args.repeats,
        "seed": args.seed,
    }


def cpu_name() -> str:
    """The processor's name, as far as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def parse_args() -> argparse.Namespace:
    """The command line, with lists and paths resolved."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--models", type=names(MODELS), default=list(MODELS), help="a,b,...")
    parser.add_argument("--peers", type=names(PEERS), default=list(PEERS), help="a,b,...")
    parser.add_argument("--n", type=int, default=DEFAULT_N, help="neurons")
    parser.add_argument("--steps", type=int, default=2000, help="steps of one timed run")
    parser.add_argument("--threads", type=int, default=1, help="threads of each simulator")
    parser.add_argument("--passes", type=int, default=3, help="rounds over all simulators")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs in each pass")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="seed of the inputs")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder to write to")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="PEER=PATH",
        help="interpreter that has the peer, instead of an environment made here",
    )
    args = parser.parse_args()
    for name in ("n", "steps", "threads", "passes", "repeats"):
        if getattr(args, name) < 1:
            parser.error(f"--{name} must be >= 1 (got {getattr(args, name)})")
    overrides: dict[str, Path] = {}
    for item in args.python:
        name, equals, path = item.partition("=")
        if not equals or name not in PEERS:
            parser.error(f"--python must be PEER=PATH, PEER one of {', '.join(PEERS)} (got {item})")
        overrides[name] = Path(path).absolute()
    args.python = overrides
    if OURS not in args.peers:
        args.peers.append(OURS)
    return args


def names(known: Collection[str]) -> Callable[[str], list[str]]:
    """A parser of comma-separated names out of ``known``."""

    def parse(text: str) -> list[str]:
        chosen = [name.strip() for name in text.split(",") if name.strip()]
        for name in chosen:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(known)}")
        return chosen

    return parse


if __name__ == "__main__":
    sys.exit(main())
