"""``spikecuda run EXAMPLE``: a published network, what it did beside what to expect."""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikecuda.cli import values
from spikecuda.cli.processes import take_part
from spikecuda.cli.runconfig import INPUT_KEYS, POOL_KEYS
from spikecuda.common.files import write_text
from spikecuda.common.time_grid import whole_steps
from spikecuda.errors import SpikecudaError, SpikecudaValueError

if TYPE_CHECKING:
    from spikecuda.examples.example import Example, Expected
    from spikecuda.network.network import Network
    from spikecuda.network.results.result import NetworkResult

TAKEN = (
    "set", "scale", "variant", "plastic", "duration", "seed", "threads", "precision", "device",
    "out", "quiet", "save", "save-every", "resume", "view", "parts",
)  # fmt: skip
# Of examples that learn from files.
OF_DATA = ("data", "images", "passes")
NOWHERE = "none"
PART = "spikes.{rank}.npz"
# How spikes get from one of several devices to another.
SPIKES = {"peers": "copied from device to device", "host": "through the host, between devices"}
# ms; statistics and pictures want some bins.
LEAST = 10.0
Row = tuple["Expected", float | str]


def execute(args: argparse.Namespace) -> int:
    """Build and run the example; print, draw and write what it did."""
    from spikecuda.examples import find

    example = find(args.name)
    _require_taken(args)
    options = example.options(args.variant, args.scale, args.plastic)
    changed = example.changed(_numbers(args.set))
    speaks = take_part(args)
    writes = speaks or args.parts
    folder = _folder((args.out if args.out is not None else example.name) if writes else NOWHERE)
    args.quiet = args.quiet or not speaks
    given = {name: getattr(args, name) for name in ("seed", "threads", "precision")}
    given["devices"] = args.device
    own = {name: value for name, value in given.items() if value is not None}
    if example.data:
        for name in ("save", "save_every", "resume", "view", "parts"):
            if getattr(args, name) not in (None, False):
                raise SpikecudaValueError(
                    f"--{name.replace('_', '-')} is for examples that are one run (got it for "
                    f"{example.name}, which writes weights.npz); leave it out"
                )
        from spikecuda.cli.rundigits import execute as execute_digits

        return execute_digits(args, example, {**options, **changed}, own, folder)
    for name in OF_DATA:
        if getattr(args, name) is not None and not (name == "data" and example.folder):
            raise SpikecudaValueError(
                f"--{name} is for examples that learn from files (got it for {example.name}); an "
                f"example takes --{', --'.join(TAKEN)}"
            )
    if args.data is not None:
        options["data"] = args.data
    duration = example.duration if args.duration is None else args.duration
    _require_parts(args, folder)
    if not duration >= LEAST:
        raise SpikecudaValueError(f"duration must be >= {LEAST:g} ms (got {duration:g})")
    from spikecuda.cli.runresume import as_saves, network_of
    from spikecuda.cli.viewing import viewed

    saves = as_saves(args.save, args.save_every)
    network = network_of(example, {**options, **changed}, own, args.resume)
    with network as net, viewed(net, args.view):
        whole_steps("duration", duration, net.dt)
        if saves:
            whole_steps("--save-every", args.save_every, net.dt, some=True)
        how = {**saves, "gather": not args.parts}
        result, wall = _simulate(net, example.settle + duration, args.quiet, how)
        if result.stop < example.settle + LEAST:  # a page stopped it
            print(
                f"stopped at {result.stop:g} ms, before the {LEAST:g} ms after {example.settle:g} "
                "ms that tables and pictures need; nothing is written",
                file=sys.stderr,
            )
            return 0
        expected = () if args.parts else example.expected(**options)
        rows = [(e, e.measure(result, example.settle)) for e in expected]
        options = {**options, **changed}
        written = ""
        if folder and args.parts:
            folder.mkdir(exist_ok=True)
            written = f"{result.save(folder / PART)}, of {result.part.ranks if result.part else 1}"
        elif folder:
            written = _write(folder, example, options, net, result, rows)
        if not args.quiet:
            _print(example, options, changed, net, result, rows, wall, written)
    return 0


