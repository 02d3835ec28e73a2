"""Write a report: JSON, plots, Markdown and a self-contained HTML page."""

import base64
import io
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from spikecuda.common.files import write_bytes, write_text
from spikecuda.plots.style import THEMES, factor_label, model_name, rate_label, themed
from spikecuda.report.headline import headlines, realtime_lines
from spikecuda.report.plots import plots
from spikecuda.report.results import Report
from spikecuda.report.schema import validate
from spikecuda.report.tables import percent, seconds, tables

if TYPE_CHECKING:
    from spikecuda.report.gallery import GalleryData

TEMPLATES = Path(__file__).parent / "templates"


def write_report(
    report: Report,
    gallery: "Sequence[GalleryData]",
    folder: Path,
    tick: Callable[[str], None] = lambda what: None,
) -> list[Path]:
    """Write all files of a report into a folder, made if needed; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    data = report.as_dict()
    validate(json.loads(json.dumps(data, allow_nan=False)))
    written = [folder / "report.json"]
    write_text(written[0], json.dumps(data, indent=1, allow_nan=False) + "\n")
    figures = []
    for plot in plots():
        tick(plot.name)
        images = {}
        for theme in THEMES:
            with themed(theme):
                fig = plot.draw(report, gallery, theme)
                if fig is not None:
                    buffer = io.BytesIO()
                    fig.savefig(buffer, format="png", metadata={"Software": "spikecuda"})
                    images[theme.name] = buffer.getvalue()
        if images:
            path = folder / f"{plot.name}.png"
            write_bytes(path, images["light"])
            written.append(path)
            encoded = {name: base64.b64encode(png).decode() for name, png in images.items()}
            figures.append({"name": plot.name, "title": plot.title, "caption": plot.caption,
                            "file": path.name, **encoded})  # fmt: skip
    context = _context(report, figures)
    for name in ("report.md", "report.html"):
        text = _environment().get_template(f"{name}.j2").render(context)
        write_text(folder / name, text)
        written.append(folder / name)
    return written


def _date(iso: str) -> str:
    """Return 2026-11-22T10:34:46+00:00 as 22 November 2026, 10:34 UTC."""
    moment = datetime.fromisoformat(iso)
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=lambda name: bool(name and ".html" in name),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _context(report: Report, figures: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the templates use."""
    by_section: dict[str, list[Any]] = {}
    for table in tables(report):
        by_section.setdefault(table.section, []).append(table)
    machine = report.machine
    facts = [
        ("Processor", machine.cpu),
        ("Cores", f"{machine.usable_cores} usable of {machine.logical_cores}"),
        ("Vector units", ", ".join(machine.vector_flags) or "unknown"),
        ("Memory", f"{machine.memory / 1e9:.1f} GB"),
        ("GPU", "; ".join(f"{g.name}, {g.memory / 1e9:.0f} GB, compute capability "
                          f"{g.compute_capability}" for g in machine.gpus)
                or f"absent: {machine.gpu_missing}"),
        ("System", machine.system),
        ("Python", machine.python),
        *((name, version or "not installed") for name, version in machine.versions.items()),
    ]  # fmt: skip
    return {
        "report": report,
        "created": _date(report.created),
        "headlines": headlines(report),
        "lines": realtime_lines(report),
        "figures": figures,
        "tables": by_section,
        "facts": facts,
        "css": (TEMPLATES / "report.css").read_text(encoding="utf-8"),
        "model_name": model_name,
        "rate": rate_label,
        "factor": factor_label,
        "percent": percent,
        "seconds": seconds,
    }
