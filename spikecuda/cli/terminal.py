"""Tables, progress and human numbers on the terminal."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

PIPE_WIDTH = 140


def console(stderr: bool = False) -> "Console":
    """Return a rich console on stdout or stderr."""
    from rich.console import Console

    result = Console(stderr=stderr, highlight=False)
    if not result.is_terminal:
        # Nobody's window limits what goes into a file or a pipe.
        result.width = max(result.width, PIPE_WIDTH)
    return result


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> "Table":
    """Return a plain table: the first column to the left, the rest to the right."""
    from rich import box
    from rich.table import Table

    result = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE)
    for i, column in enumerate(columns):
        result.add_column(column, justify="right" if i else "left", no_wrap=i > 0)
    for row in rows:
        result.add_row(*(str(cell) for cell in row))
    return result


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

    screen = console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        Remaining(),
        console=screen,
        disable=not (enabled and screen.is_terminal),
    )


def human_bytes(size: float) -> str:
    """Return a size in the unit that suits it."""
    from spikecuda.backends.base import human

    return human(size)


def human_rate(rate: float) -> str:
    """Return a rate per second with k, M or G."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rate >= limit:
            return f"{rate / limit:.3g} {unit}/s"
    return f"{rate:.3g}/s"


def human_seconds(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1.0 else f"{seconds:.3g} s"


def to_json(data: Any) -> str:
    """Return data as indented JSON; NaN and infinity are errors."""
    import json

    return json.dumps(data, indent=2, allow_nan=False)
