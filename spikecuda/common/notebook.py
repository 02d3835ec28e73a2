"""Output in notebooks: tables as HTML, and one that changes in place."""

import html
import sys
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["Figures", "InPlace", "Printed", "escape", "facts_html", "in_notebook", "table_html"]

STYLE = "border-collapse: collapse; font-variant-numeric: tabular-nums;"


def in_notebook() -> bool:
    """Tell whether this is a notebook's kernel; imports nothing."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def escape(value: object) -> str:
    """Return anything as text that HTML shows as it is."""
    return html.escape(str(value))


def table_html(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as HTML: the first column to the left, the rest to the right."""

    def row(cells: Sequence[object], tag: str) -> str:
        sides = ("left", *["right"] * (len(cells) - 1))
        return "".join(
            f'<{tag} style="text-align: {side}">{escape(cell)}</{tag}>'
            for side, cell in zip(sides, cells, strict=True)
        )

    caption = f'<caption style="text-align: left">{escape(title)}</caption>' if title else ""
    head = f"<thead><tr>{row(columns, 'th')}</tr></thead>" if any(columns) else ""
    body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in rows)
    return f'<table style="{STYLE}">{caption}{head}<tbody>{body}</tbody></table>'


def facts_html(title: str, facts: Iterable[tuple[str, object]]) -> str:
    """Return names and values as an HTML table without a head."""
    return table_html(title, ("", ""), list(facts))


class InPlace:
    """An output of a cell whose HTML can be replaced.

    Args:
        content: HTML to begin with.
    """

    def __init__(self, content: str) -> None:
        from IPython.display import HTML, display

        self._html: Any = HTML
        self._handle: Any = display(HTML(content), display_id=True)

    def show(self, content: str) -> None:
        """Replace it."""
        self._handle.update(self._html(content))


class Printed(str):
    """A text that is shown as it is printed, and in notebooks as HTML.

    Args:
        text: the text.
        html: the same for notebooks.
    """

    html: str

    def __new__(cls, text: str, html: str = "") -> "Printed":
        """Return the text with its HTML."""
        result = super().__new__(cls, text)
        result.html = html
        return result

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self.html


class Figures(dict[str, Any]):
    """Figures by name, or by row and name, which notebooks show as a table."""

    def _repr_html_(self) -> str:
        if self and all(isinstance(row, dict) for row in self.values()):
            columns = list(next(iter(self.values())))
            rows = [(name, *map(figure, row.values())) for name, row in self.items()]
            return table_html("", ("", *columns), rows)
        return facts_html("", [(name, figure(value)) for name, value in self.items()])


def figure(value: object) -> str:
    """Return a figure as it is shown."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
