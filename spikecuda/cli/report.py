"""``spikecuda report``: measure this machine and write a report that is a pleasure to read."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikecuda.cli import values
from spikecuda.errors import SpikecudaError

if TYPE_CHECKING:
    from spikecuda.report.results import Report
    from spikecuda.report.settings import Settings

# Rough shares of the whole, so that the bar moves evenly; in seconds on two slow cores.
SHARES = {
    "compile": 35, "networks": 40, "gallery": 2, "accuracy": 15, "scaling": 55, "threads": 5,
    "systems": 8, "start-up": 18, "plots": 8,
}  # fmt: skip
NAMES = {
    "compile": "compiling kernels", "networks": "networks in real time", "gallery": "gallery",
    "accuracy": "accuracy", "scaling": "speed", "threads": "threads", "systems": "systems",
    "start-up": "start-up", "plots": "drawing",
}  # fmt: skip


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "report",
        parents=[common],
        help="measure what runs in real time on this machine; writes report.html",
        description="Find the largest networks that run in real time on this machine, beside NEST "
        "and Brian2 where they are installed, and measure how fast and how accurately LIF, AdEx "
        "and Izhikevich neurons run; write report.html (self-contained), report.md, report.json "
        "and PNG plots.",
    )
    parser.add_argument(
        "--out", "-o", default="report", metavar="DIR", help="folder to write (default: report)"
    )
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument(
        "--quick", action="store_true", help="about a minute: fewer sizes, no noise, no peers"
    )
    amount.add_argument("--full", action="store_true", help="up to 10M neurons, longer runs")
    parser.add_argument(
        "--threads", nargs="+", metavar="N",
        help="numbers of CPU threads to compare (default: 1, 2, 4 ... all cores)",
    )  # fmt: skip
    parser.add_argument(
        "--devices", nargs="+", metavar="NAME", default=[],
        help="devices to measure (default: every usable GPU and the CPU)",
    )  # fmt: skip
    parser.add_argument(
        "--peers", nargs="+", metavar="NAME=PYTHON", default=[],
        help="Python interpreters that have NEST and Brian2, such as nest=/opt/nest/bin/python, or "
        "none (default: $SPIKECUDA_NEST_PYTHON, $SPIKECUDA_BRIAN2_PYTHON, or this one)",
    )  # fmt: skip
    parser.add_argument(
        "--open", choices=("yes", "no"), default="no", help="open report.html in a browser"
    )
    parser.add_argument("--quiet", "-q", action="store_true", help="no progress, no summary")
    parser.set_defaults(execute=execute)


def execute(args: argparse.Namespace) -> int:
    """Measure, write, and say where it is."""
    from spikecuda.report.settings import settings_for

    changes: dict[str, Any] = {}
    if args.threads:
        changes["thread_counts"] = tuple(values.count(n, "--threads") for n in args.threads)
    if args.devices:
        from spikecuda.devices.open import choose

        changes["devices"] = tuple(choose(None, name) for name in args.devices)
    if args.peers == ["none"]:
        changes["peers"] = False
    elif args.peers:
        from spikecuda.report.peers.process import as_pythons

        changes["peer_pythons"] = tuple(as_pythons(args.peers).items())
    level = "quick" if args.quick else "full" if args.full else "default"
    return make(settings_for(level, **changes), Path(args.out).expanduser(), args)  # type: ignore[arg-type]


def make(settings: "Settings", folder: Path, args: argparse.Namespace) -> int:
    """Make a report with given settings."""
    if folder.exists() and not folder.is_dir():
        raise SpikecudaError(f"--out must be a folder (got the file {folder})")
    # Fail now rather than after minutes of measuring.
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SpikecudaError(
            f"--out must be a folder that can be made (got {folder}: {error.strerror})"
        ) from None
    from spikecuda.cli.terminal import progress
    from spikecuda.report.build import measure
    from spikecuda.report.write import write_report

    with progress(not args.quiet) as bar:
        task = bar.add_task("starting", total=sum(SHARES.values()))
        course = _Course(bar, task)
        report, gallery = measure(settings, course)
        written = write_report(report, gallery, folder, lambda what: course("plots", what))
        bar.update(task, completed=sum(SHARES.values()), description="done")
    if not args.quiet:
        _summary(report, folder, [path.name for path in written])
    if args.open == "yes":
        import webbrowser

        webbrowser.open((folder / "report.html").resolve().as_uri())
    return 0


class _Course:
    """Turn phases and ticks into a progress bar."""

    def __init__(self, bar: Any, task: Any) -> None:
        self._bar, self._task = bar, task
        self._phase, self._ticks, self._start = "", 0, time.perf_counter()

    def __call__(self, phase: str, what: str) -> None:
        if phase != self._phase:
            self._phase, self._ticks = phase, 0
        self._ticks += 1
        names = list(SHARES)
        before = sum(SHARES[name] for name in names[: names.index(phase)])
        # How many ticks a phase has differs; within it the bar nears the phase's end.
        part = 1.0 - 0.5 ** (self._ticks / 8)
        self._bar.update(
            self._task, completed=before + part * SHARES[phase],
            description=f"{NAMES[phase]}: {what}" if what else NAMES[phase],
        )  # fmt: skip


def _summary(report: "Report", folder: Path, files: list[str]) -> None:
    from spikecuda.cli.terminal import console, human_rate, table
    from spikecuda.plots.style import factor_label, model_name
    from spikecuda.report.headline import headlines, realtime_lines
    from spikecuda.report.tables import percent

    screen = console()
    if lines := realtime_lines(report):
        found = [(n.network, n.where, n.neurons, n.synapses, n.said) for n in lines]
        heads = ("network", "simulator", "neurons in real time", "synapses", "")
        screen.print(table(f"{report.machine.cpu}: the largest in real time", heads, found))
    rows = [
        (
            model_name(h.model), human_rate(h.best.median_rate), h.best.precision,
            f"{h.best.neurons:,}", f"{h.real_time:,}", percent(h.coincident),
            factor_label(h.context) if h.context is not None else "-",
        )
        for h in headlines(report)
    ]  # fmt: skip
    columns = ("model", "median updates", "precision", "at neurons", "real-time neurons",
               "float32 vs reference*", "CuPy, RTX 3060**")  # fmt: skip
    screen.print(table(f"{report.machine.cpu}, {', '.join(report.devices)}", columns, rows))
    screen.print("*  spikes of the float64 reference that float32 has within 1 ms", style="dim")
    screen.print("** over a CuPy prototype's figure on an RTX 3060, not measured here", style="dim")
    for note in report.notes:
        screen.print(f"note: {note}")
    for item in report.skipped:
        screen.print(f"not measured: {item.what}: {item.reason}", style="dim")
    screen.print(f"\n{folder / 'report.html'}", style="bold", soft_wrap=True)
    screen.print(f"in {folder}: {', '.join(files)}", style="dim", soft_wrap=True)
