"""Tables and human numbers on the terminal."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from spikecuda.common.screen import Screen

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["console", "human_bytes", "human_rate", "table"]

PIPE_WIDTH = 140


def console(stderr: bool = False, expendable: bool = False) -> "Console":
    """Return a rich console on stdout or stderr, which prints in any encoding; see ``Screen``."""
    from rich.console import Console

    screen: Any = Screen(stderr, expendable)
    # Brackets are text, such as those of pip install "spikecuda[cuda]".
    result = Console(file=screen, stderr=stderr, highlight=False, markup=False)
    result.on_broken_pipe = _raise  # type: ignore[method-assign]
    if not result.is_terminal:
        # Nobody's window limits what goes into a file or a pipe.
        result.width = max(result.width, PIPE_WIDTH)
    return result


def _raise() -> None:
    """Let whoever prints see that the reader has gone; rich would end Python."""
    raise


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


def human_bytes(size: float) -> str:
    """Return a size in the unit that suits it."""
    for unit in ("bytes", "KB", "MB"):
        if abs(size) < 1000:
            return f"{size:.4g} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"


def human_rate(rate: float) -> str:
    """Return a rate per second with k, M or G."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rate >= limit:
            return f"{rate / limit:.3g} {unit}/s"
    return f"{rate:.3g}/s"
