"""What a sweep has found: a row for each point."""

import csv
import io
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikecuda.common.arguments import as_path, is_name
from spikecuda.common.data_frame import data_frame
from spikecuda.common.files import write_bytes
from spikecuda.common.fixed import Fixed
from spikecuda.common.notebook import table_html
from spikecuda.errors import SpikecudaValueError, nearest, shown
from spikecuda.sweeps.grid import INDEX, OWN, Point

if TYPE_CHECKING:
    from rich.table import Table

Row = dict[str, Any]
SHOWN_ROWS = 50


class SweepTable(Fixed, Sequence[Row]):
    """The rows of a sweep, in the order of its points; more come while it runs.

    A row is a dict: ``point`` (its number), the parameters, what the function returned, ``seconds``
    that it took, and ``error`` and ``traceback``, which are empty unless the point failed.

    Args:
        points: the arguments of each point.
        title: of the table.
    """

    def __init__(self, points: Sequence[Point], title: str = "sweep") -> None:
        self._points, self._title = list(points), title
        self._rows: dict[int, Row] = {}
        self._sorted: list[int] | None = None
        self._fix()

    def _add(
        self, index: int, values: Row, seconds: float = 0.0, error: str = "", traceback: str = ""
    ) -> None:
        """Add a point's row; one that is there already is replaced."""
        self._rows[index] = {
            INDEX: index, **self._points[index], **values, "seconds": seconds, "error": error,
            "traceback": traceback,
        }  # fmt: skip
        self._sorted = None

    @property
    def points(self) -> list[Point]:
        """The arguments of every point of the grid, done or not."""
        return [dict(point) for point in self._points]

    @property
    def parameters(self) -> list[str]:
        """The names of the parameters."""
        return list(self._points[0])

    @property
    def failures(self) -> list[Row]:
        """The rows of points that failed."""
        return [row for row in self if row["error"]]

    @property
    def missing(self) -> list[Point]:
        """The points that have no row: nobody has worked on them to the end."""
        return [point for i, point in enumerate(self._points) if i not in self._rows]

    @property
    def complete(self) -> bool:
        """Whether every point of the grid has a row without an error."""
        return len(self._rows) == len(self._points) and not self.failures

    @property
    def columns(self) -> list[str]:
        """The names of the columns: those of the rows, in their order."""
        names = dict.fromkeys(self.parameters)
        for row in self:
            names.update(dict.fromkeys(name for name in row if name not in OWN))
        return [INDEX, *names, *OWN[1:]]

    def column(self, name: str) -> list[Any]:
        """Return a column, a value for each row; None where a point has none, as if it failed.

        Raises:
            SpikecudaValueError: there is no such column.
        """
        if not is_name(name, self.columns):
            raise SpikecudaValueError(
                f"column must be one of {', '.join(self.columns)} (got {shown(name)})"
                f"{nearest(str(name), self.columns)}"
            )
        return [row.get(name) for row in self]

    def to_dataframe(self) -> Any:
        """Return a pandas DataFrame: a row for each row, ``point`` as its index.

        Raises:
            MissingPackageError: pandas is not installed.
        """
        frame = data_frame({name: self.column(name) for name in self.columns})
        return frame.set_index(INDEX)

    def save_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write all columns but the tracebacks as a table of comma-separated values, in UTF-8."""
        names = [name for name in self.columns if name != "traceback"]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([row.get(name) for name in names] for row in self)
        return write_bytes(as_path(path), text.getvalue().encode())

    def table(self) -> "Table":
        """Return a rich table of the rows, the first ``SHOWN_ROWS`` of them."""
        from spikecuda.common.terminal import table

        return table(*self._contents())

    def summary(self) -> None:
        """Print ``table()``."""
        from spikecuda.common.terminal import console

        console().print(self.table())

    def __rich__(self) -> "Table":
        return self.table()

    def _repr_html_(self) -> str:
        return table_html(*self._contents())

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, number: Any) -> Any:
        """Return a row by its place among those that are there, or a list of rows for a slice."""
        order = self._order()
        if isinstance(number, slice):
            return [self._rows[i] for i in order[number]]
        return self._rows[order[number]]

    def __iter__(self) -> Iterator[Row]:
        return iter([self._rows[i] for i in self._order()])

    def __repr__(self) -> str:
        return f"<SweepTable: {self._state()}>"

    def _order(self) -> list[int]:
        if self._sorted is None:
            self._sorted = sorted(self._rows)
        return self._sorted

    def _state(self) -> str:
        text = f"{len(self._rows):,} of {len(self._points):,} points"
        failed = self.failures
        if failed:
            what, often = Counter(row["error"] for row in failed).most_common(1)[0]
            text += f", {len(failed):,} failed ({often:,} of them: {what:.120})"
        return text

    def _contents(self) -> tuple[str, tuple[str, ...], list[tuple[str, ...]]]:
        names = [name for name in self.columns if name not in (INDEX, "traceback")]
        if not self.failures:
            names.remove("error")
        rows = [tuple(_cell(row.get(name)) for name in names) for row in self[:SHOWN_ROWS]]
        more = f"; the first {SHOWN_ROWS}" if len(self) > SHOWN_ROWS else ""
        return f"{self._title}: {self._state()}{more}", tuple(names), rows


def _cell(value: object) -> str:
    """Return a value in a few characters."""
    if value is None:
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return " ".join(text.split())[:60]
