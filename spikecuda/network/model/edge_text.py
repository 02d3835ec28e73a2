"""Edges in text files, one per line, read in blocks to save memory."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from spikecuda.common.host_memory import require_memory
from spikecuda.errors import SpikecudaValueError, nearest

COLUMNS = ("source", "target", "weight", "delay")
IDS = ("source", "target")
MAX_ID = 2**31 - 1
# Characters that are read at once; lines are shorter than LONGEST.
BLOCK = 1 << 20
LONGEST = 1 << 16
# Bytes that an edge takes at most, of all its columns, until the arrays are put together.
EDGE = 64
SMALLER = "give fewer edges at a time, or an .npz file"


def read_text(path: Path) -> dict[str, np.ndarray]:
    """Return the columns of a text of edges: ids int32, others float64.

    Raises:
        SpikecudaValueError: names the line, the column, what is wanted and what was got.
        OutOfMemoryError: so many edges do not fit.
    """
    separator = "," if path.suffix.lower() == ".csv" else None
    with open(path, encoding="utf-8-sig") as file:
        try:
            return _Table(path, separator, os.fstat(file.fileno()).st_size).read(file)
        except UnicodeDecodeError as error:
            raise SpikecudaValueError(
                f"{path} must be text in UTF-8 (got {error.object[error.start]:#04x}); arrays go "
                "into an .npz file, matrices through from_matrix"
            ) from None


def require_ids(name: str, values: np.ndarray, where: Callable[[int], str]) -> np.ndarray:
    """Return ids as int32.

    Args:
        name: of the column.
        values: real numbers.
        where: tells where the value of a number is, for errors.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        bad = ~((values >= 0) & (values <= MAX_ID))  # NaN is neither
    if values.dtype.kind == "f":
        bad |= values != np.floor(values)
    if bad.any():
        at = int(bad.argmax())
        raise SpikecudaValueError(
            f"{where(at)}: {name} must be a whole number from 0 to {MAX_ID:,} (got "
            f"{values[at]:.17g}); number the neurons of a view from 0"
        )
    return values.astype(np.int32)


def require_finite(name: str, values: np.ndarray, where: Callable[[int], str]) -> np.ndarray:
    """Return weights or delays as float64; see ``require_ids``."""
    bad = ~np.isfinite(values)
    if bad.any():
        at = int(bad.argmax())
        raise SpikecudaValueError(
            f"{where(at)}: {name} must be finite (got {values[at]}); replace it"
        )
    return values.astype(np.float64)


def require_columns(found: list[str], where: str) -> None:
    """Raise unless the names are those of columns, each once, with both ids."""
    for name in found:
        if name not in COLUMNS:
            raise SpikecudaValueError(
                f"{where}: names must be among {', '.join(COLUMNS)} (got {name!r:.80}"
                f"{nearest(name[:80], COLUMNS)}); leave out or rename the others"
            )
    if len(set(found)) < len(found):
        raise SpikecudaValueError(f"{where}: each name must come once (got {', '.join(found)})")
    for name in IDS:
        if name not in found:
            raise SpikecudaValueError(
                f"{where} has no {name} (got {', '.join(found) or 'nothing'})"
            )


