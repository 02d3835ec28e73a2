"""Tables of node types and edge types: text files with columns between spaces."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spikecuda.errors import SpikecudaValueError, nearest
from spikecuda.formats.sonata.text_rows import read_rows

NONE = ("NULL", "None", "NA", "")


@dataclass
class TypeTable:
    """The types that a file has.

    Attributes:
        path: of the file; None: there is none, and no type has any property.
        columns: names.
        rows: by type: values by column, only those that are there.
        lines: by type: its line in the file.
    """

    path: Path | None
    columns: tuple[str, ...] = ()
    rows: dict[int, dict[str, str]] = field(default_factory=dict)
    lines: dict[int, int] = field(default_factory=dict)

    def where(self, type_id: int) -> str:
        """Return the file and the line of a type, for errors."""
        return f"{self.path}, line {self.lines[type_id]}" if self.path else "no file of types"

    def known(self) -> str:
        """Return the types that there are, for errors."""
        return ", ".join(str(type_id) for type_id in list(self.rows)[:20]) or "none"


def read_types(path: Path | None, kind: str, population: str) -> TypeTable:
    """Read a table of types.

    Args:
        path: of the file; None: an empty table.
        kind: "node" or "edge".
        population: rows of other populations are left out, where the table has that column.

    Raises:
        SpikecudaValueError: the file is no such table; names the line.
        OSError: it cannot be read.
    """
    table = TypeTable(path)
    if path is None:
        return table
    key = f"{kind}_type_id"
    for line, cells in read_rows(path, "a table of types"):
        if not table.columns:
            table.columns = tuple(cells)
            _require_columns(path, line, table.columns, key)
            continue
        if len(cells) != len(table.columns):
            raise SpikecudaValueError(
                f"{path}, line {line}: must have {len(table.columns)} columns, "
                f"{' '.join(table.columns)} (got {len(cells)}); quote texts with spaces"
            )
        values = {
            name: cell for name, cell in zip(table.columns, cells, strict=True) if cell not in NONE
        }
        if values.get("population", population) != population:
            continue
        type_id = _type_id(path, line, key, values)
        if type_id in table.rows:
            raise SpikecudaValueError(
                f"{path}, line {line}: each {key} must come once (got {type_id} again, first in "
                f"line {table.lines[type_id]})"
            )
        table.rows[type_id], table.lines[type_id] = values, line
    if not table.columns:
        raise SpikecudaValueError(f"{path} must have a first line of columns (got an empty file)")
    return table


def _require_columns(path: Path, line: int, columns: tuple[str, ...], key: str) -> None:
    if key not in columns:
        raise SpikecudaValueError(
            f"{path}, line {line}: must have a column {key} (got {', '.join(columns):.200}"
            f"{nearest(key, list(columns))}); columns stand between spaces, not commas"
        )
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise SpikecudaValueError(
            f"{path}, line {line}: each column must come once (got {twice[0]!r} again)"
        )


def _type_id(path: Path, line: int, key: str, values: Mapping[str, str]) -> int:
    try:
        return int(values.get(key, ""))
    except ValueError:
        raise SpikecudaValueError(
            f"{path}, line {line}: {key} must be a whole number (got {values.get(key)!r:.80})"
        ) from None