def _require_parts(args: argparse.Namespace, folder: Path | None) -> None:
    """Raise if parts cannot be written."""
    if not args.parts:
        return
    for name, unfit in (("resume", args.resume is not None), ("out none", folder is None)):
        if unfit:
            raise SpikecudaValueError(
                f"--parts writes what one run records, a file of each process (got it with "
                f"--{name}); leave one of them out"
            )


def _numbers(items: list[str]) -> dict[str, float]:
    """Return what ``--set`` gives, by name."""
    result = {}
    for name, text in values.pairs(items, "--set").items():
        try:
            result[name] = float(text)
        except ValueError:
            raise SpikecudaValueError(f"--set {name} must be a number (got {text!r})") from None
    return result


def _require_taken(args: argparse.Namespace) -> None:
    """Raise for options that are for pools."""
    pool = {*POOL_KEYS, *INPUT_KEYS, "param", "initial", "steps", "record", "live"}
    for name in sorted(pool - set(TAKEN)):
        value = getattr(args, name)
        if value not in (None, []) and not (name == "live" and value is False):
            option = "--" + name.replace("_", "-")
            raise SpikecudaValueError(
                f"{option} is for pools of neurons (got it for the example {args.name}); an "
                f"example takes --{', --'.join(TAKEN)}"
            )


def _folder(text: str) -> Path | None:
    """Return the folder to write to; raise before the run if that cannot work."""
    if text == NOWHERE:
        return None
    path = Path(text).expanduser()
    if path.exists() and not path.is_dir():
        raise SpikecudaValueError(f"out must be a folder for an example (got the file {path})")
    if not path.absolute().parent.is_dir():
        raise SpikecudaError(f"the folder {path.parent} does not exist; make it first")
    return path


def _simulate(
    net: "Network", duration: float, quiet: bool, saves: dict[str, Any]
) -> tuple["NetworkResult", float]:
    """Build and run with a bar for each; return the result and the seconds that all took.

    Args:
        net: which may have run for a part of the time.
        duration: ms, from time 0 on.
        quiet: whether to show no bars.
        saves: when it is saved, and what is gathered, as for ``Network.run``.
    """
    from spikecuda.cli.runresume import left_of
    from spikecuda.cli.terminal import progress

    begin, before = time.perf_counter(), net.result if net.time else None
    rest = left_of(net, duration)
    with progress(not quiet) as bar:
        building = bar.add_task("building", total=None)
        net.build(lambda done, total: bar.update(building, completed=done, total=total))
        running = bar.add_task("running", total=None)
        result = net.run(
            rest, progress=lambda done, total: bar.update(running, completed=done, total=total),
            **saves,
        )  # fmt: skip
    return before + result if before else result, time.perf_counter() - begin


def pictures(example: "Example", result: "NetworkResult") -> dict[str, tuple[float, float]]:
    """Return from when to when each picture shows the run, ms: never before the table's window."""
    first = example.settle
    if example.raster is not None:
        first = max(first, result.stop - example.raster)
    return {
        "raster.png": (first, result.stop),
        "rates.png": (example.settle, result.stop),
    }


