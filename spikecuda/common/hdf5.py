"""HDF5 files: written completely or not at all, and checked when read.

What is read may come from anywhere.  The sizes that a file declares are held against what it stores
and against the memory that is there before any of it is taken; data in other files are refused.
"""

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_path
from spikecuda.common.files import replacing
from spikecuda.common.host_memory import require_memory
from spikecuda.common.npz import open_regular
from spikecuda.common.packages import need
from spikecuda.errors import SpikecudaError, SpikecudaValueError, nearest

# What HDF5 and h5py raise for files that are something else.
DAMAGED = (
    OSError, LookupError, TypeError, ValueError, AttributeError, RuntimeError, ArithmeticError,
    MemoryError,
)  # fmt: skip
KINDS = {
    "b": "truths", "i": "integers", "u": "integers", "f": "numbers", "S": "texts", "O": "texts"
}  # fmt: skip
MOST_LINKS = 16  # as many as HDF5 follows


@contextlib.contextmanager
def reading_hdf5(path: str | os.PathLike[str], what: str, extra: str) -> Iterator["Hdf5File"]:
    """Open an HDF5 file; whatever is found wrong with it in the block names the file.

    Args:
        path: the file.
        what: it must be, as "SONATA nodes"; for messages.
        extra: of spikecuda that installs h5py.

    Raises:
        SpikecudaValueError: it is something else, or damaged.
        OutOfMemoryError: what it declares does not fit.
        MissingPackageError: h5py is not installed.
        OSError: it cannot be opened.
    """
    h5py = need("h5py", extra, f"reading {what}")
    with open_regular(path, what) as stream:
        try:
            with h5py.File(stream, "r") as file:
                yield Hdf5File(Path(path), file, h5py)
        except DAMAGED as error:
            if isinstance(error, SpikecudaError):
                raise
            words = " ".join(str(error).split()) or type(error).__name__
            raise SpikecudaValueError(
                f"path must be {what} (got {os.fspath(path)}: {words:.300}); write it again"
            ) from error


@contextlib.contextmanager
def writing_hdf5(path: str | os.PathLike[str], extra: str) -> Iterator[Any]:
    """Open a new h5py file; it takes its name when the block ends without an error.

    Args:
        path: the file; see ``files.replacing``.
        extra: of spikecuda that installs h5py.

    Raises:
        MissingPackageError: h5py is not installed.
    """
    h5py = need("h5py", extra, "writing HDF5 files")
    with replacing(as_path(path)) as stream, h5py.File(stream, "w") as file:
        yield file


