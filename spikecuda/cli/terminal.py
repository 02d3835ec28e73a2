"""Tables, progress and human numbers on the terminal."""

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from spikecuda.common.screen import HANDLER
from spikecuda.common.terminal import console, human_bytes, human_rate, table

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table

__all__ = [
    "console",
    "facts",
    "human_bytes",
    "human_rate",
    "human_seconds",
    "prepare_streams",
    "progress",
    "table",
    "to_json",
]


def prepare_streams() -> None:
    """Let everything printed fit the terminal's encoding; what is closed takes what it is given."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=HANDLER)


def facts(title: str, rows: Iterable[tuple[str, object]]) -> "Table":
    """Return a table of name and value without a head."""
    from rich.table import Table
    from rich.text import Text

    result = Table.grid(padding=(0, 2))
    result.title, result.title_justify, result.title_style = title or None, "left", "bold"
    result.add_column(style="dim", no_wrap=True)
    result.add_column(overflow="fold")
    for name, value in rows:
        result.add_row(name, value if isinstance(value, Text) else Text(str(value)))
    return result


def progress(enabled: bool = True) -> "Progress":
    """Return a progress display on stderr, silent where that is not a terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as Remaining

    screen = console(stderr=True, expendable=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        Remaining(),
        console=screen,
        disable=not (enabled and screen.is_terminal),
    )


def human_seconds(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1.0 else f"{seconds:.3g} s"


def to_json(data: Any) -> str:
    """Return data as indented JSON; NaN and infinity are errors."""
    import json

    return json.dumps(data, indent=2, allow_nan=False)
