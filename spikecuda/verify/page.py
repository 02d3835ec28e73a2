"""The page of a check: sections of texts and tables, the same for Markdown and HTML."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

from spikecuda.report.tables import Table, seconds
from spikecuda.verify.cases import STRUCTURES
from spikecuda.verify.results import Comparison, Throughput, Verification

EMULATED = "emulated: says nothing of a GPU"
SWEEPS = {
    "size": "Population size and precision",
    "block": "Threads per block",
    "steps": "Steps per launch (K)",
}


@dataclass(frozen=True)
class Section:
    """A heading, paragraphs and tables."""

    title: str
    texts: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def headline(found: Verification) -> str:
    """Return the outcome in one sentence."""
    wrong = sum(not c.equal for c in found.comparisons)
    faults = sum(s.status == "failed" for s in found.sanitised)
    if found.passed:
        left = f"; {len(found.skipped)} things were not done" if found.skipped else ""
        return (
            f"passed: {len(found.comparisons):,} runs on {found.device} have the CPU's bits, "
            f"spikes and state{left}"
        )
    if not found.comparisons:
        return "failed: nothing was compared"
    return (
        f"failed: {wrong:,} of {len(found.comparisons):,} runs on {found.device} differ from the "
        f"CPU, {faults} of {len(found.sanitised)} searches for memory faults failed"
    )


def sections(found: Verification) -> list[Section]:
    """Return the sections of the page."""
    result = [_device(found), _correctness(found), _sanitised(found), _throughput(found)]
    if found.skipped:
        rows = [[s.what, s.reason] for s in found.skipped]
        result.append(Section("Not done", [], [Table("", "", ["what", "why"], rows)]))
    return result


def _device(found: Verification) -> Section:
    rows = [
        ["device", f"{found.device}: {found.description}"],
        ["kernels compiled for", f"compute capability {found.compute_capability}"],
        ["host", f"{found.machine.cpu}, {found.machine.usable_cores} cores"],
        ["driver", f"CUDA {found.machine.cuda_driver}" if found.machine.cuda_driver else "none"],
        *([name, version] for name, version in found.machine.versions.items() if version),
    ]
    if found.figures:
        f = found.figures
        rows.append([
            "figures for the bounds", f"{f.name}: {f.multiprocessors} multiprocessors at "
            f"{f.clock:,.0f} MHz, {f.bandwidth:,.0f} GB/s, L2 {f.l2:.3g} MB ({f.source})",
        ])  # fmt: skip
    return Section("Device", [], [Table("", "", ["", ""], rows)])


def _correctness(found: Verification) -> Section:
    texts = [
        "Each run was repeated on the CPU; spikes, traces and the state at the end were compared "
        "bit for bit. Structures of the input: "
        + "; ".join(f"{name}: {text}" for name, text in STRUCTURES.items())
        + "."
    ]
    groups: dict[tuple[str, str], list[Comparison]] = {}
    for c in found.comparisons:
        groups.setdefault((f"{c.model} {c.scheme}", c.precision), []).append(c)
    rows = [
        [kernel, precision, f"{len(group):,}", f"{len({c.structure for c in group})}",
         f"{sum(c.spikes for c in group):,}", f"{sum(c.equal for c in group):,}"]
        for (kernel, precision), group in groups.items()
    ]  # fmt: skip
    columns = ["kernel", "precision", "runs", "structures", "spikes", "equal"]
    tables = [Table("", "", columns, rows)]
    ways = Counter((c.neurons, c.batch, c.block, c.window, tuple(c.splits), c.equal)
                   for c in found.comparisons)  # fmt: skip
    launches = [
        [f"{n:,}", f"{batch:,}" if batch else "all", str(block), str(window or "-"),
         _splits(splits), f"{count:,}", "yes" if equal else "NO"]
        for (n, batch, block, window, splits, equal), count in sorted(ways.items())
    ]  # fmt: skip
    columns = ["neurons", "per launch", "block", "window", "steps of each run", "runs", "equal"]
    tables.append(Table("", "Ways of launching", columns, launches))
    wrong = [
        [f"{c.model} {c.scheme} {c.precision}, {c.structure}", f"{c.neurons:,}",
         str(c.batch or "all"), str(c.block), _splits(c.splits), c.difference]
        for c in found.comparisons if not c.equal
    ]  # fmt: skip
    if wrong:
        columns = ["kernel", "neurons", "per launch", "block", "steps", "difference"]
        tables.insert(0, Table("", "Differences", columns, wrong))
    return Section("Bits", texts, tables)


def _splits(splits: "list[int] | tuple[int, ...]") -> str:
    """Return (1, 1, 1, 5) as "3 x 1, 5"."""
    parts: list[list[int]] = []
    for steps in splits:
        if parts and parts[-1][1] == steps:
            parts[-1][0] += 1
        else:
            parts.append([1, steps])
    return ", ".join(f"{n} x {steps}" if n > 1 else str(steps) for n, steps in parts)


def _sanitised(found: Verification) -> Section:
    rows = [[s.tool, s.status, seconds(s.seconds), s.detail] for s in found.sanitised]
    columns = ["tool", "outcome", "time", "summary"]
    return Section("Memory accesses", [] if rows else ["not searched"], (
        [Table("", "", columns, rows)] if rows else []
    ))  # fmt: skip


def _throughput(found: Verification) -> Section:
    texts = [
        "Update kernels only, timed with the device's events; one current per neuron, LIF, AdEx "
        "and Izhikevich in their default schemes, several launches in a replayed graph. The bound "
        "is what the figures above allow the compiled instructions at most (docs/inspection.md)."
    ]
    if found.emulated:
        texts.insert(0, f"{EMULATED[0].upper()}{EMULATED[1:]}.")
    tables = []
    for sweep, title in SWEEPS.items():
        rows = [_speed_row(t) for t in found.throughput if t.sweep == sweep]
        if rows:
            name = f"{title} ({EMULATED})" if found.emulated else title
            columns = ["model", "precision", "neurons", "K", "block", "best, G/s", "median, G/s",
                       "ps per update", "bound, G/s", "of the bound", "limited by"]  # fmt: skip
            tables.append(Table("", name, columns, rows))
    return Section("Throughput, neuron updates per second", texts, tables)


def _speed_row(t: Throughput) -> list[str]:
    return [
        t.model, t.precision, f"{t.neurons:,}", str(t.steps), str(t.block),
        f"{t.best_rate / 1e9:.4g}", f"{t.median_rate / 1e9:.4g}", f"{t.nanoseconds * 1e3:.4g}",
        f"{t.bound_rate / 1e9:.4g}" if t.bound_rate else "-",
        f"{t.fraction:.1%}" if t.fraction is not None else "-", t.limit or "-",
    ]  # fmt: skip


def markdown(found: Verification) -> str:
    """Return the page as Markdown."""
    lines = [f"# spikecuda verify: {found.device}", "", f"**{headline(found)}**", "", _meta(found)]
    for section in sections(found):
        lines += ["", f"## {section.title}"]
        for text in section.texts:
            lines += ["", text]
        for table in section.tables:
            lines += ["", *([f"{table.title}:", ""] if table.title else [])]
            lines += [_row(table.columns), _row(["---"] * len(table.columns))]
            lines += [_row(row) for row in table.rows]
    return "\n".join(lines) + "\n"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(c.replace("|", "\\|").replace("\n", " ") for c in cells) + " |"


def html(found: Verification, css: str) -> str:
    """Return the page as one HTML file without links to others."""
    return "\n".join(_html(found, css)) + "\n"


def _html(found: Verification, css: str) -> Iterator[str]:
    title = escape(f"spikecuda verify: {found.device}")
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title>\n<style>\n{css}\n</style>\n</head>\n<body>\n<main>"
    yield f"<h1>{title}</h1>"
    yield f'<p class="lead">{escape(headline(found))}</p>'
    yield f'<p class="meta">{escape(_meta(found))}</p>'
    for section in sections(found):
        yield f"<h2>{escape(section.title)}</h2>"
        for text in section.texts:
            yield f"<p>{escape(text)}</p>"
        for table in section.tables:
            yield '<div class="scroll"><table>'
            if table.title:
                yield f"<caption>{escape(table.title)}</caption>"
            if any(table.columns):
                cells = "".join(f"<th>{escape(c)}</th>" for c in table.columns)
                yield f"<thead><tr>{cells}</tr></thead>"
            for row in table.rows:
                cells = "".join(f"<td{_kind(i, c)}>{escape(c)}</td>" for i, c in enumerate(row))
                yield f"<tr>{cells}</tr>"
            yield "</table></div>"
    yield "</main>\n</body>\n</html>"


def _kind(column: int, cell: str) -> str:
    number = column and cell.replace(",", "").replace(".", "").rstrip("%").isdigit()
    return ' class="n"' if number else ""


def _meta(found: Verification) -> str:
    return (
        f"{found.created}, spikecuda {found.machine.versions.get('spikecuda')}, level "
        f"{found.level}, {found.seconds:.0f} s"
    )