def _shown(value: object) -> str:
    """Return an option as it was given: numbers without a needless ".0"."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _write(
    folder: Path,
    example: "Example",
    options: dict[str, Any],
    net: "Network",
    result: "NetworkResult",
    rows: list[Row],
) -> str:
    """Write spikes, pictures and numbers into a folder."""
    from spikecuda.cli.terminal import to_json

    folder.mkdir(exist_ok=True)
    result.save(folder / "spikes.npz")
    title = " ".join([example.name, *(f"{k} {_shown(v)}" for k, v in options.items())])
    shown, drawn = pictures(example, result), result
    if example.pictured:
        spikes = {name: result.spikes[name] for name in example.pictured if name in result.spikes}
        drawn = replace(result, spikes=spikes)
    for name, draw in (("raster.png", drawn.raster), ("rates.png", drawn.plot_rates)):
        start, stop = shown[name]
        draw(folder / name, start=start, stop=stop, title=title)
    numbers = {
        "example": example.name, "source": example.source, "options": options, "seed": net.seed,
        "precision": net.precision, "from": example.settle, "to": result.stop,
        "pictures": shown,
        "realtime_factor": result.realtime_factor, "metrics": net.metrics().as_dict(),
        "expected": [
            {"what": e.what, "unit": e.unit, "here": value if value == value else None,
             "low": e.low, "high": e.high, "source": e.source}
            for e, value in rows
        ],
    }  # fmt: skip
    write_text(folder / "summary.json", to_json(numbers) + "\n")
    shown_times = ", ".join(f"{name} ({a:g} to {b:g} ms)" for name, (a, b) in shown.items())
    return f"{folder}/ {shown_times}, spikes.npz, summary.json"


def _print(
    example: "Example",
    options: dict[str, Any],
    changed: dict[str, float],
    net: "Network",
    result: "NetworkResult",
    rows: list[Row],
    wall: float,
    written: str,
) -> None:
    """Print what the run did; ``rows``: without any, its results are in parts."""
    from spikecuda.cli.terminal import console, facts, human_bytes, human_rate, human_seconds

    screen, m = console(), net.metrics()
    chosen = ", ".join(f"{name} {_shown(value)}" for name, value in options.items())
    screen.print(example.name, style="bold", end="")
    screen.print(f": {example.about}{f' ({chosen})' if chosen else ''}")
    screen.print(example.source)
    screen.print()
    if rows:
        _print_results(screen, example, changed, result, rows)
    held = m.bytes
    where = ", ".join(m.devices)
    if m.devices == ["cpu"]:
        where = f"{m.threads} threads" if m.threads > 1 else "1 thread"
    each = f", {m.bytes_per_synapse:.3g} B a synapse" if m.synapses else ""
    screen.print(facts("", [
        ("network", f"{m.num_neurons:,} neurons, {m.synapses:,} synapses; seed {net.seed}, "
                    f"{net.precision}, dt {net.dt:g} ms"),
        ("model time", f"{result.stop:g} ms, {example.settle:g} ms of it to settle"),
        ("real-time factor", f"{result.realtime_factor:.3g} ({human_seconds(result.seconds)} for "
                             f"{human_seconds(result.duration / 1e3)}; {where})"),
        ("speed", f"{human_rate(m.events_per_second)} synaptic events, "
                  f"{human_rate(m.updates_per_second)} neuron updates"),
        *([("exchange", f"{m.exchange_seconds / m.run_seconds:.0%} of the run, with waiting for "
                        "other processes")] if m.exchange_seconds else []),
        *([("spikes", SPIKES[m.exchange])] if m.exchange in SPIKES else []),
        ("build", human_seconds(net.build_seconds)),
        ("compile", f"{human_seconds(m.compile_seconds)}, not part of the run"),
        ("in all", human_seconds(wall)),
        ("memory", f"{human_bytes(sum(held.values()))}{each}"),
        ("written", written or "nothing"),
    ]))  # fmt: skip


def _print_results(
    screen: Any,
    example: "Example",
    changed: dict[str, float],
    result: "NetworkResult",
    rows: list[Row],
) -> None:
    """Print tables of the results, beside what others found."""
    from spikecuda.cli.terminal import table
    from spikecuda.examples.example import show

    screen.print(result.table(start=example.settle))
    sources = list(dict.fromkeys(e.source for e, _ in rows))
    screen.print(table(
        "beside what others found"
        + (" with the published numbers" if changed else "")
        + f", {example.settle:g} to {result.stop:g} ms",
        ("", "here", "expected", "", "source"),
        [
            (f"{e.what} ({e.unit})" if e.unit else e.what, show(value), e.text, e.verdict(value),
             f"[{sources.index(e.source) + 1}]")
            for e, value in rows
        ],
    ))  # fmt: skip
    for number, source in enumerate(sources, 1):
        screen.print(f" [{number}] {source}")
    screen.print()
