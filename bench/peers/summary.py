"""From the records of all passes to rows, and from rows to a table."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from peers import BASE, OURS, TARGETS

Record = dict[str, Any]
"""What a pool script writes, as parsed from its JSON."""

SPIKE_TOLERANCE = 0.0025
"""Largest relative distance from the reference count: any two that pass agree within 0.5 %."""

HEADER = ["model", "simulator", "variant", "bits", "M/s", "worst", "spikes", "ratio", "target"]
NUMERIC = ("bits", "M/s", "worst", "spikes", "ratio")
LEGEND = """\
M/s: million neuron updates per second, best of all passes. worst: the best of the worst pass.
spikes: distance from the float64 reference count (in brackets: another scheme, not compared).
ratio: spikecuda in float32 over this row."""


@dataclass(frozen=True)
class Row:
    """One simulator and variant on one model, over all passes."""

    model: str
    peer: str
    variant: str
    version: str
    precision: str
    rates: list[float]
    """Best updates per second of each pass."""
    spikes: int
    reference: int
    comparable: bool
    reason: str = ""
    """Why there is no figure; empty if there is one."""

    @property
    def best(self) -> float:
        """Best updates per second of all passes."""
        return max(self.rates)

    @property
    def spike_error(self) -> float:
        """Distance from the reference count, relative to it."""
        return (self.spikes - self.reference) / max(self.reference, 1)

    @property
    def valid(self) -> bool:
        """Whether the spike count is right, where it is to be compared."""
        return not self.comparable or abs(self.spike_error) <= SPIKE_TOLERANCE


def absent(model: str, peer: str, variant: str, reason: str) -> Row:
    """The row of a simulator that gave no figure."""
    return Row(model, peer, variant, "", "", [], 0, 0, False, reason)


def present(records: list[Record], reference: int) -> Row:
    """The row of one simulator and variant from the records of its passes."""
    first = records[0]
    counts = {record["spikes"] for record in records}
    if len(counts) > 1:
        name = f"{first['peer']} {first['variant']} {first['model']}"
        raise ValueError(f"{name}: spike counts must not differ between passes (got {counts})")
    return Row(
        first["model"],
        first["peer"],
        first["variant"],
        first["version"],
        first["precision"],
        [record["updates_per_s_best"] for record in records],
        first["spikes"],
        reference,
        first["comparable"],
    )


def ratio(row: Row, rows: Iterable[Row]) -> float | None:
    """How many times the row's updates per second our base variant reaches; None without both."""
    base = [r for r in rows if (r.model, r.peer, r.variant) == (row.model, *BASE) and r.rates]
    return base[0].best / row.best if base and row.rates else None


def cells(row: Row, rows: list[Row], threads: int) -> list[str]:
    """The row as text, in the order of HEADER."""
    name = f"{row.peer} {row.version}".strip()
    if not row.rates:
        return [row.model, name, row.variant, "", "absent", "", "", "", ""]
    spikes = f"{100 * row.spike_error:+.3f} %"
    if not row.comparable:
        spikes = f"({spikes})"
    elif not row.valid:
        spikes += " WRONG"
    times = ratio(row, rows)
    target = TARGETS.get((row.model, row.peer)) if threads == 1 else None
    verdict = ""
    if target is not None:
        verdict = f">= {target:g}"
        if times is not None:
            verdict += " met" if times >= target else " MISSED"
    return [
        row.model,
        name,
        row.variant,
        row.precision.removeprefix("float"),
        f"{row.best / 1e6:.4g}",
        f"{min(row.rates) / 1e6:.4g}",
        spikes,
        "" if times is None or row.peer == OURS else f"{times:.2f}",
        verdict,
    ]


def markdown(table: list[list[str]]) -> str:
    """A Markdown table, padded so that it reads as plain text too."""
    lines = [HEADER, *table]
    widths = [max(len(line[k]) for line in lines) for k in range(len(HEADER))]
    rule = ["-" * width for width in widths]
    padded = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in [HEADER, rule, *table]
    ]
    return "\n".join(padded) + "\n"


def absences(rows: Iterable[Row]) -> list[str]:
    """One line per simulator that gave no figure, with the reason."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if not row.rates:
            reasons.setdefault((row.peer, row.reason), []).append(f"{row.model} {row.variant}")
    return [
        f"{peer} is absent ({', '.join(where)}): {reason}"
        for (peer, reason), where in reasons.items()
    ]


def show(table: list[list[str]], title: str) -> None:
    """Print the table, with rich where it is installed."""
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        print(f"{title}\n\n{markdown(table)}")
        return
    drawn = Table(title=title, box=None, title_justify="left")
    for name in HEADER:
        drawn.add_column(name, justify="right" if name in NUMERIC else "left", no_wrap=True)
    for line in table:
        drawn.add_row(*line)
    console = Console()
    console.width = max(console.width, max(len(line) for line in markdown(table).splitlines()))
    console.print(drawn)


def dumps(rows: list[Row], records: list[Record], about: Record) -> str:
    """Everything as JSON: the machine and settings, the rows, every record of every pass."""
    summaries = [
        vars(row) | {"ratio": ratio(row, rows), "target": TARGETS.get((row.model, row.peer))}
        for row in rows
    ]
    return json.dumps({"about": about, "rows": summaries, "records": records}, indent=2) + "\n"