class _Table:
    """The columns of one file as they grow.

    Args:
        path: the file, for messages.
        separator: of cells; None: white space.
        size: bytes of the file; 0 if nobody knows.
    """

    def __init__(self, path: Path, separator: str | None, size: int) -> None:
        self._path, self._separator, self._size = path, separator, size
        self._names: list[str] = []
        self._parts: list[list[np.ndarray]] = []
        self._edges = self._characters = 0

    def read(self, file: IO[str]) -> dict[str, np.ndarray]:
        """Return the columns of an open file."""
        for first, lines in _blocks(file, self._path):
            self._characters += sum(map(len, lines)) + len(lines)
            bare = [line.partition("#")[0] for line in lines]
            numbered = [(first + i, line) for i, line in enumerate(bare) if line.strip()]
            if numbered and not self._names:
                numbered = self._head(numbered)
            if numbered:
                self._add(numbered)
        require_columns(self._names, str(self._path))
        columns = {}
        for name in self._names:
            parts = self._parts.pop(0)
            kind = np.int32 if name in IDS else np.float64
            columns[name] = np.concatenate(parts) if parts else np.empty(0, kind)
        return columns

    def _head(self, numbered: list[tuple[int, str]]) -> list[tuple[int, str]]:
        """Take the names of the columns from the first line; return the lines that are edges."""
        number, line = numbered[0]
        cells = self._cells(line)
        if _is_number(cells[0]):
            if not 2 <= len(cells) <= len(COLUMNS):
                raise SpikecudaValueError(
                    f"{self._path}, line {number}: an edge has 2 to {len(COLUMNS)} columns, "
                    f"{', '.join(COLUMNS)} (got {len(cells)}); leave out the others"
                )
            self._names = list(COLUMNS[: len(cells)])
        else:
            numbered = numbered[1:]
            self._names = [cell.lower() for cell in cells]
            require_columns(self._names, f"{self._path}, line {number}")
        self._parts = [[] for _ in self._names]
        return numbered

    def _add(self, numbered: list[tuple[int, str]]) -> None:
        """Take a block of edges."""
        table = self._numbers(numbered)
        self._edges += len(numbered)
        expected = max(self._edges, self._edges * self._size / self._characters)
        require_memory(
            EDGE * (expected - self._edges + len(numbered)),
            f"{self._path}, about {expected:,.0f} edges,", SMALLER,
        )  # fmt: skip
        for name, values, parts in zip(self._names, table.T, self._parts, strict=True):
            check = require_ids if name in IDS else require_finite
            parts.append(check(name, values, lambda at: f"{self._path}, line {numbered[at][0]}"))

    def _numbers(self, numbered: list[tuple[int, str]]) -> np.ndarray:
        """Return lines as numbers, float64 (edges, columns); name the first that cannot be one."""
        width = len(self._names)
        try:
            table = self._parsed([line for _, line in numbered])
            if table.shape[1] == width:
                return table
        except ValueError:
            pass
        for number, line in numbered:
            cells = self._cells(line)
            try:
                good = self._parsed([line]).shape[1] == width
            except ValueError as error:
                good, words = False, str(error).partition(" at row")[0]
            if len(cells) != width:
                raise SpikecudaValueError(
                    f"{self._path}, line {number}: must have {width} columns, "
                    f"{', '.join(self._names)} (got {len(cells)}); give all lines as many"
                )
            if not good:
                raise SpikecudaValueError(
                    f"{self._path}, line {number}: must hold numbers ({words:.120}); check the "
                    f"separator, {'a comma' if self._separator else 'white space'} in this file"
                )
        raise AssertionError("a block has lines that are right one by one")  # pragma: no cover

    def _parsed(self, lines: list[str]) -> np.ndarray:
        return np.loadtxt(lines, np.float64, comments=None, delimiter=self._separator, ndmin=2)

    def _cells(self, line: str) -> list[str]:
        return [cell.strip() for cell in line.split(self._separator)]


def _blocks(file: IO[str], path: Path) -> Iterator[tuple[int, list[str]]]:
    """Give blocks of whole lines, each with the number of its first line."""
    number, rest = 1, ""
    while block := file.read(BLOCK):
        text = rest + block
        end = text.rfind("\n") + 1
        lines, rest = text[:end].split("\n")[:-1], text[end:]
        if lines:
            yield number, lines
        number += len(lines)
        if len(rest) > LONGEST:
            raise SpikecudaValueError(
                f"{path}, line {number}: must be shorter than {LONGEST:,} characters; give each "
                "edge a line of its own"
            )
    if rest:
        yield number, [rest]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
