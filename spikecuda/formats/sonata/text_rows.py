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
    with open_regular(path, what) as file, io.TextIOWrapper(file, "utf-8-sig") as text:
        rows = csv.reader(
            (line.strip(" \r\n") for line in text), delimiter=separator, skipinitialspace=True,
            strict=True,
        )  # fmt: skip
        try:
            for cells in rows:
                if cells:
                    yield rows.line_num, cells
        except UnicodeDecodeError as error:
            raise SpikecudaValueError(
                f"{path} must be {what}, text in UTF-8 (got {error.object[error.start]:#04x}); "
                "write it again"
            ) from None
        except csv.Error as error:
            raise SpikecudaValueError(
                f"{path}, line {rows.line_num}: must be cells between {separator!r} (got "
                f"{error}); close the quotes"
            ) from None
