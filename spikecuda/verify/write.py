"""Write what a check found: ``verify.json``, ``verify.md`` and ``verify.html``."""

import json
from pathlib import Path

from spikecuda.common.files import write_text
from spikecuda.report.write import TEMPLATES
from spikecuda.verify.page import html, markdown
from spikecuda.verify.results import Verification, validate


def write(found: Verification, folder: Path) -> list[Path]:
    """Write all files into a folder, made if needed; return their paths."""
    text = json.dumps(found.as_dict(), indent=1, allow_nan=False) + "\n"
    validate(json.loads(text))
    css = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "verify.json": text,
        "verify.md": markdown(found),
        "verify.html": html(found, css),
    }
    for name, content in files.items():
        write_text(folder / name, content)
    return [folder / name for name in files]
