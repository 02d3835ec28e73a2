"""Tables of text: lines of cells, as the types, spikes and currents of SONATA are."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from spikecuda.common.npz import open_regular
from spikecuda.errors import SpikecudaValueError


def read_rows(path: Path, what: str, separator: str = " ") -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of a table that are not empty: their number and their cells.

    Args:
        path: of the file, in UTF-8.
        what: it must be, as "a table of types"; for messages.
        separator: one character between cells; spaces after it are no part of a cell.

    Raises:
        SpikecudaValueError: it is no text, or a line is no row of cells; names the line.
        OSError: it cannot be read.
    """
    number, width = 0, 0
    with open_regular(path, what) as file, io.TextIOWrapper(file, "utf-8-sig") as text:
        try:
            for number, line in enumerate(text, 1):
                if not line.strip():
                    continue
                # Two separators in a row are an empty cell where that gives as many as the names.
                cells = _cells(line.rstrip("\r\n"), separator, False) if width else []
                if len(cells) != width or not width:
                    cells = _cells(line.strip(" \r\n"), separator, True)
                width = width or len(cells)
                yield number, cells
        except UnicodeDecodeError as error:
            raise SpikecudaValueError(
                f"{path} must be {what}, text in UTF-8 (got {error.object[error.start]:#04x}); "
                "write it again"
            ) from None
        except csv.Error as error:
            raise SpikecudaValueError(
                f"{path}, line {number}: must be cells between {separator!r} (got {error}); close "
                "the quotes"
            ) from None


def _cells(line: str, separator: str, merged: bool) -> list[str]:
    """Return the cells of a line; ``merged``: spaces after a separator are no part of a cell."""
    return next(csv.reader([line], delimiter=separator, skipinitialspace=merged, strict=True))