class Hdf5File:
    """The groups and arrays of an open file.

    Attributes:
        path: of the file.
    """

    def __init__(self, path: Path, file: Any, h5py: Any) -> None:
        self.path = path
        self._file, self._h5py = file, h5py

    def __contains__(self, name: str) -> bool:
        return self._find(name) is not None

    def is_group(self, name: str) -> bool:
        """Tell whether there is a group of a name."""
        return isinstance(self._find(name), self._h5py.Group)

    def names(self, group: str) -> list[str]:
        """Return the names in a group, in the file's order.

        Raises:
            SpikecudaValueError: there is no such group.
        """
        found = self._find(group)
        if not isinstance(found, self._h5py.Group):
            raise SpikecudaValueError(
                f"{self.path} must have a group {group} (got {self._near(group)})"
            )
        return list(found)

    def kind(self, name: str) -> str:
        """Return the letter of NumPy's kind of an array's type."""
        return str(self._array(name).dtype.kind)

    def dimensions(self, name: str) -> int:
        """Return how many dimensions an array has."""
        return len(self._array(name).shape)

    def length(self, name: str) -> int:
        """Return how many rows an array declares; reads none of it."""
        shape = self._array(name).shape
        return int(shape[0]) if shape else 0

    def array(self, name: str, kinds: str, ndim: int = 1, length: int | None = None) -> np.ndarray:
        """Return an array in the machine's byte order.

        Args:
            name: its path in the file.
            kinds: letters of NumPy's kinds of types that are allowed, as "iu" for integers.
            ndim: its number of dimensions.
            length: rows that it must have; None: any number.
        """
        found = self._array(name)
        dtype, shape = found.dtype, tuple(found.shape)
        if dtype.kind not in kinds or len(shape) != ndim:
            wanted = " or ".join(dict.fromkeys(KINDS[kind] for kind in kinds))
            raise SpikecudaValueError(
                f"{self.path}, {name}: must be {wanted} in {ndim} dimension{'s' * (ndim > 1)} (got "
                f"shape {shape}, {dtype}); write it again"
            )
        if length is not None and shape[0] != length:
            raise SpikecudaValueError(
                f"{self.path}, {name}: must have {length:,} rows, as the arrays beside it (got "
                f"{shape[0]:,}); write it again"
            )
        self._require_stored(name, found)
        size = math.prod(shape) * dtype.itemsize
        require_memory(2.0 * size, f"{self.path}, {name}", "read it on a larger machine")
        values = found[()]
        return np.ascontiguousarray(values, dtype.newbyteorder("=")).reshape(shape)

    def texts(self, name: str, length: int | None = None) -> list[str]:
        """Return an array of texts."""
        values = self.array(name, "SO", 1, length)
        return [_text(value) for value in values]

    def scalar_text(self, name: str) -> str:
        """Return an array that is one text."""
        found = self._array(name)
        if found.shape not in ((), (1,)) or found.dtype.kind not in "SO":
            raise SpikecudaValueError(f"{self.path}, {name}: must be a text (got {found.dtype})")
        return _text(np.asarray(found[()]).reshape(-1)[0])

    def require_stored(self, name: str) -> None:
        """Raise unless the file stores all that an array declares, and it fits in memory."""
        found = self._array(name)
        self._require_stored(name, found)
        size = math.prod(found.shape) * found.dtype.itemsize
        require_memory(2.0 * size, f"{self.path}, {name}", "read it on a larger machine")

    def text(self, name: str, attribute: str) -> str | None:
        """Return a text attribute of an object; None: it has none of that name."""
        found = self._find(name)
        value = None if found is None else found.attrs.get(attribute)
        if isinstance(value, np.ndarray) and value.size == 1:
            value = value.reshape(-1)[0]
        return None if value is None else _text(value)

    def number(self, name: str, attribute: str) -> float | None:
        """Return a number attribute of an object; None: it has none of that name."""
        found = self._find(name)
        value = None if found is None else found.attrs.get(attribute)
        return None if value is None else float(np.asarray(value).reshape(-1)[0])

    def _find(self, name: str, links: int = 0) -> Any:
        """Return a group or a dataset, None if there is none; refuse what is in other files."""
        here = self._file
        for part in name.strip("/").split("/"):
            if not isinstance(here, self._h5py.Group) or part not in here:
                return None
            link = here.get(part, getlink=True)
            if isinstance(link, self._h5py.ExternalLink):
                raise SpikecudaValueError(
                    f"{self.path}, {name}: must be in this file (got a link to "
                    f"{link.filename!r:.80}); copy it here"
                )
            if isinstance(link, self._h5py.SoftLink):
                inside = link.path if link.path.startswith("/") else f"{here.name}/{link.path}"
                here = self._find(inside, links + 1) if links < MOST_LINKS else None
            else:
                here = here[part]
        return here

    def _array(self, name: str) -> Any:
        found = self._find(name)
        if not isinstance(found, self._h5py.Dataset) or found.shape is None:
            raise SpikecudaValueError(
                f"{self.path} must have an array {name} (got {self._near(name)})"
            )
        return found

    def _near(self, name: str) -> str:
        """Return what the group has in which something is missing."""
        outer, _, last = name.rstrip("/").rpartition("/")
        group = self._find(outer) if outer.strip("/") else self._file
        if not isinstance(group, self._h5py.Group):
            return f"no group {outer}"
        known = list(group)[:20]
        return f"{', '.join(known) or 'nothing'}{nearest(last, known)}"

    def _require_stored(self, name: str, found: Any) -> None:
        """Raise unless the file itself stores all that an array declares."""
        if getattr(found, "is_virtual", False) or found.external:
            raise SpikecudaValueError(
                f"{self.path}, {name}: must be in this file (got data in other files); copy it here"
            )
        count = math.prod(found.shape)
        if not count or found.dtype.kind == "O":
            return
        declared, stored = count * found.dtype.itemsize, int(found.id.get_storage_size())
        complete = stored == declared
        if found.chunks is not None:
            chunks = math.prod(
                -(-size // chunk) for size, chunk in zip(found.shape, found.chunks, strict=True)
            )
            complete = int(found.id.get_num_chunks()) == chunks
        if not complete:
            raise SpikecudaValueError(
                f"{self.path}, {name}: declares {count:,} values of {declared:,} bytes and does "
                f"not store all of them (got {stored:,} bytes in the file); write it again"
            )


def _text(value: Any) -> str:
    """Return a text of HDF5, whose bytes are UTF-8."""
    if isinstance(value, bytes | np.bytes_):
        return bytes(value).decode("utf-8")
    if isinstance(value, str):
        return value
    raise ValueError(f"a text was expected, not {value!r:.80}")
