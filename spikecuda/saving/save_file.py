"""Files that a pool, a system or a network goes on from.

An npz file without pickle: arrays that are stored, not compressed, with the zip format's CRC-32
each.  ``header`` and ``description`` are JSON texts, as bytes (uint8):

- ``header``: ``format``, ``kind`` ("pool", "system" or "network"), ``spikecuda`` (its version),
  ``description`` (SHA-256 of the text and of the arrays it names) and ``members``: type and shape
  of each array;
- ``description``: what was built, see ``codec``; its arrays are ``value/0``, ``value/1``, ...;
- all others: the state, in the order of populations and neurons, never that of a device.

Reading compares types and shapes and casts nothing.  All of a file is read and checked before
anything is built.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_path
from spikecuda.common.files import require_writable
from spikecuda.common.host_memory import require_memory
from spikecuda.common.npz import (
    DAMAGED,
    FormatError,
    NpzFile,
    Streamed,
    reading_npz,
    writing_npz,
)
from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError

# It goes up whenever files get another form.
FORMAT = 2
NAME = "spikecuda save"
HEADER, DESCRIPTION, VALUE = "header", "description", "value/"
# Bytes of a text that is parsed as a whole.
LARGEST_TEXT = 256 << 20
KINDS = "biuf"


@dataclass
class Saved:
    """What a file holds.

    Attributes:
        path: the file.
        kind: "pool", "system" or "network".
        version: of spikecuda, that wrote it.
        description: the tree; ``arrays``: all arrays but those of texts, by name.
        checksum: a number that tells files of other content apart.
    """

    path: Path
    kind: str
    version: str
    description: Any
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    checksum: int = 0

    def take(self, name: str, kinds: str, ndim: int, size: int | None = None) -> np.ndarray:
        """Return an array; raise FormatError if it is missing or of another form.

        Args:
            name: its key.
            kinds: letters of types, such as "i4", that it may have.
            ndim: its number of dimensions.
            size: of the first one; None: any.
        """
        if name not in self.arrays:
            raise FormatError(f"it has no array {name!r}")
        array = self.arrays[name]
        if array.dtype.str[1:] not in kinds.split() or array.ndim != ndim:
            raise FormatError(
                f"array {name!r} must have {ndim} dimensions and the type {kinds} (got shape "
                f"{array.shape}, {array.dtype})"
            )
        if size is not None and array.shape[0] != size:
            raise FormatError(f"array {name!r} must have {size:,} rows (got {array.shape[0]:,})")
        return array


def write_save(
    path: str | os.PathLike[str],
    kind: str,
    description: Any,
    values: Mapping[str, np.ndarray],
    state: Mapping[str, np.ndarray | Streamed],
) -> Path:
    """Write a file: all of it, or the old one stays; see above.

    Args:
        path: the file.
        kind: "pool", "system" or "network".
        description: the tree, of what JSON has.
        values: arrays that it names.
        state: all other arrays, by name.
    """
    from spikecuda import __version__

    require_writable(as_path(path))
    text = json.dumps(description, separators=(",", ":")).encode()
    arrays: dict[str, np.ndarray | Streamed] = {**values, **state}
    header = {
        "format": FORMAT, "name": NAME, "kind": kind, "spikecuda": __version__,
        "description": _digest(text, values),
        "members": {name: [a.dtype.str, list(a.shape)] for name, a in arrays.items()},
    }  # fmt: skip
    with writing_npz(path) as file:
        file.add(HEADER, np.frombuffer(json.dumps(header).encode(), np.uint8))
        file.add(DESCRIPTION, np.frombuffer(text, np.uint8))
        for name, array in arrays.items():
            file.add(name, array)
    return Path(path)


def read_save(
    path: str | os.PathLike[str], kind: str, mapped: str | tuple[str, ...] = "-"
) -> Saved:
    """Read all of a file and check it.

    Args:
        path: the file.
        kind: "pool", "system" or "network".
        mapped: beginnings of the names of arrays that may stay in the file when they are checked.

    Raises:
        SpikecudaValueError: it is no such file, damaged, or of another format or kind; the message
            names the file and the array.
        OutOfMemoryError: it does not fit in memory; raised before it is read.
        OSError: it cannot be opened.
    """
    with reading_npz(path, f"a file that save() of a {kind} wrote") as file:
        header = _json(file, HEADER)
        saved = _checked(header, kind, Path(as_path(path)))
        members = header["members"]
        if sorted([HEADER, DESCRIPTION, *members]) != sorted(file.names):
            odd = set(file.names) ^ {HEADER, DESCRIPTION, *members}
            raise FormatError(f"its arrays are not those of its header ({min(odd):.80})")
        saved.checksum = file.checksum
        require_memory(
            sum(file.size(name) for name in file.names if not name.startswith(mapped)),
            f"{os.fspath(path)}", "use another machine",
        )  # fmt: skip
        text = _text(file, DESCRIPTION)
        for name, (dtype, shape) in members.items():
            array = file.array(name, KINDS, len(shape), name.startswith(mapped))
            if array.dtype.str != dtype or list(array.shape) != shape:
                raise FormatError(
                    f"array {name!r:.80} must be {dtype} of shape {shape} (got {array.dtype.str} "
                    f"of shape {list(array.shape)})"
                )
            saved.arrays[name] = array
        values = {name: a for name, a in saved.arrays.items() if name.startswith(VALUE)}
        if _digest(text, values) != header["description"]:
            raise FormatError("the hash of its description is another one")
        saved.description = json.loads(text)
    return saved


@contextlib.contextmanager
def using(saved: Saved, building: bool = False) -> Iterator[None]:
    """Name the file in errors of what is made of it in the block.

    Args:
        saved: the file.
        building: whether errors can be about where it is to run, and are told as they are.
    """
    try:
        yield
    except DAMAGED as error:
        ours = isinstance(error, SpikecudaValueError | SpikecudaTypeError)
        if isinstance(error, SpikecudaError | OSError | MemoryError) and (building or not ours):
            raise
        words = str(error) or type(error).__name__
        raise SpikecudaValueError(
            f"{saved.path} cannot be loaded: {words:.500} (saved by spikecuda {saved.version})"
        ) from error


def _checked(header: Any, kind: str, path: Path) -> Saved:
    """Return what a header says; raise unless it is of this format and kind."""
    if not isinstance(header, dict) or header.get("name") != NAME:
        raise FormatError(f"it has no header of {NAME!r}")
    number, version = header.get("format"), header.get("spikecuda")
    if not isinstance(number, int) or not isinstance(version, str):
        raise FormatError("its header has no format")
    if number != FORMAT:
        remedy = "use that version or a later one" if number > FORMAT else "use that version"
        raise SpikecudaValueError(
            f"{path} has format {number}, and this version of spikecuda reads format {FORMAT} "
            f"(it was saved by spikecuda {version:.40}); {remedy}"
        )
    if header["kind"] != kind:
        raise SpikecudaValueError(
            f"{path} must hold a {kind} (got a saved {header['kind']!s:.40}); use the class that "
            "saved it"
        )
    return Saved(path, kind, version, None)


def _text(file: NpzFile, name: str) -> bytes:
    if name not in file:
        raise FormatError(f"it has no {name}")
    if file.size(name) > LARGEST_TEXT:
        raise FormatError(f"{name} has {file.size(name):,} bytes")
    array = file.array(name, "u", 1)
    if array.dtype != np.uint8:
        raise FormatError(f"{name} must be bytes (got {array.dtype})")
    return array.tobytes()


def _json(file: NpzFile, name: str) -> Any:
    return json.loads(_text(file, name))


def _digest(text: bytes, values: Mapping[str, np.ndarray]) -> str:
    """Return the hash of a description and of the arrays that it names."""
    digest = hashlib.sha256(text)
    for name in sorted(values):
        array = values[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
