"""Nodes or edges of a population: types, groups, and properties of each."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from spikecuda.common.hdf5 import Hdf5File
from spikecuda.errors import SpikecudaValueError
from spikecuda.formats.sonata.type_table import TypeTable

PARAMS = "dynamics_params"
LIBRARY = "@library"
MAX_ROWS = 2**31 - 1
COLUMNS = 8


@dataclass(frozen=True)
class Group:
    """Properties of some rows of a population.

    Attributes:
        rows: numbers of the rows, int64 (rows,).
        index: place of each within the group's arrays, int64 (rows,).
        numbers: by property: numbers, an array of the group.
        texts: by property: texts, likewise.
        params: by parameter: numbers, likewise.
    """

    rows: np.ndarray
    index: np.ndarray
    numbers: dict[str, np.ndarray]
    texts: dict[str, list[str]]
    params: dict[str, np.ndarray]


@dataclass(eq=False)
class Elements:
    """The nodes or edges of a population.

    Attributes:
        kind: "node" or "edge".
        path: of the HDF5 file.
        name: of the population.
        types: their types.
        type_ids: of each row, int64 (rows,).
        groups: properties that rows have of their own, which come before those of their types.
    """

    kind: str
    path: Path
    name: str
    types: TypeTable
    type_ids: np.ndarray
    groups: list[Group] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Number of rows."""
        return int(self.type_ids.size)

    def where(self, row: int) -> str:
        """Return the file and the row, for errors."""
        return f"{self.path}, /{self.kind}s/{self.name}, row {row:,}"

    @cached_property
    def kinds(self) -> tuple[np.ndarray, np.ndarray]:
        """The types that rows have, each once, and the number of each row's among them."""
        return np.unique(self.type_ids, return_inverse=True)

    def has(self, name: str) -> bool:
        """Tell whether any row, or its type, has a property."""
        typed = any(name in row for row in self.types.rows.values())
        return typed or any(name in g.numbers or name in g.texts for g in self.groups)

    def numbers(self, name: str) -> np.ndarray:
        """Return a property of each row, float64 (rows,); NaN: it has none.

        Raises:
            SpikecudaValueError: a value that is no number; names the row or the line.
        """
        present, place = self.kinds
        by_type = np.full(present.size, np.nan)
        for i, type_id in enumerate(present):
            text = self.types.rows.get(int(type_id), {}).get(name)
            if text is not None:
                by_type[i] = self._number(int(type_id), name, text)
        result = by_type[place]
        for group in self.groups:
            if name in group.texts:
                raise SpikecudaValueError(
                    f"{self.where(int(group.rows[0]))}: {name} must be a number (got "
                    f"{group.texts[name][0]!r:.80})"
                )
            if name in group.numbers:
                result[group.rows] = group.numbers[name][group.index]
        return result

    def labels(self, name: str) -> tuple[list[str | None], np.ndarray]:
        """Return the texts that a property has, each once, and the number of each row's, int64.

        None is the text of rows without the property.
        """
        known: dict[str | None, int] = {}

        def number(text: str | None) -> int:
            return known.setdefault(text, len(known))

        present, place = self.kinds
        types = [self.types.rows.get(int(type_id), {}).get(name) for type_id in present]
        result = np.array([number(text) for text in types], np.int64)[place]
        for group in self.groups:
            values: Iterable[str] | None = group.texts.get(name)
            if name in group.numbers:
                values = [f"{value:g}" for value in group.numbers[name]]
            if values is not None:
                own = np.array([number(text) for text in values], np.int64)
                result[group.rows] = own[group.index]
        return list(known), result

    def texts(self, name: str) -> np.ndarray:
        """Return a property of each row as a text, objects (rows,); None: it has none."""
        texts, numbers = self.labels(name)
        return np.array([*texts, None], object)[numbers]

    def params(self) -> dict[str, np.ndarray]:
        """Return parameters that rows have of their own, float64 (rows,); NaN: it has none."""
        result: dict[str, np.ndarray] = {}
        for group in self.groups:
            for name, values in group.params.items():
                column = result.setdefault(name, np.full(self.size, np.nan))
                column[group.rows] = values[group.index]
        return result

    def _number(self, type_id: int, name: str, text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise SpikecudaValueError(
                f"{self.types.where(type_id)}: {name} must be a number (got {text!r:.80})"
            ) from None


def read_elements(file: Hdf5File, kind: str, name: str, types: TypeTable) -> Elements:
    """Read what each node or edge of a population is.

    Args:
        file: the HDF5 file.
        kind: "node" or "edge".
        name: of the population.
        types: of its rows.

    Raises:
        SpikecudaValueError: arrays of different lengths, a type that is not in the table, a place
            beyond a group's arrays; names the file and the row.
    """
    base = f"/{kind}s/{name}"
    type_ids = _integers(file, f"{base}/{kind}_type_id", None)
    if type_ids.size > MAX_ROWS:
        raise SpikecudaValueError(f"{file.path}, {base}: at most {MAX_ROWS:,} rows are possible")
    result = Elements(kind, file.path, name, types, type_ids)
    unknown = ~np.isin(type_ids, np.fromiter(types.rows, np.int64, len(types.rows)))
    if types.path is not None and unknown.any():
        row = int(unknown.argmax())
        raise SpikecudaValueError(
            f"{result.where(row)}: {kind}_type_id must be in {types.path} "
            f"(got {type_ids[row]}; it has {types.known()})"
        )
    result.groups = _groups(file, base, kind, result)
    return result


def _groups(file: Hdf5File, base: str, kind: str, elements: Elements) -> list[Group]:
    names = [n for n in file.names(base) if n.isdigit() and file.is_group(f"{base}/{n}")]
    if not names or not elements.size:
        return []
    ids = _integers(file, f"{base}/{kind}_group_id", elements.size)
    index = _integers(file, f"{base}/{kind}_group_index", elements.size)
    strange = ~np.isin(ids, [int(name) for name in names])
    if strange.any():
        row = int(strange.argmax())
        raise SpikecudaValueError(
            f"{elements.where(row)}: {kind}_group_id must be one of {', '.join(names)} (got "
            f"{ids[row]})"
        )
    result = []
    for name in names:
        rows = np.flatnonzero(ids == int(name))
        if rows.size:
            group = _group(file, f"{base}/{name}", rows, index[rows])
            _require_places(file, f"{base}/{name}", elements, group)
            result.append(group)
    return result


def _group(file: Hdf5File, base: str, rows: np.ndarray, index: np.ndarray) -> Group:
    numbers: dict[str, np.ndarray] = {}
    texts: dict[str, list[str]] = {}
    params: dict[str, np.ndarray] = {}
    length: int | None = None
    for name in file.names(base):
        path = f"{base}/{name}"
        if name in (PARAMS, LIBRARY):
            continue
        if file.is_group(path):
            continue  # indices and other things that are no property
        length = file.length(path) if length is None else length
        if file.kind(path) in "SO":
            texts[name] = file.texts(path, length)
        elif file.dimensions(path) == 1:
            numbers[name] = file.array(path, "iufb", 1, length)
        elif file.dimensions(path) == 2:  # as positions in space: a property for each column
            values = file.array(path, "iufb", 2, length)
            if values.shape[1] <= COLUMNS:
                numbers |= {f"{name}_{i}": values[:, i] for i in range(values.shape[1])}
        if file.is_group(f"{base}/{LIBRARY}") and f"{base}/{LIBRARY}/{name}" in file:
            texts[name] = _looked_up(file, path, numbers.pop(name), f"{base}/{LIBRARY}/{name}")
    if file.is_group(f"{base}/{PARAMS}"):
        for name in file.names(f"{base}/{PARAMS}"):
            path = f"{base}/{PARAMS}/{name}"
            length = file.length(path) if length is None else length
            params[name] = file.array(path, "iuf", 1, length).astype(np.float64)
    return Group(rows, index, numbers, texts, params)


def _looked_up(file: Hdf5File, path: str, values: np.ndarray, library: str) -> list[str]:
    """Return texts that a file stores as numbers of a list."""
    words = file.texts(library)
    bad = (values < 0) | (values >= len(words))
    if bad.any():
        at = int(bad.argmax())
        raise SpikecudaValueError(
            f"{file.path}, {path}, row {at:,}: must be from 0 to {len(words) - 1}, the texts of "
            f"{library} (got {values[at]})"
        )
    return [words[int(value)] for value in values]


def _require_places(file: Hdf5File, base: str, elements: Elements, group: Group) -> None:
    """Raise unless each row's place is within the group's arrays."""
    lengths = [len(values) for values in group.numbers.values()]
    lengths += [len(texts) for texts in group.texts.values()]
    lengths += [len(values) for values in group.params.values()]
    if not lengths:
        return
    bad = (group.index < 0) | (group.index >= lengths[0])
    if bad.any():
        at = int(bad.argmax())
        raise SpikecudaValueError(
            f"{elements.where(int(group.rows[at]))}: {elements.kind}_group_index must be from 0 to "
            f"{lengths[0] - 1:,}, the rows of {base} (got {group.index[at]:,})"
        )


def _integers(file: Hdf5File, name: str, length: int | None) -> np.ndarray:
    values = file.array(name, "iu", 1, length)
    if values.dtype == np.uint64 and values.size and values.max() > np.iinfo(np.int64).max:
        row = int(values.argmax())
        raise SpikecudaValueError(
            f"{file.path}, {name}, row {row:,}: must be at most 2^63 - 1 (got {values[row]})"
        )
    return values.astype(np.int64)
